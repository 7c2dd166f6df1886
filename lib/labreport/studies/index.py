"""The index of the reports folder: every run, comparison and sweep in one table, as they lie on the
disk.
"""

import contextlib
import csv
import json
import math
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..config import experiments, yaml_reader
from ..config.experiments import Experiment
from ..core import files, i18n, paths
from ..core.i18n import _
from ..core.text import printable
from ..reporting import formats, index_page
from ..runs import fingerprint, manifest, records, state
from . import assignments, sweeps
from .study import FINISHED

FILE = "index.html"
LOCK = ".index.lock"
WAIT_SECONDS = 60  # for those that are writing it: each takes a fraction of a second
NOTEBOOK, FAILED = "notebook.ipynb", "failed.ipynb"


@dataclass(frozen=True)
class RunFacts:
    """What a finished training says of itself in metrics.json. changes: from the parameter file."""

    experiment: str
    changes: dict
    sample: bool
    accuracy: float
    split: str
    finished: str
    identity: dict


def write(language: str | None = None) -> Path:
    """Write index.html into the reports folder, anew; returns its path.

    Several processes may do so at once: each looks at the runs when its turn has come.

    language: None for that of the index there is. Raises OSError, and RunLocked where others have
    been at it for a minute.
    """
    folder = paths.reports()
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / LOCK, "the index of the reports", wait=WAIT_SECONDS):
        files.sweep(folder, FILE)
        with i18n.speaking(language or _language(folder / FILE)):
            text = index_page.index_page(entries(), files.now())
        files.replace(folder / FILE, lambda temporary: temporary.write_text(text, "utf-8"))
    return folder / FILE


def _language(page: Path) -> str:
    """Of an index that was written before; English where there is none."""
    try:
        head = page.read_text("utf-8")[:100]
    except (OSError, ValueError):
        return "en"
    return next(
        (language for language in i18n.LANGUAGES if f'<html lang="{language}">' in head), "en"
    )


def entries() -> list[index_page.Entry]:
    """What lies in the reports folder: what is at work first, then the latest.

    A file that is damaged costs its own row no more than what stood in it.
    """
    today = _Today()
    folders = [
        folder
        for folder in sorted(paths.reports().iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
    ]
    by_name = {
        folder.name: entry for folder in folders if (entry := _entry_or_damage(folder, today))
    }
    for name, entry in by_name.items():
        if (
            entry.kind != "run"
            and entry.status == "finished"
            and (reasons := _changed_runs(paths.reports() / name, entry, by_name))
        ):
            by_name[name] = replace(entry, status="outdated", why=reasons)
    return sorted(
        sorted(by_name.values(), key=lambda entry: entry.moment, reverse=True),
        key=lambda entry: entry.status not in ("running", "queued"),
    )


@dataclass
class _Today:
    """What runs would be made from now; whatever many of them have in common is looked at once."""

    sweeps: set = field(default_factory=lambda: set(sweeps.names()))
    assignments: set = field(default_factory=lambda: set(assignments.names()))
    _experiments: dict = field(default_factory=dict)
    _identities: dict = field(default_factory=dict)

    def kind(self, name: str) -> str:
        """run, comparison or sweep."""
        compared = name.removesuffix(f"_{assignments.COMPARISON}")
        return (
            "sweep"
            if name in self.sweeps
            else "comparison"
            if compared != name and compared in self.assignments
            else "run"
        )

    def experiment(self, name: str) -> Experiment | None:
        """As its file says now; None where there is none, or it is wrong."""
        if name not in self._experiments:
            self._experiments[name] = None
            with contextlib.suppress(ValueError):
                self._experiments[name] = experiments.load(name)
        return self._experiments[name]

    def base(self, sweep: str) -> Experiment | None:
        """The experiment that a sweep starts from.

        Its other runs are not looked at: there may be hundreds.
        """
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            file = paths.params() / "sweeps" / f"{sweep}.yaml"
            return self.experiment(yaml_reader.read_file(file, paths.display(file))[0]["base"])
        return None

    def differences(self, result: RunFacts) -> list[str]:
        """Why a run would be done otherwise today; empty where it would not."""
        experiment = self.experiment(result.experiment)
        if experiment is None:
            return [
                _("params/{name}.yaml does not exist or cannot be read", name=result.experiment)
            ]
        try:
            return fingerprint.differences(
                result.identity,
                self._identity(_changed(experiment, result.changes), result.identity["data"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            # of a model that is no longer there, for one
            return [_("its settings do not fit the current source code ({error})", error=error)]

    def _identity(self, experiment: Experiment, data: str) -> dict:
        """As identity.of: code, versions and weights are those of all runs of the same model,
        optimizer and loss.
        """
        if experiment.starts_from:
            return fingerprint.of(experiment, data)
        key = json.dumps(
            [
                experiment.model,
                experiment.model_args,
                experiment.dataset_args.get("image_size"),
                experiment.optimizer,
                experiment.loss,
                bool(experiment.augmentation),
            ]
        )
        if key not in self._identities:
            self._identities[key] = fingerprint.of(experiment, data)
        return self._identities[key] | {
            "settings": experiment.training_settings(),
            "data": data,
        }


def _changed(experiment: Experiment, changes: dict) -> Experiment:
    """The experiment with the changes of a run, without reading its file again for every run."""
    values: dict[str, Any] = {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in vars(experiment).items()
    }
    for key, value in changes.items():
        name, _, entry = key.partition(".")
        if entry:
            values[name][entry] = value
        else:
            values[name] = value
    return Experiment(**values | {"changes": changes})


def _entry_or_damage(folder: Path, today: _Today) -> index_page.Entry | None:
    """As `_entry`; where a file cannot be read for a reason that nobody foresaw, a row that says
    so.
    """
    try:
        return _entry(folder, today)
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        OverflowError,
        RecursionError,
    ) as error:
        named = getattr(error, "filename", None)
        what = Path(str(named)).name if named else _("a file of this run")
        return index_page.Entry(
            printable(folder.name),
            today.kind(folder.name.split("--")[0]),
            "",
            "",
            False,
            "damaged",
            [_("{file} cannot be read", file=what)],
            [],
            None,
            "",
            "",
            0.0,
        )


def _entry(folder: Path, today: _Today) -> index_page.Entry | None:
    """None where the folder holds no run."""
    name = folder.name.split("--")[0]
    kind, now, result = today.kind(name), state.read(folder), _result(folder)
    if kind == "run" and (folder / "sweep.json").exists():  # of a sweep whose file is gone
        kind = "sweep"
    record = now.record or {}
    status, why = now.name, [now.why] if now.why else []
    if kind == "sweep" and files.locked(folder / sweeps.LOCK):
        status, why = "running", []
    elif kind == "run" and status in ("none", "finished"):
        lacking = [file for file in FINISHED if not (folder / file).exists()]
        if status == "none" and "metrics.json" in lacking:
            if not (folder / state.FILE).exists():
                return None
            lacking = [state.FILE]
        if lacking == [state.FILE]:
            status, why = "damaged", [_("{file} cannot be read", file=state.FILE)]
        elif lacking or result is None:
            status, why = (
                "damaged",
                [_("{file} is missing", file=file) for file in lacking]
                or [_("{file} cannot be read", file="metrics.json")],
            )
        else:
            edited = [
                _("{name} was changed after it was executed", name=file)
                for file in manifest.changed(folder)
            ]
            why = edited or today.differences(result)
            status = "changed" if edited else "outdated" if why else "finished"
    elif status == "none":
        return None
    experiment = (
        today.base(name) if kind == "sweep" else today.experiment(name) if kind == "run" else None
    )
    finished = (
        result.finished if result else record.get("ended", "") if status == "finished" else ""
    )
    finished = finished if records.is_moment(finished) else ""
    linked = [
        i18n.file(file, language)
        for file in (*formats.files(), NOTEBOOK)
        for language in i18n.LANGUAGES
    ]
    return index_page.Entry(
        name=printable(folder.name),
        kind=kind,
        title=_(experiment.title) if experiment and kind == "run" else "",
        status=status,
        why=[printable(reason) for reason in why],
        assignment=(
            experiment.notebook
            if experiment
            else name.removesuffix(f"_{assignments.COMPARISON}")
            if kind == "comparison"
            else ""
        ),
        sample=result.sample if result else folder.name.split("--")[1:2] == ["sample"],
        accuracy=result.accuracy if result else None,
        split=result.split if result else "",
        curve=(
            _curve(folder / "history.csv")
            if result
            else _curve(folder / state.UNFINISHED / "history.csv")
        ),
        finished=finished,
        moment=max(
            map(
                _seconds,
                (finished, *(record.get(key, "") for key in ("ended", "heartbeat", "since"))),
            )
        ),
        files=[file for file in (*linked, FAILED) if (folder / file).exists()],
    )


def _result(folder: Path) -> RunFacts | None:
    """None where there is none, or it is damaged."""
    metrics = records.metrics(folder)
    if not metrics:
        return None
    return RunFacts(
        metrics.experiment,
        metrics.changes,
        metrics.data == "sample",
        float(metrics.evaluated_accuracy),
        printable(metrics.evaluated_split),
        metrics.finished,
        metrics.identity,
    )


def _curve(history: Path) -> list[float]:
    """Validation accuracy by epoch; empty where there is none, or the file is damaged."""
    try:
        with open(history, newline="", encoding="utf-8") as file:
            curve = [float(row["val_accuracy"]) for row in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError, csv.Error):
        return []
    return curve if all(map(math.isfinite, curve)) else []


def _seconds(moment) -> float:
    """Since 1970; 0 where there is no moment."""
    try:
        return datetime.fromisoformat(moment).timestamp()
    except (TypeError, ValueError, OverflowError):
        return 0.0


def _changed_runs(
    folder: Path, comparison: index_page.Entry, entries_by_name: dict[str, index_page.Entry]
) -> list[str]:
    """Why a comparison or sweep would say something else today: what it read of its runs is no
    longer what lies there.
    """
    made_from = files.read_json(folder / "made_from.json")
    stages = (
        [value for key, value in made_from.items() if key.split(".")[0] == "executed"]
        if isinstance(made_from, dict)
        else []
    )
    reasons = []
    with contextlib.suppress(KeyError, TypeError, AttributeError, OSError):
        # a damaged file tells nothing
        for stage in stages:
            states, digests = stage["settings"], stage.get("code") or stage["source"]
            for name, state_then in states.items():
                entry = entries_by_name.get(name)
                complete = entry is not None and entry.accuracy is not None
                outdated = entry is not None and entry.status in ("outdated", "changed")
                if complete == state_then.startswith("missing"):
                    reasons.append(
                        _("{run} has finished since", run=name)
                        if complete
                        else _("{run} no longer exists", run=name)
                    )
                elif (
                    complete
                    and files.sha256(paths.reports() / name / "metrics.json")
                    != digests[f"{name}/metrics.json"]
                ):
                    reasons.append(_("{run} has been repeated since", run=name))
                elif complete and ("outdated" in state_then.split(";")[0]) != outdated:
                    reasons.append(
                        _("{run} is outdated", run=name)
                        if outdated
                        else _("{run} is no longer outdated", run=name)
                    )
            if comparison.kind == "comparison":
                # a full run takes the place of one with settings of its own
                reasons += [
                    _("{run} has finished since", run=name)
                    for name, entry in entries_by_name.items()
                    if entry.kind == "run"
                    and "--" not in name
                    and entry.assignment == comparison.assignment
                    and entry.accuracy is not None
                    and name not in states
                ]
    return list(dict.fromkeys(reasons))

"""What the repository keeps of full runs: measurements, and what they were made from and ran on,
without what names a machine or a person.
"""

import csv
import datetime
import math
import platform
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import experiments
from ..config.experiments import Experiment
from ..core import files, paths
from ..core.i18n import listed
from ..core.text import printable
from ..runs import fingerprint, manifest, records, results
from ..staleness import rules as staleness

FILES = (records.METRICS, results.HISTORY, records.PROVENANCE)
# What a checkout's changes may be named of: the files that can decide a number.
_SOURCES = ("lib/", "params/", "notebooks/", "pipeline.py", "pyproject.toml", "requirements")
_ROUNDING = 1e-6  # history.csv has nine digits
# A path from the root or the home folder; `95/5`, `and/or` and addresses are none.
_PATH = re.compile(r"(?<![\w.~:/-])~?/(?:[\w.@+-]+/)*[\w.@+-]+")


@dataclass(frozen=True)
class Evidence:
    """A full run, as docs/results/ keeps it.

    earlier: what decides its numbers and has changed since, in words; empty where nothing has.
    """

    experiment: Experiment
    metrics: records.Metrics
    provenance: records.Provenance
    earlier: list[str]

    @property
    def images(self) -> int:
        """How many images it was evaluated on."""
        return self.metrics.dataset.images[self.metrics.evaluated_split]

    @property
    def correct(self) -> int:
        """How many of them it was right on."""
        return round(self.metrics.evaluated_accuracy * self.images)


def folder(name: str = "") -> Path:
    """Path of the evidence of an experiment, or of all."""
    return paths.root() / "docs" / "results" / name


def load_all() -> dict[str, Evidence]:
    """The evidence there is, by experiment; ValueError where a folder proves nothing."""
    found = sorted(folder().iterdir()) if folder().is_dir() else []
    return {path.name: load(path.name) for path in found if not path.name.startswith(".")}


def load(name: str) -> Evidence:
    """The evidence of an experiment.

    Raises ValueError where it is not that of a full run, or where its files contradict each other.
    """
    place = folder(name)
    if name not in experiments.names():
        raise ValueError(f"{paths.display(place)}: there is no params/{name}.yaml; delete it")
    there = {path.name for path in place.iterdir()} if place.is_dir() else set()
    if there != set(FILES):
        raise ValueError(
            f"{paths.display(place)} must hold {', '.join(FILES)} and nothing else;"
            f" it holds {listed(sorted(there)) or 'nothing'}"
        )
    experiment = experiments.load(name)
    metrics, provenance = _read(experiment, place)
    return Evidence(experiment, metrics, provenance, _changed_since(experiment, metrics.identity))


def keep(experiment: Experiment) -> bool:
    """Copy what the finished run of an experiment proves to docs/results/; False where a run that
    is as new stands there already.

    A run whose code has changed since is kept too: its row says so.

    Raises FileNotFoundError where there is no finished run; ValueError where it is not a full run
    with the settings of the file, or was edited.
    """
    source = experiment.folder
    if results.finished(source) is None:
        raise FileNotFoundError(
            f"{paths.display(source)} holds no finished run; `make report EXP={experiment.name}`"
            " makes one"
        )
    if edited := manifest.changed(source, manifest.TRAINED):
        raise ValueError(f"{paths.display(source)}: {listed(edited)} changed after the training")
    metrics, provenance = _read(experiment, source)
    settings = {"settings": experiment.training_settings()}
    if other := fingerprint.differences({"settings": metrics.identity["settings"]}, settings):
        raise ValueError(
            f"{paths.display(source)} was made with other settings than params/"
            f"{experiment.name}.yaml has: {listed(other)}"
        )
    place = folder(experiment.name)
    if _moment(metrics) <= _moment_kept(experiment):
        return False
    place.mkdir(parents=True, exist_ok=True)
    files.write_text(place / results.HISTORY, (source / results.HISTORY).read_text("utf-8"))
    files.write_json(
        place / records.PROVENANCE, _without_paths(_published(provenance, source).as_json())
    )
    files.write_json(place / records.METRICS, _without_paths(metrics.as_json()))
    return True


def _moment(metrics: records.Metrics) -> float:
    return datetime.datetime.fromisoformat(metrics.finished).timestamp()


def _moment_kept(experiment: Experiment) -> float:
    """When the run finished whose evidence there is; damaged evidence is replaced by any run."""
    try:
        return _moment(_read(experiment, folder(experiment.name))[0])
    except (OSError, ValueError):
        return -math.inf


def _read(experiment: Experiment, place: Path) -> tuple[records.Metrics, records.Provenance]:
    """Metrics and provenance of a folder; ValueError where they prove nothing."""
    metrics, provenance = records.metrics(place), records.provenance(place)
    if metrics is None or provenance is None:
        damaged = records.PROVENANCE if metrics else records.METRICS
        raise ValueError(f"{paths.display(place / damaged)} is damaged; copy the run again")
    if doubt := next(_doubts(experiment, metrics, provenance, _history(place)), None):
        raise ValueError(f"{paths.display(place)}: {doubt}")
    return metrics, provenance


def _history(place: Path) -> list[dict[str, str]]:
    with open(place / results.HISTORY, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _doubts(experiment, metrics, provenance, history: list[dict[str, str]]) -> Iterator[str]:
    """Why files do not prove a full run of an experiment: what they are, and whether they agree."""
    settings = metrics.identity.get("settings", {})
    if metrics.experiment != experiment.name:
        yield f"it is a run of {metrics.experiment}"
    if metrics.data != "real" or settings.get("data") != "real":
        yield "it used sample data"
    if metrics.changes or settings.get("max_images") is not None:
        yield "it has settings that are not those of its parameter file"
    if provenance.data != metrics.identity.get("data"):
        yield f"{records.METRICS} and {records.PROVENANCE} name different data"
    images = metrics.dataset.images.get(metrics.evaluated_split, 0)
    correct = metrics.evaluated_accuracy * images
    if not images or abs(correct - round(correct)) > _ROUNDING * images:
        yield f"accuracy {metrics.evaluated_accuracy} is no share of {images} images"
    if len(history) != metrics.epochs or not 1 <= metrics.best_epoch <= metrics.epochs:
        yield f"{results.HISTORY} has {len(history)} epochs, {records.METRICS} {metrics.epochs}"
        return
    best = history[metrics.best_epoch - 1]
    for column, value in (
        ("epoch", metrics.best_epoch),
        ("val_accuracy", metrics.validation_accuracy),
        ("val_loss", metrics.validation_loss),
    ):
        if abs(float(best[column]) - value) > _ROUNDING * max(1, abs(value)):
            yield (
                f"{column} of epoch {metrics.best_epoch} is {best[column]} in {results.HISTORY},"
                f" {value} in {records.METRICS}"
            )


def _changed_since(experiment: Experiment, identity: dict) -> list[str]:
    """What the repository would train differently now. Versions and data are not asked for: they
    are a machine's, and a page must be the same on all.
    """
    return fingerprint.differences(identity, _as_now(experiment, identity))


def _as_now(experiment: Experiment, identity: dict) -> dict:
    base = experiments.base(experiment)
    return (
        identity
        | {"settings": experiment.training_settings(), "code": staleness.training(experiment)}
        | ({"starts_from": _as_now(base, identity.get("starts_from") or {})} if base else {})
    )


def _published(provenance: records.Provenance, source: Path) -> records.Provenance:
    """What of it belongs in a public repository. The versions of all packages go: the digest of the
    lock file stands for them, and a private package would be named.
    """
    sessions = [_published_session(session) for session in provenance.sessions]
    return replace(provenance, imported={}, sessions=sessions)


def _published_session(session: records.Session) -> records.Session:
    checkout = session.checkout
    changes = [
        change for change in checkout.changes if change.split(maxsplit=1)[-1].startswith(_SOURCES)
    ]
    parts = session.system.split()
    system = " ".join(parts[:1] + parts[2:])  # the kernel's release may name a provider or a site
    environment = {name: _without_host(value) for name, value in session.environment.items()}
    return replace(
        session,
        system=system,
        environment=environment,
        checkout=replace(checkout, changes=changes, diff="", error=_without_host(checkout.error)),
    )


def _without_host(text: str) -> str:
    name = platform.node()
    return re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", "[host]", text) if name else text


def _without_paths(values):
    """What JSON can hold, with every path in its texts struck out."""
    if isinstance(values, str):
        return _PATH.sub("[path]", printable(values))
    if isinstance(values, dict):
        return {key: _without_paths(value) for key, value in values.items()}
    if isinstance(values, list):
        return [_without_paths(value) for value in values]
    return values

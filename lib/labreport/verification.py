"""Whether a run can be repeated: run again in a scratch place and compared; and how two runs differ."""

import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from . import execution, experiments, files, identity, paths, provenance, results

TOLERANCE = 1e-3  # of losses, accuracies and probabilities, absolute and relative: what another device or number of threads may change
CLOCKED = ("seconds", "prepared_seconds", "seconds_per_epoch", "finished")
DECIDED = ("identity", "dataset", "run", "experiment", "changes", "data")  # by what was run, not by how it came out


@dataclass(frozen=True)
class Verdict:
    """verdict: identical, within tolerance, or different. where: the first difference, empty where there is none.

    reasons: what the two were made from differently. machine: what they ran on differently. verified: when. of: when the run that was compared
    had finished.
    """

    verdict: str
    where: str
    reasons: list[str]
    machine: list[str]
    tolerance: float
    verified: str
    of: str
    ran_on: str

    def __str__(self) -> str:
        how = {"identical": "history, predictions and metrics are the same, bit for bit", "different": f"first in {self.where}",
               "within tolerance": f"no number differs by more than {self.tolerance:g}; first different in {self.where}"}[self.verdict]
        return f"{self.verdict}: {how}"


def verify(experiment, tolerance: float = TOLERANCE, output=None) -> Verdict:
    """Run an experiment again, from the raw data on, in a scratch place, and compare what comes out with its finished run.

    Stopped, it goes on with the next call; what a failed one has left stays in the scratch place until then. The number of
    threads is that of the finished run. Raises FileNotFoundError where there is none.
    """
    recorded = results.load(experiment.folder)
    last = recorded.provenance["sittings"][-1]
    scratch = paths.cache() / "verification" / experiment.run_name
    scratch.parent.mkdir(parents=True, exist_ok=True)
    with files.lock(scratch.with_name(f"{scratch.name}.lock"), f"the verification of {experiment.run_name}"), open(os.devnull, "w") as nowhere:
        own = {"LABREPORT_REPORTS": f"{scratch}/reports", "LABREPORT_CACHE": f"{scratch}/cache", "LABREPORT_THREADS": str(last["threads"])}
        before = {name: os.environ.get(name) for name in own}
        os.environ |= own
        try:
            execution.run(experiment, output or nowhere)
            again = results.load(experiment.folder)
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        shutil.rmtree(scratch)
    reasons = identity.differences(recorded.metrics["identity"], again.metrics["identity"])
    verdict, where = compare(recorded, again, 0 if reasons else tolerance)  # tolerance is for another machine, not for another training
    now = again.provenance["sittings"][-1]
    return Verdict(verdict, where, reasons, provenance.other_surroundings(last, now), tolerance, files.now(), recorded.metrics["finished"], f"{now['processor']}, {now['backend']} on {now['device']}, {now['threads']} threads")


def stamp(experiment, verdict: Verdict) -> None:
    """Put a verdict into the run folder, where the report finds it."""
    metrics = results.finished(experiment.folder)
    if metrics is None or metrics["finished"] != verdict.of:
        raise ValueError(f"{experiment.run_name} has been replaced since it was verified; verify it again")
    if verdict.reasons:
        raise ValueError(f"not stamped: what {experiment.run_name} was made from is no longer here ({'; '.join(verdict.reasons)}); a report made now would be of another run")
    files.write_json(experiment.folder / results.VERIFICATION, asdict(verdict))


def compare(one: results.Result, other: results.Result, tolerance: float = TOLERANCE) -> tuple[str, str]:
    """identical, within tolerance or different; and the first difference: history before predictions before metrics."""
    first = ""
    for where, apart in _differences(one, other):
        first = first or where
        if not apart <= tolerance:  # not a number is no small difference
            return "different", first
    return ("within tolerance", first) if first else ("identical", "")


def _differences(one, other):
    """(where, how far apart relative to the larger of 1 and the value) of all differences, in order; infinity where it is no matter of degree."""
    if list(one.history) != list(other.history):
        yield f"history: columns {', '.join(one.history)}, then {', '.join(other.history)}", np.inf
        return
    for epoch in range(min(len(one.history), len(other.history))):
        for column in one.history:
            yield from _apart(f"history, epoch {epoch + 1}, {column}", one.history[column][epoch], other.history[column][epoch])
    if len(one.history) != len(other.history):
        yield f"history: {len(one.history)} epochs, then {len(other.history)}", np.inf
    if list(one.predictions["id"]) != list(other.predictions["id"]):
        yield "predictions: of other images", np.inf
        return
    if list(one.predictions) != list(other.predictions):
        yield "predictions: of other classes", np.inf
        return
    numbers = [table.drop(columns=["id", "label", "predicted"]).to_numpy() for table in (one.predictions, other.predictions)]
    for column in ("label", "predicted"):
        for row in np.flatnonzero(one.predictions[column] != other.predictions[column]):
            yield from _apart(f"predictions, image {one.predictions['id'][row]}, {column}", one.predictions[column][row], other.predictions[column][row])
    for row, column in np.argwhere(numbers[0] != numbers[1]):
        yield from _apart(f"predictions, image {one.predictions['id'][row]}, {one.class_names[column]}", numbers[0][row, column], numbers[1][row, column])
    for key in {**one.metrics, **other.metrics}:
        if key not in (*CLOCKED, *DECIDED):
            yield from _apart(f"metrics, {key}", one.metrics.get(key), other.metrics.get(key), whole=not key.endswith(("accuracy", "loss")))


def _apart(where: str, one, other, whole: bool = False):
    if one == other:
        return
    numbers = all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in (one, other))
    shown = (f"{value:.9g}" if isinstance(value, (float, np.floating)) else str(value) for value in (one, other))
    yield f"{where}: {' then '.join(shown)}", abs(one - other) / max(1, abs(one)) if numbers and not whole else np.inf


def folder_of(name: str, settings: dict) -> Path:
    """The folder of a finished run: of an experiment with these settings, or by the name of the folder itself (ValueError, FileNotFoundError)."""
    for folder in (paths.reports() / name, Path(name)) if not settings else ():
        if results.finished(folder):
            return folder
    experiment = experiments.load(name, settings)
    results.load(experiment.folder)  # raises
    return experiment.folder


def side_by_side(one: Path, other: Path) -> dict[str, pd.DataFrame]:
    """What differs between two finished runs: settings, source, data, environment and results, each as a table of item and the two values."""
    runs = [results.load(folder) for folder in (one, other)]
    names = [one.name, other.name] if one.name != other.name else [str(one), str(other)]

    def table(values):
        flat = [experiments.flatten(each) for each in values]
        rows = [(key, *(_shown(each.get(key)) for each in flat)) for key in dict.fromkeys([*flat[0], *flat[1]]) if flat[0].get(key) != flat[1].get(key)]
        return pd.DataFrame(rows, columns=["", *names])

    origins = [run.provenance for run in runs]
    environments = [{key: value for key, value in origin["sittings"][-1].items() if key in (*provenance.machine(), "backend", "device", "threads", "environment")}
                    | {"sittings": len(origin["sittings"]), "commit": origin["sittings"][-1]["checkout"]["commit"], "changes": origin["sittings"][-1]["checkout"]["changes"],
                       "lock files": origin["sittings"][-1]["locks"], "packages": origin["imported"]} for origin in origins]
    data = [run.metrics["dataset"] for run in runs]
    found = {"Settings": table([origin["settings"] for origin in origins]), "Source": table([run.metrics["identity"]["source"] for run in runs]),
             "Environment": table(environments), "Data": table(data),
             "Results": table([{key: value for key, value in run.metrics.items() if key not in DECIDED and key != "seconds_per_epoch"} for run in runs])}
    verdict, where = compare(*runs)
    found["History and predictions"] = pd.DataFrame([("compared", verdict, where)], columns=["", "verdict", "first difference"])
    return {name: rows for name, rows in found.items() if len(rows)}


def _shown(value) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."

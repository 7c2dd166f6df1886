"""How two finished runs differ: number by number, and side by side in tables."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from ..config import experiments
from ..core import paths
from ..runs import provenance, results

# of losses, accuracies and probabilities, absolute and relative: what another device or number of
# threads may change
TOLERANCE = 1e-3
CLOCKED = ("seconds", "prepared_seconds", "seconds_per_epoch", "finished")
# by what was run, not by how it came out
DECIDED = ("identity", "dataset", "run", "experiment", "changes", "data")


def compare(
    one: results.Result, other: results.Result, tolerance: float = TOLERANCE
) -> tuple[str, str]:
    """identical, within tolerance or different; and the first difference: history before
    predictions before metrics.
    """
    first = ""
    for where, apart in _differences(one, other):
        first = first or where
        if not apart <= tolerance:  # not a number is no small difference
            return "different", first
    return ("within tolerance", first) if first else ("identical", "")


def _differences(one, other):
    """(where, how far apart relative to the larger of 1 and the value) of all differences, in
    order; infinity where it is no matter of degree.
    """
    columns, theirs = _columns(one, other), _columns(other, one)
    if columns != theirs:
        yield f"history: columns {', '.join(columns)}, then {', '.join(theirs)}", np.inf
        return
    for epoch in range(min(len(one.history), len(other.history))):
        for column in columns:
            yield from _apart(
                f"history, epoch {epoch + 1}, {column}",
                one.history[column][epoch],
                other.history[column][epoch],
            )
    if len(one.history) != len(other.history):
        yield f"history: {len(one.history)} epochs, then {len(other.history)}", np.inf
    yield from _predicted_apart(one, other) if one.predictions is not None else ()
    mine, others = _measured(one, other), _measured(other, one)
    for key in mine | others:
        whole = not key.endswith(("accuracy", "loss"))
        yield from _apart(f"metrics, {key}", mine.get(key), others.get(key), whole)


def _columns(one, other) -> list[str]:
    """Of a run's history, without the accuracies of further outputs that an earlier version of
    labreport did not measure in the other run.
    """
    measured = {"accuracy", "val_accuracy", *other.history}
    return [name for name in one.history if name in measured or not name.endswith("_accuracy")]


def _measured(one, other) -> dict:
    """The metrics of a run that another has too; a number for each output."""
    unknown = () if one.metrics.outputs and other.metrics.outputs else ("outputs",)
    values = one.metrics.as_json().items()
    left_out = {*CLOCKED, *DECIDED, *unknown}
    return experiments.flatten(
        experiments.flatten({key: value for key, value in values if key not in left_out})
    )


def _predicted_apart(one, other):
    if list(one.predictions["id"]) != list(other.predictions["id"]):
        yield "predictions: for different images", np.inf
        return
    if list(one.predictions) != list(other.predictions):
        yield "predictions: for different classes", np.inf
        return
    numbers = [
        table.drop(columns=["id", "label", "predicted"]).to_numpy()
        for table in (one.predictions, other.predictions)
    ]
    for column in ("label", "predicted"):
        for row in np.flatnonzero(one.predictions[column] != other.predictions[column]):
            yield from _apart(
                f"predictions, image {one.predictions['id'][row]}, {column}",
                one.predictions[column][row],
                other.predictions[column][row],
            )
    for row, column in np.argwhere(numbers[0] != numbers[1]):
        yield from _apart(
            f"predictions, image {one.predictions['id'][row]}, {one.class_names[column]}",
            numbers[0][row, column],
            numbers[1][row, column],
        )


def _apart(where: str, one, other, whole: bool = False):
    if one == other:
        return
    numbers = all(
        isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        for value in (one, other)
    )
    shown = (
        f"{value:.9g}" if isinstance(value, (float, np.floating)) else str(value)
        for value in (one, other)
    )
    try:
        difference = abs(one - other) / max(1, abs(one)) if numbers and not whole else np.inf
    except OverflowError:  # a whole number that no float holds
        difference = np.inf
    yield f"{where}: {' then '.join(shown)}", difference


def folder_of(name: str, settings: dict) -> Path:
    """The folder of a finished run: of an experiment with these settings, or by the name of the
    folder itself (ValueError, FileNotFoundError).
    """
    for folder in (paths.reports() / name, Path(name)) if not settings else ():
        if results.finished(folder):
            return folder
    experiment = experiments.load(name, settings)
    results.load(experiment.folder)  # raises
    return experiment.folder


def side_by_side(one: Path, other: Path) -> dict[str, pd.DataFrame]:
    """What differs between two finished runs: settings, source, data, environment and results, each
    as a table of item and the two values.
    """
    runs = [results.load(folder) for folder in (one, other)]
    names = [one.name, other.name] if one.name != other.name else [str(one), str(other)]

    def table(values):
        flat = [experiments.flatten(each) for each in values]
        rows = [
            (key, *(_shown(each.get(key)) for each in flat))
            for key in dict.fromkeys([*flat[0], *flat[1]])
            if flat[0].get(key) != flat[1].get(key)
        ]
        return pd.DataFrame(rows, columns=["", *names])

    origins = [run.provenance for run in runs]
    ran_on = (*provenance.machine(), "backend", "device", "threads", "environment")
    environments = [
        {key: getattr(origin.last, key) for key in ran_on}
        | {
            "sessions": len(origin.sessions),
            "commit": origin.last.checkout.commit,
            "changes": origin.last.checkout.changes,
            "lock files": origin.last.locks,
            "packages": origin.imported,
        }
        for origin in origins
    ]
    data = [asdict(run.metrics.dataset) for run in runs]
    found = {
        "Settings": table([origin.settings for origin in origins]),
        "Code": table([run.metrics.identity.get("code", {}) for run in runs]),
        "Environment": table(environments),
        "Data": table(data),
        "Results": table(
            [
                {
                    key: value
                    for key, value in run.metrics.as_json().items()
                    if key not in DECIDED and key != "seconds_per_epoch"
                }
                for run in runs
            ]
        ),
    }
    verdict, where = compare(runs[0], runs[1])
    found["History and predictions"] = pd.DataFrame(
        [("compared", verdict, where)], columns=["", "verdict", "first difference"]
    )
    return {name: rows for name, rows in found.items() if len(rows)}


def _shown(value) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "-" if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."

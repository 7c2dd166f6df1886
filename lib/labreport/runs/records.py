"""What can be read of a run folder's JSON files: each is whole, or counts as none, so that one
damaged file costs its own run only.
"""

import datetime
import math
from pathlib import Path

from ..core import files

METRICS, MADE_FROM, PROVENANCE, VERIFICATION = (
    "metrics.json",
    "made_from.json",
    "provenance.json",
    "verification.json",
)
_METRICS = {
    "experiment": str,
    "data": str,
    "changes": dict,
    "evaluated_split": str,
    "finished": str,
    "dataset": dict,
    "identity": dict,
}
_SITTING = {"started": str, "device": str, "threads": int, "locks": dict, "checkout": dict}


def metrics(folder: Path) -> dict | None:
    """What metrics.json says of a finished training; None where there is none, or it is damaged."""
    found = files.read_json(folder / METRICS)
    if (
        not _has(found, _METRICS)
        or not is_moment(found["finished"])
        or not is_identity(found["identity"])
    ):
        return None
    accuracy = found.get("evaluated_accuracy")
    if type(accuracy) not in (int, float) or not 0 <= accuracy <= 1 or math.isnan(accuracy):
        return None
    whole = type(found.get("epochs", 1)) is int and isinstance(
        found["dataset"].get("fingerprint"), str
    )
    return found if whole else None


def damaged(folder: Path) -> bool:
    """Whether there is a metrics.json that cannot be read."""
    return (folder / METRICS).exists() and metrics(folder) is None


def made_from(folder: Path) -> dict[str, dict]:
    """What the notebook and the reports were made from, by stage; without the stages that are
    damaged.
    """
    found = files.read_json(folder / MADE_FROM)
    stages = found.items() if isinstance(found, dict) else ()
    return {stage: values for stage, values in stages if is_identity(values)}


def provenance(folder: Path) -> dict | None:
    """What provenance.json says; None where there is none, or it is damaged."""
    found = files.read_json(folder / PROVENANCE)
    sittings = found.get("sittings") if isinstance(found, dict) else None
    whole = (
        isinstance(sittings, list)
        and sittings
        and all(_has(sitting, _SITTING) for sitting in sittings)
    )
    return (
        found
        if whole and _has(found, {"settings": dict, "versions": dict, "imported": dict})
        else None
    )


def verification(folder: Path) -> dict | None:
    """What came of repeating a run; None where nobody has, or the file is damaged."""
    found = files.read_json(folder / VERIFICATION)
    return (
        found
        if _has(found, dict.fromkeys(("verdict", "where", "verified", "of", "ran_on"), str))
        else None
    )


def is_identity(values) -> bool:
    """Whether this is what something was made from, in the parts of `identity.differences`."""
    if not isinstance(values, dict):
        return False
    mappings = all(isinstance(values.get(key), dict | None) for key in ("weights", "starts_from"))
    texts = all(isinstance(values.get(key), str | None) for key in ("data", "host"))
    named = all(are_texts(values.get(key, {})) for key in ("code", "source", "versions"))
    base = values.get("starts_from")
    return (
        mappings
        and texts
        and named
        and isinstance(values.get("settings", {}), dict)
        and (not base or is_identity(base))
    )


def are_texts(values) -> bool:
    """Whether this maps names to texts."""
    return isinstance(values, dict) and all(
        isinstance(value, str) and key.strip() for key, value in values.items()
    )


def is_moment(text) -> bool:
    """Whether this is a time as `files.now` writes it."""
    try:
        datetime.datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def _has(values, kinds: dict) -> bool:
    return isinstance(values, dict) and all(
        type(values.get(key)) is kind for key, kind in kinds.items()
    )

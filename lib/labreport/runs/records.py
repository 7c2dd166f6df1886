"""What can be read of a run folder's JSON files: each is whole, or counts as none, so that one
damaged file costs its own run only.
"""

from __future__ import annotations

import datetime
import functools
import typing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any

from ..core import files

METRICS = "metrics.json"  # written last: a run folder that has it is finished
MADE_FROM = "made_from.json"
PROVENANCE = "provenance.json"
VERIFICATION = "verification.json"  # only where a run was repeated, and compared


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """The commit that the project was at, and what was changed since. error: why nobody knows.
    packed: whether it came as an archive.
    """

    commit: str | None = None
    changes: list[str] = field(default_factory=list)
    diff: str = ""
    error: str = ""
    packed: bool = False


@dataclass(frozen=True, kw_only=True)
class Session:
    """A process that had a part in a training: from when to when, which epochs, on what."""

    started: str  # a time as `files.now` writes it
    first_epoch: int = 1
    python: str = ""
    system: str = ""
    processor: str = ""
    cores: int = 0
    backend: str = ""
    device: str
    threads: int
    environment: dict[str, str] = field(default_factory=dict)
    checkout: Checkout
    locks: dict[str, str]
    last_epoch: int | None = None
    ended: str | None = None
    peak_memory_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What provenance.json holds: the settings of a training and what it ran on."""

    settings: dict[str, Any]
    seed: int | None = None
    data: str | None = None  # fingerprint of the data set
    sessions: list[Session]
    versions: dict[str, str]
    imported: dict[str, str]

    @property
    def last(self) -> Session:
        """The session that finished the training."""
        return self.sessions[-1]

    def as_json(self) -> dict:
        """As the file holds it."""
        values = asdict(self)
        values["sittings"] = values.pop("sessions")  # the name that files have had from the first
        return values


@dataclass(frozen=True, kw_only=True)
class DataRecord:
    """The data set of a training, as metrics.json holds it. images: by split."""

    name: str = ""
    class_names: list[str] = field(default_factory=list)
    fingerprint: str
    notes: list[str] = field(default_factory=list)
    images: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """What metrics.json holds: what a training was, and what was measured.

    experiment, run: names. data: real or sample. changes: settings that are not those of the file.
    evaluated_split: test, or validation where there is no test split. train, validation: at the
    best epoch, which counts from 1. seconds: of the training, with what comes before the epochs.
    finished: a time as `files.now` writes it. identity: what the training was made from.

    outputs: of a network with several, by name and in their order, `accuracy` and `loss` on the
    evaluated split, and `joint_accuracy`, the share of images that this output and the first one
    both classify correctly.

    A file may lack what has a default.
    """

    experiment: str
    run: str
    data: str
    changes: dict[str, Any]
    evaluated_split: str
    evaluated_accuracy: float
    evaluated_loss: float
    test_accuracy: float | None = None
    test_loss: float | None = None
    validation_accuracy: float
    validation_loss: float
    train_accuracy: float
    train_loss: float
    outputs: dict[str, dict[str, float]] = field(default_factory=dict)
    best_epoch: int
    epochs: int
    stopped_early: bool = False
    features_once: bool = False
    seconds: float
    prepared_seconds: float = 0.0
    seconds_per_epoch: list[float] = field(default_factory=list)
    total_parameters: int
    trainable_parameters: int
    finished: str
    dataset: DataRecord
    identity: dict[str, Any]

    def as_json(self) -> dict:
        """As the file holds it."""
        return asdict(self)


def session(values) -> Session | None:
    """A session from what a file holds; None where that is damaged."""
    checkout = _typed(Checkout, values.get("checkout")) if isinstance(values, dict) else None
    return _typed(Session, values | {"checkout": checkout}) if checkout else None


def as_provenance(values) -> Provenance | None:
    """What a provenance.json holds; None where it is damaged."""
    found = values.get("sittings") if isinstance(values, dict) else None
    sessions = [session(one) for one in found] if isinstance(found, list) else []
    if not sessions or None in sessions:
        return None
    return _typed(Provenance, values | {"sessions": sessions})


def as_metrics(values) -> Metrics | None:
    """What a metrics.json holds; None where it is damaged."""
    dataset = _typed(DataRecord, values.get("dataset")) if isinstance(values, dict) else None
    found = _typed(Metrics, values | {"dataset": dataset}) if dataset else None
    whole = (
        found is not None
        and is_moment(found.finished)
        and is_identity(found.identity)
        and found.evaluated_split in ("test", "validation")
        and 0 <= found.evaluated_accuracy <= 1  # which not a number is not
    )
    return found if whole else None


def metrics(folder: Path) -> Metrics | None:
    """What metrics.json says of a finished training; None where there is none, or it is damaged."""
    return as_metrics(files.read_json(folder / METRICS))


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


def provenance(folder: Path) -> Provenance | None:
    """What provenance.json says; None where there is none, or it is damaged."""
    return as_provenance(files.read_json(folder / PROVENANCE))


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


def _typed(kind, values):
    """A dataclass from a mapping: the fields that it has; None where one is missing, or of another
    type.
    """
    if not isinstance(values, dict):
        return None
    types = _types(kind)
    given = {each.name: values[each.name] for each in fields(kind) if each.name in values}
    if not all(_fits(value, types[name]) for name, value in given.items()):
        return None
    try:
        return kind(**given)
    except TypeError:  # one without a default is missing
        return None


@functools.cache
def _types(kind) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _fits(value, hint) -> bool:
    """Whether a value is of a type such as `dict[str, float] | None`."""
    if hint is Any:
        return True
    if isinstance(hint, UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    of = typing.get_args(hint)
    plain = typing.get_origin(hint) or hint
    if type(value) is not plain and not (plain is float and type(value) is int):
        return False
    if plain is list and of:
        return all(_fits(each, of[0]) for each in value)
    if plain is dict and of:
        return all(_fits(key, of[0]) and _fits(each, of[1]) for key, each in value.items())
    return True

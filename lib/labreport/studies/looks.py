"""What the report of a sweep has given verdicts on, and with which seeds; sweep.json remembers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..core import files, paths

RECORD = "sweep.json"  # in the sweep's folder: how its runs are made, and what was looked at


@dataclass(frozen=True)
class Look:
    """A report with verdicts. compared: what was compared, as words in the order of the file."""

    seeds: frozenset[int]
    compared: tuple[str, ...]


def recorded(folder: Path) -> list[Look]:
    """The looks, the first one first.

    Raises:
        ValueError: the file is damaged. To take it for empty would give chance another try.
    """
    if not (folder / RECORD).exists():
        return []
    record = files.read_json(folder / RECORD)
    looks: Any = record.get("looks", []) if isinstance(record, dict) else None
    try:
        found = [_look(**values) for values in looks]
        if len(set(found)) < len(found):
            raise ValueError
    except (TypeError, ValueError):
        where = paths.display(folder / RECORD)
        raise ValueError(
            f"{where} is damaged, so it is not known how often this sweep has been looked at;"
            " restore it, or delete it if no verdict was seen before"
        ) from None
    return found


def _look(seeds: list, compared: list) -> Look:
    if not seeds or not all(type(seed) is int for seed in seeds):
        raise ValueError
    if not isinstance(compared, list) or not all(isinstance(word, str) for word in compared):
        raise ValueError
    return Look(frozenset(seeds), tuple(compared))


def remember(folder: Path, look: Look) -> None:
    """Add a look, unless it is known."""
    before = recorded(folder)
    if look in before:
        return
    folder.mkdir(parents=True, exist_ok=True)
    looks = [
        {"seeds": sorted(one.seeds), "compared": list(one.compared)} for one in [*before, look]
    ]
    files.write_json(folder / RECORD, (files.read_json(folder / RECORD) or {}) | {"looks": looks})

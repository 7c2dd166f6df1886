"""With which seeds the report of a sweep has given verdicts; its sweep.json remembers."""

from pathlib import Path

from ..core import files

RECORD = "sweep.json"  # in the sweep's folder: how its runs are made, and what was looked at


def recorded(folder: Path) -> list[frozenset[int]]:
    """The seeds of each look, the first look first."""
    record = files.read_json(folder / RECORD)
    looks = record.get("looks") if isinstance(record, dict) else None
    if not isinstance(looks, list):
        return []
    return [frozenset(seeds) for seeds in looks if isinstance(seeds, list)]


def remember(folder: Path, seeds: list[int]) -> None:
    """Add a look at these seeds, unless it is known."""
    before = recorded(folder)
    if frozenset(seeds) in before:
        return
    record = files.read_json(folder / RECORD)
    folder.mkdir(parents=True, exist_ok=True)
    looks = [*map(sorted, before), sorted(seeds)]
    files.write_json(
        folder / RECORD, (record if isinstance(record, dict) else {}) | {"looks": looks}
    )

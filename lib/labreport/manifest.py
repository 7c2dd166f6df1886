"""What a run folder held when its notebook had been executed, so that a later change is noticed."""

import contextlib
import hashlib
import os
from pathlib import Path

from . import files, paths, provenance, wording

FILE = "manifest.json"
TRAINED = ("metrics.json", "history.csv", "predictions.csv", "model.keras")
_NOTEBOOK = "notebook.ipynb"


def write(folder: Path) -> None:
    """Record the sha256 of the notebooks and of the training's files that lie in a run folder."""
    names = [name for name in _covered() if (folder / name).exists()]
    digests, stamps = {}, {}
    for name in names:
        stamps[name] = _stamp(folder / name)
        digests[name] = provenance.sha256(folder / name)
    files.write_json(folder / FILE, {"files": digests, "written": files.now()})
    _remember(folder, {name: f"{digests[name]} {stamps[name]}" for name in names})


def changed(folder: Path, names: tuple[str, ...] | None = None) -> list[str]:
    """The files, of these names or of all, that are not what the manifest says: changed or gone.

    None of a folder that has no manifest. Content is read where a file's size or times are not
    those of the last look.
    """
    record = files.read_json(folder / FILE)
    digests = record.get("files") if isinstance(record, dict) else None
    if not isinstance(digests, dict):
        return [FILE] if (folder / FILE).exists() else []
    remembered, seen, found = files.read_json(_memory(folder)), {}, []
    remembered = remembered if isinstance(remembered, dict) else {}
    for name in _covered():
        if name not in digests or (names is not None and name not in names):
            continue
        try:
            stamp = _stamp(folder / name)
            digest, _, known = str(remembered.get(name, "")).partition(" ")
            digest = digest if known == stamp else provenance.sha256(folder / name)
        except OSError:
            found.append(name)
            continue
        seen[name] = f"{digest} {stamp}"
        if digest != digests[name]:
            found.append(name)
    if any(remembered.get(name) != entry for name, entry in seen.items()):
        _remember(folder, remembered | seen)
    return found


def _covered() -> list[str]:
    return [*TRAINED, *(wording.file(_NOTEBOOK, language) for language in wording.LANGUAGES)]


def _stamp(path: Path) -> str:
    state = os.stat(path)
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


def _memory(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return paths.cache() / "digests" / f"run-{name}.json"


def _remember(folder: Path, entries: dict[str, str]) -> None:
    """Keep digests with the sizes and times they were read at; a full disk costs a reading."""
    with contextlib.suppress(OSError):
        _memory(folder).parent.mkdir(parents=True, exist_ok=True)
        files.write_json(_memory(folder), entries)

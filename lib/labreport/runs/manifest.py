"""What a finished run consists of, as digests, so that a later change is noticed.

A training records its files, and an execution its notebook; both when they are complete.
"""

import contextlib
import hashlib
from pathlib import Path

from ..core import files, i18n, paths
from . import records

FILE = "manifest.json"
TRAINED = (
    "metrics.json",
    "history.csv",
    "predictions.csv",
    "model.keras",
    "provenance.json",
    "submission.csv",
    "validation.npz",
)
_NOTEBOOK = "notebook.ipynb"


def start(folder: Path, trained: Path) -> None:
    """Begin the manifest of a run folder with a training's files, which still lie in `trained`."""
    names = [name for name in TRAINED if (trained / name).exists()]
    _write(folder, {name: files.sha256(trained / name) for name in names})


def add(folder: Path, *names: str) -> None:
    """Record files of a run folder as they are now."""
    new = {name: files.sha256(folder / name) for name in names}
    _write(folder, (_digests(folder) or {}) | new)


def forget(folder: Path, name: str) -> None:
    """Take a file out: it is about to be replaced."""
    digests = _digests(folder)
    if digests and name in digests:
        _write(folder, {other: digest for other, digest in digests.items() if other != name})


def lacks(folder: Path, name: str) -> bool:
    """Whether the manifest says nothing of a file."""
    return name not in (_digests(folder) or {})


def changed(folder: Path, names: tuple[str, ...] | None = None) -> list[str]:
    """The files, of these names or of all, that are not what the manifest says: changed or gone.

    None of a folder without a manifest; the manifest itself where it is damaged. Content is read
    where a file's size or times are not those of the last look.
    """
    digests = _digests(folder)
    if digests is None:
        return [FILE] if (folder / FILE).exists() else []
    remembered, seen, found = files.read_json(_memory(folder)), {}, []
    remembered = remembered if records.are_texts(remembered) else {}
    for name in digests:
        if name not in _covered() or (names is not None and name not in names):
            continue
        try:
            stamp = files.stamp(folder / name)
            digest, _, then = remembered.get(name, "").partition(" ")
            digest = digest if then == stamp else files.sha256(folder / name)
        except OSError:
            found.append(name)
            continue
        seen[name] = f"{digest} {stamp}"
        if digest != digests[name]:
            found.append(name)
    if any(remembered.get(name) != entry for name, entry in seen.items()):
        with contextlib.suppress(OSError):  # on a full disk the content is read the next time
            _memory(folder).parent.mkdir(parents=True, exist_ok=True)
            files.write_json(_memory(folder), remembered | seen)
    return found


def refuse_changed(folder: Path) -> None:
    """ValueError where a training's files have another content than it gave them: whatever is made
    of them now would present that as the training's."""
    edited = [
        name for name in changed(folder, TRAINED) if name != FILE and (folder / name).exists()
    ]
    if edited:
        raise ValueError(
            f"{i18n.listed(edited)} in {paths.display(folder)} changed after the training: restore"
            " it, or delete it and run the same command to train again"
        )


def _covered() -> list[str]:
    return [*TRAINED, *(i18n.file(_NOTEBOOK, language) for language in i18n.LANGUAGES)]


def _digests(folder: Path) -> dict[str, str] | None:
    """What the manifest says; None where there is none, or it is damaged."""
    record = files.read_json(folder / FILE)
    digests = record.get("files") if isinstance(record, dict) else None
    return digests if records.are_texts(digests) else None


def _write(folder: Path, digests: dict[str, str]) -> None:
    files.write_json(folder / FILE, {"files": digests, "written": files.now()})


def _memory(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return paths.cache() / "digests" / f"run-{name}.json"

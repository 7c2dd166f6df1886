"""Keeps run folders where they outlive the runtime: on Colab a copy on Google Drive, verified,
after each epoch; and brings back what was kept.

Each runtime has a folder of its own there, and touches another's only to delete it, once it has
gone on from it and it has not changed meanwhile: two runtimes with one Drive do not write into each
other's files. On Kaggle nothing is copied, since /kaggle/working is kept by itself; an earlier
output that is attached is looked through.
"""

import datetime
import errno
import functools
import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from ..core import files, host

KEPT = host.DRIVE / "MyDrive/labreport/reports"  # <run>/<runtime>/: a run folder, and its manifest
MANIFEST = "kept.json"  # sha256 of all files of a copy, written last
RUNTIME = ".runtime"  # beside the run folders: the name of this runtime
RUNTIME_NAME = re.compile("runtime-[0-9a-f]{8}")
BROUGHT = ".brought.json"  # in a run folder: from which copy it was brought back
SHA256 = re.compile("[0-9a-f]{64}")
CHECKPOINT = re.compile(r"unfinished/epoch-(\d+)\.([0-9a-f]{20})\.npz")
PARTS = ("unfinished/", "earlier/")  # which a finished run does without
DEPTH = 5  # folders below Kaggle's input folder to look in

_trouble: str | None = None  # what was said last of the Drive, as long as it is so
_was_there = False


def backup(folder: Path, progress: Callable[[str], None] = print) -> None:
    """Copy to the Drive what is new in a run folder; on Colab only.

    A Drive that is not there, drops or is full is said once, and ends no training.
    """
    global _trouble, _was_there
    if host.here() != "colab":
        return
    try:
        _need_drive()
        place = KEPT / folder.name / _runtime(folder.parent)
        epochs = _copy(folder, place)
        _take_over(folder, place, progress)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and str(error.filename or "").startswith(
            f"{folder}{os.sep}"
        ):
            # a file of the run has gone while it was looked at; the next call sees what there is
            # then
            return
        trouble = _explained(error)
        if trouble != _trouble:
            progress(trouble)
        _trouble = trouble
        return
    if _trouble is not None:
        progress(
            f"Google Drive is available again: {folder.name} is backed up there"
            + (f", up to epoch {epochs}" if epochs else "")
        )
    _trouble, _was_there = None, True


def restore(folder: Path, progress: Callable[[str], None] = print) -> bool:
    """Put what is kept of a run into its folder, the furthest state, where the folder holds less;
    whether that was done.

    A finished run is further than any unfinished one, and is never replaced here. Files are
    verified; a damaged one is named and left out, and what remains is taken where it is still
    further. An unfinished training that has come less far is set aside, as `TrainingState` does it.
    For whoever holds the run folder.
    """
    try:
        for _, place, expected in sorted(
            newer_backups(folder), key=lambda found: found[0], reverse=True
        ):
            strange = [name for name in expected if not _is_kept(name)]
            if strange:
                progress(
                    f"{place / MANIFEST} names {strange[0][:80]!r}, which does not belong in a run"
                    f" folder: this backup is skipped; delete {place} if you did not make it"
                )
                continue
            if _put_in_place(place, expected, folder, progress):
                return True
    except OSError as error:
        progress(
            f"the backup of {folder.name} cannot be restored ({error.strerror or error}); the run"
            " continues with the files of this runtime"
        )
    return False


def newer_backups(folder: Path) -> list[tuple[tuple, Path, dict[str, str]]]:
    """The copies of a run that have come further than its folder: how far (finished?, epochs,
    when), where, and the sha256 of their files, or its beginning.
    """
    if host.here() == "home":  # where nothing is kept: runs are looked at by the hundred
        return []
    own = progress_of(_names(folder))
    if own[0]:
        return []
    found = []
    for place, expected in _copies(folder.name):
        reached = progress_of(expected)
        if reached > own:
            finished = files.read_json(place / "metrics.json") if reached[0] else None
            found.append(
                (
                    (
                        *reached,
                        str(finished.get("finished", "")) if isinstance(finished, dict) else "",
                    ),
                    place,
                    expected,
                )
            )
    return found


def _copies(run: str):
    """All copies of a run there are: (place, {name: sha256}).

    In an output of Kaggle only checkpoints say what they hold, in their names.
    """
    if host.here() == "colab" and host.drive_is_mounted():
        for manifest in sorted((KEPT / run).glob(f"*/{MANIFEST}")):
            yield manifest.parent, _manifest(manifest.parent)
    if host.here() == "kaggle":
        for place in [
            reports / run
            for depth in range(1, DEPTH + 1)
            for reports in sorted(host.KAGGLE_INPUT.glob("*/" * depth + "reports"))
        ]:
            yield (
                place,
                {
                    name: found[2] if (found := CHECKPOINT.fullmatch(name)) else ""
                    for name in _names(place)
                },
            )


def _manifest(place: Path) -> dict[str, str]:
    """sha256 of the files of a copy by their names; nothing where its manifest cannot be read: then
    it counts for nothing, and is copied anew.
    """
    found = files.read_json(place / MANIFEST)
    named: Any = found.get("files") if isinstance(found, dict) else None
    digests = named.values() if isinstance(named, dict) else [None]
    whole = all(isinstance(digest, str) and SHA256.fullmatch(digest) for digest in digests)
    return named if whole else {}  # an empty digest would let every content pass


def _names(folder: Path) -> list[str]:
    """The files of a run folder that are kept: no locks, nothing temporary, nothing of a notebook
    that is at work.
    """
    names = [
        path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*")) if path.is_file()
    ]
    return [name for name in names if _is_kept(name)]


def _is_kept(name: str) -> bool:
    """Whether this is the name of a file that `backup` copies.

    A manifest comes from outside: it may name any path, or a lock.
    """
    hidden = any(part.startswith(".") for part in name.split("/"))
    at_work = name.split("/")[0] in ("running.ipynb", "running.txt", MANIFEST)
    return not (hidden or at_work or files.leads_outside(name))


def progress_of(names: Collection[str]) -> tuple[bool, int]:
    """How far a run folder with these files is: finished?, epochs of an unfinished training."""
    return "metrics.json" in names, max(
        (int(found[1]) for name in names if (found := CHECKPOINT.fullmatch(name))), default=0
    )


def _need_drive() -> None:
    os.listdir(host.DRIVE)  # of a mount that has dropped, this says how
    if not host.drive_is_mounted():
        raise FileNotFoundError(errno.ENOENT, "it is not mounted")


def _explained(error: OSError) -> str:
    how = (
        "To mount it, stop this cell, run these two lines in a cell of their own, and run this"
        f" cell again: it continues after the last epoch.\n{host.MOUNT}"
    )
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"Google Drive is full ({error.strerror}): the training continues, but its epochs are"
            " saved in this runtime only, until there is space again. Delete files on the Drive,"
            " and empty its trash."
        )
    if not _was_there and error.errno == errno.ENOENT:
        return f"Google Drive is not mounted: trained epochs are lost when this runtime ends. {how}"
    return (
        f"Google Drive is no longer available ({error.strerror or error}): the training continues,"
        f" but its epochs are saved in this runtime only. {how}"
    )


def _runtime(reports: Path) -> str:
    """Name of this runtime: drawn once, and kept beside the run folders, since it lives as long as
    they do.
    """
    file = reports / RUNTIME
    if not file.exists() or not RUNTIME_NAME.fullmatch(file.read_text("utf-8", "replace")):
        files.write_text(file, f"runtime-{secrets.token_hex(4)}")
    return file.read_text("utf-8")


def _copy(folder: Path, place: Path) -> int:
    """Bring a copy up to date; returns its epochs.

    Stopped at any moment, it is as it was, or the files that no longer are what the manifest says
    are named so.
    """
    known = _manifest(place)
    digests = {
        name: _digest(
            str(folder / name), (folder / name).stat().st_size, (folder / name).stat().st_mtime_ns
        )
        for name in _names(folder)
    }
    new = [
        name
        for name, digest in digests.items()
        if known.get(name) != digest or not (place / name).exists()
    ]
    for name in new:
        digests[name] = _copied(folder / name, _part(place / name))
    for name in new:
        os.replace(_part(place / name), place / name)
    if digests != known:
        _part(place / MANIFEST).write_text(
            json.dumps({"kept": files.now(), "files": digests}, indent=1)
        )
        os.replace(_part(place / MANIFEST), place / MANIFEST)
    for path in [
        path
        for path in place.rglob("*")
        if path.is_file() and path.relative_to(place).as_posix() not in (*digests, MANIFEST)
    ]:
        _delete(path)
    return progress_of(digests)[1]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


@functools.lru_cache(maxsize=4096)
def _digest(path: str, size: int, changed: int) -> str:
    return files.sha256(Path(path))


def _copied(source: Path, target: Path) -> str:
    """Copy a file, bring it to the disk and read it back; returns the sha256 of both.

    OSError where they differ.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with open(source, "rb") as stream, open(target, "wb") as copy:
        while block := stream.read(1 << 20):
            digest.update(block)
            copy.write(block)
    files.bring_to_disk(target)
    if files.sha256(target) != digest.hexdigest():
        raise OSError(errno.EIO, f"{target.name} was not written correctly")
    return digest.hexdigest()


def _delete(path: Path) -> None:
    """Emptied first, since what is deleted lies in the Drive's trash for a month, where it takes
    room: an epoch's checkpoint each time.
    """
    os.truncate(path, 0)
    path.unlink()


def _take_over(folder: Path, place: Path, progress) -> None:
    """Delete the copy that this runtime goes on from, once its own is further; where that has
    changed since, another runtime is alive, and it stays.
    """
    note = files.read_json(folder / BROUGHT)
    if not _is_note(note):
        return
    other, reached = place.with_name(note["place"]), progress_of(_names(folder))
    unchanged = (other / MANIFEST).exists() and files.sha256(other / MANIFEST) == note["manifest"]
    if unchanged and not (reached[0] or reached[1] > note["epochs"]):
        return
    if unchanged:
        for path in other.rglob("*"):
            if path.is_file():
                _delete(path)
        shutil.rmtree(other)
    elif other.exists():
        progress(
            f"another runtime is training {folder.name} with the same Google Drive, perhaps this"
            " notebook in a second tab; stop one of them. Each has its own backup, and the next"
            " run continues from the furthest one"
        )
    (folder / BROUGHT).unlink()


def _is_note(note) -> bool:
    """Whether this is what `_put_in_place` notes of a copy; its place is deleted, so it must be the
    name of a runtime.
    """
    kinds = {"place": str, "manifest": str, "epochs": int}
    return (
        isinstance(note, dict)
        and all(isinstance(note.get(key), kind) for key, kind in kinds.items())
        and bool(RUNTIME_NAME.fullmatch(note["place"]))
    )


def _put_in_place(place: Path, expected: dict[str, str], folder: Path, progress) -> bool:
    """Copy a kept state beside its run folder's files, verify it, and rename it into place;
    metrics.json, which means finished, last.
    """
    waiting, damaged = folder / ".brought.part", []
    shutil.rmtree(waiting, ignore_errors=True)
    for name, digest in expected.items():
        try:
            whole = _copied(place / name, waiting / name).startswith(digest)
        except FileNotFoundError:
            whole = False
        if not whole:
            damaged.append(name)
            (waiting / name).unlink(missing_ok=True)
    for name in damaged:
        progress(f"{place / name} is missing or damaged: it is not restored")
    if any(not name.startswith(PARTS) for name in damaged):
        (waiting / "metrics.json").unlink(missing_ok=True)
    reached = progress_of(_names(waiting))
    if reached <= progress_of(_names(folder)):
        shutil.rmtree(waiting, ignore_errors=True)
        return False
    unfinished = folder / "unfinished"
    if unfinished.exists():
        aside = files.free(
            folder / f"earlier/{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}-unfinished"
        )
        aside.parent.mkdir(exist_ok=True)
        unfinished.rename(aside)
    for path in sorted((waiting / "earlier").glob("*")):
        (folder / "earlier").mkdir(exist_ok=True)
        if not (folder / "earlier" / path.name).exists():
            path.rename(folder / "earlier" / path.name)
    shutil.rmtree(waiting / "earlier", ignore_errors=True)
    for path in sorted(
        waiting.iterdir(), key=lambda path: (path.name == "metrics.json", path.name)
    ):
        os.replace(path, folder / path.name)
    waiting.rmdir()
    if host.here() == "colab" and place.name != _runtime(folder.parent):
        files.write_json(
            folder / BROUGHT,
            {
                "place": place.name,
                "manifest": files.sha256(place / MANIFEST),
                "epochs": reached[1],
            },
        )
    progress(
        f"{folder.name}: {'the finished run' if reached[0] else f'epoch {reached[1]}'} restored"
        f" from {place}"
    )
    return True

"""Checkpoints of a training: one file an epoch, written whole, named by what it holds, two kept."""

import contextlib
import json
import os
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from ..core import files, redaction

KEPT = 2
DIGITS = 20  # of the sha256 in a file's name
NAME = re.compile(r"epoch-(\d+)\.([0-9a-f]{20})\.npz")
STATE = "state.json"


def save(folder: Path, epoch: int, arrays: Iterable[tuple[str, np.ndarray]], state: dict) -> Path:
    """Write `epoch-0007.<sha256>.npz` (readable with np.load), bring it to the disk, and delete all
    but the newest two.

    arrays: (name, array) pairs, taken one at a time. state: what JSON can hold. On a full disk
    nothing is left of it, and the earlier ones stay.
    """
    files.refuse_deleted(folder)
    temporary = folder / f".epoch.{os.getpid()}.part.npz"
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(STATE, json.dumps(redaction.cleaned_values(state), allow_nan=False))
            for name, array in arrays:
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array), allow_pickle=False)
        files.bring_to_disk(temporary)
        path = folder / f"epoch-{epoch:04d}.{files.sha256(temporary)[:DIGITS]}.npz"
        files.refuse_deleted(folder)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    files.bring_to_disk(folder)
    earlier = [old for number, old in _found(folder) if number < epoch]
    for old in {old for _, old in _found(folder)} - {path, *earlier[: KEPT - 1]}:
        old.unlink()
    return path


@contextlib.contextmanager
def newest(folder: Path, progress: Callable[[str], None]):
    """The newest checkpoint that is whole, as (state, arrays by name, read when asked for); None
    where there is none. A damaged one is named and deleted.
    """
    for _, path in _found(folder):
        if files.sha256(path)[:DIGITS] != path.name.split(".")[1]:
            progress(
                f"{path.name} is damaged (its content does not match its name): it is deleted, and"
                " the checkpoint before it is used"
            )
            path.unlink()
            continue
        with np.load(path) as arrays, zipfile.ZipFile(path) as archive:
            yield json.loads(archive.read(STATE)), arrays
            return
    yield None


def _found(folder: Path) -> list[tuple[int, Path]]:
    """(epoch, path) of the checkpoints in a folder, newest first."""
    checkpoints = [
        (int(match[1]), path)
        for path in folder.glob("epoch-*.npz")
        if (match := NAME.fullmatch(path.name))
    ]
    return sorted(checkpoints, reverse=True)

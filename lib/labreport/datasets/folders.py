"""Folders of images as users have them: in the data folder, below Kaggle's input folder, or still zipped."""

import os
import shutil
import stat
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np

from .. import files, paths
from ..hosts import KAGGLE_INPUT
from ..wording import listed, say

DEPTH = 4  # folders below a place to look in
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def find(signs: tuple[str, ...], folder: Path, what: str, how: str) -> Path:
    """The folder that holds all of the `signs` (relative paths, such as `train/cats`), nearest first; unzipped where need be.

    Where there is none, the nearest folder that holds some of them, so that the caller can say what it lacks. folder: looked in first, then
    Kaggle's input folder. what, how: for the FileNotFoundError: name of the data set, and how to get it.
    """
    places = [place for place in (folder, KAGGLE_INPUT) if place.is_dir()]
    candidates = [candidate for place in places for candidate in _folders(place)]
    count = {candidate: sum((candidate / sign).exists() for sign in signs) for candidate in candidates}
    whole = [candidate for candidate in candidates if count[candidate] == len(signs)]
    if whole:
        return whole[0]
    unreadable = []
    for archive in (archive for place in places for archive in sorted([*place.glob("*.zip"), *place.glob("*/*.zip"), *place.glob("datasets/*/*/*.zip")])):
        try:
            root = _root_inside(archive, signs)
        except zipfile.BadZipFile as error:
            unreadable.append(f"{archive.name} ({error})")
            continue
        if root is not None:
            return unpacked(archive) / root
    partly = max(candidates, key=lambda candidate: count[candidate], default=None)
    if partly is not None and 2 * count[partly] >= len(signs):
        return partly
    damaged = f"; {', '.join(unreadable)} cannot be read as a zip and may be a broken download" if unreadable else ""
    raise FileNotFoundError(f"{what} is not in {paths.display(folder)}: {how}; or try with --data sample{damaged}")


def _folders(place: Path):
    """A folder and those below it, nearest first, down to DEPTH."""
    waiting = [place]
    for depth in range(DEPTH + 1):
        yield from waiting
        waiting = [Path(entry.path) for folder in waiting for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
                   if entry.is_dir() and not entry.name.startswith(".") and Path(entry.path) != paths.cache()] if depth < DEPTH else []


def images(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files of a folder, by name, and the files that are none."""
    found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    return [path for path in found if path.suffix.lower() in SUFFIXES], [path for path in found if path.suffix.lower() not in SUFFIXES]


def labelled(root: Path, classes: list[str], notes: list[str]) -> tuple[list[Path], np.ndarray, list[str]]:
    """The images of the class folders `classes` of `root`: files, labels int32 (N,) by the folders' order, ids as `class/file.jpg`.

    Notes what is no image, and a folder without images; FileNotFoundError for a folder that is missing.
    """
    missing = [name for name in classes if not (root / name).is_dir()]
    if missing:
        raise FileNotFoundError(f"{paths.display(root)} lacks the class folder {', '.join(missing)}; it holds "
                                f"{', '.join(sorted(path.name for path in root.iterdir() if path.is_dir()))}: get the whole data set")
    files, labels = [], []
    for label, name in enumerate(classes):
        found, strange = images(root / name)
        note_strange(strange, root, notes)
        if not found:
            notes.append(say("The class folder {name} holds no image.", name=name))
        files += found
        labels += [label] * len(found)
    return files, np.array(labels, np.int32), [path.relative_to(root).as_posix() for path in files]


def note_strange(strange: list[Path], root: Path, notes: list[str]) -> None:
    """Note the files that are no images."""
    if strange:
        names = [path.relative_to(root).as_posix() for path in strange]
        notes.append(say("Files that are no images were passed over: {named}.", named=listed(names)))


def unpacked(archive: Path) -> Path:
    """Folder in the cache with the content of a zip, which is left as it is; unpacked once, whole or not at all.

    Raises ValueError for a damaged archive, and for one that names files outside its own folder: then nothing is written.
    """
    from tqdm import tqdm

    state = archive.stat()
    folder = paths.cache() / "unpacked" / f"{archive.stem}-{state.st_size}-{state.st_mtime_ns}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.part")
    with files.lock(folder.with_name(f".{folder.name}.lock"), str(archive), wait=files.FOREVER):
        if folder.is_dir():
            return folder
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            with zipfile.ZipFile(archive) as zipped:
                members = [member for member in zipped.infolist() if not member.is_dir()]
                for member in members:
                    _refuse_outside(archive, member)
                for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file", leave=False):
                    target = unfinished / member.filename
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with zipped.open(member) as source, open(target, "wb") as copy:
                        shutil.copyfileobj(source, copy)
        except (zipfile.BadZipFile, EOFError) as error:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise ValueError(f"{archive}: a damaged zip ({error}); get it again, nothing was unpacked") from None
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(folder)
    return folder


def _refuse_outside(archive: Path, member: zipfile.ZipInfo) -> None:
    name = member.filename
    outside = PurePosixPath(name).is_absolute() or PureWindowsPath(name).drive or ".." in PurePosixPath(name.replace("\\", "/")).parts
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise ValueError(f"{archive}: its member {name!r} would be written outside its folder; nothing was unpacked, get the archive from its source again")


def _root_inside(archive: Path, signs: tuple[str, ...]) -> str | None:
    """The folder inside a zip that holds all of the signs, nearest first, None where there is none; BadZipFile where it is no whole zip."""
    with zipfile.ZipFile(archive) as zipped:
        names = [PurePosixPath(name) for name in zipped.namelist()]
    there = {str(PurePosixPath(*name.parts[:depth])) for name in names for depth in range(1, len(name.parts) + 1)}
    roots = {name[:-len(sign)] for name in there for sign in signs if f"/{name}".endswith(f"/{sign}")}
    return min((root for root in roots if all(root + sign in there for sign in signs)), key=lambda root: (root.count("/"), root), default=None)

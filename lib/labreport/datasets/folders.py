"""Folders of images as users have them: in the data folder, below Kaggle's input folder, or still
zipped.
"""

import errno
import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import numpy as np

from ..core import files, host, paths
from ..core.i18n import _, listed
from ..runs import data_fingerprint

DEPTH = 4  # folders below a place to look in
SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}
# More than an honest data set has: files in a zip, and bytes for each byte of the zip, once it is a
# matter of more than so many bytes.
MOST_FILES, MOST_TIMES, HARMLESS_BYTES = 200_000, 100, 50_000_000


class NotThere(FileNotFoundError):
    """Nothing of a data set is in the places where it is looked for."""


def find(signs: tuple[str, ...], folder: Path, what: str) -> Path:
    """The folder that holds all of the `signs` (relative paths, such as `train/cats`), nearest
    first; unzipped where need be.

    Where there is none, the nearest folder that holds half of them or more, so that the caller can
    say what it lacks; NotThere where there is none of that kind either. folder: looked in first,
    then Kaggle's input folder. what: name of the data set, for the message.
    """
    places = [place for place in (folder, host.KAGGLE_INPUT) if place.is_dir()]
    candidates = [candidate for place in places for candidate in _folders(place)]
    data_fingerprint.look_at(candidates)
    count = {
        candidate: sum((candidate / sign).exists() for sign in signs) for candidate in candidates
    }
    whole = [candidate for candidate in candidates if count[candidate] == len(signs)]
    if whole:
        return whole[0]
    unreadable = []
    for archive in (
        archive
        for place in places
        for archive in sorted(
            [*place.glob("*.zip"), *place.glob("*/*.zip"), *place.glob("datasets/*/*/*.zip")]
        )
    ):
        try:
            root = _root_inside(archive, signs)
        except zipfile.BadZipFile as error:
            unreadable.append(f"{archive.name} ({error})")
            continue
        if root is not None:
            data_fingerprint.look_at([archive])
            return unpacked(archive) / root
    partly = max(candidates, key=lambda candidate: count[candidate], default=None)
    if partly is not None and 2 * count[partly] >= len(signs):
        return partly
    damaged = (
        f" ({', '.join(unreadable)} there cannot be read as a zip and may be a broken download)"
        if unreadable
        else ""
    )
    raise NotThere(f"{what} is not in {paths.display(folder)}{damaged}")


def _folders(place: Path):
    """A folder and those below it, nearest first, down to DEPTH."""
    waiting = [place]
    for depth in range(DEPTH + 1):
        yield from waiting
        waiting = (
            [
                Path(entry.path)
                for folder in waiting
                for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
                if entry.is_dir()
                and not entry.name.startswith(".")
                and Path(entry.path) != paths.cache()
            ]
            if depth < DEPTH
            else []
        )


def images(folder: Path) -> tuple[list[Path], list[Path]]:
    """The image files of a folder, by name, and the files that are none."""
    found = sorted(
        path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
    )
    return [path for path in found if path.suffix.lower() in SUFFIXES], [
        path for path in found if path.suffix.lower() not in SUFFIXES
    ]


def labelled(
    root: Path, classes: list[str], notes: list[str]
) -> tuple[list[Path], np.ndarray, list[str]]:
    """The images of the class folders `classes` of `root`: files, labels int32 (N,) by the folders'
    order, ids as `class/file.jpg`.

    Notes what is no image, and a folder without images; FileNotFoundError for a folder that is
    missing.
    """
    missing = [name for name in classes if not (root / name).is_dir()]
    if missing:
        raise FileNotFoundError(
            f"{paths.display(root)} lacks the class folder {', '.join(missing)}; it holds"
            f" {', '.join(sorted(path.name for path in root.iterdir() if path.is_dir()))}:"
            " download the complete data set"
        )
    files, labels = [], []
    for label, name in enumerate(classes):
        found, strange = images(root / name)
        note_strange(strange, root, notes)
        if not found:
            notes.append(_("The class folder {name} holds no image.", name=name))
        files += found
        labels += [label] * len(found)
    return files, np.array(labels, np.int32), [path.relative_to(root).as_posix() for path in files]


def note_strange(strange: list[Path], root: Path, notes: list[str]) -> None:
    """Note the files that are no images."""
    if strange:
        names = [path.relative_to(root).as_posix() for path in strange]
        notes.append(_("Files that are no images were passed over: {named}.", named=listed(names)))


def unpacked(archive: Path) -> Path:
    """Folder in the cache with the content of a zip, which is left as it is; unpacked once, whole
    or not at all. Errors as of `unpack`.
    """
    state = archive.stat()
    folder = paths.cache() / "unpacked" / f"{archive.stem}-{state.st_size}-{state.st_mtime_ns}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = folder.with_name(f".{folder.name}.part")
    with files.lock(folder.with_name(f".{folder.name}.lock"), str(archive), wait=files.FOREVER):
        if not folder.is_dir():
            unpack(archive, unfinished)
            unfinished.rename(folder)
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a zip into `folder`, in the place of what is there; nothing is there where it fails.

    Raises ValueError for an archive that is damaged, that names files outside its own folder, or
    that holds more than an honest one would; OSError (ENOSPC), before anything is written, where
    the disk has no room for it.
    """
    from tqdm import tqdm

    shutil.rmtree(folder, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as zipped:
            members = [member for member in zipped.infolist() if not member.is_dir()]
            for member in members:
                _refuse_outside(archive, member)
            _refuse_too_much(archive, members, folder.parent)
            for member in tqdm(members, desc=f"unpacking {archive.name}", unit="file", leave=False):
                target = folder / member.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as source, open(target, "xb") as copy:
                    # zipfile compares the CRC, and reads no more than what is declared
                    shutil.copyfileobj(source, copy)
                    if copy.tell() != member.file_size:
                        raise zipfile.BadZipFile(f"{member.filename} is truncated")
    except (
        zipfile.BadZipFile,
        EOFError,
        zlib.error,
        RuntimeError,
        FileExistsError,
        NotADirectoryError,
        IsADirectoryError,
    ) as error:
        shutil.rmtree(folder, ignore_errors=True)
        # RuntimeError: encrypted, or packed in an unknown way
        reason = (
            f"{type(error).__name__}: two members in one place"
            if isinstance(error, OSError)
            else error
        )
        raise ValueError(
            f"{archive}: a damaged zip ({reason}); nothing was unpacked, download it again"
        ) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def require_room(folder: Path, size: int, what: str) -> None:
    """OSError (ENOSPC) where a folder's disk has no room for so many bytes and a little more."""
    free = shutil.disk_usage(folder).free
    if free < size * 1.02:
        raise OSError(
            errno.ENOSPC,
            f"{what} takes {size / 1e9:.1f} GB, {free / 1e9:.1f} GB are free in"
            f" {paths.display(folder)}",
        )


def _refuse_outside(archive: Path, member: zipfile.ZipInfo) -> None:
    name, kind = member.filename, stat.S_IFMT(member.external_attr >> 16)
    if files.leads_outside(name) or kind not in (0, stat.S_IFREG):  # through a link too
        raise ValueError(
            f"{archive}: its member {name!r} would be written outside its"
            f" folder{', or is not a file' if kind else ''}; nothing was unpacked, download the"
            " archive again"
        )


def _refuse_too_much(archive: Path, members: list[zipfile.ZipInfo], folder: Path) -> None:
    size, packed = sum(member.file_size for member in members), archive.stat().st_size
    if len(members) > MOST_FILES or (size > HARMLESS_BYTES and size > MOST_TIMES * packed):
        raise ValueError(
            f"{archive}: {packed:,} bytes would become {len(members):,} files of {size:,} bytes,"
            " too many for an archive of images; nothing was unpacked, download the archive again"
        )
    require_room(folder, size, f"{archive.name} unpacked")


def _root_inside(archive: Path, signs: tuple[str, ...]) -> str | None:
    """The folder inside a zip that holds all of the signs, nearest first, None where there is none;
    BadZipFile where it is no whole zip.
    """
    with zipfile.ZipFile(archive) as zipped:
        names = [PurePosixPath(name) for name in zipped.namelist()]
    inside = {
        str(PurePosixPath(*name.parts[:depth]))
        for name in names
        for depth in range(1, len(name.parts) + 1)
    }
    roots = {
        name[: -len(sign)] for name in inside for sign in signs if f"/{name}".endswith(f"/{sign}")
    }
    return min(
        (root for root in roots if all(root + sign in inside for sign in signs)),
        key=lambda root: (root.count("/"), root),
        default=None,
    )

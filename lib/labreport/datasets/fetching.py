"""Data sets from where they are handed out: downloaded, resumed after a break, unpacked with
suspicion, compared with data.lock, and only then in place.
"""

import shutil
from pathlib import Path

from ..core import files, host, paths
from ..core.progress_log import log
from ..platforms import kaggle_client
from . import data_lock, download, folders
from .spec import Source

PLACE = ".download"  # in the data folder: what has arrived of an archive, and the locks


def fetch(name: str, source: Source, folder: Path) -> bool:
    """Have a data set in the data folder, whole or not at all; returns whether it had to be
    fetched.

    A second process waits. What arrived stays for the next try, until it is in place or has proved
    to be of no use. Raises ConnectionError where that may pass by itself, FileNotFoundError where a
    person has to do something (a token, a competition's rules), OSError where the disk is full,
    ValueError where what is handed out is damaged, dangerous or not what data.lock says.
    """
    if _missing(source, folder) is None:
        return False
    place, target = folder / PLACE / name, folder / source.folder
    lock = place.with_name(f"{name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileNotFoundError(
            f"{_missing(source, folder)}, and it cannot be downloaded there ({error.strerror}):"
            " name a folder that holds it, or a writable one (--data FOLDER)"
        ) from None
    if files.locked(lock):
        log.warning(f"{name}: another process is downloading it; waiting for it to finish")
    with files.lock(lock, f"the download of {name}", wait=files.FOREVER):
        missing = _missing(source, folder)
        if missing is None:
            return False
        if target.exists():
            raise FileNotFoundError(
                f"{missing}, and {paths.display(target)} is in the way of the download: move it"
                f" away, or {source.instructions}"
            )
        place.mkdir(exist_ok=True)
        _put_in_place(name, source, _received(name, source, folder, missing), target)
        shutil.rmtree(place)
    return True


def _missing(source: Source, folder: Path) -> folders.NotThere | None:
    """None where the data set is there, or a part of it that its own module complains of."""
    try:
        source.find(folder)
    except folders.NotThere as missing:
        return missing
    return None


def _received(name: str, source: Source, folder: Path, missing: folders.NotThere) -> Path:
    """The archive. An error says what is missing and the ways out."""
    if host.KAGGLE_INPUT.is_dir() and source.page.startswith(kaggle_client.SITE):
        raise FileNotFoundError(
            f"{missing}, nor below {host.KAGGLE_INPUT}: attach it to the notebook (Add Input,"
            f" {source.page}), or use --data sample"
        )
    try:
        return source.receive(source, folder / PLACE / name)
    except (ConnectionError, ValueError) as error:
        kind = ConnectionError if isinstance(error, ConnectionError) else FileNotFoundError
        page = "" if source.page in str(error) else f" ({source.page})"
        on_kaggle = (
            "switch Internet on in the notebook's settings, or attach a data set with the same"
            " files (Add Input)"
        )
        other = on_kaggle if host.KAGGLE_INPUT.is_dir() else source.instructions
        raise kind(
            f"{missing} and could not be downloaded{page}: {error}\nOr {other}; or use --data"
            " sample"
        ) from None


def _require_room(source: Source, place: Path) -> None:
    """OSError (ENOSPC) where the disk has no room for the archive, as far as it has not arrived,
    and for what comes out of it: for images about the same.
    """
    have = sum(file.stat().st_size for file in place.rglob("*"))
    folders.require_room(
        place, max(0, 2 * source.size - have), f"{source.folder}, packed and unpacked,"
    )


def _put_in_place(name: str, source: Source, archive: Path, target: Path) -> None:
    part = target.with_name(f".{target.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        try:
            source.unpack(archive, part)
            root = source.find(part)
        except (ValueError, folders.NotThere) as error:
            # another one may arrive the next time; where the disk is full this one will do
            archive.unlink()
            raise ValueError(
                f"{name}: the download from {source.page} cannot be used, and was deleted: {error}"
            ) from None
        if data_lock.knows(name):
            try:
                source.compare(root)
            except (ValueError, FileNotFoundError) as error:
                raise ValueError(
                    f"{name}: the download from {source.page} is not used. {error}"
                ) from None
        root.rename(target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def from_kaggle(method: str, reference: str, source: Source, place: Path) -> Path:
    """The archive of a data set (owner/name) or competition (name), by the client's method for it,
    which resumes what an earlier call has left.
    """
    whole, arriving = place / f"{reference.rpartition('/')[-1]}.zip", place / "arriving"
    if not whole.exists():
        client = kaggle_client.connected()
        _require_room(source, place)
        try:
            kaggle_client.asked(
                client,
                getattr(client, method),
                reference,
                path=str(arriving),
                quiet=False,
                what="the archive",
                page=source.page,
            )
        except ValueError as error:
            if "does not match expected size" not in str(error):
                raise
            shutil.rmtree(arriving)  # the client has written the page of an error into the archive
            raise ConnectionError(
                "the archive is incomplete; run the same command to download it again"
                f" ({source.page})"
            ) from None
        [arrived] = [file for file in arriving.iterdir() if file.suffix != ".kaggle-partial"]
        arrived.rename(whole)
    return whole


def from_storage(digest: str | None, source: Source, place: Path) -> Path:
    """A public archive at the source's page. digest: its sha256, where it is known."""
    name = source.page.rpartition("/")[-1]
    beside = place.parents[1] / name  # put there by a person
    if not beside.exists():
        _require_room(source, place)
    return download.fetch(source.page, digest, beside if beside.exists() else place / name)

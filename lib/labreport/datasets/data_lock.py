"""data.lock: sha256 and size of every file of each data set, written when it is first used, and
compared ever after.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ..core import files, paths
from ..core.i18n import count, listed
from ..runs import data_fingerprint, provenance, records


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a data set, or of a part of it (`dog_breeds-test`), as they are now. images:
    paths; digests: the sha256 of each of them.
    """

    name: str
    images: list[Path]
    digests: list[str]
    found: dict[str, str]

    def enter(self) -> None:
        """Write the data set into data.lock, unless it stands there: to be called once it has
        proved to be readable.
        """
        if self.name not in _known():
            _change(
                lambda known: {self.name: {"tree": tree(self.found), "files": self.found}} | known
            )


def look(name: str, root: Path, images: list[Path], beside: tuple[Path, ...] = ()) -> DatasetFiles:
    """Compare the files of a data set with data.lock, where that knows it.

    root: folder that the lock's names are relative to. beside: files that belong to it and are no
    images. A file's content is read where its size or its times are not those of the last look.
    Raises ValueError that names the files which are missing, new or changed.
    """
    names = [path.relative_to(root).as_posix() for path in (*images, *beside)]
    places = {folder for path in images for folder in path.parents if folder.is_relative_to(root)}
    data_fingerprint.look_at([*images, *beside, *places, root.parent, paths.data_lock()])
    digests, sizes = _digests(name, root, names)
    found = {member: f"{digest} {size}" for member, digest, size in zip(names, digests, sizes)}
    place = paths.data_lock()
    known = _known().get(name)
    if known is not None and known["tree"] != tree(found):
        locked = known["files"]
        kinds = {
            "changed": [
                member for member in found if member in locked and locked[member] != found[member]
            ],
            "missing": [member for member in locked if member not in found],
            "new": [member for member in found if member not in locked],
        }
        changes = "; ".join(
            f"{count(len(which), 'file')} {kind} ({listed(which)})"
            for kind, which in kinds.items()
            if which
        )
        raise ValueError(
            f"{name} in {paths.display(root)} differs from {paths.display(place)}: {changes}."
            " Restore the files, or accept them as they are: python pipeline.py data --accept"
            f" {name.partition('-')[0]}"
        )
    return DatasetFiles(name, list(images), digests[: len(images)], found)


def knows(dataset: str) -> bool:
    """Whether data.lock knows a data set, or a part of it."""
    return any(name.partition("-")[0] == dataset for name in _known())


def forget(dataset: str) -> dict:
    """Take a data set and its parts out of data.lock, so that its next use enters what is there
    then; returns what was taken out.
    """
    gone = {name: entry for name, entry in _known().items() if name.partition("-")[0] == dataset}
    if gone:
        _change(lambda known: {name: entry for name, entry in known.items() if name not in gone})
    return gone


def restore(entries: dict) -> None:
    """Put back what `forget` has taken out, unless something else stands there by now."""
    _change(lambda known: entries | known)


def _known() -> dict:
    """What data.lock says; ValueError where it cannot be read, since an empty one would let
    everything pass.
    """
    place = paths.data_lock()
    if not place.exists():
        return {}
    known = files.read_json(place)
    if not isinstance(known, dict) or not all(map(_is_entry, known.values())):
        raise ValueError(
            f"{paths.display(place)} is damaged or not a data.lock file; restore it, or delete it,"
            " and it is written again from the data on this machine"
        )
    return known


def _is_entry(entry) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("tree"), str)
        and records.are_texts(entry.get("files"))
    )


def _change(change) -> None:
    place = paths.data_lock()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with files.lock(place.with_name(f".{place.name}.lock"), str(place), wait=files.FOREVER):
            files.write_json(place, change(_known()))
    except PermissionError as error:
        raise ValueError(
            f"{paths.display(place)} cannot be written ({error.strerror}); choose a writable place"
            " for it: LABREPORT_DATA_LOCK=folder/data.lock"
        ) from None


def tree(found: dict[str, str]) -> str:
    """One sha256 over all names, digests and sizes, as `sha256sum` would have it of lines `<name>
    <sha256> <size>`, sorted.
    """
    return hashlib.sha256(
        "".join(f"{name} {entry}\n" for name, entry in sorted(found.items())).encode()
    ).hexdigest()


def _digests(name: str, root: Path, members: list[str]) -> tuple[list[str], list[int]]:
    """sha256 and size of each file; what was read once is remembered in the cache folder, with the
    size and times it was read at.
    """
    memory = (
        paths.cache()
        / "digests"
        / f"{name}-{hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]}.json"
    )
    remembered = files.read_json(memory)
    # damaged: the files are read again
    remembered = remembered if records.are_texts(remembered) else {}
    stamps = {member: files.stamp(root / member) for member in members}
    unknown = [
        member
        for member in members
        if remembered.get(member, "").partition(" ")[2] != stamps[member]
    ]
    if unknown:
        with ThreadPoolExecutor(provenance.processors()) as pool:
            read = dict(
                zip(
                    unknown,
                    pool.map(lambda member: files.sha256(root / member), unknown, chunksize=64),
                )
            )
        remembered = {
            member: f"{read.get(member) or remembered[member].partition(' ')[0]} {stamps[member]}"
            for member in members
        }
        memory.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(memory, remembered)
    return [remembered[member].partition(" ")[0] for member in members], [
        int(stamps[member].partition(" ")[0]) for member in members
    ]

"""Image files to one memory-mapped array: decoded once, in parallel, and kept under what they hold
and the size asked for.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..core import array_cache, paths
from ..core.i18n import _, listed, whole
from ..runs import provenance
from ..staleness import rules as staleness
from .data_lock import DatasetFiles
from .dataset import Split, contents

CHUNK = 256  # images in memory at once


@dataclass(frozen=True)
class Decoded:
    """images: uint8 (N, side, side, 3) RGB, memory-mapped; black where a file cannot be read.
    digests: of the pixels, (N,), empty there.
    """

    images: np.ndarray
    digests: np.ndarray

    @property
    def readable(self) -> np.ndarray:
        """Mask (N,)."""
        return self.digests != b""


def decode(look: DatasetFiles, side: int) -> Decoded:
    """Decode the images of a data set and shrink them to side x side pixels by area interpolation,
    whatever their proportions.

    The arrays are kept in the cache folder under a digest of the files' digests, their order, the
    size and the code that decodes, so that a changed file is decoded anew and a second process
    reads what the first has made.
    """
    files = look.images
    with ThreadPoolExecutor(provenance.processors()) as pool:
        key = hashlib.sha256(
            " ".join(
                [
                    staleness.code_of("datasets.decoding.decode"),
                    str(side),
                    cv2.__version__,
                    *look.digests,
                ]
            ).encode()
        ).hexdigest()[:20]
        folder, name = paths.cache() / "decoded", f"{look.name}-{side}-{key}"
        images = array_cache.kept(
            folder / f"{name}.npy",
            (len(files), side, side, 3),
            np.uint8,
            lambda: _decoded_chunks(files, side, look.name, pool),
        )
        # An unreadable file gives a black image; so does one that is black, but only of the former
        # _pixels says so.
        digests = array_cache.kept(
            folder / f"{name}.digests.npy", (len(files),), "S16", lambda: [_digests(files, images)]
        )
    return Decoded(images, np.asarray(digests))


def pool(
    look: DatasetFiles,
    labels: np.ndarray,
    ids: list[str],
    side: int,
    on_unreadable: str,
    notes: list[str],
) -> Split:
    """All images of a data set, before it is split.

    Unreadable files stop it, or are left out and noted where on_unreadable is "skip".
    """
    if on_unreadable not in ("stop", "skip"):
        raise ValueError(f"dataset_args.on_unreadable must be stop or skip, got {on_unreadable!r}")
    if not 8 <= side <= 1024:
        raise ValueError(f"dataset_args.image_size must lie between 8 and 1024 pixels, got {side}")
    decoded = decode(look, side)
    unreadable = np.flatnonzero(~decoded.readable)
    if len(unreadable):
        named = listed([ids[i] for i in unreadable])
        if on_unreadable == "stop":
            raise ValueError(
                f"{look.name}: {len(unreadable)} of {len(ids)} files cannot be read as images:"
                f" {named}; replace or remove them, or leave them out with on_unreadable=skip"
            )
        notes.append(
            _(
                "{unreadable} of {files} files cannot be read as images and were left out:"
                " {named}.",
                unreadable=len(unreadable),
                files=whole(len(ids)),
                named=named,
            )
        )
    look.enter()
    everything = Split(decoded.images, np.asarray(labels, np.int32), ids, decoded.digests)
    return everything.take(np.flatnonzero(decoded.readable))


def _decoded_chunks(files: list[Path], side: int, what: str, pool: ThreadPoolExecutor):
    from tqdm import tqdm

    with tqdm(total=len(files), desc=f"decoding {what}", unit="image", leave=False) as bar:
        for start in range(0, len(files), CHUNK):
            chunk = files[start : start + CHUNK]
            images = np.zeros((len(chunk), side, side, 3), np.uint8)
            for target, pixels in zip(images, pool.map(lambda file: _pixels(file, side), chunk)):
                if pixels is not None:
                    target[:] = pixels
            yield images
            bar.update(len(chunk))


def _digests(files: list[Path], images: np.ndarray) -> np.ndarray:
    found = contents(images)
    for i, image in enumerate(images):
        if not image.any() and _pixels(files[i], 8) is None:
            found[i] = b""
    return found


def one(file: Path, side: int) -> np.ndarray | None:
    """A single image file as `decode` prepares it, upright as its EXIF data say: uint8 (side, side,
    3), or None where it is no image or breaks off.
    """
    return _pixels(file, side)


def is_whole(file: Path) -> bool:
    """Whether a file has the end that its kind has; of a kind that tells no end, whether it has
    content.
    """
    return _complete(file.read_bytes())


def _pixels(file: Path, side: int) -> np.ndarray | None:
    """RGB pixels uint8 (side, side, 3), or None where the file is no image or breaks off."""
    data = file.read_bytes()
    if not _complete(data):
        return None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    if image is None:
        return None
    return cv2.cvtColor(
        cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB
    )


def _complete(data: bytes) -> bool:
    """Whether a JPEG or PNG has its end: OpenCV silently fills what is missing with grey."""
    if data.startswith(b"\xff\xd8"):
        return data.rfind(b"\xff\xd9") > data.rfind(b"\xff\xda")
    if data.startswith(b"\x89PNG"):
        return b"IEND" in data[-1024:]
    return len(data) > 0

"""Image files of a person's own: found where the person says, and prepared as the images of a data
set are.
"""

import glob
import os
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from ..core.i18n import _, listed
from . import decoding, folders

# What counts as an image in a folder. HEIC is among them, which nobody here can read: the
# photographs of an iPhone must be named, not passed over.
SUFFIXES = folders.SUFFIXES | {".gif", ".tif", ".tiff", ".avif", ".heic", ".heif"}
# ISO base media files (bytes 4 to 8 are `ftyp`) of these brands are HEIC or HEIF.
_HEIF = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def found(
    given: Iterable[str | Path], base: Path | None = None
) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files that paths, folders and patterns such as `photos/*.jpg` name, each once; and
    folders with what is to be said of them.

    A folder stands for the image files in it, by name, not for those in its sub-folders. A path
    that leads nowhere is among the files, for `prepared` to say so. base: where a relative path is
    looked for, too, if there is nothing in the working directory.
    """
    chosen: list[Path] = []
    remarks: list[tuple[Path, str]] = []
    for word in given:
        for path in _meant(os.path.expanduser(word), base):
            if path.is_dir():
                images, remark = _of_folder(path)
                chosen += images
                remarks += [(path, remark)] if remark else []
            else:
                chosen.append(path)
    once = {os.path.realpath(path): path for path in reversed(chosen)}
    return [path for path in chosen if once[os.path.realpath(path)] is path], remarks


def prepared(file: Path, side: int) -> np.ndarray:
    """RGB pixels uint8 (side, side, 3), by the steps that the data sets' image files go through.

    Raises ValueError, which says why, for what is no image or cannot be read.
    """
    if not file.exists():
        raise ValueError(_("there is no such file"))
    if not file.is_file():  # a device may never end
        raise ValueError(_("this is not a file"))
    try:
        pixels = decoding.one(file, side)
        if pixels is None:
            raise ValueError(_reason(file))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from None
    return pixels


def as_taken(file: Path, most: int) -> np.ndarray:
    """The same image in its own proportions, at most so many pixels wide and high: RGB uint8 (h, w,
    3). For a file that `prepared` has read.
    """
    image = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR)
    if image is None:  # changed since
        raise ValueError(_("this is not an image, or a damaged one"))
    scale = min(1.0, most / max(image.shape[:2]))
    height, width = (max(1, round(scale * length)) for length in image.shape[:2])
    return cv2.cvtColor(
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB
    )


def _meant(word: str, base: Path | None) -> list[Path]:
    """The path or the paths that a word names; the word itself where there is nothing."""
    for start in [Path()] if base is None else [Path(), base]:
        if os.path.lexists(start / word):
            return [start / word]
        if glob.has_magic(word) and (paths := sorted(glob.glob(word, root_dir=start))):
            return [start / path for path in paths]
    return [Path(word)]


def _of_folder(folder: Path) -> tuple[list[Path], str]:
    """The image files in a folder by name, and what else is in it."""
    try:
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        return [], error.strerror or str(error)
    images = [path for path in paths if path.suffix.lower() in SUFFIXES and not path.is_dir()]
    inner = [path.name for path in paths if path.is_dir()]
    remarks = [] if images else [_("there is no image file in this folder")]
    if inner:
        remarks.append(_("not looked into: {folders}", folders=listed(inner, 4)))
    others = len(paths) - len(images) - len(inner)
    if images and others:
        remarks.append(_("files that are no images: {number}", number=others))
    return images, "; ".join(remarks)


def _reason(file: Path) -> str:
    """Why a file was not decoded."""
    with open(file, "rb") as stream:
        head = stream.read(12)
    if not head:
        return _("the file is empty")
    if head[4:8] == b"ftyp" and head[8:] in _HEIF:
        return _("this is HEIC, which cannot be read here; save the photograph as JPEG")
    if not decoding.is_whole(file):
        return _("the image breaks off: the file is incomplete")
    return _too_large(file) or _("this is not an image, or a damaged one")


def _too_large(file: Path) -> str:
    """What to say of an image that has more pixels than OpenCV or the memory takes; else empty."""
    import warnings

    from PIL import Image

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(file):
            return ""
    except Image.DecompressionBombError:
        return _("the image has too many pixels to be decoded")
    except (OSError, ValueError, SyntaxError):  # of a file that is no image, or a damaged one
        return ""

"""What the program knows of a data set before it is loaded: one row of `datasets.DATASETS`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import folders
from .dataset import Dataset


@dataclass(frozen=True)
class Source:
    """Where a data set comes from.

    find(folder): where it lies below a folder, errors as of `folders.find`. compare(root): compares
    what lies there with data.lock. instructions: how a person puts it in place. folder: its name in
    the data folder. page: for a person to visit. size: bytes of the archive, about.
    receive(source, place): downloads the archive into a folder and returns it. unpack(archive,
    folder): takes it apart.
    """

    find: Callable[[Path], Path]
    compare: Callable[[Path], Any]
    instructions: str
    folder: str
    page: str
    size: int
    receive: Callable[["Source", Path], Path]
    unpack: Callable[[Path, Path], None] = folders.unpack


@dataclass(frozen=True)
class DatasetSpec:
    """A data set by name.

    load(data, folder, seed, max_images, **dataset_args): the loader; its keyword-only arguments are
    what a parameter file sets. shape(**dataset_args): image shape (H, W, 3) and number of classes.
    sample_images: images of the sample. images: labelled ones of the usual download. validation:
    how many of these the published experiments choose by, about. unlabelled: further ones. mapped:
    whether decoded images are mapped from a file, and not read into memory. source: where it comes
    from, None where it is only drawn.
    """

    load: Callable[..., Dataset]
    shape: Callable[..., tuple[tuple[int, int, int], int]]
    sample_images: int
    images: int = 0
    validation: int = 0
    unlabelled: int = 0
    mapped: bool = True
    source: Source | None = None

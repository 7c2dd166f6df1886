"""Cats and dogs: 2,000 + 1,000 photographs in folders that say which is which and what they are
for, or drawn ones.

The filtered part of the data of Kaggle's dogs-vs-cats competition (2013) that Google's image
classification course hands out.
"""

from pathlib import Path

import numpy as np

from . import data_lock, decoding, folders
from .dataset import Dataset, Split
from .sample import cats_dogs as cats_dogs_sample
from .sample.drawn import drawn
from .splitting import hold_out, note_repeated, refuse_too_few, shortened, without

CLASS_NAMES = ["cats", "dogs"]
SPLITS = ("train", "validation")
PARTS = [f"{split}/{name}" for split in SPLITS for name in CLASS_NAMES]
HOW = (
    "put train/ and validation/, each with cats/ and dogs/ in it, or a zip of them, into"
    " cats_and_dogs_filtered/ in the data folder"
)
SAMPLE_PER_CLASS = 240
SAMPLE_SEED = 0


def cats_dogs(
    data: str,
    folder: Path,
    seed: int,
    max_images: int | None,
    *,
    image_size: int,
    on_unreadable: str,
    test_fraction: float = 0.0,
) -> Dataset:
    """Two classes, a training and a validation split as the folders have them, and a test split
    where one is asked for.

    data: "real" or "sample". folder: holds `train/` and `validation/`, at most four folders down,
    or their zip. image_size: side in pixels. on_unreadable: "stop" or "skip". test_fraction: of
    the images in `validation/`, stratified, drawn by seed; 0, as published, for no test split. So
    the training images stay the published ones, and test and validation images are of one kind.
    max_images: keep about so many images in all, the same share of every class.
    """
    notes: list[str] = []
    train, validation = (
        _sample(image_size) if data == "sample" else _real(folder, image_size, on_unreadable, notes)
    )
    note_repeated([train, validation], CLASS_NAMES, notes)
    held_out = {"validation": validation}
    if test_fraction:
        parts = hold_out(validation, test_fraction, seed, "test_fraction")
        held_out = dict(zip(("validation", "test"), parts))
    for name, split in held_out.items():
        train = without(train, split, name, notes)
    kept = shortened([train, *held_out.values()], max_images, seed, notes)
    splits = dict(zip(("train", *held_out), kept))
    refuse_too_few(splits, max_images)
    return Dataset(
        name="cats_dogs",
        sample=data == "sample",
        train=splits["train"],
        validation=splits["validation"],
        test=splits.get("test"),
        class_names=CLASS_NAMES,
        notes=notes,
    )


def shape(
    *, image_size: int, on_unreadable: str, test_fraction: float = 0.0
) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes, known without the data."""
    return (image_size, image_size, 3), len(CLASS_NAMES)


def _sample(side: int) -> tuple[Split, Split]:
    images, labels = drawn(cats_dogs_sample, SAMPLE_PER_CLASS, SAMPLE_SEED, side)
    return hold_out(
        Split(images, labels, [f"sample-{index:04d}" for index in range(len(images))]),
        1 / 3,
        SAMPLE_SEED,
        "validation_fraction",
    )


def find(folder: Path) -> Path:
    """The folder that holds `train/` and `validation/`; errors as of `folders.find`."""
    return folders.find(tuple(PARTS), folder, "cats_and_dogs_filtered")


def compare(
    root: Path, notes: list[str] | None = None
) -> tuple[data_lock.DatasetFiles, np.ndarray, list[str]]:
    """What the folder holds, compared with data.lock: its files, labels and ids."""
    files, labels, ids = folders.labelled(root, PARTS, [] if notes is None else notes)
    return data_lock.look("cats_dogs", root, files), labels % len(CLASS_NAMES), ids


def _real(folder: Path, side: int, on_unreadable: str, notes: list[str]) -> tuple[Split, Split]:
    pool = decoding.pool(*compare(find(folder), notes), side, on_unreadable, notes)
    is_train = np.array([name.startswith("train/") for name in pool.ids])
    return pool.take(np.flatnonzero(is_train)), pool.take(np.flatnonzero(~is_train))

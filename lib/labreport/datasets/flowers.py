"""Flowers: 4,317 photographs in five folders, or drawn ones.

Kaggle data set alxmamaev/flowers-recognition.
"""

from pathlib import Path

import numpy as np

from . import data_lock, decoding, folders
from .dataset import Dataset, Split
from .sample import flowers as flowers_sample
from .sample.drawn import drawn
from .splitting import hold_out, note_repeated, refuse_too_few, shortened

CLASS_NAMES = ["daisy", "dandelion", "rose", "sunflower", "tulip"]
HOW = "put the five class folders, or a zip of them, into flowers/ in the data folder"
SAMPLE_PER_CLASS = 100
SAMPLE_SEED = 0


def flowers(
    data: str,
    folder: Path,
    seed: int,
    max_images: int | None,
    *,
    image_size: int,
    validation_fraction: float,
    on_unreadable: str,
    test_fraction: float = 0.0,
) -> Dataset:
    """Five classes, a training and a validation split, and a test split where one is asked for.

    data: "real" or "sample". folder: holds the five class folders, at most four folders down, or
    their zip. image_size: side in pixels. test_fraction: of all images, held out first; 0, as
    published, for no test split. validation_fraction: of the rest. Both are stratified, drawn by
    seed. on_unreadable: "stop" or "skip". max_images: keep about so many images in all, the same
    share of every class.
    """
    notes: list[str] = []
    pool = (
        _sample(image_size) if data == "sample" else _real(folder, image_size, on_unreadable, notes)
    )
    note_repeated([pool], CLASS_NAMES, notes)
    [pool] = shortened([pool], max_images, seed, notes)
    splits = {}
    if test_fraction:
        pool, splits["test"] = hold_out(pool, test_fraction, seed, "test_fraction")
    train, validation = hold_out(pool, validation_fraction, seed, "validation_fraction")
    refuse_too_few({"train": train, "validation": validation} | splits, max_images)
    return Dataset(
        name="flowers",
        sample=data == "sample",
        train=train,
        validation=validation,
        test=splits.get("test"),
        class_names=CLASS_NAMES,
        notes=notes,
    )


def shape(
    *, image_size: int, validation_fraction: float, on_unreadable: str, test_fraction: float = 0.0
) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes, known without the data."""
    return (image_size, image_size, 3), len(CLASS_NAMES)


def _sample(side: int) -> Split:
    images, labels = drawn(flowers_sample, SAMPLE_PER_CLASS, SAMPLE_SEED, side)
    return Split(images, labels, [f"sample-{index:04d}" for index in range(len(images))])


def find(folder: Path) -> Path:
    """The folder that holds the five class folders; errors as of `folders.find`."""
    return folders.find(tuple(CLASS_NAMES), folder, "the flowers data set")


def compare(
    root: Path, notes: list[str] | None = None
) -> tuple[data_lock.DatasetFiles, np.ndarray, list[str]]:
    """What the folder holds, compared with data.lock: its files, labels and ids."""
    files, labels, ids = folders.labelled(root, CLASS_NAMES, [] if notes is None else notes)
    return data_lock.look("flowers", root, files), labels, ids


def _real(folder: Path, side: int, on_unreadable: str, notes: list[str]) -> Split:
    return decoding.pool(*compare(find(folder), notes), side, on_unreadable, notes)

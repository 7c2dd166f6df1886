"""Data sets by name: each function fetches, verifies, splits and returns a `Dataset`; no Keras here."""

import numpy as np
import pandas as pd

from .. import paths
from . import cifar10
from .dataset import Dataset, Split

__all__ = ["DATASETS", "Dataset", "Split", "class_counts", "examples", "load", "shape"]


def load(experiment) -> Dataset:
    """The data of an experiment, from the data folder, by download, or drawn; the same experiment gets the same bytes.

    Raises ValueError for a damaged file, ConnectionError where the data is neither there nor to be had.
    """
    return DATASETS[experiment.dataset](experiment.data, paths.data(), experiment.seed, experiment.max_images, **experiment.dataset_args)


def shape(experiment) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes of an experiment's data, without loading it."""
    return SHAPES[experiment.dataset](**experiment.dataset_args)


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """Images by class (rows, in label order) and split (columns)."""
    return pd.DataFrame({name: np.bincount(split.labels, minlength=len(dataset.class_names)) for name, split in dataset.splits.items()},
                        index=dataset.class_names)


def examples(dataset: Dataset, each: int) -> tuple[np.ndarray, list[str]]:
    """The first training image of every class in label order, then the second ones, up to `each`; and their class names."""
    by_class = [np.flatnonzero(dataset.train.labels == label)[:each] for label in range(len(dataset.class_names))]
    positions = [found[turn] for turn in range(each) for found in by_class if turn < len(found)]
    return dataset.train.images[positions], [dataset.class_names[label] for label in dataset.train.labels[positions]]


DATASETS = {
    "cifar10": cifar10.cifar10,
}

SHAPES = {
    "cifar10": cifar10.shape,
}

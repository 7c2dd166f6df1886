"""Data sets by name: each function finds, verifies, splits and returns a `Dataset`, and what is not
here is fetched; no Keras here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core import paths
from ..runs import data_fingerprint
from . import cats_dogs, cifar10, dog_breeds, fetching, flowers, folders
from .dataset import Dataset, Split

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DATASETS", "Dataset", "Split", "class_counts", "evenly", "examples", "load", "shape"]


def load(experiment) -> Dataset:
    """The data of an experiment, from the data folder, by download, or drawn; the same experiment
    gets the same bytes.

    Raises ValueError for a damaged file; where the data is neither there nor to be had,
    ConnectionError or FileNotFoundError, as of `fetching.fetch`.
    """

    def here() -> Dataset:
        return DATASETS[experiment.dataset](  # type: ignore[operator]
            experiment.data,
            paths.data(),
            experiment.seed,
            experiment.max_images,
            **experiment.dataset_args,
        )

    with data_fingerprint.remembering(experiment) as loaded:
        try:
            loaded.append(here())
        except folders.NotThere:
            fetching.fetch(experiment.dataset, paths.data())
            loaded.append(here())
    return loaded[0]


def shape(experiment) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes of an experiment's data, without loading it."""
    return SHAPES[experiment.dataset](**experiment.dataset_args)  # type: ignore[operator]


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """Images by class (rows, in label order) and split (columns)."""
    import pandas as pd  # here: the command line does without

    return pd.DataFrame(
        {
            name: np.bincount(split.labels, minlength=len(dataset.class_names))
            for name, split in dataset.splits.items()
        },
        index=dataset.class_names,
    )


def examples(dataset: Dataset, each: int) -> tuple[np.ndarray, list[str]]:
    """The first training image of every class in label order, then the second ones, up to `each`;
    and their class names.
    """
    by_class = [
        np.flatnonzero(dataset.train.labels == label)[:each]
        for label in range(len(dataset.class_names))
    ]
    positions = np.array(
        [found[turn] for turn in range(each) for found in by_class if turn < len(found)]
    )
    return np.asarray(dataset.train.images[positions]), [
        dataset.class_names[label] for label in dataset.train.labels[positions]
    ]


def evenly(total: int, most: int) -> np.ndarray:
    """At most `most` positions, evenly over `total` ones: splits are often sorted by class."""
    return np.unique(np.linspace(0, total - 1, min(most, total)).astype(int))


DATASETS = {
    "cats_dogs": cats_dogs.cats_dogs,
    "flowers": flowers.flowers,
    "cifar10": cifar10.cifar10,
    "dog_breeds": dog_breeds.dog_breeds,
}

SHAPES = {
    "cats_dogs": cats_dogs.shape,
    "flowers": flowers.shape,
    "cifar10": cifar10.shape,
    "dog_breeds": dog_breeds.shape,
}

"""Data sets by name: each loader finds, verifies, splits and returns a `Dataset`, and what is
missing is downloaded; no Keras here.

To add one, write its module and a row of `DATASETS`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ..config.experiment_files import SPLIT_SEED
from ..core import paths
from ..platforms.kaggle_client import SITE
from ..runs import data_fingerprint
from . import cats_dogs, cifar10, dog_breeds, fetching, flowers, folders
from .dataset import Dataset, Split
from .spec import DatasetSpec, Source

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DATASETS", "Dataset", "Split", "class_counts", "evenly", "examples", "load", "shape"]


def load(experiment) -> Dataset:
    """The data of an experiment, from the data folder, by download, or drawn; the same experiment
    gets the same bytes.

    Raises ValueError for a damaged file; where the data is neither there nor to be had,
    ConnectionError or FileNotFoundError, as of `fetching.fetch`.
    """

    spec = DATASETS[experiment.dataset]

    def here() -> Dataset:
        return spec.load(
            experiment.data,
            paths.data(),
            experiment.split_seed,
            experiment.max_images,
            **_arguments(experiment),
        )

    with data_fingerprint.remembering(experiment) as loaded:
        try:
            loaded.append(here())
        except folders.NotThere:
            if spec.source is None:
                raise
            fetching.fetch(experiment.dataset, spec.source, paths.data())
            loaded.append(here())
    return loaded[0]


def shape(experiment) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes of an experiment's data, without loading it."""
    return DATASETS[experiment.dataset].shape(**_arguments(experiment))


def _arguments(experiment) -> dict:
    """What a data set's functions take from the parameter file, besides the seed."""
    return {key: value for key, value in experiment.dataset_args.items() if key != SPLIT_SEED}


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


# Sizes are what the tutorials print that download them. Nobody here knows the sha256 of Google's
# archive: its md5 is compared with the one that Google's storage sends along, and from its first
# use on data.lock knows every file. Kaggle's client verifies sizes; the CRC of each file is
# compared as it is unpacked, and data.lock then.
DATASETS = {
    "cats_dogs": DatasetSpec(
        load=cats_dogs.cats_dogs,
        shape=cats_dogs.shape,
        sample_images=480,
        images=3000,
        validation=1000,
        source=Source(
            cats_dogs.find,
            cats_dogs.compare,
            cats_dogs.HOW,
            folder="cats_and_dogs_filtered",
            page="https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip",
            size=68_606_236,
            receive=partial(fetching.from_storage, None),
        ),
    ),
    "flowers": DatasetSpec(
        load=flowers.flowers,
        shape=flowers.shape,
        sample_images=500,
        images=4317,
        validation=863,
        source=Source(
            flowers.find,
            flowers.compare,
            flowers.HOW,
            folder="flowers",
            page=f"{SITE}/datasets/alxmamaev/flowers-recognition",
            size=236_000_000,
            receive=partial(
                fetching.from_kaggle, "dataset_download_files", "alxmamaev/flowers-recognition"
            ),
        ),
    ),
    "cifar10": DatasetSpec(
        load=cifar10.cifar10,
        shape=cifar10.shape,
        sample_images=6000,
        images=60_000,
        validation=5000,
        mapped=False,  # it comes in six files
        source=Source(
            cifar10.find,
            cifar10.compare,
            cifar10.HOW,
            folder=cifar10.FOLDER,
            page=cifar10.ARCHIVE_URL,
            size=170_498_071,
            receive=partial(fetching.from_storage, cifar10.ARCHIVE_SHA256),
            unpack=cifar10.unpack,
        ),
    ),
    "dog_breeds": DatasetSpec(
        load=dog_breeds.dog_breeds,
        shape=dog_breeds.shape,
        sample_images=1440,
        images=10_222,
        validation=739,
        unlabelled=10_357,
        source=Source(
            dog_breeds.find,
            dog_breeds.compare,
            dog_breeds.HOW,
            folder="dog-breed-identification",
            page=f"{SITE}/competitions/dog-breed-identification",
            size=725_000_000,
            receive=partial(
                fetching.from_kaggle, "competition_download_files", "dog-breed-identification"
            ),
        ),
    ),
}

"""Small trainings in this process, and how a test ends them."""

import numpy as np

from labreport.config import experiments
from labreport.datasets import Dataset, Split
from labreport.datasets.cifar10 import CLASS_NAMES


def tiny_data():
    """A data set of 60 images of 32 x 32 pixels in ten classes: dark to bright, so that it can be
    learnt.
    """

    def split(name, count, seed):
        labels = np.arange(count, dtype=np.int32) % 10
        noise = np.random.default_rng(seed).integers(0, 24, (count, 32, 32, 3))
        return Split(
            (labels[:, None, None, None] * 23 + noise).astype(np.uint8),
            labels,
            [f"{name}-{index}" for index in range(count)],
        )

    return Dataset(
        "cifar10",
        True,
        split("train", 40, 0),
        split("validation", 10, 1),
        split("test", 10, 2),
        list(CLASS_NAMES),
    )


def experiment(**settings):
    return experiments.load(
        "cifar10_l2_dropout",
        {
            "data": "sample",
            "filters": [[4], [4]],
            "block_dropout": [0.1, 0.1],
            "dense": [8],
            "dense_dropout": [0.1],
            "epochs": 3,
            "batch_size": 16,
            **settings,
        },
    )


def quiet(line):
    pass


def same_bits(one, other):
    assert one.history.equals(other.history) and one.predictions.equals(other.predictions)


class Killed(BaseException):
    """Nobody catches this."""


class Dying:
    """A process that dies after so many operations more: it wraps those that count."""

    def __init__(self, left):
        self.left = left

    def __call__(self, operation):
        def call(*arguments, **keywords):
            self.left -= 1
            if self.left < 0:
                raise Killed
            return operation(*arguments, **keywords)

        return call


def at_epoch(number, act):
    """A progress function that acts once an epoch is saved."""
    return lambda line: act() if line.startswith(f"epoch {number}/") else None


def kill():
    raise Killed

"""What a model is fed: batches of images in an order, and with augmentations, that depend on the
seed and the epoch alone.
"""

import math
from collections.abc import Callable

import keras
import numpy as np

MOST_EVALUATED = 250  # inputs a batch where nothing is trained
EVALUATED_PIXELS = 2**20


class Batches(keras.utils.PyDataset):
    """Batches of what `pick` gives for positions in a split, with their labels."""

    def __init__(
        self,
        pick: Callable[[np.ndarray], np.ndarray],
        labels: np.ndarray,
        batch_size: int,
        order: np.ndarray | None = None,
        outputs: tuple[str, ...] = (),
    ):
        """pick: positions (B,) -> inputs (B, ...). order: of the positions, None for as they are.
        outputs: names of a model's outputs where it has several.
        """
        super().__init__()
        self.pick, self.labels, self.batch_size, self.outputs = pick, labels, batch_size, outputs
        self.order = np.arange(len(labels)) if order is None else order

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int):
        """Inputs (B, ...) and labels int32 (B,), or a dict of them for each output."""
        positions = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        labels = self.labels[positions]
        return self.pick(positions), (
            {name: labels for name in self.outputs} if self.outputs else labels
        )


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order of the training images in an epoch, a pure function of (seed, epoch): permutation
    (count,).
    """
    return np.random.default_rng([seed, epoch]).permutation(count)


def pixels(
    split, augment=None, seed: int = 0, epoch: int = 0
) -> Callable[[np.ndarray], np.ndarray]:
    """A function from positions in a split to their images uint8 (B, H, W, 3), augmented as (seed,
    epoch) say where `augment` is given.
    """
    if augment is None:
        return lambda positions: np.asarray(split.images[positions])
    matrices = augment.transformations(seed, epoch, len(split))
    return lambda positions: augment.apply(np.asarray(split.images[positions]), matrices[positions])


def in_order(split, outputs: tuple[str, ...] = ()) -> Batches:
    """A split's images as they are, in their order."""
    return Batches(
        pixels(split), split.labels, evaluation_batch(split.images.shape[1:]), outputs=outputs
    )


def evaluation_batch(image_shape: tuple[int, ...]) -> int:
    """Images a batch where nothing is trained: fewer of the large ones, since the maps of a deep
    network on them fill the memory.
    """
    return max(1, min(MOST_EVALUATED, EVALUATED_PIXELS // (image_shape[0] * image_shape[1])))

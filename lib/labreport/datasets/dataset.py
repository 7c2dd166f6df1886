"""What a data set is once it is loaded: splits of images, labels and ids that share no image, and a
fingerprint of all of it.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np


def contents(images: Any) -> np.ndarray:
    """For each image (N, H, W, 3) a digest of its pixels, (N,): equal digests are equal images."""
    return np.array(
        [
            hashlib.blake2b(
                np.ascontiguousarray(image),  # type: ignore[arg-type]  # a buffer, says NumPy
                digest_size=16,
            ).digest()
            for image in images
        ],
        dtype="S16",
    )


class Rows:
    """Some rows of an array (N, ...), in an order of their own, read when they are asked for: a
    memory-mapped array stays on disk.
    """

    def __init__(self, array: np.ndarray, index: np.ndarray):
        self.array, self.index = array, np.asarray(index)

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, ...)."""
        return (len(self.index), *self.array.shape[1:])

    def __len__(self) -> int:
        return len(self.index)

    def __getitem__(self, key) -> np.ndarray:
        return np.asarray(self.array[self.index[key]])

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self[:], dtype)


@dataclass(frozen=True)
class Split:
    """images: uint8 (N, H, W, 3), RGB, an array or `Rows` of one. labels: int32 (N,), index into
    the class names, -1 where unknown. ids: N texts that name the images. digests:
    `contents(images)`, computed where it is not known yet.
    """

    images: np.ndarray | Rows
    labels: np.ndarray
    ids: list[str]
    digests: np.ndarray = None  # type: ignore[assignment]  # __post_init__ computes them

    def __post_init__(self):
        if self.digests is None:
            object.__setattr__(self, "digests", contents(self.images))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Split":
        """The images at these positions, as a split; the pixels are not copied."""
        index = np.asarray(index)
        images = (
            Rows(self.images.array, self.images.index[index])
            if isinstance(self.images, Rows)
            else Rows(self.images, index)
        )
        return Split(images, self.labels[index], [self.ids[i] for i in index], self.digests[index])


@dataclass(frozen=True)
class Dataset:
    """Splits that share no image, the class names in label order, and what a reader should know
    about the data (notes).

    test: None where the data set has no test split. unlabelled: the images of a competition whose
    labels nobody here knows.
    """

    name: str
    sample: bool
    train: Split
    validation: Split
    test: Split | None
    class_names: list[str]
    notes: list[str] = field(default_factory=list)
    unlabelled: Split | None = None
    fingerprint: str = field(init=False)

    def __post_init__(self):
        digest = hashlib.sha256("\n".join([self.name, *self.class_names]).encode())
        for name, split in (
            self.splits | ({"unlabelled": self.unlabelled} if self.unlabelled else {})
        ).items():
            digest.update(f"{name} {split.images.shape}".encode())
            digest.update(np.ascontiguousarray(split.digests).tobytes())
            digest.update(np.ascontiguousarray(split.labels).data)
            digest.update("\n".join(split.ids).encode())
        object.__setattr__(self, "fingerprint", digest.hexdigest())

    @property
    def image_shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        return self.train.images.shape[1:]

    @property
    def splits(self) -> dict[str, Split]:
        """The labelled splits by name, in the order they are used."""
        return {"train": self.train, "validation": self.validation} | (
            {"test": self.test} if self.test else {}
        )

    @property
    def evaluated(self) -> tuple[str, Split]:
        """The split that a finished model is evaluated on, and its name: test, or validation where
        there is no test split.
        """
        return list(self.splits.items())[-1]

"""What a data set is once it is loaded: three splits of images, labels and ids, and a fingerprint of all of it."""

import hashlib
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Split:
    """images: uint8 (N, H, W, 3), RGB. labels: int32 (N,), index into the class names. ids: N texts that name the images."""

    images: np.ndarray
    labels: np.ndarray
    ids: list[str]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, index: np.ndarray) -> "Split":
        """The images at these positions, as a split."""
        return Split(self.images[index], self.labels[index], [self.ids[i] for i in index])


@dataclass(frozen=True)
class Dataset:
    """Three splits that share no image, the class names in label order, and what a reader should know about the data (notes)."""

    name: str
    sample: bool
    train: Split
    validation: Split
    test: Split
    class_names: list[str]
    notes: list[str] = field(default_factory=list)
    fingerprint: str = field(init=False)

    def __post_init__(self):
        digest = hashlib.sha256("\n".join([self.name, *self.class_names]).encode())
        for split in (self.train, self.validation, self.test):
            digest.update(str(split.images.shape).encode())
            digest.update(np.ascontiguousarray(split.images).data)
            digest.update(np.ascontiguousarray(split.labels).data)
            digest.update("\n".join(split.ids).encode())
        object.__setattr__(self, "fingerprint", digest.hexdigest())

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, 3)."""
        return self.train.images.shape[1:]

    @property
    def splits(self) -> dict[str, Split]:
        """The splits by name, in the order they are used."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

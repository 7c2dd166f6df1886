"""Augmentation of training images: all geometric parts composed into one resampling, a pure function of (seed, epoch, image)."""

from dataclasses import dataclass

import cv2
import numpy as np

AUGMENTATION = 1  # keeps this stream of random numbers apart from that of the shuffling, which is [seed, epoch]


def build(experiment):
    """The experiment's `Augmentation`, or None where it asks for none."""
    return augmentation(**experiment.augmentation)


def augmentation(*, horizontal_flip: bool = False, rotation_degrees: float = 0.0):
    """horizontal_flip: half of the images. rotation_degrees: by an angle drawn from -rotation_degrees to +rotation_degrees."""
    if not 0 <= rotation_degrees <= 180:
        raise ValueError(f"augmentation.rotation_degrees must lie between 0 and 180, got {rotation_degrees}")
    return Augmentation(horizontal_flip, rotation_degrees) if horizontal_flip or rotation_degrees else None


@dataclass(frozen=True)
class Augmentation:
    """Draws one affine transformation an image and resamples it once; the border is reflected, as Keras's random layers do."""

    horizontal_flip: bool
    rotation_degrees: float

    def transformations(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """For each of `count` training images its matrix in this epoch, about the centre: float64 (count, 2, 2)."""
        angle, flip = np.random.default_rng([seed, epoch, AUGMENTATION]).uniform(-1, 1, (count, 2)).T
        angle = np.deg2rad(self.rotation_degrees) * angle
        cosine, sine = np.cos(angle), np.sin(angle)
        mirror = np.where((flip < 0) & self.horizontal_flip, -1.0, 1.0)
        return np.stack([cosine * mirror, sine, -sine * mirror, cosine], axis=-1).reshape(count, 2, 2)

    def apply(self, images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
        """images: uint8 (N, H, W, 3), left as they are. matrices: (N, 2, 2). Returns new uint8 images of the same shape."""
        height, width = images.shape[1:3]
        center = np.array([(width - 1) / 2, (height - 1) / 2])
        affine = np.concatenate([matrices, (center - matrices @ center)[..., None]], axis=-1)
        augmented = np.empty_like(images)
        for image, matrix, target in zip(images, affine, augmented):
            cv2.warpAffine(image, matrix, (width, height), dst=target, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        return augmented

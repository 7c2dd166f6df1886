"""Augmentation of training images: all geometric parts composed into one resampling, a pure
function of (seed, epoch, image).
"""

from dataclasses import dataclass

import cv2
import numpy as np

# keeps this stream of random numbers apart from that of the shuffling, which is [seed, epoch]
AUGMENTATION = 1
BORDERS = {"reflect": cv2.BORDER_REFLECT, "nearest": cv2.BORDER_REPLICATE}


def build(experiment):
    """The experiment's `Augmentation`, or None where it asks for none."""
    return augmentation(**experiment.augmentation) if experiment.augmentation else None


def augmentation(
    *,
    horizontal_flip: bool = False,
    vertical_flip: bool = False,
    rotation_degrees: float = 0.0,
    width_shift_fraction: float = 0.0,
    height_shift_fraction: float = 0.0,
    zoom_fraction: float = 0.0,
    fill: str = "reflect",
):
    """horizontal_flip, vertical_flip: half of the images each.

    The others are drawn evenly from minus to plus the number given.

    rotation_degrees: about the centre. width_shift_fraction, height_shift_fraction: of the side.
    zoom_fraction: width and height each by a factor of their own around 1. fill: what is drawn
    beyond the border, "reflect" (the image mirrored) or "nearest" (its edge).
    """
    if not 0 <= rotation_degrees <= 180:
        raise ValueError(
            f"augmentation.rotation_degrees must lie between 0 and 180, got {rotation_degrees}"
        )
    for name, value in (
        ("width_shift_fraction", width_shift_fraction),
        ("height_shift_fraction", height_shift_fraction),
        ("zoom_fraction", zoom_fraction),
    ):
        if not 0 <= value < 1:
            raise ValueError(f"augmentation.{name} must lie from 0 to below 1, got {value}")
    if fill not in BORDERS:
        raise ValueError(f"augmentation.fill must be {' or '.join(BORDERS)}, got {fill!r}")
    wanted = Augmentation(
        horizontal_flip,
        vertical_flip,
        rotation_degrees,
        width_shift_fraction,
        height_shift_fraction,
        zoom_fraction,
        fill,
    )
    return (
        wanted
        if any(
            (
                horizontal_flip,
                vertical_flip,
                rotation_degrees,
                width_shift_fraction,
                height_shift_fraction,
                zoom_fraction,
            )
        )
        else None
    )


@dataclass(frozen=True)
class Augmentation:
    """Draws one affine transformation an image and resamples it once."""

    horizontal_flip: bool
    vertical_flip: bool
    rotation_degrees: float
    width_shift_fraction: float
    height_shift_fraction: float
    zoom_fraction: float
    fill: str

    @property
    def only_mirrors(self) -> bool:
        """Whether an image comes in two views at most: as it is, and mirrored left to right."""
        return not any(
            (
                self.vertical_flip,
                self.rotation_degrees,
                self.width_shift_fraction,
                self.height_shift_fraction,
                self.zoom_fraction,
            )
        )

    def mirrored(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """Which of `count` training images are mirrored left to right in this epoch: (count,)."""
        return self.horizontal_flip & (self._draws(seed, epoch, count)[1] < 0)

    def transformations(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """For each of `count` training images its matrix in this epoch, from the new image back to
        the old one: float64 (count, 2, 3).

        Coordinates run about the centre; the last column is in fractions of width and height. The
        order is that of Keras's ImageDataGenerator, which the published experiments used: the
        content is turned, then shifted, then stretched, so that unlike zooms shear it, and mirrored
        at last.
        """
        angle, _, upset, across, down, zoom_x, zoom_y = self._draws(seed, epoch, count)
        angle = np.deg2rad(self.rotation_degrees) * angle
        x = (1 + self.zoom_fraction * zoom_x) * np.where(
            self.mirrored(seed, epoch, count), -1.0, 1.0
        )
        y = (1 + self.zoom_fraction * zoom_y) * np.where(
            self.vertical_flip & (upset < 0), -1.0, 1.0
        )
        cosine, sine = np.cos(angle), np.sin(angle)
        turn = np.stack([cosine, sine, -sine, cosine], axis=-1).reshape(count, 2, 2)
        stretch = np.stack([x, y], axis=-1)
        shift = np.stack(
            [self.width_shift_fraction * across, self.height_shift_fraction * down], axis=-1
        )
        return np.concatenate([turn * stretch[:, None], -turn @ shift[..., None]], axis=-1)

    def apply(self, images: np.ndarray, matrices: np.ndarray) -> np.ndarray:
        """images: uint8 (N, H, W, 3), square or nearly so, left as they are. matrices: (N, 2, 3).

        Returns new images of the same shape.
        """
        height, width = images.shape[1:3]
        center = np.array([(width - 1) / 2, (height - 1) / 2])
        linear, shift = matrices[:, :, :2], matrices[:, :, 2] * (width, height)
        affine = np.concatenate([linear, (center + shift - linear @ center)[..., None]], axis=-1)
        augmented = np.empty_like(images)
        for image, matrix, target in zip(images, affine, augmented):
            cv2.warpAffine(
                image,
                matrix,
                (width, height),
                dst=target,
                flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
                borderMode=BORDERS[self.fill],
            )
        return augmented

    def _draws(self, seed: int, epoch: int, count: int) -> np.ndarray:
        """Numbers from -1 to 1, (7, count): angle, mirror, upset, shift across and down, zoom in
        width and height.
        """
        return np.random.default_rng([seed, epoch, AUGMENTATION]).uniform(-1, 1, (count, 7)).T

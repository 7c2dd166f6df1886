"""What a frozen backbone makes of the images, computed once: each view of each image, kept
memory-mapped, so that an epoch trains the head alone.
"""

import functools
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from ..core import array_cache, paths
from ..core.i18n import count, duration
from ..runs import provenance
from ..staleness import rules as staleness

# images a forward pass; the kept bits depend on it as little as on the batch size of an epoch
CHUNK = 64


@dataclass(frozen=True)
class Features:
    """Of the training images as they are and, where an experiment mirrors images, mirrored; of the
    validation images as they are.

    train: float32 (views, N, ...), memory-mapped. validation: float32 (M, ...), memory-mapped.
    """

    train: list[np.ndarray]
    validation: np.ndarray

    def pick(self, mirrored: np.ndarray | None) -> Callable[[np.ndarray], np.ndarray]:
        """A function from positions in the training split to their features. mirrored: mask (N,) of
        this epoch, None for none.
        """

        def picked(positions):
            found = np.asarray(self.train[0][positions])
            if mirrored is not None:
                there = mirrored[positions]
                found[there] = self.train[1][positions[there]]
            return found

        return picked


def applicable(augment) -> bool:
    """Whether the augmentation leaves each image one view or two."""
    return augment is None or augment.only_mirrors


def computed(
    extractor: keras.Model, dataset, augment, device: dict, progress: Callable[[str], None]
) -> Features:
    """The features of the training and validation images, from the cache folder or computed now.

    device: what `backend.describe()` says; on another device, or with other threads, the last bits
    differ.
    """
    parts = [("train", dataset.train, False), ("validation", dataset.validation, False)]
    if augment is not None:
        parts.insert(1, ("train", dataset.train, True))
    made = []
    for name, split, mirrored in parts:
        key = _key(extractor, device, split, mirrored)
        shape = (len(split), *extractor.output.shape[1:])
        path = (
            paths.cache()
            / "features"
            / f"{dataset.name}-{name}{'-mirrored' if mirrored else ''}-{key}.npy"
        )
        chunks = functools.partial(
            _chunks,
            extractor,
            split,
            mirrored,
            f"{name}{', mirrored' if mirrored else ''}",
            progress,
        )
        made.append(array_cache.kept(path, shape, np.float32, chunks))
    return Features(made[:-1], made[-1])


def _chunks(
    extractor: keras.Model, split, mirrored: bool, name: str, progress: Callable[[str], None]
):
    progress(f"computing features once: {count(len(split), 'image')} ({name})")
    started = shown = time.perf_counter()
    for first in range(0, len(split), CHUNK):
        images = np.asarray(split.images[np.arange(first, min(first + CHUNK, len(split)))])
        yield keras.ops.convert_to_numpy(
            extractor.predict_on_batch(images[:, :, ::-1] if mirrored else images)
        ).astype(np.float32, copy=False)
        done = first + len(images)
        if time.perf_counter() - shown > 10 and done < len(split):
            shown = time.perf_counter()
            progress(
                f"  {done:,} of {len(split):,},"
                f" {duration((shown - started) / done * (len(split) - done))} left"
            )


def _key(extractor: keras.Model, device: dict, split, mirrored: bool) -> str:
    """Digest of all that the features depend on: weights, architecture, images in their order,
    versions and threads.
    """
    digest = hashlib.sha256(
        json.dumps(
            [
                staleness.code_of("features.computed"),
                extractor.to_json(),
                device,
                provenance.versions("keras", device["backend"]),
                mirrored,
                CHUNK,
            ]
        ).encode()
    )
    for weight in extractor.weights:
        digest.update(np.ascontiguousarray(keras.ops.convert_to_numpy(weight)).data)
    digest.update(np.ascontiguousarray(split.digests).tobytes())
    return digest.hexdigest()[:20]

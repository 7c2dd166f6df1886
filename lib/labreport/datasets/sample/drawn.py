"""Sample data are drawn once, kept in the cache folder, and read from there."""

import functools
import hashlib
import json

import numpy as np

from ...core import array_cache, paths
from ...runs import provenance
from ...staleness import rules as staleness


def drawn(room, per_class: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """What `draw` of a module makes, or made earlier with the same code and versions: images uint8
    (N, side, side, 3) and labels int32 (N,).
    """
    arguments = (per_class, seed) if hasattr(room, "SIDE") else (per_class, seed, side)
    key = json.dumps(
        [
            staleness.code_of(f"{room.__name__.partition('.')[2]}.draw"),
            provenance.versions("numpy", "opencv-python"),
            arguments,
        ]
    )
    path = (
        paths.cache()
        / "samples"
        / f"{room.__name__.rpartition('.')[2]}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npy"
    )
    count = len(room.CLASSES) * per_class
    draw = functools.cache(lambda: room.draw(*arguments))
    images = array_cache.kept(path, (count, side, side, 3), np.uint8, lambda: [draw()[0]])
    labels = array_cache.kept(
        path.with_suffix(".labels.npy"), (count,), np.int32, lambda: [draw()[1]]
    )
    return np.array(images), np.array(labels)

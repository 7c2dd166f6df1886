"""Parts of a data set: stratified by class, drawn by seed, and never the same image (by content) on both sides."""

import hashlib

import numpy as np

SPLIT = 2  # keeps this stream of random numbers apart from those of the shuffling and the augmentation


def contents(images: np.ndarray) -> np.ndarray:
    """For each image (N, H, W, 3) a digest of its pixels, (N,): equal digests are equal images."""
    return np.array([hashlib.blake2b(image.tobytes(), digest_size=16).digest() for image in images], dtype="S16")


def split_off(labels: np.ndarray, digests: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Mask (N,) of about `fraction` of each class; images of equal content stay together, whatever their labels say.

    A class with at least two different images has at least one on either side.
    """
    _, first, group = np.unique(digests, return_index=True, return_inverse=True)
    owner = labels[first]  # a group counts for the class of its first image
    size = np.bincount(group)
    chosen = np.zeros(len(first), bool)
    for label in np.unique(labels):
        # by position, so that the draw does not depend on the digests' order
        members = np.flatnonzero(owner == label)
        members = members[np.argsort(first[members])]
        members = members[np.random.default_rng([seed, int(label), SPLIT]).permutation(len(members))]
        wanted = round(fraction * size[members].sum())
        if len(members) > 1:
            wanted = min(max(wanted, 1), size[members].sum() - 1)
        chosen[members[np.cumsum(size[members]) <= wanted]] = True
    return chosen[group]

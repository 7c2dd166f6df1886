"""How often each validation image is right in an epoch that was chosen without it.

The best of many epochs is partly the luckiest, so its accuracy on the images that chose it is too
high. Cross-fitting undoes that: half of the images choose the epoch as the training does, the other
half are counted in it, and the other way round (Stone, 1974, Journal of the Royal Statistical
Society B 36; repeated over random halves).
"""

import functools

import numpy as np

from ..runs.validation import Validation

REPEATED = 50  # random halves; the scores of many images hardly change with more
_SEED = 20


def scores(record: Validation) -> np.ndarray:
    """For each image, in the order of their ids, the share of the halves that it was not among in
    whose best epoch it is right, (N,).

    The halves depend on the number of images alone, so that runs on the same images share them. The
    mean is the accuracy that the choice of an epoch does not flatter.
    """
    order = np.argsort(record.ids, kind="stable")
    right = record.right[:, order].astype(float)
    # a greater value is a better one; sums of whole numbers are exact in any order
    value = right if record.loss is None else -record.loss[:, order].astype(float)
    chooses = _halves(right.shape[1])
    counted = 1 - chooses
    best = ((value @ chooses.T) / chooses.sum(axis=1)).argmax(axis=0)
    return (right[best] * counted).sum(axis=0) / counted.sum(axis=0)


@functools.cache
def _halves(images: int) -> np.ndarray:
    """Which images choose, (2 * REPEATED, N): random halves, each followed by the other one."""
    rng = np.random.default_rng(_SEED)
    chooses = np.zeros((REPEATED, images))
    for row in chooses:
        row[rng.permutation(images)[: images // 2]] = 1
    return np.stack([chooses, 1 - chooses], axis=1).reshape(2 * REPEATED, images)

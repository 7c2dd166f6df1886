"""Shares of correct answers: their intervals, and the difference of two classifiers that answered
for the same images.
"""

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def wilson(correct: int, images: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    interval = stats.binomtest(correct, images).proportion_ci(CONFIDENCE, method="wilson")
    return interval.low, interval.high


def paired_difference(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Share that `first` has right less that of `second`, both bool (N,) over the same images, and
    its 95 % interval.

    The interval is Wald's after half an image is added to each of the four cells (Agresti and Min,
    2005, Statistics in Medicine 24).
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    b, c, images = only_first + 0.5, only_second + 0.5, len(first) + 2
    middle = (b - c) / images
    reach = stats.norm.ppf((1 + CONFIDENCE) / 2) * np.sqrt(b + c - (b - c) ** 2 / images) / images
    return (
        (only_first - only_second) / len(first),
        max(-1.0, middle - reach),
        min(1.0, middle + reach),
    )


def independent_difference(first: float, second: float, images: int) -> tuple[float, float]:
    """95 % interval of first - second, two shares of as many `images` each, but not the same ones
    (Newcombe, 1998, Statistics in Medicine 17, method 10).
    """
    (low_1, high_1), (low_2, high_2) = (
        wilson(round(share * images), images) for share in (first, second)
    )
    difference = first - second
    return difference - np.hypot(first - low_1, high_2 - second), difference + np.hypot(
        high_1 - first, second - low_2
    )


def mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """Exact p of McNemar's test (1947): as many images right in `first` alone as in `second` alone,
    both bool (N,)?
    """
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    return (
        stats.binomtest(only_first, only_first + only_second).pvalue
        if only_first + only_second
        else 1.0
    )


def holm(p_values) -> np.ndarray:
    """p values (M,) adjusted for being M at once (Holm, 1979), in their own order."""
    from statsmodels.stats.multitest import multipletests  # takes a second to import

    p_values = np.asarray(p_values, float)
    return multipletests(p_values, method="holm")[1] if len(p_values) else p_values

"""Shares of correct answers: their intervals, the difference of two, and many tests at once."""

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def wilson(correct: int, images: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927)."""
    interval = stats.binomtest(correct, images).proportion_ci(CONFIDENCE, method="wilson")
    return interval.low, interval.high


def wilson_of_scores(scores: np.ndarray) -> tuple[float, float]:
    """The same of the mean of scores from 0 to 1 (N,), which may lie between: how often each image
    is right.
    """
    images, share = len(scores), float(np.mean(scores))
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    reach = (
        z * np.sqrt(share * (1 - share) / images + (z / (2 * images)) ** 2) / (1 + z**2 / images)
    )
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


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


def holm(p_values) -> np.ndarray:
    """p values (M,) adjusted for being M at once (Holm, 1979), in their own order."""
    from statsmodels.stats.multitest import multipletests  # takes a second to import

    p_values = np.asarray(p_values, float)
    return multipletests(p_values, method="holm")[1] if len(p_values) else p_values

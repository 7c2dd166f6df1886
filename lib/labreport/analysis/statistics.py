"""Shares of correct answers: their intervals, the difference of two, and many tests at once."""

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


def wilson(correct: float, images: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson, 1927). correct: images that are right, not necessarily a
    whole number: an image may be right in some of its answers only.
    """
    z, share = stats.norm.ppf((1 + CONFIDENCE) / 2), correct / images
    middle = (share + z**2 / (2 * images)) / (1 + z**2 / images)
    reach = (
        z * np.sqrt(share * (1 - share) / images + (z / (2 * images)) ** 2) / (1 + z**2 / images)
    )
    return max(0.0, float(middle - reach)), min(1.0, float(middle + reach))


def wilson_of_scores(scores: np.ndarray) -> tuple[float, float]:
    """The same of the mean of scores from 0 to 1 (N,), of an image each."""
    return wilson(float(np.sum(scores)), len(scores))


def independent_difference(
    first: float, second: float, images: int, others: int
) -> tuple[float, float]:
    """95 % interval of first - second, two shares of `images` images and of `others` other ones
    (Newcombe, 1998, Statistics in Medicine 17, 873-890, method 10).
    """
    return _difference(
        first, second, wilson(first * images, images), wilson(second * others, others)
    )


def paired_difference(first: float, second: float, both: float, images: int) -> tuple[float, float]:
    """95 % interval of first - second, two shares of the same images, of which `both` were right in
    both (Newcombe, 1998, Statistics in Medicine 17, 2635-2650, method 10).
    """
    neither = 1 - first - second + both
    # both * neither less the product of the shares that were right in one alone
    product = both * neither - (first - both) * (second - both)
    if product > 0:
        product = max(0.0, product - 1 / (2 * images))  # Newcombe's correction for continuity
    spread = np.sqrt(first * (1 - first) * second * (1 - second))
    intervals = wilson(first * images, images), wilson(second * images, images)
    return _difference(first, second, *intervals, product / spread if spread else 0.0)


def widest_difference(first: float, second: float, images: int) -> tuple[float, float]:
    """The same of two shares of the same images, where nobody knows which of them were right in
    both: the widest of the 95 % intervals that are possible (Newcombe, 1998, Statistics in Medicine
    17, 2635-2650, method 10).

    An interval is the narrower, the more both are right on the same images. So the widest one is
    that of the least overlap.
    """
    both = max(0.0, first + second - 1)  # the least share that can be right in both
    spread = np.sqrt(first * (1 - first) * second * (1 - second))
    correlation = (both - first * second) / spread if spread else 0.0
    intervals = wilson(first * images, images), wilson(second * images, images)
    return _difference(first, second, *intervals, correlation)


def _difference(first, second, of_first, of_second, correlation=0.0) -> tuple[float, float]:
    """Newcombe's interval of first - second, from the interval of each."""
    (low_1, high_1), (low_2, high_2) = of_first, of_second

    def reach(one, other):
        return np.sqrt(one**2 - 2 * correlation * one * other + other**2)

    below, above = reach(first - low_1, high_2 - second), reach(high_1 - first, second - low_2)
    return float(first - second - below), float(first - second + above)


def holm(p_values) -> np.ndarray:
    """p values (M,) adjusted for being M at once (Holm, 1979), in their own order."""
    from statsmodels.stats.multitest import multipletests  # takes a second to import

    p_values = np.asarray(p_values, float)
    return multipletests(p_values, method="holm")[1] if len(p_values) else p_values

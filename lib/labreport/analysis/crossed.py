"""Means over several seeds and the same images, of an experiment or of the difference of two:
seeds and images are both samples, and crossed.

This is the analysis of multi-reader multi-case studies, with seeds as the readers and images as
the cases (Dorfman, Berbaum and Metz, 1992, Investigative Radiology 27), in the form of Obuchowski
and Rockette (1995, Communications in Statistics - Simulation and Computation 24). The variance of
the mean difference has two parts. The spread over seeds is estimated from few seeds; what the
images that all runs share do to it, from many images. The difference in units of these is the sum
of a t and a normal variable (Behrens and Fisher; Fisher, 1935, Annals of Eugenics 6). Hillis's
degrees of freedom (2007, Statistics in Medicine 26) approximate that sum by one t variable; with
three seeds this is too narrow where the spread of the seeds came out small by chance, and most of
all in the tail that a correction for many comparisons looks at (`make simulate` shows it). The sum
itself errs the other way, towards intervals that are too wide. For the interval of an accuracy, on
which no test hangs, Welch's series (1947, Biometrika 34; as tabled by Aspin, 1949, Biometrika 36)
is closer to 95 %.
"""

import functools
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special, stats

from .statistics import CONFIDENCE

POWER = 0.8
# For an interval or a verdict: with two seeds either hangs on a single difference.
FEWEST_SEEDS = 3
_NONE = 1e-12  # a standard error of shares that is only rounding
_DRAWS = 50  # quantiles that stand for how the spread over seeds may come out
_HALVINGS = 50  # of an interval in which a quantile is looked for


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds and images: an accuracy or a difference of two, as a share.

    low, high: its 95 % interval. p: of the test that it is nil. seeds_error, images_error: its
    standard errors that come of the seeds (the noise of single images included) and of the images
    that all runs share. Interval and p are NaN where there is no spread to judge by: few images
    make accuracies so coarse that several seeds may come to the same.
    """

    value: float
    low: float
    high: float
    p: float
    seeds_error: float
    images_error: float

    def between(self, least: float, most: float = 1.0) -> tuple[float, float]:
        """The interval as far as it lies between these; NaN where there is none."""
        low, high = np.clip([self.low, self.high], least, most)
        return float(low), float(high)


def estimate(scores: np.ndarray) -> Estimate:
    """The mean of what each seed came to on each image.

    Args:
        scores: (R, N), a row a seed, a column an image: how often the image is right, or how much
            oftener than with another experiment. With one seed the images alone are a sample: the
            estimate is of the trained networks.

    Raises:
        ValueError: no seed, or fewer than two images.
    """
    scores = _checked(scores, 1, "one")
    if len(scores) == 1:
        [of_images] = scores
        return _judged(of_images.mean(), 0.0, stats.sem(of_images), 1)
    mean, seeds_error, images_error = errors(scores.mean(axis=1), _shared(scores))
    if seeds_error < _NONE:
        return _without_spread(mean, images_error)
    return _judged(mean, seeds_error, images_error, len(scores) - 1)


def networks(difference: np.ndarray, at_best: np.ndarray) -> Estimate:
    """The difference of two trained networks over images, which alone are a sample.

    Args:
        difference: (N,), of cross-fitted scores. These are means over the epochs that halves of the
            images chose, and vary less than the answers of any network.
        at_best: (N,), of the answers at the best epochs, which tell the error.
    """
    return _judged(difference.mean(), 0.0, stats.sem(at_best), 1)


def accuracy(scores: np.ndarray) -> Estimate:
    """The same of accuracies, with the interval that holds best where nothing is tested.

    Args:
        scores: (R, N) of three or more seeds.

    Raises:
        ValueError: fewer seeds, or fewer than two images.
    """
    scores = _checked(scores, FEWEST_SEEDS, "three")
    mean, seeds_error, images_error = errors(scores.mean(axis=1), _shared(scores))
    if seeds_error < _NONE:
        return _without_spread(mean, images_error)
    reach = float(welch(seeds_error, images_error, len(scores) - 1))
    return Estimate(
        float(mean),
        float(mean) - reach,
        float(mean) + reach,
        np.nan,
        float(seeds_error),
        float(images_error),
    )


def welch(seeds_error, images_error, degrees: int) -> np.ndarray:
    """How far a 95 % interval reaches from a mean with these errors, (...): Welch's series to the
    second order. The first error has so many degrees of freedom, the other one is known.
    """
    z = stats.norm.ppf((1 + CONFIDENCE) / 2)
    whole = np.square(seeds_error) + np.square(images_error)
    share = np.divide(np.square(seeds_error), whole, where=whole > 0, out=np.zeros_like(whole))
    first = share**2 / degrees
    longer = (
        (1 + z**2) / 4 * first
        - (1 + z**2) / 2 * share**2 / degrees**2
        + (3 + 5 * z**2 + z**4) / 3 * share**3 / degrees**2
        - (15 + 32 * z**2 + 9 * z**4) / 32 * first**2
    )
    return z * (1 + longer) * np.sqrt(whole)


def resampled(of_seeds: np.ndarray, trained: int, held_out: int) -> Estimate:
    """The mean of what each seed came to, (R,), where each has a split of its own.

    The splits overlap, so the seeds are not independent: the corrected resampled t test (Nadeau and
    Bengio, 2003, Machine Learning 52).

    Args:
        trained, held_out: images of the two parts of each split.
    """
    of_seeds = np.asarray(of_seeds, float)
    error = of_seeds.std(ddof=1) * np.sqrt(1 / len(of_seeds) + held_out / trained)
    return _judged(of_seeds.mean(), error, 0.0, len(of_seeds) - 1)


def errors(of_seeds: np.ndarray, shared) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean over seeds (..., R), and its standard errors from seeds and from images, (...) each.

    shared: the covariance of two seeds that comes of the images they share, (...).
    """
    of_seeds = np.asarray(of_seeds, float)
    return (
        of_seeds.mean(axis=-1),
        of_seeds.std(axis=-1, ddof=1) / np.sqrt(of_seeds.shape[-1]),
        np.sqrt(np.maximum(shared, 0.0)),
    )


def detectable(seeds_error: float, images_error: float, degrees: int, level: float) -> float:
    """The difference that such seeds and images show in four of five cases, where it takes a p
    below this level. seeds_error, images_error: as they truly are.
    """
    # how large the spread over seeds may come out, and the difference that is needed then
    found = np.sqrt(stats.chi2.ppf((np.arange(_DRAWS) + 0.5) / _DRAWS, degrees) / degrees)
    needed = _reach(1 - level / 2, seeds_error * found, np.full(_DRAWS, images_error), degrees)
    whole = np.hypot(seeds_error, images_error)

    def missed(difference):
        return POWER - special.ndtr((difference - needed) / whole).mean()

    return float(optimize.brentq(missed, 0.0, needed.max() + 10 * whole, xtol=1e-7))


def _checked(scores, fewest: int, words: str) -> np.ndarray:
    """Scores (R, N); ValueError for fewer seeds than `fewest`, in words, or for a single image."""
    scores = np.asarray(scores, float)
    if scores.ndim != 2 or len(scores) < fewest or scores.shape[1] < 2:
        raise ValueError(
            f"expected scores of {words} or more seeds and of two or more images, got"
            f" {scores.shape}"
        )
    return scores


def _without_spread(mean, images_error) -> Estimate:
    """Of seeds that all came to the same: there is nothing to judge by."""
    return Estimate(float(mean), np.nan, np.nan, np.nan, 0.0, float(images_error))


def _judged(mean, seeds_error, images_error, degrees: int) -> Estimate:
    mean, seeds_error, images_error = (float(x) for x in (mean, seeds_error, images_error))
    if max(seeds_error, images_error) < _NONE:
        return Estimate(mean, np.nan, np.nan, np.nan, 0.0, 0.0)
    reach = quantile((1 + CONFIDENCE) / 2, seeds_error, images_error, degrees)
    p = float(two_sided(mean, seeds_error, images_error, degrees))
    return Estimate(mean, mean - reach, mean + reach, p, seeds_error, images_error)


def two_sided(value, seeds_error, images_error, degrees: int) -> np.ndarray:
    """Probability that seeds_error * t + images_error * z is at least as far from 0 as the value,
    (...); t has so many degrees of freedom, z is standard normal.
    """
    radius, weight = _radii(degrees)
    spread = np.sqrt(
        np.square(images_error)[..., None]
        + np.square(seeds_error)[..., None] * (degrees / np.square(radius))
    )
    return 2 * (special.ndtr(-np.abs(value)[..., None] / spread) * weight).sum(axis=-1)


def quantile(probability: float, seeds_error: float, images_error: float, degrees: int) -> float:
    """What seeds_error * t + images_error * z does not exceed with this probability, above 0.5."""
    return float(_reach(probability, np.array([seeds_error]), np.array([images_error]), degrees)[0])


def _reach(probability: float, seeds_error, images_error, degrees: int) -> np.ndarray:
    """The same for many errors, (M,) each."""
    low = np.zeros_like(seeds_error, float)
    high = 2 * (
        stats.t.ppf(probability, degrees) * seeds_error + stats.norm.ppf(probability) * images_error
    )
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        beyond = two_sided(middle, seeds_error, images_error, degrees) / 2 > 1 - probability
        low, high = np.where(beyond, middle, low), np.where(beyond, high, middle)
    return high


@functools.cache
def _radii(degrees: int) -> tuple[np.ndarray, np.ndarray]:
    """Points and weights by which a mean over a chi variable of so many degrees is computed."""
    top = stats.chi.ppf(1 - 1e-14, degrees)
    points, weights = special.roots_legendre(200)
    radius = (points + 1) / 2 * top
    return radius, weights / 2 * top * stats.chi.pdf(radius, degrees)


def _shared(scores: np.ndarray) -> float:
    """Mean covariance of the means of two seeds: what their images have in common."""
    seeds, images = scores.shape
    centred = scores - scores.mean(axis=1, keepdims=True)
    whole, own = np.square(centred.sum(axis=0)).sum(), np.square(centred).sum()
    return float((whole - own) / (seeds * (seeds - 1) * (images - 1) * images))

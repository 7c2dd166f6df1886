"""What looking at a sweep more than once does to its p values.

Whoever sees a verdict, adds seeds and looks again gives chance another try. So every look spends a
part of the error of 5 %: four fifths of what is left, since nobody knows how many looks there will
be (error spending: Lan and DeMets, 1983, Biometrika 70). Looks that share seeds find much the same,
which the bound of a look allows for.
"""

import functools

import numpy as np
from scipy import special

from ..studies.looks import Look

SHARE = 0.8  # of the error that is left, for each look
_LEVELS = 300  # of all looks together, for which that of the last one is computed
_HALVINGS = 60


def spent(looks: int) -> float:
    """The share of the error that the last of so many looks may spend."""
    return SHARE * (1 - SHARE) ** (looks - 1)


def adjusted(p_values: np.ndarray, looks: list[Look]) -> np.ndarray:
    """p values (M,) of the last look, so adjusted that they hold for all looks together: below 0.05
    in 5 % of cases at most, at this look or an earlier one, where there is nothing to find.

    Args:
        looks: in order; no two alike.

    Raises:
        ValueError: two looks are the same.
    """
    if len(set(looks)) < len(looks) or not looks:
        raise ValueError(f"expected one or more different looks, got {looks}")
    p_values, share = np.asarray(p_values, float), spent(len(looks))
    if len(looks) == 1:
        return np.minimum(1, p_values / share)
    together, levels = _levels(tuple(looks))
    with np.errstate(divide="ignore"):
        found = np.exp(np.interp(np.log(p_values), np.log(levels), np.log(together)))
    # below the least level the looks are taken for unrelated, which errs on the safe side
    found = np.where(p_values < levels[0], p_values / share, found)
    return np.where(p_values > levels[-1], 1.0, found)


@functools.cache
def _levels(looks: tuple[Look, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Levels of all looks together, and for each the p below which the last look rejects."""
    together = np.logspace(-15, 0, _LEVELS)
    bounds: list[np.ndarray] = []
    for place, look in enumerate(looks):
        target = spent(place + 1) * together
        related = [_related(look, other) for other in looks[:place]]
        if not any(related):  # nothing is known of how they go together
            bounds.append(-special.ndtri(target / 2))
            continue
        nearest = int(np.argmax(related))
        bounds.append(_bound(bounds[nearest], related[nearest], target))
    return together, 2 * special.ndtr(-bounds[-1])


def _related(look: Look, other: Look) -> float:
    """The correlation of what two looks find; none is taken where they compared other things."""
    if look.compared != other.compared:
        return 0.0
    shared = len(look.seeds & other.seeds)
    return shared / float(np.sqrt(len(look.seeds) * len(other.seeds)))


def _bound(earlier: np.ndarray, related: float, target: np.ndarray) -> np.ndarray:
    """The bound beyond which a standard normal variable lies with the target's probability, while
    another one that is so correlated with it lies within the earlier bound, (A,).
    """
    points, weights = special.roots_legendre(200)
    inside = earlier[:, None] * points
    density = weights * earlier[:, None] * np.exp(-np.square(inside) / 2) / np.sqrt(2 * np.pi)
    spread = np.sqrt(1 - related**2)
    low, high = np.zeros_like(target), np.full_like(target, 40.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        beyond = special.ndtr((related * inside - middle[:, None]) / spread) + special.ndtr(
            (-related * inside - middle[:, None]) / spread
        )
        reached = (density * beyond).sum(axis=1) > target
        low, high = np.where(reached, middle, low), np.where(reached, high, middle)
    return high

"""What a sweep can show: before it runs, by earlier runs or a guess; after it, by its own runs."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from ..config.experiments import Experiment
from ..core.i18n import count, number
from ..datasets import DATASETS
from ..runs import records
from ..studies import repeats
from ..studies.sweeps import Sweep
from . import crossed, looks, statistics
from .comparison import contrasts

MOST_SEEDS = 100
ASKED = (0.02, 0.01)  # differences whose seeds are told
GUESSED_SPREAD, GUESSED_ACCURACY = 0.01, 0.7  # where no earlier run tells; the spread over seeds
# Share of a right answer's variance that goes with the experiment and the image, and not with the
# seed: what images that all runs share do to a difference. A guess that docs/statistics.md states.
OWN_IMAGES = 0.1


@dataclass(frozen=True)
class Expected:
    """What differences of a sweep are expected to vary by. spread: the standard deviation over
    seeds of an accuracy, a share. images_error: the standard error of a difference that comes of
    the images. runs: earlier ones that tell of it, 0 for a guess.
    """

    spread: float
    images_error: float
    runs: int


def level(sweep: Sweep, comparisons: int) -> float:
    """The p below which the first of so many comparisons is supported, at this look."""
    return (1 - statistics.CONFIDENCE) * looks.spent(len(sweep.looks)) / max(1, comparisons)


def seeds_for(points: float, of_one: float, images_error: float, level: float) -> int | None:
    """How many seeds show a difference in four of five cases; MOST_SEEDS + 1 where more than these,
    and None where no number does, since the images are too few.

    Args:
        points: the difference, a share.
        of_one: the standard deviation over seeds of such a difference.
    """

    def enough(seeds: int) -> bool:
        error = of_one / seeds**0.5
        return crossed.detectable(error, images_error, seeds - 1, level) <= points

    low, high = crossed.FEWEST_SEEDS - 1, MOST_SEEDS
    if not enough(high):
        with_all = stats.norm.isf(level / 2) + stats.norm.ppf(crossed.POWER)
        return None if with_all * images_error >= points else MOST_SEEDS + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def expected(sweep: Sweep) -> Expected:
    """From earlier runs of as many epochs on the data of a sweep that differ only in the seed, else
    a guess.
    """
    [first, *_] = sweep.experiments
    varied, freedom, runs, images_error = 0.0, 0, 0, 0.0
    for folders in repeats.on({(first.data, first.dataset, first.max_images)}):
        found = [metrics for folder in folders if (metrics := records.metrics(folder))]
        if found[0].identity["settings"].get("epochs") != first.epochs:
            continue
        accuracies = np.array([metrics.validation_accuracy for metrics in found])
        varied += float(np.square(accuracies - accuracies.mean()).sum())
        freedom += len(found) - 1
        runs += len(found)
        images = found[0].dataset.images["validation"]
        images_error = max(images_error, _of_images(float(accuracies.mean()), images))
    if not varied:
        return Expected(GUESSED_SPREAD, _of_images(GUESSED_ACCURACY, _validation(first)), 0)
    return Expected((varied / freedom) ** 0.5, images_error, runs)


def _of_images(accuracy: float, images: int) -> float:
    """The standard error of a difference that comes of so many images, 0 where none are known."""
    variance = 2 * OWN_IMAGES * accuracy * (1 - accuracy)
    return float(np.sqrt(variance / images)) if images else 0.0


def _validation(experiment: Experiment) -> int:
    """How many validation images an experiment has, about, before its data is read."""
    spec = DATASETS[experiment.dataset]
    images = spec.sample_images if experiment.data == "sample" else spec.images
    if not images:
        return 0
    part = min(images, experiment.max_images or images) / images
    return round(spec.validation / spec.images * images * part) if spec.images else 0


def ahead(sweep: Sweep) -> list[str]:
    """For a person who is about to run a sweep: what its seeds can show, and what more would."""
    found = expected(sweep)
    comparisons = len(
        contrasts.planned(sweep, [configuration.label for configuration in sweep.configurations])
    )
    of_one, wanted = 2**0.5 * found.spread, level(sweep, comparisons)
    seeds = len(sweep.seeds)
    if seeds < crossed.FEWEST_SEEDS:
        shown = (
            f"no difference between experiments: that takes {crossed.FEWEST_SEEDS} seeds or more"
        )
    else:
        error = of_one / seeds**0.5
        points = crossed.detectable(error, found.images_error, seeds - 1, wanted)
        shown = (
            f"with {count(seeds, 'seed')}, a difference of {number(100 * points, 1)} points in four"
            " of five cases"
        )
    more = ", ".join(
        f"for {count(round(100 * points), 'point')} {takes}"
        for points in ASKED
        for takes in [_takes(seeds_for(points, of_one, found.images_error, wanted))]
    )
    basis = (
        f"from {count(found.runs, 'earlier run')} of as many epochs on this data"
        if found.runs
        else "a guess, since no earlier runs of as many epochs differ only in the seed"
    )
    return [
        f"can show: {shown}",
        f"takes: {more}",
        f"for {count(comparisons, 'comparison')}, and a standard deviation over seeds of"
        f" {number(100 * found.spread, 1)} points: {basis}",
    ]


def _takes(seeds: int | None) -> str:
    if seeds is None:
        return "more images than these"
    return f"more than {MOST_SEEDS} seeds" if seeds > MOST_SEEDS else count(seeds, "seed")

"""What the configurations of a sweep came to on the validation images, over its seeds.

The test images have no part in it: they are for what was chosen by it.
"""

import enum
from dataclasses import dataclass, replace

import numpy as np

from ...studies.sweeps import Sweep
from .. import crossed, statistics
from ..crossed import FEWEST_SEEDS, Estimate
from .runs import ComparedRun, lead_of_network


class Basis(enum.Enum):
    """What the runs of a sweep allow to be said. SEEDS_AND_IMAGES: several seeds, evaluated on the
    same images. IMAGES: one seed, so trained networks are compared and not experiments. SPLITS:
    each seed has a split of its own. NOTHING: there is no record of single images.
    """

    SEEDS_AND_IMAGES = enum.auto()
    IMAGES = enum.auto()
    SPLITS = enum.auto()
    NOTHING = enum.auto()


@dataclass(frozen=True)
class Score:
    """What a configuration's runs came to. runs: finished ones, by seed. basis: of the sweep."""

    label: str
    runs: dict[int, ComparedRun]
    basis: Basis

    @property
    def accuracies(self) -> np.ndarray:
        """On the validation images, in the order of `runs`: of epochs that were chosen without
        them, where each image is on record, else of the best epoch.
        """
        return np.array(
            [
                run.result.metrics.validation_accuracy
                if self.basis in (Basis.SPLITS, Basis.NOTHING) or run.crossfitted is None
                else run.crossfitted.mean()
                for run in self.runs.values()
            ]
        )

    @property
    def mean(self) -> float:
        return float(self.accuracies.mean())

    def interval(self) -> tuple[float, float] | None:
        """95 %, of the mean over seeds and images, or with one seed over images; None where there
        is nothing to judge by, or too little.
        """
        runs = [*self.runs.values()]
        if self.basis is Basis.IMAGES:
            return statistics.wilson_of_scores(_of_images(runs[0]))
        if self.basis is not Basis.SEEDS_AND_IMAGES or len(runs) < FEWEST_SEEDS:
            return None
        found = crossed.accuracy(np.array([_of_images(run) for run in runs]))
        return None if np.isnan(found.low) else found.between(0)


def basis(sweep: Sweep, runs: list[ComparedRun]) -> Basis:
    """What the finished runs of a sweep allow to be said."""
    recorded = all(run.record is not None for run in runs)
    if len(sweep.seeds) == 1:
        return Basis.IMAGES if recorded else Basis.NOTHING
    by_name = {run.run.experiment.run_name: run for run in runs}
    for configuration in sweep.configurations:
        repeated = [
            by_name[one.run_name] for one in configuration.experiments if one.run_name in by_name
        ]
        images = {
            run.validation_images if recorded else run.result.metrics.dataset.fingerprint
            for run in repeated
        }
        if len(images) > 1:
            return Basis.SPLITS
    return Basis.SEEDS_AND_IMAGES if recorded else Basis.NOTHING


def scores(sweep: Sweep, runs: list[ComparedRun]) -> list[Score]:
    """Configurations with a finished run, the best mean first."""
    by_name = {run.run.experiment.run_name: run for run in runs}
    found = basis(sweep, runs)
    all_scores = [
        Score(
            configuration.label,
            {
                experiment.seed: by_name[experiment.run_name]
                for experiment in configuration.experiments
                if experiment.run_name in by_name
            },
            found,
        )
        for configuration in sweep.configurations
    ]
    return sorted((score for score in all_scores if score.runs), key=lambda score: -score.mean)


def tested(best: Score, base: Score) -> tuple[Estimate, Estimate, Estimate | None]:
    """What the test images, which chose nothing, say of the networks of the best configuration and
    of the base: the accuracy of each, and the lead of the best one, over the seeds that both have;
    None where these were not evaluated on the same images, or the two are the same.

    The images alone are a sample: the networks that are tested are those that were chosen, and a
    configuration whose seeds were lucky is lucky on the test images too.
    """
    shared = [seed for seed in base.runs if seed in best.runs]
    tables = [{seed: _by_image(run) for seed, run in score.runs.items()} for score in (best, base)]
    of_best, of_base = (_of_networks([*table.values()]) for table in tables)
    pairs = [(tables[0][seed], tables[1][seed]) for seed in shared]
    alike = pairs and all(one.keys() == other.keys() for one, other in pairs)
    if best is base or not alike:
        return of_best, of_base, None
    ahead = [{name: one[name] - other[name] for name in one} for one, other in pairs]
    return of_best, of_base, _of_networks(ahead)


def on_test_images(runs: list[ComparedRun]) -> Estimate:
    """The accuracy of runs with several seeds, or of one, on the evaluated images."""
    if len(runs) == 1:
        [run] = runs
        return Estimate(run.accuracy, *run.interval, np.nan, 0.0, 0.0)
    return _over_images([_by_image(run) for run in runs])


def _by_image(run: ComparedRun) -> dict[str, float]:
    """Whether each evaluated image is right, by its id."""
    return dict(zip(run.predictions["id"], run.correct.astype(float)))


def _over_images(tables: list[dict[str, float]]) -> Estimate:
    """The mean accuracy of seeds, each by the id of the image, for other seeds and images too.

    Without an interval where the images differ between seeds, or where two seeds are too few.
    """
    scores = _by_seed(tables)
    if scores is None or len(scores) < FEWEST_SEEDS:
        return _mean_alone(tables)
    return crossed.accuracy(scores)


def _of_networks(tables: list[dict[str, float]]) -> Estimate:
    """The mean of the same, for other images but with just these networks."""
    scores = _by_seed(tables)
    return _mean_alone(tables) if scores is None else crossed.estimate(scores.mean(axis=0)[None])


def _by_seed(tables: list[dict[str, float]]) -> np.ndarray | None:
    """What images came to, by id, as an array (R, N); None where they differ between seeds."""
    if any(table.keys() != tables[0].keys() for table in tables):
        return None
    return np.array([[table[name] for name in sorted(table)] for table in tables])


def _mean_alone(tables: list[dict[str, float]]) -> Estimate:
    mean = float(np.mean([np.mean([*table.values()]) for table in tables]))
    return Estimate(mean, np.nan, np.nan, np.nan, 0.0, 0.0)


def not_compared(sweep: Sweep, ranked: list[Score]) -> list[str]:
    """Configurations that were evaluated on other images than the base: their differences would say
    nothing.
    """
    by_label = {score.label: score for score in ranked}
    base = by_label.get(sweep.base)
    return [label for label, score in by_label.items() if base and not same_images(score, base)]


def contrast(basis: Basis, parts: list[tuple[int, list[ComparedRun]]]) -> Estimate | None:
    """A sum of means over the same seeds, such as the difference of two configurations.

    Args:
        basis: of the sweep.
        parts: of each configuration, how it counts (1 or -1) and its runs by seed.

    Returns:
        None where that takes more seeds, or a record of the images. Two seeds give no interval.
    """
    seeds = len(parts[0][1])
    if basis is Basis.NOTHING or (basis is not Basis.IMAGES and seeds < 2):
        return None
    if basis is Basis.IMAGES:
        (_, [first]), (_, [second]) = parts
        return lead_of_network(first, second)
    if basis is Basis.SPLITS:
        found = _of_splits(parts)
    else:
        found = crossed.estimate(
            np.sum([sign * np.array([_of_images(run) for run in runs]) for sign, runs in parts], 0)
        )
    if seeds < FEWEST_SEEDS:
        return replace(found, low=np.nan, high=np.nan, p=np.nan)
    return found


def _of_splits(parts: list[tuple[int, list[ComparedRun]]]) -> Estimate:
    """The same where each seed has a split of its own."""
    of_seeds = np.sum(
        [[sign * run.result.metrics.validation_accuracy for run in runs] for sign, runs in parts],
        axis=0,
    )
    images = parts[0][1][0].result.metrics.dataset.images
    return crossed.resampled(of_seeds, images["train"], images["validation"])


def _of_images(run: ComparedRun) -> np.ndarray:
    assert run.crossfitted is not None
    return run.crossfitted


def same_images(first: Score, second: Score) -> bool:
    """Whether both were evaluated on the same images, with every seed that both have."""
    return all(
        first.runs[seed].validation_images == second.runs[seed].validation_images
        for seed in first.runs.keys() & second.runs.keys()
    )

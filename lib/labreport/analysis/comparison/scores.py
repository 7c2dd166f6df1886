"""What the configurations of a sweep came to on the validation images, over its seeds, and how far
each is from the base.

The test images have no part in it: they are for what was chosen by it.
"""

import enum
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...studies.sweeps import Sweep
from .. import crossed, statistics
from ..crossed import Estimate
from .runs import ComparedRun, judged

# For a verdict on experiments: with two seeds the interval hangs on a single difference.
FEWEST_SEEDS = 3


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
        is nothing to judge by.
        """
        if self.basis is Basis.IMAGES:
            [run] = self.runs.values()
            return statistics.wilson_of_scores(_of_images(run))
        found = _estimate(self.basis, [*self.runs.values()], None)
        if found is None or np.isnan(found.low):
            return None
        return found.between(0)


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


def differences(sweep: Sweep, ranked: list[Score]) -> pd.DataFrame:
    """Every configuration against the base.

    Args:
        ranked: as `scores` gives them.

    Returns:
        Columns: label, difference (a share, positive where it is ahead of the base), low, high,
        seeds_error, images_error, seeds (how many both have), p (adjusted after Holm), verdict (see
        `judged`; "network" where one seed shows a difference of networks; open with fewer than
        FEWEST_SEEDS).
    """
    by_label = {score.label: score for score in ranked}
    base = by_label.get(sweep.base)
    rows = []
    for score in ranked:
        shared = [seed for seed in base.runs if seed in score.runs] if base else []
        if base is None or score is base or not shared or not _same_images(score, base):
            continue
        pairs = [(score.runs[seed], base.runs[seed]) for seed in shared]
        found = _estimate(score.basis, *zip(*pairs))
        if found is None:
            continue
        low, high = found.between(-1)
        rows.append(
            {
                "label": score.label,
                "difference": found.value,
                "low": low,
                "high": high,
                "seeds_error": found.seeds_error,
                "images_error": found.images_error,
                "seeds": len(shared),
                "p": found.p,
            }
        )
    columns = ["difference", "low", "high", "seeds_error", "images_error", "seeds", "p"]
    table = pd.DataFrame(rows, columns=["label", *columns])
    if ranked and ranked[0].basis is Basis.IMAGES:
        return judged(table, supported="network")
    return judged(table, enough=table["seeds"] >= FEWEST_SEEDS)


def tested(best: Score, base: Score) -> tuple[Estimate, Estimate, Estimate | None]:
    """What the test images, which chose nothing, say of the best configuration and of the base: the
    accuracy of each, and the lead of the best one, over the seeds that both have; None where these
    were not evaluated on the same images, or the two are the same.
    """
    shared = [seed for seed in base.runs if seed in best.runs]
    tables = [{seed: _by_image(run) for seed, run in score.runs.items()} for score in (best, base)]
    of_best, of_base = (_over_images([*table.values()]) for table in tables)
    pairs = [(tables[0][seed], tables[1][seed]) for seed in shared]
    alike = pairs and all(one.keys() == other.keys() for one, other in pairs)
    if best is base or not alike:
        return of_best, of_base, None
    ahead = [{name: one[name] - other[name] for name in one} for one, other in pairs]
    return of_best, of_base, _over_images(ahead)


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
    """The mean of what images came to, by id, with each seed; without an interval where the images
    differ between seeds.
    """
    if any(table.keys() != tables[0].keys() for table in tables):
        mean = float(np.mean([np.mean([*table.values()]) for table in tables]))
        return Estimate(mean, np.nan, np.nan, np.nan, 0.0, 0.0)
    return crossed.estimate(
        np.array([[table[name] for name in sorted(tables[0])] for table in tables])
    )


def not_compared(sweep: Sweep, ranked: list[Score]) -> list[str]:
    """Configurations that were evaluated on other images than the base: their differences would say
    nothing.
    """
    by_label = {score.label: score for score in ranked}
    base = by_label.get(sweep.base)
    return [label for label, score in by_label.items() if base and not _same_images(score, base)]


def _estimate(basis: Basis, runs, others) -> Estimate | None:
    """The mean of runs, by seed, or of their lead over others; None where that takes more seeds or
    a record of the images.
    """
    if basis is Basis.NOTHING or (basis is not Basis.IMAGES and len(runs) < 2):
        return None
    if basis is Basis.SPLITS:
        of_seeds = np.array([run.result.metrics.validation_accuracy for run in runs])
        if others:
            of_seeds = of_seeds - [run.result.metrics.validation_accuracy for run in others]
        images = runs[0].result.metrics.dataset.images
        return crossed.resampled(of_seeds, images["train"], images["validation"])
    table = np.array([_of_images(run) for run in runs])
    return crossed.estimate(table - [_of_images(run) for run in others] if others else table)


def _of_images(run: ComparedRun) -> np.ndarray:
    assert run.crossfitted is not None
    return run.crossfitted


def _same_images(first: Score, second: Score) -> bool:
    """Whether both were evaluated on the same images, with every seed that both have."""
    return all(
        first.runs[seed].validation_images == second.runs[seed].validation_images
        for seed in first.runs.keys() & second.runs.keys()
    )

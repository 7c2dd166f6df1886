"""What the configurations of a sweep came to over its seeds, and how far each is from the base."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ...studies.sweeps import Sweep
from .. import statistics
from ..statistics import CONFIDENCE
from .runs import ComparedRun, judged

FEWEST_SEEDS = (
    3  # for a verdict: with two the interval hangs on a single difference of two coarse numbers
)
_SAME = 1e-12  # accuracies that differ by less are equal


@dataclass(frozen=True)
class Score:
    """What a configuration's runs came to. runs: finished ones, by seed."""

    label: str
    runs: dict[int, ComparedRun]

    @property
    def accuracies(self) -> np.ndarray:
        """Of the evaluated split, in the order of `runs`."""
        return np.array([run.accuracy for run in self.runs.values()])

    @property
    def mean(self) -> float:
        return float(self.accuracies.mean())

    def interval(self, seeds: int) -> tuple[float, float] | None:
        """95 %: of the mean over several seeds, as far as shares go, or, where there is one seed,
        of its images. None where the finished runs have no spread.
        """
        accuracies = self.accuracies
        if seeds == 1:
            [run] = self.runs.values()
            return statistics.wilson(int(run.correct.sum()), len(run.correct))
        if len(accuracies) < 2 or np.ptp(accuracies) < _SAME:
            return None
        reach = stats.sem(accuracies) * stats.t.ppf((1 + CONFIDENCE) / 2, len(accuracies) - 1)
        return max(0.0, self.mean - reach), min(1.0, self.mean + reach)


def scores(sweep: Sweep, runs: list[ComparedRun]) -> list[Score]:
    """Configurations with a finished run, the best mean first."""
    by_name = {run.run.experiment.run_name: run for run in runs}
    all_scores = [
        Score(
            configuration.label,
            {
                experiment.seed: by_name[experiment.run_name]
                for experiment in configuration.experiments
                if experiment.run_name in by_name
            },
        )
        for configuration in sweep.configurations
    ]
    return sorted((score for score in all_scores if score.runs), key=lambda score: -score.mean)


def differences(sweep: Sweep, ranked: list[Score]) -> pd.DataFrame:
    """Every configuration against the base, paired over the seeds that both have; with one seed,
    over images.

    Args:
        ranked: as `scores` gives them.

    Returns:
        Columns: label, difference (a share, positive where it is ahead of the base), low, high,
        pairs, p (adjusted after Holm), verdict (see `judged`; always open with fewer than
        FEWEST_SEEDS).
    """
    by_label = {score.label: score for score in ranked}
    base, one_seed = by_label.get(sweep.base), len(sweep.seeds) == 1
    others = [score for score in ranked if score is not base]
    rows = [_difference(score, base, one_seed) for score in others] if base else []
    table = pd.DataFrame(
        [row for row in rows if row],
        columns=["label", "difference", "low", "high", "pairs", "p"],
    )
    return judged(table, enough=table["pairs"] >= FEWEST_SEEDS)


def _difference(score: Score, base: Score, one_seed: bool) -> dict | None:
    """A configuration against the base; None where the two cannot be compared."""
    shared = [seed for seed in base.runs if seed in score.runs]
    if len(shared) < (1 if one_seed else 2) or not _same_images(score, base):
        return None
    if one_seed:
        correct, of_base = _image_by_image(score.runs[shared[0]], base.runs[shared[0]])
        difference, low, high = statistics.paired_difference(correct, of_base)
        p, pairs = statistics.mcnemar(correct, of_base), len(correct)
    else:
        accuracies, of_base = (
            np.array([runs[seed].accuracy for seed in shared]) for runs in (score.runs, base.runs)
        )
        difference, low, high, p = _t_test(accuracies - of_base)
        pairs = len(shared)
    return {
        "label": score.label,
        "difference": difference,
        "low": low,
        "high": high,
        "pairs": pairs,
        "p": p,
    }


def not_compared(sweep: Sweep, ranked: list[Score]) -> list[str]:
    """Configurations that were evaluated on other images than the base: their differences would say
    nothing.
    """
    by_label = {score.label: score for score in ranked}
    base = by_label.get(sweep.base)
    return [label for label, score in by_label.items() if base and not _same_images(score, base)]


def _t_test(differences: np.ndarray) -> tuple[float, float, float, float]:
    """Mean of paired differences, its 95 % interval, and p of the t test.

    Without any spread there is nothing to judge by: the interval and p are NaN.

    (That happens where few images are evaluated, so that accuracies are coarse; the test would call
    such a difference certain.)
    """
    if np.ptp(differences) < _SAME:
        return float(differences.mean()), np.nan, np.nan, np.nan
    test = stats.ttest_1samp(differences, 0)
    low, high = test.confidence_interval(CONFIDENCE)
    return float(differences.mean()), float(low), float(high), float(test.pvalue)


def _image_by_image(first: ComparedRun, second: ComparedRun) -> tuple[np.ndarray, np.ndarray]:
    """Whether each image was answered correctly, in the same order for both."""
    correct, of_second = (dict(zip(run.predictions["id"], run.correct)) for run in (first, second))
    order = sorted(correct)
    return np.array([correct[name] for name in order]), np.array(
        [of_second[name] for name in order]
    )


def _same_images(first: Score, second: Score) -> bool:
    """Whether both were evaluated on the same images, with every seed that both have."""
    return all(
        frozenset(first.runs[seed].predictions["id"])
        == frozenset(second.runs[seed].predictions["id"])
        for seed in first.runs.keys() & second.runs.keys()
    )

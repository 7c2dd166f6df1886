"""Finished runs with their results, and what is computed from several of them."""

import functools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...core.i18n import _, count
from ...runs import results, validation
from ...studies.study import Run, Study
from .. import crossed, crossfit, statistics
from ..crossed import Estimate
from . import wording

MOST_LINES = 8  # in one panel of curves; more cannot be distinguished

# Of each panel of curves, by title: of each line, by label, its history and its best epoch.
Lines = dict[str, tuple[pd.DataFrame, int]]
Panels = dict[str, Lines]


@dataclass(frozen=True)
class ComparedRun:
    """A finished run with its results. label: its name in the report. correct: bool (N,) of the
    evaluated images. record: what its epochs made of the validation images, where it was kept.
    """

    label: str
    run: Run
    result: results.Result
    correct: np.ndarray
    record: validation.Validation | None = None

    @property
    def accuracy(self) -> float:
        """On the evaluated split."""
        return float(self.correct.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of `accuracy`, over images (Wilson)."""
        return statistics.wilson_of_scores(self.correct)

    @property
    def predictions(self) -> pd.DataFrame:
        """Of the evaluated images; every finished run has them."""
        assert self.result.predictions is not None
        return self.result.predictions

    @functools.cached_property
    def crossfitted(self) -> np.ndarray | None:
        """How often each validation image is right in an epoch that was chosen without it, (N,), in
        the order of their ids; None where no record was kept.
        """
        return None if self.record is None else crossfit.scores(self.record)

    @functools.cached_property
    def at_best(self) -> np.ndarray | None:
        """Whether each validation image is right in the best epoch, (N,), in the order of their
        ids; None where no record was kept.
        """
        if self.record is None:
            return None
        right = self.record.right[self.result.metrics.best_epoch - 1]
        return right[np.argsort(self.record.ids, kind="stable")].astype(float)

    @property
    def chosen_by(self) -> float:
        """The accuracy on the validation images that it is ranked by: cross-fitted, or of the best
        epoch where no record was kept.
        """
        if self.crossfitted is None:
            return self.result.metrics.validation_accuracy
        return float(self.crossfitted.mean())

    @functools.cached_property
    def validation_images(self) -> frozenset[str]:
        """What tells the validation images apart: their ids or, where these are not known, the
        fingerprint of all data.
        """
        if self.record is not None:
            return frozenset(self.record.ids)
        if self.result.evaluated == "validation":
            return frozenset(self.predictions["id"])
        return frozenset([self.result.metrics.dataset.fingerprint])


def load(study: Study) -> list[ComparedRun]:
    """The finished runs of a study with their results, in the order of the study.

    Raises:
        ValueError: no run is finished.
    """
    finished = study.finished
    # where all are alike, the label need not say it
    mixed = len({run.state for run in finished}) > 1
    loaded = []
    for run in finished:
        result = results.load(run.experiment.folder)
        label = study.label(run.experiment)
        if mixed and run.state != "complete":
            label += f" ({wording.state(run.state)})"
        correct = result.labels == result.predicted
        loaded.append(ComparedRun(label, run, result, correct, result.validation))
    return loaded


def lead_of_network(first: ComparedRun, second: ComparedRun) -> Estimate:
    """How far one trained network is ahead of another one on images like the validation images, on
    which both have to be on record.
    """
    assert first.crossfitted is not None and second.crossfitted is not None
    assert first.at_best is not None and second.at_best is not None
    return crossed.networks(first.crossfitted - second.crossfitted, first.at_best - second.at_best)


def evaluated_images(runs: list[ComparedRun]) -> str:
    """What runs were evaluated on: `1,000 validation images of the sample data`."""
    number = len(runs[0].correct)
    images = (
        count(number, "test image")
        if runs[0].result.evaluated == "test"
        else count(number, "validation image")
    )
    return (
        _("{images} of the sample data", images=images)
        if runs[0].result.metrics.data == "sample"
        else images
    )


def validation_images(runs: list[ComparedRun]) -> str:
    """What choices were made on: `1,000 validation images of the sample data`."""
    metrics = runs[0].result.metrics
    images = count(metrics.dataset.images["validation"], "validation image")
    if metrics.data == "sample":
        return _("{images} of the sample data", images=images)
    return images


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """A named tuple a row; pandas itself gives its values no types."""
    return table.itertuples()


def judged(table: pd.DataFrame, enough: Any = True, supported: str = "supported") -> pd.DataFrame:
    """Differences (columns low, high, p) with p adjusted after Holm, and a verdict on each.

    Args:
        enough: whether there is enough to judge by, for all rows or for each.
        supported: the verdict on a difference that holds after the adjustment.

    Returns:
        The table with the column verdict: that word, or "open".
    """
    adjusted = np.where(table["p"].isna(), np.nan, statistics.holm(table["p"].fillna(1.0)))
    holds = (
        ((table["low"] > 0) | (table["high"] < 0)) & (adjusted < 1 - statistics.CONFIDENCE) & enough
    )
    return table.assign(p=adjusted, verdict=np.where(holds, supported, "open"))


def panels_by_model(assignment: str, runs: list[ComparedRun]) -> Panels:
    """Histories to be drawn together: those of one model, and those that are the only ones of
    theirs. assignment: its name, which titles leave out.
    """
    models = Counter(run.run.experiment.model for run in runs)
    gathered: Panels = {}
    for run in sorted(runs, key=lambda run: models[run.run.experiment.model] == 1):
        model = run.run.experiment.model
        title = (
            model.removeprefix(f"{assignment}_").replace("_", " ")
            if models[model] > 1
            else _("models with one run")
        )
        gathered.setdefault(title, {})[run.label] = (
            run.result.history,
            run.result.metrics.best_epoch,
        )
    return {
        part: lines
        for title, together in gathered.items()
        for part, lines in in_panels(title, together).items()
    }


def in_panels(title: str, lines: Lines) -> Panels:
    """Lines in panels of at most MOST_LINES; of several, the titles have numbers."""
    parts = np.array_split(list(lines), -(-len(lines) // MOST_LINES))
    titles = [title]
    if len(parts) > 1:
        titles = [
            _("{title} ({number} of {parts})", title=title, number=number, parts=len(parts))
            for number in range(1, len(parts) + 1)
        ]
    return {
        title: {str(label): lines[label] for label in part} for title, part in zip(titles, parts)
    }

"""Finished runs with their results, and what is computed from several of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...core.i18n import _, count
from ...runs import results
from ...studies.study import Run, Study
from .. import statistics
from . import wording

MOST_LINES = 8  # in one panel of curves; more cannot be distinguished

# Of each panel of curves, by title: of each line, by label, its history and its best epoch.
Lines = dict[str, tuple[pd.DataFrame, int]]
Panels = dict[str, Lines]


@dataclass(frozen=True)
class ComparedRun:
    """A finished run with its results. label: its name in the report. correct: bool (N,) of the
    evaluated images.
    """

    label: str
    run: Run
    result: results.Result
    correct: np.ndarray

    @property
    def accuracy(self) -> float:
        """On the evaluated split."""
        return float(self.correct.mean())

    @property
    def predictions(self) -> pd.DataFrame:
        """Of the evaluated images; every finished run has them."""
        assert self.result.predictions is not None
        return self.result.predictions


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
        loaded.append(ComparedRun(label, run, result, result.labels == result.predicted))
    return loaded


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


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """A named tuple a row; pandas itself gives its values no types."""
    return table.itertuples()


def judged(table: pd.DataFrame, enough: Any = True) -> pd.DataFrame:
    """Differences (columns low, high, p) with p adjusted after Holm, and a verdict on each.

    Args:
        enough: whether there is enough to judge by, for all rows or for each.

    Returns:
        The table with the column verdict: "supported", "alone" (only without the adjustment) or
        "open".
    """
    significant = 1 - statistics.CONFIDENCE
    alone = ((table["low"] > 0) | (table["high"] < 0)) & (table["p"] < significant) & enough
    adjusted = np.where(table["p"].isna(), np.nan, statistics.holm(table["p"].fillna(1.0)))
    verdicts = np.where(
        alone & (adjusted < significant), "supported", np.where(alone, "alone", "open")
    )
    return table.assign(p=adjusted, verdict=verdicts)


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

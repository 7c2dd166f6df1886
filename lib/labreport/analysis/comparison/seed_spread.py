"""How far runs that differ only in the seed are apart: what the difference of two single runs has
to be seen beside.
"""

from dataclasses import dataclass

import numpy as np

from ...core.i18n import _, count, number
from ...runs import records, validation
from ...studies import repeats
from ...studies.study import Study
from .. import crossfit


@dataclass(frozen=True)
class Spread:
    """Of runs of one experiment: how many, the largest difference of two of them, and their
    standard deviation, shares.
    """

    experiment: str
    runs: int
    apart: float
    deviation: float


def widest(study: Study, images: frozenset[str]) -> Spread | None:
    """Of all groups of runs that differ only in the seed, the one whose runs are farthest apart;
    None where no two were evaluated on just these validation images.
    """
    found = []
    for folders in repeats.beside(study):
        kept = [record for folder in folders if (record := validation.load(folder)) is not None]
        accuracies = [
            float(crossfit.scores(record).mean())
            for record in kept
            if frozenset(record.ids) == images
        ]
        metrics = records.metrics(folders[0])
        if len(accuracies) > 1 and metrics:
            apart, deviation = np.ptp(accuracies), np.std(accuracies, ddof=1)
            found.append(
                Spread(metrics.experiment, len(accuracies), float(apart), float(deviation))
            )
    return max(found, key=lambda spread: spread.apart, default=None)


def sentence(study: Study, images: frozenset[str]) -> str:
    """How far runs that differ only in the seed were apart, or that nothing is known of it."""
    spread = widest(study, images)
    if spread is None:
        return _(
            "How much another seed changes is not known here: no experiment was run with two seeds"
            " on these images."
        )
    return _(
        "How much another seed changes: on these images, {runs} of {experiment} that differ only in"
        " the seed were up to {points} percentage points apart (standard deviation {deviation}).",
        runs=count(spread.runs, "run"),
        experiment=spread.experiment,
        points=number(100 * spread.apart, 1),
        deviation=number(100 * spread.deviation, 1),
    )

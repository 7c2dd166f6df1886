"""Runs that answered for the same images, and how far the best of them is ahead."""

from dataclasses import replace

import numpy as np
import pandas as pd

from ...core.i18n import N_, _
from .. import statistics
from . import wording
from .runs import ComparedRun, judged, rows_of


def groups(runs: list[ComparedRun]) -> list[list[ComparedRun]]:
    """Runs that answered for the same images, the largest group first, in each the best run first.

    Sample and real data never meet.
    """
    by_images: dict[tuple, list[ComparedRun]] = {}
    for run in runs:
        table = run.predictions
        order = np.argsort(table["id"].to_numpy(str), kind="stable")
        images = (
            run.result.metrics.data,
            run.result.evaluated,
            tuple(table["id"].to_numpy()[order]),
            tuple(table["label"].to_numpy()[order]),
        )
        # paired image by image
        by_images.setdefault(images, []).append(replace(run, correct=run.correct[order]))
    best_first = [
        sorted(
            group,
            key=lambda run: (
                -run.accuracy,
                -run.result.metrics.validation_accuracy,
                run.label,
            ),
        )
        for group in by_images.values()
    ]
    return sorted(
        best_first,
        key=lambda group: (
            -len(group),
            group[0].result.metrics.data != "real",
            -len(group[0].correct),
        ),
    )


def differences(group: list[ComparedRun]) -> pd.DataFrame:
    """The best run of a group against every other: how far ahead it is, as a share, with a 95 %
    interval, and p adjusted for all of these.

    Returns:
        Columns: label, difference, low, high, only_best and only_other (images that just one of the
        two has right), p (McNemar's exact test, adjusted after Holm), verdict (see `judged`).
    """
    best, rows = group[0], []
    for other in group[1:]:
        difference, low, high = statistics.paired_difference(best.correct, other.correct)
        rows.append(
            {
                "label": other.label,
                "difference": difference,
                "low": low,
                "high": high,
                "only_best": int((best.correct & ~other.correct).sum()),
                "only_other": int((other.correct & ~best.correct).sum()),
                "p": statistics.mcnemar(best.correct, other.correct),
            }
        )
    columns = ["label", "difference", "low", "high", "only_best", "only_other", "p"]
    return judged(pd.DataFrame(rows, columns=columns))


def differences_table(group: list[ComparedRun]) -> list[dict]:
    """The same for a reader: points instead of shares. b and c: images that the best alone, and the
    other alone, has right.
    """
    return [
        {
            N_("Other run"): row.label,
            N_("Points behind"): _(
                "{points} ({low} to {high})",
                points=wording.points(row.difference),
                low=wording.points(row.low),
                high=wording.points(row.high),
            ),
            "b": row.only_best,
            "c": row.only_other,
            N_("p (Holm)"): wording.p_value(row.p),
        }
        for row in rows_of(differences(group))
    ]

"""Networks that were evaluated on the same validation images, and how far the best is ahead."""

import itertools

import numpy as np
import pandas as pd

from ...core.i18n import N_, _
from . import wording
from .runs import ComparedRun, judged, lead_of_network, rows_of


def groups(runs: list[ComparedRun]) -> list[list[ComparedRun]]:
    """Runs with a record of the same validation images, the largest group first, in each the best
    run first.

    Sample and real data never meet.
    """
    by_images: dict[tuple, list[ComparedRun]] = {}
    for run in runs:
        if run.crossfitted is not None:
            images = (run.result.metrics.data, run.validation_images)
            by_images.setdefault(images, []).append(run)
    best_first = [
        sorted(group, key=lambda run: (-run.chosen_by, run.label)) for group in by_images.values()
    ]
    return sorted(
        best_first,
        key=lambda group: (
            -len(group),
            group[0].result.metrics.data != "real",
            -len(group[0].validation_images),
        ),
    )


def differences(group: list[ComparedRun]) -> pd.DataFrame:
    """The best network of a group against every other: how far ahead it is, as a share, with a 95 %
    interval over the images, and p adjusted after Holm for all pairs of the group: which one is the
    best was not known before.

    Returns:
        Columns: label, difference, low, high, p, verdict (see `judged`; "network").
    """
    columns = ["label", "difference", "low", "high", "p"]
    pairs = pd.DataFrame(
        [_pair(*pair) for pair in itertools.combinations(group, 2)], columns=["of", *columns]
    )
    table = judged(pairs, supported="network")
    of_best = table[table["of"] == group[0].label].drop(columns="of")
    return of_best.reset_index(drop=True)


def _pair(first: ComparedRun, second: ComparedRun) -> dict:
    found = lead_of_network(first, second)
    low, high = found.between(-1)
    return {
        "of": first.label,
        "label": second.label,
        "difference": found.value,
        "low": low,
        "high": high,
        "p": found.p,
    }


def differences_table(group: list[ComparedRun]) -> list[dict]:
    """The same for a reader: points instead of shares."""
    return [
        {
            N_("Other network"): row.label,
            N_("Points behind"): (
                wording.points(row.difference)
                if np.isnan(row.low)
                else _(
                    "{points} ({low} to {high})",
                    points=wording.points(row.difference),
                    low=wording.points(row.low),
                    high=wording.points(row.high),
                )
            ),
            N_("p (Holm)"): _("none") if np.isnan(row.p) else wording.p_value(row.p),
        }
        for row in rows_of(differences(group))
    ]

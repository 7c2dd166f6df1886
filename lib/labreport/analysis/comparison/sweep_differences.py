"""The judged differences of a sweep, drawn and in tables."""

import numpy as np
import pandas as pd

from ...core.i18n import N_, _
from ...studies.sweeps import BASE, PAIRS, WITHIN, Sweep
from .. import figures
from ..figures import Picture, Table
from . import contrasts, wording
from .runs import rows_of
from .scores import FEWEST_SEEDS, Basis


def shown(sweep: Sweep, table: pd.DataFrame, over: str, basis: Basis) -> list[Table | Picture]:
    """A figure and a table, and one of the interactions where there are any.

    Args:
        table: as `contrasts.differences` gives it.
        over: seeds and images, in words.
    """
    pairs = table[table["kind"] == contrasts.DIFFERENCE]
    interactions = table[table["kind"] == contrasts.INTERACTION]
    base = sweep.base if sweep.compare == BASE else None
    drawn = pairs
    if base is None:
        named = [wording.pair(row.label, row.other) for row in rows_of(pairs)]
        drawn = pairs.assign(label=named)
    captions = {
        BASE: _(
            "How far each configuration is ahead of the base, {base}, in percentage points of"
            " accuracy, over {of}. Each interval is that of one comparison alone.",
            base=base,
            of=over,
        ),
        PAIRS: _(
            "How far each configuration is ahead of each other one, in percentage points of"
            " accuracy, over {of}. Each interval is that of one comparison alone.",
            of=over,
        ),
        WITHIN: _(
            "How far each configuration is ahead of each other one with the same {setting}, in"
            " percentage points of accuracy, over {of}. Each interval is that of one comparison"
            " alone.",
            setting=sweep.within_name,
            of=over,
        ),
    }
    parts: list[Table | Picture] = [
        figures.leads(
            drawn,
            base,
            over,
            behind=True,
            networks=basis is Basis.IMAGES,
            comparisons=len(table),
        ),
        Table([_difference_row(row, base) for row in rows_of(pairs)], captions[sweep.compare]),
    ]
    if len(interactions):
        caption = _(
            "By how many percentage points the first difference is larger than the second, over"
            " {of}. Where the differences do not depend on {setting}, this is zero but for"
            " chance.",
            of=over,
            setting=sweep.within_name,
        )
        parts.append(Table([_interaction_row(row) for row in rows_of(interactions)], caption))
    return parts


def _difference_row(row, base: str | None) -> dict:
    """A row of `contrasts.differences` for a reader. base: what all are compared with, if there is
    one such.
    """
    verdicts = {
        "supported": _("supported"),
        "network": (
            _("the first network does better")
            if base is None
            else _("this network does better")
            if row.difference > 0
            else _("the base's network does better")
        ),
        "open": (
            _("open")
            if row.seeds == 1
            else _("not supported")
            if row.seeds >= FEWEST_SEEDS
            else _("too few seeds")
        ),
    }
    compared = (
        {N_("First"): row.label, N_("Second"): row.other, N_("Points ahead"): _ahead(row)}
        if base is None
        else {
            N_("Configuration"): row.label,
            _("Points ahead of {base}", base=base): _ahead(row),
        }
    )
    return compared | _p_and_verdict(row, verdicts[row.verdict])


def _interaction_row(row) -> dict:
    compared = {
        N_("First difference"): row.label,
        N_("Second difference"): row.other,
        N_("First minus second"): _ahead(row),
    }
    said = _("supported") if row.verdict == "supported" else _("not supported")
    return compared | _p_and_verdict(row, said)


def _p_and_verdict(row, verdict: str) -> dict:
    return {
        N_("p (Holm)"): _("none") if np.isnan(row.p) else wording.p_value(row.p),
        N_("Verdict"): verdict,
    }


def _ahead(row) -> str:
    points = wording.points(row.difference)
    if not np.isnan(row.low):
        return _(
            "{points} ({low} to {high})",
            points=points,
            low=wording.points(row.low),
            high=wording.points(row.high),
        )
    # two seeds are too few for an interval
    return points if row.seeds < FEWEST_SEEDS else _("{points} (no spread)", points=points)

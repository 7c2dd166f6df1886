"""Several runs in one figure."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...core.i18n import _, count, number, percent
from .lettering import LINE, wrapped
from .picture import Picture
from .style import STYLE, TRAINING, WIDTH_INCHES

__all__ = ["leads", "effects"]

NAME_INCHES = 2.4  # of a line of a name beside the axes
MOST_ROWS = 50  # of a figure that lists runs, so that it fits on a page


def leads(
    differences: pd.DataFrame,
    one: str | None,
    over: str,
    behind: bool = False,
    networks: bool = False,
    comparisons: int | None = None,
) -> Picture:
    """How far one run is ahead of others, with intervals; `behind`: how far the others are ahead of
    it. Without such a one: how far, in each row, the first of two is ahead.

    differences: as `comparison.groups.differences` or `comparison.contrasts.differences` gives
    them. over: images or seeds, in words. networks: each was trained once. comparisons: for
    which p is adjusted, where these are more than the rows.
    """
    compared = len(differences)
    # a long name beside the axes would leave them no room
    named = differences.assign(name=[wrapped(label, NAME_INCHES) for label in differences["label"]])
    lines = max((name.count("\n") + 1 for name in named["name"]), default=1)
    table: Any = (
        named.sort_values("difference", ascending=one is not None and not behind, kind="stable")
        .head(MOST_ROWS // lines)
        .reset_index(drop=True)
    )
    dense = len(table) * lines > 30
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH_INCHES, (LINE if dense else 0.19) * len(table) * lines + 1.1),
            layout="constrained",
        )
        FigureCanvasAgg(figure)
        axes = figure.subplots()
    for row in table.itertuples():
        supported = row.verdict == "supported"
        axes.plot(
            [100 * row.low, 100 * row.high],
            [row.Index, row.Index],
            color=TRAINING if supported else "0.45",
            linewidth=1.6,
            linestyle="-" if supported else (0, (2, 1)),
        )
        axes.plot(
            [100 * row.difference],
            [row.Index],
            marker="o",
            markersize=3.5 if dense else 5,
            color=TRAINING if supported else "0.45",
            markerfacecolor=TRAINING if supported else "white",
        )
    axes.axvline(0, color="black", linewidth=0.8)
    axes.set_yticks(range(len(table)), table["name"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        _("lead of the first over the second, in percentage points (95 % interval)")
        if one is None
        else _("percentage points of accuracy ahead of {one} (95 % interval)", one=one)
        if behind
        else _("lead of {one} in percentage points of accuracy (95 % interval)", one=one)
    )
    rows = "; ".join(
        (
            _(
                "{label} {difference} points",
                label=row.label,
                difference=number(100 * row.difference, 1),
            )
            if np.isnan(row.low)
            else _(
                "{label} {difference} points ({low} to {high})",
                label=row.label,
                difference=number(100 * row.difference, 1),
                low=number(100 * row.low, 1),
                high=number(100 * row.high, 1),
            )
        )
        for row in table.itertuples()
    )
    words = {
        "one": one,
        "over": over,
        "others": count(compared, "configuration"),
        "drawn": len(table),
    }
    if one is None:
        words["pairs"] = count(compared, "pair")
        short = (
            _("Lead of one configuration over another ({over})", **words)
            if len(table) == compared
            else _(
                "Lead of one configuration over another, the largest {drawn} of {pairs} ({over})",
                **words,
            )
        )
        alt = f"{short}: {rows}."
    elif not behind:
        short = _("Lead of {one} over the other runs ({over})", **words)
        alt = _(
            "Lead of {one} over {runs} ({over}), with 95 % intervals: {rows}.",
            runs=count(compared, "other run"),
            rows=rows,
            **words,
        )
    elif len(table) == compared:
        short = _("Lead of the other configurations over {one} ({over})", **words)
        alt = _(
            "Lead of {others} over {one} ({over}), with 95 % intervals: {rows}.",
            rows=rows,
            **words,
        )
    else:
        short = _("Lead of the best {drawn} of {others} over {one} ({over})", **words)
        alt = _(
            "Lead of the best {drawn} of {others} over {one} ({over}), with 95 % intervals:"
            " {rows}.",
            rows=rows,
            **words,
        )
    return Picture(
        figure,
        alt,
        f"{short}. "
        + (
            _(
                "Each was run once, so these are networks and not experiments; therefore no dot is"
                " filled."
            )
            if networks
            else _(
                "Filled dots: supported after correction for {comparisons} (Holm). Hollow dots and"
                " dashed lines: not supported.",
                comparisons=count(comparisons or compared, "comparison"),
            )
        ),
    )


def effects(tables: dict[str, pd.DataFrame]) -> Picture:
    """What settings were varied against what came out. tables: setting -> value (text), label,
    accuracy, a row a configuration, in the order of the values.
    """
    columns = min(3, len(tables))
    rows = -(-len(tables) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_INCHES, 2.4 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(tables) :]:
        axes.set_visible(False)
    descriptions = []
    for position, ((setting, table), axes) in enumerate(zip(tables.items(), grid.flat)):
        groups: Any = table.groupby("value", sort=False)["accuracy"]
        for place, (_value, accuracies) in enumerate(groups):
            axes.plot(
                [place] * len(accuracies),
                100 * accuracies,
                marker="o",
                markersize=3.5,
                linestyle="none",
                color=TRAINING,
                alpha=0.55,
            )
            axes.plot(
                [place - 0.3, place + 0.3],
                [100 * accuracies.mean()] * 2,
                color="black",
                linewidth=1.6,
            )
        axes.set_xticks(
            range(len(groups)),
            groups.groups,
            **(
                {"rotation": 30, "ha": "right", "rotation_mode": "anchor"}
                if sum(map(len, groups.groups)) > 48 / columns
                else {}
            ),
        )
        axes.set_xlim(-0.6, len(groups) - 0.4)
        axes.grid(axis="x", visible=False)
        axes.set_xlabel(setting)
        if position % columns == 0:
            axes.set_ylabel(_("accuracy in %"))
        descriptions.append(
            f"{setting}: "
            + ", ".join(
                _(
                    "{value} {mean} ({low} to {high})",
                    value=value,
                    mean=percent(accuracies.mean()),
                    low=percent(accuracies.min()),
                    high=percent(accuracies.max()),
                )
                for value, accuracies in groups
            )
        )
    return Picture(
        figure,
        _(
            "Dot charts of accuracy by the value of each varied setting. Mean and range over the"
            " configurations: {accuracies}.",
            accuracies="; ".join(descriptions),
        ),
        _(
            "Accuracy by the value of each varied setting. Each dot is a configuration; lines are"
            " means over all configurations with that value."
        ),
    )

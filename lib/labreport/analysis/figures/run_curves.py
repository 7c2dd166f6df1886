"""Accuracy and loss of several runs by epoch, training and validation."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...core.i18n import N_, _, count, number
from .loss_scale import logarithmic_losses
from .picture import Picture
from .style import STYLE, WIDTH_INCHES

__all__ = ["QUANTITIES", "run_curves"]

# Colours of Okabe and Ito but their yellow, which is hard to see on white; the line styles tell
# them apart in grey.
LINES = (
    ("#0072B2", "-"),
    ("#D55E00", "--"),
    ("#009E73", "-."),
    ("#CC79A7", ":"),
    ("#000000", "-"),
    ("#E69F00", "--"),
    ("#56B4E9", "-."),
    ("#7F7F7F", ":"),
)
QUANTITIES = {
    "accuracy": N_("training accuracy"),
    "val_accuracy": N_("validation accuracy"),
    "loss": N_("training loss"),
    "val_loss": N_("validation loss"),
}
_LONG_RANGE = 30  # times from the least to the greatest loss, from which a linear axis hides much

# A run's history, or the mean of several with the columns low_... and high_..., and its best epoch.
Lines = dict[str, tuple[pd.DataFrame, int]]


def run_curves(panels: dict[str, Lines]) -> list[Picture]:
    """A picture a panel: accuracy and loss of its runs by epoch, on common axes.

    panels: title -> label -> history and best epoch, at most eight lines a panel. Where a history
    has columns such as low_loss and high_loss, the band between them is filled. Accuracies have one
    scale in all pictures.
    """
    highest = max(
        history[_upper(history, name)].max()
        for lines in panels.values()
        for history, _best in lines.values()
        for name in ("accuracy", "val_accuracy")
    )
    top = min(1.0, float(highest) + 0.05)
    return [_picture(title, lines, top) for title, lines in panels.items()]


def drawn(lines: Lines, top: float, quantities: tuple[str, ...] = tuple(QUANTITIES)):
    """A figure with a panel for each quantity, two in a row, and a sentence on the axis of the
    losses where it is logarithmic. quantities: pairs of training and validation; those of the
    losses come last.
    """
    rows, legend_rows = len(quantities) // 2, -(-len(lines) // 2)
    with matplotlib.rc_context(STYLE):
        size = WIDTH_INCHES, 2.1 * rows + 0.16 * legend_rows
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, 2, sharex=True, sharey="row", squeeze=False)
    for axes, name in zip(grid.flat, quantities):
        for (label, (history, best)), (color, style) in zip(lines.items(), LINES):
            _draw(axes, history, best, name, color, style, label)
        axes.set_title(_(QUANTITIES[name]))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    if "accuracy" in quantities:
        grid[0, 0].set_ylim(0, top)
    losses = np.concatenate(
        [
            history[name].to_numpy()
            for history, _best in lines.values()
            for name in ("loss", "val_loss")
        ]
    )
    wide = losses.min() > 0 and losses.max() > _LONG_RANGE * losses.min()
    scale = logarithmic_losses(grid[-1, 0]) if wide else ""
    for axes in grid[-1]:
        axes.set_xlabel(_("epoch"))
    figure.legend(
        *grid[0, 0].get_legend_handles_labels(),
        loc="outside lower left",
        ncols=2,
        handlelength=3.2,
        frameon=False,
    )
    return figure, scale


def _picture(title: str, lines: Lines, top: float) -> Picture:
    figure, scale = drawn(lines, top)
    values = "; ".join(
        _(
            "{label} accuracy {accuracy} and loss {loss} at epoch {epoch}",
            label=label,
            accuracy=number(history["val_accuracy"].iloc[best - 1], 2),
            loss=number(history["val_loss"].iloc[best - 1], 2),
            epoch=best,
        )
        for label, (history, best) in lines.items()
    )
    alt = _(
        "Line charts of training and validation accuracy and loss by epoch for {runs}, {title}."
        " Validation at the best epoch: {values}.",
        runs=count(len(lines), "run"),
        title=title,
        values=values,
    )
    return Picture(figure, alt, _caption(title, lines, scale))


def _caption(title: str, lines: Lines, scale: str) -> str:
    sentences = [_("Accuracy and loss by epoch: {title}. Dots mark the best epoch.", title=title)]
    if any("low_loss" in history for history, _best in lines.values()):
        sentences.append(
            _(
                "Lines are means over the seeds, up to the last epoch that all seeds reached; bands"
                " run from the lowest to the highest seed."
            )
        )
    return " ".join(filter(None, [*sentences, scale]))


def _draw(axes, history: pd.DataFrame, best: int, name: str, color, style, label: str) -> None:
    axes.plot(
        history["epoch"],
        history[name],
        color=color,
        linestyle=style,
        linewidth=1.2,
        label=label,
        clip_on=False,
    )
    if f"low_{name}" in history:
        axes.fill_between(
            history["epoch"],
            history[f"low_{name}"],
            history[f"high_{name}"],
            color=color,
            alpha=0.15,
            linewidth=0,
        )
    if not best:  # it is not among these epochs
        return
    axes.plot(
        [best],
        [history[name].iloc[best - 1]],
        color=color,
        marker="o",
        markersize=4,
        linestyle="none",
        clip_on=False,
    )


def _upper(history: pd.DataFrame, name: str) -> str:
    return f"high_{name}" if f"high_{name}" in history else name

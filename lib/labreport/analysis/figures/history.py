"""Accuracy and loss of one run by epoch."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...core.i18n import _, count, number
from .loss_scale import logarithmic_losses
from .picture import Picture
from .style import TRAINING, VALIDATION, new_figure

__all__ = ["curves"]


def curves(
    history: pd.DataFrame,
    best_epoch: int,
    monitor: str,
    published: pd.DataFrame | None = None,
    of: int | None = None,
) -> Picture:
    """Accuracy and loss by epoch, training and validation, with the best epoch marked; faintly
    behind them the published run's. Of several outputs that is the first one's, and its loss is no
    sum like that of the history: it is left out.

    published: its log, or as many epochs of it as this run may have. of: how many it had.
    """
    figure, (left, right) = new_figure(2.9, columns=2)
    marker = "o" if len(history) <= 30 else None
    summed = any(str(column).endswith("_loss") and column != "val_loss" for column in history)
    for axes, column, name in ((left, "accuracy", _("accuracy")), (right, "loss", _("loss"))):
        if published is not None and not (summed and column == "loss"):
            axes.plot(
                published["epoch"],
                published[column],
                color=TRAINING,
                linewidth=2.6,
                alpha=0.25,
                label=_("published, training"),
                clip_on=False,
            )
            axes.plot(
                published["epoch"],
                published[f"val_{column}"],
                color=VALIDATION,
                linewidth=2.6,
                alpha=0.25,
                linestyle=(0, (2, 1)),
                label=_("published, validation"),
                clip_on=False,
            )
        axes.plot(
            history["epoch"],
            history[column],
            color=TRAINING,
            marker=marker,
            markersize=3,
            label=_("training"),
            clip_on=False,  # a line at the edge would lose half its width
        )
        axes.plot(
            history["epoch"],
            history[f"val_{column}"],
            color=VALIDATION,
            linestyle="--",
            marker=marker,
            markersize=3,
            label=_("validation"),
            clip_on=False,
        )
        axes.axvline(
            best_epoch,
            color="0.35",
            linewidth=0.8,
            linestyle=":",
            label=_("best epoch ({epoch})", epoch=best_epoch),
        )
        axes.set(
            xlabel=_("epoch"),
            ylabel=name,
            xlim=(
                0.5,
                max(len(history), 0 if published is None else published["epoch"].max()) + 0.5,
            ),
        )
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
    losses = np.concatenate(
        [
            table[column]
            for table in (history, None if summed else published)
            if table is not None
            for column in ("loss", "val_loss")
        ]
    )
    usual = np.quantile(np.concatenate([history["loss"], history["val_loss"]]), 0.75)
    note = ""
    if losses.min() > 0 and losses.max() > 6 * usual:
        note = " " + logarithmic_losses(right)  # a first loss of hundreds would flatten the others
    elif losses.min() >= 0:
        right.set_ylim(bottom=0)
    handles, labels = left.get_legend_handles_labels()
    order = [
        labels.index(label) for label in dict.fromkeys([_("training"), _("validation"), *labels])
    ]
    figure.legend(
        [handles[place] for place in order],
        [labels[place] for place in order],
        loc="outside upper center",
        ncols=3,
        frameon=False,
    )
    sentences = [
        _curve_in_words(history, column, name)
        for column, name in (
            ("val_accuracy", _("Validation accuracy")),
            ("accuracy", _("Training accuracy")),
            ("val_loss", _("Validation loss")),
            ("loss", _("Training loss")),
        )
    ]
    if published is not None:
        cut = of is not None and of > len(published)
        sentences.append(
            _curve_in_words(
                published,
                "val_accuracy",
                (
                    _(
                        "In the first {epochs} of {all} of the published run, validation accuracy",
                        epochs=count(len(published), "epoch"),
                        all=of,
                    )
                    if cut
                    else _(
                        "In the published run, over {epochs}, validation accuracy",
                        epochs=count(len(published), "epoch"),
                    )
                ),
            )
        )
    return Picture(
        figure,
        _("Two line charts over {epochs}: accuracy and loss.", epochs=count(len(history), "epoch"))
        + " "
        + " ".join(sentences),
        _(
            "Accuracy and loss by epoch; the dotted line marks epoch {epoch}, the best by"
            " {monitor}.",
            epoch=best_epoch,
            monitor=monitor,
        )
        + (
            ""
            if published is None
            else " "
            + (
                _(
                    "The faint, broad lines are the first {epochs} of {all} of the published run,"
                    " which used all images.",
                    epochs=count(len(published), "epoch"),
                    all=of,
                )
                if cut
                else _("The faint, broad lines are the published run, which used all images.")
            )
            + (
                " "
                + _(
                    "Its loss is left out: it is that of one output, and here the losses of all"
                    " outputs are added up."
                )
                if summed
                else ""
            )
        )
        + note,
    )


def _curve_in_words(history: pd.DataFrame, column: str, name: str) -> str:
    """How a curve runs, in a sentence: where it begins, has its best value, and ends."""
    values: Any = history[column]
    values_in_words = {
        "name": name,
        "start": number(values.iloc[0], 2),
        "end": number(values.iloc[-1], 2),
    }
    if len(values) == 1:
        return _("{name} is {start}.", **values_in_words)
    accuracy = "accuracy" in column
    if values.max() - values.min() < 0.01:
        return _("{name} stays at about {start}.", **values_in_words)
    best = int(values.idxmax() if accuracy else values.idxmin())
    values_in_words |= {"best": number(values.iloc[best], 2), "epoch": history["epoch"].iloc[best]}
    if best == len(values) - 1 or values_in_words["best"] == values_in_words["end"]:
        return (
            _("{name} rises from {start} to {end}.", **values_in_words)
            if accuracy
            else _("{name} falls from {start} to {end}.", **values_in_words)
        )
    if best == 0:
        return _(
            "{name} is best at {start} in the first epoch and ends at {end}.", **values_in_words
        )
    return (
        _(
            "{name} rises from {start} to {best} at epoch {epoch}, then falls back to {end}.",
            **values_in_words,
        )
        if accuracy
        else _(
            "{name} falls from {start} to {best} at epoch {epoch}, then rises again to {end}.",
            **values_in_words,
        )
    )

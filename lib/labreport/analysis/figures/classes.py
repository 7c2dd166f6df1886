"""Figures that compare the classes: images, recall, confusion matrix."""

import re
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...core.i18n import _, count, number, percent, whole
from .. import statistics
from .lettering import LINE, text_width, wrapped
from .picture import Picture
from .style import TRAINING, WIDTH_INCHES, new_figure

__all__ = ["class_counts", "class_recalls", "confusion_matrix"]

_MOST_ROWS = 40  # of one panel
_ENDS = 12  # classes with the most and with the fewest images, where there are more than that
_COLOUR_BAR = 0.8  # inches: the bar with its numbers and its name
_AXIS_NAME = 0.32  # the name of an axis, and the gaps beside it


def class_counts(counts: pd.DataFrame) -> Picture:
    """Images a class and split; of many classes, those at the ends. counts: a row a class, a column
    a split.
    """
    names: dict[Any, str] = {
        "train": _("training"),
        "validation": _("validation"),
        "test": _("test"),
    }
    shown, caption = counts, _("Number of images in each class and split.")
    if len(counts) > _MOST_ROWS:
        order = counts.sum(axis=1).argsort(kind="stable")
        shown = counts.iloc[[*order.iloc[: -_ENDS - 1 : -1], *order.iloc[_ENDS - 1 :: -1]]]
        caption = _(
            "Number of images by split, in {shown} of the classes with the most images (left) and"
            " {shown} of those with the fewest (right), of {classes} classes.",
            shown=_ENDS,
            classes=len(counts),
        )
    figure, panels = _panels(len(shown), 2 if len(counts) > _MOST_ROWS else 1)
    for axes, rows in zip(panels, np.array_split(np.arange(len(shown)), len(panels))):
        left = np.zeros(len(rows))
        for (split, column), color, hatch in zip(
            shown.iloc[rows].items(), ("#0072B2", "#E69F00", "#009E73"), ("", "//", "..")
        ):
            axes.barh(
                shown.index[rows],
                column,
                left=left,
                label=names[split],
                color=color,
                hatch=hatch,
                edgecolor="white",
                linewidth=0.5,
            )
            left += column.to_numpy()
        _by_class(axes, _("images"), limit=counts.sum(axis=1).max() * 1.03)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    totals = counts.sum(axis=1)
    per_split = ", ".join(
        f"{whole(images)} {names[split]}" for split, images in counts.sum().items()
    )
    if totals.nunique() == 1:
        alt = _(
            "Bar chart of the number of images in {classes} classes. Each class has {images}"
            " images; in all: {per_split}.",
            classes=len(counts),
            images=whole(totals.iloc[0]),
            per_split=per_split,
        )
    else:
        alt = _(
            "Bar chart of the number of images in {classes} classes, from {least} ({smallest}) to"
            " {most} ({largest}); in all: {per_split}.",
            classes=len(counts),
            least=whole(totals.min()),
            smallest=totals.idxmin(),
            most=whole(totals.max()),
            largest=totals.idxmax(),
            per_split=per_split,
        )
    return Picture(figure, alt, caption)


def class_recalls(report: pd.DataFrame) -> Picture:
    """Recall of each class with its interval, best first; classes without images are left out.
    report: as `evaluation.classification_report` gives it, without the averages.
    """
    ordered = report[report["Images"] > 0].sort_values("Recall", ascending=False, kind="stable")
    shares, images = ordered["Recall"].to_numpy(float), ordered["Images"].to_numpy(int)
    bounds = np.array([statistics.wilson(*of) for of in zip(shares * images, images)])
    figure, panels = _panels(len(ordered))
    for axes, rows in zip(panels, np.array_split(np.arange(len(ordered)), len(panels))):
        axes.barh(ordered["Class"].iloc[rows], shares[rows], color=TRAINING)
        axes.hlines(ordered["Class"].iloc[rows], *bounds[rows].T, color="black", linewidth=0.8)
        _by_class(axes, _("recall"), limit=1)
    alt = _(
        "Bar chart of the recall of {classes} classes, from {most} ({best}, 95 % interval"
        " {of_best}) to {least} ({worst}, {of_worst}), with a median of {median}.",
        classes=len(ordered),
        most=number(shares[0], 2),
        best=ordered["Class"].iloc[0],
        of_best=_interval(*bounds[0]),
        least=number(shares[-1], 2),
        worst=ordered["Class"].iloc[-1],
        of_worst=_interval(*bounds[-1]),
        median=number(float(np.median(shares)), 2),
    )
    return Picture(
        figure,
        alt,
        _(
            "Recall of each class, best first: the share of its images that were classified"
            " correctly. The lines are the 95 % interval of each class by itself (Wilson), so the"
            " order of classes may be chance."
        ),
    )


def _interval(low: float, high: float) -> str:
    """An interval of shares: 0.31–0.86."""
    return f"{number(low, 2)}\u2013{number(high, 2)}"


def confusion_matrix(matrix: np.ndarray, class_names: list[str], of: str = "") -> Picture:
    """matrix: images (K, K), true classes in rows, predicted ones in columns. of: which classes,
    where they are not all.
    """
    import seaborn

    names, cell, room = _beside_cells([name.replace("_", " ") for name in class_names])
    numbers = cell >= max(LINE, 1.1 * text_width(str(matrix.max())))
    side = cell * len(names)
    width = max(3.2, side + room + _COLOUR_BAR)
    figure, axes = new_figure(side + room + 0.05, width=width)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    seaborn.heatmap(
        share,
        ax=axes,
        vmin=0,
        vmax=1,
        cmap="Blues",
        square=True,
        annot=matrix if numbers else False,
        fmt="d",
        xticklabels=names,
        yticklabels=names,
        linewidths=0.3 if numbers else 0,
        cbar_kws={
            "label": wrapped(
                _("share of the row") if of else _("share of the true class"), max(side, 0.8)
            ),
            "shrink": 0.8,
        },
    )
    axes.set(xlabel=_("predicted class"), ylabel=_("true class"))
    axes.tick_params(axis="x", rotation=90)
    axes.tick_params(axis="y", rotation=0)
    off = matrix - np.diag(np.diag(matrix))
    true, predicted = np.unravel_index(off.argmax(), off.shape)
    words = {
        "classes": len(class_names),
        "true": class_names[true],
        "predicted": class_names[predicted],
        "images": count(int(off.max()), "image"),
    }
    sentences = [_("Confusion matrix of {classes} classes, true classes in rows.", **words)]
    if not of:  # of some classes, the rows lack what was taken for another class
        sentences += _best_and_worst(matrix, class_names)
    if not off.max():
        sentences.append(_("There are no mistakes."))
    else:
        sentences.append(
            _("The most frequent mistake is {true} predicted as {predicted} ({images}).", **words)
            if (off == off.max()).sum() == 1
            else _(
                "One of the most frequent mistakes is {true} predicted as {predicted} ({images}).",
                **words,
            )
        )
    of = _(of) if of else ""
    caption = (
        _(
            "Confusion matrix{of}: true classes in rows, predicted classes in columns, numbers of"
            " images in the cells.",
            of=of,
        )
        if numbers
        else _("Confusion matrix{of}: true classes in rows, predicted classes in columns.", of=of)
    )
    left_out = sum(not name for name in names)
    if left_out:
        caption += " " + _(
            "For want of room, {named} of {classes} classes are named.",
            named=len(names) - left_out,
            classes=len(names),
        )
    return Picture(figure, " ".join(sentences), caption)


def _beside_cells(class_names: list[str]) -> tuple[list[str], float, float]:
    """The names as they stand beside a matrix, the side of its cells, and the room for names and
    the name of the axis, in inches.

    Long names take several lines where the cells are high enough, and so leave the cells room.
    Where not even one line fits, names are left out, evenly.
    """
    classes = len(class_names)
    largest = 0.34 if classes <= 6 else 0.3
    for step in range(1, classes + 1):
        shown = class_names[::step]
        for lines in (3, 2, 1):
            names = _in_lines(shown, lines)
            room = max(map(text_width, "\n".join(names).split("\n"))) + _AXIS_NAME
            cell = min(largest, (WIDTH_INCHES - _COLOUR_BAR - room) / classes)
            if cell * step >= LINE * max(name.count("\n") + 1 for name in names):
                spread = [""] * classes
                spread[::step] = names
                return spread, cell, room
    raise AssertionError("one name of one line always fits")


def _in_lines(names: list[str], most: int) -> list[str]:
    """The names in so many lines at most, as narrow as that allows."""
    width = max(text_width(part) for name in names for part in re.split("[ _-]", name))
    while True:
        found = [wrapped(name, width) for name in names]
        if max(name.count("\n") + 1 for name in found) <= most:
            return found
        width += 0.1


def _best_and_worst(matrix: np.ndarray, class_names: list[str]) -> list[str]:
    """Sentences: which classes are recognised most and least often, with their 95 % intervals."""
    images, correct = matrix.sum(axis=1), np.diag(matrix)
    asked = np.flatnonzero(images)  # a class without images has no recall
    shares = correct[asked] / images[asked]
    ends = {"best": int(shares.argmax()), "worst": int(shares.argmin())}
    if shares[ends["best"]] == shares[ends["worst"]]:
        often = percent(shares[0], 0)
        return [_("All classes are recognised equally often ({often}).", often=often)]
    found = {}
    for end, position in ends.items():
        label = asked[position]
        low, high = statistics.wilson(int(correct[label]), int(images[label]))
        of = f"{percent(shares[position], 0)}, {number(100 * low, 0)}\u2013{percent(high, 0)}"
        # of several that are tied, one is named as one of them
        alone = (shares == shares[position]).sum() == 1
        found[end] = {"name": class_names[label], "often": of}, alone
    (best, best_alone), (worst, worst_alone) = found["best"], found["worst"]
    return [
        (
            _("Of these images, those of {name} are recognised most often ({often}).", **best)
            if best_alone
            else _("{name} is among those recognised most often ({often}).", **best)
        ),
        (
            _("Those of {name} are recognised least often ({often}).", **worst)
            if worst_alone
            else _("{name} is among those recognised least often ({often}).", **worst)
        ),
        _("In brackets: the share and its 95 % interval (Wilson)."),
    ]


def _panels(classes: int, columns: int = 1):
    """A figure with a row a class: one panel, or two side by side where the rows would not fit on a
    page.
    """
    columns = 2 if classes > _MOST_ROWS else columns
    rows = -(-classes // columns)
    row = 0.12 if classes > _MOST_ROWS else 0.2 if classes <= 12 else 0.14
    figure, axes = new_figure(row * rows + (0.9 if columns == 1 else 0.6), columns=columns)
    return figure, list(np.atleast_1d(axes))


def _by_class(axes, label: str, limit: float) -> None:
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=label, xlim=(0, limit))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=limit > 1))
    if len(axes.get_yticks()) > 40:
        axes.tick_params(axis="y", length=0, pad=1)

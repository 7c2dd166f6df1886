"""Figures that compare the classes: images, recall, confusion matrix."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ...core.i18n import _, count, number, percent, whole
from .picture import Picture
from .style import TRAINING, WIDTH_INCHES, new_figure

__all__ = ["class_counts", "class_recalls", "confusion_matrix"]


def class_counts(counts: pd.DataFrame) -> Picture:
    """Images a class and split. counts: a row a class, a column a split."""
    names: dict[Any, str] = {
        "train": _("training"),
        "validation": _("validation"),
        "test": _("test"),
    }
    figure, panels = _panels(len(counts))
    for axes, rows in zip(panels, np.array_split(np.arange(len(counts)), len(panels))):
        left = np.zeros(len(rows))
        for (split, column), color, hatch in zip(
            counts.iloc[rows].items(), ("#0072B2", "#E69F00", "#009E73"), ("", "//", "..")
        ):
            axes.barh(
                counts.index[rows],
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
    return Picture(figure, alt, _("Number of images in each class and split."))


def class_recalls(report: pd.DataFrame) -> Picture:
    """Recall of each class, best first. report: as `evaluation.classification_report` gives it,
    without the averages.
    """
    ordered = report.sort_values("Recall", ascending=False, kind="stable")
    figure, panels = _panels(len(ordered))
    for axes, rows in zip(panels, np.array_split(np.arange(len(ordered)), len(panels))):
        axes.barh(ordered["Class"].iloc[rows], ordered["Recall"].iloc[rows], color=TRAINING)
        _by_class(axes, _("recall"), limit=1)
    best, worst = ordered.iloc[0], ordered.iloc[-1]
    alt = _(
        "Bar chart of the recall of {classes} classes, from {most} ({best}) to {least} ({worst}),"
        " with a median of {median}.",
        classes=len(ordered),
        most=number(best["Recall"], 2),
        best=best["Class"],
        least=number(worst["Recall"], 2),
        worst=worst["Class"],
        median=number(ordered["Recall"].median(), 2),
    )
    return Picture(
        figure,
        alt,
        _(
            "Recall of each class, best first: the share of its images that were classified"
            " correctly."
        ),
    )


def confusion_matrix(matrix: np.ndarray, class_names: list[str], of: str = "") -> Picture:
    """matrix: images (K, K), true classes in rows, predicted ones in columns. of: which classes,
    where they are not all.
    """
    import seaborn

    size = max(3.2, min(WIDTH_INCHES, 0.34 * len(class_names) + 1.6))
    figure, axes = new_figure(size * 0.86, width=size)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    seaborn.heatmap(
        share,
        ax=axes,
        vmin=0,
        vmax=1,
        cmap="Blues",
        square=True,
        annot=matrix if len(class_names) <= 20 else False,
        fmt="d",
        annot_kws={"fontsize": 7},
        xticklabels=class_names,
        yticklabels=class_names,
        linewidths=0.3,
        cbar_kws={"label": _("share of the true class"), "shrink": 0.8},
    )
    axes.set(xlabel=_("predicted class"), ylabel=_("true class"))
    axes.tick_params(axis="x", rotation=90, labelsize=8)
    axes.tick_params(axis="y", rotation=0, labelsize=8)
    correct = np.diag(share)
    off = matrix - np.diag(np.diag(matrix))
    true, predicted = np.unravel_index(off.argmax(), off.shape)
    words = {
        "classes": len(class_names),
        "best": class_names[correct.argmax()],
        "most": percent(correct.max(), 0),
        "worst": class_names[correct.argmin()],
        "least": percent(correct.min(), 0),
        "true": class_names[true],
        "predicted": class_names[predicted],
        "images": count(int(off.max()), "image"),
    }
    sentences = [_("Confusion matrix of {classes} classes, true classes in rows.", **words)]
    if correct.max() == correct.min():
        sentences.append(_("All classes are recognised equally often ({most}).", **words))
    else:  # of several that are tied, one is named as one of them
        sentences.append(
            _("{best} is recognised most often ({most}).", **words)
            if (correct == correct.max()).sum() == 1
            else _("{best} is among those recognised most often ({most}).", **words)
        )
        sentences.append(
            _("{worst} is recognised least often ({least}).", **words)
            if (correct == correct.min()).sum() == 1
            else _("{worst} is among those recognised least often ({least}).", **words)
        )
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
    return Picture(
        figure,
        " ".join(sentences),
        _(
            "Confusion matrix{of}: true classes in rows, predicted classes in columns, numbers of"
            " images in the cells.",
            of=_(of) if of else "",
        ),
    )


def _panels(classes: int):
    """A figure with a row a class: one panel, or two side by side where the rows would not fit on a
    page.
    """
    if classes <= 40:
        figure, axes = new_figure(0.2 * classes + 0.9)
        return figure, [axes]
    figure, axes = new_figure(0.13 * -(-classes // 2) + 0.6, columns=2)
    return figure, list(axes)


def _by_class(axes, label: str, limit: float) -> None:
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=label, xlim=(0, limit))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=limit > 1))
    if len(axes.get_yticks()) > 40:
        axes.tick_params(axis="y", labelsize=5.5, length=0, pad=1)

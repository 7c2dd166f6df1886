"""Pictures and tables of a report: plain data in; a figure with its alt text, or a table with its
caption, out. Shows nothing itself.
"""

import base64
import html
import io
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter
from matplotlib.transforms import ScaledTranslation

from ..core import i18n
from ..core.i18n import N_, _, count, number, percent, whole

WIDTH_INCHES = 6.3  # text width of an A4 page
MOST_ROWS = 50  # of a figure that lists runs, so that it fits on a page
# Okabe and Ito: told apart by the colour-blind, and in grey by their line styles
TRAINING, VALIDATION = ("#0072B2", "#D55E00")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "labreport",
    "svg.fonttype": "path",
}


@dataclass(frozen=True)
class Picture:
    """A figure, a sentence that says what it shows to whoever cannot see it, and a caption.

    The last value of a cell displays it.

    vector: also as SVG; photographs are better off as pixels alone.
    """

    figure: Figure
    alt: str
    caption: str
    vector: bool = True

    def __post_init__(self):
        if i18n.current_language() == "en":
            return
        for axes in self.figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if isinstance(axis.get_major_formatter(), ScalarFormatter):
                    axis.set_major_formatter(_Ticks(i18n.written("0.0")[1]))

    def _repr_mimebundle_(self, include=None, exclude=None):
        with matplotlib.rc_context(STYLE):
            data = {
                "text/plain": self.alt,
                "image/png": base64.b64encode(self._drawn("png", dpi=160)).decode(),
            }
            if self.vector:
                data["image/svg+xml"] = self._drawn(
                    "svg", metadata={"Date": None, "Creator": None}
                ).decode()
        size = {"width": round(self.figure.get_figwidth() * 96)}
        described = {"alt": self.alt, "caption": self.caption}
        return data, {"image/png": described | size, "image/svg+xml": described}

    def _drawn(self, kind: str, **settings) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=kind, **settings)
        return buffer.getvalue()


class _Ticks(ScalarFormatter):
    """Numbers at an axis with another decimal mark."""

    def __init__(self, mark: str):
        super().__init__()
        self._mark = mark

    def __call__(self, value, position=None):
        return super().__call__(value, position).replace(".", self._mark)


@dataclass(frozen=True)
class Table:
    """A table and its caption; headings and caption are said in the language that is spoken.
    formats: column -> how its numbers are written, such as "{:.3f}".
    """

    rows: pd.DataFrame | list[dict]
    caption: str
    formats: dict[str, str] | None = None

    def _texts(self) -> pd.DataFrame:
        frame, formats = pd.DataFrame(self.rows), self.formats or {}

        def text(value, column):
            if value is None or (isinstance(value, float) and np.isnan(value)):
                return "–"
            return (
                i18n.written(formats[column].format(value))
                if column in formats
                else whole(value)
                if isinstance(value, (int, np.integer))
                else str(value)
            )

        return pd.DataFrame(
            {
                _(column) if column else column: [text(value, column) for value in frame[column]]
                for column in frame.columns
            }
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        texts, caption = self._texts(), _(self.caption)
        rows = texts.to_html(index=False, border=0, justify="left")
        return {
            "text/html": rows.replace(">", f">\n  <caption>{html.escape(caption)}</caption>", 1),
            "text/plain": f"{caption}\n{texts.to_string(index=False)}",
        }


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
            "Bar chart of the images in each of {classes} classes, each with {images} images:"
            " {per_split}.",
            classes=len(counts),
            images=whole(totals.iloc[0]),
            per_split=per_split,
        )
    else:
        alt = _(
            "Bar chart of the images in each of {classes} classes, from {least} images ({smallest})"
            " to {most} ({largest}): {per_split}.",
            classes=len(counts),
            least=whole(totals.min()),
            smallest=totals.idxmin(),
            most=whole(totals.max()),
            largest=totals.idxmax(),
            per_split=per_split,
        )
    return Picture(figure, alt, _("Images in each class and split."))


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
        "Bar chart of the recall of {classes} classes, from {most} ({best}) to {least} ({worst});"
        " half of them reach {median} or more.",
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
        _("Recall of each class: the share of its images that were recognised, best first."),
    )


def image_grid(images: np.ndarray, titles: list[str], caption: str, columns: int = 10) -> Picture:
    """Images uint8 (N, H, W, 3), each below its title (two lines at most); without images, a figure
    that says so.
    """
    augmented = N_("augmented")  # where the second half of `training.augmented_examples` begins
    titles = [_(title) if title == augmented else title for title in titles]
    if not len(images):
        figure, axes = _figure(0.4)
        axes.axis("off")
        axes.text(0.5, 0.5, _("no image"), ha="center", va="center")
        return Picture(figure, _("No image."), _(caption))
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") for title in titles) + 1
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH_INCHES, rows * (WIDTH_INCHES / columns + 0.14 * lines) + 0.1),
            layout="constrained",
        )
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(  # type: ignore[union-attr,call-arg]
            w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02
        )
        for position, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.axis("off")
            if position < len(images):
                axes.imshow(images[position], interpolation="nearest")
                axes.set_title(titles[position].replace("_", " "), fontsize=7, pad=2)
    shown = "; ".join(title.replace("\n", ", ") for title in dict.fromkeys(filter(None, titles)))
    alt = _(
        "{images} of {width} by {height} pixels: {shown}.",
        images=count(len(images), "image"),
        width=images.shape[2],
        height=images.shape[1],
        shown=shown,
    )
    return Picture(figure, alt, _(caption), vector=False)


def curves(
    history: pd.DataFrame,
    best_epoch: int,
    monitor: str,
    published: pd.DataFrame | None = None,
    of: int | None = None,
) -> Picture:
    """Accuracy and loss by epoch, training and validation, with the best epoch marked; faintly
    behind them the published run's.

    published: its log, or as many epochs of it as this run may have. of: how many it had.
    """
    figure, (left, right) = _figure(2.9, columns=2)
    marker = "o" if len(history) <= 30 else None
    for axes, column, name in ((left, "accuracy", _("accuracy")), (right, "loss", _("loss"))):
        if published is not None:
            axes.plot(
                published["epoch"],
                published[column],
                color=TRAINING,
                linewidth=2.6,
                alpha=0.25,
                label=_("published, training"),
            )
            axes.plot(
                published["epoch"],
                published[f"val_{column}"],
                color=VALIDATION,
                linewidth=2.6,
                alpha=0.25,
                linestyle=(0, (2, 1)),
                label=_("published, validation"),
            )
        axes.plot(
            history["epoch"],
            history[column],
            color=TRAINING,
            marker=marker,
            markersize=3,
            label=_("training"),
        )
        axes.plot(
            history["epoch"],
            history[f"val_{column}"],
            color=VALIDATION,
            linestyle="--",
            marker=marker,
            markersize=3,
            label=_("validation"),
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
            for table in (history, published)
            if table is not None
            for column in ("loss", "val_loss")
        ]
    )
    right.set_ylim(bottom=0)
    note, bound = "", 3 * np.quantile(np.concatenate([history["loss"], history["val_loss"]]), 0.75)
    if losses.max() > 2 * bound:
        right.set_ylim(top=bound)  # a first loss of hundreds would flatten all that follows
        note = " " + _(
            "Losses run up to {highest}, beyond the axis.", highest=number(losses.max(), 1)
        )
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
        _course(history, column, name)
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
            _course(
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
        _("Two line charts over {epochs}.", epochs=count(len(history), "epoch"))
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
                    "Faint and broad behind them: the first {epochs} of {all} of the published run,"
                    " which had all images.",
                    epochs=count(len(published), "epoch"),
                    all=of,
                )
                if cut
                else _("Faint and broad behind them: the published run, which had all images.")
            )
        )
        + note,
    )


def confusion_matrix(matrix: np.ndarray, class_names: list[str], of: str = "") -> Picture:
    """matrix: images (K, K), true classes in rows, predicted ones in columns. of: which classes,
    where they are not all.
    """
    import seaborn

    size = max(3.2, min(WIDTH_INCHES, 0.34 * len(class_names) + 1.6))
    figure, axes = _figure(size * 0.86, width=size)
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
    told = {
        "classes": len(class_names),
        "best": class_names[correct.argmax()],
        "most": percent(correct.max(), 0),
        "worst": class_names[correct.argmin()],
        "least": percent(correct.min(), 0),
        "true": class_names[true],
        "predicted": class_names[predicted],
        "images": count(int(off.max()), "image"),
    }
    sentences = [_("Confusion matrix of {classes} classes, true classes in rows.", **told)]
    if correct.max() == correct.min():
        sentences.append(_("Each class is recognised equally often ({most}).", **told))
    else:  # of several that are tied, one is named as one of them
        sentences.append(
            _("{best} is recognised most often ({most}).", **told)
            if (correct == correct.max()).sum() == 1
            else _("{best} is among those recognised most often ({most}).", **told)
        )
        sentences.append(
            _("{worst} is recognised least often ({least}).", **told)
            if (correct == correct.min()).sum() == 1
            else _("{worst} is among those recognised least often ({least}).", **told)
        )
    if not off.max():
        sentences.append(_("There is no mistake."))
    else:
        sentences.append(
            _("The most frequent mistake is {true} taken for {predicted} ({images}).", **told)
            if (off == off.max()).sum() == 1
            else _(
                "One of the most frequent mistakes is {true} taken for {predicted} ({images}).",
                **told,
            )
        )
    return Picture(
        figure,
        " ".join(sentences),
        _(
            "Confusion matrix{of}: true classes in rows, predicted classes in columns; numbers are"
            " images.",
            of=_(of) if of else "",
        ),
    )


def _figure(height: float, width: float = WIDTH_INCHES, columns: int = 1):
    """A figure in the report's style with its axes; made without pyplot, so that nothing is shown
    or kept open.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(1, columns)


def _panels(classes: int):
    """A figure with a row a class: one panel, or two side by side where the rows would not fit on a
    page.
    """
    if classes <= 40:
        figure, axes = _figure(0.2 * classes + 0.9)
        return figure, [axes]
    figure, axes = _figure(0.13 * -(-classes // 2) + 0.6, columns=2)
    return figure, list(axes)


def _by_class(axes, label: str, limit: float) -> None:
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="y", visible=False)
    axes.set(xlabel=label, xlim=(0, limit))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=limit > 1))
    if len(axes.get_yticks()) > 40:
        axes.tick_params(axis="y", labelsize=5.5, length=0, pad=1)


def _course(history: pd.DataFrame, column: str, name: str) -> str:
    """How a curve runs, in a sentence: where it begins, has its best value, and ends."""
    values: Any = history[column]
    told = {"name": name, "start": number(values.iloc[0], 2), "end": number(values.iloc[-1], 2)}
    if len(values) == 1:
        return _("{name} is {start}.", **told)
    accuracy = "accuracy" in column
    if values.max() - values.min() < 0.01:
        return _("{name} stays at about {start}.", **told)
    best = int(values.idxmax() if accuracy else values.idxmin())
    told |= {"best": number(values.iloc[best], 2), "epoch": history["epoch"].iloc[best]}
    if best == len(values) - 1 or told["best"] == told["end"]:
        return (
            _("{name} rises from {start} to {end}.", **told)
            if accuracy
            else _("{name} falls from {start} to {end}.", **told)
        )
    if best == 0:
        return _("{name} is best at {start} in the first epoch and ends at {end}.", **told)
    return (
        _(
            "{name} rises from {start} to {best} at epoch {epoch}, then falls back to {end}.",
            **told,
        )
        if accuracy
        else _(
            "{name} falls from {start} to {best} at epoch {epoch}, then rises again to {end}.",
            **told,
        )
    )


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


def validation_curves(panels: dict[str, dict[str, tuple[pd.DataFrame, int]]]) -> Picture:
    """Validation accuracy by epoch of several runs. panels: title -> label -> history and best
    epoch, at most eight lines a panel.

    Where a history has the columns low and high, the band between them is filled.
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    titles = list(panels)
    longest = [
        max(len(panels[title]) for title in titles[row * columns : (row + 1) * columns])
        for row in range(rows)
    ]
    with matplotlib.rc_context(STYLE | {"font.size": 8}):
        figure = Figure(
            figsize=(WIDTH_INCHES, sum(2.05 + 0.13 * lines for lines in longest)),
            layout="constrained",
        )
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(h_pad=0.08, w_pad=0.06)  # type: ignore[union-attr,call-arg]
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(panels) :]:
        axes.set_visible(False)
    for position, (title, axes) in enumerate(zip(titles, grid.flat)):
        for (label, (history, best)), (color, style) in zip(panels[title].items(), LINES):
            axes.plot(
                history["epoch"],
                history["val_accuracy"],
                color=color,
                linestyle=style,
                linewidth=1.2,
                label=label,
            )
            if "low" in history:
                axes.fill_between(
                    history["epoch"],
                    history["low"],
                    history["high"],
                    color=color,
                    alpha=0.15,
                    linewidth=0,
                )
            axes.plot(
                [best],
                [history["val_accuracy"].iloc[best - 1]],
                color=color,
                marker="o",
                markersize=4,
                linestyle="none",
            )
        axes.set_title(title, fontsize=8)
        axes.set_xlabel(_("epoch"))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))
        # in inches, so that the layout finds room for it at once
        below = axes.transAxes + ScaledTranslation(0, -0.42, figure.dpi_scale_trans)
        axes.legend(
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=below,
            fontsize=7,
            handlelength=3.2,
            borderaxespad=0,
            labelspacing=0.25,
            frameon=False,
        )
        if position % columns == 0:
            axes.set_ylabel(_("validation accuracy"))
    told = "; ".join(
        f"{title}: "
        + ", ".join(
            _(
                "{label} {accuracy} at epoch {epoch}",
                label=label,
                accuracy=number(history["val_accuracy"].iloc[best - 1], 2),
                epoch=best,
            )
            for label, (history, best) in lines.items()
        )
        for title, lines in panels.items()
    )
    runs = sum(map(len, panels.values()))
    bands = any("low" in history for lines in panels.values() for history, _ in lines.values())
    alt = _(
        "Line charts of validation accuracy by epoch for {runs} in {panels}; accuracy at the best"
        " epoch. {told}.",
        runs=count(runs, "run"),
        panels=count(len(panels), "panel"),
        told=told,
    )
    return Picture(
        figure,
        alt,
        (
            _(
                "Validation accuracy by epoch, on one scale; mean over the seeds, as far as all of"
                " them went, the band from the lowest to the highest; a dot marks the best epoch of"
                " the mean."
            )
            if bands
            else _(
                "Validation accuracy by epoch, on one scale; a dot marks the best epoch of each"
                " run."
            )
        ),
    )


def leads(differences: pd.DataFrame, one: str, over: str, behind: bool = False) -> Picture:
    """How far one run is ahead of others, with intervals; `behind`: how far the others are ahead of
    it.

    differences: as `comparison.differences` or `sweep_comparison.differences` gives them.
    over: images or seeds, in words.
    """
    others = len(differences)
    table: Any = (
        differences.sort_values("difference", ascending=not behind, kind="stable")
        .head(MOST_ROWS)
        .reset_index(drop=True)
    )
    dense = len(table) > 30
    with matplotlib.rc_context(STYLE | {"font.size": 6.5 if dense else 8}):
        figure = Figure(
            figsize=(WIDTH_INCHES, (0.125 if dense else 0.19) * len(table) + 1.1),
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
    axes.set_yticks(range(len(table)), table["label"])
    axes.set_ylim(len(table) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel(
        _("points of accuracy ahead of {one} (95 % interval)", one=one)
        if behind
        else _("points of accuracy that {one} is ahead (95 % interval)", one=one)
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
    told = {"one": one, "over": over, "others": whole(others), "drawn": len(table)}
    if not behind:
        short = _("How far {one} is ahead on the {over}", **told)
        alt = _(
            "How far {one} is ahead of {runs} on the {over}, with 95 % intervals: {rows}.",
            runs=count(others, "other run"),
            rows=rows,
            **told,
        )
    elif len(table) == others:
        short = _("How far the others are ahead of {one}, over {over}", **told)
        alt = _(
            "How far the other {others} are ahead of {one}, over {over}, with 95 % intervals:"
            " {rows}.",
            rows=rows,
            **told,
        )
    else:
        short = _(
            "How far the {drawn} best of {others} others are ahead of {one}, over {over}", **told
        )
        alt = _(
            "How far the {drawn} best of {others} others are ahead of {one}, over {over}, with 95 %"
            " intervals: {rows}.",
            rows=rows,
            **told,
        )
    return Picture(
        figure,
        alt,
        f"{short}. "
        + _(
            "Filled: supported after allowing for {comparisons} (Holm); hollow and dashed: not.",
            comparisons=count(others, "comparison"),
        ),
    )


def effects(tables: dict[str, pd.DataFrame]) -> Picture:
    """What settings were varied against what came out. tables: setting -> value (text), label,
    accuracy, a row a configuration, in the order of the values.
    """
    columns = min(3, len(tables))
    rows = -(-len(tables) // columns)
    with matplotlib.rc_context(STYLE | {"font.size": 8}):
        figure = Figure(figsize=(WIDTH_INCHES, 2.4 * rows), layout="constrained")
        FigureCanvasAgg(figure)
        grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(tables) :]:
        axes.set_visible(False)
    told = []
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
        told.append(
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
            "Dot charts of accuracy by each setting that was varied; mean and range over"
            " configurations. {told}.",
            told="; ".join(told),
        ),
        _(
            "What was varied against what came out: a dot a configuration, a line their mean, over"
            " whatever else was varied."
        ),
    )

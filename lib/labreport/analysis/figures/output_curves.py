"""Accuracy and loss of each output of one network by epoch."""

import pandas as pd

from ...core.i18n import _, count, number
from .picture import Picture
from .run_curves import QUANTITIES, drawn

__all__ = ["output_curves"]


def output_curves(
    history: pd.DataFrame,
    outputs: tuple[str, ...],
    best_epoch: int,
    published: pd.DataFrame | None = None,
) -> Picture:
    """Accuracy and loss by epoch, training and validation, a line for each output, on common axes.

    outputs: names, first the one that counts. published: the published log, which is of that one.
    A history of an earlier version has the losses of all outputs, and then they alone are drawn.
    """
    lines = {name: (of_output(history, name, outputs[0]), best_epoch) for name in outputs}
    quantities = tuple(
        name for name in QUANTITIES if all(name in of_one for of_one, _best in lines.values())
    )
    measured = "accuracy" in quantities
    values = "; ".join(
        _at_best(name, of_one, best_epoch, measured) for name, (of_one, _best) in lines.items()
    )
    if published is not None:
        lines[_("{output}, as published", output=outputs[0])] = published, 0
    highest = max(
        (of_one[name].max() for of_one, _best in lines.values() for name in quantities[:-2]),
        default=1.0,
    )
    figure, scale = drawn(lines, min(1.0, float(highest) + 0.05), quantities)
    words = {"outputs": count(len(outputs), "output"), "epoch": best_epoch, "values": values}
    sentences = [
        _(
            "Accuracy and loss of each output by epoch, on common axes. Dots mark epoch {epoch},"
            " whose weights count.",
            **words,
        )
        if measured
        else _(
            "Loss of each output by epoch, on common axes. Dots mark epoch {epoch}, whose weights"
            " count.",
            **words,
        )
    ]
    alt = (
        _(
            "Line charts of training and validation accuracy and loss by epoch for {outputs}."
            " Validation at epoch {epoch}: {values}.",
            **words,
        )
        if measured
        else _(
            "Line charts of training and validation loss by epoch for {outputs}. Validation at"
            " epoch {epoch}: {values}.",
            **words,
        )
    )
    return Picture(figure, alt, " ".join(filter(None, [*sentences, scale])))


def of_output(history: pd.DataFrame, name: str, first: str) -> pd.DataFrame:
    """The history of one output: epoch, loss, val_loss, and accuracy and val_accuracy where they
    were measured. first: the output whose accuracies have no name before them.
    """
    own = "" if name == first else f"{name}_"
    columns = {"epoch": "epoch"} | {
        f"{split}{before}{quantity}": f"{split}{quantity}"
        for split in ("", "val_")
        for before, quantity in ((own, "accuracy"), (f"{name}_", "loss"))
    }
    there = [column for column in columns if column in history]
    return history[there].rename(columns=columns)


def _at_best(name: str, history: pd.DataFrame, epoch: int, measured: bool) -> str:
    row = history.iloc[epoch - 1]
    loss = number(row["val_loss"], 2)
    if not measured:
        return _("{output} loss {loss}", output=name, loss=loss)
    accuracy = number(row["val_accuracy"], 2)
    return _(
        "{output} accuracy {accuracy} and loss {loss}", output=name, accuracy=accuracy, loss=loss
    )

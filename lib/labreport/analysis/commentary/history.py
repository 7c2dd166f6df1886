"""How a training went, epoch by epoch."""

import numpy as np

from ...core.i18n import _, count, duration, number, percent
from ...runs import records
from ...runs.results import Result
from .. import statistics

__all__ = ["training"]

_NAMED = 6  # epochs in one sentence


def training(result: Result) -> str:
    """Where the best epoch is, what came after it, and how far training and validation lie apart
    there.
    """
    metrics, history = result.metrics, result.history
    epochs, best = metrics.epochs, metrics.best_epoch
    monitor = metrics.identity["settings"]["early_stopping"]["monitor"]
    value = history[monitor].iloc[best - 1]
    times = {"time": duration(result.seconds), "epochs": count(epochs, "epoch")}
    sentences = [
        (
            _("Training took {time} for {epochs} and was stopped early.", **times)
            if metrics.stopped_early
            else _("Training took {time} for {epochs}.", **times)
        )
    ]
    if epochs > 1:
        sentences.append(
            _(
                "The best epoch by {monitor} is epoch {best} ({value}).",
                monitor=monitor,
                best=best,
                value=number(value, 4),
            )
        )
        if equals := [int(row) for row in history["epoch"][history[monitor] == value][1:]]:
            sentences.append(_as_good(equals))
        if best == epochs:
            sentences.append(
                _("This is the last epoch, so more epochs might still improve the model.")
            )
            if _falling(result, best):
                sentences.append(
                    _(
                        "Training loss and validation loss are lower in it than in all epochs"
                        " before: no sign of overfitting."
                    )
                )
        else:
            last = history.iloc[-1]
            then = history.iloc[best - 1]
            losses = {
                "epochs": count(epochs - best, "epoch"),
                "loss": number(then["loss"], 3),
                "last_loss": number(last["loss"], 3),
                "val_loss": number(then["val_loss"], 3),
                "last_val_loss": number(last["val_loss"], 3),
            }
            sentences.append(
                (
                    _(
                        "In the following epoch, training loss went from {loss} to {last_loss} and"
                        " validation loss from {val_loss} to {last_val_loss}",
                        **losses,
                    )
                    if epochs - best == 1
                    else _(
                        "Over the following {epochs}, training loss went from {loss} to"
                        " {last_loss} and validation loss from {val_loss} to {last_val_loss}",
                        **losses,
                    )
                )
                + (
                    _(": the network was overfitting.")
                    if _overfits_later(result, best)
                    else _(": both still fell, so the network was not overfitting.")
                    if _falling(result, best)
                    else "."
                )
            )
    gap = metrics.train_accuracy - metrics.validation_accuracy
    points = round(100 * gap, 1)
    sentences.append(
        _(
            "At epoch {best}, training accuracy is {training} and validation accuracy"
            " {validation}, a gap of {gap} percentage points",
            best=best,
            training=percent(metrics.train_accuracy),
            validation=percent(metrics.validation_accuracy),
            gap=number(abs(points) if points == 0 else points, 1, signed=points != 0),
        )
        + _gap_meaning(gap, metrics, _falling(result, best))
    )
    return " ".join(sentences)


def _as_good(epochs: list[int]) -> str:
    """Which epochs tie with the best one. epochs: those after it."""
    if len(epochs) == 1:
        return _("Epoch {epoch} is as good; the first of the two counts.", epoch=epochs[0])
    named = ", ".join(map(str, epochs[:_NAMED]))
    if len(epochs) > _NAMED:
        return _(
            "{number} later epochs are as good, the first of them {named}; the first of all"
            " counts.",
            number=len(epochs),
            named=named,
        )
    return _("Epochs {named} are as good; the first of all counts.", named=named)


def _falling(result: Result, best: int) -> bool:
    """Whether training loss and validation loss are lower in the last epoch than in all from the
    best one on; where they are the same epoch, than ever before.
    """
    history = result.history
    last = history.iloc[-1]
    before = history.iloc[best - 1 : -1] if best < len(history) else history.iloc[:-1]
    return len(before) > 0 and all(last[loss] < before[loss].min() for loss in ("loss", "val_loss"))


def _overfits_later(result: Result, best: int) -> bool:
    """Whether the epochs after the best one show overfitting: training loss fell, validation loss
    rose clearly, and training accuracy is above the interval of validation accuracy.
    """
    then, last = result.history.iloc[best - 1], result.history.iloc[-1]
    return (
        len(result.history) - best > 1
        and last["loss"] < then["loss"]
        and last["val_loss"] > 1.05 * then["val_loss"]
        and _interval(last["val_accuracy"], result.metrics)[1] < last["accuracy"]
    )


def _interval(share: float, metrics: records.Metrics) -> tuple[float, float]:
    """95 % interval of a share of the validation images."""
    images = metrics.dataset.images["validation"]
    return statistics.wilson(round(share * images), images)


def _gap_meaning(gap: float, metrics: records.Metrics, falling: bool) -> str:
    """falling: both losses were still falling, which is not overfitting, whatever the gap."""
    low, high = _interval(metrics.validation_accuracy, metrics)
    guessing = 1 / len(metrics.dataset.class_names)
    if high < guessing:
        return _(": on the validation images, that is less than guessing each class equally often.")
    if low <= guessing:
        return _(
            ": on the validation images, the accuracy cannot be distinguished from that of guessing"
            " each class equally often."
        )
    if metrics.train_accuracy > high and falling:
        return _(
            ": the network does better on its training images than on others, but both losses were"
            " still falling."
        )
    if metrics.train_accuracy > high:  # further apart than so few validation images explain
        return _(": the network overfits.") if gap > 0.1 else _(": there is some overfitting.")
    if gap > 0.03:
        return _(": with so few validation images, this gap cannot be distinguished from zero.")
    if gap < -0.03:
        settings = metrics.identity["settings"]
        dropout = any(
            np.any(value) for key, value in settings["model_args"].items() if "dropout" in key
        )
        text = _(
            "; training accuracy is an average over the epoch, during which the weights improve"
        )
        if dropout and settings["augmentation"]:
            return text + _(", and it is measured with dropout and augmentation.")
        return text + (
            _(", and it is measured with dropout.")
            if dropout
            else _(", and it is measured with augmentation.")
            if settings["augmentation"]
            else "."
        )
    return "." if falling else _(": no sign of overfitting at this epoch.")

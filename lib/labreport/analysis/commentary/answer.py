"""What a run answers to the question of its experiment, as far as its numbers go."""

import numpy as np

from ...core.i18n import _, count, number, percent, whole
from ...runs.results import Result
from .. import crossfit, statistics
from ..abstract import Abstract
from .conclusions import above_published
from .data_set import seen_before
from .literature import optimizer_name

__all__ = ["answer", "abstract"]


def abstract(experiment, result: Result) -> Abstract:
    """What was trained, what it came to with its interval, and what that means."""
    sentences = [_trained(experiment, result), *_accuracy(result)]
    if _answers_nothing(result):
        sentences.append(
            _("The program drew the images, so this says nothing about the real data set.")
        )
    else:
        sentences += [
            _beside_one_answer(result),
            seen_before(experiment),
            above_published(result, experiment.published),
        ]
    return Abstract(" ".join(filter(None, sentences)))


def answer(experiment, result: Result) -> str:
    """The question, and what this run answers."""
    question = _("The question was: *{question}*", question=_(experiment.question))
    if _answers_nothing(result):
        return f"{question}\n\n" + _("This run used sample data, so it does not answer it.")
    sentences = []
    if experiment.changes:
        sentences.append(
            _(
                "The settings of this run differ from those of the experiment, so what follows"
                " holds for the settings of this run alone."
            )
        )
    sentences += [
        *_accuracy(result),
        _beside_one_answer(result),
        seen_before(experiment),
        _beside_training(result),
        _(
            "Whether another experiment does better, this run alone does not show:"
            " `make compare NAME={assignment}` compares the networks of this assignment on the"
            " same images. Another seed gives another network, so a statement about the experiment"
            " takes a sweep with several seeds.",
            assignment=experiment.notebook,
        ),
    ]
    return f"{question}\n\n{' '.join(filter(None, sentences))}"


def _answers_nothing(result: Result) -> bool:
    return result.metrics.data == "sample"


def _trained(experiment, result: Result) -> str:
    metrics = result.metrics
    words = {
        "parameters": count(metrics.total_parameters, "parameter"),
        "trainable": count(metrics.trainable_parameters, "parameter"),
        "images": count(metrics.dataset.images["train"], "training image"),
        "classes": whole(len(result.class_names)),
        "epochs": count(metrics.epochs, "epoch"),
        "optimizer": optimizer_name(experiment),
        "best": metrics.best_epoch,
    }
    if metrics.trainable_parameters == metrics.total_parameters:
        text = _(
            "A network with {parameters} was trained with {optimizer} on {images} in {classes}"
            " classes",
            **words,
        )
    else:
        text = _(
            "Of a network with {parameters}, {trainable} were trained with {optimizer} on {images}"
            " in {classes} classes",
            **words,
        )
    return text + (
        _(" for {epochs}, of which epoch {best} is the best.", **words)
        if metrics.epochs > 1
        else _(" for {epochs}.", **words)
    )


def _accuracy(result: Result) -> list[str]:
    """The accuracy on the evaluated images with its 95 % interval, where there is one."""
    correct, images = _correct(result)
    on = "test image" if result.evaluated == "test" else "validation image"
    words = {"images": count(images, on), "accuracy": f"**{percent(correct / images)}**"}
    bounds = _interval(result)
    if bounds:
        words |= {"low": percent(bounds[0]), "high": percent(bounds[1])}
    if result.evaluated == "test":
        return [
            _(
                "On {images}, which had no part in any choice, the accuracy of the network is"
                " {accuracy} (95 % confidence interval {low} to {high}).",
                **words,
            )
        ]
    if result.metrics.epochs == 1:  # there was no choice
        return [
            _(
                "On {images}, the accuracy of the network is {accuracy} (95 % confidence interval"
                " {low} to {high}).",
                **words,
            )
        ]
    sentences = [
        _(
            "On {images}, by which the epoch was chosen too, the accuracy of the network is"
            " {accuracy}.",
            **words,
        )
    ]
    if result.validation is not None:
        sentences.append(
            _(
                "Without the advantage of that choice, by cross-fitting, it is {fitted} (95 %"
                " confidence interval {low} to {high}).",
                fitted=percent(float(crossfit.scores(result.validation).mean())),
                **words,
            )
        )
    return sentences


def _interval(result: Result) -> tuple[float, float] | None:
    """The 95 % interval of the accuracy, without what the choice of an epoch adds to it; None where
    the run kept no record to undo that choice.
    """
    if result.evaluated == "test" or result.metrics.epochs == 1:
        return statistics.wilson(*_correct(result))
    if result.validation is None:
        return None
    return statistics.wilson_of_scores(crossfit.scores(result.validation))


def _beside_one_answer(result: Result) -> str:
    """Whether the interval leaves out what one answer for all images would reach."""
    share = np.bincount(result.labels).max() / len(result.labels)
    bounds = _interval(result)
    if bounds is None:
        return ""
    low, high = bounds
    words = {"share": percent(share)}
    if low > share:
        return _(
            "Always to answer with the most frequent class would be right for {share}, which lies"
            " below this interval.",
            **words,
        )
    if high < share:
        return _(
            "Always to answer with the most frequent class would be right for {share}, which lies"
            " above this interval.",
            **words,
        )
    return _(
        "Always to answer with the most frequent class would be right for {share}, which lies"
        " within this interval: the run does not show that the network tells the classes apart.",
        **words,
    )


def _beside_training(result: Result) -> str:
    metrics = result.metrics
    gap = 100 * (metrics.train_accuracy - metrics.validation_accuracy)
    words = {"training": percent(metrics.train_accuracy), "gap": number(abs(gap), 1)}
    if not round(gap, 1):
        return _(
            "Training accuracy at the best epoch is {training}, as high as on the validation"
            " images.",
            **words,
        )
    return (
        _(
            "Training accuracy at the best epoch is {training}, {gap} percentage points above the"
            " validation accuracy.",
            **words,
        )
        if gap > 0
        else _(
            "Training accuracy at the best epoch is {training}, {gap} percentage points below the"
            " validation accuracy.",
            **words,
        )
    )


def _correct(result: Result) -> tuple[int, int]:
    """How many of the evaluated images are right, and how many there are."""
    return int((result.labels == result.predicted).sum()), len(result.labels)

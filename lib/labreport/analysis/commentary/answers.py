"""What a network answered right and wrong on the evaluated split."""

import numpy as np
import pandas as pd
from scipy import stats

from ...core.i18n import _, count, listed, number, percent, plain, whole
from ...runs.results import Result
from .. import crossfit, statistics
from ..evaluation import losses_of_one

__all__ = ["evaluation", "imbalance", "squared_error", "two_losses"]

PERMUTATIONS = 9_999  # with the one that was observed, p is at least 0.0001


def evaluation(result: Result, confused: pd.DataFrame) -> str:
    """Accuracy on the evaluated split with its interval, and the pair of classes confused most.
    confused: as `evaluation.confused_pairs` gives it.
    """
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = statistics.wilson(correct, images)
    words = {
        "best": result.metrics.best_epoch,
        "correct": whole(correct),
        "images": whole(images),
        "accuracy": percent(correct / images),
        "low": percent(low),
        "high": percent(high),
    }
    if result.evaluated == "validation" and result.metrics.epochs == 1:
        text = _(
            "After one epoch, the network classifies {correct} of {images} validation images"
            " correctly: **{accuracy}** (95 % confidence interval {low} to {high}, Wilson"
            " [@wilson1927]). There is no test split.",
            **words,
        )
    elif result.evaluated == "validation":
        text = _(
            "With the weights of epoch {best}, the network classifies {correct} of {images}"
            " validation images correctly: **{accuracy}**. There is no test split. The same images"
            " were used to select the epoch, so this accuracy tends to be optimistic.",
            **words,
        )
        text += " " + _without_the_choice(result)
    else:
        text = _(
            "With the weights of epoch {best}, the network classifies {correct} of {images} test"
            " images correctly: **{accuracy}** (95 % confidence interval {low} to {high}, Wilson"
            " [@wilson1927]).",
            **words,
        )
    loss = number(result.metrics.evaluated_loss, 2)
    text += " " + (
        _(
            "The loss on these images, of all outputs together and with any penalty on weights, is"
            " {loss}.",
            loss=loss,
        )
        if result.metrics.outputs
        else _("The loss on these images, with any penalty on weights, is {loss}.", loss=loss)
    )
    if alike := _alike(result):
        return f"{text} {alike}"
    if missed := _never_recognised(result):
        text += f" {missed}"
    if len(confused):
        pair = confused.iloc[0]
        tied = len(confused) > 1 and confused["Mistakes"].iloc[1] == pair["Mistakes"]
        classes = {
            "one": pair["Class"],
            "other": pair["Other class"],
            "images": count(int(pair["Mistakes"]), "image"),
        }
        text += " " + (
            _(
                "One of the pairs of classes confused most often is {one} and {other}: {images},"
                " counting both directions.",
                **classes,
            )
            if tied
            else _(
                "The pair of classes confused most often is {one} and {other}: {images}, counting"
                " both directions.",
                **classes,
            )
        )
    return text


def _alike(result: Result) -> str:
    """That all images got one answer, where they did."""
    if len(set(result.predicted)) > 1:
        return ""
    name = result.class_names[result.predicted[0]]
    return _(
        "**All images get the same answer, {name}.** The network does not tell the classes apart:"
        " its accuracy is the share of the images that belong to this class.",
        name=name,
    )


def _never_recognised(result: Result) -> str:
    """The classes of which no image is classified correctly, where there are any."""
    labels, right = result.labels, result.labels == result.predicted
    missed = [
        f"{name} ({count(int((labels == label).sum()), 'image')})"
        for label, name in enumerate(result.class_names)
        if (labels == label).any() and not right[labels == label].any()
    ]
    if not missed:
        return ""
    return (
        _("No image of {named} is classified correctly.", named=missed[0])
        if len(missed) == 1
        else _(
            "Of {number} classes no image is classified correctly: {named}.",
            number=len(missed),
            named=listed(missed),
        )
    )


def _without_the_choice(result: Result) -> str:
    """The accuracy on the validation images that the choice of the epoch does not flatter."""
    if result.validation is None:
        return _(
            "No interval is given: this run was made by an earlier version of labreport, which kept"
            " no record of the single images."
        )
    scores = crossfit.scores(result.validation)
    low, high = statistics.wilson_of_scores(scores)
    return _(
        "Cross-fitted [@stone1974], it is {fitted} (95 % confidence interval {low} to {high},"
        " Wilson [@wilson1927]): half of the images choose the epoch, the other half are counted"
        " in it, and the other way round.",
        fitted=percent(float(scores.mean())),
        low=percent(low),
        high=percent(high),
    )


def two_losses(p: float, classes: int) -> str:
    """Both losses of one image whose true class has the probability p, and how they relate to the
    loss `mean_squared_error`.
    """
    (squared, squared_slope), (entropy, entropy_slope) = losses_of_one(p)
    by_score = p * (1 - p)
    words = {"loss": "`mean_squared_error`", "p": "$p$", "square": "$(1 - p)^2$"}
    text = _(
        "Where {p} is {value}, the squared error {square} is {squared}, and the cross-entropy {log}"
        " is {entropy}. The slopes differ more: {squared_slope} and {entropy_slope}. Training"
        " changes the scores before the softmax, and the slope of {p} by the score of the true"
        " class is {moves}, here {by_score}. So the slopes by the score are {squared_by_score} and"
        " {entropy_by_score}. Where {p} tends to 0, the first tends to 0, and the second to"
        " {limit}.",
        value=plain(p),
        log=r"$-\ln p$",
        moves="$p (1 - p)$",
        squared=number(squared, 2),
        entropy=number(entropy, 2),
        squared_slope=plain(float(f"{squared_slope:.3g}")),
        entropy_slope=plain(float(f"{entropy_slope:.3g}")),
        by_score=number(by_score, 2),
        squared_by_score=number(squared_slope * by_score, 2),
        entropy_by_score=number(entropy_slope * by_score, 2),
        limit=plain(-1),
        **words,
    )
    return f"{text}\n\n" + (
        _(
            "With two classes, the loss {loss} of an image is {square} too: both terms of its mean"
            " are the same.",
            **words,
        )
        if classes == 2
        else _(
            "The loss {loss} of an image adds the squared probabilities of the other classes to"
            " {square}, and divides the sum by the {classes} classes. The result is 1/{others} of"
            " {square} where the others are equally probable. It is 2/{classes} of it where one of"
            " them has all the rest, and else between the two.",
            classes=classes,
            others=classes - 1,
            **words,
        )
    )


def squared_error(table: pd.DataFrame) -> str:
    """What the two losses would teach the network about its worst mistakes. table:
    `evaluation.both_losses`.
    """
    worst, right = table.iloc[0], table.iloc[2]
    if not worst["Images"]:
        return _(
            "The network gave no image's true class a probability below 0.01. So this run does not"
            " show what the two losses teach from very wrong predictions, where the gradient of the"
            " squared error almost vanishes."
        )

    def times(row):
        longer = row["Gradient of the cross-entropy"] / max(
            row["Gradient of the squared error"], 1e-12
        )
        return (
            _("{factor} times", factor=plain(float(f"{longer:.3g}")))
            if longer < 1e6
            else _("more than a million times")
        )

    text = _(
        "Where the network gives the true class a probability below 0.01 ({images}), the mean"
        " gradient norm of the cross-entropy is {times} that of the squared error",
        images=count(int(worst["Images"]), "image"),
        times=times(worst),
    )
    if right["Images"]:
        text += _(
            "; where the probability is 0.5 or more ({images}), it is {times} that of the squared"
            " error",
            images=count(int(right["Images"]), "image"),
            times=times(right),
        )
    if worst["Gradient of the cross-entropy"] < 2 * worst["Gradient of the squared error"]:
        return f"{text}."
    return f"{text}. " + _(
        "The squared error is almost flat for very wrong predictions, so a network trained with it"
        " learns little from them."
    )


def imbalance(dataset, result: Result) -> str:
    """How unequal the classes are, and whether the larger ones are recognised more often."""
    sizes = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    evaluated = np.bincount(result.labels, minlength=len(sizes)) > 0
    recall = np.array(
        [
            (result.predicted[result.labels == label] == label).mean()
            for label in np.flatnonzero(evaluated)
        ]
    )
    sentences = [
        _(
            "The largest class, {largest}, has {most}; the smallest, {smallest}, has {least}. The"
            " recall averaged over classes is {recall}. The accuracy, in which large classes count"
            " more, is {accuracy}.",
            most=count(int(sizes.max()), "training image"),
            largest=dataset.class_names[sizes.argmax()],
            least=whole(int(sizes.min())),
            smallest=dataset.class_names[sizes.argmin()],
            recall=percent(recall.mean()),
            accuracy=percent((result.labels == result.predicted).mean()),
        )
    ]
    if len(set(sizes[evaluated])) > 1 and len(set(recall)) > 1:
        correlation, p = _rank_correlation(sizes[evaluated], recall)
        meaning = (
            _("no evidence that the two go together")
            if p >= 1 - statistics.CONFIDENCE
            else (
                _("this network tends to recognise larger classes more often")
                if correlation > 0
                else _("this network tends to recognise larger classes less often")
            )
        )
        sentences.append(
            _(
                "The rank correlation (Spearman) between a class's number of training images and"
                " its recall is {correlation} (p = {p}, by permutation): {says}.",
                correlation=number(correlation, 2, signed=True),
                p=plain(float(f"{p:.2g}")),
                says=meaning,
            )
        )
    return " ".join(sentences)


def _rank_correlation(sizes: np.ndarray, recall: np.ndarray) -> tuple[float, float]:
    """Spearman's correlation, and its p by random permutations.

    The usual t distribution is for many classes; of any three in order it says p = 0.
    """
    ranks, others = (stats.zscore(stats.rankdata(values)) for values in (sizes, recall))
    found = float(np.mean(ranks * others))
    shuffled = np.random.default_rng(0).permuted(np.tile(ranks, (PERMUTATIONS, 1)), axis=1)
    as_far = np.abs(shuffled @ others / len(others)) > abs(found) - 1e-9  # but for rounding
    return found, float((1 + as_far.sum()) / (1 + PERMUTATIONS))

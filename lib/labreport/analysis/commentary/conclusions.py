"""How a run compares with what was published, and with its commit."""

from ...core.i18n import _, count, number, percent, whole
from ...runs.results import Result
from .. import statistics

__all__ = ["differs", "verdict", "changed_source"]

SHOWN_OF_DIFF = 120  # lines


def differs(experiment) -> str:
    """What the original did that is done otherwise here."""
    if not experiment.differs:
        return _("The experiment is run as it was published.")
    return (
        _("Differences from the published experiment:")
        + "\n\n"
        + "\n".join(f"- {_(difference)}" for difference in experiment.differs)
    )


def verdict(result: Result, published: dict) -> str:
    """How far the measured accuracy is from the published one, how much of that the images may
    explain, and how the published one was come by.
    """
    note = f"; {_(published['note'])}" if published.get("note") else ""
    return f"{_comparison(result, published)}\n\n" + _(
        "Published in: {source}.", source=_(published["source"]) + note
    )


def above_published(result: Result, published: dict) -> str:
    """How far the measured accuracy is above or below the published one, in one sentence; empty
    where the two may not be compared.
    """
    value = published.get(f"{result.evaluated}_accuracy")
    if value is None or result.metrics.changes or result.metrics.data == "sample":
        return ""
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    difference = 100 * (correct / images - value)
    words = {
        "measured": percent(correct / images),
        "published": percent(value),
        "apart": number(abs(difference), 1),
    }
    on = result.evaluated == "test"
    if not round(difference, 1):
        text = (
            _("The measured test accuracy, {measured}, is equal to the published one.", **words)
            if on
            else _(
                "The measured validation accuracy, {measured}, is equal to the published one.",
                **words,
            )
        )
    elif difference > 0:
        text = (
            _(
                "The measured test accuracy, {measured}, is {apart} percentage points above the"
                " published one, {published}.",
                **words,
            )
            if on
            else _(
                "The measured validation accuracy, {measured}, is {apart} percentage points above"
                " the published one, {published}.",
                **words,
            )
        )
    else:
        text = (
            _(
                "The measured test accuracy, {measured}, is {apart} percentage points below the"
                " published one, {published}.",
                **words,
            )
            if on
            else _(
                "The measured validation accuracy, {measured}, is {apart} percentage points below"
                " the published one, {published}.",
                **words,
            )
        )
    return text


def _comparison(result: Result, published: dict) -> str:
    if result.metrics.data == "sample":
        return _(
            "This run used sample data. It shows that the pipeline works, but allows no conclusion"
            " about the published result."
        )
    value = published.get(f"{result.evaluated}_accuracy")
    if value is None:
        return (
            _(
                "No test accuracy was published for this experiment, so there is nothing to compare"
                " with."
            )
            if result.evaluated == "test"
            else _(
                "No validation accuracy was published for this experiment, so there is nothing to"
                " compare with."
            )
        )
    if result.metrics.changes:
        return _(
            "The settings of this run differ from the published experiment's, so the two results"
            " are not expected to agree."
        )
    return f"{above_published(result, published)} {_uncertainty(result, published, value)}"


def _uncertainty(result: Result, published: dict, value: float) -> str:
    """How much of a difference the images may explain, and what else may.

    Networks that answered for the same images are rarely right independently of each other. How
    often both were is not known, so the interval is the widest of all that are possible.
    """
    images, others = len(result.labels), published.get("images")
    measured = float((result.labels == result.predicted).mean())
    if others is None:
        return _(
            "The parameter file does not say how many images the published accuracy was measured"
            " on, so the difference has no interval."
        )
    on = result.evaluated == "test"
    words = {"images": count(others, "test image") if on else count(others, "validation image")}
    if published.get("same_images") and others == images:
        low, high = statistics.widest_difference(measured, value, images)
        text = _(
            "Both were measured on the same {images}. Which of them the published network"
            " classified correctly is not known. Whichever they are, the 95 % confidence interval"
            " of the difference lies within {low} to {high} percentage points"
            " [@newcombe1998paired].",
            **words,
            **_points(low, high),
        )
    else:
        low, high = statistics.independent_difference(measured, value, images, others)
        text = _(
            "The published one was measured on {images} of another split. The 95 % confidence"
            " interval of the difference is {low} to {high} percentage points"
            " [@newcombe1998independent].",
            **words,
            **_points(low, high),
        )
    sentences = [
        text,
        (
            _("It contains zero: the sampling of the images alone may explain the difference.")
            if low <= 0 <= high
            else _(
                "It does not contain zero: the sampling of the images alone does not explain the"
                " difference."
            )
        ),
        _(
            "The interval compares two trained networks. Another seed gives another network, and"
            " the interval does not cover that."
        ),
    ]
    if not on and published.get("best_epoch") is not None:
        sentences.append(
            _(
                "Each epoch was chosen by the images that are counted here, so both accuracies tend"
                " to be too high."
            )
        )
    return " ".join(sentences)


def _points(low: float, high: float) -> dict[str, str]:
    return {
        "low": number(100 * low, 1, signed=True),
        "high": number(100 * high, 1, signed=True),
    }


def changed_source(result) -> str:
    """How the source differed from the commit that the run names, as a diff in Markdown; empty
    where it did not.
    """
    lines = result.provenance.last.checkout.diff.splitlines()
    if not lines:
        return ""
    more = (
        "\n" + _("({lines} more lines in provenance.json)", lines=whole(len(lines) - SHOWN_OF_DIFF))
        if len(lines) > SHOWN_OF_DIFF
        else ""
    )
    return (
        _("The run used source code that differs from its commit:")
        + "\n\n"
        + "\n".join(["~~~~~~~~diff", *lines[:SHOWN_OF_DIFF], "~~~~~~~~", more])
    )

"""How a run compares with what was published, and with its commit."""

from ...core.i18n import _, number, percent, whole
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
    """Whether the published accuracy lies inside the interval of the measured one, and how the
    published one was come by.
    """
    note = f"; {_(published['note'])}" if published.get("note") else ""
    return f"{_comparison(result, published)}\n\n" + _(
        "Published in: {source}.", source=_(published["source"]) + note
    )


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
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = statistics.independent_difference(correct / images, value, images)
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
    text += " " + _(
        "If the published accuracy was measured on the same number of other images, the 95 %"
        " confidence interval of the difference is {low} to {high} percentage points (Newcombe,"
        " 1998).",
        low=number(100 * low, 1, signed=True),
        high=number(100 * high, 1, signed=True),
    )
    return (
        text
        + " "
        + (
            _(
                "The interval contains zero: the two accuracies agree within the sampling"
                " uncertainty of the images."
            )
            if low <= 0 <= high
            else _(
                "The interval does not contain zero: the difference is larger than the sampling of"
                " the images alone would explain. The seed, the split and the choice of the epoch"
                " may also contribute."
            )
        )
    )


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

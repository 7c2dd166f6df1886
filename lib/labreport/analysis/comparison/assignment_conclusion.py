"""The conclusion of the comparison of an assignment, in sentences."""

import numpy as np

from ...core.i18n import _, count, percent
from ...studies.study import Study
from . import seed_spread, wording
from .groups import differences, groups
from .runs import ComparedRun, evaluated_images, rows_of, validation_images
from .wording import points


def conclusion(study: Study, runs: list[ComparedRun]) -> str:
    """Which networks do better on images like these, what the test images say of the best one, what
    was published, and what the intervals leave out.
    """
    compared = groups(runs)
    paragraphs = [_verdict(study, group) for group in compared if len(group) > 1]
    alone = [
        f"{group[0].label} ({validation_images(group)}, {percent(group[0].chosen_by)})"
        for group in compared
        if len(group) == 1
    ]
    if alone and len(runs) > 1:
        paragraphs.append(
            _(
                "Not compared with any other run, because no other run was evaluated on the same"
                " images: {named}.",
                named=", ".join(alone),
            )
        )
    elif alone:
        paragraphs.append(
            _(
                "Only one run is finished, {named}, so there is nothing to compare it with.",
                named=alone[0],
            )
        )
    if unrecorded := [run.label for run in runs if run.record is None]:
        paragraphs.append(
            _(
                "Not compared, because they were made by an earlier version of labreport, which"
                " kept no record of the single validation images: {named}. Train them again.",
                named=", ".join(unrecorded),
            )
        )
    paragraphs.append(_published_accuracies(runs))
    paragraphs.append(_limits(runs))
    return "\n\n".join(filter(None, paragraphs))


def _verdict(study: Study, group: list[ComparedRun]) -> str:
    """The best network of a group, and which others do worse on images like these."""
    best, table = group[0], differences(group)
    tied = [row.label for row in rows_of(table) if row.difference == 0]
    words = {
        "images": validation_images(group),
        "best": best.label,
        "tied": ", ".join(tied),
        "runs": count(len(group), "run"),
        "accuracy": percent(best.chosen_by),
    }
    text = (
        _(
            "On the {images}, the networks of {best} and {tied} have the highest accuracy of"
            " {runs}: {accuracy}.",
            **words,
        )
        if tied
        else _(
            "On the {images}, the network of {best} has the highest accuracy of {runs}:"
            " {accuracy}.",
            **words,
        )
    )

    def chosen(verdict):
        return ", ".join(
            f"{row.label} ({points(row.difference)})"
            for row in rows_of(table)
            if row.verdict == verdict and row.difference
        )

    lines = []
    if named := chosen("network"):
        lines.append(
            _(
                "On images like these it does better than the networks of these experiments, by"
                " percentage points: {named}. Another seed may turn the order.",
                named=named,
            )
        )
    if named := chosen("open"):
        lines.append(
            _(
                "Open is whether it does better on such images than the networks of {named}.",
                named=named,
            )
        )
    paragraphs = ["\n".join([text, "", *(f"- {line}" for line in lines)])]
    paragraphs += [seed_spread.sentence(study, best.validation_images), _tested(best)]
    return "\n\n".join(filter(None, paragraphs))


def _tested(best: ComparedRun) -> str:
    """What the test images say of the network that the validation images chose."""
    if best.result.evaluated != "test":
        return ""
    return _(
        "On the {images}, which had no part in the choice, the network of {best} has an accuracy of"
        " {accuracy}.",
        images=evaluated_images([best]),
        best=best.label,
        accuracy=f"{percent(best.accuracy)} ({wording.interval(*best.interval)})",
    )


def _published_accuracies(runs: list[ComparedRun]) -> str:
    """How far measured accuracies are from the published ones, only of runs that are as published.

    Without a verdict: one of each would have to be corrected for their number, and none would
    cover that another seed gives another network.
    """
    found = {}
    for run in runs:
        value = run.run.experiment.published[f"{run.result.evaluated}_accuracy"]
        if value is None or run.run.short or run.result.metrics.data == "sample":
            continue
        found[run.label] = run.accuracy - value
    if not found:
        return ""
    least, most = min(found, key=found.__getitem__), max(found, key=found.__getitem__)
    words = {
        "least": f"{points(found[least])} ({least})",
        "most": f"{points(found[most])} ({most})",
        "median": points(float(np.median([*found.values()]))),
        "experiments": count(len(found), "experiment"),
    }
    text = (
        _("Measured minus published accuracy, in percentage points: {least}.", **words)
        if len(found) == 1
        else _(
            "Measured minus published accuracy, in percentage points, over {experiments}: from"
            " {least} to {most}, with a median of {median}.",
            **words,
        )
    )
    return f"{text} " + _(
        "One network is compared with one network, and another seed would change either accuracy,"
        " so there is no verdict."
    )


def _limits(runs: list[ComparedRun]) -> str:
    """What the intervals leave out."""
    if all(run.result.metrics.data == "sample" for run in runs):
        return _(
            "**All runs used sample data.** This shows that the comparison works, but allows no"
            " conclusion about the real data set or the models."
        )
    sentences = [
        _(
            "Each experiment was run once. So networks are compared, and not experiments: the"
            " intervals account only for the sampling of the images, and another seed gives another"
            " network. A verdict on experiments takes a sweep with three or more seeds."
        )
    ]
    if any(run.run.short for run in runs):
        sentences.append(
            _(
                "Short runs also differ from the others in their settings, not only in the"
                " experiment."
            )
        )
    if any(run.run.outdated for run in runs):
        sentences.append(
            _("Outdated runs used settings, source code or versions that have changed since.")
        )
    if any(run.result.metrics.data == "sample" for run in runs):
        sentences.append(_("Runs on sample data say nothing about the real data set."))
    return " ".join(sentences)

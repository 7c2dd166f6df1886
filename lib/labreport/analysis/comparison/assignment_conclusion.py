"""The conclusion of the comparison of an assignment, in sentences."""

from ...core.i18n import _, count, percent
from .. import statistics
from .groups import differences, groups
from .runs import ComparedRun, evaluated_images, rows_of
from .wording import points


def conclusion(runs: list[ComparedRun]) -> str:
    """Which differences the intervals support and which they do not, what was published, and what
    the intervals leave out.
    """
    compared = groups(runs)
    paragraphs = [_verdict(group) for group in compared if len(group) > 1]
    alone = [
        f"{group[0].label} ({evaluated_images(group)}, {percent(group[0].accuracy)})"
        for group in compared
        if len(group) == 1
    ]
    if alone and len(compared) > 1:
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
    paragraphs.append(_published_accuracies(runs))
    paragraphs.append(_limits(runs))
    return "\n\n".join(filter(None, paragraphs))


def _verdict(group: list[ComparedRun]) -> str:
    """The best run of a group, and over which others its lead is supported."""
    best, table = group[0], differences(group)
    low, high = statistics.wilson(int(best.correct.sum()), len(best.correct))
    tied = [row.label for row in rows_of(table) if row.difference == 0]
    words = {
        "images": evaluated_images(group),
        "best": best.label,
        "tied": ", ".join(tied),
        "runs": count(len(group), "run"),
        "accuracy": percent(best.accuracy),
        "low": percent(low),
        "high": percent(high),
    }
    text = (
        _(
            "On the {images}, **{best}** and {tied} have the highest accuracy of {runs}:"
            " {accuracy} (95 % interval {low} to {high}).",
            **words,
        )
        if tied
        else _(
            "On the {images}, **{best}** has the highest accuracy of {runs}: {accuracy} (95 %"
            " interval {low} to {high}).",
            **words,
        )
    )

    def chosen(verdict):
        return [
            f"{row.label} ({points(row.difference)})"
            for row in rows_of(table)
            if row.verdict == verdict and row.difference
        ]

    lines = []
    if chosen("supported"):
        lead = {"named": ", ".join(chosen("supported")), "comparisons": len(table)}
        lines.append(
            _(
                "Supported, also after correction for {comparisons} comparisons: its lead, in"
                " percentage points, over {named}.",
                **lead,
            )
            if len(table) > 1
            else _("Supported: its lead, in percentage points, over {named}.", **lead)
        )
    if chosen("alone"):
        lines.append(
            _(
                "Supported only without the correction for multiple comparisons: its lead over"
                " {named}.",
                named=", ".join(chosen("alone")),
            )
        )
    if chosen("open"):
        lines.append(
            _(
                "Not supported: its lead over {named}. In each of these pairs, either run may be"
                " the better one.",
                named=", ".join(chosen("open")),
            )
        )
    return "\n".join([text, "", *(f"- {line}" for line in lines)])


def _published_accuracies(runs: list[ComparedRun]) -> str:
    """How many published values lie inside their interval; only of runs that are as published."""
    places: dict[str, list[str]] = {"inside": [], "above": [], "below": []}
    for run in runs:
        value = run.run.experiment.published[f"{run.result.evaluated}_accuracy"]
        if value is None or run.run.short or run.result.metrics.data == "sample":
            continue
        low, high = statistics.independent_difference(run.accuracy, value, len(run.correct))
        places["inside" if low <= 0 <= high else "above" if high < 0 else "below"].append(run.label)
    total = sum(map(len, places.values()))
    if not total:
        return ""
    text = _(
        "For {agreeing} of {experiments}, published and measured accuracy agree within the"
        " sampling uncertainty of the images",
        agreeing=len(places["inside"]),
        experiments=count(total, "experiment"),
    )
    if places["above"]:
        text += _(
            "; the published one is higher for {named}",
            named=", ".join(places["above"]),
        )
    if places["below"]:
        text += _(
            "; the published one is lower for {named}",
            named=", ".join(places["below"]),
        )
    return f"{text}. " + _(
        "This follows from Newcombe's 95 % interval of the difference (1998), which assumes that"
        " the published accuracy was measured on the same number of other images."
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
            "The intervals account only for the sampling of the evaluated images. Each experiment"
            " was run once, so they do not include the variation between seeds. The best run was"
            " selected by these same accuracies, so its lead tends to be overestimated."
        )
    ]
    if any(run.result.evaluated == "validation" for run in runs):
        sentences.append(
            _(
                "Where there is no test split, the validation images were also used to select the"
                " epoch. Accuracies on them tend to be optimistic, especially in long runs."
            )
        )
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

"""The conclusion of the comparison of a sweep, in sentences."""

from ...core.i18n import _, count, percent
from ...studies.sweeps import Sweep
from . import wording
from .runs import ComparedRun, evaluated_images, rows_of
from .scores import Score, differences, not_compared

NAMED = 8  # configurations in one sentence; of more, how many and the two ends


def conclusion(sweep: Sweep, ranked: list[Score], runs: list[ComparedRun]) -> str:
    """Which differences from the base are supported. ranked: as `scores` gives them."""
    table = differences(sweep, ranked)
    lines = [_best(sweep, ranked, runs), ""]
    for verdict in ("supported", "alone", "open"):
        chosen = [row for row in rows_of(table) if row.verdict == verdict]
        if chosen:
            lines.append(f"- {_verdict(verdict, chosen, sweep.base, len(table))}")
    if others := not_compared(sweep, ranked):
        lines.append(
            "- "
            + _(
                "Not compared, because they were not evaluated on the same images as the base:"
                " {named}.",
                named=wording.first(others, NAMED),
            )
        )
    lines += ["", _limits(sweep, runs)]
    return "\n".join(lines)


def _best(sweep: Sweep, ranked: list[Score], runs: list[ComparedRun]) -> str:
    best = ranked[0]
    tied = [score.label for score in ranked[1:] if score.mean == best.mean]
    interval = best.interval(len(sweep.seeds))
    words = {
        "best": ", ".join([best.label, *tied]),
        "mean": percent(best.mean) + (f" ({wording.interval(*interval)})" if interval else ""),
        "seeds": count(len(sweep.seeds), "seed"),
        "images": evaluated_images(runs),
    }
    if len(sweep.seeds) > 1:
        return (
            _("**{best}** have the highest accuracy over {seeds}: {mean}.", **words)
            if tied
            else _("**{best}** has the highest accuracy over {seeds}: {mean}.", **words)
        )
    return (
        _("**{best}** have the highest accuracy on the {images}: {mean}.", **words)
        if tied
        else _("**{best}** has the highest accuracy on the {images}: {mean}.", **words)
    )


def _verdict(verdict: str, rows: list, base: str, comparisons: int) -> str:
    """Which of the differences from the base have this verdict. rows: of the table."""
    labels = [f"{row.label} ({wording.points(row.difference)})" for row in rows]
    named = ", ".join(labels)
    if len(labels) > NAMED:
        named = _(
            "{some} of {all}, from {first} to {last}",
            some=len(labels),
            all=comparisons,
            first=labels[0],
            last=labels[-1],
        )
    words = {"base": base, "named": named, "comparisons": comparisons}
    if verdict == "alone":
        return _(
            "Supported only without the correction for multiple comparisons: the difference from"
            " {base}, in percentage points, of {named}.",
            **words,
        )
    if verdict == "open":
        return _(
            "Not supported: the difference from {base}, in percentage points, of {named}. In each"
            " of these pairs, either configuration may be the better one.",
            **words,
        )
    if comparisons == 1:
        return _(
            "Supported: the difference from {base}, in percentage points, of {named}.", **words
        )
    return _(
        "Supported, also after correction for {comparisons} comparisons: the difference from"
        " {base}, in percentage points, of {named}.",
        **words,
    )


def _limits(sweep: Sweep, runs: list[ComparedRun]) -> str:
    """What the differences leave out."""
    if sweep.sample:
        return _(
            "**The runs used sample data.** This shows that the sweep works, but allows no"
            " conclusion about the real data set or the models."
        )
    sentences = []
    if len(sweep.seeds) == 2:
        sentences.append(_("Two seeds are too few for a verdict on any difference."))
    elif len(sweep.seeds) > 2:
        sentences.append(
            _(
                "{seeds} are few: a difference that is not supported may still exist.",
                seeds=count(len(sweep.seeds), "seed"),
            )
        )
    if any(run.result.evaluated == "validation" for run in runs):
        sentences.append(
            _(
                "The validation images were also used to select the epoch, so accuracies on them"
                " tend to be optimistic."
            )
        )
    if sweep.settings:
        sentences.append(
            _(
                "The runs used changed settings, so they allow no conclusion about the experiments"
                " as published."
            )
        )
    return " ".join(sentences)

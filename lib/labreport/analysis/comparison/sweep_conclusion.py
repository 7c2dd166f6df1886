"""The conclusion of the comparison of a sweep, in sentences."""

import numpy as np
import pandas as pd

from ...core.i18n import _, count, number, percent
from ...studies.sweeps import BASE, WITHIN, Sweep
from .. import crossed, power
from . import contrasts, seed_spread, wording
from .runs import ComparedRun, evaluated_images, rows_of, validation_images
from .scores import FEWEST_SEEDS, Basis, Score, not_compared, tested

NAMED = 8  # configurations in one sentence; of more, how many and the two ends


def conclusion(
    sweep: Sweep, ranked: list[Score], runs: list[ComparedRun], judged: pd.DataFrame
) -> str:
    """Which differences are supported, what the test images say of the choice, and what is left
    out. ranked: as `scores.scores` gives them; judged: as `contrasts.differences`.
    """
    pairs = judged[judged["kind"] == contrasts.DIFFERENCE]
    interactions = judged[judged["kind"] == contrasts.INTERACTION]
    lines = [_best(sweep, ranked, runs), "", *_best_of_groups(sweep, ranked)]
    none = 1 < len(sweep.seeds) < FEWEST_SEEDS  # too few for a verdict
    for verdict in () if none else ("supported", "network", "open"):
        chosen = [row for row in rows_of(pairs) if row.verdict == verdict]
        if chosen:
            said = _of_base if sweep.compare == BASE else _of_pairs
            lines.append(f"- {said(verdict, chosen, sweep, len(judged))}")
    if len(interactions):
        lines.append(f"- {_interaction(sweep, interactions, len(judged))}")
    if others := not_compared(sweep, ranked):
        lines.append(
            "- "
            + _(
                "Not compared, because they were not evaluated on the same images as the base:"
                " {named}.",
                named=wording.first(others, NAMED),
            )
        )
    apart = ""
    if ranked[0].basis is Basis.IMAGES:
        [best] = ranked[0].runs.values()
        apart = seed_spread.sentence(sweep, best.validation_images)
    paragraphs = ["\n".join(lines), apart, _seen(sweep, pairs, len(judged)), _tested(sweep, ranked)]
    return "\n\n".join([*filter(None, paragraphs), _limits(sweep, ranked, runs)])


def _best_of_groups(sweep: Sweep, ranked: list[Score]) -> list[str]:
    """Of each group that is compared within, which configuration has the highest accuracy."""
    if sweep.compare != WITHIN:
        return []
    groups = {
        value: [score for score in ranked if score.label in {one.label for one in group}]
        for value, group in sweep.groups.items()
    }
    best = [
        _(
            "{best} ({mean}) for {value}",
            best=group[0].label,
            mean=percent(group[0].mean),
            value=value,
        )
        for value, group in groups.items()
        if len(group) > 1
    ]
    return [
        "- "
        + _(
            "The highest mean accuracy by {setting}: {best}.",
            setting=sweep.within,
            best="; ".join(best),
        )
    ]


def _best(sweep: Sweep, ranked: list[Score], runs: list[ComparedRun]) -> str:
    best = ranked[0]
    tied = [score.label for score in ranked[1:] if score.mean == best.mean]
    interval = best.interval()
    words = {
        "best": ", ".join([best.label, *tied]),
        "mean": percent(best.mean) + (f" ({wording.interval(*interval)})" if interval else ""),
        "seeds": count(len(sweep.seeds), "seed"),
        "images": validation_images(runs),
    }
    if len(sweep.seeds) > 1:
        return (
            _("{best} have the highest mean accuracy over {seeds} and {images}: {mean}.", **words)
            if tied
            else _(
                "{best} has the highest mean accuracy over {seeds} and {images}: {mean}.", **words
            )
        )
    return (
        _("The networks of {best} have the highest accuracy on the {images}: {mean}.", **words)
        if tied
        else _("The network of {best} has the highest accuracy on the {images}: {mean}.", **words)
    )


def _named(rows: list, of, bold: bool, comparisons: int) -> str:
    """Rows of the table in a sentence, the two ends alone where they are many. of: a row's name."""
    labels = [f"{of(row)} ({wording.points(row.difference)})" for row in rows]
    if bold:
        labels = [f"**{label}**" for label in labels]
    if len(labels) <= NAMED:
        return ", ".join(labels)
    return _(
        "{some} of {all}, from {first} to {last}",
        some=len(labels),
        all=comparisons,
        first=labels[0],
        last=labels[-1],
    )


def _of_pairs(verdict: str, rows: list, sweep: Sweep, comparisons: int) -> str:
    """Which of the differences of two configurations have this verdict."""
    named = _named(
        rows,
        lambda row: wording.pair(row.label, row.other),
        verdict == "supported",
        comparisons,
    )
    if verdict == "network":
        return _(
            "On images like these, the first network of each of these pairs does better than the"
            " second, by percentage points: {named}. Another seed may turn the order.",
            named=named,
        )
    if verdict == "open" and len(sweep.seeds) == 1:
        return _(
            "Open is which network of each of these pairs does better on such images: {named}.",
            named=named,
        )
    if verdict == "open":
        return _(
            "Not supported: the lead, in percentage points, of {named}. In each of these pairs,"
            " either experiment may be the better one.",
            named=named,
        )
    return _(
        "Supported, also after correction for {comparisons} comparisons: the lead, in percentage"
        " points, of {named}.",
        comparisons=comparisons,
        named=named,
    )


def _interaction(sweep: Sweep, table: pd.DataFrame, comparisons: int) -> str:
    """Whether the differences inside the groups depend on the group."""
    supported = [row for row in rows_of(table) if row.verdict == "supported"]
    if not supported:
        return _(
            "Not supported: that these differences depend on {setting}. They may be the same for"
            " all, or not.",
            setting=sweep.within,
        )
    named = _named(supported, lambda row: f"{row.label}; {row.other}", True, comparisons)
    return _(
        "Supported, also after correction for {comparisons} comparisons: the differences depend on"
        " {setting}. The first difference is larger than the second, by percentage points, for"
        " {named}.",
        comparisons=comparisons,
        setting=sweep.within,
        named=named,
    )


def _of_base(verdict: str, rows: list, sweep: Sweep, comparisons: int) -> str:
    """Which of the differences from the base have this verdict. rows: of the table."""
    named = _named(rows, lambda row: row.label, verdict == "supported", comparisons)
    words = {"base": sweep.base, "named": named, "comparisons": comparisons}
    if verdict == "network":
        return _(
            "On images like these, these networks do better or worse than that of {base}, by"
            " percentage points: {named}. Another seed may turn the order.",
            **words,
        )
    if verdict == "open" and len(sweep.seeds) == 1:
        return _(
            "Open is which network does better on such images, that of {base} or those of {named}.",
            **words,
        )
    if verdict == "open":
        return _(
            "Not supported: the difference from {base}, in percentage points, of {named}. In each"
            " of these pairs, either experiment may be the better one.",
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


def _seen(sweep: Sweep, table: pd.DataFrame, comparisons: int) -> str:
    """Which difference these seeds and images could have shown."""
    judged = table[(table["seeds"] >= FEWEST_SEEDS) & table["p"].notna()]
    if judged.empty:
        return ""
    level = power.level(sweep, comparisons)
    needed = [
        crossed.detectable(row.seeds_error, row.images_error, row.seeds - 1, level)
        for row in rows_of(judged)
    ]
    # the comparison in the middle stands for all
    middle = judged.iloc[int(np.argsort(needed)[len(needed) // 2])]
    of_one = middle["seeds_error"] * middle["seeds"] ** 0.5
    text = _(
        "With {seeds} and these images, a sweep like this one finds a difference of {points}"
        " percentage points in four of five cases, and a smaller one more rarely: what is not"
        " supported may still exist.",
        seeds=count(len(sweep.seeds), "seed"),
        points=number(100 * float(np.median(needed)), 1),
    )
    return f"{text} " + _(
        "To find a difference of two points takes {of_two}, of one point {of_one}.",
        **{
            name: (
                _("more than {seeds}", seeds=count(power.MOST_SEEDS, "seed"))
                if (seeds := power.seeds_for(points, of_one, middle["images_error"], level)) is None
                else count(seeds, "seed")
            )
            for name, points in zip(("of_two", "of_one"), power.ASKED)
        },
    )


def _tested(sweep: Sweep, ranked: list[Score]) -> str:
    """What the test images say of the configuration that the validation images chose."""
    best, base = ranked[0], next((one for one in ranked if one.label == sweep.base), None)
    if any(run.result.evaluated != "test" for run in best.runs.values()) or base is None:
        return ""
    of_best, of_base, lead = tested(best, base)
    words = {
        "best": best.label,
        "base": base.label,
        "images": evaluated_images([*best.runs.values()]),
        "accuracy": wording.estimated(of_best),
        "of_base": wording.estimated(of_base),
    }
    if best is base:
        return _(
            "The base, {base}, is also what the validation images chose. On the {images}, which had"
            " no part in that, its accuracy is {accuracy}.",
            **words,
        )
    text = _(
        "On the {images}, which had no part in the choice, {best} has an accuracy of {accuracy},"
        " and the base, {base}, of {of_base}.",
        **words,
    )
    if lead is None or np.isnan(lead.low):
        return text
    return f"{text} " + _(
        "The difference is {points} percentage points ({low} to {high}).",
        points=wording.points(lead.value),
        low=wording.points(lead.low),
        high=wording.points(lead.high),
    )


def _limits(sweep: Sweep, ranked: list[Score], runs: list[ComparedRun]) -> str:
    """What the differences leave out."""
    if sweep.sample:
        return _(
            "**The runs used sample data.** This shows that the sweep works, but allows no"
            " conclusion about the real data set or the models."
        )
    sentences = []
    if len(sweep.seeds) == 2:
        sentences.append(_("Two seeds are too few for a verdict on any difference."))
    if ranked[0].basis in (Basis.SPLITS, Basis.NOTHING):
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

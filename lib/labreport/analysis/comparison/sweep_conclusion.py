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
    enough = len(sweep.seeds) == 1 or len(sweep.seeds) >= FEWEST_SEEDS
    for verdict in ("supported", "network", "open") if enough else ():
        for rows in _alike([row for row in rows_of(pairs) if row.verdict == verdict], sweep):
            said = _of_base if sweep.compare == BASE else _of_pairs
            lines.append(f"- {said(verdict, rows, sweep, len(pairs), len(judged))}")
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
    paragraphs = [
        "\n".join(lines).strip(),
        apart,
        _seen(sweep, pairs, len(judged)),
        _tested(sweep, ranked),
    ]
    return "\n\n".join([*filter(None, paragraphs), _limits(sweep, ranked, runs)])


def _alike(rows: list, sweep: Sweep) -> list[list]:
    """Rows that a sentence names together: those ahead of the base, and those behind it."""
    if sweep.compare != BASE or not rows or rows[0].verdict == "open":
        return [rows] if rows else []
    ahead = [row for row in rows if row.difference > 0]
    behind = [row for row in rows if row.difference <= 0]
    return [part for part in (ahead, behind) if part]


def _of_groups(sweep: Sweep, ranked: list[Score]) -> dict[str, list[Score]]:
    """The configurations that are compared within each group of several, the best first."""
    groups = {
        value: [score for score in ranked if score.label in {one.label for one in group}]
        for value, group in sweep.groups.items()
    }
    return {value: group for value, group in groups.items() if len(group) > 1}


def _best_of_groups(sweep: Sweep, ranked: list[Score]) -> list[str]:
    """Of each group that is compared within, which configuration has the highest accuracy."""
    if sweep.compare != WITHIN:
        return []
    best = [
        _(
            "{best} ({mean}) for {value}",
            best=", ".join(score.label for score in group if score.mean == group[0].mean),
            mean=percent(group[0].mean),
            value=value,
        )
        for value, group in _of_groups(sweep, ranked).items()
    ]
    return [
        "- "
        + _(
            "The highest mean accuracy by {setting}: {best}.",
            setting=sweep.within_name,
            best="; ".join(best),
        )
    ]


def _best(sweep: Sweep, ranked: list[Score], runs: list[ComparedRun]) -> str:
    best = ranked[0]
    tied = [score.label for score in ranked[1:] if score.mean == best.mean]
    # without its interval, which is that of one configuration and not of the best of many
    words = {
        "best": ", ".join([best.label, *tied]),
        "mean": percent(best.mean),
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


def _named(rows: list, of, bold: bool, all_rows: int, signed: bool = True) -> str:
    """Rows of the table in a sentence, the two ends alone where they are many. of: a row's name.
    signed: whether the sentence does not say which is ahead.
    """
    rows = sorted(rows, key=lambda row: -abs(row.difference))
    points = [
        wording.points(row.difference) if signed else number(100 * abs(row.difference), 1)
        for row in rows
    ]
    labels = [f"{of(row)} ({apart})" for row, apart in zip(rows, points)]
    if bold:
        labels = [f"**{label}**" for label in labels]
    if len(labels) <= NAMED:
        return ", ".join(labels)
    return _(
        "{some} of {all}, from {first} to {last}",
        some=len(labels),
        all=all_rows,
        first=labels[0],
        last=labels[-1],
    )


def _of_pairs(verdict: str, rows: list, sweep: Sweep, all_rows: int, comparisons: int) -> str:
    """Which of the differences of two configurations have this verdict."""
    named = _named(
        rows, lambda row: wording.pair(row.label, row.other), verdict == "supported", all_rows
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
            setting=sweep.within_name,
        )
    named = _named(supported, lambda row: f"{row.label}; {row.other}", True, len(table))
    return _(
        "Supported, also after correction for {comparisons} comparisons: the differences depend on"
        " {setting}. The first difference is larger than the second, by percentage points, for"
        " {named}.",
        comparisons=comparisons,
        setting=sweep.within_name,
        named=named,
    )


def _of_base(verdict: str, rows: list, sweep: Sweep, all_rows: int, comparisons: int) -> str:
    """Which of the differences from the base have this verdict; one direction, unless open."""
    named = _named(
        rows, lambda row: row.label, verdict == "supported", all_rows, signed=verdict == "open"
    )
    words = {"base": sweep.base, "named": named, "comparisons": comparisons}
    ahead = rows[0].difference > 0
    if verdict == "network":
        return (
            _(
                "On images like these, these networks do better than that of {base}, by percentage"
                " points: {named}. Another seed may turn the order.",
                **words,
            )
            if ahead
            else _(
                "On images like these, these networks do worse than that of {base}, by percentage"
                " points: {named}. Another seed may turn the order.",
                **words,
            )
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
        return (
            _("Supported: better than {base}, by percentage points, is {named}.", **words)
            if ahead
            else _("Supported: worse than {base}, by percentage points, is {named}.", **words)
        )
    return (
        _(
            "Supported, also after correction for {comparisons} comparisons: better than {base}, by"
            " percentage points: {named}.",
            **words,
        )
        if ahead
        else _(
            "Supported, also after correction for {comparisons} comparisons: worse than {base}, by"
            " percentage points: {named}.",
            **words,
        )
    )


def _seen(sweep: Sweep, table: pd.DataFrame, comparisons: int) -> str:
    """Which difference these seeds and images could have shown."""
    judged = table[(table["seeds"] >= FEWEST_SEEDS) & table["p"].notna()]
    if judged.empty:
        return ""
    level = power.level(sweep, comparisons)
    rows = rows_of(judged)
    points = [
        crossed.detectable(row.seeds_error, row.images_error, row.seeds - 1, level) for row in rows
    ]
    least, most = (number(100 * share, 1) for share in (min(points), max(points)))
    words = {"seeds": count(len(sweep.seeds), "seed"), "least": least, "most": most}
    text = (
        _(
            "With {seeds} and these images, a sweep like this one finds a difference of {least}"
            " percentage points in four of five cases.",
            **words,
        )
        if least == most
        else _(
            "With {seeds} and these images, a sweep like this one finds a difference of {least} to"
            " {most} percentage points, depending on the pair, in four of five cases.",
            **words,
        )
    )
    takes = [
        _takes(
            [
                power.seeds_for(share, row.seeds_error * row.seeds**0.5, row.images_error, level)
                for row in rows_of(judged)
            ]
        )
        for share in power.ASKED
    ]
    return f"{text} " + _(
        "A smaller one is found more rarely, and looks larger than it is where it is found. What is"
        " not supported may still exist. To find a difference of two points takes {of_two}, of one"
        " point {of_one}.",
        of_two=takes[0],
        of_one=takes[1],
    )


def _takes(seeds: list[int | None]) -> str:
    """How many seeds the pairs take; see `power.seeds_for`."""
    known = sorted(needed for needed in seeds if needed is not None)
    if not known:
        return _("more images than these, with whatever number of seeds")
    shown = [
        _("more than {seeds}", seeds=count(power.MOST_SEEDS, "seed"))
        if needed > power.MOST_SEEDS
        else count(needed, "seed")
        for needed in (known[0], known[-1])
    ]
    if len(known) < len(seeds):
        return _("{seeds} or more, and for some pairs more images than these", seeds=shown[0])
    if shown[0] == shown[1]:
        return shown[0]
    return _("{least} to {most}", least=shown[0], most=shown[1])


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
        text = _(
            "The base, {base}, is also what the validation images chose. On the {images}, which had"
            " no part in that, its accuracy is {accuracy}.",
            **words,
        )
        return f"{text} {_others_tested(sweep, ranked)}{_what_is_tested()}"
    text = _(
        "On the {images}, which had no part in the choice, {best} has an accuracy of {accuracy},"
        " and the base, {base}, of {of_base}.",
        **words,
    )
    if lead is not None and not np.isnan(lead.low):
        text += " " + _(
            "The difference is {points} percentage points ({low} to {high}).",
            points=wording.points(lead.value),
            low=wording.points(lead.low),
            high=wording.points(lead.high),
        )
    return f"{text} {_others_tested(sweep, ranked)}{_what_is_tested()}"


def _others_tested(sweep: Sweep, ranked: list[Score]) -> str:
    """The test accuracies of the best of each group, where several are chosen."""
    if sweep.compare != WITHIN:
        return ""
    best = [group[0] for group in _of_groups(sweep, ranked).values()]
    others = [score for score in best if score is not ranked[0] and score.label != sweep.base]
    if not others:
        return ""
    named = "; ".join(
        f"{score.label} {wording.estimated(tested(score, score)[0])}" for score in others
    )
    return _("The best of the other groups: {named}.", named=named) + " "


def _what_is_tested() -> str:
    return _(
        "These are accuracies of the trained networks, with 95 % intervals over images: a"
        " configuration whose seeds were lucky is lucky on the test images too. Only new seeds"
        " tell."
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

"""Which differences of a sweep's configurations its report judges, as its file asks, and how."""

import itertools
from dataclasses import dataclass

import pandas as pd

from ...studies.sweeps import BASE, WITHIN, Configuration, Sweep
from .. import looks
from .runs import judged
from .scores import FEWEST_SEEDS, Basis, Score, contrast, same_images

DIFFERENCE, INTERACTION = "difference", "interaction"
_COLUMNS = ["kind", "label", "other", "difference", "low", "high", "seeds_error", "images_error"]


@dataclass(frozen=True)
class Planned:
    """A difference that is to be judged: of two configurations, by label, or of two such
    differences (an interaction), first - second - (third - fourth).
    """

    labels: tuple[str, ...]

    @property
    def kind(self) -> str:
        return DIFFERENCE if len(self.labels) == 2 else INTERACTION

    @property
    def signs(self) -> tuple[int, ...]:
        return (1, -1, -1, 1)[: len(self.labels)]


def planned(sweep: Sweep, ranked: list[str]) -> list[Planned]:
    """What is judged, all of it at once. ranked: labels of the configurations, the best first; of a
    pair, the better one is named first.
    """
    if sweep.compare == BASE:
        return [Planned((label, sweep.base)) for label in ranked if label != sweep.base]
    if sweep.compare != WITHIN:
        return [Planned(pair) for pair in itertools.combinations(ranked, 2)]
    groups = {
        value: sorted(
            (one.label for one in group if one.label in ranked), key=lambda one: ranked.index(one)
        )
        for value, group in sweep.groups.items()
    }
    pairs = [
        Planned(pair) for group in groups.values() for pair in itertools.combinations(group, 2)
    ]
    return pairs + [
        one for one in interactions(sweep) if all(label in ranked for label in one.labels)
    ]


def interactions(sweep: Sweep) -> list[Planned]:
    """The differences of differences: of two configurations in one group, and of their counterparts
    in another one. None with fewer seeds than a verdict takes.
    """
    if len(sweep.seeds) < FEWEST_SEEDS:
        return []
    found = []
    for one, other in itertools.combinations(sweep.groups.values(), 2):
        there = {_level(sweep, configuration): configuration.label for configuration in other}
        shared = [
            (configuration.label, there[_level(sweep, configuration)])
            for configuration in one
            if _level(sweep, configuration) in there
        ]
        for (first, third), (second, fourth) in itertools.combinations(shared, 2):
            found.append(Planned((first, second, third, fourth)))
    return found


def _level(sweep: Sweep, configuration: Configuration) -> tuple:
    """What a configuration sets of what varies inside a group."""
    return tuple(repr(configuration.settings.get(key)) for key in sweep.varied_inside)


def differences(sweep: Sweep, ranked: list[Score]) -> pd.DataFrame:
    """What the planned differences came to.

    Args:
        ranked: as `scores.scores` gives them.

    Returns:
        Columns: kind, label and other (what is compared with what), difference (a share, positive
        where the first is ahead), low, high, seeds_error, images_error, seeds (how many all have),
        p (adjusted for the looks and after Holm), verdict (see `judged`; "network" where one seed
        shows a difference of networks; open with fewer than FEWEST_SEEDS).
    """
    by_label = {score.label: score for score in ranked}
    rows = []
    for one in planned(sweep, [*by_label]):
        row = _row(one, [by_label[label] for label in one.labels])
        if row:
            rows.append(row)
    table = pd.DataFrame(rows, columns=[*_COLUMNS, "seeds", "p"])
    if ranked and ranked[0].basis is Basis.IMAGES:
        return judged(table, supported="network")
    known = table["p"].notna()
    table.loc[known, "p"] = looks.adjusted(table.loc[known, "p"].to_numpy(float), sweep.looks)
    return judged(table, enough=table["seeds"] >= FEWEST_SEEDS)


def _row(one: Planned, members: list[Score]) -> dict | None:
    """A row of `differences`; None where nothing can be said of it."""
    seeds = [seed for seed in members[0].runs if all(seed in member.runs for member in members)]
    if not seeds or not all(same_images(members[0], member) for member in members):
        return None
    runs = [[member.runs[seed] for seed in seeds] for member in members]
    found = contrast(members[0].basis, [*zip(one.signs, runs)])
    if found is None:
        return None
    if one.kind == INTERACTION and found.value < 0:  # the larger difference is named first
        return _row(Planned((*one.labels[2:], *one.labels[:2])), [*members[2:], *members[:2]])
    least = -len(one.labels) / 2
    low, high = found.between(least, -least)
    first, second = (
        one.labels
        if one.kind == DIFFERENCE
        else (" \u2212 ".join(one.labels[:2]), " \u2212 ".join(one.labels[2:]))
    )
    return {
        "kind": one.kind,
        "label": first,
        "other": second,
        "difference": found.value,
        "low": low,
        "high": high,
        "seeds_error": found.seeds_error,
        "images_error": found.images_error,
        "seeds": len(seeds),
        "p": found.p,
    }

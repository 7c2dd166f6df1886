"""What the runs of an assignment say beside each other: tables, curves, paired differences, and a
conclusion in sentences.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...config import experiments
from ...core.i18n import N_, _, count, number, percent, plain
from ...runs import results
from ...studies.assignments import Assignment
from ...studies.study import Run
from ...studies.sweeps import Sweep
from .. import figures, statistics

LINES = 8  # in one panel of curves; more cannot be told apart
SHOWN = 3  # reasons and changes that are named; the others are counted
OVERVIEW = N_(
    "The experiments: accuracies at the best epoch, the 95 % interval (Wilson) of the last one, in"
    " percent."
)
METHOD = N_(
    "The best run is set against every other one that answered for the same images. With $b$ images"
    " that the best alone has right, $c$ that the other alone has right, and $n$ images in all, the"
    " difference of their accuracies is $(b - c) / n$. Its 95 % interval is Wald's with half an"
    " image added to each of the four counts (Agresti and Min, 2005); $p$ is that of McNemar's"
    " exact test, adjusted after Holm (1979) for all comparisons in a table. A difference counts as"
    " supported where the interval leaves out zero and the adjusted $p$ is below 0.05."
)
NOT_COMPARED = (*experiments.DESCRIPTION, *experiments.REHEARSAL)


@dataclass(frozen=True)
class Entry:
    """A finished run with its results. label: its experiment's name, short. correct: bool (N,) of
    the evaluated images.
    """

    label: str
    run: Run
    result: results.Result
    correct: np.ndarray

    @property
    def accuracy(self) -> float:
        """On the evaluated split."""
        return float(self.correct.mean())


def load(assignment: Assignment | Sweep) -> list[Entry]:
    """The finished runs with their results, in the order of the experiments' names; ValueError
    where there is none.
    """
    finished = assignment.finished
    # where all are alike, the label need not say it
    mixed = len({run.state for run in finished}) > 1
    found = []
    for run in finished:
        result = results.load(run.experiment.folder)
        label = assignment.label(run.experiment) + (
            f" ({state_said(run.state)})" if mixed and run.state != "complete" else ""
        )
        found.append(Entry(label, run, result, result.labels == result.predicted))
    return found


def overview(assignment: Assignment, entries: list[Entry]) -> pd.DataFrame:
    """A row an experiment, those without a run too: parameters, best epoch, accuracies, the last
    one's interval, the published value, seconds.

    Accuracies are of the best epoch; the interval, in percent, is that of the evaluated split's.
    """
    by_name = {entry.run.experiment.name: entry for entry in entries}
    tested = any(entry.result.evaluated == "test" for entry in entries)
    columns = [
        N_("Experiment"),
        N_("Parameters"),
        N_("Best epoch"),
        N_("Training"),
        N_("Validation"),
        *[N_("Test")] * tested,
        N_("95 % interval"),
        N_("Published"),
        N_("Seconds"),
    ]
    rows = []
    for run in assignment.runs:
        entry, published = by_name.get(run.experiment.name), run.experiment.published
        row = {
            "Experiment": (
                assignment.label(run.experiment)
                + ("" if run.state == "complete" else f" ({state_said(run.state)})")
            ),
            "Parameters": published["total_parameters"],
            "Published": _published(published, tested),
        }
        if entry:
            metrics = entry.result.metrics
            low, high = statistics.wilson(int(entry.correct.sum()), len(entry.correct))
            row |= {
                "Parameters": metrics["total_parameters"],
                "Best epoch": metrics["best_epoch"],
                "Training": percent(metrics["train_accuracy"]),
                "Validation": percent(metrics["validation_accuracy"]),
                entry.result.evaluated.capitalize(): percent(entry.accuracy),
                "95 % interval": span(low, high),
                "Seconds": round(metrics["seconds"]),
            }
        rows.append({column: row.get(column) for column in columns})
    return pd.DataFrame(rows, dtype=object)


def _published(published: dict, tested: bool) -> str | None:
    if tested and published["test_accuracy"] is not None:
        return percent(published["test_accuracy"])
    value = published["validation_accuracy"]
    return None if value is None else percent(value) + (_(" (val.)") if tested else "")


def standing(assignment: Assignment) -> str:
    """Which experiments have no run, an outdated one, or one with settings of its own, in
    sentences.
    """
    names = {
        state: [assignment.label(run.experiment) for run in assignment.runs if state in run.state]
        for state in ("missing", "outdated", "short")
    }
    finished = len(assignment.runs) - len(names["missing"])
    told = {"finished": finished, "experiments": count(len(assignment.runs), "experiment")}
    sentences = [
        (
            _("{finished} of {experiments} has a finished run.", **told)
            if finished == 1
            else _("{finished} of {experiments} have a finished run.", **told)
        )
    ]
    if names["missing"]:
        sentences.append(_("**Missing:** {named}.", named=_listed(names["missing"])))
    if names["outdated"]:
        sentences.append(
            _(
                "**Outdated**: settings, code, versions or files have changed since (data is not"
                " read here, and not checked): {named}.",
                named=_listed(names["outdated"]),
            )
        )
    if names["short"]:
        sentences.append(
            _(
                "**Short**, with settings other than the parameter file's: {named}.",
                named=_listed(names["short"]),
            )
        )
    if not any(names.values()):
        sentences.append(
            _(
                "All are as their parameter files say, and settings, source and versions are up to"
                " date."
            )
        )
    return " ".join(sentences)


def exceptions(assignment: Assignment) -> list[dict]:
    """A row a run that is outdated or has settings of its own: which, and why."""
    rows = []
    for run in assignment.runs:
        if run.metrics and run.state != "complete":
            changes = [f"{key} = {text(value)}" for key, value in run.experiment.changes.items()]
            rows.append(
                {
                    N_("Experiment"): assignment.label(run.experiment),
                    N_("Set otherwise"): first(changes) or None,
                    N_("Outdated, since"): first(run.outdated) or None,
                }
            )
    return rows


def predictions(entry: Entry) -> pd.DataFrame:
    """Those of a finished run, which has them."""
    assert entry.result.predictions is not None
    return entry.result.predictions


def rows_of(table: pd.DataFrame) -> Iterable[Any]:
    """A named tuple a row; pandas itself gives its values no types."""
    return table.itertuples()


def panels(
    assignment: Assignment | Sweep, entries: list[Entry]
) -> dict[str, dict[str, tuple[pd.DataFrame, int]]]:
    """Histories and best epochs to be drawn together, by panel and label: those of one model, and
    those that are the only ones of theirs.
    """
    models = Counter(entry.run.experiment.model for entry in entries)
    gathered: dict[str, dict[str, tuple[pd.DataFrame, int]]] = {}
    for entry in sorted(entries, key=lambda entry: models[entry.run.experiment.model] == 1):
        model = entry.run.experiment.model
        title = (
            model.removeprefix(f"{assignment.name}_").replace("_", " ")
            if models[model] > 1
            else _("models with one run")
        )
        gathered.setdefault(title, {})[entry.label] = (
            entry.result.history,
            entry.result.metrics["best_epoch"],
        )
    found = {}
    for title, lines in gathered.items():
        parts = np.array_split(list(lines), -(-len(lines) // LINES))
        for position, part in enumerate(parts, 1):
            found[
                (
                    title
                    if len(parts) == 1
                    else _(
                        "{title} ({number} of {parts})",
                        title=title,
                        number=position,
                        parts=len(parts),
                    )
                )
            ] = {str(label): lines[label] for label in part}
    return found


def common_settings(assignment: Assignment) -> list[dict]:
    """The settings that more than half of the experiments share, as rows of a setting, its value
    and who has it.
    """
    settings, rows = _settings(assignment), []
    for key, value in _usual(settings).items():
        sharing = sum(flat.get(key, _ABSENT) == value for flat in settings.values())
        rows.append(
            {
                N_("Setting"): key,
                N_("Value"): text(value),
                N_("Experiments"): (
                    _("all")
                    if sharing == len(settings)
                    else _("{some} of {all}", some=sharing, all=len(settings))
                ),
            }
        )
    return rows


def own_settings(assignment: Assignment) -> list[dict]:
    """What each experiment sets otherwise than most do: rows of an experiment and its settings."""
    settings = _settings(assignment)
    usual = _usual(settings)
    rows = []
    for label, flat in settings.items():
        own = [
            f"{key} {text(value)}"
            for key, value in flat.items()
            if usual.get(key, _ABSENT) != value
        ]
        own += [_("no {setting}", setting=key) for key in usual if key not in flat]
        rows.append({N_("Experiment"): label, N_("Sets"): "; ".join(own) or _("nothing otherwise")})
    return rows


_ABSENT = object()


def _settings(assignment: Assignment) -> dict[str, dict]:
    """Flat settings by label, without a mapping's name where the setting's own is enough."""
    flat = {
        assignment.label(run.experiment): {
            key: value
            for key, value in experiments.flatten(run.experiment.settings()).items()
            if key.split(".")[0] not in NOT_COMPARED
        }
        for run in assignment.runs
    }
    full = dict.fromkeys(key for values in flat.values() for key in values)
    last = Counter(key.split(".")[-1] for key in full)
    shown = {key: key.split(".")[-1] if last[key.split(".")[-1]] == 1 else key for key in full}
    return {
        label: {shown[key]: value for key, value in values.items() if value != {}}
        for label, values in flat.items()
    }


def _usual(settings: dict[str, dict]) -> dict:
    """Settings and values that more than half of the experiments have."""
    found = {}
    for key in dict.fromkeys(key for flat in settings.values() for key in flat):
        text, sharing = Counter(
            json.dumps(flat[key]) for flat in settings.values() if key in flat
        ).most_common(1)[0]
        if 2 * sharing > len(settings):
            found[key] = json.loads(text)
    return found


def groups(entries: list[Entry]) -> list[list[Entry]]:
    """Runs that answered for the same images, the largest group first, in each the best run first.

    Sample and real data never meet.
    """
    found: dict[tuple, list[Entry]] = {}
    for entry in entries:
        table = predictions(entry)
        order = np.argsort(table["id"].to_numpy(str), kind="stable")
        same = (
            entry.result.metrics["data"],
            entry.result.evaluated,
            tuple(table["id"].to_numpy()[order]),
            tuple(table["label"].to_numpy()[order]),
        )
        # paired image by image
        ordered = Entry(entry.label, entry.run, entry.result, entry.correct[order])
        found.setdefault(same, []).append(ordered)
    best_first = [
        sorted(
            group,
            key=lambda entry: (
                -entry.accuracy,
                -entry.result.metrics["validation_accuracy"],
                entry.label,
            ),
        )
        for group in found.values()
    ]
    return sorted(
        best_first,
        key=lambda group: (
            -len(group),
            group[0].result.metrics["data"] != "real",
            -len(group[0].correct),
        ),
    )


def differences(group: list[Entry]) -> pd.DataFrame:
    """The best run of a group against every other: how far ahead it is, as a share, with a 95 %
    interval, and p adjusted for all of these.

    Columns: label, difference, low, high, only_best and only_other (images that just one of the two
    has right), p (McNemar's exact test, adjusted after Holm), verdict ("supported", "alone": only
    without the adjustment, or "open").
    """
    best, others = group[0], group[1:]
    rows = []
    for other in others:
        difference, low, high = statistics.paired_difference(best.correct, other.correct)
        rows.append(
            {
                "label": other.label,
                "difference": difference,
                "low": low,
                "high": high,
                "only_best": int((best.correct & ~other.correct).sum()),
                "only_other": int((other.correct & ~best.correct).sum()),
                "p": statistics.mcnemar(best.correct, other.correct),
            }
        )
    table = pd.DataFrame(
        rows, columns=["label", "difference", "low", "high", "only_best", "only_other", "p"]
    )
    alone = ((table["low"] > 0) | (table["high"] < 0)) & (table["p"] < 1 - statistics.CONFIDENCE)
    table["p"] = statistics.holm(table["p"])
    table["verdict"] = np.where(
        alone & (table["p"] < 1 - statistics.CONFIDENCE),
        "supported",
        np.where(alone, "alone", "open"),
    )
    return table


def shown(assignment: Assignment, entries: list[Entry]) -> list:
    """Figures and tables of the differences, in turn."""
    found = []
    for group in groups(entries):
        if len(group) > 1:
            found += [
                figures.leads(differences(group), group[0].label, images_of(group)),
                figures.Table(
                    differences_table(group),
                    _(
                        "How many points of accuracy the others are behind {best} on the {images}.",
                        best=group[0].label,
                        images=images_of(group),
                    ),
                ),
            ]
    return found


def method(assignment: Assignment) -> str:
    """How differences are judged here."""
    return _(METHOD)


def differences_table(group: list[Entry]) -> list[dict]:
    """The same as a reader wants it: points instead of shares. b and c: images that the best alone,
    and the other alone, has right.
    """
    return [
        {
            N_("Other run"): row.label,
            N_("Points behind"): _(
                "{points} ({low} to {high})",
                points=points(row.difference),
                low=points(row.low),
                high=points(row.high),
            ),
            "b": row.only_best,
            "c": row.only_other,
            N_("p (Holm)"): p_value(row.p),
        }
        for row in rows_of(differences(group))
    ]


def images_of(group: list[Entry]) -> str:
    """What a group was evaluated on: `1,000 validation images of the sample data`."""
    images = len(group[0].correct)
    told = (
        count(images, "test image")
        if group[0].result.evaluated == "test"
        else count(images, "validation image")
    )
    return (
        _("{images} of the sample data", images=told)
        if group[0].result.metrics["data"] == "sample"
        else told
    )


def conclusion(assignment: Assignment, entries: list[Entry]) -> str:
    """Which differences the intervals support and which they do not, what was published, and what
    the intervals leave out.
    """
    found = groups(entries)
    paragraphs = [_verdict(group) for group in found if len(group) > 1]
    alone = [
        f"{group[0].label} ({images_of(group)}, {percent(group[0].accuracy)})"
        for group in found
        if len(group) == 1
    ]
    if alone and len(found) > 1:
        paragraphs.append(
            _(
                "Not compared with any other, since no other run was evaluated on the same images:"
                " {named}.",
                named=_listed(alone),
            )
        )
    elif alone:
        paragraphs.append(
            _(
                "There is one finished run only, {named}: nothing to compare it with.",
                named=alone[0],
            )
        )
    paragraphs.append(_beside_published(entries))
    paragraphs.append(_limits(entries))
    return "\n\n".join(filter(None, paragraphs))


def _verdict(group: list[Entry]) -> str:
    best, table = group[0], differences(group)
    low, high = statistics.wilson(int(best.correct.sum()), len(best.correct))
    tied = [row.label for row in rows_of(table) if row.difference == 0]
    told = {
        "images": images_of(group),
        "best": best.label,
        "tied": _listed(tied),
        "runs": count(len(group), "run"),
        "accuracy": percent(best.accuracy),
        "low": percent(low),
        "high": percent(high),
    }
    text = (
        _(
            "On the {images}, **{best}** and {tied} have the highest accuracy of {runs}: {accuracy}"
            " ({low} to {high}).",
            **told,
        )
        if tied
        else _(
            "On the {images}, **{best}** has the highest accuracy of {runs}: {accuracy} ({low} to"
            " {high}).",
            **told,
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
        over = {"named": _listed(chosen("supported")), "comparisons": len(table)}
        lines.append(
            _(
                "Supported by the intervals, also after allowing for {comparisons} comparisons at"
                " once: its lead, in points, over {named}.",
                **over,
            )
            if len(table) > 1
            else _("Supported by the intervals: its lead, in points, over {named}.", **over)
        )
    if chosen("alone"):
        lines.append(
            _(
                "Supported only if each comparison stood alone: its lead over {named}.",
                named=_listed(chosen("alone")),
            )
        )
    if chosen("open"):
        lines.append(
            _(
                "Not supported: its lead over {named}; either run may be the better one.",
                named=_listed(chosen("open")),
            )
        )
    return "\n".join([text, "", *(f"- {line}" for line in lines)])


def _beside_published(entries: list[Entry]) -> str:
    """How many published values lie inside their interval; only of runs that are as published."""
    places: dict[str, list[str]] = {"inside": [], "above": [], "below": []}
    for entry in entries:
        value = entry.run.experiment.published[f"{entry.result.evaluated}_accuracy"]
        if value is None or entry.run.short or entry.result.metrics["data"] == "sample":
            continue
        low, high = statistics.independent_difference(entry.accuracy, value, len(entry.correct))
        places["inside" if low <= 0 <= high else "above" if high < 0 else "below"].append(
            entry.label
        )
    total = sum(map(len, places.values()))
    if not total:
        return ""
    text = _(
        "Published and measured accuracy agree within the uncertainty of the images (Newcombe's"
        " interval of the difference, 1998, had the published one been measured on as many other"
        " images) for {agreeing} of {experiments}",
        agreeing=len(places["inside"]),
        experiments=count(total, "experiment"),
    )
    if places["above"]:
        text += _(
            "; the published one is above the measured one for {named}",
            named=_listed(places["above"]),
        )
    if places["below"]:
        text += _(
            "; the published one is below the measured one for {named}",
            named=_listed(places["below"]),
        )
    return f"{text}."


def _limits(entries: list[Entry]) -> str:
    if all(entry.result.metrics["data"] == "sample" for entry in entries):
        return _(
            "**All runs used sample data**: this shows that the comparison works, and nothing can"
            " be concluded about the real data set or the models."
        )
    sentences = [
        _(
            "The intervals cover the drawing of the evaluated images alone. Each experiment was run"
            " once: what another seed would change is not in them, and the best run is the best of"
            " these very numbers, so that its lead is on the large side."
        )
    ]
    if any(entry.result.evaluated == "validation" for entry in entries):
        sentences.append(
            _(
                "Where there is no test split, the validation images also chose the epoch;"
                " accuracies on them are on the high side, the more so the longer a run."
            )
        )
    if any(entry.run.short for entry in entries):
        sentences.append(
            _(
                "Short runs differ from the others in their settings too, not in the experiment"
                " alone."
            )
        )
    if any(entry.run.outdated for entry in entries):
        sentences.append(
            _(
                "Outdated runs were made with other settings, source or versions than the present"
                " ones."
            )
        )
    if any(entry.result.metrics["data"] == "sample" for entry in entries):
        sentences.append(_("Runs on sample data say nothing about the real data set."))
    return " ".join(sentences)


def points(share: float) -> str:
    """Points of accuracy, with a sign."""
    return number(100 * share, 1, signed=True) if round(100 * share, 1) else number(0, 1)


def span(low: float, high: float) -> str:
    """An interval of shares, in percent: 60.1–64.3."""
    return f"{number(100 * low, 1)}\u2013{number(100 * high, 1)}"


def p_value(p: float) -> str:
    """Three digits, or that it is smaller."""
    return f"< {number(0.001, 3)}" if p < 0.001 else number(p, 3)


def state_said(state: str) -> str:
    """What stands for an experiment, as `assignments.Run.state` has it, in words."""
    return {
        "complete": _("complete"),
        "short": _("short"),
        "outdated": _("outdated"),
        "short and outdated": _("short and outdated"),
        "missing": _("missing"),
    }[state]


def _listed(words: list[str]) -> str:
    return ", ".join(words)


def first(words: list[str], most: int = SHOWN) -> str:
    """The first of some reasons or names, and how many more there are."""
    return "; ".join(words[:most]) + (
        _("; and {number} more", number=len(words) - most) if len(words) > most else ""
    )


def text(value) -> str:
    """A setting's value as a reader wants it."""
    return (
        value
        if isinstance(value, str)
        else plain(value)
        if isinstance(value, float)
        else json.dumps(value)
    )

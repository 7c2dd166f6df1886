"""What the runs of a sweep say over its seeds: means with intervals, paired comparisons with the
base, and which differences are supported.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from ...config import experiments
from ...core.i18n import N_, _, count, number, percent
from ...studies.sweeps import Sweep
from .. import figures, statistics
from . import assignment as comparison
from .assignment import Entry

OVERVIEW = N_(
    "The configurations, best mean first: accuracy over the seeds in percent, its standard"
    " deviation and the 95 % interval of the mean (Student's t; with one seed the interval of the"
    " images, Wilson's)."
)
CONFIDENCE = statistics.CONFIDENCE
FEWEST_SEEDS = (
    3  # for a verdict: with two the interval hangs on a single difference of two coarse numbers
)
NAMED = 8  # configurations in one sentence; of more, how many and the two ends
METHOD_OVER_SEEDS = N_(
    "Each configuration is set against the base over the seeds: a seed gives both the same split,"
    " the same order of images and the same start, as far as their models allow, so the differences"
    " are paired. Their mean, its 95 % interval and $p$ are those of the paired $t$ test, with $p$"
    " adjusted after Holm (1979) for all comparisons. With few seeds the test takes it on trust"
    " that differences are normally distributed; where all seeds give the very same difference it"
    " has nothing to judge by. With three seeds or more a difference counts as supported where the"
    " adjusted $p$ is below 0.05 and the interval leaves out zero. The seeds cover training; that"
    " all were evaluated on the same kind of images, and few of them, is not in the intervals."
)
METHOD_OVER_IMAGES = N_(
    "Each configuration was run once and is set against the base image by image. With $b$ images"
    " that it alone has right, $c$ that the base alone has right, and $n$ in all, the difference of"
    " their accuracies is $(b - c) / n$. Its 95 % interval is Wald's with half an image added to"
    " each of the four counts (Agresti and Min, 2005); $p$ is that of McNemar's exact test,"
    " adjusted after Holm (1979) for all comparisons. A difference counts as supported where the"
    " interval leaves out zero and the adjusted $p$ is below 0.05. What another seed would change"
    " is not in them."
)


@dataclass(frozen=True)
class Score:
    """What a configuration's runs came to. runs: finished ones, by seed. accuracies: of the
    evaluated split, in the same order.
    """

    label: str
    runs: dict[int, Entry]

    @property
    def accuracies(self) -> np.ndarray:
        return np.array([entry.accuracy for entry in self.runs.values()])

    @property
    def mean(self) -> float:
        return float(self.accuracies.mean())

    def interval(self, seeds: int) -> tuple[float, float] | None:
        """95 %: of the mean over several seeds, as far as shares go, or, where there is one seed,
        of its images. None where the runs there are tell of no spread.
        """
        found = self.accuracies
        if seeds == 1:
            [entry] = self.runs.values()
            return statistics.wilson(int(entry.correct.sum()), len(entry.correct))
        if len(found) < 2 or np.ptp(found) < 1e-12:
            return None
        reach = stats.sem(found) * stats.t.ppf((1 + CONFIDENCE) / 2, len(found) - 1)
        return max(0.0, self.mean - reach), min(1.0, self.mean + reach)


def load(sweep: Sweep) -> list[Entry]:
    """The finished runs with their results; ValueError where there is none."""
    return comparison.load(sweep)


def scores(sweep: Sweep, entries: list[Entry]) -> list[Score]:
    """Configurations with a finished run, the best mean first."""
    by_run = {entry.run.experiment.run_name: entry for entry in entries}
    found = [
        Score(
            configuration.label,
            {
                experiment.seed: by_run[experiment.run_name]
                for experiment in configuration.experiments
                if experiment.run_name in by_run
            },
        )
        for configuration in sweep.configurations
    ]
    return sorted((score for score in found if score.runs), key=lambda score: -score.mean)


def missing(sweep: Sweep) -> list[str]:
    """Runs that are not finished, or would be made otherwise today."""
    return [
        sweep.label(run.experiment) for run in sweep.runs if run.metrics is None or run.outdated
    ]


def standing(sweep: Sweep) -> str:
    """How many of the runs there are, and which are missing, in sentences."""
    wanting = missing(sweep)
    text = _(
        "{finished} of {runs} are finished: {configurations}, {seeds} each.",
        finished=len(sweep.runs) - len(wanting),
        runs=count(len(sweep.runs), "run"),
        configurations=count(len(sweep.configurations), "configuration"),
        seeds=count(len(sweep.seeds), "seed"),
    )
    return f"{text} " + (
        _("**Missing, or outdated:** {named}.", named=comparison.first(wanting, 12))
        if wanting
        else _("Settings, source and versions are up to date.")
    )


def exceptions(sweep: Sweep) -> list[dict]:
    """A row a run that would be made otherwise today: which, and why."""
    return [
        {
            N_("Run"): sweep.label(run.experiment),
            N_("Outdated, since"): comparison.first(run.outdated),
        }
        for run in sweep.runs
        if run.outdated
    ]


def overview(sweep: Sweep, entries: list[Entry]) -> pd.DataFrame:
    """A row a configuration, the best mean first."""
    rows = []
    for rank, score in enumerate(scores(sweep, entries), 1):
        interval = score.interval(len(sweep.seeds))
        results = [entry.result.metrics for entry in score.runs.values()]
        rows.append(
            {
                N_("Rank"): rank,
                N_("Configuration"): (
                    _("{label} (base)", label=score.label)
                    if score.label == sweep.base
                    else score.label
                ),
                N_("Runs"): _("{some} of {all}", some=len(score.runs), all=len(sweep.seeds)),
                N_("Mean"): number(100 * score.mean, 1),
                N_("SD"): (
                    number(100 * score.accuracies.std(ddof=1), 1) if len(results) > 1 else None
                ),
                N_("95 % interval"): comparison.span(*interval) if interval else None,
                N_("Best epoch"): _span([one["best_epoch"] for one in results]),
                N_("Parameters"): results[0]["total_parameters"],
                N_("Seconds"): round(np.mean([one["seconds"] for one in results])),
            }
        )
    return pd.DataFrame(rows, dtype=object)


def panels(sweep: Sweep, entries: list[Entry]) -> dict[str, dict[str, tuple[pd.DataFrame, int]]]:
    """Histories to be drawn together; with several seeds their mean as far as all went, and the
    lowest and highest of them as `low` and `high`.

    Of many configurations the best and the base: what cannot be told apart need not be drawn.
    """
    found, which = scores(sweep, entries), ""
    if len(found) > 2 * comparison.LINES:
        best = [score for score in found if score.label != sweep.base][: comparison.LINES - 1]
        told = {"best": len(best), "all": len(found)}
        which = (
            _("the best {best} of {all}, and the base", **told)
            if any(score.label == sweep.base for score in found)
            else _("the best {best} of {all}", **told)
        )
        found = [score for score in found if score in best or score.label == sweep.base]
    if len(sweep.seeds) == 1:
        kept = [entry for score in found for entry in score.runs.values()]
        shown = comparison.panels(sweep, kept)
        return {f"{title}: {which}" if which else title: lines for title, lines in shown.items()}
    lines = {}
    for score in found:
        histories = pd.concat(
            [entry.result.history[["epoch", "val_accuracy"]] for entry in score.runs.values()]
        )
        grouped = histories.groupby("epoch")["val_accuracy"]
        # as far as every seed went: a mean of the rest would jump
        shared = grouped.agg(["mean", "min", "max"])[grouped.count() == len(score.runs)]
        mean = pd.DataFrame(
            {
                "epoch": shared.index,
                "val_accuracy": shared["mean"].to_numpy(),
                "low": shared["min"].to_numpy(),
                "high": shared["max"].to_numpy(),
            }
        )
        lines[score.label] = (mean, int(mean["val_accuracy"].to_numpy().argmax()) + 1)
    parts = np.array_split(list(lines), -(-len(lines) // comparison.LINES))
    whole = _("mean over seeds") + (f": {which}" if which else "")
    titles = (
        [whole]
        if len(parts) == 1
        else [
            _("{title} ({number} of {parts})", title=whole, number=place, parts=len(parts))
            for place in range(1, len(parts) + 1)
        ]
    )
    return {
        title: {str(label): lines[label] for label in part} for title, part in zip(titles, parts)
    }


def common_settings(sweep: Sweep) -> list[dict]:
    """The settings that no configuration varies, as rows of a setting and its value."""
    flat = [_flat(configuration.experiments[0]) for configuration in sweep.configurations]
    shared = {
        key: value
        for key, value in flat[0].items()
        if all(other.get(key) == value for other in flat)
    }
    return [
        {N_("Setting"): key, N_("Value"): comparison.text(value)} for key, value in shared.items()
    ]


def own_settings(sweep: Sweep) -> list[dict]:
    """What was varied against what came out: a row a configuration with its differences from the
    base, and its mean.
    """
    base, rows = _flat(sweep.base_configuration.experiments[0]), []
    means = {score.label: number(100 * score.mean, 1) for score in scores(sweep, load(sweep))}
    for configuration in sweep.configurations:
        flat = _flat(configuration.experiments[0])
        own = [
            (
                f"{key.split('.')[-1]} {comparison.text(flat[key])}"
                if key in flat
                else _("no {setting}", setting=key.split(".")[-1])
            )
            for key in base | flat
            if base.get(key) != flat.get(key)
        ]
        rows.append(
            {
                N_("Configuration"): configuration.label,
                N_("Differs from the base in"): "; ".join(own) or _("nothing: it is the base"),
                N_("Mean accuracy"): means.get(configuration.label),
            }
        )
    return rows


def effects(sweep: Sweep, entries: list[Entry]) -> dict[str, pd.DataFrame]:
    """Means by the values of each setting that a grid varies: setting -> value, label, accuracy.

    Left out are settings with a value that stands in one configuration alone, and those that follow
    from another one (an image size that goes with the model).
    """
    found = {score.label: score.mean for score in scores(sweep, entries)}
    flat = {
        configuration.label: _flat(configuration.experiments[0])
        for configuration in sweep.configurations
        if configuration.label in found
    }
    varied: dict[str, Any] = {}
    for key in dict.fromkeys(key for settings in flat.values() for key in settings):
        values = [settings.get(key) for settings in flat.values()]
        told = [comparison.text(value) for value in values]
        follows = any(_decides(other["value"], told) for other in varied.values())
        if len(set(told)) > 1 and min(map(told.count, told)) > 1 and not follows:
            varied = {
                other: table
                for other, table in varied.items()
                if not _decides(told, table["value"])
            }
            varied[key] = pd.DataFrame(
                {
                    "value": told,
                    "label": flat.keys(),
                    "accuracy": [found[label] for label in flat],
                    "order": values,
                }
            )
    ordered = {}
    for key, table in varied.items():
        numbers = all(isinstance(value, (int, float)) for value in table["order"])
        ordered[key.split(".")[-1]] = (
            table.sort_values("order", kind="stable") if numbers else table
        ).drop(columns="order")
    return ordered


def _decides(one, other) -> bool:
    """Whether each value of one setting goes with one value of the other."""
    return len(set(zip(one, other))) == len(set(one))


def _flat(experiment) -> dict:
    return {
        key: value
        for key, value in experiments.flatten(experiment.training_settings()).items()
        if key.split(".")[0] not in ("data", "max_images", "seed") and value != {}
    }


def method(sweep: Sweep) -> str:
    """How differences are judged here."""
    return _(METHOD_OVER_SEEDS) if len(sweep.seeds) > 1 else _(METHOD_OVER_IMAGES)


def differences(sweep: Sweep, entries: list[Entry]) -> pd.DataFrame:
    """Every configuration against the base: label, difference (a share, positive where it is ahead
    of the base), low, high, pairs, p (adjusted after Holm), verdict.

    verdict: "supported", "alone" (only without the adjustment) or "open"; always open with fewer
    than FEWEST_SEEDS. Paired over the seeds that both have; with one seed, over images.
    """
    found = {score.label: score for score in scores(sweep, entries)}
    base, rows = found.get(sweep.base), []
    for score in found.values():
        if base is None:
            break
        shared = [seed for seed in base.runs if seed in score.runs]
        if score is base or not shared or (len(shared) == 1 and len(sweep.seeds) > 1):
            continue
        if any(_ids(score.runs[seed]) != _ids(base.runs[seed]) for seed in shared):
            continue
        if len(sweep.seeds) == 1:
            mine, theirs = _same_images(score.runs[shared[0]], base.runs[shared[0]])
            difference, low, high = statistics.paired_difference(mine, theirs)
            p, pairs = statistics.mcnemar(mine, theirs), len(mine)
        else:
            mine, theirs = (
                np.array([runs[seed].accuracy for seed in shared])
                for runs in (score.runs, base.runs)
            )
            difference, low, high, p = _paired(mine - theirs)
            pairs = len(shared)
        rows.append(
            {
                "label": score.label,
                "difference": difference,
                "low": low,
                "high": high,
                "pairs": pairs,
                "p": p,
            }
        )
    table = pd.DataFrame(rows, columns=["label", "difference", "low", "high", "pairs", "p"])
    alone = (
        ((table["low"] > 0) | (table["high"] < 0))
        & (table["p"] < 1 - CONFIDENCE)
        & (table["pairs"] >= FEWEST_SEEDS)
    )
    table["p"] = np.where(table["p"].isna(), np.nan, statistics.holm(table["p"].fillna(1.0)))
    table["verdict"] = np.where(
        alone & (table["p"] < 1 - CONFIDENCE), "supported", np.where(alone, "alone", "open")
    )
    return table


def _paired(apart: np.ndarray) -> tuple[float, float, float, float]:
    """Mean of paired differences, its 95 % interval, and p of the t test.

    Without any spread there is nothing to judge by: the interval and p are NaN.

    (That happens where few images are evaluated, so that accuracies are coarse; the test would call
    such a difference certain.)
    """
    if np.ptp(apart) < 1e-12:
        return float(apart.mean()), np.nan, np.nan, np.nan
    test = stats.ttest_1samp(apart, 0)
    low, high = test.confidence_interval(CONFIDENCE)
    return float(apart.mean()), float(low), float(high), float(test.pvalue)


def _same_images(one: Entry, other: Entry) -> tuple[np.ndarray, np.ndarray]:
    mine, theirs = (
        dict(zip(comparison.predictions(entry)["id"], entry.correct)) for entry in (one, other)
    )
    order = sorted(mine)
    return np.array([mine[name] for name in order]), np.array([theirs[name] for name in order])


def _ids(entry: Entry) -> frozenset:
    return frozenset(comparison.predictions(entry)["id"])


def not_compared(sweep: Sweep, entries: list[Entry]) -> list[str]:
    """Configurations that were evaluated on other images than the base: their differences would say
    nothing.
    """
    found = {score.label: score for score in scores(sweep, entries)}
    base = found.get(sweep.base)
    return [
        label
        for label, score in found.items()
        if base
        and any(
            _ids(score.runs[seed]) != _ids(base.runs[seed])
            for seed in score.runs.keys() & base.runs.keys()
        )
    ]


def shown(sweep: Sweep, entries: list[Entry]) -> list:
    """Figures and tables of the differences; none as long as runs are missing."""
    if missing(sweep):
        return []
    table = differences(sweep, entries)
    if table.empty:
        return []
    of = count(len(sweep.seeds), "seed") if len(sweep.seeds) > 1 else comparison.images_of(entries)
    verdicts = {
        "supported": _("supported"),
        "alone": _("only if it stood alone"),
        "open": _("not supported"),
    }
    rows = []
    for row in comparison.rows_of(table):
        points = comparison.points(row.difference)
        ahead = (
            _("{points} (the same with every seed)", points=points)
            if np.isnan(row.p)
            else _(
                "{points} ({low} to {high})",
                points=points,
                low=comparison.points(row.low),
                high=comparison.points(row.high),
            )
        )
        rows.append(
            {
                N_("Configuration"): row.label,
                _("Points ahead of {base}", base=sweep.base): ahead,
                N_("p (Holm)"): _("none") if np.isnan(row.p) else comparison.p_value(row.p),
                N_("Verdict"): verdicts[row.verdict],
            }
        )
    return [
        figures.leads(table, sweep.base, of, behind=True),
        figures.Table(
            rows,
            _(
                "How many points of accuracy each configuration is ahead of the base, {base}, over"
                " {of}.",
                base=sweep.base,
                of=of,
            ),
        ),
    ]


def conclusion(sweep: Sweep, entries: list[Entry]) -> str:
    """Which differences are supported; as long as runs are missing, only that they are."""
    wanting = missing(sweep)
    if wanting:
        return _(
            "**No verdict yet:** {wanting} of {runs} are missing or outdated ({named}). `make sweep"
            " NAME={sweep}` goes on with them.",
            wanting=len(wanting),
            runs=count(len(sweep.runs), "run"),
            named=comparison.first(wanting, 12),
            sweep=sweep.name,
        )
    found, table = scores(sweep, entries), differences(sweep, entries)
    best = found[0]
    tied, interval = (
        [score.label for score in found[1:] if score.mean == best.mean],
        best.interval(len(sweep.seeds)),
    )
    told: dict[str, Any] = {
        "best": ", ".join([best.label, *tied]),
        "mean": percent(best.mean) + (f" ({comparison.span(*interval)})" if interval else ""),
    }
    told |= {"seeds": count(len(sweep.seeds), "seed"), "images": comparison.images_of(entries)}
    if len(sweep.seeds) > 1:
        lines = [
            (
                _("**{best}** have the highest accuracy over {seeds}: {mean}.", **told)
                if tied
                else _("**{best}** has the highest accuracy over {seeds}: {mean}.", **told)
            ),
            "",
        ]
    else:
        lines = [
            (
                _("**{best}** have the highest accuracy on the {images}: {mean}.", **told)
                if tied
                else _("**{best}** has the highest accuracy on the {images}: {mean}.", **told)
            ),
            "",
        ]
    for verdict in ("supported", "alone", "open"):
        chosen = [
            f"{row.label} ({comparison.points(row.difference)})"
            for row in comparison.rows_of(table)
            if row.verdict == verdict
        ]
        if len(chosen) > NAMED:
            named = _(
                "{some} of {all}, from {first} to {last}",
                some=len(chosen),
                all=len(table),
                first=chosen[0],
                last=chosen[-1],
            )
        else:
            named = ", ".join(chosen)
        if chosen:
            of = {"base": sweep.base, "named": named, "comparisons": len(table)}
            lines.append(
                "- "
                + (
                    _(
                        "Supported, also after allowing for {comparisons} comparisons at once: the"
                        " difference from {base}, in points, of {named}.",
                        **of,
                    )
                    if verdict == "supported" and len(table) > 1
                    else (
                        _("Supported: the difference from {base}, in points, of {named}.", **of)
                        if verdict == "supported"
                        else (
                            _(
                                "Supported only if each comparison stood alone: the difference from"
                                " {base}, in points, of {named}.",
                                **of,
                            )
                            if verdict == "alone"
                            else _(
                                "Not supported, so that either may be the better one: the"
                                " difference from {base}, in points, of {named}.",
                                **of,
                            )
                        )
                    )
                )
            )
    if apart := not_compared(sweep, entries):
        lines.append(
            "- "
            + _(
                "Not compared, since they were evaluated on other images than the base: {named}.",
                named=comparison.first(apart, NAMED),
            )
        )
    lines += ["", _limits(sweep, entries)]
    return "\n".join(lines)


def _limits(sweep: Sweep, entries: list[Entry]) -> str:
    if sweep.sample:
        return _(
            "**The runs used sample data**: this shows that the sweep works, and nothing can be"
            " concluded about the real data set or the models."
        )
    sentences = []
    if len(sweep.seeds) == 2:
        sentences.append(_("Two seeds are too few for a verdict on any difference."))
    elif len(sweep.seeds) > 2:
        sentences.append(
            _(
                "{seeds} are few: an effect that is not supported may be there all the same.",
                seeds=count(len(sweep.seeds), "seed"),
            )
        )
    if any(entry.result.evaluated == "validation" for entry in entries):
        sentences.append(
            _(
                "The validation images also chose the epoch; accuracies on them are on the high"
                " side."
            )
        )
    if sweep.settings:
        sentences.append(
            _(
                "The runs have settings of their own, so that nothing follows for the experiments"
                " as published."
            )
        )
    return " ".join(sentences)


def _span(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"{min(values)}\u2013{max(values)}"

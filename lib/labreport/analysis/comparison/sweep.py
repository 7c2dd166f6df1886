"""The comparison of a sweep: every configuration over its seeds, against the base."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...core.i18n import N_, _, count, number, percent
from ...studies.sweeps import Sweep
from .. import figures
from ..figures import Picture, Table
from . import (
    contrasts,
    loss_kinds,
    scores,
    sweep_conclusion,
    sweep_differences,
    sweep_method,
    wording,
)
from .comparison import TESTED, Comparison
from .runs import MOST_LINES, Panels, in_panels, panels_by_model, validation_images
from .scores import FEWEST_SEEDS, Basis, Score

MOST_MISSING = 12  # runs that are named; the others are counted


@dataclass(frozen=True)
class SweepComparison(Comparison):
    """What a report says of the configurations of a sweep."""

    study: Sweep

    @functools.cached_property
    def scores(self) -> list[Score]:
        """Configurations with a finished run, the best mean first."""
        return scores.scores(self.study, self.runs)

    @functools.cached_property
    def missing(self) -> list[str]:
        """Runs that are not finished, or would be made otherwise today."""
        return [
            self.study.label(run.experiment)
            for run in self.study.runs
            if run.metrics is None or run.outdated
        ]

    def standing(self) -> str:
        text = _(
            "{finished} of {runs} are finished ({configurations} with {seeds} each).",
            finished=len(self.study.runs) - len(self.missing),
            runs=count(len(self.study.runs), "run"),
            configurations=count(len(self.study.configurations), "configuration"),
            seeds=count(len(self.study.seeds), "seed"),
        )
        return f"{text} " + (
            _(
                "**Missing or outdated:** {named}.",
                named=wording.first(self.missing, MOST_MISSING),
            )
            if self.missing
            else _("Settings, source and versions are up to date.")
        )

    def overview(self) -> Table:
        """A row a configuration, the best mean first."""
        rows, seeds = [], len(self.study.seeds)
        for rank, score in enumerate(self.scores, 1):
            interval = score.interval()
            metrics = [run.result.metrics for run in score.runs.values()]
            deviation = score.accuracies.std(ddof=1) if len(metrics) > 1 else None
            rows.append(
                {
                    N_("Rank"): rank,
                    N_("Configuration"): (
                        _("{label} (base)", label=score.label)
                        if score.label == self.study.base
                        else score.label
                    ),
                    N_("Runs"): _("{some} of {all}", some=len(score.runs), all=seeds),
                    N_("Mean"): number(100 * score.mean, 1),
                    N_("SD"): None if deviation is None else number(100 * deviation, 1),
                    N_("95 % interval"): wording.interval(*interval) if interval else None,
                    N_("Best epoch"): _span([run.best_epoch for run in metrics]),
                    N_("Parameters"): metrics[0].total_parameters,
                    N_("Seconds"): round(np.mean([run.seconds for run in metrics])),
                }
            )
        return Table(pd.DataFrame(rows, dtype=object), sweep_method.overview(self.basis))

    def test_table(self) -> Table | None:
        if not self.has_test:
            return None
        rows = []
        for score in sorted(self.scores, key=lambda score: self._place(score.label)):
            runs = [run for run in score.runs.values() if run.result.evaluated == "test"]
            if not runs:
                continue
            found = scores.on_test_images(runs)
            rows.append(
                {
                    N_("Configuration"): score.label,
                    N_("Runs"): len(runs),
                    N_("Test"): percent(found.value),
                    N_("95 % interval"): (
                        None if np.isnan(found.low) else wording.interval(*found.between(0))
                    ),
                    N_("Loss"): number(
                        float(np.mean([run.result.metrics.evaluated_loss for run in runs])), 2
                    ),
                }
            )
        return Table(pd.DataFrame(rows, dtype=object), TESTED)

    def _place(self, label: str) -> int:
        return [configuration.label for configuration in self.study.configurations].index(label)

    def exceptions(self) -> Table | None:
        rows = [
            {
                N_("Run"): self.study.label(run.experiment),
                N_("Outdated because"): wording.first(run.outdated),
            }
            for run in self.study.runs
            if run.outdated
        ]
        caption = N_("Runs that are outdated or whose settings differ from their parameter file.")
        return Table(rows, caption) if rows else None

    def panels(self) -> Panels:
        """With several seeds the mean history as far as all went, with the lowest and highest.

        Of many configurations the best and the base: what cannot be distinguished need not be
        drawn.
        """
        drawn, which = self._drawn()
        if len(self.study.seeds) == 1:
            runs = [run for score in drawn for run in score.runs.values()]
            shown = panels_by_model(self.study.name, runs)
            return {
                f"{title}: {which}" if which else title: lines for title, lines in shown.items()
            }
        title = _("mean over seeds") + (f": {which}" if which else "")
        return in_panels(title, {score.label: _mean_history(score) for score in drawn})

    def about_losses(self) -> str:
        return loss_kinds.about(
            {score.label: next(iter(score.runs.values())) for score in self.scores}
        )

    def _drawn(self) -> tuple[list[Score], str]:
        """The configurations whose curves are drawn, and in words which of many these are."""
        if len(self.scores) <= 2 * MOST_LINES:
            return self.scores, ""
        best = [score for score in self.scores if score.label != self.study.base][: MOST_LINES - 1]
        with_base = [
            score for score in self.scores if score in best or score.label == self.study.base
        ]
        counts = {"best": len(best), "all": len(self.scores)}
        return with_base, (
            _("the best {best} of {all}, and the base", **counts)
            if len(with_base) > len(best)
            else _("the best {best} of {all}", **counts)
        )

    def common_settings(self) -> Table:
        """The settings that no configuration varies, as rows of a setting and its value."""
        flat = [configuration.settings for configuration in self.study.configurations]
        shared = {
            key: value
            for key, value in flat[0].items()
            if all(settings.get(key) == value for settings in flat)
        }
        rows = [
            {N_("Setting"): key, N_("Value"): wording.setting(value)}
            for key, value in shared.items()
        ]
        return Table(rows, N_("Settings that all configurations share."))

    def own_settings(self) -> list[Table | Picture]:
        """A row a configuration with its differences from the base, and its mean; and a figure of
        each setting's effect, where a grid varies several.
        """
        base, rows = self.study.base_configuration.settings, []
        means = {score.label: number(100 * score.mean, 1) for score in self.scores}
        for configuration in self.study.configurations:
            flat = configuration.settings
            own = [
                (
                    f"{key.split('.')[-1]} {wording.setting(flat[key])}"
                    if key in flat
                    else _("no {setting}", setting=key.split(".")[-1])
                )
                for key in base | flat
                if base.get(key) != flat.get(key)
            ]
            rows.append(
                {
                    N_("Configuration"): configuration.label,
                    N_("Differs from the base in"): "; ".join(own)
                    or _("nothing (this is the base)"),
                    N_("Mean accuracy"): means.get(configuration.label),
                }
            )
        shown: list[Table | Picture] = [Table(rows, N_("The varied settings and their accuracy."))]
        effects = self.effects()
        return [*shown, figures.effects(effects)] if effects else shown

    def effects(self) -> dict[str, pd.DataFrame]:
        """Means by the values of each setting that a grid varies: setting -> value, label,
        accuracy.

        Left out are settings with a value that stands in one configuration alone, and those that
        follow from another one (an image size that goes with the model).
        """
        means = {score.label: score.mean for score in self.scores}
        flat = {
            configuration.label: configuration.settings
            for configuration in self.study.configurations
            if configuration.label in means
        }
        varied: dict[str, Any] = {}
        for key in dict.fromkeys(key for settings in flat.values() for key in settings):
            values = [settings.get(key) for settings in flat.values()]
            texts = [wording.setting(value) for value in values]
            follows = any(_decides(table["value"], texts) for table in varied.values())
            if len(set(texts)) > 1 and min(map(texts.count, texts)) > 1 and not follows:
                varied = {
                    name: table
                    for name, table in varied.items()
                    if not _decides(texts, table["value"])
                }
                varied[key] = pd.DataFrame(
                    {
                        "value": texts,
                        "label": flat.keys(),
                        "accuracy": [means[label] for label in flat],
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

    @property
    def basis(self) -> Basis:
        """What the finished runs allow to be said."""
        return self.scores[0].basis

    def method(self) -> str:
        return sweep_method.method(self.study, self.basis)

    @functools.cached_property
    def judged(self) -> pd.DataFrame:
        """What the differences came to; empty as long as runs are missing. The sweep remembers that
        it was asked.
        """
        table = contrasts.differences(self.study, self.scores)
        if self.missing:
            return table[:0]
        if table["p"].notna().any() and len(self.study.seeds) >= FEWEST_SEEDS:
            self.study.remember_look()
        return table

    def differences(self) -> list[Table | Picture]:
        """Figures and tables; none as long as runs are missing."""
        table = self.judged
        if table.empty:
            return []
        over = validation_images(self.runs)
        if len(self.study.seeds) > 1:
            over = _(
                "{seeds} and {images}", seeds=count(len(self.study.seeds), "seed"), images=over
            )
        return sweep_differences.shown(self.study, table, over, self.basis)

    def conclusion(self) -> str:
        if self.missing:
            return _(
                "**No verdict yet.** Missing or outdated: {missing} of {runs} ({named}). `make"
                " sweep NAME={sweep}`, with the same SET and DATA, runs them.",
                missing=len(self.missing),
                runs=count(len(self.study.runs), "run"),
                named=wording.first(self.missing, MOST_MISSING),
                sweep=self.study.name,
            )
        return sweep_conclusion.conclusion(self.study, self.scores, self.runs, self.judged)


def _mean_history(score: Score) -> tuple[pd.DataFrame, int]:
    """Mean history of a configuration, with the lowest and the highest of its runs as low_... and
    high_...; and the epoch of the best mean validation accuracy.
    """
    columns = [*figures.QUANTITIES]
    histories = pd.concat([run.result.history[["epoch", *columns]] for run in score.runs.values()])
    by_epoch = histories.groupby("epoch")[columns]
    # as far as every seed went: a mean of the rest would jump
    shared = (by_epoch.size() == len(score.runs)).to_numpy()
    mean = pd.concat(
        [
            by_epoch.mean()[shared],
            by_epoch.min()[shared].add_prefix("low_"),
            by_epoch.max()[shared].add_prefix("high_"),
        ],
        axis=1,
    ).reset_index()
    return mean, int(mean["val_accuracy"].to_numpy().argmax()) + 1


def _decides(first, second) -> bool:
    """Whether each value of the first setting goes with one value of the second."""
    return len(set(zip(first, second))) == len(set(first))


def _span(values: list[int]) -> str:
    return str(values[0]) if len(set(values)) == 1 else f"{min(values)}\u2013{max(values)}"

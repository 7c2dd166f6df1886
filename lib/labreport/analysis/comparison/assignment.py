"""The comparison of an assignment: every experiment once, the best against all others."""

import json
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from ...config import experiments
from ...core.i18n import N_, _, count, percent
from ...studies.assignments import Assignment
from ...studies.study import Run
from .. import figures, statistics
from ..figures import Picture, Table
from . import assignment_conclusion, groups, wording
from .comparison import Comparison
from .runs import ComparedRun, Panels, evaluated_images, panels_by_model

OVERVIEW = N_(
    "Accuracies of the experiments at the best epoch, in percent. The 95 % confidence interval"
    " (Wilson) is that of the test accuracy or, without a test split, of the validation accuracy."
)
METHOD = N_(
    "The best run is compared with every other run evaluated on the same images. Let $b$ be the"
    " number of images that only the best run classifies correctly, and $c$ the number that only"
    " the other run does. With $n$ images in all, the difference of the accuracies is $(b - c) /"
    " n$. Its 95 % confidence interval is Wald's, with half an image added to each of the four"
    " counts (Agresti and Min, 2005). $p$ is that of McNemar's exact test, adjusted by Holm's"
    " method (1979) for all comparisons in a table. A difference counts as supported if the"
    " interval excludes zero and the adjusted $p$ is below 0.05."
)
NOT_COMPARED = (*experiments.DESCRIPTION, *experiments.REHEARSAL)
_ABSENT = object()


@dataclass(frozen=True)
class AssignmentComparison(Comparison):
    """What a report says of the experiments of an assignment."""

    study: Assignment

    def standing(self) -> str:
        names = {
            state: [
                self.study.label(run.experiment) for run in self.study.runs if state in run.state
            ]
            for state in ("missing", "outdated", "short")
        }
        finished = len(self.study.runs) - len(names["missing"])
        counts = {
            "finished": finished,
            "experiments": count(len(self.study.runs), "experiment"),
        }
        sentences = [
            (
                _("{finished} of {experiments} has a finished run.", **counts)
                if finished == 1
                else _("{finished} of {experiments} have a finished run.", **counts)
            )
        ]
        if names["missing"]:
            sentences.append(_("**Missing:** {named}.", named=", ".join(names["missing"])))
        if names["outdated"]:
            sentences.append(
                _(
                    "**Outdated**, because settings, code, versions or files have changed since"
                    " the run (changes of the data are not checked): {named}.",
                    named=", ".join(names["outdated"]),
                )
            )
        if names["short"]:
            sentences.append(
                _(
                    "**Short**, with settings that differ from the parameter file: {named}.",
                    named=", ".join(names["short"]),
                )
            )
        if not any(names.values()):
            sentences.append(
                _(
                    "All runs used the settings of their parameter files; settings, source code and"
                    " versions are up to date."
                )
            )
        return " ".join(sentences)

    def overview(self) -> Table:
        """A row an experiment, those without a run too: parameters, best epoch, accuracies, the
        last one's interval, the published value, seconds.

        Accuracies are of the best epoch; the interval, in percent, is that of the evaluated split.
        """
        by_name = {run.run.experiment.name: run for run in self.runs}
        tested = any(run.result.evaluated == "test" for run in self.runs)
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
        rows = [
            self._overview_row(run, by_name.get(run.experiment.name), tested)
            for run in self.study.runs
        ]
        table = [{column: row.get(column) for column in columns} for row in rows]
        return Table(pd.DataFrame(table, dtype=object), OVERVIEW)

    def _overview_row(self, run: Run, finished: ComparedRun | None, tested: bool) -> dict:
        published = run.experiment.published
        state = "" if run.state == "complete" else f" ({wording.state(run.state)})"
        row = {
            "Experiment": self.study.label(run.experiment) + state,
            "Parameters": published["total_parameters"],
            "Published": _published_accuracy(published, tested),
        }
        if not finished:
            return row
        metrics = finished.result.metrics
        low, high = statistics.wilson(int(finished.correct.sum()), len(finished.correct))
        return row | {
            "Parameters": metrics.total_parameters,
            "Best epoch": metrics.best_epoch,
            "Training": percent(metrics.train_accuracy),
            "Validation": percent(metrics.validation_accuracy),
            finished.result.evaluated.capitalize(): percent(finished.accuracy),
            "95 % interval": wording.interval(low, high),
            "Seconds": round(metrics.seconds),
        }

    def exceptions(self) -> Table | None:
        rows = []
        for run in self.study.runs:
            if run.metrics and run.state != "complete":
                changes = [
                    f"{key} = {wording.setting(value)}"
                    for key, value in run.experiment.changes.items()
                ]
                rows.append(
                    {
                        N_("Experiment"): self.study.label(run.experiment),
                        N_("Changed settings"): wording.first(changes) or None,
                        N_("Outdated because"): wording.first(run.outdated) or None,
                    }
                )
        caption = N_("Runs that are outdated or whose settings differ from their parameter file.")
        return Table(rows, caption) if rows else None

    def panels(self) -> Panels:
        return panels_by_model(self.study.name, self.runs)

    def common_settings(self) -> Table:
        """The settings that more than half of the experiments share, as rows of a setting, its
        value and who has it.
        """
        settings, rows = _settings(self.study), []
        for key, value in _usual(settings).items():
            sharing = sum(flat.get(key, _ABSENT) == value for flat in settings.values())
            rows.append(
                {
                    N_("Setting"): key,
                    N_("Value"): wording.setting(value),
                    N_("Experiments"): (
                        _("all")
                        if sharing == len(settings)
                        else _("{some} of {all}", some=sharing, all=len(settings))
                    ),
                }
            )
        return Table(rows, N_("Settings that more than half of the experiments share."))

    def own_settings(self) -> list[Table | Picture]:
        """What each experiment sets otherwise than most do: rows of an experiment and its
        settings.
        """
        settings = _settings(self.study)
        usual = _usual(settings)
        rows = []
        for label, flat in settings.items():
            own = [
                f"{key} {wording.setting(value)}"
                for key, value in flat.items()
                if usual.get(key, _ABSENT) != value
            ]
            own += [_("no {setting}", setting=key) for key in usual if key not in flat]
            rows.append({N_("Experiment"): label, N_("Own settings"): "; ".join(own) or _("none")})
        return [Table(rows, N_("Settings of each experiment that differ from the common ones."))]

    def method(self) -> str:
        return _(METHOD)

    def differences(self) -> list[Table | Picture]:
        """A figure and a table of each group of runs that answered for the same images."""
        shown: list[Table | Picture] = []
        for group in groups.groups(self.runs):
            if len(group) > 1:
                best, images = group[0].label, evaluated_images(group)
                caption = _(
                    "How far the other runs are behind {best} on the {images}, in percentage"
                    " points of accuracy.",
                    best=best,
                    images=images,
                )
                shown += [
                    figures.leads(groups.differences(group), best, images),
                    Table(groups.differences_table(group), caption),
                ]
        return shown

    def conclusion(self) -> str:
        return assignment_conclusion.conclusion(self.runs)


def _published_accuracy(published: dict, tested: bool) -> str | None:
    if tested and published["test_accuracy"] is not None:
        return percent(published["test_accuracy"])
    value = published["validation_accuracy"]
    return None if value is None else percent(value) + (_(" (val.)") if tested else "")


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
    short = {key: key.split(".")[-1] if last[key.split(".")[-1]] == 1 else key for key in full}
    return {
        label: {short[key]: value for key, value in values.items() if value != {}}
        for label, values in flat.items()
    }


def _usual(settings: dict[str, dict]) -> dict:
    """Settings and values that more than half of the experiments have."""
    usual = {}
    for key in dict.fromkeys(key for flat in settings.values() for key in flat):
        text, sharing = Counter(
            json.dumps(flat[key]) for flat in settings.values() if key in flat
        ).most_common(1)[0]
        if 2 * sharing > len(settings):
            usual[key] = json.loads(text)
    return usual

"""The comparison of an assignment: every experiment once, the best against all others."""

import json
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from ...config import experiments
from ...core.i18n import N_, _, count, number, percent
from ...studies.assignments import Assignment
from ...studies.study import Run
from .. import figures, statistics
from ..figures import Picture, Table
from . import assignment_conclusion, groups, loss_kinds, wording
from .comparison import TESTED, Comparison
from .runs import ComparedRun, Panels, panels_by_model, validation_images

OVERVIEW = N_(
    "Accuracies of the experiments, in percent: of training and validation at the best epoch, and"
    " the validation accuracy cross-fitted over the choice of the epoch, with its 95 % confidence"
    " interval (Wilson [@wilson1927])."
)
METHOD = N_(
    "Each experiment was run once, so trained networks are compared, and not experiments. The best"
    " network is compared with every other one that was evaluated on the same images, image by"
    " image. The 95 % interval and $p$ are those of the mean difference over the images, with $p$"
    " adjusted by Holm's method [@holm1979] for all pairs of networks, since the best one was not"
    " known before. They say how sure it is that one network does better than the other on images"
    " like these."
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
        """A row an experiment, those without a run too."""
        by_name = {run.run.experiment.name: run for run in self.runs}
        columns = [
            N_("Experiment"),
            N_("Parameters"),
            N_("Best epoch"),
            N_("Training"),
            N_("Validation"),
            N_("Cross-fitted"),
            N_("95 % interval"),
            *[N_("Published")] * (not self.has_test),
            N_("Seconds"),
        ]
        rows = [
            self._overview_row(run, by_name.get(run.experiment.name)) for run in self.study.runs
        ]
        table = [{column: row.get(column) for column in columns} for row in rows]
        return Table(pd.DataFrame(table, dtype=object), OVERVIEW)

    def _overview_row(self, run: Run, finished: ComparedRun | None) -> dict:
        published = run.experiment.published
        row = {
            "Experiment": self._label(run),
            "Parameters": published["total_parameters"],
            "Published": _published_accuracy(published, "validation"),
        }
        if not finished:
            return row
        metrics = finished.result.metrics
        row |= {
            "Parameters": metrics.total_parameters,
            "Best epoch": metrics.best_epoch,
            "Training": percent(metrics.train_accuracy),
            "Validation": percent(metrics.validation_accuracy),
            "Seconds": round(metrics.seconds),
        }
        if finished.crossfitted is not None:
            row["Cross-fitted"] = percent(finished.chosen_by)
            row["95 % interval"] = wording.interval(
                *statistics.wilson_of_scores(finished.crossfitted)
            )
        return row

    def _label(self, run: Run) -> str:
        state = "" if run.state == "complete" else f" ({wording.state(run.state)})"
        return self.study.label(run.experiment) + state

    def test_table(self) -> Table | None:
        if not self.has_test:
            return None
        by_name = {run.run.experiment.name: run for run in self.runs}
        rows = []
        losses_published = any("test_loss" in run.experiment.published for run in self.study.runs)
        for run in self.study.runs:
            finished, published = by_name.get(run.experiment.name), run.experiment.published
            row = {
                N_("Experiment"): self._label(run),
                N_("Test"): None,
                N_("95 % interval"): None,
                N_("Published"): _published_accuracy(published, "test"),
                N_("Loss"): None,
            }
            if losses_published:
                loss = published.get("test_loss")
                row[N_("Published loss")] = None if loss is None else number(loss, 2)
            if finished and finished.result.evaluated == "test":
                row["Test"] = percent(finished.accuracy)
                row["95 % interval"] = wording.interval(*finished.interval)
                row["Loss"] = number(finished.result.metrics.evaluated_loss, 2)
            rows.append(row)
        return Table(pd.DataFrame(rows, dtype=object), TESTED)

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

    def about_losses(self) -> str:
        return loss_kinds.about({run.label: run for run in self.runs})

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
                best, images = group[0].label, validation_images(group)
                caption = _(
                    "How far the other runs are behind {best} on the {images}, in percentage"
                    " points of accuracy. Each interval is that of one comparison alone.",
                    best=best,
                    images=images,
                )
                shown += [
                    figures.leads(groups.differences(group), best, images, networks=True),
                    Table(groups.differences_table(group), caption),
                ]
        return shown

    def conclusion(self) -> str:
        return assignment_conclusion.conclusion(self.study, self.runs)


def _published_accuracy(published: dict, split: str) -> str | None:
    """The published accuracy on a split, or on the validation split where there is no other."""
    value, other = (published[f"{name}_accuracy"] for name in (split, "validation"))
    if value is not None:
        return percent(value)
    return None if other is None else percent(other) + _(" (val.)")


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

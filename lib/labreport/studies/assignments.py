"""Assignments: a notebook each, the experiments that name it, and the runs that stand for them in
its comparison.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import experiments
from ..config.experiments import COMPARISON, Experiment
from ..config.schema import nearest, quoted
from ..core import paths
from ..core.i18n import _, count, current_language
from ..runs import fingerprint, manifest, records, state

READ = ("metrics.json", "history.csv", "predictions.csv")  # what a comparison reads of a run
# what a finished run has; `results.FILES` are the same, one floor above
FINISHED = (*READ, "model.keras", "provenance.json")


@dataclass(frozen=True)
class Run:
    """What stands for an experiment in a comparison.

    experiment: with the settings of the run. metrics: None where no run is finished. outdated: why
    the run would be done otherwise today, empty where it would not. short: it is a run with
    settings of its own, since there is none as in the file.
    """

    experiment: Experiment
    metrics: dict | None
    outdated: list[str]
    short: bool = False

    @property
    def state(self) -> str:
        """missing, complete, short, outdated, or short and outdated."""
        if self.metrics is None:
            return "missing"
        return (
            " and ".join([*["short"] * self.short, *["outdated"] * bool(self.outdated)])
            or "complete"
        )


@dataclass(frozen=True)
class Assignment:
    """The experiments of one notebook, each with its run. settings: of the runs that stand in where
    a full one is missing.
    """

    name: str
    heading: str
    settings: dict
    runs: list[Run]
    changes: dict

    notebook = COMPARISON

    @property
    def run_name(self) -> str:
        """Name of the comparison's folder, as runs are named:
        `flowers_comparison--sample--epochs-1`.
        """
        return replace(
            self.runs[0].experiment, name=f"{self.name}_{COMPARISON}", changes=self.changes
        ).run_name

    @property
    def folder(self) -> Path:
        """Path of the comparison's folder."""
        return paths.reports() / self.run_name

    @property
    def finished(self) -> list[Run]:
        """The runs there are; ValueError where there is none."""
        found = [run for run in self.runs if run.metrics]
        if not found:
            where = " with these settings" if self.settings else ""
            raise ValueError(
                f"no experiment of {self.name} has a finished run{where} to compare; make one"
                f" (python pipeline.py report {self.runs[0].experiment.name}) or all of them"
                f" (python pipeline.py all {self.name}), with the same --data and --set"
            )
        return found

    @property
    def sample(self) -> bool:
        """Whether any of the runs used sample data."""
        return any(run.metrics["data"] == "sample" for run in self.runs if run.metrics)

    def label(self, experiment: Experiment) -> str:
        """An experiment's name without the assignment's in front."""
        return experiment.name.removeprefix(f"{self.name}_")

    def _repr_mimebundle_(self, include=None, exclude=None):
        finished, asked = (
            self.finished,
            ", ".join(f"{key} = {quoted(value)}" for key, value in self.settings.items()),
        )
        title = _(
            "{assignment}: comparison of {experiments}",
            assignment=self.heading.split(":")[0],
            experiments=count(len(self.runs), "experiment"),
        )
        question = _(
            "Which experiment classifies best, and which differences are more than chance?"
        )
        fields = [
            [
                _("Runs"),
                _(
                    "{finished} of {experiments} finished",
                    finished=len(finished),
                    experiments=count(len(self.runs), "experiment"),
                ),
            ]
        ]
        fields += (
            [
                [
                    _("Settings"),
                    _("where there is no run as in the parameter file: {asked}", asked=asked),
                ]
            ]
            if asked
            else []
        )
        return title_block(self, title, question, fields)


def title_block(compared, title: str, question: str, fields: list[list[str]]) -> dict:
    """What a notebook displays of runs that are compared, for the report's title and for a person.
    compared: an Assignment or a Sweep.
    """
    lines = [f"**{title}**", question]
    if compared.sample:
        lines.append(
            _(
                "**Sample data.** Images of some runs are drawn by the program; their numbers say"
                " nothing about the real data set."
            )
        )
    return {
        "application/vnd.labreport.report+json": {
            "title": title,
            "question": question,
            "experiment": compared.run_name.split("--")[0],
            "sample": compared.sample,
            "language": current_language(),
            "fields": fields,
        },
        "text/markdown": "\n\n".join([*lines, *(f"{key}: {value}." for key, value in fields)]),
        "text/plain": f"{title}: {question}",
    }


def names() -> list[str]:
    """The assignments there are: the notebooks but the one that compares."""
    return experiments.assignments()


def compared(name: str) -> str | None:
    """The assignment that `flowers_comparison` compares; None where the name is not one of a
    comparison.
    """
    assignment = name.removesuffix(f"_{COMPARISON}")
    return (
        assignment
        if assignment != name and name not in experiments.names() and assignment in names()
        else None
    )


def members(name: str) -> list[Experiment]:
    """The experiments of an assignment, as their files say; ValueError where there is none or a
    file is wrong.
    """
    known = names()
    if name not in known:
        raise ValueError(
            f"there is no assignment {name!r}{nearest(name, known)}; there are {', '.join(known)}"
        )
    found = [
        experiment
        for experiment in map(experiments.load, experiments.names())
        if experiment.notebook == name
    ]
    if not found:
        raise ValueError(
            f"{name} has no experiment yet: no file in {paths.display(paths.params())}/ says"
            f" `notebook: {name}`"
        )
    return found


def load(name: str, settings: Mapping | None = None) -> Assignment:
    """An assignment and its runs: for each experiment the one as in its file, else the one with
    these settings, else none.

    Reads parameter files and metrics.json, no data. Raises ValueError for an unknown assignment, or
    settings that no experiment takes.
    """
    experiments_there = members(name)
    own = settings_of_each(experiments_there, settings or {})
    changed = (
        {
            experiment.name: experiments.load(experiment.name, own[experiment.name])
            for experiment in experiments_there
        }
        if settings
        else {}
    )
    changes = {
        key: value for experiment in changed.values() for key, value in experiment.changes.items()
    }
    return Assignment(
        name,
        _heading(name),
        dict(settings or {}),
        [run_of(experiment, changed.get(experiment.name)) for experiment in experiments_there],
        changes,
    )


def settings_of_each(experiments_there: list[Experiment], settings: Mapping) -> dict[str, dict]:
    """For each experiment, by name, the settings it takes: `weights` is nothing to a model that has
    none. ValueError for one that nobody takes.
    """
    for key in settings:
        if not any(experiments.takes(experiment, key) for experiment in experiments_there):
            # raises, with the nearest name
            experiments.load(experiments_there[0].name, {key: settings[key]})
    return {
        experiment.name: {
            key: value for key, value in settings.items() if experiments.takes(experiment, key)
        }
        for experiment in experiments_there
    }


def run_of(experiment: Experiment, changed: Experiment | None = None) -> Run:
    """What stands for an experiment: its finished run, else that of `changed`, else none."""
    for candidate in filter(None, (experiment, changed)):
        state.fetch(candidate.folder)
        metrics = records.metrics(candidate.folder)
        if metrics and all((candidate.folder / file).exists() for file in FINISHED):
            now = fingerprint.of(candidate, metrics["dataset"]["fingerprint"])
            outdated = fingerprint.differences(metrics["identity"], now)
            outdated += [
                _("{name} was changed after it was executed", name=name)
                for name in manifest.changed(candidate.folder, manifest.TRAINED)
            ]
            return Run(candidate, metrics, outdated, short=bool(candidate.changes))
    return Run(experiment, None, [])


def _heading(name: str) -> str:
    """The first heading of the assignment's notebook, in the language that is spoken where there is
    one.
    """
    cells = notebook(name)["cells"]
    cells.sort(key=lambda cell: current_language() not in cell["metadata"].get("tags", []))
    lines = [
        line
        for cell in cells
        if cell["cell_type"] == "markdown"
        for line in "".join(cell["source"]).splitlines()
    ]
    return next((line[2:].strip() for line in lines if line.startswith("# ")), name)


def notebook(name: str) -> dict:
    """A notebook of this project as JSON; ValueError where the file is none."""
    file = paths.notebooks() / f"{name}.ipynb"
    where = paths.display(file)
    try:
        found = json.loads(file.read_text("utf-8"))
        for cell in found["cells"]:
            tags, text = cell["metadata"].get("tags", []), "".join(cell["source"])
            if (
                not isinstance(cell["cell_type"], str)
                or not isinstance(tags, list)
                or not isinstance(text, str)
            ):
                raise TypeError(f"a cell holds {quoted(cell)[:60]}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{where} cannot be read as a notebook ({str(error) or type(error).__name__}); "
            f"put it back as it was: git checkout {where}"
        ) from None
    return found

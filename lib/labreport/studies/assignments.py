"""Assignments: a notebook each, and the experiments that name it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import experiment_files, experiments
from ..config.experiment_files import COMPARISON
from ..config.experiments import Experiment
from ..config.schema import nearest, quoted
from ..core import paths
from ..core.i18n import _, count, current_language
from .study import Study


@dataclass(frozen=True)
class Assignment(Study):
    """The experiments of one notebook, each with its run.

    heading: of the notebook. members: the experiments as in their files. substitutes: by name, the
    same with the settings; their runs stand in where a full one is missing.
    """

    heading: str
    members: list[Experiment]
    substitutes: dict[str, Experiment]

    @property
    def candidates(self) -> list[list[Experiment]]:
        return [
            [member, *filter(None, [self.substitutes.get(member.name)])] for member in self.members
        ]

    @property
    def folder_name(self) -> str:
        return f"{self.name}_{COMPARISON}"

    @property
    def file(self) -> Path | None:
        return None

    @property
    def one_run_each(self) -> bool:
        return True

    @property
    def wording(self) -> list[str]:
        return [self.heading]

    def label(self, experiment: Experiment) -> str:
        """An experiment's name without the assignment's in front."""
        return experiment.name.removeprefix(f"{self.name}_")

    def _nothing_finished(self) -> str:
        where = " with these settings" if self.settings else ""
        return (
            f"no experiment of {self.name} has a finished run{where} to compare; make one"
            f" (python pipeline.py report {self.members[0].name}) or all of them"
            f" (python pipeline.py all {self.name}), with the same --data and --set"
        )

    def _title_block(self) -> tuple[str, str, list[list[str]]]:
        experiments = count(len(self.runs), "experiment")
        settings = ", ".join(f"{key} = {quoted(value)}" for key, value in self.settings.items())
        fields = [
            [
                _("Runs"),
                _(
                    "{finished} of {experiments} finished",
                    finished=len(self.finished),
                    experiments=experiments,
                ),
            ]
        ]
        if settings:
            text = _(
                "for experiments without a run that uses the parameter file: {settings}",
                settings=settings,
            )
            fields.append([_("Settings"), text])
        return (
            _(
                "{assignment}: comparison of {experiments}",
                assignment=self.heading.split(":")[0],
                experiments=experiments,
            ),
            _("Which experiment classifies best, and which differences are more than chance?"),
            fields,
        )


def names() -> list[str]:
    """The assignments there are: the notebooks but the one that compares."""
    return experiment_files.assignments()


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
    experiments_of_it = [
        experiment
        for experiment in map(experiments.load, experiments.names())
        if experiment.notebook == name
    ]
    if not experiments_of_it:
        raise ValueError(
            f"{name} has no experiment yet: no file in {paths.display(paths.params())}/ has"
            f" `notebook: {name}`"
        )
    return experiments_of_it


def load(name: str, settings: Mapping | None = None) -> Assignment:
    """An assignment with its experiments: as in their files, else with these settings.

    Raises:
        ValueError: the assignment is not known, or no experiment takes one of the settings.
    """
    as_in_files = members(name)
    own = settings_of_each(as_in_files, settings or {})
    substitutes = {
        member.name: experiments.load(member.name, own[member.name])
        for member in (as_in_files if settings else ())
    }
    changes = {
        key: value
        for substitute in substitutes.values()
        for key, value in substitute.changes.items()
    }
    return Assignment(name, dict(settings or {}), changes, _heading(name), as_in_files, substitutes)


def settings_of_each(chosen: list[Experiment], settings: Mapping) -> dict[str, dict]:
    """For each experiment, by name, the settings it takes: `weights` is nothing to a model that has
    none. ValueError for one that nobody takes.
    """
    for key in settings:
        if not any(experiments.takes(experiment, key) for experiment in chosen):
            # raises, with the nearest name
            experiments.load(chosen[0].name, {key: settings[key]})
    return {
        experiment.name: {
            key: value for key, value in settings.items() if experiments.takes(experiment, key)
        }
        for experiment in chosen
    }


def _heading(name: str) -> str:
    """The first heading of the assignment's notebook, in the current language if there is one."""
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
        notebook_json = json.loads(file.read_text("utf-8"))
        for cell in notebook_json["cells"]:
            tags, text = cell["metadata"].get("tags", []), "".join(cell["source"])
            if (
                not isinstance(cell["cell_type"], str)
                or not isinstance(tags, list)
                or not isinstance(text, str)
            ):
                raise TypeError(f"a cell holds {quoted(cell)[:60]}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(
            f"{where} cannot be read as a notebook ({str(error) or type(error).__name__}); restore"
            f" it: git checkout {where}"
        ) from None
    return notebook_json

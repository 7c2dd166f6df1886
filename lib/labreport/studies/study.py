"""What assignments and sweeps have in common: a question, and the runs that answer it."""

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from pathlib import Path

from ..config.experiment_files import COMPARISON
from ..config.experiments import Experiment
from ..core import paths
from ..core.i18n import _, current_language
from ..runs import fingerprint, manifest, records, results, state

# what a comparison reads of a run
READ = ("metrics.json", "history.csv", "predictions.csv", "validation.npz")
FINISHED = results.FILES


@dataclass(frozen=True)
class Run:
    """What stands for an experiment in a comparison.

    experiment: with the settings of the run. metrics: None where no run is finished. outdated: why
    the run would be done otherwise today, empty where it would not. short: it is a run with
    settings of its own, since there is none as in the file.
    """

    experiment: Experiment
    metrics: records.Metrics | None
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
class Study(ABC):
    """Runs that are compared in one report.

    name: of the assignment or the sweep. settings: of its runs, from the command line. changes:
    what these are in the name of a folder.
    """

    name: str
    settings: dict
    changes: dict

    notebook = COMPARISON

    @property
    @abstractmethod
    def candidates(self) -> list[list[Experiment]]:
        """For each run, the experiments that can stand for it; the first finished one does."""

    @property
    @abstractmethod
    def folder_name(self) -> str:
        """Name of its run folder, before what its settings add."""

    @property
    @abstractmethod
    def file(self) -> Path | None:
        """The parameter file that defines it, beside those of its experiments."""

    @property
    @abstractmethod
    def one_run_each(self) -> bool:
        """Whether each thing that is compared is run once, so that networks are compared."""

    @property
    @abstractmethod
    def wording(self) -> list[str]:
        """What a report quotes of it, besides its runs."""

    @abstractmethod
    def label(self, experiment: Experiment) -> str:
        """What a report calls a run."""

    @abstractmethod
    def _nothing_finished(self) -> str:
        """Why there is nothing to compare, and which command makes the runs."""

    @abstractmethod
    def _title_block(self) -> tuple[str, str, list[list[str]]]:
        """Title, question and fields (name, value) of the report's title block."""

    @property
    def run_name(self) -> str:
        """Name of its folder, as runs are named: `flowers_comparison--sample--epochs-1`."""
        [[experiment, *_], *_] = self.candidates
        return replace(experiment, name=self.folder_name, changes=self.changes).run_name

    @property
    def folder(self) -> Path:
        """Path of its folder, which holds its report."""
        return paths.reports() / self.run_name

    @functools.cached_property
    def runs(self) -> list[Run]:
        """What there is of each run, as it was at the first look."""
        return [run_of(*candidates) for candidates in self.candidates]

    @property
    def finished(self) -> list[Run]:
        """The finished runs; ValueError where there is none."""
        finished = [run for run in self.runs if run.metrics]
        if not finished:
            raise ValueError(self._nothing_finished())
        return finished

    @property
    def sample(self) -> bool:
        """Whether a finished run used sample data."""
        return any(run.metrics.data == "sample" for run in self.runs if run.metrics)

    def _repr_mimebundle_(self, include=None, exclude=None):
        title, question, fields = self._title_block()
        lines = [f"**{title}**", question]
        if self.sample:
            lines.append(
                _(
                    "**Sample data.** Images of some runs are drawn by the program; their numbers"
                    " say nothing about the real data set."
                )
            )
        return {
            "application/vnd.labreport.report+json": {
                "title": title,
                "question": question,
                "experiment": self.folder_name,
                "sample": self.sample,
                "language": current_language(),
                "fields": fields,
            },
            "text/markdown": "\n\n".join([*lines, *(f"{key}: {value}." for key, value in fields)]),
            "text/plain": f"{title}: {question}",
        }


def run_of(*candidates: Experiment) -> Run:
    """The first finished run of experiments that can stand for each other, else none."""
    for candidate in candidates:
        state.fetch(candidate.folder)
        metrics = records.metrics(candidate.folder)
        whole = metrics and records.provenance(candidate.folder)
        if metrics and whole and all((candidate.folder / file).exists() for file in FINISHED):
            now = fingerprint.of(candidate, metrics.dataset.fingerprint)
            outdated = fingerprint.differences(metrics.identity, now)
            outdated += [
                _("{name} was changed after it was executed", name=name)
                for name in manifest.changed(candidate.folder, manifest.TRAINED)
            ]
            return Run(candidate, metrics, outdated, short=bool(candidate.changes))
    return Run(candidates[0], None, [])

"""Sweeps: a file in params/sweeps/ that names a question, a base experiment, what to vary, and the
seeds to repeat it with.
"""

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..config import experiments
from ..config.experiment_files import SPLIT_SEED
from ..config.experiments import Experiment
from ..config.schema import nearest, quoted
from ..core import paths
from ..core.i18n import _, count
from . import assignments, looks, sweep_file
from .looks import Look
from .study import Study

LOCK = ".sweep.lock"  # in a sweep's folder
BASE, PAIRS, WITHIN = sweep_file.COMPARISONS  # what its report compares


@dataclass(frozen=True)
class Configuration:
    """One thing that is tried, with one experiment a seed. differences: from the base, as the file
    says them.
    """

    label: str
    differences: dict
    experiments: list[Experiment]

    @property
    def settings(self) -> dict:
        """What it sets, flat, without the seed."""
        return sweep_file.varied(self.experiments[0])


@dataclass(frozen=True)
class Sweep(Study):
    """A question and the runs that shall answer it. base: the configuration that the others are
    compared with; it is one of `configurations`. compare: BASE (all others with it), PAIRS (each
    with each) or WITHIN (each with each that has the same value of the setting `within`).
    """

    title: str
    question: str
    base: str
    seeds: list[int]
    configurations: list[Configuration]
    compare: str
    within: str

    @property
    def within_name(self) -> str:
        """The setting `within` as a report names it."""
        return self.within.split(".")[-1]

    @functools.cached_property
    def groups(self) -> dict[str, list[Configuration]]:
        """The configurations by their value of the setting `within`."""
        found: dict[str, list[Configuration]] = {}
        for configuration in self.configurations:
            value = configuration.settings.get(self.within, "none")
            name = value if isinstance(value, str) else quoted(value)
            found.setdefault(name, []).append(configuration)
        return found

    @functools.cached_property
    def varied_inside(self) -> list[str]:
        """The settings in which configurations of one group differ."""
        flat = [[one.settings for one in group] for group in self.groups.values()]
        keys = dict.fromkeys(key for group in flat for one in group for key in one)
        return [
            key
            for key in keys
            if any(len({repr(one.get(key)) for one in group}) > 1 for group in flat)
        ]

    @property
    def look(self) -> Look:
        """What its report gives verdicts on now."""
        labels = [configuration.label for configuration in self.configurations]
        return Look(
            frozenset(self.seeds), (f"{self.compare} {self.within}".strip(), self.base, *labels)
        )

    @functools.cached_property
    def looks(self) -> list[Look]:
        """What verdicts were given on before, and last that of now; ValueError where the record is
        damaged.
        """
        recorded = looks.recorded(self.folder)
        before = recorded[: recorded.index(self.look)] if self.look in recorded else recorded
        return [*before, self.look]

    def remember_look(self) -> None:
        """Keep that verdicts are given."""
        looks.remember(self.folder, self.look)

    @property
    def experiments(self) -> list[Experiment]:
        """All runs: every configuration with the first seed, then with the second, so that an early
        end leaves something to compare.
        """
        return [
            configuration.experiments[place]
            for place in range(len(self.seeds))
            for configuration in self.configurations
        ]

    @property
    def base_configuration(self) -> Configuration:
        """What the others are compared with."""
        return next(
            configuration
            for configuration in self.configurations
            if configuration.label == self.base
        )

    @property
    def candidates(self) -> list[list[Experiment]]:
        return [[experiment] for experiment in self.experiments]

    @property
    def folder_name(self) -> str:
        return self.name

    @property
    def file(self) -> Path:
        return _file(self.name)

    @property
    def one_run_each(self) -> bool:
        return len(self.seeds) == 1

    @property
    def wording(self) -> list[str]:
        labels = [configuration.label for configuration in self.configurations]
        looked_at = [repr([sorted(look.seeds), look.compared]) for look in self.looks]
        return [
            self.title,
            self.question,
            self.base,
            self.compare,
            self.within,
            *labels,
            *looked_at,
        ]

    def label(self, experiment: Experiment) -> str:
        """The configuration of a run, and its seed where there are several."""
        label = next(
            configuration.label
            for configuration in self.configurations
            if experiment in configuration.experiments
        )
        return (
            label
            if len(self.seeds) == 1
            else _("{label}, seed {seed}", label=label, seed=experiment.seed)
        )

    def _nothing_finished(self) -> str:
        return (
            f"no run of the sweep {self.name} is finished; make them: python pipeline.py sweep"
            f" {self.name}, with the same --data and --set"
        )

    def _title_block(self) -> tuple[str, str, list[list[str]]]:
        changed = ", ".join(f"{key} = {quoted(value)}" for key, value in self.settings.items())
        file = f"params/sweeps/{self.name}.yaml"
        finished = _(
            "{finished} of {runs} finished",
            finished=len(self.finished),
            runs=count(len(self.experiments), "run"),
        )
        settings = (
            _("{file}, but {changed}", file=file, changed=changed)
            if changed
            else _("as in {file}", file=file)
        )
        fields = [
            [_("Runs"), finished],
            [_("Base"), self.base],
            [_("Seeds"), ", ".join(map(str, self.seeds))],
            [_("Settings"), settings],
        ]
        return _(self.title), _(self.question), fields


def names() -> list[str]:
    """The sweeps there are: the files in params/sweeps/, by name."""
    return sorted(file.stem for file in (paths.params() / "sweeps").glob("*.yaml"))


def load(name: str, settings: Mapping | None = None) -> Sweep:
    """Read and check `params/sweeps/<name>.yaml`, and every one of its runs, with the settings of
    the command line on top.

    A run is the experiment whose parameter file it is nearest to, so that one that was made by that
    name is not made again. Raises ValueError saying what came, what was expected, and the file and
    line.
    """
    known = names()
    if name not in known:
        raise ValueError(
            f"there is no sweep {name!r}{nearest(name, known)}; "
            + (f"there are {', '.join(known)}" if known else "a sweep is a file in params/sweeps/")
        )
    file = _file(name)
    where = paths.display(file)
    values, line = sweep_file.read(name, file, where)
    settings = dict(settings or {})
    base, seeds = experiments.load(values["base"]), values["seeds"]
    tried = sweep_file.tried_configurations(base, seeds[0], values, line)
    if "seed" in settings:
        raise ValueError(f"--set seed: the sweep varies this setting; edit {where} instead")
    sweep_file.refuse_what_cannot_be_compared(base, tried, where)
    by_label = {
        label: [
            sweep_file.with_seed(f"{where}: {label}", base, differences, seed) for seed in seeds
        ]
        for label, (differences, _) in tried.items()
    }
    # raises where nobody takes one
    assignments.settings_of_each(
        [experiment for repeated in by_label.values() for experiment in repeated], settings
    )
    for differences, first_run in tried.values():
        varied = _changed(experiments.load(differences.get("experiment", base.name)), first_run)
        for key in settings:
            if _changed(first_run, _set(first_run, {key: settings[key]})) & varied:
                raise ValueError(
                    f"--set {key}: the sweep varies this setting; edit {where} instead"
                )
    neighbours = [neighbour for neighbour in _readable() if neighbour.notebook == base.notebook]
    configurations = [
        Configuration(
            label,
            tried[label][0],
            [_named(_set(experiment, settings), neighbours) for experiment in repeated],
        )
        for label, repeated in by_label.items()
    ]
    folders = [
        experiment.run_name
        for configuration in configurations
        for experiment in configuration.experiments
    ]
    twice = {folder for folder in folders if folders.count(folder) > 1}
    if twice:
        raise ValueError(
            f"{where}: with these settings some runs are identical: {', '.join(sorted(twice))}; do"
            " not set what the sweep varies"
        )
    compare, within = sweep_file.comparison(values, line, tried)
    changes = _set(base, settings).changes
    return Sweep(
        name,
        settings,
        changes,
        values["title"],
        values["question"],
        configurations[0].label,
        seeds,
        configurations,
        compare,
        within,
    )


def _file(name: str) -> Path:
    return paths.params() / "sweeps" / f"{name}.yaml"


def _set(experiment: Experiment, settings: Mapping) -> Experiment:
    """The experiment with those of the settings that it takes."""
    own = {key: value for key, value in settings.items() if experiments.takes(experiment, key)}
    return (
        experiments.load(experiment.name, experiment.training_settings() | own)
        if own
        else experiment
    )


def _changed(first: Experiment, second: Experiment) -> set[str]:
    """Settings of training in which two experiments differ."""
    flat, other_flat = (
        experiments.flatten(experiment.training_settings()) for experiment in (first, second)
    )
    return {key for key in flat | other_flat if flat.get(key) != other_flat.get(key)} - {"seed"}


def _readable() -> list[Experiment]:
    readable = []
    for name in experiments.names():
        try:
            readable.append(experiments.load(name))
        except ValueError:  # a broken file is nobody's neighbour
            continue
    return readable


def _named(experiment: Experiment, neighbours: list[Experiment]) -> Experiment:
    """The same training as the fewest changes to a parameter file, so that a run that was made by
    that name is not made again.
    """
    flat = experiments.flatten(experiment.training_settings())

    def distance(neighbour: Experiment) -> tuple[int, bool]:
        settings = experiments.flatten(neighbour.training_settings())
        return (
            sum(flat.get(key) != settings.get(key) for key in flat | settings),
            neighbour.name != experiment.name,
        )

    nearest = min(neighbours, key=distance)
    settings = experiment.training_settings()
    if nearest.file_seed != experiment.split_seed:  # its name alone would draw other splits
        settings["dataset_args"] = settings["dataset_args"] | {SPLIT_SEED: experiment.split_seed}
    return experiments.load(nearest.name, settings)


def described(sweep: Sweep) -> str:
    """`5 configurations with 3 seeds each: 15 runs`."""
    return (
        f"{count(len(sweep.configurations), 'configuration')} with"
        f" {count(len(sweep.seeds), 'seed')} each: {count(len(sweep.experiments), 'run')}"
    )

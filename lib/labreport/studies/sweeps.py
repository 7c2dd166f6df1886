"""Sweeps: a file in params/sweeps/ that names a question, a base experiment, what to vary, and the
seeds to repeat it with.
"""

import functools
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from ..config import experiments, yaml_reader
from ..config.experiments import Experiment
from ..config.schema import nearest, quoted, typed
from ..core import paths
from ..core.i18n import _, count
from . import assignments

LOCK = ".sweep.lock"  # in a sweep's folder
KEYS = {
    "title": "str",
    "question": "str",
    "base": "str",
    "seeds": "list[int]",
    "runs": "list",
    "grid": "dict",
}


@dataclass(frozen=True)
class Configuration:
    """One thing that is tried, with one experiment a seed. differences: from the base, as the file
    says them.
    """

    label: str
    differences: dict
    experiments: list[Experiment]


@dataclass(frozen=True)
class Sweep:
    """A question and the runs that shall answer it. configurations: the base is among them.
    settings: of all runs, from the command line.
    """

    name: str
    title: str
    question: str
    base: str
    seeds: list[int]
    configurations: list[Configuration]
    settings: dict
    changes: dict

    notebook = assignments.COMPARISON

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
    def run_name(self) -> str:
        """Name of the sweep's folder, as runs are named: `cifar10_optimizers--sample--epochs-1`."""
        return replace(
            self.configurations[0].experiments[0], name=self.name, changes=self.changes
        ).run_name

    @property
    def folder(self):
        """Path of the sweep's folder: its report, and what its runs said."""
        return paths.reports() / self.run_name

    @functools.cached_property
    def runs(self) -> list[assignments.Run]:
        """What there is of each run, as it was at the first look."""
        return [assignments.run_of(experiment) for experiment in self.experiments]

    @property
    def finished(self) -> list[assignments.Run]:
        """The runs there are; ValueError where there is none."""
        found = [run for run in self.runs if run.metrics]
        if not found:
            raise ValueError(
                f"no run of the sweep {self.name} is finished; make them: python pipeline.py sweep"
                f" {self.name}, with the same --data and --set"
            )
        return found

    @property
    def sample(self) -> bool:
        """Whether the runs use sample data."""
        return self.settings.get("data") == "sample"

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

    def _repr_mimebundle_(self, include=None, exclude=None):
        asked = ", ".join(f"{key} = {quoted(value)}" for key, value in self.settings.items())
        file = f"params/sweeps/{self.name}.yaml"
        fields = [
            [
                _("Runs"),
                _(
                    "{finished} of {runs} finished",
                    finished=len(self.finished),
                    runs=count(len(self.experiments), "run"),
                ),
            ],
            [_("Base"), self.base],
            [_("Seeds"), ", ".join(map(str, self.seeds))],
            [
                _("Settings"),
                (
                    _("{file}, but {changed}", file=file, changed=asked)
                    if asked
                    else _("as in {file}", file=file)
                ),
            ],
        ]
        return assignments.title_block(self, _(self.title), _(self.question), fields)


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
    file = paths.params() / "sweeps" / f"{name}.yaml"
    where = paths.display(file)
    values, line = _read(name, file, where)
    settings = dict(settings or {})
    base, seeds = experiments.load(values["base"]), values["seeds"]
    tried = _tried(base, seeds[0], values, line)
    if "seed" in settings:
        raise ValueError(f"--set seed: that is what the sweep varies; edit {where} instead")
    _refuse_what_cannot_be_compared(base, tried, where)
    found = {
        label: [_with(f"{where}: {label}", base, differences, seed) for seed in seeds]
        for label, (differences, _) in tried.items()
    }
    # raises where nobody takes one
    assignments.settings_of_each(
        [experiment for some in found.values() for experiment in some], settings
    )
    for differences, first in tried.values():
        varied = _changed(experiments.load(differences.get("experiment", base.name)), first)
        for key in settings:
            if _changed(first, _set(first, {key: settings[key]})) & varied:
                raise ValueError(
                    f"--set {key}: that is what the sweep varies; edit {where} instead"
                )
    neighbours = [one for one in _readable() if one.notebook == base.notebook]
    configurations = [
        Configuration(
            label,
            tried[label][0],
            [_named(_set(experiment, settings), neighbours) for experiment in some],
        )
        for label, some in found.items()
    ]
    folders = [
        experiment.run_name
        for configuration in configurations
        for experiment in configuration.experiments
    ]
    twice = {folder for folder in folders if folders.count(folder) > 1}
    if twice:
        raise ValueError(
            f"{where}: with these settings several runs are one and the same:"
            f" {', '.join(sorted(twice))}; leave out what the sweep varies"
        )
    changes = _set(base, settings).changes
    return Sweep(
        name,
        values["title"],
        values["question"],
        configurations[0].label,
        seeds,
        configurations,
        settings,
        changes,
    )


def _read(name: str, file: Path, where: str) -> tuple[dict, Callable[..., str]]:
    """The checked values of a sweep's file, and line(*path) -> "file, line n"."""
    values, lines = yaml_reader.read_file(file, where)
    if not isinstance(values, dict):
        raise ValueError(
            f"{where}: a sweep is a mapping of {', '.join(KEYS)}; see another file in"
            f" {paths.display(file.parent)}/"
        )

    def line(*path):
        return f"{where}, line {lines[path]}" if path in lines else where

    if name in experiments.names() or not experiments.NAME.fullmatch(name):
        raise ValueError(
            f"{where}: a sweep's name is made of lower-case words joined by single underscores, and"
            " no experiment has it; rename the file"
        )
    for key in values:
        if key not in KEYS:
            raise ValueError(
                f"{line(key)}: unknown key {key!r}{nearest(key, KEYS)}; the keys are"
                f" {', '.join(KEYS)}"
            )
    missing = [key for key in ("title", "question", "base", "seeds") if key not in values]
    if missing or ("runs" in values) == ("grid" in values):
        raise ValueError(
            f"{where}: "
            + (
                f"missing {', '.join(missing)}"
                if missing
                else "a sweep has either runs (a list) or a grid (a mapping of lists)"
            )
        )
    for key in set(values) - {"runs"}:
        values[key] = typed(values[key], KEYS[key], key, line(key))
    seeds = values["seeds"]
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(
            f"{line('seeds')}: seeds are whole numbers, at least one and each once, got {seeds}"
        )
    return values, line


def _tried(base: Experiment, seed: int, values: dict, line) -> dict[str, tuple[dict, Experiment]]:
    """What a sweep tries, by label and the base first: the differences from it, and the experiment
    with the first seed.
    """
    tried: dict[str, tuple[dict, Experiment]] = {}
    for number, entry in enumerate([{}, *_entries(values, line)]):
        place = f"{line('runs') if 'runs' in values else line('grid')}: run {number}"
        label, differences, first = _configuration(base, entry, seed, place)
        twin = next((other for other, (_, there) in tried.items() if there == first), None)
        if twin is not None and number and twin == next(iter(tried)):
            # the base, which need not be listed, and may get a name here
            tried = {
                label if other == twin and "label" in entry else other: value
                for other, value in tried.items()
            }
        elif twin is not None or label in tried:
            raise ValueError(
                f"{place} ({label}) is "
                + (
                    f"the same as {twin}"
                    if twin
                    else "not the only one of that label; give it a label of its own"
                )
            )
        else:
            tried[label] = (differences, first)
    return tried


def _entries(values: dict, line) -> list:
    """The runs of a sweep's file, or those that its grid stands for."""
    if "grid" in values:
        if not values["grid"]:
            raise ValueError(
                f"{line('grid')}: a grid names at least one setting and its values, such as"
                " learning_rate: [0.1, 0.01]"
            )
        return _grid(values["grid"], lambda axis: line("grid", axis))
    entries = values["runs"]
    if not isinstance(entries, list) or not entries:
        raise ValueError(
            f"{line('runs')}: runs are a list of experiments and of differences from the base,"
            f" got {quoted(entries)}"
        )
    return entries


def _refuse_what_cannot_be_compared(base: Experiment, tried: dict, where: str) -> None:
    if len(tried) < 2:
        raise ValueError(
            f"{where}: nothing is tried but the base, {base.name}; a sweep compares at least one"
            " other configuration with it"
        )
    for label, (_place, first) in tried.items():
        for key in ("notebook", "dataset", "data", "max_images"):
            if getattr(first, key) != getattr(base, key):
                raise ValueError(
                    f"{where}: {label} has {key} {getattr(first, key)}, the base"
                    f" {getattr(base, key)}; runs that are compared answer for the same images"
                )


def _grid(axes: dict, line) -> list[dict]:
    for axis, found in axes.items():
        if not isinstance(found, list) or not found:
            raise ValueError(
                f"{line(axis)}: {axis} of a grid is a list of values, or of mappings of settings"
                f" that go together, got {quoted(found)}"
            )
    choices = [
        [value if isinstance(value, dict) else {axis: value} for value in found]
        for axis, found in axes.items()
    ]
    entries = []
    for combination in itertools.product(*choices):
        keys = [key for part in combination for key in part if key != "label"]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice:
            raise ValueError(
                f"{line(twice)}: two axes of the grid set {twice}; leave it to one of them"
            )
        labels = [part["label"] for part in combination if "label" in part]
        if not all(isinstance(label, str) for label in labels):
            raise ValueError(f"{line(next(iter(axes)))}: a label is text, got {quoted(labels)}")
        entry = {key: value for part in combination for key, value in part.items()}
        entries.append(
            entry | ({"label": ", ".join(labels)} if len(labels) == len(combination) else {})
        )
    return entries


def _configuration(base: Experiment, entry, seed: int, place: str) -> tuple[str, dict, Experiment]:
    """Label, differences and the first experiment of one entry of a sweep's runs."""
    if isinstance(entry, str):
        entry = {"experiment": entry}
    if not isinstance(entry, dict):
        raise ValueError(
            f"{place} must be an experiment's name or a mapping of settings, got {quoted(entry)}"
        )
    differences = {key: value for key, value in entry.items() if key != "label"}
    if not isinstance(differences.get("experiment", base.name), str):
        raise ValueError(
            f"{place}: experiment is the name of one, got {quoted(differences['experiment'])}"
        )
    if "seed" in differences:
        raise ValueError(
            f"{place}: a seed is not varied by runs; `seeds` lists those that every run is repeated"
            " with"
        )
    label = entry["label"] if "label" in entry else _label(base, differences)
    if label == "":
        raise ValueError(f"{place}: label is empty; leave it out, or say something")
    if not isinstance(label, str) or not label.isprintable() or "$" in label:
        raise ValueError(f"{place}: label must be text in one line, without $, got {quoted(label)}")
    return label, differences, _with(place, base, differences, seed)


def _with(place: str, base: Experiment, differences: dict, seed: int) -> Experiment:
    start = differences.get("experiment", base.name)
    try:
        return experiments.load(
            start,
            {key: value for key, value in differences.items() if key != "experiment"}
            | {"seed": seed},
        )
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _label(base: Experiment, differences: dict) -> str:
    name = differences.get("experiment", base.name).removeprefix(f"{base.notebook}_")
    told = [
        f"{key.split('.')[-1]} {value if isinstance(value, str) else quoted(value)}"
        for key, value in differences.items()
        if key != "experiment"
    ]
    return ", ".join([name] * ("experiment" in differences or not told) + told)


def _set(experiment: Experiment, settings: Mapping) -> Experiment:
    """The experiment with those of the settings that it takes."""
    own = {key: value for key, value in settings.items() if experiments.takes(experiment, key)}
    return (
        experiments.load(experiment.name, experiment.training_settings() | own)
        if own
        else experiment
    )


def _changed(one: Experiment, other: Experiment) -> set[str]:
    """Settings of training in which two experiments differ."""
    flat, theirs = (
        experiments.flatten(experiment.training_settings()) for experiment in (one, other)
    )
    return {key for key in flat | theirs if flat.get(key) != theirs.get(key)} - {"seed"}


def _readable() -> list[Experiment]:
    found = []
    for name in experiments.names():
        try:
            found.append(experiments.load(name))
        except ValueError:  # a broken file is nobody's neighbour
            continue
    return found


def _named(experiment: Experiment, neighbours: list[Experiment]) -> Experiment:
    """The same training, told as the fewest changes to a parameter file: what was made by that name
    is not made again.
    """
    flat = experiments.flatten(experiment.training_settings())

    def distance(other: Experiment) -> tuple[int, bool]:
        theirs = experiments.flatten(other.training_settings())
        return (
            sum(flat.get(key) != theirs.get(key) for key in flat | theirs),
            other.name != experiment.name,
        )

    return experiments.load(min(neighbours, key=distance).name, experiment.training_settings())


def described(sweep: Sweep) -> str:
    """`5 configurations with 3 seeds each: 15 runs`."""
    return (
        f"{count(len(sweep.configurations), 'configuration')} with"
        f" {count(len(sweep.seeds), 'seed')} each: {count(len(sweep.experiments), 'run')}"
    )

"""The file of a sweep in params/sweeps/: read and checked."""

import itertools
from collections.abc import Callable
from pathlib import Path

from ..config import experiments, yaml_reader
from ..config.experiment_files import SPLIT_SEED, TEST_FRACTION, VALIDATION_FRACTION
from ..config.experiments import Experiment
from ..config.schema import nearest, quoted, typed
from ..core import paths

KEYS = {
    "title": "str",
    "question": "str",
    "base": "str",
    "seeds": "list[int]",
    "runs": "list",
    "grid": "dict",
    "compare": "str | dict",
}
COMPARISONS = ("base", "pairs", "within")


def read(name: str, file: Path, where: str) -> tuple[dict, Callable[..., str]]:
    """The checked values of a sweep's file, and line(*path) -> "file, line n"."""
    values, lines = yaml_reader.read_file(file, where)
    if not isinstance(values, dict):
        raise ValueError(
            f"{where}: a sweep must be a mapping with the keys {', '.join(KEYS)}; see another file"
            f" in {paths.display(file.parent)}/"
        )

    def line(*path):
        return f"{where}, line {lines[path]}" if path in lines else where

    if name in experiments.names() or not experiments.NAME.fullmatch(name):
        raise ValueError(
            f"{where}: a sweep's name is made of lower-case words joined by single underscores,"
            " and must differ from every experiment's; rename the file"
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
                else "a sweep needs either runs (a list) or a grid (a mapping of lists)"
            )
        )
    for key in set(values) - {"runs"}:
        values[key] = typed(values[key], KEYS[key], key, line(key))
    seeds = values["seeds"]
    if not seeds or len(set(seeds)) != len(seeds):
        raise ValueError(
            f"{line('seeds')}: seeds must be a list of different whole numbers, at least one, got"
            f" {seeds}"
        )
    return values, line


def tried_configurations(
    base: Experiment, seed: int, values: dict, line
) -> dict[str, tuple[dict, Experiment]]:
    """What a sweep tries, by label and the base first: the differences from it, and the experiment
    with the first seed.
    """
    tried: dict[str, tuple[dict, Experiment]] = {}
    for number, entry in enumerate([{}, *_entries(values, line)]):
        place = f"{line('runs') if 'runs' in values else line('grid')}: run {number}"
        label, differences, first = _configuration(base, entry, seed, place)
        twin = next(
            (other for other, (_, experiment) in tried.items() if experiment == first), None
        )
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
                    else "not the only one with that label; give it another label"
                )
            )
        else:
            tried[label] = (differences, first)
    return tried


def comparison(values: dict, line, tried: dict) -> tuple[str, str]:
    """What the report compares, one of COMPARISONS, and for "within" the setting whose value the
    configurations of a group share.
    """
    wanted = values.get("compare", COMPARISONS[0])
    if wanted in COMPARISONS[:2]:
        return wanted, ""
    if not isinstance(wanted, dict) or [*wanted] != ["within"]:
        raise ValueError(
            f"{line('compare')}: compare must be base (all others with the base), pairs (each with"
            f" each) or {{within: SETTING}} (each with each of the same model, say), got"
            f" {quoted(wanted)}"
        )
    flat = [varied(first) for _, first in tried.values()]
    different = [
        key
        for key in dict.fromkeys(key for settings in flat for key in settings)
        if len({repr(settings.get(key)) for settings in flat}) > 1
    ]
    named = [key for key in different if wanted["within"] in (key, key.split(".")[-1])]
    place = line("compare", "within")
    if len(named) != 1:
        raise ValueError(
            f"{place}: within must name one of the settings that the configurations vary"
            f" ({', '.join(different)}), got {quoted(wanted['within'])}"
            f"{nearest(str(wanted['within']), different)}"
        )
    groups = [repr(settings.get(named[0])) for settings in flat]
    if len(set(groups)) == len(groups):
        raise ValueError(
            f"{place}: no two configurations have the same {named[0]}, so nothing can be compared"
            " within it; name another setting, or leave compare out"
        )
    return "within", named[0]


def varied(experiment: Experiment) -> dict:
    """The settings that a configuration may set of its own, flat."""
    return {
        key: value
        for key, value in experiments.flatten(experiment.training_settings()).items()
        if key.split(".")[0] not in ("data", "max_images", "seed") and value != {}
    }


def _entries(values: dict, line) -> list:
    """The runs of a sweep's file, or those that its grid stands for."""
    if "grid" in values:
        if not values["grid"]:
            raise ValueError(
                f"{line('grid')}: a grid needs at least one setting and its values, such as"
                " learning_rate: [0.1, 0.01]"
            )
        return _grid(values["grid"], lambda axis: line("grid", axis))
    entries = values["runs"]
    if not isinstance(entries, list) or not entries:
        raise ValueError(
            f"{line('runs')}: runs must be a list of experiments, or of differences from the base,"
            f" got {quoted(entries)}"
        )
    return entries


def refuse_what_cannot_be_compared(base: Experiment, tried: dict, where: str) -> None:
    if len(tried) < 2:
        raise ValueError(
            f"{where}: the base, {base.name}, is the only configuration; add at least one other to"
            " compare with it"
        )
    for label, (_differences, first) in tried.items():
        for key in ("notebook", "dataset", "data", "max_images", SPLIT_SEED):
            if getattr(first, key) != getattr(base, key):
                raise ValueError(
                    f"{where}: {label} has {key} {getattr(first, key)}, the base"
                    f" {getattr(base, key)}; runs that are compared must use the same images"
                )
        for key in (VALIDATION_FRACTION, TEST_FRACTION):
            share, of_base = (one.dataset_args.get(key, 0) for one in (first, base))
            if share != of_base:
                raise ValueError(
                    f"{where}: {label} has {key} {share}, the base {of_base}; runs that are"
                    f" compared must use the same images: set {key} to {of_base} for {label}"
                )


def _grid(axes: dict, line) -> list[dict]:
    for axis, found in axes.items():
        if not isinstance(found, list) or not found:
            raise ValueError(
                f"{line(axis)}: {axis} of a grid must be a list of values, or of mappings of"
                f" settings that change together, got {quoted(found)}"
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
                f"{line(twice)}: two axes of the grid set {twice}; remove it from one of them"
            )
        labels = [part["label"] for part in combination if "label" in part]
        if not all(isinstance(label, str) for label in labels):
            raise ValueError(
                f"{line(next(iter(axes)))}: a label must be text, got {quoted(labels)}"
            )
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
            f"{place}: experiment must be the name of an experiment, got"
            f" {quoted(differences['experiment'])}"
        )
    if "seed" in differences:
        raise ValueError(
            f"{place}: runs cannot set the seed; list the seeds of every run in `seeds`"
        )
    label = entry["label"] if "label" in entry else _label(base, differences)
    if label == "":
        raise ValueError(f"{place}: label is empty; leave it out, or write a text")
    if not isinstance(label, str) or not label.isprintable() or "$" in label:
        raise ValueError(f"{place}: label must be text in one line, without $, got {quoted(label)}")
    return label, differences, with_seed(place, base, differences, seed)


def with_seed(place: str, base: Experiment, differences: dict, seed: int) -> Experiment:
    """The experiment with a sweep's seed, on the images of the base."""
    start = differences.get("experiment", base.name)
    settings = {key: value for key, value in differences.items() if key != "experiment"}
    settings["seed"] = seed
    try:
        found = experiments.load(start, settings)
        if found.split_seed != base.split_seed and SPLIT_SEED not in found.dataset_args:
            found = experiments.load(start, settings | {SPLIT_SEED: base.split_seed})
        return found
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _label(base: Experiment, differences: dict) -> str:
    name = differences.get("experiment", base.name).removeprefix(f"{base.notebook}_")
    settings = [
        f"{key.split('.')[-1]} {value if isinstance(value, str) else quoted(value)}"
        for key, value in differences.items()
        if key != "experiment"
    ]
    return ", ".join([name] * ("experiment" in differences or not settings) + settings)

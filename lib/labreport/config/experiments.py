"""Experiments: a parameter file, and what is set differently for one run, checked and frozen into
an `Experiment`.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..core import paths
from ..core.i18n import _, current_language
from . import pretrained, yaml_reader
from .experiment_files import (
    NAME,
    SPLIT_SEED,
    TEST_FRACTION,
    TYPES,
    check,
    entries_of,
    names,
    without_zero,
)
from .schema import nearest, quoted

# What may be set for one run and never stands in a file: a file always means the real data, and all
# of it.
REHEARSAL = {"data": "real", "max_images": None}

TRAINED_PART = (  # decides what is trained of a model, and changes no weight's shape
    "model_args.trainable_from"
)
NO_SETTINGS = ("name", "changes", "file_seed")  # fields that `load` gives
# fields that training never sees
DESCRIPTION = ("title", "question", "notebook", "differs", "published")


@dataclass(frozen=True)
class Experiment:
    """One experiment, complete; plain values only.

    The fields are the keys of a parameter file, in their order there.

    starts_from: an experiment on the same data whose trained weights are the first ones here.
    differs: what an original did that is done otherwise here, and why. early_stopping: `monitor`
    also says which epoch is the best one; `patience: null` trains all epochs. data: `real` or
    `sample` (drawn by the program). max_images: train and test on about so many images in all, None
    for all. changes: what differs from the parameter file, as {"optimizer_args.learning_rate":
    0.01}. file_seed: the seed in the parameter file.
    """

    name: str
    title: str
    question: str
    notebook: str
    dataset: str
    dataset_args: dict
    model: str
    model_args: dict
    loss: str
    optimizer: str
    optimizer_args: dict
    augmentation: dict
    epochs: int
    batch_size: int
    early_stopping: dict
    seed: int
    starts_from: str | None
    differs: list
    published: dict
    data: str = "real"
    max_images: int | None = None
    changes: dict = None  # type: ignore[assignment]  # `load` gives them
    file_seed: int = None  # type: ignore[assignment]  # and this one

    def settings(self) -> dict:
        """Everything that can be set, resolved: `load(name, settings())` is this experiment."""
        return {key: value for key, value in asdict(self).items() if key not in NO_SETTINGS}

    @property
    def split_seed(self) -> int:
        """What draws the splits: a setting of its own, or the parameter file's seed, so that runs
        with other seeds are evaluated on the same images.
        """
        return self.dataset_args.get(SPLIT_SEED, self.file_seed)

    def training_settings(self) -> dict:
        """The settings that decide what is trained: all but the description."""
        return {key: value for key, value in self.settings().items() if key not in DESCRIPTION}

    @property
    def run_name(self) -> str:
        """Name of the run folder: the experiment, and what differs from its file
        (`cifar10_l2_dropout--sample--epochs-3`).
        """
        parts = [
            self.name,
            *(
                _folder_part(key, value)
                for key, value in sorted(self.changes.items(), key=lambda item: item[0] != "data")
            ),
        ]
        name = "--".join(parts)
        return name if len(name) <= 150 else f"{name[:130]}--{_digest(name)}"

    @property
    def folder(self):
        """Path of the run folder."""
        return paths.reports() / self.run_name

    def _repr_mimebundle_(self, include=None, exclude=None):
        sample = self.data == "sample"
        changed = [
            f"{key} = {quoted(value)}" for key, value in self.changes.items() if key != "data"
        ]
        file = f"params/{self.name}.yaml"
        weights = pretrained.remark(self.model_args, self.dataset_args.get("image_size"))
        settings = (
            _("{file}, but {changed}", file=file, changed=", ".join(changed))
            if changed
            else _("as in {file}", file=file)
        )
        title, question = _(self.title), _(self.question)
        metadata = {
            "title": title,
            "question": question,
            "experiment": self.name,
            "sample": sample,
            "language": current_language(),
            "fields": [
                [_("Settings"), settings],
                *([[_("Weights"), weights]] if weights else []),
            ],
        }
        lines = [f"**{title}**", question]
        if sample:
            lines.append(
                _(
                    "**Sample data.** The images are drawn by the program; the numbers below say"
                    " nothing about the real data set."
                )
            )
        if weights:
            lines.append(f"**{_('Weights')}.** {weights}")
        if changed:
            lines.append(
                _(
                    "Differs from `{file}`: {changed}.",
                    file=file,
                    changed=", ".join(f"`{change}`" for change in changed),
                )
            )
        return {
            "application/vnd.labreport.report+json": metadata,
            "text/markdown": "\n\n".join(lines),
            "text/plain": f"{title}: {question}",
        }


FIELDS = tuple(
    field.name for field in fields(Experiment) if field.name not in (*NO_SETTINGS, *REHEARSAL)
)


def load(name: str, settings: Mapping | None = None) -> Experiment:
    """Read and check `params/<name>.yaml` with the settings of one run on top.

    settings: `{"epochs": 3}`, with dots for one entry of a mapping
    (`{"optimizer_args.learning_rate": 1e-3}`), its last word alone where only one entry has that
    name (`{"learning_rate": 1e-3}`); the whole of `Experiment.settings()` is accepted too. Raises
    ValueError saying what came, what was expected, and the file and line.
    """
    file = paths.params() / f"{name}.yaml"
    where = paths.display(file)
    if not NAME.fullmatch(name) or not file.is_file():
        known = names()
        if name not in known:
            raise ValueError(
                f"there is no experiment {name!r}{nearest(name, known)}; `python pipeline.py list`"
                f" shows all {len(known)}"
            )
        raise ValueError(
            f"{where}: an experiment's name is made of lower-case words and numbers joined by"
            " single underscores; rename the file"
        )
    values, lines = yaml_reader.read_file(file, where)
    if not isinstance(values, dict):
        raise ValueError(
            f"{where}: a parameter file must be a mapping of keys to values; see another file in"
            f" {paths.display(paths.params())}/"
        )
    for key in values:
        if key not in FIELDS:
            raise ValueError(
                f"{where}, line {lines[(key,)]}: unknown key {key!r}{nearest(key, FIELDS)}; the"
                f" keys are {', '.join(FIELDS)}"
            )
    missing = [key for key in FIELDS if key not in values]
    if missing:
        raise ValueError(
            f"{where}: missing {', '.join(missing)}; a parameter file needs every key, nothing is"
            " inherited"
        )

    def line(*path):
        while path and path not in lines:
            path = path[:-1]
        return f"{where}, line {lines[path]}" if path else where

    from_file = without_zero(check(values | REHEARSAL, line))
    resolved = check(_apply(from_file, settings or {}), lambda *path: "settings")
    if TEST_FRACTION not in from_file["dataset_args"]:  # else the 0 is what differs from the file
        resolved = without_zero(resolved)
    before, after = flatten(from_file), flatten(resolved)
    changes = {
        key: value for key, value in after.items() if key not in before or before[key] != value
    }
    changes |= {key: None for key in before if key not in after}
    described = [key for key in changes if key.split(".")[0] in DESCRIPTION]
    if described:
        raise ValueError(
            f"settings: {described[0]} describes the experiment and cannot be set for one run;"
            f" change it in {where}"
        )
    return Experiment(name=name, **resolved, changes=changes, file_seed=from_file["seed"])


def base(experiment: Experiment) -> Experiment | None:
    """The experiment whose trained weights `experiment` starts from; None where it starts anew.

    It is trained on the same images and splits. What was set for this run of the model is set for
    its model too, or the weights would not fit: all but which layers are trained. Where epochs were
    set, it is trained for no more of them. Raises ValueError where its weights cannot fit.
    """
    if experiment.starts_from is None:
        return None
    found = load(experiment.starts_from)
    if found.dataset != experiment.dataset:
        raise ValueError(
            f"{experiment.name} starts from {found.name}, which was trained on {found.dataset},"
            f" not on {experiment.dataset}; starts_from must name an experiment on the same data"
        )
    if found.starts_from is not None:
        raise ValueError(
            f"{experiment.name} starts from {found.name}, which itself starts from"
            f" {found.starts_from}; only one such step is allowed"
        )
    settings = {
        "data": experiment.data,
        "max_images": experiment.max_images,
        "seed": experiment.seed,
        "dataset_args": experiment.dataset_args,
    }
    if experiment.split_seed != found.split_seed:
        settings["dataset_args"] = experiment.dataset_args | {SPLIT_SEED: experiment.split_seed}
    if "epochs" in experiment.changes:  # a quick try is not held up by a long training before it
        settings["epochs"] = min(experiment.epochs, found.epochs)
    if "weights" in experiment.model_args:
        settings["model_args.weights"] = experiment.model_args["weights"]
    settings |= {
        key: value
        for key, value in experiment.changes.items()
        if key.startswith("model_args.") and key != TRAINED_PART
    }
    found = load(found.name, {key: value for key, value in settings.items() if takes(found, key)})
    for key in ("backbone", "alpha"):
        here, there = experiment.model_args.get(key), found.model_args.get(key)
        if here != there:
            raise ValueError(
                f"{experiment.name} starts from {found.name}, whose {key} is {there}, not {here};"
                " starts_from must name an experiment with the same backbone and head"
            )
    return found


def takes(experiment: Experiment, key: str) -> bool:
    """Whether there is a setting of this name, in full or by its last word, for this experiment."""
    return bool(_paths(key, experiment.settings()))


def parse_settings(assignments: list[str]) -> dict:
    """Settings from the command line: `["epochs=3 learning_rate=1e-3"]` -> `{"epochs": 3,
    "learning_rate": 0.001}`.

    One text may hold several; a value may hold spaces, as `[1, 2]` does.
    """
    settings = {}
    for assignment in (
        piece
        for text in assignments
        for piece in re.split(r"\s+(?=[\w.]+=)", text.strip())
        if piece
    ):
        key, equals, text = assignment.partition("=")
        if not equals or not key:
            raise ValueError(f"--set {assignment}: expected key=value, such as epochs=3")
        if key in settings:
            raise ValueError(f"--set {assignment}: {key} is set twice")
        settings[key], _ = yaml_reader.read(text, f"--set {assignment}")
    return settings


def _apply(values: dict, settings: Mapping) -> dict:
    values = json.loads(json.dumps(values))
    for key, value in settings.items():
        *parents, last = _resolve(key, values)
        target = values
        for parent in parents:
            target = target[parent]
            if not isinstance(target, dict):
                raise ValueError(
                    f"settings: {key} cannot be set, because {parent} was set to {quoted(target)}"
                )
        target[last] = value
    return values


def _resolve(key: str, values: dict) -> tuple[str, ...]:
    """`learning_rate` -> ("optimizer_args", "learning_rate"): the path of a setting, by its full or
    its last name.
    """
    found = _paths(key, values)
    if len(found) > 1:
        raise ValueError(
            f"settings: {key!r} is ambiguous: {' or '.join('.'.join(path) for path in found)};"
            " write one of them in full"
        )
    if not found:
        known = [name for path in _all_paths(values) for name in (".".join(path), path[-1])]
        raise ValueError(
            f"settings: there is no setting {key!r}{nearest(key, known)}; "
            "`python pipeline.py show EXP` lists what an experiment sets"
        )
    return found[0]


def _paths(key: str, values: dict) -> list[tuple[str, ...]]:
    known = _all_paths(values)
    return [path for path in known if ".".join(path) == key] or [
        path for path in known if path[-1] == key
    ]


def _all_paths(values: dict) -> list[tuple[str, ...]]:
    return [(field,) for field in TYPES] + [
        (field, entry) for field, entries in entries_of(values).items() for entry in entries
    ]


def flatten(values: Mapping) -> dict:
    """One level of nesting to dotted keys: {"optimizer_args": {"learning_rate": 1}} ->
    {"optimizer_args.learning_rate": 1}.
    """
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= (
            {f"{key}.{entry}": item for entry, item in value.items()}
            if isinstance(value, dict)
            else {key: value}
        )
    return flat


def _folder_part(key: str, value) -> str:
    if key == "data":
        return value
    parts = value if isinstance(value, list) else [value]
    text = "_".join(part if isinstance(part, str) else json.dumps(part) for part in parts)
    safe = re.sub(r"[^A-Za-z0-9.+_-]+", "_", text)[:40]
    if safe != text:  # two values must never share a folder
        safe = f"{safe.strip('_.')}-{_digest(json.dumps(value))}"
    return f"{key.split('.')[-1]}-{safe}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]

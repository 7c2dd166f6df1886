"""Which experiments and notebooks there are, and what a parameter file may say: names, types,
ranges.
"""

import re

from ..core import paths
from . import registry
from .schema import nearest, typed

COMPARISON = "comparison"  # the notebook that compares, and the last word of its run folders
PUBLISHED = {
    "source": "str",
    "test_accuracy": "float | None",
    "validation_accuracy": "float | None",
    "best_epoch": "int | None",
    "total_parameters": "int",
    "trainable_parameters": "int",
    "note": "str | None",
}
# images and same_images are of the compared accuracy: that of the test split, or of the validation
# split where there is none. A file without them is complete: of many a document it is not known.
PUBLISHED_OPTIONAL = {
    "images": "int",  # that it was measured on
    "test_loss": "float",
    "same_images": "bool",  # whether these are the images that this experiment is evaluated on
}
EARLY_STOPPING = {
    "monitor": "str",
    "patience": "int | None",
    "min_delta": "float",
    "start_from_epoch": "int",
}
IMAGE_SIDES = (8, 1024)  # pixels
# An entry of dataset_args, for every data set; where it is left out, the file's seed stands for it.
SPLIT_SEED = "split_seed"
# Entries of dataset_args that say how many images are held out; no data set takes others for that.
VALIDATION_FRACTION, TEST_FRACTION = "validation_fraction", "test_fraction"
MONITORS = ("val_loss", "val_accuracy")
# two hyphens set a run's settings off from its experiment
NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
TYPES = {
    "title": "str",
    "question": "str",
    "notebook": "str",
    "dataset": "str",
    "dataset_args": "dict",
    "model": "str",
    "model_args": "dict",
    "loss": "str",
    "optimizer": "str",
    "optimizer_args": "dict",
    "augmentation": "dict",
    "epochs": "int",
    "batch_size": "int",
    "early_stopping": "dict",
    "seed": "int",
    "starts_from": "str | None",
    "differs": "list[str]",
    "published": "dict",
    "data": "str",
    "max_images": "int | None",
}


def assignments() -> list[str]:
    """Notebooks that an experiment may have: all but the one that compares, which has no runs of
    its own.
    """
    return sorted(
        file.stem for file in paths.notebooks().glob("*.ipynb") if file.stem != COMPARISON
    )


def names() -> list[str]:
    """The experiments there are: the parameter files, by name."""
    return sorted(file.stem for file in paths.params().glob("*.yaml") if file.is_file())


def entries_of(values: dict) -> dict[str, dict[str, str]]:
    """For each mapping field its entries and their types, given the chosen names."""

    def of(kind):
        choice = registry.of(kind).get(values[kind]) if isinstance(values[kind], str) else None
        return (
            {key: annotation for key, (annotation, _) in choice.settings.items()} if choice else {}
        )

    return {
        "dataset_args": of("dataset") | {SPLIT_SEED: "int"},
        "model_args": of("model"),
        "optimizer_args": of("optimizer"),
        "augmentation": {
            key: annotation for key, (annotation, _) in registry.augmentation().settings.items()
        },
        "early_stopping": EARLY_STOPPING,
        "published": PUBLISHED | PUBLISHED_OPTIONAL,
    }


def check(values: dict, where) -> dict:
    """The values with their types checked and whole numbers made float where a float is expected;
    where(*path) -> "file, line n".
    """
    checked = {
        key: typed(values[key], annotation, key, where(key)) for key, annotation in TYPES.items()
    }
    for kind in registry.REGISTRIES:
        if checked[kind] not in registry.of(kind):
            known = list(registry.of(kind))
            raise ValueError(
                f"{where(kind)}: there is no {kind}"
                f" {checked[kind]!r}{nearest(checked[kind], known)}; there are {', '.join(known)}"
            )
    _check_entries(checked, where)
    _check_ranges(checked, where)
    _check_words(checked, where)
    return checked


def without_zero(values: dict) -> dict:
    """Checked values without a test_fraction of 0, where leaving it out says the same: what is said
    in two ways is one experiment, with one run.
    """
    settings, given = registry.of("dataset")[values["dataset"]].settings, values["dataset_args"]
    if given.get(TEST_FRACTION) != 0 or not settings[TEST_FRACTION][1]:
        return values
    kept = {key: value for key, value in given.items() if key != TEST_FRACTION}
    return values | {"dataset_args": kept}


def _check_entries(checked: dict, where) -> None:
    """Each mapping holds the settings of what it belongs to, and no others; made typed in place."""
    required = {
        f"{kind}_args": {
            key
            for key, (_, optional) in registry.of(kind)[checked[kind]].settings.items()
            if not optional
        }
        for kind in ("dataset", "model", "optimizer")
    } | {"early_stopping": set(EARLY_STOPPING), "published": set(PUBLISHED)}
    for field, entries in entries_of(checked).items():
        for key, value in checked[field].items():
            if key not in entries:
                owner = (
                    checked.get(field.removesuffix("_args"), field)
                    if field.endswith("_args")
                    else field
                )
                takes = f"{owner} takes {', '.join(entries)}" if entries else f"{owner} takes none"
                raise ValueError(
                    f"{where(field, key)}: unknown key {key!r} in {field}{nearest(key, entries)};"
                    f" {takes}"
                )
            checked[field][key] = typed(value, entries[key], f"{field}.{key}", where(field, key))
        for key in required.get(field, ()):
            if key not in checked[field]:
                raise ValueError(f"{where(field)}: {field} lacks {key!r} ({entries[key]})")


def _check_ranges(checked: dict, where) -> None:
    """Numbers lie where they mean something."""
    for field, key, least in (
        ("epochs", None, 1),
        ("batch_size", None, 1),
        ("max_images", None, 1),
        ("early_stopping", "patience", 1),
        ("early_stopping", "start_from_epoch", 0),
        ("early_stopping", "min_delta", 0),
    ):
        value = checked[field] if key is None else checked[field][key]
        if value is not None and value < least:
            raise ValueError(
                f"{where(*filter(None, (field, key)))}: {key or field} must be at least {least},"
                f" got {value}"
            )
    for path in (("seed",), ("dataset_args", SPLIT_SEED)):
        seed = checked["seed"] if len(path) == 1 else checked["dataset_args"].get(SPLIT_SEED, 0)
        if not 0 <= seed < 2**32:
            raise ValueError(
                f"{where(*path)}: {path[-1]} must be at least 0 and below 2**32 = 4294967296, got"
                f" {seed}"
            )
    share = checked["dataset_args"].get(TEST_FRACTION, 0)
    if not 0 <= share < 1:
        raise ValueError(
            f"{where('dataset_args', TEST_FRACTION)}: {TEST_FRACTION} must be at least 0 and below"
            f" 1, got {share}; write 0.2 to hold out a fifth"
        )
    side = checked["dataset_args"].get("image_size", IMAGE_SIDES[0])
    if not IMAGE_SIDES[0] <= side <= IMAGE_SIDES[1]:
        raise ValueError(
            f"{where('dataset_args', 'image_size')}: image_size must lie between {IMAGE_SIDES[0]}"
            f" and {IMAGE_SIDES[1]} pixels, got {side}"
        )
    if checked["optimizer_args"].get("learning_rate", 1) <= 0:
        raise ValueError(
            f"{where('optimizer_args', 'learning_rate')}: learning_rate must be above 0, got"
            f" {checked['optimizer_args']['learning_rate']}"
        )
    images = checked["published"].get("images")
    if images is not None and images < 1:
        raise ValueError(
            f"{where('published', 'images')}: published.images must be at least 1, got {images}"
        )
    for key in ("test_accuracy", "validation_accuracy"):
        if not 0 <= (checked["published"][key] or 0) <= 1:
            raise ValueError(
                f"{where('published', key)}: published.{key} must be a number from 0 to 1, got"
                f" {checked['published'][key]}"
            )


def _check_words(checked: dict, where) -> None:
    """Words are among those that there are: of the data, a monitor, an experiment, a notebook."""
    if checked["data"] not in ("real", "sample"):
        raise ValueError(f"{where('data')}: data must be real or sample, got {checked['data']!r}")
    if checked["early_stopping"]["monitor"] not in MONITORS:
        raise ValueError(
            f"{where('early_stopping', 'monitor')}: monitor must be {' or '.join(MONITORS)}, got"
            f" {checked['early_stopping']['monitor']!r}"
        )
    if checked["starts_from"] is not None and checked["starts_from"] not in names():
        raise ValueError(
            f"{where('starts_from')}: there is no experiment"
            f" {checked['starts_from']!r}{nearest(checked['starts_from'], names())} to start from"
        )
    known = assignments()
    if checked["notebook"] not in known:
        raise ValueError(
            f"{where('notebook')}: there is no notebook"
            f" {checked['notebook']!r}{nearest(checked['notebook'], known)}; there are"
            f" {', '.join(known)}"
        )

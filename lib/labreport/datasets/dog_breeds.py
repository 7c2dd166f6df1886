"""Dog breeds: the labelled photographs of a Kaggle competition in 120 classes, and its unlabelled
test set; or drawn ones.

Kaggle competition dog-breed-identification (2017), made of the Stanford Dogs data set (Khosla et
al., 2011).
"""

import csv
from pathlib import Path

import numpy as np

from ..core import paths
from ..core.i18n import _, count, listed
from . import data_lock, decoding, folders
from .dataset import Dataset, Split
from .sample import dog_breeds as dog_breeds_sample
from .sample.drawn import drawn
from .splitting import hold_out, note_repeated, refuse_too_few, shortened, without

CLASS_NAMES = list(dog_breeds_sample.CLASSES)
HOW = (
    "put labels.csv and train/, or a zip of them, into dog-breed-identification/ in the data folder"
)
SAMPLE_PER_CLASS = 12
SAMPLE_UNLABELLED_PER_CLASS = 1
SAMPLE_SEED, SAMPLE_UNLABELLED_SEED = 0, 1


def dog_breeds(
    data: str,
    folder: Path,
    seed: int,
    max_images: int | None,
    *,
    image_size: int,
    test_fraction: float,
    validation_fraction: float,
    on_unreadable: str,
) -> Dataset:
    """120 classes; a test split taken off first, then a validation split; the competition's
    unlabelled test set where it is there.

    data: "real" or "sample". folder: holds `labels.csv` and `train/`, at most four folders down, or
    their zip. image_size: side in pixels. test_fraction: of all labelled images;
    validation_fraction: of the rest; both stratified, drawn by seed. on_unreadable: "stop" or
    "skip". max_images: keep about so many labelled images, the same share of every class; the
    unlabelled are left out then.
    """
    notes: list[str] = []
    pool, unlabelled = (
        _sample(image_size)
        if data == "sample"
        else _real(folder, image_size, on_unreadable, max_images is None, notes)
    )
    note_repeated([pool], CLASS_NAMES, notes)
    empty = [name for label, name in enumerate(CLASS_NAMES) if not (pool.labels == label).any()]
    if empty:
        notes.append(_("No image of {named}.", named=listed(empty)))
    [pool] = shortened([pool], max_images, seed, notes)
    rest, test = hold_out(pool, test_fraction, seed, "test_fraction")
    train, validation = hold_out(rest, validation_fraction, seed, "validation_fraction")
    refuse_too_few({"train": train, "validation": validation, "test": test}, max_images)
    if unlabelled is not None:
        train = without(train, unlabelled, "competition", notes)
    return Dataset(
        name="dog_breeds",
        sample=data == "sample",
        train=train,
        validation=validation,
        test=test,
        class_names=CLASS_NAMES,
        notes=notes,
        unlabelled=unlabelled,
    )


def shape(
    *, image_size: int, test_fraction: float, validation_fraction: float, on_unreadable: str
) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes, known without the data."""
    return (image_size, image_size, 3), len(CLASS_NAMES)


def _sample(side: int) -> tuple[Split, Split]:
    images, labels = drawn(dog_breeds_sample, SAMPLE_PER_CLASS, SAMPLE_SEED, side)
    competition, _ = drawn(
        dog_breeds_sample, SAMPLE_UNLABELLED_PER_CLASS, SAMPLE_UNLABELLED_SEED, side
    )
    return Split(
        images, labels, [f"sample-{index:04d}" for index in range(len(images))]
    ), _without_labels(competition, [f"test-{i:04d}" for i in range(len(competition))])


def find(folder: Path) -> Path:
    """The folder that holds `labels.csv` and `train/`; errors as of `folders.find`."""
    return folders.find(("labels.csv", "train"), folder, "dog-breed-identification")


def compare(root: Path) -> None:
    """Compare what the folder holds, the unlabelled test set included, with data.lock."""
    _labelled(root, [])
    _unlabelled(root)


def _real(
    folder: Path, side: int, on_unreadable: str, with_unlabelled: bool, notes: list[str]
) -> tuple[Split, Split | None]:
    root = find(folder)
    pool = decoding.pool(*_labelled(root, notes), side, on_unreadable, notes)
    look = _unlabelled(root) if with_unlabelled else None
    if look is None:
        return pool, None
    decoded = decoding.decode(look, side)
    look.enter()
    if not decoded.readable.all():  # the competition wants an answer for every image
        damaged = listed([look.images[i].name for i in np.flatnonzero(~decoded.readable)])
        notes.append(
            _(
                "Images of the competition's test set that cannot be read count as black ones in"
                " the submission: {named}.",
                named=damaged,
            )
        )
    return pool, _without_labels(decoded.images, [path.stem for path in look.images])


def _labelled(root: Path, notes: list[str]) -> tuple[data_lock.DatasetFiles, np.ndarray, list[str]]:
    """The labelled images, compared with data.lock: files, labels and ids."""
    label_of = _labels(root / "labels.csv")
    if not (root / "train").is_dir():
        raise FileNotFoundError(
            f"{paths.display(root)} holds labels.csv but no folder train/ with the images;"
            " download the complete data set"
        )
    files, strange = folders.images(root / "train")
    file_of = {path.stem: path for path in files}
    folders.note_strange(strange, root, notes)
    unlabelled_files = sorted(file_of.keys() - label_of.keys())
    missing = sorted(label_of.keys() - file_of.keys())
    if missing:
        notes.append(
            _(
                "{labels} without a file left out: {named}.",
                labels=count(len(missing), "label"),
                named=listed(missing),
            )
        )
    if unlabelled_files:
        notes.append(
            _(
                "{files} in train/ without a label left out: {named}.",
                files=count(len(unlabelled_files), "file"),
                named=listed(unlabelled_files),
            )
        )
    ids = [name for name in label_of if name in file_of]
    look = data_lock.look(
        "dog_breeds", root, [file_of[name] for name in ids], beside=(root / "labels.csv",)
    )
    return look, np.array([label_of[name] for name in ids]), ids


def _unlabelled(root: Path) -> data_lock.DatasetFiles | None:
    """The competition's test set, compared with data.lock; None where it is not there."""
    files = folders.images(root / "test")[0] if (root / "test").is_dir() else []
    return data_lock.look("dog_breeds-test", root, files) if files else None


def _without_labels(images: np.ndarray, ids: list[str]) -> Split:
    return Split(images, np.full(len(ids), -1, np.int32), ids)


def _labels(path: Path) -> dict[str, int]:
    """Id -> label from the competition's labels.csv; ValueError with the line where it is not as
    expected.
    """
    try:
        return _labels_in(path)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(
            f"{path}: cannot be read as a table of text ({error}); download the file again"
        ) from None


def _labels_in(path: Path) -> dict[str, int]:
    label = {name: number for number, name in enumerate(CLASS_NAMES)}
    found: dict[str, int] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if rows.fieldnames != ["id", "breed"]:
            raise ValueError(
                f"{path}: expected the columns id, breed, got"
                f" {', '.join(rows.fieldnames or ['nothing'])[:100]}; download the file again"
            )
        for row in rows:
            where = f"{path}, line {rows.line_num}"
            if row["breed"] not in label:
                raise ValueError(
                    f"{where}: {row['breed']!r} is not one of the competition's 120 breeds;"
                    " correct the line or download the file again"
                )
            if row["id"] in found and found[row["id"]] != label[row["breed"]]:
                raise ValueError(
                    f"{where}: {row['id']} is {CLASS_NAMES[found[row['id']]]} in an earlier line"
                    f" and {row['breed']} in this one; keep one of the two"
                )
            found[row["id"]] = label[row["breed"]]
    return found

"""CIFAR-10: the official archive, a local folder in its layout, or images drawn by the program.

Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.
"""

import pickle
import tarfile
from pathlib import Path

import numpy as np

from . import data_lock, folders
from .dataset import Dataset, Split
from .sample import cifar10 as cifar10_sample
from .sample.drawn import drawn
from .splitting import hold_out, note_repeated, refuse_too_few, shortened, without

# As in keras.datasets.cifar10.
ARCHIVE_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE_SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"

FOLDER = "cifar-10-batches-py"
TRAIN_FILES = [f"data_batch_{number}" for number in range(1, 6)]
TEST_FILE = "test_batch"
NAMES_FILE = "batches.meta"

CLASS_NAMES = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]
HOW = f"put the folder {FOLDER}/ into the data folder"
SAMPLE_PER_CLASS = 600
SAMPLE_SEED = 0


def cifar10(
    data: str, folder: Path, seed: int, max_images: int | None, *, validation_fraction: float
) -> Dataset:
    """50,000 + 10,000 colour images of 32 x 32 pixels in ten classes; of `sample` data 5,000 +
    1,000.

    data: "real" or "sample". folder: holds `cifar-10-batches-py/`, at most four folders down.
    validation_fraction: of the training images, stratified, drawn by seed. max_images: keep about
    so many images in all, the same share of every class.
    """
    pool, test = _sample() if data == "sample" else _official(folder)
    notes: list[str] = []
    note_repeated([pool, test], CLASS_NAMES, notes)
    pool = without(pool, test, "test", notes)
    pool, test = shortened([pool, test], max_images, seed, notes)
    train, validation = hold_out(pool, validation_fraction, seed, "validation_fraction")
    refuse_too_few({"train": train, "validation": validation, "test": test}, max_images)
    return Dataset(
        name="cifar10",
        sample=data == "sample",
        train=train,
        validation=validation,
        test=test,
        class_names=CLASS_NAMES,
        notes=notes,
    )


def shape(*, validation_fraction: float) -> tuple[tuple[int, int, int], int]:
    """Image shape (H, W, 3) and number of classes, known without the data."""
    return (32, 32, 3), len(CLASS_NAMES)


def _sample() -> tuple[Split, Split]:
    images, labels = drawn(cifar10_sample, SAMPLE_PER_CLASS, SAMPLE_SEED, cifar10_sample.SIDE)
    return hold_out(
        Split(images, labels, [f"sample-{index:04d}" for index in range(len(images))]),
        1 / 6,
        SAMPLE_SEED,
        "test_fraction",
    )


def find(folder: Path) -> Path:
    """The folder of the batches; errors as of `folders.find`."""
    return folders.find((FOLDER,), folder, "CIFAR-10") / FOLDER


def compare(batches: Path) -> data_lock.DatasetFiles:
    """The files of the folder, compared with data.lock."""
    return data_lock.look(
        "cifar10", batches, [batches / name for name in (*TRAIN_FILES, TEST_FILE, NAMES_FILE)]
    )


def unpack(archive: Path, folder: Path) -> None:
    """Take the known files, and nothing else, out of the verified archive."""
    batches = folder / FOLDER
    batches.mkdir(parents=True)
    with tarfile.open(archive) as tar:
        for name in (*TRAIN_FILES, TEST_FILE, NAMES_FILE):
            (batches / name).write_bytes(
                tar.extractfile(f"{FOLDER}/{name}").read()  # type: ignore[union-attr]
            )


def _official(folder: Path) -> tuple[Split, Split]:
    batches = find(folder)
    [names] = _read(batches / NAMES_FILE, b"label_names")
    if names != [name.encode() for name in CLASS_NAMES]:
        raise ValueError(
            f"{batches / NAMES_FILE}: expected the ten classes of CIFAR-10, got"
            f" {str(names)[:200]}; delete {batches} to download it again"
        )
    parts, test = [_batch(batches / name) for name in TRAIN_FILES], _batch(batches / TEST_FILE)
    compare(batches).enter()
    return (
        Split(
            np.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
            sum((part.ids for part in parts), []),
        ),
        test,
    )


def _batch(path: Path) -> Split:
    data, labels = _read(path, b"data", b"labels")
    again = f"delete {path.parent} to download it anew"
    number = len(labels) if isinstance(labels, (list, np.ndarray)) else 0
    if (
        not isinstance(data, np.ndarray)
        or data.dtype != np.uint8
        or data.ndim != 2
        or data.shape[1] != 3072
        or not 0 < number == len(data)
    ):
        raise ValueError(
            f"{path}: expected uint8 pixels of shape (N, 3072) and N labels, got"
            f" {getattr(data, 'shape', type(data).__name__)} and {number}; {again}"
        )
    if not all(
        isinstance(label, (int, np.integer))
        and not isinstance(label, bool)
        and 0 <= label < len(CLASS_NAMES)
        for label in labels
    ):
        raise ValueError(
            f"{path}: labels must be whole numbers from 0 to {len(CLASS_NAMES) - 1}; {again}"
        )
    labels = np.asarray(labels)
    # stored as 1024 red, 1024 green and 1024 blue values, row by row
    images = np.ascontiguousarray(data.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    return Split(
        images,
        labels.astype(np.int32),
        [f"{path.name}-{index:05d}" for index in range(len(images))],
    )


def _read(path: Path, *keys: bytes) -> list:
    try:
        with open(path, "rb") as file:
            content = _ArraysOnly(file, encoding="bytes").load()
        return [content[key] for key in keys]
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing: {path.parent} is not a complete CIFAR-10 folder; delete it to"
            " download it again"
        ) from None
    except Exception as error:  # a damaged pickle raises of all kinds
        raise ValueError(
            f"{path}: not a CIFAR-10 batch, or a truncated one ({error or type(error).__name__});"
            f" delete {path.parent} to download it again"
        ) from None


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays, bytes, lists, dicts and numbers; a pickle that names anything else, such as a
    function to call, is refused.
    """

    def find_class(self, module, name):
        if module in ("numpy.core.multiarray", "numpy._core.multiarray") and name == "_reconstruct":
            return lambda subtype, shape, kind: (
                np.ndarray(shape, kind) if subtype is np.ndarray else self._refuse(module, subtype)
            )
        if module == "numpy" and name in ("ndarray", "dtype"):
            return getattr(np, name)
        if (module, name) == ("_codecs", "encode"):
            # how Python 3 writes bytes into an old pickle protocol
            return lambda text, encoding: (
                text.encode("latin-1")
                if encoding in ("latin1", b"latin1")
                else self._refuse(module, encoding)
            )
        self._refuse(module, name)

    def _refuse(self, module, name):
        raise pickle.UnpicklingError(f"it loads {module}.{name}, which no image batch needs")

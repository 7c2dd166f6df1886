"""The network of a finished run, as its run folder keeps it: it answers without the data set."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from .. import datasets
from ..core import paths
from ..runs import manifest, records, results
from . import backend, loop

CHUNK = 64  # images in memory at once


@dataclass(frozen=True)
class TrainedModel:
    """A network and the record of its training. side: of the square images that it takes."""

    model: keras.Model
    metrics: records.Metrics
    side: int

    @property
    def class_names(self) -> list[str]:
        """In label order."""
        return self.metrics.dataset.class_names

    def predict(self, images: Iterator[np.ndarray]) -> np.ndarray:
        """Probabilities float32 (N, K) of images uint8 (side, side, 3); of several outputs the main
        one's. A few images are in memory at once.
        """
        found = [np.empty((0, len(self.class_names)), np.float32)]
        while chunk := [image for _, image in zip(range(CHUNK), images)]:
            unknown = np.full(len(chunk), -1, np.int32)
            split = datasets.Split(np.stack(chunk), unknown, [""] * len(chunk))
            found.append(loop.predict(self.model, split))
        return np.concatenate(found)


def load(folder: Path) -> TrainedModel:
    """The network in a run folder.

    Raises FileNotFoundError where there is no finished training, ValueError where its files were
    changed or its network is of another kind than those of `models`.
    """
    metrics, file = records.metrics(folder), folder / results.MODEL
    if metrics is None or not file.exists():
        missing = results.MODEL if metrics else records.METRICS
        raise FileNotFoundError(
            f"{paths.display(folder)} holds no finished training ({missing} is missing or damaged);"
            " run the experiment first"
        )
    edited = manifest.changed(folder, (results.MODEL, records.METRICS))
    if edited:  # the answers would pass as those of the run
        raise ValueError(
            f"{', '.join(edited)} in {paths.display(folder)} changed after the training: restore"
            " it, or delete it and run the experiment again"
        )
    backend.prepare()
    model = _read(file)
    return TrainedModel(model, metrics, _side(model, len(metrics.dataset.class_names), file))


def _read(file: Path) -> keras.Model:
    try:
        # without what it was trained with: a loss of ours is none that Keras knows by name
        return keras.saving.load_model(file, compile=False)
    except Exception as error:  # Keras, h5py and zipfile raise of all kinds
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(
            f"{paths.display(file)} cannot be loaded ({first[:200]}): restore it, or delete it and"
            " run the experiment again"
        ) from error


def _side(model: keras.Model, classes: int, file: Path) -> int:
    """The side of the images that a network takes. ValueError where it does not go from square
    colour images to probabilities of so many classes.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in model.inputs or ()]
    main = getattr(model, "output", None)  # some networks from elsewhere have none
    main = next(iter(main.values())) if isinstance(main, dict) else main
    outputs = tuple(getattr(main, "shape", ()))[1:]
    side = shapes[0][0] if shapes and shapes[0] else None
    if not isinstance(side, int) or shapes != [(side, side, 3)]:
        raise ValueError(
            f"{paths.display(file)} takes inputs of shape {', '.join(map(str, shapes))}, not square"
            " colour images"
        )
    if outputs != (classes,) and not (outputs == (1,) and classes == 2):
        raise ValueError(
            f"{paths.display(file)} has outputs of shape {outputs}, and the run has"
            f" {classes} classes: model.keras is not this run's"
        )
    return side

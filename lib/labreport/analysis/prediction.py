"""What a finished run's network says of images of a person's own: no data set is needed or read."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from ..core import paths, redaction
from ..core.i18n import N_, _, percent
from ..core.text import printable
from ..datasets import photographs
from ..runs.records import Metrics

MOST_SHOWN = 15  # images in a figure: five rows of three are a page
SHOWN_PIXELS = 480  # of the longer side


@dataclass
class Predictions:
    """What a network says of N images.

    metrics: of its run. side: of the squares that it takes. names: of the images, each once, fit to
    be handed on. probabilities: (N, K). taken: the first MOST_SHOWN images as they were taken,
    uint8 (h, w, 3) each; seen: the same as the network takes them, uint8 (side, side, 3) each.
    failures: files that could not be read, with the reason. remarks: folders, with what is to be
    said of them.
    """

    metrics: Metrics
    side: int
    names: list[str] = field(default_factory=list)
    probabilities: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    taken: list[np.ndarray] = field(default_factory=list)
    seen: list[np.ndarray] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    remarks: list[tuple[str, str]] = field(default_factory=list)

    @property
    def class_names(self) -> list[str]:
        """In label order."""
        return self.metrics.dataset.class_names


def of(network, given: Iterable[str | Path], base: Path | None = None) -> Predictions:
    """Let a network classify image files, and those of folders.

    What is no image is named among the failures, and the others are classified. network: a
    `trained_model.TrainedModel`. given: as for `photographs.found`. base: where a relative path is
    looked for if it leads nowhere; None for the project, since the working directory of a notebook
    depends on who executes it.
    """
    found, remarks = photographs.found(given, paths.root() if base is None else base)
    made = Predictions(network.metrics, network.side)
    made.remarks = [(_shareable(str(folder)), _shareable(remark)) for folder, remark in remarks]
    names = _names(found)

    def images() -> Iterator[np.ndarray]:
        for file, name in zip(found, names):
            try:
                pixels = photographs.prepared(file, network.side)
                if len(made.seen) < MOST_SHOWN:
                    made.taken.append(photographs.as_taken(file, SHOWN_PIXELS))
                    made.seen.append(pixels)
            except ValueError as error:
                made.failures.append((name, _shareable(str(error))))
                continue
            made.names.append(name)
            yield pixels

    made.probabilities = network.predict(images())
    return made


def likeliest(predictions: Predictions, most: int | None = None) -> pd.DataFrame:
    """The two most probable classes of each image, a row an image; of the first `most` images."""
    rows = []
    for name, values in zip(predictions.names[:most], predictions.probabilities):
        first, second = np.argsort(-values, kind="stable")[:2]
        rows.append(
            {
                N_("Image"): name,
                N_("Class"): predictions.class_names[first],
                N_("Probability"): share(values[first]),
                N_("Second class"): predictions.class_names[second],
                N_("Its probability"): share(values[second]),
            }
        )
    return pd.DataFrame(rows)


def table(predictions: Predictions) -> pd.DataFrame:
    """A row an image: its name, the most probable class, and the probability of each class."""
    classes = np.array(predictions.class_names)
    rows = pd.DataFrame(
        {
            # A spreadsheet would take a name that begins so for a formula.
            "image": [re.sub(r"^(?=[=+\-@])", "./", name) for name in predictions.names],
            "predicted": classes[predictions.probabilities.argmax(axis=1)],
        }
    )
    return pd.concat([rows, pd.DataFrame(predictions.probabilities, columns=classes)], axis=1)


def panels(predictions: Predictions) -> list[tuple[str, np.ndarray, np.ndarray, list[str]]]:
    """For a figure: name of each shown image, as it was taken, as the network takes it, and its two
    most probable classes with their probabilities.
    """
    rows = likeliest(predictions, len(predictions.seen)).itertuples(index=False, name=None)
    return [
        (
            name,
            taken,
            seen,
            [f"{first} {its}".replace("_", " "), f"{second} {other}".replace("_", " ")],
        )
        for (name, first, its, second, other), taken, seen in zip(
            rows, predictions.taken, predictions.seen
        )
    ]


def share(probability: float) -> str:
    """A probability in per cent, one digit behind the decimal mark; never 100 % or 0 %, which no
    network computes but by rounding.
    """
    if probability >= 0.9995:
        return _("over {share}", share=percent(0.999))
    return (
        percent(probability) if probability >= 0.0005 else _("below {share}", share=percent(0.001))
    )


def _names(files: list[Path]) -> list[str]:
    """File names; the whole path where two images share a name."""
    names = [file.name for file in files]
    return [_shareable(str(file) if names.count(file.name) > 1 else file.name) for file in files]


def _shareable(text: str) -> str:
    """A text with names of files as it can be written, shown and handed on."""
    return printable(redaction.cleaned(text)).replace("\n", "\\n").replace("\t", "\\t")

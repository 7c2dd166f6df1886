"""What each epoch of a training made of each validation image: enough to choose an epoch on some of
the images and to count on the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import files, paths

if TYPE_CHECKING:  # the command line knows the file, and does without NumPy
    import numpy as np

FILE = "validation.npz"
_CLOSEST = 65504.0  # the largest float16: a greater loss is never the smallest


@dataclass(frozen=True)
class Validation:
    """A bit an epoch and image, and where the loss decides which epoch is the best one, the loss.

    ids: texts (N,). right: bool (E, N), whether the image is classified correctly after each epoch.
    loss: float16 (E, N), of each image, without penalties, which are the same for all; None where
    the accuracy decides.
    """

    ids: np.ndarray
    right: np.ndarray
    loss: np.ndarray | None


def arrays(record: Validation) -> dict[str, np.ndarray]:
    """A record as few bytes, by name."""
    import numpy as np

    packed = {"right": np.packbits(record.right, axis=1)}
    return packed | ({} if record.loss is None else {"loss": record.loss})


def unpacked(ids, packed: Mapping) -> Validation | None:
    """The same from such arrays; None where there are none. ids: of the images."""
    import numpy as np

    if "right" not in packed:
        return None
    right = np.unpackbits(packed["right"], axis=1, count=len(ids)).astype(bool)
    return Validation(np.asarray(ids, str), right, packed.get("loss"))


def with_epoch(record: Validation, right: np.ndarray, loss: np.ndarray | None) -> Validation:
    """The record with one epoch more. right: bool (N,). loss: (N,)."""
    import numpy as np

    if loss is not None:
        finite = np.minimum(np.nan_to_num(loss, nan=_CLOSEST), _CLOSEST).astype(np.float16)
        loss = finite[None] if record.loss is None else np.concatenate([record.loss, finite[None]])
    return Validation(record.ids, np.concatenate([record.right, right[None]]), loss)


def save(record: Validation, folder: Path) -> None:
    """Write the record into a run folder, the same bytes for the same record."""
    import io
    import zipfile

    import numpy as np

    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, array in ({"ids": record.ids} | arrays(record)).items():
                content = io.BytesIO()
                np.lib.format.write_array(content, array, allow_pickle=False)
                # of a date of its own the bytes would depend
                archive.writestr(
                    zipfile.ZipInfo(f"{name}.npy"), content.getvalue(), zipfile.ZIP_DEFLATED
                )

    files.replace(folder / FILE, write)


def load(folder: Path) -> Validation | None:
    """The record in a run folder; None where the run kept none, as those of earlier versions.

    Raises:
        ValueError: the file is damaged.
    """
    import zipfile

    import numpy as np

    path = folder / FILE
    if not path.exists():
        return None
    try:
        with np.load(path) as found:
            record = unpacked(found["ids"], found)
            assert record and (record.loss is None or record.loss.shape == record.right.shape)
            return record
    except (OSError, ValueError, KeyError, EOFError, AssertionError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"{paths.display(path)} is damaged ({error}); restore it, or delete it: the reports"
            " then do without it"
        ) from None

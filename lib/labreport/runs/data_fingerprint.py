"""The fingerprint of an experiment's data, without loading them where nothing has changed.

Loading a data set writes down what it gave, and the size and times of the files and folders that it
looked at. As long as these and the code of the data set are the same, the fingerprint is known
without NumPy.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..core import files, i18n, paths
from ..staleness import rules as staleness
from . import provenance

_FOLDER = "fingerprints"  # in the cache folder
_looked_at: dict[str, str] = {}  # path -> its stamp, since the last `remembering` began


def known(experiment) -> tuple[str, list[str]] | None:
    """Fingerprint and notes of an experiment's data; None where only loading them can tell."""
    record = files.read_json(_file(experiment, imported=False))
    record = record if isinstance(record, dict) else {}
    stamps: Any
    fingerprint: Any
    notes: Any
    fingerprint, notes, stamps = (record.get(key) for key in ("fingerprint", "notes", "stamps"))
    whole = isinstance(fingerprint, str) and isinstance(notes, list) and isinstance(stamps, dict)
    if whole and all(_stamp(Path(path)) == stamp for path, stamp in stamps.items()):
        return fingerprint, notes
    return None


def look_at(looked_at: Iterable[Path]) -> None:
    """Note files that a data set is read from, and folders where another one would show."""
    _looked_at.update((str(path), _stamp(path)) for path in looked_at)


@contextlib.contextmanager
def remembering(experiment):
    """Write down what loading an experiment's data in this block gives, and what it looked at.

    Yields a list that takes the data set. Nothing is written in another language than English, in
    which the notes are compared.
    """
    _looked_at.clear()
    loaded: list = []
    yield loaded
    if not loaded or i18n.current_language() != "en":
        return
    lock = paths.data_lock()  # where a first use has just entered the data set
    look_at([lock, lock.parent] if str(lock) in _looked_at else [])
    record = {
        "fingerprint": loaded[0].fingerprint,
        "notes": loaded[0].notes,
        "stamps": dict(sorted(_looked_at.items())),
    }
    file = _file(experiment, imported=True)
    with contextlib.suppress(OSError):  # a read-only or full disk: the data are loaded each time
        file.parent.mkdir(parents=True, exist_ok=True)
        files.write_json(file, record)


def _stamp(path: Path) -> str:
    try:
        return files.stamp(path)
    except OSError:
        return "missing"


def _file(experiment, imported: bool) -> Path:
    decided = [
        experiment.dataset,
        experiment.dataset_args,
        experiment.data,
        experiment.split_seed,
        experiment.max_images,
        staleness.dataset(experiment, imported),
        str(paths.data()),
        str(paths.data_lock()),
        provenance.versions("numpy", "opencv-python"),
    ]
    digest = hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:20]
    return paths.cache() / _FOLDER / f"{experiment.dataset}-{digest}.json"

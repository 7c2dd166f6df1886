"""The fingerprint of an experiment's data, without loading them where nothing has changed.

Loading a data set writes down what it gave and which files it read, with their size and times. As
long as these and the code of the data set are the same, the fingerprint is known without NumPy.
"""

import contextlib
import hashlib
import json
import os
from pathlib import Path

from . import files, paths, provenance, staleness

_FOLDER = "fingerprints"  # in the cache folder


def known(experiment) -> tuple[str, list[str]] | None:
    """Fingerprint and notes of an experiment's data; None where only loading them can tell."""
    record = files.read_json(_file(experiment))
    stamps = record.get("stamps") if isinstance(record, dict) else None
    if isinstance(stamps, dict) and stamps == _stamps(stamps):
        return record["fingerprint"], record["notes"]
    return None


def remember(experiment, dataset, read: list[Path]) -> None:
    """Write down what loading an experiment's data gave. read: files that were read, and the
    folders where another one would show."""
    stamps = _stamps(sorted(map(str, read)))
    record = {"fingerprint": dataset.fingerprint, "notes": dataset.notes, "stamps": stamps}
    with contextlib.suppress(OSError):  # a read-only or full disk: the data are loaded each time
        _file(experiment).parent.mkdir(parents=True, exist_ok=True)
        files.write_json(_file(experiment), record)


def _file(experiment) -> Path:
    decided = [
        experiment.dataset,
        experiment.dataset_args,
        experiment.data,
        experiment.seed,
        experiment.max_images,
        staleness.dataset(experiment),
        str(paths.data()),
        provenance.versions("numpy", "opencv-python"),
    ]
    digest = hashlib.sha256(json.dumps(decided).encode()).hexdigest()[:20]
    return paths.cache() / _FOLDER / f"{experiment.dataset}-{digest}.json"


def _stamps(watched) -> dict[str, str]:
    """What the system says of files and folders: another size, time or entry is another stamp."""
    return {path: _stamp(path) for path in watched}


def _stamp(path: str) -> str:
    try:
        state = os.stat(path)
    except OSError:
        return "missing"
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"

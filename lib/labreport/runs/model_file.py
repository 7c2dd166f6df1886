"""Saved models without what differs between equal ones: Keras writes the time, and addresses in the
process's memory.
"""

import json
import os
import shutil
import zipfile
from pathlib import Path

METADATA, CONFIG = "metadata.json", "config.json"


def normalize(path: Path) -> None:
    """Rewrite a .keras file so that models of equal configuration and weights are equal byte for
    byte, and load as before.
    """
    temporary = path.with_suffix(f".normalized{path.suffix}")
    try:
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(temporary, "w") as new:
            for member in old.infolist():
                entry = zipfile.ZipInfo(member.filename)  # of no date
                entry.external_attr, entry.file_size = 0o600 << 16, member.file_size
                with old.open(member) as source, new.open(entry, "w") as target:
                    if member.filename == METADATA:
                        kept = json.load(source)
                        kept.pop("date_saved", None)  # metrics.json says when the run was finished
                        target.write(json.dumps(kept).encode())
                    elif member.filename == CONFIG:
                        target.write(json.dumps(_renumbered(json.load(source), {})).encode())
                    else:
                        shutil.copyfileobj(source, target, 2**20)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _renumbered(config, numbers: dict[int, int]):
    """The configuration, its shared objects (two layers of one policy, say) counted instead of
    named by their addresses.
    """
    if isinstance(config, list):
        return [_renumbered(value, numbers) for value in config]
    if not isinstance(config, dict):
        return config
    return {
        key: (
            numbers.setdefault(value, len(numbers) + 1)
            if key == "shared_object_id"
            else _renumbered(value, numbers)
        )
        for key, value in config.items()
    }

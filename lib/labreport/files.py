"""Files that appear whole or not at all."""

import contextlib
import fcntl
import json
import os
from collections.abc import Callable
from pathlib import Path


def replace(path: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make a temporary file beside `path`, bring it to the disk, and rename it into place.

    When `write` fails (a full disk, say) the old file is still there and the temporary one is gone.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")  # the suffix, since Keras looks at it
    try:
        write(temporary)
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file."""
    replace(path, lambda temporary: temporary.write_text(text, "utf-8"))


def write_json(path: Path, values) -> None:
    """Replace a JSON file; floats that are not numbers are refused."""
    write_text(path, json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


@contextlib.contextmanager
def lock(path: Path, what: str, wait: bool = False):
    """Hold the lock file `path` while the block runs. Where another process holds it: wait for it, or raise a ValueError that names it.

    what: the thing that is at work, for the message.
    """
    with open(path, "a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            file.seek(0)
            raise ValueError(f"{what} is at work already, as process {file.read().strip() or 'unknown'}; wait for it, or end it") from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def read_json(path: Path):
    """The content of a JSON file, or None where there is none or it is damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None

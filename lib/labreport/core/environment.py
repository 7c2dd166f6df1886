"""The Python environment that a command runs from: it is not replaced while the command runs."""

import fcntl
import os
import sys
from pathlib import Path

from . import files

LOCK = "use.lock"  # `make setup` makes it, and replaces the environment only when nobody holds it
_held: list[int] = []  # open for as long as this process lives


def hold() -> None:
    """Hold this environment until the process ends, whatever ends it.

    Does nothing where `make setup` did not make the environment. Raises RunLocked while a set-up is
    replacing it.
    """
    lock = Path(sys.prefix, LOCK)
    if _held or not lock.exists():
        return
    descriptor = os.open(lock, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise files.RunLocked(
            f"`make setup` is replacing {sys.prefix}; run the same command again when it has"
            " finished"
        ) from None
    _held.append(descriptor)

"""Files that appear whole or not at all, and locks that die with their holder."""

import contextlib
import datetime
import errno
import fcntl
import hashlib
import itertools
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath

from . import redaction

FOREVER = math.inf
# there is none of this name, but a folder or nothing
NO_FILE = (errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)
# exit code of a command that found another process at the same work: try again later (EX_TEMPFAIL)
RUN_LOCKED = 75


class RunLocked(ValueError):
    """Another process has in hand what this one wants."""


class Deleted(FileNotFoundError):
    """A folder was deleted while this process held its lock; what lies there now is another's."""


_held: dict[Path, int] = {}  # lock files of this process, and their descriptors
os.register_at_fork(after_in_child=_held.clear)  # what a parent holds is not its child's to watch


def replace(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a temporary file beside `path`, bring it to the disk, and rename it into
    place.

    When `write` fails (a full disk, say) the old file is still there and the temporary one is gone.
    Raises Deleted, and writes nothing, as `refuse_deleted` does.
    """
    refuse_deleted(path.parent)
    # the suffix, since Keras looks at it
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part{path.suffix}")
    try:
        write(temporary)
        bring_to_disk(temporary)
        refuse_deleted(path.parent)  # to write a model takes seconds
        os.replace(temporary, path)
        bring_to_disk(path.parent)  # or the name may be lost in a power cut
    finally:
        temporary.unlink(missing_ok=True)


def bring_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, would outlast a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def stamp(path: Path) -> str:
    """Size and times of a file or folder; with another content, or another entry, it is another
    one.
    """
    state = os.stat(path)
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


def sweep(folder: Path, name: str = "*") -> None:
    """Delete the temporary files that killed writers of `name` have left; for the one process that
    may write it.
    """
    for path in folder.glob(f".{name}.*.part*"):
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Replace a text file; what stands in it can be handed on: no home folder, no secret."""
    replace(path, lambda temporary: temporary.write_text(redaction.cleaned(text), "utf-8"))


def write_json(path: Path, values) -> None:
    """Replace a JSON file, in the same way; floats that are not numbers are refused."""
    text = (
        json.dumps(redaction.cleaned_values(values), indent=2, ensure_ascii=False, allow_nan=False)
        + "\n"
    )
    replace(path, lambda temporary: temporary.write_text(text, "utf-8"))


@contextlib.contextmanager
def lock(path: Path, what: str, wait: float = 0.0):
    """Hold the lock file `path` while the block runs.

    Where another process holds it: wait so many seconds, then raise RunLocked, which names it.

    what: the thing that is at work, for the message. The lock is the operating system's: it ends
    with its holder, however that ends, so a lock file that lies about means nothing.
    """
    give_up, path = time.monotonic() + wait, path.absolute()
    while True:
        with open(path, "a+") as file:
            while not _taken(file):
                if time.monotonic() >= give_up:
                    file.seek(0)
                    raise RunLocked(
                        f"{what} is already running"
                        f" ({file.read().strip() or 'an unknown process'}). Wait for it or stop"
                        " it."
                    )
                time.sleep(0.05)
            if not _is_file(file.fileno(), path):
                continue  # deleted while we waited: the lock of this name is another file's
            file.truncate(0)
            file.write(
                f"process {os.getpid()} on {redaction.host()} since"
                f" {datetime.datetime.now():%Y-%m-%d %H:%M:%S}"
            )
            file.flush()
            _held[path] = file.fileno()
            try:
                yield
            finally:
                del _held[path]
            return


def deleted(folder: Path) -> bool:
    """Whether a folder, or one above it, was deleted while this process held a lock in it.

    A folder of the same name may be there again, with the files of another process.
    """
    return _gone(folder) is not None


def refuse_deleted(folder: Path) -> None:
    """Raise Deleted where `deleted` is true."""
    gone = _gone(folder)
    if gone is not None:
        raise Deleted(
            f"the folder {gone} was deleted while this process was using it, so the process stops"
            " and writes nothing more there; run the same command to start over"
        )


def _gone(folder: Path) -> Path | None:
    places = {folder.absolute(), *folder.absolute().parents}
    return next(
        (
            path.parent
            for path, descriptor in list(_held.items())
            if path.parent in places and not _is_file(descriptor, path)
        ),
        None,
    )


def _is_file(descriptor: int, path: Path) -> bool:
    """Whether a path still names the file that is open."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        return False


def locked(path: Path) -> bool:
    """Whether a process on this machine, or on one that shares this disk and its locks, holds the
    lock file now.
    """
    try:
        with open(path) as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
    return False


def _taken(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def free(path: Path) -> Path:
    """The path, or the first of path-2, path-3, ... that is not there: clocks can be set back."""
    others = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(
        candidate for candidate in itertools.chain([path], others) if not candidate.exists()
    )


def leads_outside(name: str) -> bool:
    """Whether a name that came from outside is anything but the path of a file below a folder."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    absolute = PurePosixPath(name).is_absolute() or bool(PureWindowsPath(name).drive)
    return absolute or not parts or ".." in parts or "\0" in name


def now() -> str:
    """The time, to the second, as files say it."""
    return datetime.datetime.now().astimezone().isoformat(timespec="seconds")


def read_json(path: Path):
    """The content of a JSON file, or None where it is missing, damaged or not a file."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):
        return None
    except OSError as error:  # of a disk that does not answer nobody can say what it holds
        if error.errno not in NO_FILE:
            raise
        return None


def sha256(file: Path) -> str:
    """Digest of a file's content, as 64 hex digits."""
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

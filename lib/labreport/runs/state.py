"""What a run folder says of itself: queued, running, finished, failed or interrupted, in run.json;
and how much of it can be believed.

A run that says it is running is believed while its lock is held, which the operating system sees
to. No clock decides: a heartbeat tells people when there was a sign of life, and between machines
whose locks may not reach each other it is watched whether it moves.
"""

import contextlib
import datetime
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ..core import files, host, redaction
from ..core.i18n import count
from ..core.signals import Interrupted
from ..core.text import printable
from . import backups, records

FILE = "run.json"
LOCK = ".run.lock"
UNFINISHED = "unfinished"  # folder of a training that is not complete: history, checkpoints
# folder of the runs that a later one has taken the place of, and of trainings that were set aside
EARLIER = "earlier"
RUN_LOCK = "LABREPORT_RUN"  # names the run folder that the parent process holds
NAMES = ("queued", "running", "finished", "failed", "interrupted")
# What is read of run.json, and of one that says it is running; one that says otherwise is of
# another make.
KINDS = {"host": str, "process": int}
KINDS_RUNNING = {"heartbeat": str, "started": str, "beats": int}
BEAT_SECONDS = 5.0
SILENT_SECONDS = (
    120  # after which a run of a machine whose lock cannot be seen is no longer said to be running
)
WAIT_SECONDS = 3.0  # for the last moments of a process that was killed


@dataclass(frozen=True)
class State:
    """name: none, queued, running, finished, failed or interrupted. epochs: complete ones of an
    unfinished training, None where there is none.

    record: what run.json says. why: of a failure or interruption.
    """

    name: str
    epochs: int | None = None
    record: dict | None = None
    why: str = ""

    def __str__(self) -> str:
        after = f" after {count(self.epochs, 'epoch')}" if self.epochs else ""
        if self.name == "running" and self.record:
            return (
                f"running{after} ({_whose(self.record)}, last heartbeat {self.record['heartbeat']})"
            )
        return f"{self.name}{after}" + (f": {self.why}" if self.why else "")


def read(folder: Path) -> State:
    """The state of a run folder; no run counts as running or queued whose process is gone."""
    record, epochs = _record(folder), _epochs(folder)
    if record is None:
        return State("interrupted", epochs) if epochs is not None else State("none")
    name, here = record["state"], record["host"] == redaction.host()
    if name == "running" and here and not files.locked(folder / LOCK):
        return State(
            "interrupted",
            epochs,
            record,
            f"{_whose(record)} terminated unexpectedly (killed, or a power cut)",
        )
    if (
        name == "running"
        and not files.locked(folder / LOCK)
        and abs(_age(record["heartbeat"])) > SILENT_SECONDS
    ):
        return State(
            "interrupted",
            epochs,
            record,
            f"no heartbeat from {_whose(record)} since {record['heartbeat']}; it may have ended",
        )
    if name == "queued" and here and not _alive(record["process"]):
        return State(
            "interrupted",
            epochs,
            record,
            "it was queued, but the process that would have started it has ended",
        )
    return State(name, epochs, record, record.get("why", ""))


@contextlib.contextmanager
def run_lock(folder: Path, run_name: str, log: str | None = None):
    """Hold a run folder while the block runs, and say so in run.json, with a heartbeat; at the end
    how it ended, and why.

    What is kept of it elsewhere is brought back before, and kept anew after. log: file in the
    folder where the words of a failed run lie. Where the parent process holds the folder for this
    process, nothing is done. Raises ValueError that names the holder where it is another process,
    and Deleted where the folder was deleted meanwhile: then what is there now is left alone.
    """
    if os.environ.get(RUN_LOCK) == str(folder.resolve()):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / LOCK, run_name, wait=WAIT_SECONDS):
        brought = backups.platform().restore(folder)
        if not brought and host.here() != "kaggle":
            # whose disk is nobody else's, and may hold what an earlier session's runs said
            _refuse_a_living_one_elsewhere(folder, run_name)
        record = {
            "state": "running",
            "host": redaction.host(),
            "process": os.getpid(),
            "started": files.now(),
            "heartbeat": files.now(),
            "beats": 0,
        }
        files.write_json(folder / FILE, record)
        done = threading.Event()
        beating = threading.Thread(target=_beat, args=(folder, record, done), daemon=True)
        beating.start()
        ending = {"state": "finished"}
        try:
            if not brought:  # what a process that was killed has left
                backups.platform().backup(folder)
            yield
            files.refuse_deleted(folder)
        except (KeyboardInterrupt, Interrupted) as error:
            ending = {"state": "interrupted", "why": str(error) or "it was stopped at once"}
            raise
        except BaseException as error:
            ending = {"state": "failed", "why": str(error) or type(error).__name__} | (
                {"log": log} if log else {}
            )
            raise
        finally:
            done.set()
            beating.join()
            files.refuse_deleted(folder)  # what is there is another's, and says what that one does
            epochs = _epochs(folder)
            with contextlib.suppress(OSError):
                # on a full disk the file goes on saying running, and is not believed once the lock
                # is free
                files.write_json(
                    folder / FILE,
                    record
                    | ending
                    | {"ended": files.now()}
                    | ({"epoch": epochs} if epochs is not None else {}),
                )
            backups.platform().backup(folder)


def fetch(folder: Path) -> None:
    """Bring back what is kept of a run that is only to be read, unless it is at work here."""
    with contextlib.suppress(OSError, files.RunLocked):  # it is then read as it lies here
        if backups.platform().newer_backups(folder):
            folder.mkdir(parents=True, exist_ok=True)
            with files.lock(folder / LOCK, folder.name):
                backups.platform().restore(folder, progress=lambda line: None)


def queue(folder: Path) -> None:
    """Mark a run as queued by this process, unless the folder says something already."""
    if read(folder).name == "none":
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(
            folder / FILE,
            {
                "state": "queued",
                "host": redaction.host(),
                "process": os.getpid(),
                "since": files.now(),
            },
        )


def unqueue(folder: Path, why: str | None = None) -> None:
    """Take back what `queue` said, where nothing has come of it; or say why nothing could come of
    it.
    """
    record = _record(folder)
    if (
        record
        and record["state"] == "queued"
        and (record["process"], record["host"]) == (os.getpid(), redaction.host())
    ):
        if why:
            files.write_json(
                folder / FILE, record | {"state": "failed", "why": why, "ended": files.now()}
            )
            return
        (folder / FILE).unlink()
        with contextlib.suppress(OSError):  # there is something in it
            folder.rmdir()


def _beat(folder: Path, record: dict, done: threading.Event) -> None:
    while not done.wait(BEAT_SECONDS):
        record["beats"] += 1
        record["heartbeat"] = files.now()
        with contextlib.suppress(OSError):
            # a full disk stops no run that has nothing else to write
            files.write_json(folder / FILE, record)


def _refuse_a_living_one_elsewhere(folder: Path, run_name: str) -> None:
    """A shared disk need not share its locks: a run of another machine is alive if its heart beats
    while we look.
    """
    record = _record(folder)
    if record is None or record["state"] != "running" or record["host"] == redaction.host():
        return
    time.sleep(2.5 * BEAT_SECONDS)
    later = _record(folder)
    if later is not None and later["state"] == "running" and later["beats"] != record["beats"]:
        raise files.RunLocked(
            f"{run_name} is already running ({_whose(later)} since {later['started']}). Wait for"
            " it or stop it."
        )


def _record(folder: Path) -> dict | None:
    """What run.json says, None where there is none or it is of another make."""
    record = files.read_json(folder / FILE)
    if not isinstance(record, dict) or record.get("state") not in NAMES:
        return None
    kinds = KINDS | (KINDS_RUNNING if record["state"] == "running" else {})
    if (
        not all(type(record.get(key)) is kind for key, kind in kinds.items())
        or type(record.get("why", "")) is not str
    ):
        return None
    if record["state"] == "running" and not records.is_moment(record["heartbeat"]):
        return None
    return {
        key: printable(value) if isinstance(value, str) else value for key, value in record.items()
    }


def _age(moment: str) -> float:
    return time.time() - datetime.datetime.fromisoformat(moment).timestamp()


def _epochs(folder: Path) -> int | None:
    try:
        return max(
            0,
            len((folder / UNFINISHED / "history.csv").read_text("utf-8", "replace").splitlines())
            - 1,
        )
    except OSError:
        return None


def _whose(record: dict) -> str:
    return f"process {record['process']} on {record['host']}"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):  # the number of no process
        return False
    except PermissionError:
        pass
    return True

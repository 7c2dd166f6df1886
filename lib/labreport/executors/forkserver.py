"""Runs that need not import TensorFlow: forked from a process that has, and their kernels with
them. Linux, TensorFlow on a CPU.

A fork serves one run and ends with it, so nothing goes over from one run to the next. What it has
imported is the source as it was when the first process started; once that changes,
`ForkServer.unchanged` says no.
"""

import contextlib
import multiprocessing
import os
import runpy
import signal
import sys
import threading
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ..core import logs, paths, signals
from ..execution import kernels
from ..runs import provenance
from ..staleness import code_digest

FIRST = "labreport.executors.forkserver_session"
# what multiprocessing says of a fork when the process that made it, and would have told its exit
# code, is gone
LOST = 255
# What the pipeline and a notebook import. None of it starts TensorFlow's runtime, nor a thread but
# OpenBLAS's, which it starts again in a fork.
IMPORTED = (
    "ipykernel.kernelapp",
    "ipykernel.ipkernel",
    "matplotlib_inline.backend_inline",
    "papermill",
    "papermill.clientwrap",
    "papermill.engines",
    "nbclient",
    "nbformat",
    "matplotlib.backends.backend_agg",
    "sklearn.metrics",
    "scipy.stats",
    "statsmodels.stats.multitest",
    "labreport.cli.commands",
    "labreport.execution.execution",
    "labreport.training.backend",
    "labreport.analysis.commentary",
    "labreport.datasets",
    "labreport.analysis.evaluation",
    "labreport.analysis.figures",
    "labreport.models",
    "labreport.training.training",
    "labreport.execution.verification",
)


class ForkServer:
    """The process that has imported everything, and makes processes by forking."""

    def __init__(self, log: Path):
        """Start importing, in the background; what is said meanwhile goes to the log."""
        self.made_from = _made_from()
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([FIRST, *IMPORTED])
        python_path = os.pathsep.join(
            filter(None, (str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH")))
        )
        words = logs.Log(log, "w")
        with _environment(os.environ | {"PYTHONPATH": python_path}), _errors_to(words):
            forkserver.ensure_running()
        words.close()

    def unchanged(self) -> bool:
        """Whether what has been imported is what lies on the disk."""
        return self.made_from == _made_from()

    def start(
        self,
        script: Path,
        arguments: list[str],
        log: Path,
        folder: Path,
        environment: dict[str, str],
    ) -> "ForkedProcess":
        """Let a fork run `main(arguments)` of a script in a folder, its words cleaned and appended
        to a log. It dies with this process.
        """
        words = logs.Log(log)
        with Connection(os.dup(words.fileno()), readable=False) as given:
            # in the form in which a descriptor is handed to a fork
            process = self.context.Process(
                target=_run, args=(str(script), arguments, given, str(folder), environment)
            )
            process.start()
        words.close()
        return ForkedProcess(process, words)


def possible() -> bool:
    """Whether forks are to be trusted here: JAX and CUDA have threads and devices that a fork would
    only seem to have.
    """
    return (
        sys.platform == "linux"
        and (os.environ.get("KERAS_BACKEND") or "tensorflow") == "tensorflow"
        and not provenance.gpus()
    )


@dataclass
class ForkedProcess:
    """As much of subprocess.Popen as is asked of a run."""

    process: Any  # of a context, whose classes have no name in common
    log: logs.Log

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        """Its exit code, None while it runs; LOST where the process that forks is gone: what the
        run does then is ended.
        """
        if self.process.exitcode == LOST:
            signals.kill_group(self.pid)
        if self.process.exitcode is not None:
            self.log.finish()
        return self.process.exitcode

    def wait(self) -> None:
        self.process.join()
        self.log.finish()

    def terminate(self) -> None:
        self.process.terminate()


def _made_from() -> dict:
    return {"code": code_digest.whole()} | provenance.versions(
        "tensorflow", "keras", "numpy", "opencv-python", "papermill", "ipykernel", "matplotlib"
    )


@contextlib.contextmanager
def _environment(wanted: dict[str, str]):
    before = dict(os.environ)
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextlib.contextmanager
def _errors_to(file):
    before = os.dup(2)
    os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)


def _run(
    script: str, arguments: list[str], log: Connection, folder: str, environment: dict[str, str]
) -> None:
    os.setsid()
    kernels.become(log.fileno(), folder, environment)
    log.close()
    kernels.fork_ahead()  # as long as this process has one thread
    threading.Thread(target=_die_with_parent, daemon=True).start()
    sys.argv = [script, *arguments]
    sys.exit(runpy.run_path(script)["main"](arguments))


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # multiprocessing has made this process
    parent.join()
    os.killpg(0, signal.SIGKILL)

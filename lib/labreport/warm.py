"""Runs that need not import TensorFlow: forked from a process that has, and their kernels with
them. Linux, TensorFlow on a CPU.

A fork serves one run and ends with it, so nothing goes over from one run to the next. What it has
imported is the source as it was when the first process started; once that changes,
`Forge.unchanged` says no.
"""

import contextlib
import json
import multiprocessing
import os
import runpy
import signal
import socket
import sys
import tempfile
import threading
import traceback
import uuid
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from . import code_digest, interruption, logs, provenance

FIRST = "labreport.apart"
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
    "labreport.execution",
    "labreport.backend",
    "labreport.commentary",
    "labreport.datasets",
    "labreport.evaluation",
    "labreport.figures",
    "labreport.models",
    "labreport.training",
    "labreport.verification",
)


class Forge:
    """The process that has imported everything, and makes processes by forking."""

    def __init__(self, log: Path):
        """Start importing, in the background; what is said meanwhile goes to the log."""
        self.made_from = _made_from()
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([FIRST, *IMPORTED])
        python_path = os.pathsep.join(
            filter(None, (str(provenance.PACKAGE.parent), os.environ.get("PYTHONPATH")))
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
    ) -> "Run":
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
        return Run(process, words)


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
class Run:
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
            interruption.kill_group(self.pid)
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
    _become(log.fileno(), folder, environment)
    log.close()
    global _kernel
    _kernel = _Kernel()  # as long as this process has one thread
    threading.Thread(target=_die_with_parent, daemon=True).start()
    sys.argv = [script, *arguments]
    sys.exit(runpy.run_path(script)["main"](arguments))


def _become(log: int, folder: str, environment: dict[str, str]) -> None:
    """Take over what a new process would be given: where its words go, folder, environment."""
    for standard in (1, 2):
        os.dup2(log, standard)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # the folder of a process is no place to import from
    sys.path[:] = [entry for entry in sys.path if entry]


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None  # multiprocessing has made this process
    parent.join()
    os.killpg(0, signal.SIGKILL)


_kernel: "_Kernel | None" = None  # of this process, as long as no notebook has taken it


class _Kernel:
    """A fork that waits to become a kernel.

    As much of subprocess.Popen as jupyter_client asks of one.
    """

    stdin = stdout = stderr = None

    def __init__(self):
        self.returncode: int | None = None
        parent = os.getpid()
        orders, self._orders = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._orders.close()
            _serve(orders, parent)
        orders.close()

    def become(
        self, command: list[str], log: int, folder: str, environment: dict[str, str]
    ) -> None:
        """Say which kernel it is to be: the arguments after `-m ipykernel_launcher`. log:
        descriptor that it writes to.
        """
        with self._orders as orders:
            socket.send_fds(orders, [b"."], [log])
            orders.sendall(
                json.dumps(
                    [command[command.index("ipykernel_launcher") + 1 :], folder, environment]
                ).encode()
            )

    def poll(self) -> int | None:
        if self.returncode is None:
            process, status = os.waitpid(self.pid, os.WNOHANG)
            if process:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self) -> int:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _serve(orders: socket.socket, parent: int) -> None:
    """Wait for orders; none come where the run ends without a notebook. Never returns."""
    code = 1
    try:
        interruption.die_with(parent)()
        begun, given, *_ = socket.recv_fds(orders, 1, 1)
        if not begun:
            os._exit(0)
        with orders, orders.makefile("r", encoding="utf-8") as told:
            arguments, folder, environment = json.load(told)
        os.setsid()
        _become(given[0], folder, environment)
        os.close(given[0])
        from ipykernel import kernelapp

        sys.argv = ["ipykernel_launcher", *arguments]
        kernelapp.launch_new_instance(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def kernel_manager() -> type:
    """The class that starts a notebook's kernel: jupyter_client's own, but a fork that is waiting
    is taken, and they talk through sockets in a folder.

    A kernel on TCP ports gets five that were free a moment ago; where many are started at once, two
    sometimes get the same one, and one of them dies.
    """
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning import LocalProvisioner

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd, **keywords):
            global _kernel
            kernel: Any
            kernel, _kernel = _kernel, None
            self.process = kernel
            self.cwd = str(keywords.get("cwd") or Path.cwd())
            kernel.become(cmd, keywords["stdout"].fileno(), self.cwd, keywords["env"])
            self.pid = self.pgid = kernel.pid
            return self.connection_info

    class Manager(AsyncKernelManager):
        async def start_kernel(self, **keywords):  # type: ignore[override]  # as the class above
            self._sockets = tempfile.TemporaryDirectory(
                prefix="labreport-", ignore_cleanup_errors=True
            )
            self.transport, self.ip, self.connection_file = (
                "ipc",
                f"{self._sockets.name}/socket",
                f"{self._sockets.name}/kernel.json",
            )
            if _kernel:
                self.kernel_id = self.kernel_id or str(uuid.uuid4())
                self.provisioner = Provisioner(
                    kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
                )
            await super().start_kernel(**keywords)

        async def _async_cleanup_resources(self, restart=False):
            await super()._async_cleanup_resources(restart=restart)
            if not restart:
                self._sockets.cleanup()

        cleanup_resources = _async_cleanup_resources

    return Manager

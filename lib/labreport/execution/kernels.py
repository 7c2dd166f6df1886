"""The process that a notebook's kernel runs in: a fork that waits for it, or a new process.

Linux forks a kernel ahead of time in a run that has imported TensorFlow already (`forkserver`).
"""

import json
import os
import signal
import socket
import sys
import tempfile
import traceback
import uuid
from pathlib import Path
from typing import Any

from ..core import signals

_kernel: "_Kernel | None" = None  # of this process, as long as no notebook has taken it


def fork_ahead() -> None:
    """Fork a process that waits to become this process's kernel."""
    global _kernel
    _kernel = _Kernel()


def become(log: int, folder: str, environment: dict[str, str]) -> None:
    """Take over what a new process would be given: where its words go, folder, environment."""
    for standard in (1, 2):
        os.dup2(log, standard)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    # the folder of a process is no place to import from
    sys.path[:] = [entry for entry in sys.path if entry]


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
        signals.die_with(parent)()
        begun, given, *_ = socket.recv_fds(orders, 1, 1)
        if not begun:
            os._exit(0)
        with orders, orders.makefile("r", encoding="utf-8") as request:
            arguments, folder, environment = json.load(request)
        os.setsid()
        become(given[0], folder, environment)
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

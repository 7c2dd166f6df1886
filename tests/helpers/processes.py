"""Processes of tests: starting them, waiting for what they do, and watching who trains."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from labreport.core import paths
from labreport.runs import state

# Seconds after which a test gives up. That is for a machine that is stuck; no test measures speed.
PATIENCE = 600


class Processes:
    """Processes of a test, each with the group it leads; all are killed at the end."""

    def __init__(self, folder, environment):
        self.folder, self.environment, self.started = folder, environment, []

    def start(self, *command, **more):
        log = self.folder / f"{len(self.started)}.txt"
        with open(log, "w") as output:
            self.started.append(
                subprocess.Popen(
                    [sys.executable, *map(str, command)],
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    cwd=self.folder,
                    env=self.environment | more,
                )
            )
        self.started[-1].log = log
        return self.started[-1]

    def end(self):
        for process in self.started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


# A session leader that outlives its terminal and hands SIGHUP to nobody, as a shell does with jobs
# that it has disowned.
LEADER = """
import signal, subprocess, sys
process = subprocess.Popen(sys.argv[1:])
signal.signal(signal.SIGHUP, lambda *_: None)
sys.exit(process.wait())
"""


class Window:
    """A terminal window that can be closed. name: of the terminal's device."""

    def __init__(self):
        self.master, self.terminal = pty.openpty()
        self.name, self.said, self.lock = os.ttyname(self.terminal), b"", threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while True:
            with self.lock:  # not while it is closed: a read that waits would keep the window open
                if self.master is None:
                    return
                if select.select([self.master], [], [], 0.01)[0]:
                    try:
                        self.said += os.read(self.master, 65536)
                    except OSError:  # nobody is left at the other end
                        return
            time.sleep(0.001)

    def read_text(self):
        """What stands in it."""
        return self.said.decode(errors="replace")

    def close(self):
        """Close it, as a person does."""
        with self.lock:
            if self.master is not None:
                os.close(self.master)
                os.close(self.terminal)
                self.master = None


def take_over(terminal):
    """Let this process lead a session with a terminal."""
    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


class Terminal(Window):
    """A command in a window of its own.

    handed_on: whether the command gets SIGHUP when it is closed; else it only fails to write.
    """

    def __init__(self, command, folder, environment, handed_on=True):
        super().__init__()
        leader = [] if handed_on else [sys.executable, "-c", LEADER]
        self.process = subprocess.Popen(
            [*leader, *map(str, command)],
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            cwd=folder,
            env=environment,
            preexec_fn=lambda: take_over(self.terminal),
        )
        self.pid, self.poll, self.log = self.process.pid, self.process.poll, self

    def end(self):
        """Leave nothing behind."""
        self.close()
        for one in [*descendants(self.pid), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        self.process.wait()


def until(condition, what, seconds=PATIENCE, of=None, every=0.05):
    """What the condition comes to, once it is true. of: the process that is to bring it about;
    every: seconds between two looks.
    """
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
        assert of is None or of.poll() is None, of.log.read_text()
        time.sleep(every)
    return found


def trainings():
    """Run folders of this test that a pipeline holds for its kernel, with the kernels at work on
    them.

    A kernel is a process that is no child of another such one. Other work on this machine is not
    looked at: a test kills what it finds here.
    """
    found = {}
    begin = f"{state.RUN_LOCK}={paths.reports().resolve()}".encode()
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/environ", "rb", buffering=0) as file:
                told = file.read()
            if begin in told:  # it is asked often, so only of these it is read what they say
                [held] = [entry for entry in told.split(b"\0") if entry.startswith(begin)]
                folder = held.decode().split("=", 1)[1]
                found.setdefault(folder, {})[int(process)] = parent(process)
        except (OSError, ValueError):  # it has just ended
            continue
    return {
        folder: {process for process, its_parent in there.items() if its_parent not in there}
        for folder, there in found.items()
    }


class Watch(threading.Thread):
    """Looks all the time whether two kernels ever train the same run. seen: the runs of one."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.twice, self.over = set(), [], threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            found = trainings()
            self.seen |= {Path(folder).name for folder in found}
            self.twice += [
                (folder, kernels) for folder, kernels in found.items() if len(kernels) > 1
            ]


def parent(process):
    return int((Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[1])


def descendants(process):
    """Processes that a process has started, and those that they have."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parents[int(folder.name)] = parent(folder.name)
    found, more = set(), {process}
    while more := {one for one, its_parent in parents.items() if its_parent in more}:
        found |= more
    return found


def alive(process):
    """Whether it is there, and not only waiting to be reaped."""
    try:
        return (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[
            0
        ] != "Z"
    except OSError:
        return False

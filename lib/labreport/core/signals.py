"""Being asked to stop: a training finishes its epoch, saves, and says how to go on."""

import contextlib
import ctypes
import errno
import io
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1
# the last one when a terminal is closed, or an ssh session ends
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A signal that comes again so soon is the same request: sent to a group, and by a parent in it.
SAME_SECONDS = 1.0
# The same for another signal. A parent may hand TERM on as INT, and Python calls no handler during
# a long batch.
HANDED_ON_SECONDS = 10.0


class Interrupted(Exception):
    """Work that was asked to stop has stopped, and has saved what it had; the message says how to
    go on. signal: by which it was asked.
    """

    signal: int = signal.SIGINT

    def _render_traceback_(self) -> list[str]:  # what a notebook shows: the message, no traceback
        return [str(self)]


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came, and the work stops at once."""

    def __init__(self, number: int = signal.SIGTERM):
        super().__init__()
        self.signal = number


class Unread(Terminated):
    """Nobody reads the output any longer (`| head`), and no work is under way that could save
    anything.
    """

    def __init__(self):
        super().__init__(signal.SIGHUP)


def exit_code(stop: BaseException) -> int:
    """As shells count: 130 after SIGINT, 143 after SIGTERM, 129 after SIGHUP."""
    return 128 + getattr(stop, "signal", signal.SIGINT)


@contextlib.contextmanager
def terminable():
    """Within the block SIGTERM and SIGHUP raise Terminated, as SIGINT raises KeyboardInterrupt:
    files are put in order before the process ends.
    """

    def handle(number, frame):
        raise Terminated(number)

    with _handling(handle, [signal.SIGTERM, signal.SIGHUP]):
        yield


@contextlib.contextmanager
def listening(first: Callable[[], None]):
    """Within the block the first of SIGNALS calls `first`, and a second, later one raises
    KeyboardInterrupt. Yields a function: which one came, None so far?

    Outside the main thread, where no signal arrives, there is none.
    """
    came = []

    def handle(number, frame):
        came.append(number)
        if len(came) > 1:
            raise KeyboardInterrupt
        with contextlib.suppress(RuntimeError):
            # it may print, and come in the middle of another print
            first()

    with _handling(handle):
        yield lambda: came[0] if came else None


def kill_group(process: int) -> None:
    """Kill the group that a process leads; the process alone, where it has not made one yet.

    Nothing where they are gone.
    """
    for end in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError):
            end(process, signal.SIGKILL)


def die_with(parent: int) -> Callable[[], None]:
    """What a child process is to call before it becomes another program, so that it does not
    outlive its parent, kill -9 included (Linux; elsewhere nothing).
    """
    try:
        prctl = ctypes.CDLL(None).prctl  # looked up here: between fork and exec little is safe
    except AttributeError:
        return lambda: None

    def call():
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it has died already
            os._exit(1)

    return call


# Number and moment of the signal that was last taken for a request to stop.
_request: tuple[int, float] | None = None


def _once(handle: Callable[[int, object], None]) -> Callable[[int, object], None]:
    """The handler, which is called once for a request that comes twice.

    SLURM, a shell and make signal a whole group, and a parent in it hands on what it got. What was
    requested before counts no more, since other work begins.
    """
    global _request
    _request = None

    def handle_once(number, frame):
        global _request
        now = time.monotonic()
        if _request:
            soon = SAME_SECONDS if number == _request[0] else HANDED_ON_SECONDS
            if now - _request[1] < soon:
                return
        _request = number, now
        handle(number, frame)

    return handle_once


@contextlib.contextmanager
def forwarding(process: Callable[[], int | None]):
    """Within the block SIGNALS are handed to the process as SIGINT; where there is none yet, and
    from the second on, KeyboardInterrupt is raised.

    Yields the list of the signals that came.
    """
    came = []

    def handle(number, frame):
        came.append(number)
        target = process()
        if target is None or len(came) > 1:
            raise KeyboardInterrupt if number == signal.SIGINT else Terminated(number)
        with contextlib.suppress(ProcessLookupError):
            os.kill(target, signal.SIGINT)

    with _handling(handle):
        yield came


_asked: list[int] = []  # signals that came since the outermost block began
_blocks: list[bool] = []  # those entered and not left: whether work is under way in each


@contextlib.contextmanager
def _handling(handle, numbers=SIGNALS):
    """Let `handle` have the signals within the block; only the main thread may, elsewhere nothing
    changes. After nohup, SIGHUP stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handle = _once(handle)

    def without_terminal(number, frame):
        if number == signal.SIGHUP:
            _silence_terminals()
            if _asked:  # a window closes once, and closing it after Ctrl-C asks for nothing new
                return
        _asked.append(number)
        handle(number, frame)

    before = {
        number: signal.signal(number, without_terminal)
        for number in numbers
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN
    }
    _blocks.append(numbers is SIGNALS)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _blocks.pop()
        if not _blocks:
            _asked.clear()


def outlive_terminal() -> None:
    """Let this process stop in order when the terminal, or the reader of a pipe, that it prints to
    is gone.

    Writing fails from then on: at a terminal with errno 5, often before SIGHUP comes, and SIGHUP
    may never come. The first such failure counts as SIGHUP, and what is printed afterwards is
    dropped. Where SIGHUP is ignored (nohup), the work goes on.
    """
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        before = getattr(sys, name)
        if before is None:  # it was closed when the process started
            continue
        before.flush()
        raw = _Standard(descriptor, "w", closefd=False)
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                raw if before.write_through else io.BufferedWriter(raw),
                before.encoding,
                before.errors,
                line_buffering=before.line_buffering,
                write_through=before.write_through,
            ),
        )


class _Standard(io.FileIO):
    """Standard output or error, whose reader may go away."""

    def write(self, data) -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EPIPE and not (
                error.errno == errno.EIO and _is_device(self.fileno())
            ):
                raise
            _silence(self.fileno())
            handler, main = (
                signal.getsignal(signal.SIGHUP),
                threading.current_thread() is threading.main_thread(),
            )
            if callable(handler) and error.errno == errno.EPIPE and main and not any(_blocks):
                raise Unread from None
            if callable(handler):
                os.kill(os.getpid(), signal.SIGHUP)
            return len(data)


def _silence_terminals() -> None:
    """There is nobody left to print for, and printing would fail. `isatty` says no by now."""
    for standard in (1, 2):
        if _is_device(standard):
            _silence(standard)


def _is_device(descriptor: int) -> bool:
    try:
        return stat.S_ISCHR(os.fstat(descriptor).st_mode)
    except OSError:  # closed
        return False


def _silence(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)

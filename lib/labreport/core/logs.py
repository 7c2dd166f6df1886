"""Logs of processes: what a process writes, by whatever means, goes through a pipe and is cleaned
before it reaches a file or a terminal.
"""

import codecs
import contextlib
import io
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from . import paths, redaction

MOST_HELD = 2**20  # characters of a line that does not end
LOOK_SECONDS = 0.1
# after which an ended process whose descendants hold its pipe open is taken to have said all
SILENT_SECONDS = 0.3
MOST_SECONDS = 5.0  # that its last words are waited for
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
# A line of one. Indented, perhaps, and with a few headers of older formats.
OF_A_KEY = re.compile(
    r"\s*(?:[A-Za-z0-9+/=]{1,100}|(?:Proc-Type|DEK-Info|Comment|Version): .*)?\s*"
)
LINES_OF_A_KEY = 200  # at most


class Cleaner:
    """Text that comes in pieces, cleaned line by line: a line is held back until it is whole, a
    private key until its last line has come.
    """

    def __init__(self, write: Callable[[str], object]):
        """write: takes the cleaned text."""
        self._write, self._held = write, ""

    def feed(self, text: str) -> None:
        """Take a piece."""
        self._held += text
        # progress bars end their lines with \r
        end = max(self._held.rfind("\n"), self._held.rfind("\r")) + 1
        end = self._before_an_open_key(end)
        if not end and len(self._held) > MOST_HELD:
            end = self._held.rfind(" ") + 1 or len(self._held)
        if end:
            whole, self._held = self._held[:end], self._held[end:]
            self._write(redaction.cleaned(whole))

    def flush(self) -> None:
        """Let go of what is held: nothing more will come."""
        held, self._held = self._held, ""
        if held:
            self._write(redaction.cleaned(held))

    def _before_an_open_key(self, end: int) -> int:
        """End of what may be written: not behind the beginning of a private key whose end has not
        come.
        """
        for begin in PRIVATE_KEY.finditer(self._held, 0, end):
            _, *lines = self._held[begin.end() : end].splitlines()
            if (
                "-----END" not in self._held[begin.end() : end]
                and len(lines) < LINES_OF_A_KEY
                and all(map(OF_A_KEY.fullmatch, lines))
            ):
                return self._held.rfind("\n", 0, begin.start()) + 1
        return end


class Cleaned:
    """A text stream in front of another: what is written to it comes out cleaned, in whole lines.

    Flushed at the end of its block.
    """

    def __init__(self, stream):
        self._stream, self._cleaner = stream, Cleaner(stream.write)

    def write(self, text: str) -> int:
        """Take a piece."""
        self._cleaner.feed(text)
        return len(text)

    def flush(self) -> None:
        """Let whole lines be seen; the rest stays held."""
        self._stream.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._cleaner.flush()
        self._stream.flush()


class Log:
    """A log file, and the pipe that leads to it through a thread which cleans.

    `fileno` is where processes write, native code included. The thread outlives them: after kill -9
    what they wrote last is in the log too. It never stops reading, or they would wait for it: what
    the disk does not take is counted, and that is said as soon as it takes some more.
    """

    def __init__(self, path: Path, mode: str = "a"):
        self._file = open(path, f"{mode}b", buffering=0)  # noqa: SIM115  `finish` closes it
        self._reading, self._writing = os.pipe()
        self._ended, self._complete, self._lost = threading.Event(), threading.Event(), 0
        threading.Thread(target=self._read, name=f"log {path.name}", daemon=True).start()

    def fileno(self) -> int:
        """Descriptor that a process is to be given."""
        return self._writing

    def close(self) -> None:
        """Let go of the pipe: from now on only processes that were given it write."""
        with contextlib.suppress(OSError):
            os.close(self._writing)
        self._writing = -1

    def finish(self) -> None:
        """Wait until all is in the log that a process has written which has ended; not for
        descendants of its that live on.
        """
        self.close()
        self._ended.set()
        self._complete.wait(MOST_SECONDS)
        self._complete.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.finish()

    def _read(self) -> None:
        cleaner, decode = (
            Cleaner(self._write),
            codecs.getincrementaldecoder("utf-8")("replace").decode,
        )
        last = time.monotonic()
        with self._file:
            while True:
                if select.select([self._reading], [], [], LOOK_SECONDS)[0]:
                    data, last = os.read(self._reading, 2**16), time.monotonic()
                    cleaner.feed(decode(data, not data))
                    if not data:
                        break
                elif self._ended.is_set() and time.monotonic() - last > SILENT_SECONDS:
                    cleaner.flush()
                    self._complete.set()
            cleaner.flush()
        os.close(self._reading)
        self._complete.set()

    def _write(self, text: str) -> None:
        missing = (
            f"[{self._lost} bytes are missing here: the log could not be written]\n"
            if self._lost
            else ""
        )
        data = (missing + text).encode("utf-8", "replace")
        try:
            while data:
                data, self._lost = data[self._file.write(data) :], 0
        except OSError:
            self._lost += len(data)


class Process(subprocess.Popen):
    """A process whose output goes to a log; it has ended once all that it wrote is there."""

    def __init__(self, command: list[str], log: Path, **more):
        self.log = Log(log)
        try:
            output = self.log.fileno()
            super().__init__(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **more
            )
        except BaseException:
            self.log.finish()
            raise
        self.log.close()

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        code = super().poll()
        if code is not None:
            self.log.finish()
        return code

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, once there is one."""
        code = super().wait(timeout)
        self.log.finish()
        return code


def command() -> list[str]:
    """A command that cleans what it reads from standard input, line by line, and ends with it, not
    with a signal: for job scripts.
    """
    return [
        sys.executable,
        "-c",
        (
            f"import sys; sys.path.insert(0, {str(paths.PACKAGE.parent)!r}); from"
            " labreport.core import logs; logs.filter_input()"
        ),
    ]


def shell() -> str:
    """Lines of bash that let all that a script and its processes write be cleaned, for its
    beginning; its last words are waited for when it exits.
    """
    return (
        f"exec > >(trap '' INT TERM HUP USR1; exec {shlex.join(command())})"
        " 2>&1\nlabreport_log=$!\ntrap 'exec >&- 2>&-; wait \"$labreport_log\"' EXIT\n"
    )


def filter_input() -> None:
    """What `command` does."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
        # its writers end by them, and say a last word
        signal.signal(number, signal.SIG_IGN)
    assert isinstance(sys.stdout, io.TextIOWrapper)
    sys.stdout.reconfigure(encoding="utf-8", newline="")
    cleaner, decode = (
        Cleaner(lambda text: (sys.stdout.write(text), sys.stdout.flush())),
        codecs.getincrementaldecoder("utf-8")("replace").decode,
    )
    while data := os.read(0, 2**16):
        cleaner.feed(decode(data))
    cleaner.feed(decode(b"", True))
    cleaner.flush()

"""The log of a notebook on Kaggle, printed here while it runs."""

import contextlib
import sys
import threading

from ...core import redaction

LOOK_SECONDS = 10.0  # until a stream that ended is opened again
LAST_SECONDS = 30.0  # for the last of a log


class LogReader(threading.Thread):
    """Prints what a notebook prints, as it comes, line by line, from the beginning after each lost
    connection what was not printed yet.
    """

    def __init__(self, api, kernel: str, letter: str):
        super().__init__(daemon=True)
        self.api, self.kernel, self.margin = api, kernel, f"  {letter} | " if letter else "  | "
        self.over, self.printed, self.line = threading.Event(), 0, ""
        # as it is now: what the client prints elsewhere is led away from it for moments
        self.output = sys.stdout

    def run(self) -> None:
        import requests

        while True:
            last = self.over.is_set()  # then what is there now is all
            with contextlib.suppress(requests.RequestException, ValueError, OSError):
                # the status tells how the notebook is; the log is a courtesy
                for number, event in enumerate(self.api.kernels_logs_stream(self.kernel)):
                    if number >= self.printed:
                        self._print(event.get("data") or "")
                        self.printed = number + 1
            if last:
                self._print("\n" * bool(self.line))
                return
            self.over.wait(LOOK_SECONDS)

    def _print(self, text: str) -> None:
        """Whole lines only: half a secret would not be known as one."""
        *lines, self.line = (self.line + text).split("\n")
        for line in lines:
            shown = "".join(
                character for character in redaction.cleaned(line) if character.isprintable()
            )
            print(self.margin + shown, file=self.output, flush=True)

    def finish(self) -> None:
        """Print what is left, of a notebook that is over."""
        self.over.set()
        self.join(LAST_SECONDS)

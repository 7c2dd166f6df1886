"""Lines of progress, through Python's logging: one logger, one handler.

What a command answers is printed by the command line. What sweeps, downloads and other machines do
meanwhile is logged here. A training gives its lines to the function that `fit` is called with.
"""

import logging
import sys

from .text import printable

log = logging.getLogger("labreport")


class _Terminal(logging.Handler):
    """Progress to standard output, warnings to standard error, without control characters.

    The streams are those of the moment. An error is not caught: it says that the terminal is gone.
    """

    def emit(self, record: logging.LogRecord) -> None:
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        print(printable(self.format(record)), file=stream, flush=True)


if not log.handlers:  # a module that is imported anew has one
    log.addHandler(_Terminal())
log.setLevel(logging.INFO)
log.propagate = False  # a root logger that somebody configures would print each line twice

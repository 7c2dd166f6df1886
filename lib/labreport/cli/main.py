"""Where the command line begins: it parses the arguments and runs one command."""

import sys

from ..core import environment, signals
from . import errors
from .output import print


def main(arguments: list[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line, by default those of this process.

    Returns:
        The exit code: 0; 1 for an error; 2 for a command or an option that does not exist; 75 where
        another process does the same work; 130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
    """
    words = sys.argv[1:] if arguments is None else arguments
    debug = any(word.startswith("--de") and "--debug".startswith(word) for word in words)
    return errors.handled(lambda: _run(words), debug)


def prepare_process() -> None:
    """For a process that does nothing else: redact tracebacks, outlive the terminal, start soon."""
    sys.excepthook = errors.print_redacted_traceback
    # Importing nbformat imports jsonschema, and this with it: a grammar of international addresses
    # that takes a second to build. jsonschema does without it, and notebooks have no such address.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
    signals.outlive_terminal()


def _run(words: list[str]) -> int | None:
    from . import commands  # late: a package that is missing is named in one line
    from .options import apply_environment

    environment.hold()
    parser, known = commands.parsers()
    replaced = commands.renamed(words, known)
    if replaced:
        print(f"pipeline.py: {replaced}", file=sys.stderr)
        return 2
    options = parser.parse_args(words)
    apply_environment(options)
    return options.command(options)

"""What the command line says where something goes wrong, and its exit codes."""

import errno
import sys
import traceback
from collections.abc import Callable

from ..core import files, redaction, signals
from ..core.text import printable
from .output import print

# Modules that `make setup` installs. Another one that is missing is the user's, or our mistake.
INSTALLED_BY_SETUP = frozenset(
    (
        "IPython",
        "PIL",
        "babel",
        "bs4",
        "cv2",
        "distributed",
        "ipykernel",
        "jinja2",
        "jupyter_client",
        "kaggle",
        "kagglesdk",
        "keras",
        "markupsafe",
        "matplotlib",
        "nbclient",
        "nbconvert",
        "nbformat",
        "nh3",
        "numpy",
        "pandas",
        "papermill",
        "psutil",
        "pygments",
        "pypandoc",
        "pypdf",
        "requests",
        "rich",
        "scipy",
        "seaborn",
        "sklearn",
        "statsmodels",
        "tensorflow",
        "tqdm",
        "traitlets",
        "typst",
        "yaml",
    )
)


def handled(command: Callable[[], int | None], debug: bool = False) -> int:
    """Run a command and turn what it raises into a message and an exit code.

    Args:
        command: returns the exit code; None means 0.
        debug: whether an error is raised, so that its traceback is shown.
    """
    try:
        with signals.terminable():
            return command() or 0
    except signals.Unread:  # `| head` has seen enough
        return 1
    except (KeyboardInterrupt, signals.Interrupted) as stop:
        rest = "finished runs and saved epochs are kept; run the same command again to continue"
        print(f"\ninterrupted: {str(stop) or rest}", file=sys.stderr)
        return signals.exit_code(stop)
    except Exception as error:
        if debug:
            raise
        print(f"error: {explain(error)}", file=sys.stderr)
        return files.RUN_LOCKED if isinstance(error, files.RunLocked) else 1


def explain(error: Exception) -> str:
    """An error in one or two lines, without secrets and control characters."""
    return printable(redaction.cleaned(_message(error)))


def _message(error: Exception) -> str:
    if lacks_setup(error):
        return (
            f"{_module(error)} is not installed for {sys.executable}; run `make setup`, then use"
            " .venv/bin/python"
        )
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return (
            f"the disk is full ({error.filename or error.strerror}): free some space and run the"
            " same command again; finished runs are kept"
        )
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, (ValueError, ConnectionError, FileNotFoundError)):
        return str(error)
    return f"{type(error).__name__}: {error} (--debug shows the traceback)"


def lacks_setup(error: BaseException) -> bool:
    """Whether a module is missing that `make setup` installs."""
    return _module(error).partition(".")[0] in INSTALLED_BY_SETUP


def _module(error: BaseException) -> str:
    """The module that is missing; empty for any other error."""
    return (error.name or "") if isinstance(error, ModuleNotFoundError) else ""


def print_redacted_traceback(kind, error, trace) -> None:
    """What --debug shows: a traceback can quote what no other message does."""
    sys.stderr.write(redaction.cleaned("".join(traceback.format_exception(kind, error, trace))))

"""Arguments and options that several commands have, and what they stand for."""

import argparse
import math
import os
import re
from collections.abc import Callable
from pathlib import Path

from .. import studies
from ..config import authors, experiments
from ..core import i18n


class Commands:
    """The commands of the command line, as the modules of this package add them."""

    def __init__(self, parser: argparse.ArgumentParser):
        self._subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    @property
    def parsers(self) -> dict[str, argparse.ArgumentParser]:
        """The parser of each command, in the order of the help text."""
        return dict(self._subparsers.choices)

    def add(self, name: str, function: Callable) -> argparse.ArgumentParser:
        """Add a command; its function takes the parsed options, and its docstring is the help."""
        text = function.__doc__ or ""
        first, *_ = re.split(r"(?<=[.;]) ", " ".join(text.split()))
        parser = self._subparsers.add_parser(name, help=first.rstrip(".;"), description=text)
        parser.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an error",
        )
        parser.set_defaults(command=function)
        return parser


def add_experiment(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """EXPERIMENT."""
    parser.add_argument(
        "experiment",
        nargs="?" if optional else None,
        metavar="EXPERIMENT",
        help="a file in params/, without .yaml",
    )


def add_assignment(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """NAME of an assignment."""
    parser.add_argument(
        "assignment",
        nargs="?" if optional else None,
        metavar="NAME",
        help="an assignment: a file in notebooks/, without .ipynb",
    )


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """NAME of a sweep."""
    parser.add_argument(
        "sweep", metavar="NAME", help="a sweep: a file in params/sweeps/, without .yaml"
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """--data and --set."""
    parser.add_argument(
        "--data",
        metavar="sample|FOLDER",
        help="data drawn by the program, or the folder that holds the data sets (default: data/)",
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="a setting for this run, such as epochs=3",
    )


def add_language(parser: argparse.ArgumentParser) -> None:
    """--language of notebook and reports; `apply_environment` fills in that of report.yaml."""
    parser.add_argument(
        "--language",
        choices=i18n.LANGUAGES,
        help="language of the notebook and the reports (default: report.yaml's, else en)",
    )


def add_authors(parser: argparse.ArgumentParser) -> None:
    """--authors and --course."""
    parser.add_argument(
        "--authors",
        metavar="NAMES",
        help=('authors of the report, such as "Ada Lovelace; Grace Hopper" (default: report.yaml)'),
    )
    parser.add_argument(
        "--course", metavar="TEXT", help="course of the report (default: report.yaml)"
    )


def add_jobs(parser: argparse.ArgumentParser, what: str, default: str) -> None:
    """--jobs."""
    parser.add_argument(
        "--jobs", type=at_least(1), metavar="N", help=f"{what} at once (default: {default})"
    )


def add_yes(parser: argparse.ArgumentParser, when: str = "") -> None:
    """--yes."""
    parser.add_argument("--yes", action="store_true", help=f"do not ask for confirmation{when}")


def at_least(least: int) -> Callable[[str], int]:
    """A type of an option: a whole number that is no less than this."""

    def read(text: str) -> int:
        if not text.lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"expected a whole number of at least {least}, got {text}"
            )
        return int(text)

    return read


def share(text: str) -> float:
    """The type of an option: a number that is no less than 0."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text}")
    return number


def settings(options: argparse.Namespace) -> dict:
    """What --set and --data ask for."""
    sample = {"data": "sample"} if options.data == "sample" else {}
    return experiments.parse_settings(options.set) | sample


def subject(options: argparse.Namespace):
    """What EXPERIMENT names, with its settings: an experiment, or the runs of an assignment or a
    sweep that are compared.
    """
    study = studies.find(options.experiment, settings(options))
    return study or experiments.load(options.experiment, settings(options))


def one_experiment(options: argparse.Namespace) -> experiments.Experiment:
    """The same where it may be no comparison."""
    found = subject(options)
    if isinstance(found, studies.Study):
        raise ValueError(
            f"{options.experiment} is a comparison of runs; name one of its experiments:"
            f" {', '.join(run.experiment.name for run in found.runs)}"
        )
    return found


def apply_environment(options: argparse.Namespace) -> None:
    """Let the command line count before report.yaml and the usual folder of the data sets, in this
    process and in those that it starts.
    """
    _apply_data(getattr(options, "data", None))
    for name, value in (
        (authors.AUTHORS, getattr(options, "authors", None)),
        (authors.COURSE, getattr(options, "course", None)),
    ):
        if value:
            os.environ[name] = value
    if getattr(options, "language", "") is None:
        options.language = authors.load().language or "en"


def _apply_data(folder: str | None) -> None:
    if not folder or folder == "sample":
        return
    if not Path(folder).expanduser().is_dir():
        raise FileNotFoundError(
            f"--data {folder}: there is no such folder; give the folder that holds the data sets,"
            " or `sample`"
        )
    os.environ["LABREPORT_DATA"] = str(Path(folder).expanduser().resolve())

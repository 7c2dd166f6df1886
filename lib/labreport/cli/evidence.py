"""The command that publishes what full runs have measured: evidence."""

import argparse
from pathlib import Path

from ..config import experiments
from ..core import files, paths
from ..studies import evidence
from . import options as opt
from .output import print


def add_to(commands: opt.Commands) -> None:
    """Add the command of this module."""
    parser = commands.add("evidence", publish)
    parser.add_argument(
        "experiments",
        nargs="*",
        metavar="EXPERIMENT",
        help="files in params/, without .yaml (default: all that have a finished run)",
    )


def publish(options: argparse.Namespace) -> None:
    """Copy metrics, history and provenance of finished full runs to docs/results/; write
    docs/results.md and the heads of the parameter files from what is there.
    """
    from ..analysis import results_page  # late: scipy takes a second

    everything = [experiments.load(name) for name in experiments.names()]
    chosen = [experiments.load(name) for name in options.experiments]
    for experiment in chosen or everything:
        _keep(experiment, is_named=bool(chosen))
    found = evidence.load_all()
    page = paths.root() / results_page.SOURCE
    _write(page, results_page.page(page.read_text("utf-8"), found, everything))
    for experiment in everything:
        file = paths.params() / f"{experiment.name}.yaml"
        _write(file, results_page.header(file.read_text("utf-8"), found.get(experiment.name)))
    print(f"evidence of {len(found)} of {len(everything)} experiments")


def _keep(experiment: experiments.Experiment, is_named: bool) -> None:
    """Of runs that nobody named, those that cannot be kept do not stop the others."""
    place = paths.display(evidence.folder(experiment.name))
    try:
        copied = evidence.keep(experiment)
        print(f"{experiment.name}: {'copied to' if copied else 'nothing newer than'} {place}")
    except FileNotFoundError:
        if is_named:
            raise
    except ValueError as error:
        if is_named:
            raise
        print(f"{experiment.name}: not copied: {error}")


def _write(file: Path, text: str) -> None:
    if text != file.read_text("utf-8"):
        files.write_text(file, text)
        print(f"wrote {paths.display(file)}")

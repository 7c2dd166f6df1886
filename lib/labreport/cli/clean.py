"""The command that deletes: clean."""

import argparse
import shutil
from pathlib import Path

from ..core import files, paths
from ..runs import state
from . import options as opt
from .output import confirmed, print
from .reports import rewrite_index


def add_to(commands: opt.Commands) -> None:
    """Add the command of this module."""
    parser = commands.add("clean", clean)
    opt.add_experiment(parser, optional=True)
    opt.add_settings(parser)
    opt.add_yes(parser)
    parser.add_argument(
        "--unfinished",
        action="store_true",
        help="delete unfinished trainings, which could be resumed",
    )
    parser.add_argument(
        "--earlier", action="store_true", help="delete runs that newer runs replaced"
    )


def clean(options: argparse.Namespace) -> None:
    """Delete the run folder of an experiment; without one, the leftovers of failed
    runs. --unfinished and --earlier delete what could still be useful.
    """
    if options.experiment and not options.unfinished and not options.earlier:
        chosen = [opt.subject(options).folder]
        if not chosen[0].exists():
            raise FileNotFoundError(f"{paths.display(chosen[0])} does not exist; nothing to delete")
        question = f"delete {paths.display(chosen[0])} and everything in it?"
    else:
        chosen = _leftovers(options)
        if not chosen:
            kind = (
                "unfinished or replaced run"
                if options.unfinished or options.earlier
                else "failed run"
            )

            print(f"nothing to clean: no {kind}")
            return
        question = "delete " + ", ".join(paths.display(path) for path in chosen) + "?"
    if not options.yes and not confirmed(question):
        raise ValueError(f"not deleted: answer y, or pass --yes: {question}")
    for path in chosen:
        with files.lock(_run_folder(path) / state.LOCK, _run_folder(path).name):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        print(f"deleted {paths.display(path)}")
    rewrite_index(needs_setup=False)


def _leftovers(options: argparse.Namespace) -> list[Path]:
    """What is asked for of all runs, or of one, except in folders that a process holds."""
    run = opt.subject(options).folder.name if options.experiment else "*"
    patterns = []
    if options.unfinished:
        patterns += [f"{run}/{state.UNFINISHED}", f"{run}/{state.EARLIER}/*-unfinished*"]
    if options.earlier:
        patterns += [f"{run}/{state.EARLIER}/*[0-9]"]
    if not patterns:
        patterns = [f"{run}/{name}" for name in ("failed.*", "running.*", ".*.part*", ".fetched-*")]
    return [
        path
        for pattern in patterns
        for path in sorted(paths.reports().glob(pattern))
        if not files.locked(_run_folder(path) / state.LOCK)
    ]


def _run_folder(path: Path) -> Path:
    """The run folder that a path is or lies in."""
    return paths.reports() / path.relative_to(paths.reports()).parts[0]

"""All commands in one parser, and what became of those that there were."""

import argparse

from ..plain_types import nearest
from . import clean, data, inspection, kaggle, reports, sweeps, verify
from .options import Commands, apply_environment

__all__ = ["apply_environment", "parser", "renamed"]

# Former commands: what does the same now, without make and with it.
RENAMED = {
    "run": ("report EXPERIMENT --notebook-only", "report EXP=EXPERIMENT NOTEBOOK_ONLY=1"),
    "plan": ("status NAME", "status NAME=NAME"),
    "index": ("list", "list"),
    "reproduce": ("verify REPORT.PDF", "verify PDF=REPORT.PDF"),
    "submit": ("slurm NAME", "slurm NAME=NAME"),
}
GROUPS = (reports, inspection, data, sweeps, kaggle, verify, clean)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; `command` of what it returns is the function to call."""
    return _parser()[0]


def command_parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, in the order of the help text."""
    return _parser()[1].parsers


def renamed(words: list[str]) -> str:
    """What to say of a command that does not exist, or not any more; empty where it exists."""
    command = next((word for word in words if not word.startswith("-")), None)
    if command in RENAMED:
        new, with_make = RENAMED[command]
        return f"`{command}` is now `pipeline.py {new}` (`make {with_make}`)"
    known = list(command_parsers())
    if command is None or command in known:
        return ""
    return (
        f"there is no command {command!r}{nearest(command, known)}; `pipeline.py --help` lists the"
        " commands"
    )


def _parser() -> tuple[argparse.ArgumentParser, Commands]:
    top = argparse.ArgumentParser(
        prog="pipeline.py",
        description="Train an experiment in its notebook and make the report of it.",
    )
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = Commands(top)
    for group in GROUPS:
        group.add_to(commands)
    return top, commands

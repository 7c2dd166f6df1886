"""All commands in one parser, and what became of those that there were."""

import argparse
from collections.abc import Iterable
from typing import NoReturn

from ..config.schema import nearest
from ..core.text import printable
from . import clean, data, evidence, inspection, kaggle, predict, reports, sweeps, verify
from .options import Commands

# Former commands: what does the same now, without make and with it.
RENAMED = {
    "run": ("report EXPERIMENT --notebook-only", "report EXP=EXPERIMENT NOTEBOOK_ONLY=1"),
    "plan": ("status NAME", "status NAME=NAME"),
    "index": ("list", "list"),
    "reproduce": ("verify REPORT.PDF", "verify PDF=REPORT.PDF"),
    "submit": ("slurm NAME", "slurm NAME=NAME"),
}
GROUPS = (reports, predict, inspection, data, sweeps, kaggle, verify, clean, evidence)


class _Parser(argparse.ArgumentParser):
    """Python's own, whose errors hold no control characters of what was typed."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))


def parsers() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the command line, and that of each command, in the order of the help text.

    `command` of what the first one returns is the function to call.
    """
    top = _Parser(
        prog="pipeline.py",
        description="Train an experiment and write its report.",
    )
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = Commands(top)
    for group in GROUPS:
        group.add_to(commands)
    return top, commands.parsers


def renamed(words: list[str], known: Iterable[str]) -> str:
    """What to say of a command that is not among those known; empty where it is."""
    command = next((word for word in words if not word.startswith("-")), None)
    if command is None or command in known:
        return ""
    if command in RENAMED:
        new, with_make = RENAMED[command]
        return f"`{command}` is now `pipeline.py {new}` (`make {with_make}`)"
    return (
        f"there is no command {command!r}{nearest(command, known)}; `pipeline.py --help` lists the"
        " commands"
    )

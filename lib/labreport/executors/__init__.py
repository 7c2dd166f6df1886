"""Where runs are executed: here, on the machines of a lab, by SLURM, on Kaggle.

Each is a subclass of `base.Executor`, and one row of `EXECUTORS`; it is imported when it is used.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .base import Executor


@dataclass(frozen=True)
class ExecutorSpec:
    """An executor, as the command line offers it.

    load: imports it. summary: for the help text. command: the command that it belongs to; where
    several do, `--executor` chooses, or an option that one of them has alone. options: those, with
    the keywords of `add_argument`; their default is None.
    """

    load: Callable[[], type[Executor]]
    summary: str
    command: str = "sweep"
    options: dict[str, dict[str, Any]] = field(default_factory=dict)


def load(name: str) -> type[Executor]:
    """The executor of this name."""
    return EXECUTORS[name].load()


def add_options(parser: argparse.ArgumentParser, command: str) -> None:
    """Add what the executors of a command are chosen and set with."""
    rows = {name: row for name, row in EXECUTORS.items() if row.command == command}
    if len(rows) > 1:
        places = "; ".join(f"{name}: {row.summary}" for name, row in rows.items())
        parser.add_argument(
            "--executor", choices=rows, help=f"where the runs are executed ({places})"
        )
    for row in rows.values():
        for flag, keywords in row.options.items():
            parser.add_argument(flag, **keywords)


def chosen(command: str, options: argparse.Namespace) -> str:
    """Name of the executor that the command line chooses; if it says nothing, the command's first.

    Raises:
        ValueError: for options of two executors.
    """
    rows = {name: row for name, row in EXECUTORS.items() if row.command == command}
    name = getattr(options, "executor", None)
    for owner, row in rows.items():
        for flag in row.options:
            if getattr(options, flag.lstrip("-").replace("-", "_")) is None:
                continue
            if name not in (None, owner):
                raise ValueError(f"{flag} is for --executor {owner}; leave out one of the two")
            name = owner
    return name or next(iter(rows))


def _local() -> type[Executor]:
    from .local import Local

    return Local


def _dask() -> type[Executor]:
    from .dask import Dask

    return Dask


def _slurm() -> type[Executor]:
    from .slurm import Slurm

    return Slurm


def _kaggle() -> type[Executor]:
    from .kaggle.executor import Kaggle

    return Kaggle


def _hours(text: str) -> float:
    """The type of --hours."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0.1 <= hours <= 12:
        raise argparse.ArgumentTypeError(f"expected a number of hours from 0.1 to 12, got {text}")
    return hours


EXECUTORS = {
    "local": ExecutorSpec(_local, "on this machine"),
    "dask": ExecutorSpec(
        _dask,
        "by the workers of a Dask cluster",
        options={
            "--scheduler": {
                "metavar": "ADDRESS",
                "help": (
                    "address of a Dask scheduler whose workers execute the runs, such as"
                    " tcp://lab1:8786"
                ),
            },
            "--scheduler-file": {
                "metavar": "FILE",
                "help": "the file in which that scheduler wrote its address",
            },
        },
    ),
    "slurm": ExecutorSpec(
        _slurm,
        "as a job array of SLURM",
        "slurm",
        {
            "--sbatch": {
                "metavar": "OPTIONS",
                "help": "options for sbatch, such as --sbatch='--time=04:00:00 --gres=gpu:1'",
            }
        },
    ),
    "kaggle": ExecutorSpec(
        _kaggle,
        "on Kaggle",
        "kaggle",
        {
            "--cpu": {
                "action": "store_const",
                "const": True,
                "help": "without a GPU (sample data never uses one)",
            },
            "--accelerator": {
                "metavar": "NAME",
                "help": (
                    "name of the accelerator on Kaggle, such as NvidiaTeslaT4 (default: Kaggle's"
                    " choice)"
                ),
            },
            "--hours": {
                "type": _hours,
                "metavar": "H",
                "help": (
                    "time limit of each notebook, after which the next one continues (default"
                    " 11.5; Kaggle allows 12)"
                ),
            },
        },
    ),
}

"""What each executor does: a place where runs are executed, such as this machine or a cluster."""

import abc
import argparse
import contextlib
from pathlib import Path
from typing import Any, Protocol

from ..config.experiments import Experiment
from . import plan
from .plan import Step
from .tasks import Subject, Task


class Executor(Protocol):
    """A place where runs are executed, made for one command.

    The command line asks `connected`, and within that `select`, `prepare`, `summary` and `execute`,
    in this order. What an executor has no need of is done here as most of them need it.
    """

    waits: bool = True  # whether `execute` returns when the runs have ended, or have been submitted
    subject: Subject
    options: argparse.Namespace

    def __init__(self, subject: Subject, options: argparse.Namespace) -> None:
        """Take what is to be executed, and the options of the command line.

        Raises:
            ValueError: for options that do not fit together.
        """
        self.subject, self.options = subject, options

    @staticmethod
    def states(folder: Path, experiments: list[Experiment]) -> dict[str, str]:
        """What the place knows of runs that were submitted from a folder, in words by run name.

        Raises:
            ValueError: where it does not answer.
        """
        return {}

    def connected(self) -> contextlib.AbstractContextManager[Any]:
        """A block in which the place can be used.

        Raises:
            ConnectionError: where it does not answer.
            FileNotFoundError: where a program or file is missing that it needs.
            ValueError: where it refuses, or a package is missing.
        """
        return contextlib.nullcontext()

    def select(self, steps: list[Step]) -> list[Step]:
        """The steps that it will take: without those that it has already."""
        return steps

    def prepare(self, steps: list[Step]) -> list[Step]:
        """The steps with the time, memory and disk that each takes; settles how many run at once.

        Raises:
            ValueError: for a model that cannot be built.
        """
        return plan.estimated(steps, forked=False)

    def summary(self, steps: list[Step]) -> list[str]:
        """What is going to be done, in lines."""
        return []

    @abc.abstractmethod
    def execute(self, steps: list[Step]) -> list[Task]:
        """Execute the steps that are to do, and return a task for each step.

        Raises:
            ConnectionError: where the place is gone and does not come back.
            Interrupted: where it was asked to stop; what the runs have saved is untouched.
        """
        ...

"""What is asked of several runs: assignments, sweeps, the index."""

from collections.abc import Mapping

from . import assignments, sweeps
from .study import Study


def load(name: str, settings: Mapping | None = None) -> Study:
    """The sweep or the assignment of this name, its runs with these settings.

    Raises:
        ValueError: neither has this name, a file is wrong, or a setting does not fit.
    """
    if name in sweeps.names():
        return sweeps.load(name, settings)
    return assignments.load(name, settings)


def find(name: str, settings: Mapping | None = None) -> Study | None:
    """The study that a command names (`flowers_optimizers`, `flowers_comparison`).

    Returns:
        None where the name is not one of a study.

    Raises:
        ValueError: a file is wrong, or a setting does not fit.
    """
    if name in sweeps.names():
        return sweeps.load(name, settings)
    assignment = assignments.compared(name)
    return assignments.load(assignment, settings) if assignment else None

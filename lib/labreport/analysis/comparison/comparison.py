"""What a report says of the runs of a study, whether of an assignment or of a sweep."""

import functools
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ...studies.study import Study
from ..figures import Picture, Table
from . import runs as compared_runs
from .runs import ComparedRun, Panels


@dataclass(frozen=True)
class Comparison(ABC):
    """The interface that comparison.ipynb uses. Numbers are of the evaluated split."""

    study: Study

    @functools.cached_property
    def runs(self) -> list[ComparedRun]:
        """The finished runs with their results; ValueError where there is none."""
        return compared_runs.load(self.study)

    @abstractmethod
    def standing(self) -> str:
        """Which runs are finished, and which are missing or outdated, in sentences."""

    @abstractmethod
    def overview(self) -> Table:
        """What the runs came to."""

    @abstractmethod
    def exceptions(self) -> Table | None:
        """Runs that would be made otherwise today, or have settings of their own, and why."""

    @abstractmethod
    def panels(self) -> Panels:
        """Histories and best epochs to be drawn together, by panel and label."""

    @abstractmethod
    def common_settings(self) -> Table:
        """What the runs have in common."""

    @abstractmethod
    def own_settings(self) -> list[Table | Picture]:
        """What the runs set differently, and what that changed."""

    @abstractmethod
    def method(self) -> str:
        """How differences are judged."""

    @abstractmethod
    def differences(self) -> list[Table | Picture]:
        """Figures and tables of the differences."""

    @abstractmethod
    def conclusion(self) -> str:
        """Which differences are supported, and what they leave out, in Markdown."""

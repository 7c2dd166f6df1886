"""What a report says of the runs of a study, whether of an assignment or of a sweep."""

import functools
import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass

from ...core.i18n import N_, _
from ...studies.study import Study
from ..abstract import Abstract
from ..figures import Picture, Table
from . import runs as compared_runs
from .runs import ComparedRun, Panels

TESTED = N_(
    "Accuracies on the test images, in percent, with their 95 % confidence intervals, and losses."
    " This table is there to be read, not to choose from."
)


@dataclass(frozen=True)
class Comparison(ABC):
    """The interface that comparison.ipynb uses. What is ranked, drawn and judged is of the
    validation split; the test split is for what was chosen by it.
    """

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
    def about_losses(self) -> str:
        """Whether the losses may be compared with each other."""

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

    @property
    def has_test(self) -> bool:
        """Whether a run was evaluated on a test split."""
        return any(run.result.evaluated == "test" for run in self.runs)

    def about_tests(self) -> str:
        """What the test accuracies are for, or that there are none."""
        if not self.has_test:
            return _(
                "These runs have no test split: no image is left that had no part in the choice"
                " of an epoch or of a configuration."
            )
        return _(
            "The test images tell what was chosen without them. Whoever chooses by them instead"
            " takes the luckiest of the rows for the best, and its accuracy is too high. So nothing"
            " above was ranked or judged by [the table](#tests)."
        )

    @abstractmethod
    def test_table(self) -> Table | None:
        """The test accuracies of all runs; None where there is no test split."""

    def abstract(self) -> Abstract:
        """How many runs there are, and what the conclusion begins with: its verdicts."""
        first, *others = self.conclusion().split("\n\n")
        verdicts = itertools.takewhile(lambda paragraph: paragraph.startswith("- "), others)
        text = "\n".join([first, *verdicts]).replace("\n- ", " ")
        return Abstract(f"{self.standing().splitlines()[0]} {text}")

    @abstractmethod
    def conclusion(self) -> str:
        """Which differences are supported, and what they leave out, in Markdown."""

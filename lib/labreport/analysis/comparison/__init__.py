"""What the runs of a study say side by side."""

from ...studies import Study
from ...studies.assignments import Assignment
from ...studies.sweeps import Sweep
from .assignment import AssignmentComparison
from .comparison import Comparison
from .sweep import SweepComparison

COMPARISONS: dict[type[Study], type[Comparison]] = {
    Assignment: AssignmentComparison,
    Sweep: SweepComparison,
}


def of(study: Study) -> Comparison:
    """The comparison of a study's runs."""
    return COMPARISONS[type(study)](study)

"""Whether the losses of compared runs are of one kind, and so may be compared."""

import math

from ...core.i18n import _
from .. import evaluation
from .runs import ComparedRun

_CLOSE = 0.01  # of the larger one: two sums of the same numbers in single precision


def about(runs: dict[str, ComparedRun]) -> str:
    """Which runs' losses are no plain cross-entropies, in sentences. runs: by label."""
    others = {
        label: run.run.experiment.loss for label, run in runs.items() if not _is_cross_entropy(run)
    }
    if not others:
        return _(
            "All losses are cross-entropies without penalties, so they can be compared with each"
            " other."
        )
    named = ", ".join(f"{label} ({loss})" for label, loss in others.items())
    if len(others) == len(runs):
        return _(
            "The losses are not plain cross-entropies: they have penalties on weights, further"
            " outputs, or another definition. Compare them only between runs whose loss and network"
            " are of one kind: {named}.",
            named=named,
        )
    return _(
        "Not all losses can be compared with each other. Those of these runs have penalties on"
        " weights, further outputs, or another definition: {named}. The others are plain"
        " cross-entropies.",
        named=named,
    )


def _is_cross_entropy(run: ComparedRun) -> bool:
    """Whether the loss on the evaluated images is the cross-entropy of the predictions."""
    return math.isclose(
        run.result.metrics.evaluated_loss, evaluation.cross_entropy(run.result), rel_tol=_CLOSE
    )

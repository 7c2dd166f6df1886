"""Squared error and cross-entropy of one image by the probability of its true class."""

import numpy as np

from ...core.i18n import _, number, plain
from .. import evaluation
from .picture import Picture
from .style import TRAINING, VALIDATION, new_figure

__all__ = ["loss_curves"]

_HIGHEST = 4.6  # of the axis: the cross-entropy has no upper bound
_TANGENT = 0.055  # half of what a tangent covers of the axis of probabilities


def loss_curves(example: float) -> Picture:
    """Both losses as curves, with values and slopes at the probability `example`."""
    figure, axes = new_figure(2.9)
    p = np.linspace(np.exp(-_HIGHEST), 1, 400)
    at = evaluation.losses_of_one(example)
    for (name, formula), (values, _slopes), (value, slope), color, line, offset in zip(
        ((_("squared error"), "$(1 - p)^2$"), (_("cross-entropy"), r"$-\ln\,p$")),
        evaluation.losses_of_one(p),
        at,
        (VALIDATION, TRAINING),
        ("--", "-"),
        (-28, 6),  # points from the dot to its words, which no curve shall cross
    ):
        axes.plot(p, values, color=color, linestyle=line, label=f"{name}, {formula}")
        ends = np.array([-_TANGENT, _TANGENT])
        axes.plot(example + ends, value + slope * ends, color="black", linewidth=0.9)
        axes.plot([example], [value], color=color, marker="o", markersize=5)
        axes.annotate(
            _("{value}, slope {slope}", value=number(value, 2), slope=_slope(slope)),
            (example, value),
            (9, offset),
            textcoords="offset points",
        )
    axes.axvline(example, color="0.35", linewidth=0.8, linestyle=":")
    axes.set(
        xlabel=_("probability p of the true class"),
        ylabel=_("loss"),
        xlim=(0, 1),
        ylim=(0, _HIGHEST),
    )
    axes.legend(loc="upper right", frameon=False)
    (squared, squared_slope), (entropy, entropy_slope) = at
    words = {
        "p": number(example, 1),
        "squared": number(squared, 2),
        "squared_slope": _slope(squared_slope),
        "entropy": number(entropy, 2),
        "entropy_slope": _slope(entropy_slope),
    }
    alt = _(
        "Line chart of two losses by the probability of the true class, from 0 to 1. At {p} the"
        " squared error is {squared} with slope {squared_slope}, and the cross-entropy {entropy}"
        " with slope {entropy_slope}. Both fall to 0 at probability 1. Towards probability 0 the"
        " squared error rises to 1, and the cross-entropy rises ever more steeply.",
        **words,
    )
    return Picture(
        figure,
        alt,
        _(
            "Squared error and cross-entropy of one image by the probability of its true class."
            " Dots and tangents mark the probability {p}.",
            **words,
        ),
    )


def _slope(value: float) -> str:
    return plain(float(f"{value:.3g}"))

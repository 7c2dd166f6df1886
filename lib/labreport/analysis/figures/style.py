"""The look that all figures share."""

from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from .lettering import SIZE

# Text width of an A4 page: reporting would make a wider figure smaller, and its letters with it.
WIDTH_INCHES = 6.2
# Okabe and Ito: told apart by the colour-blind, and in grey by their line styles
TRAINING, VALIDATION = ("#0072B2", "#D55E00")
STYLE: dict[Any, Any] = {
    "font.size": SIZE,
    "axes.titlesize": SIZE,
    "axes.labelsize": SIZE,
    "xtick.labelsize": SIZE,
    "ytick.labelsize": SIZE,
    "legend.fontsize": SIZE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "svg.hashsalt": "labreport",
    "svg.fonttype": "path",
}


def new_figure(height: float, width: float = WIDTH_INCHES, columns: int = 1):
    """A figure in the report's style with its axes; made without pyplot, so that nothing is shown
    or kept open.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.subplots(1, columns)

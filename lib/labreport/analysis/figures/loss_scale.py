"""The axis of losses: all of them are drawn, whatever their range."""

import numpy as np
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from ...core.i18n import _, plain


def logarithmic_losses(axes) -> str:
    """For losses of a wide range, of which a linear axis would hide most; returns a sentence."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    few = np.log10(high / low) < 3
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 3) if few else (1,)))
    # 10 to the power of 2 would have a smaller letter
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, position: plain(value)))
    axes.yaxis.set_minor_formatter(NullFormatter())
    return _("The axis of the losses is logarithmic.")

"""Photographs, side by side."""

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...core.i18n import N_, _, count
from .picture import Picture
from .style import STYLE, WIDTH_INCHES, new_figure

__all__ = ["image_grid"]


def image_grid(images: np.ndarray, titles: list[str], caption: str, columns: int = 10) -> Picture:
    """Images uint8 (N, H, W, 3), each below its title (two lines at most); without images, a figure
    that says so.
    """
    augmented = N_("augmented")  # where the second half of `training.augmented_examples` begins
    titles = [_(title) if title == augmented else title for title in titles]
    if not len(images):
        figure, axes = new_figure(0.4)
        axes.axis("off")
        axes.text(0.5, 0.5, _("no images"), ha="center", va="center")
        return Picture(figure, _("No images."), _(caption))
    rows = -(-len(images) // columns)
    lines = max(title.count("\n") for title in titles) + 1
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH_INCHES, rows * (WIDTH_INCHES / columns + 0.14 * lines) + 0.1),
            layout="constrained",
        )
        FigureCanvasAgg(figure)
        figure.get_layout_engine().set(  # type: ignore[union-attr,call-arg]
            w_pad=0.02, h_pad=0.02, wspace=0.02, hspace=0.02
        )
        for position, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.axis("off")
            if position < len(images):
                axes.imshow(images[position], interpolation="nearest")
                axes.set_title(titles[position].replace("_", " "), fontsize=7, pad=2)
    named = "; ".join(title.replace("\n", ", ") for title in dict.fromkeys(filter(None, titles)))
    alt = _(
        "{images} of {width} by {height} pixels: {shown}.",
        images=count(len(images), "image"),
        width=images.shape[2],
        height=images.shape[1],
        shown=named,
    )
    return Picture(figure, alt, _(caption), vector=False)

"""Photographs, side by side."""

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from ...core.i18n import N_, _, count
from .lettering import LINE, wrapped
from .picture import Picture
from .style import STYLE, WIDTH_INCHES, new_figure

__all__ = ["image_grid", "predicted_images"]

LONGEST_NAME = 30  # characters that fit below a pair of images


def image_grid(images: np.ndarray, titles: list[str], caption: str, columns: int = 10) -> Picture:
    """Images uint8 (N, H, W, 3), each below its title, which is broken where it is wider than the
    image; without images, a figure that says so.
    """
    augmented = N_("augmented")  # where the second half of `training.augmented_examples` begins
    titles = [_(title) if title == augmented else title for title in titles]
    if not len(images):
        figure, axes = new_figure(0.4)
        axes.axis("off")
        axes.text(0.5, 0.5, _("no images"), ha="center", va="center")
        return Picture(figure, _("No images."), _(caption))
    rows = -(-len(images) // columns)
    shown = [
        wrapped(title.replace("_", " "), WIDTH_INCHES / columns * _room(titles, position, columns))
        for position, title in enumerate(titles)
    ]
    lines = max(title.count("\n") for title in shown) + 1
    with matplotlib.rc_context(STYLE):
        figure = Figure(
            figsize=(WIDTH_INCHES, rows * (WIDTH_INCHES / columns + LINE * lines + 0.02) + 0.1),
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
                alone = _room(titles, position, columns) > 1
                axes.set_title(shown[position], pad=2, loc="left" if alone else "center")
    named = "; ".join(title.replace("\n", ", ") for title in dict.fromkeys(filter(None, titles)))
    alt = _(
        "{images} of {width} by {height} pixels: {shown}.",
        images=count(len(images), "image"),
        width=images.shape[2],
        height=images.shape[1],
        shown=named,
    )
    return Picture(figure, alt, _(caption), vector=False)


def _room(titles: list[str], position: int, columns: int) -> int:
    """How many columns a title may take: its own, and those beside it that have none."""
    row = titles[position + 1 : position - position % columns + columns]
    return 1 + next((place for place, title in enumerate(row) if title), len(row))


def predicted_images(panels: list, note: str = "", columns: int = 3) -> Picture:
    """Images of a person's own, each as it was taken and as the network takes it; beneath, what the
    network says, and the file.

    panels: as `prediction.panels` gives them, one at least. note: a text below all of them.
    """
    rows = -(-len(panels) // columns)
    lines = wrapped(note, WIDTH_INCHES - 0.1).split("\n") if note else []
    with matplotlib.rc_context(STYLE | {"axes.grid": False}):
        figure = Figure(
            figsize=(WIDTH_INCHES, rows * 1.5 + LINE * len(lines) + 0.1), layout="constrained"
        )
        FigureCanvasAgg(figure)
        # pairs further apart than the two images of a pair
        figure.get_layout_engine().set(wspace=0.08)  # type: ignore[union-attr,call-arg]
        for position, axes in enumerate(figure.subplots(rows, columns, squeeze=False).flat):
            axes.set(xticks=[], yticks=[], xlim=(0, 2.06), ylim=(0, 1), aspect="equal")
            axes.spines[:].set_visible(False)
            if position < len(panels):
                name, taken, seen, answers = panels[position]
                _inside(axes, taken, 0)
                axes.imshow(seen, extent=(1.06, 2.06, 0, 1), interpolation="nearest")
                first, *others = answers
                text = "\n".join([*others, _drawable(_shortened(name))])
                axes.set(xlim=(0, 2.06), ylim=(0, 1))  # imshow changes them
                axes.set_xlabel(text, color="0.35", parse_math=False, labelpad=12)
                axes.text(1.03, -0.05, first, ha="center", va="top", parse_math=False)
        if lines:
            figure.supxlabel("\n".join(lines), x=0.01, ha="left", parse_math=False)
    height, width = panels[0][2].shape[:2]
    caption = _(
        "At the left each image as it was taken, at the right as the network receives it, with"
        " {width} x {height} pixels. Beneath: the two most probable classes.",
        width=width,
        height=height,
    )
    shown = "; ".join(f"{panel[0]}: {', '.join(panel[3])}" for panel in panels)
    alt = _(
        "{images} with their two most probable classes: {shown}.",
        images=count(len(panels), "image"),
        shown=shown,
    )
    return Picture(figure, alt, caption, vector=False)


def _inside(axes, image: np.ndarray, left: float) -> None:
    """Draw an image in its own proportions, as large as a square of side 1 lets it be."""
    height, width = np.array(image.shape[:2]) / max(image.shape[:2])
    x, y = left + (1 - width) / 2, (1 - height) / 2
    axes.imshow(image, extent=(x, x + width, y, y + height), interpolation="antialiased")


def _shortened(name: str) -> str:
    half = LONGEST_NAME // 2
    return name if len(name) <= LONGEST_NAME else f"{name[: half - 1]}…{name[-half:]}"


def _drawable(text: str) -> str:
    """The text without what the figures' font lacks: matplotlib would warn, in the report."""
    known = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    return "".join(character if ord(character) in known else "?" for character in text)

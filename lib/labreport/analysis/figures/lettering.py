"""The letters of all figures: one size, and how much room words take in it."""

import functools
import re

from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

SIZE = 7.5  # points; as high as the letters of a caption
LINE = SIZE * 1.2 / 72  # inches from one line of a text to the next


def set_in_one_size(figure: Figure) -> None:
    """Whatever size its parts took from where they were made."""
    for axes in figure.axes:
        axes.tick_params(which="both", labelsize=SIZE)  # those too that are made when it is drawn
    for text in figure.findobj(Text):
        text.set_fontsize(SIZE)


@functools.cache
def text_width(text: str) -> float:
    """In inches, of a line."""
    # 3 % for what pixels of a screen round up
    properties = FontProperties(size=SIZE)
    return text_to_path.get_text_width_height_descent(text, properties, False)[0] * 1.03 / 72


def wrapped(text: str, inches: float) -> str:
    """The text in lines of at most this width, broken between words where it can be; - and _ end
    one.
    """
    return "\n".join(line for part in text.split("\n") for line in _lines(part, inches))


def _lines(text: str, inches: float) -> list[str]:
    lines = [""]
    for piece in re.findall(r"[^ _-]*[_-]|[^ _-]+ *| +", text):
        if text_width((lines[-1] + piece).rstrip()) <= inches:
            lines[-1] += piece
            continue
        if lines[-1]:
            lines.append("")
        for letter in piece:  # all at once, if the piece fits on a line
            if lines[-1] and text_width((lines[-1] + letter).rstrip()) > inches:
                lines.append("")
            lines[-1] += letter
    return [line.strip() for line in lines]

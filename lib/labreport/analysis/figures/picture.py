"""A figure with its alternative text and its caption."""

import base64
import io
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import ScalarFormatter

from ...core import i18n
from .lettering import set_in_one_size
from .style import STYLE

__all__ = ["Picture"]


@dataclass(frozen=True)
class Picture:
    """A figure, a sentence that says what it shows to whoever cannot see it, and a caption.

    The last value of a cell displays it.

    vector: also as SVG; photographs are better off as pixels alone.
    """

    figure: Figure
    alt: str
    caption: str
    vector: bool = True

    def __post_init__(self):
        set_in_one_size(self.figure)
        if i18n.current_language() == "en":
            return
        for axes in self.figure.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if isinstance(axis.get_major_formatter(), ScalarFormatter):
                    axis.set_major_formatter(_Ticks(i18n.written("0.0")[1]))

    def _repr_mimebundle_(self, include=None, exclude=None):
        with matplotlib.rc_context(STYLE):
            data = {
                "text/plain": self.alt,
                "image/png": base64.b64encode(self._drawn("png", dpi=160)).decode(),
            }
            if self.vector:
                data["image/svg+xml"] = self._drawn(
                    "svg", metadata={"Date": None, "Creator": None}
                ).decode()
        size = {"width": round(self.figure.get_figwidth() * 96)}
        described = {"alt": self.alt, "caption": self.caption}
        return data, {"image/png": described | size, "image/svg+xml": described}

    def _drawn(self, kind: str, **settings) -> bytes:
        buffer = io.BytesIO()
        self.figure.savefig(buffer, format=kind, **settings)
        return buffer.getvalue()


class _Ticks(ScalarFormatter):
    """Numbers at an axis with another decimal mark."""

    def __init__(self, mark: str):
        super().__init__()
        self._mark = mark

    def __call__(self, value, position=None):
        return super().__call__(value, position).replace(".", self._mark)

"""A table with its caption."""

import html
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...core import i18n
from ...core.i18n import _, whole

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """A table and its caption; headings and caption are said in the language that is spoken.
    formats: column -> how its numbers are written, such as "{:.3f}".
    """

    rows: pd.DataFrame | list[dict]
    caption: str
    formats: dict[str, str] | None = None

    def _texts(self) -> pd.DataFrame:
        frame, formats = pd.DataFrame(self.rows), self.formats or {}

        def text(value, column):
            if value is None or (isinstance(value, float) and np.isnan(value)):
                return "–"
            return (
                i18n.written(formats[column].format(value))
                if column in formats
                else whole(value)
                if isinstance(value, (int, np.integer))
                else str(value)
            )

        return pd.DataFrame(
            {
                _(column) if column else column: [text(value, column) for value in frame[column]]
                for column in frame.columns
            }
        )

    def _repr_mimebundle_(self, include=None, exclude=None):
        texts, caption = self._texts(), _(self.caption)
        rows = texts.to_html(index=False, border=0, justify="left")
        return {
            "text/html": rows.replace(">", f">\n  <caption>{html.escape(caption)}</caption>", 1),
            "text/plain": f"{caption}\n{texts.to_string(index=False)}",
        }

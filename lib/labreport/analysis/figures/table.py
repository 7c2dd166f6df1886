"""A table with its caption."""

import html
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...core import i18n
from ...core.i18n import _, whole

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """A table and its caption; headings and caption are said in the language that is spoken.
    formats: column -> how its numbers are written, such as "{:.3f}". names: how many of the first
    columns name a row; 0 for as few as no two rows have in common, where there are such.
    """

    rows: pd.DataFrame | list[dict]
    caption: str
    formats: dict[str, str] | None = None
    names: int = 0

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
        rows = self._with_row_headers(texts.to_html(index=False, border=0, justify="left"), texts)
        return {
            "text/html": rows.replace(">", f">\n  <caption>{html.escape(caption)}</caption>", 1),
            "text/plain": f"{caption}\n{texts.to_string(index=False)}",
        }

    def _with_row_headers(self, rows: str, texts: pd.DataFrame) -> str:
        """The first cells of each row as header cells: they say what the row is about."""
        columns = range(1, texts.shape[1])
        apart = (n for n in columns if not texts.iloc[:, :n].duplicated().any())
        names = self.names or next(apart, 0)
        return re.sub(
            rf"(?<=<tr>\n)(?:      <td>.*?</td>\n){{{names}}}",
            lambda cells: cells[0].replace("<td>", "<th>").replace("</td>", "</th>"),
            rows,
        )

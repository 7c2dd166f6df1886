"""An HTML table -> a TableBlock whose cells cover the grid exactly once, whatever the source
claimed.
"""

import re

from bs4 import Tag

from .blocks import Cell, TableBlock
from .cleaning import plain

_NUMBER = re.compile(
    r"[-+−~<>≈≤≥]?\s?[$€]?\d[\d.,_'\u2009\u202f\xa0]*(?:e[-+−]?\d+)?"
    r"\s?(?:%|[a-zµ]{1,3}\b)?(?:\s?(?:±|\+/-|\().*)?",
    re.IGNORECASE,
)
_NO_NUMBER = {"", "nan", "inf", "-inf", "none", "–", "—", "-", "<na>", "n/a"}


def table_block(tag: Tag) -> TableBlock:
    """`tag` is a cleaned <table>; nested tables stay inside their cell's HTML."""
    caption = tag.find("caption", recursive=False)
    rows = [row for row in tag.find_all("tr") if row.find_parent("table") is tag]
    head = [row for row in rows if row.parent and row.parent.name == "thead"]
    if not head:  # no <thead>: leading rows of nothing but <th> are the head
        for row in rows:
            if row.find("td") is not None or row.find("th") is None:
                break
            head.append(row)
    body = [row for row in rows if not any(row is other for other in head)]
    if not body:
        head, body = [], head
    columns = max([_width(head), _width(body), 1])
    header, below = _grid(head, columns, True), _grid(body, columns, False)
    aligned = _align(header, below, columns)
    return TableBlock(
        aligned[: len(header)], aligned[len(header) :], columns, plain(caption) if caption else ""
    )


def _cells(row: Tag) -> list[Tag]:
    return row.find_all(["td", "th"], recursive=False)


def _span(cell: Tag, name: str) -> int:
    text = str(cell.get(name, "1")).strip()
    return min(int(text), 1000) if text.isdigit() and int(text) > 0 else 1


def _width(rows: list[Tag]) -> int:
    """Columns the rows need, counting what hangs down from the rows above."""
    hanging: dict[int, int] = {}
    widest = 0
    for number, row in enumerate(rows):
        column = 0
        for cell in _cells(row):
            while hanging.get(column, 0) > number:
                column += 1
            for place in range(column, column + _span(cell, "colspan")):
                hanging[place] = number + _span(cell, "rowspan")
            column += _span(cell, "colspan")
        widest = max(widest, column)
    return widest


def _grid(rows: list[Tag], columns: int, in_header: bool) -> list[list[tuple[int, Cell]]]:
    """(column, cell) pairs by row: spans clipped to the section, holes filled with empty cells."""
    taken = [[False] * columns for _ in rows]
    grid = []
    for number, row in enumerate(rows):
        placed, waiting = [], list(_cells(row))
        for column in range(columns):
            if taken[number][column]:
                continue
            if not waiting:
                placed.append((column, Cell("", "", in_header)))
                continue
            tag = waiting.pop(0)
            wide = 1
            while (
                wide < _span(tag, "colspan")
                and column + wide < columns
                and not taken[number][column + wide]
            ):
                wide += 1
            tall = min(_span(tag, "rowspan"), len(rows) - number)
            for below in range(number, number + tall):
                taken[below][column : column + wide] = [True] * wide
            align = re.search(r"text-align:\s*(\w+)", str(tag.get("style", "")))
            cell = Cell(
                tag.decode_contents().strip(),
                plain(tag),
                in_header or tag.name == "th",
                tall,
                wide,
                align[1] if align else "",
            )
            placed.append((column, cell))
        grid.append(placed)
    return grid


def _align(header, body, columns) -> tuple[tuple[Cell, ...], ...]:
    """Numbers to the right, words to the left, a heading over several columns centred, an explicit
    wish obeyed.
    """
    numeric = []
    for wanted in range(columns):
        texts = [
            cell.text.strip()
            for row in body
            for column, cell in row
            if column == wanted and cell.colspan == 1
        ]
        numbers = [text for text in texts if text.lower() not in _NO_NUMBER]
        numeric.append(bool(numbers) and all(_NUMBER.fullmatch(text) for text in numbers))

    def aligned(column: int, cell: Cell) -> Cell:
        usual = (
            "center" if cell.header and cell.colspan > 1 else "right" if numeric[column] else "left"
        )
        return Cell(
            cell.html, cell.text, cell.header, cell.rowspan, cell.colspan, cell.align or usual
        )

    return tuple(tuple(aligned(column, cell) for column, cell in row) for row in [*header, *body])

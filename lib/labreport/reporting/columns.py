"""How the columns of a table share the width of a page, and where their words may break."""

import re

from .blocks import Cell, TableBlock

TEXT_WIDTH, TEXT_HEIGHT = 447, 630  # points; the page of template.typ less room for a caption
SIZES = (9, 8, 7.5, 7, 6.5)
_LETTER = 0.5  # em; a character of Libertinus Serif is about as wide
_LONGEST = 40  # characters that are kept on one line of a cell
_ZERO_WIDTH = "\u200b"
# What a line break would part: a short list, a number and its unit, a product, an equation.
_SHORT_LIST = re.compile(r"\[[^\[\]]{1,24}\]")
_BOUND = (
    r"(?<=\d) (?=%|(?:ms|s|min|h|px|[kMG]i?B)\b)",
    r"(?<=\d) (?=[x×±+−-] ?\d)",
    r"(?<=\d [x×±]) (?=\d)|(?<=\d\xa0[x×±]) (?=\d)",
    r"(?<=\w) (?=[=<>≤≥≈] ?\S)|(?<=[=<>≤≥≈]) (?=\S)",
)
_WITHIN = re.compile(r"(?<=[.,;:=/_-])(?=[^\s)\]},;])|(?<=\w)(?=[(\[{])")


def bound(text: str) -> str:
    """With spaces that do not break inside what is read as one."""
    text = _SHORT_LIST.sub(lambda found: found[0].replace(" ", "\xa0"), text)
    for pattern in _BOUND:
        text = re.sub(pattern, "\xa0", text)
    return text


def broken(text: str, limit: int) -> str:
    """With places to break inside runs of more characters than the limit; never behind an opening
    bracket or before a closing one, if they are not longer still.
    """

    def in_parts(run) -> str:
        if "\xa0" in run[0]:
            return broken(run[0].replace("\xa0", " "), limit)
        parts = _WITHIN.sub(" ", run[0]).split(" ")
        # of about equal length, so that no bracket stands alone
        lengths = [-(-len(part) // -(-len(part) // limit)) for part in parts]
        return _ZERO_WIDTH.join(
            piece
            for part, length in zip(parts, lengths)
            for piece in re.findall(rf".{{1,{length}}}", part)
        )

    return re.sub(rf"[^ \t\n]{{{limit + 1},}}", in_parts, text)


def fitting(table: TableBlock) -> tuple[float, float, list[int]]:
    """The largest size in points at which the columns fit (0 for none), the inset between them,
    their widths in characters.
    """
    widths = _widest(table, _least_characters)
    inset = 7 if table.columns > 8 else 11
    fits = (size for size in SIZES if _points(widths, size, inset) <= TEXT_WIDTH)
    return next(fits, 0), inset, widths


def shares(table: TableBlock, size: float, inset: float) -> list[float] | None:
    """The widths of the columns in points, where their lines do not all fit; no column gets less
    than its longest word needs, if all of these fit.
    """
    natural = _widest(table, _whole, _longest_unit)  # words of the head may stand one below another
    if _points(natural, size, inset) <= TEXT_WIDTH:
        return None
    least = [min(most, needed + 1) for most, needed in zip(natural, _widest(table, _longest_unit))]
    room = (TEXT_WIDTH - inset * table.columns) / (_LETTER * size)
    if sum(least) >= room:
        characters = [room * low / sum(least) for low in least]
    else:
        characters = _level(least, natural, room)
    return [round(width * _LETTER * size + inset, 1) for width in characters]


def _level(least: list[int], most: list[int], room: float) -> list[float]:
    """Widths that fill the room, as equal as the least and the most of each column allow."""
    low, high = 0.0, room
    for _step in range(30):
        level = (low + high) / 2
        widths = [min(max(level, a), b) for a, b in zip(least, most)]
        low, high = (level, high) if sum(widths) < room else (low, level)
    return widths


def limits(widths: list[float] | None, columns: int, size: float, inset: float) -> list[int]:
    """How many characters fit on a line of each column."""
    if widths is None:
        return [_LONGEST] * columns
    return [min(_LONGEST, max(3, int((width - inset) / (_LETTER * size)))) for width in widths]


def groups(table: TableBlock, widths: list[int]) -> list[TableBlock]:
    """Tables side by side become tables one below the other, each with the first column again."""
    room = TEXT_WIDTH / (_LETTER * SIZES[-1])
    all_others = sum(width + 2.5 for width in widths[1:])
    # As many as are needed, about equally wide.
    share = all_others / -(-all_others // max(1.0, room - widths[0] - 2.5))
    found: list[list[int]] = [[0]]
    for column in range(1, table.columns):
        if (
            len(found[-1]) > 1
            and sum(widths[place] + 2.5 for place in [*found[-1][1:], column])
            > share + 0.5 * widths[column]
        ):
            found.append([0])
        found[-1].append(column)
    return [
        TableBlock(
            tuple(tuple(row[column] for column in group) for row in table.header),
            tuple(tuple(row[column] for column in group) for row in table.body),
            len(group),
        )
        for group in found
    ]


def _points(widths: list[int], size: float, inset: float) -> float:
    return sum(widths) * _LETTER * size + inset * len(widths)


def _widest(table: TableBlock, of, of_head=None) -> list[int]:
    widths = [1] * table.columns
    for rows, width in ((table.header, of_head or of), (table.body, of)):
        for row in rows:
            if len(row) == table.columns:
                widths = [max(widest, width(cell)) for widest, cell in zip(widths, row)]
    return widths


def _whole(cell: Cell) -> int:
    return max(map(len, cell.text.split("\n")))


def _longest_unit(cell: Cell) -> int:
    pieces = re.split(r"[\s_/-]" if cell.header else "[ \t\n]", bound(cell.text))
    return min(_LONGEST, max(map(len, pieces)) + cell.header)


def _least_characters(cell: Cell) -> int:
    """The width below which a cell would look crushed: a heading's longest word, a number whole,
    words on two lines.
    """
    longest = _longest_unit(cell)
    return longest if cell.header else min(_LONGEST, max(longest, len(cell.text) // 2))

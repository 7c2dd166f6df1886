"""Tags the cells that name a row of a table as such, in the bytes of a PDF that Typst made.

Typst knows only column headers: `pdf.header-cell` needs its feature a11y-extras, which typst-py
0.15 cannot switch on. Where it can, that function replaces this module.
"""

import re

from .blocks import Cell

# A body cell: whether it names its rows, and the positions of the cells that name it.
Names = tuple[bool, list[int]]

_ENTRY = re.compile(rb"(\d{10}) \d{5} n\r\n")
_ELEMENT = re.compile(rb"\d+ 0 obj\n<</Type/StructElem/S/(\w+)/P (\d+) 0 R")
_SCOPE = b"/A[<</O/Table/Scope/Row"
_HEADERS = re.compile(rb"/Headers\[(.*?)\]")
_ID = re.compile(rb"(\([^()]*\))(\d+ 0 R)")


def names_of(body: tuple[tuple[Cell, ...], ...]) -> list[Names]:
    """What names each cell of a table's body: the header cells before it in its row, and those that
    hang down into it from above.
    """
    found: list[Names] = []
    hanging: list[tuple[int, int]] = []  # the last row of a header cell, and its position
    for number, row in enumerate(body):
        hanging = [header for header in hanging if header[0] >= number]
        for cell in row:
            names = cell.header and bool(cell.text)
            found.append((names, [position for _last, position in hanging]))
            if names:
                hanging.append((number + cell.rowspan - 1, len(found) - 1))
    return found


def with_row_headers(pdf: bytes, tables: list[list[Names]]) -> bytes:
    """tables: the bodies of all tables, each after those inside it, as their tags stand too."""
    if not any(names for table in tables for names, _by in table):
        return pdf
    body, _, end = pdf.rpartition(b"xref\n0 ")
    entries, _, trailer = end.partition(b"trailer")
    places = sorted(int(place) for place in _ENTRY.findall(entries))
    objects = {
        int(data.split(b" ", 1)[0]): data
        for data in (body[a:b] for a, b in zip(places, [*places[1:], len(body)]))
    }
    found = _bodies(objects)
    if [*map(len, found)] != [*map(len, tables)]:
        raise RuntimeError("the tags of the PDF's tables are not those of the report's tables")
    entered = []
    for table, (cells, names_of_cells) in enumerate(zip(found, tables)):
        for position, (number, (names, by)) in enumerate(zip(cells, names_of_cells)):
            data = objects[number]
            if by:
                above = b"".join(b"(R%dx%d)" % (table, place) for place in by)
                data = _HEADERS.sub(rb"/Headers[\g<1>%s]" % above, data, count=1)
            if names:
                identity = b"(R%dx%d)" % (table, position)
                entered.append((identity, b"%d 0 R" % number))
                data = data.replace(b"/S/TD", b"/S/TH", 1)
                data = data.replace(b"/A[<</O/Table", b"/ID" + identity + _SCOPE, 1)
            objects[number] = data
    _enter(objects, entered)
    return _written(body[: places[0]], objects, trailer)


def _bodies(objects: dict[int, bytes]) -> list[list[int]]:
    """The data cells of each table, by the numbers of their objects, in the order of the tags."""
    kinds = {
        number: (element[1], int(element[2]))
        for number, data in objects.items()
        if (element := _ELEMENT.match(data))
    }
    cells: dict[int, list[int]] = {n: [] for n, (kind, _) in kinds.items() if kind == b"Table"}
    for number, (kind, parent) in kinds.items():
        if kind == b"TD":
            while kinds[parent][0] != b"Table":
                parent = kinds[parent][1]
            cells[parent].append(number)
    return [sorted(cells[table]) for table in sorted(cells)]


def _enter(objects: dict[int, bytes], entered: list[tuple[bytes, bytes]]) -> None:
    """Into the index of the identities of all tags."""
    [root] = (number for number, data in objects.items() if b"<</Type/StructTreeRoot" in data[:40])
    known = re.search(rb"/IDTree<</Names\[(.*?)\]>>", objects[root])
    pairs = sorted([*(_ID.findall(known[1]) if known else []), *entered])
    names = b"/IDTree<</Names[%s]>>" % b"".join(map(b"".join, pairs))
    before = known[0] if known else b"/ParentTreeNextKey"
    after = names if known else names + before
    objects[root] = objects[root].replace(before, after, 1)


def _written(start: bytes, objects: dict[int, bytes], trailer: bytes) -> bytes:
    """The file with its objects as they are now, and with the places where they begin."""
    parts, place, places = [start], len(start), {}
    for number, data in objects.items():
        places[number] = place
        parts.append(data)
        place += len(data)
    entries = b"".join(b"%010d 00000 n\r\n" % places[number] for number in sorted(places))
    table = b"xref\n0 %d\n0000000000 65535 f\r\n%s" % (len(places) + 1, entries)
    start_of_table = re.compile(rb"startxref\n\d+")
    return b"".join(
        [*parts, table, b"trailer", start_of_table.sub(b"startxref\n%d" % place, trailer)]
    )

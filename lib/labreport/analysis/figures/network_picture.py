"""A picture of a network by its blocks, from left to right in rows."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ...core.i18n import _
from .lettering import SIZE, text_width
from .network_blocks import Block, blocks, branches_counted, middle_left_out, patterns_once
from .picture import Picture
from .style import STYLE, WIDTH_INCHES

__all__ = ["network"]

# All lengths in inches.
_TALLEST = 8.5
_ALL_BRANCHES_UP_TO = 5.0  # height of a picture that draws all branches
_MOST_BLOCKS = 60  # that could fit on a page
_LINE = SIZE * 1.28 / 72
_PADDING = 0.07
_ARROW = 0.26  # between two boxes
_FORK = 0.3  # between a box and the branches beside it
_BETWEEN_BRANCHES = 0.1
_BETWEEN_ROWS = 0.34
_MARGIN = 0.16
_FILLS = {
    "input": "#EDEDED",
    "features": "#DCEBF7",
    "head": "#FBE7D3",
    "backbone": "#DDF0E4",
    "joint": "#F3E6F1",
    "output": "#FBE7D3",
}
_INK = "#333333"


def network(rows: list[dict]) -> Picture:
    """A network, from rows as `models.graph` makes them.

    All branches are drawn where that takes little room. Else branches of the same structure are
    drawn once, or counted, and last the middle is left out: no picture is taller than a page.
    """
    found, lines = _fitting(blocks(rows))
    width = max(line.width for line in lines) + 2 * _MARGIN
    height = sum(line.height for line in lines) + _BETWEEN_ROWS * (len(lines) - 1) + 0.04
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        _draw(axes, lines, width)
    words = " ".join(
        _("Block {number}: {words}.", number=number, words=block.described())
        for number, block in enumerate(found, 1)
    )
    alt = _("Diagram of the network, from input to output. {blocks}", blocks=words)
    return Picture(figure, alt, _caption(found))


def _caption(found: list[Block]) -> str:
    sentences = [
        _(
            "The network by blocks. After the kind of a layer: the size of its window, its filters"
            " or units, its stride, its rate. The last line of a box: the shape of its output."
        )
    ]
    titles = [block.title for block in found if block.title]
    if titles:
        sentences.append(
            _(
                "The branches of {modules} are drawn where they come first. Those that follow have"
                " the same layers, but may have other numbers of filters.",
                modules=", ".join(titles),
            )
        )
    return " ".join(sentences)


def _fitting(found: list[Block]) -> "tuple[list[Block], list[_Row]]":
    """The most detailed of the forms of a network that is not too tall, and its rows."""
    forms: list[tuple[Callable, float]] = [
        (lambda: found, _ALL_BRANCHES_UP_TO),
        (lambda: patterns_once(found), _TALLEST),
        (lambda: branches_counted(found), _TALLEST),
    ]
    forms += [
        (functools.partial(middle_left_out, branches_counted(found), number), _TALLEST)
        for number in range(min(len(found) - 2, _MOST_BLOCKS), 1, -2)
    ]
    for form, tallest in forms:
        shown = form()
        lines = _rows([_Unit.of(block) for block in shown])
        height = sum(line.height for line in lines) + _BETWEEN_ROWS * len(lines)
        if height <= tallest and max(line.width for line in lines) <= WIDTH_INCHES - 2 * _MARGIN:
            break
    return shown, lines


@dataclass(frozen=True)
class _Unit:
    """A block with the room it takes: `up` above the line of the trunk and `down` below it."""

    block: Block
    width: float
    up: float
    down: float

    @classmethod
    def of(cls, block: Block) -> "_Unit":
        width, height = _box_size(block)
        up = down = height / 2
        for side in block.sides:
            side_width, side_height = _box_size(side)
            width, down = max(width, side_width), down + _ARROW + side_height
        if block.branches:
            branches_width, branches_height = _branches_size(block)
            width += 2 * _FORK + branches_width
            up = max(up, branches_height / 2 + (_LINE + 0.04 if block.title else 0))
            down = max(down, branches_height / 2)
        return cls(block, width, up, down)


@dataclass(frozen=True)
class _Row:
    units: list[_Unit]

    @property
    def width(self) -> float:
        gaps = sum(0 if unit.block.branches else _ARROW for unit in self.units[1:])
        return sum(unit.width for unit in self.units) + gaps

    @property
    def up(self) -> float:
        return max(unit.up for unit in self.units)

    @property
    def height(self) -> float:
        return self.up + max(unit.down for unit in self.units)


def _rows(units: list[_Unit]) -> list[_Row]:
    """As few rows as the page's width allows, of widths as equal as that number allows."""
    width = WIDTH_INCHES - 2 * _MARGIN
    found = _wrapped(units, width)
    while len(narrower := _wrapped(units, width - 0.05)) == len(found) and width > 1:
        found, width = narrower, width - 0.05
    return found


def _wrapped(units: list[_Unit], width: float) -> list[_Row]:
    rows: list[_Row] = []
    for unit in units:
        longer = _Row([*rows[-1].units, unit]) if rows else None
        if longer and longer.width <= width:
            rows[-1] = longer
        else:
            rows.append(_Row([unit]))
    return rows


def _box_size(block: Block) -> tuple[float, float]:
    texts = [*block.lines, block.shape]
    lines = len(block.lines) + bool(block.shape)
    width = max(map(text_width, texts)) + 2 * _PADDING
    return width, lines * _LINE + (2 + bool(block.shape)) * _PADDING - 0.02


def _branches_size(block: Block) -> tuple[float, float]:
    sizes = [_box_size(way) if way else (0, _LINE) for way in block.branches]
    widths, heights = zip(*sizes)
    return max(widths), sum(heights) + _BETWEEN_BRANCHES * (len(sizes) - 1)


def _draw(axes, lines: list[_Row], width: float) -> None:
    way: list[tuple[float, float]] = []  # points of the line that leads to the next box
    y = 0.02
    for number, row in enumerate(lines):
        x, axis = _MARGIN, y + row.up
        if number:
            turn = y - _BETWEEN_ROWS / 2
            right, left = width - 0.06, 0.05
            way += [(right, way[-1][1]), (right, turn), (left, turn), (left, axis)]
        for position, unit in enumerate(row.units):
            x += _ARROW if position and not unit.block.branches else 0
            end = _draw_unit(axes, unit, x, axis, way)
            x, way = x + unit.width, [end]
        y += row.height + _BETWEEN_ROWS


def _draw_unit(axes, unit: _Unit, x: float, axis: float, way: list) -> tuple[float, float]:
    """Returns the point that the next line starts from. way: points of the line that leads here."""
    block, end = unit.block, x + unit.width
    if block.branches:
        x = _draw_branches(axes, block, x, axis, way)
    width, height = _box_size(block)
    centre = (x + end) / 2  # a wider box may hang below
    left = centre - width / 2
    way = [(x - _FORK / 2, axis)] if block.branches else way
    if way:
        _line(axes, [*way, (left, axis)], arrow=True)
    _box(axes, block, left, axis - height / 2)
    below = axis + height / 2
    for side in block.sides:
        side_width, side_height = _box_size(side)
        _line(axes, [(centre, below), (centre, below + _ARROW)], arrow=True)
        _box(axes, side, centre - side_width / 2, below + _ARROW)
        below += _ARROW + side_height
    return left + width, axis


def _draw_branches(axes, block: Block, x: float, axis: float, way: list) -> float:
    """Returns where the box begins in which the branches meet."""
    width, height = _branches_size(block)
    fork, left, right = x + _FORK / 2, x + _FORK, x + _FORK + width
    meeting, end = right + _FORK / 2, right + _FORK
    top = axis - height / 2
    if block.title:
        axes.text(fork, top - 0.05, block.title, va="bottom", ha="left", weight="bold", color=_INK)
    middles = []
    for branch in block.branches:
        tall = _box_size(branch)[1] if branch else _LINE
        middle = top + tall / 2
        middles.append(middle)
        if branch:
            own = _box_size(branch)[0]
            _line(axes, [(fork, middle), (left, middle)], arrow=True)
            _box(axes, branch, left, top)
            _line(axes, [(left + own, middle), (meeting, middle)])
        else:
            _line(axes, [(fork, middle), (meeting, middle)])
        top += tall + _BETWEEN_BRANCHES
    ends = [min([axis, *middles]), max([axis, *middles])]
    _line(axes, [*(way or [(x, axis)]), (fork, axis)])
    for place in (fork, meeting):
        _line(axes, [(place, ends[0]), (place, ends[1])])
    return end


def _box(axes, block: Block, left: float, top: float) -> None:
    width, height = _box_size(block)
    axes.add_patch(
        Rectangle(
            (left, top), width, height, facecolor=_FILLS[block.style], edgecolor=_INK, linewidth=0.8
        )
    )
    y = top + _PADDING - 0.01
    for text in block.lines:
        axes.text(left + _PADDING, y + _LINE / 2, text, va="center_baseline", ha="left")
        y += _LINE
    if block.shape:
        y += _PADDING / 2
        _line(axes, [(left, y), (left + width, y)], thin=True)
        y += _PADDING / 2
        axes.text(left + _PADDING, y + _LINE / 2, block.shape, va="center_baseline", ha="left")


def _line(axes, points, arrow: bool = False, thin: bool = False) -> None:
    axes.plot(*zip(*points), color=_INK, linewidth=0.5 if thin else 0.9, solid_joinstyle="miter")
    if arrow:
        axes.annotate(
            "",
            xy=points[-1],
            xytext=points[-2],
            arrowprops={
                "arrowstyle": "-|>,head_width=0.18,head_length=0.36",
                "color": _INK,
                "linewidth": 0.9,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )

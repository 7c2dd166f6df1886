"""The layers of a network, gathered into the blocks that its picture shows.

The layers that every path to the last output passes are the trunk. What lies between two of them
are branches, what leads to another output hangs aside.
"""

import itertools
import re
from collections import Counter
from dataclasses import dataclass, field, replace

from ...core.i18n import _

_MOST_LINES = 8  # of a block
_ENTANGLED = "branches"  # in the place of a layer's kind
_WRITTEN_OUT = 3  # equal lines in a row; more are counted
_POOLING = re.compile(r"(Max|Average)Pooling|UpSampling")
_FEATURES = re.compile(r"Conv|LocallyConnected|Dense|LSTM|GRU|RNN|Attention")
_HEAD = re.compile(r"Flatten$|Reshape$|Global|Dense$")


@dataclass(frozen=True)
class Block:
    """Layers in a row, drawn as one box.

    style: input, features, head, backbone, joint (where branches meet) or output (of a side
    branch). lines: what stands in the box. shape: of its output. branches: what leads into it side
    by side, None for what passes unchanged. sides: other outputs that leave from its end. pattern:
    what two blocks of the same structure have in common. title: what its branches are called.
    """

    style: str
    lines: tuple[str, ...]
    shape: str = ""
    layers: int = 1
    branches: "tuple[Block | None, ...]" = ()
    sides: "tuple[Block, ...]" = ()
    pattern: tuple = ()
    title: str = ""

    def described(self) -> str:
        """The block in words."""
        words = "; ".join(self.lines) + (f" ({self.shape})" if self.shape else "")
        if self.branches:
            ways = "; ".join(
                f"({number}) {way.described() if way else _('unchanged')}"
                for number, way in enumerate(self.branches, 1)
            )
            title = f"{self.title}, " if self.title else ""
            words = title + _(
                "{number} branches: {ways}; joined by {lines}",
                number=len(self.branches),
                ways=ways,
                lines=words,
            )
        for side in self.sides:
            words += _("; from here a branch leads to: {lines}", lines=side.described())
        return words


@dataclass
class _Open:
    """A block that is still growing."""

    style: str
    rows: list[dict] = field(default_factory=list)
    branches: tuple = ()
    sides: tuple = ()
    pattern: tuple = ()

    def closed(self) -> Block:
        lines = [line for row in self.rows for line in row["words"]]
        inside = sum(way.layers for way in self.branches if way)
        return Block(
            self.style,
            _counted(lines),
            self.rows[-1]["shape"],
            sum(row.get("layers", 1) for row in self.rows) + inside,
            self.branches,
            self.sides,
            self.pattern,
        )


def blocks(rows: list[dict]) -> list[Block]:
    """The trunk of a network as blocks, from rows as `models.graph` makes them."""
    found: list[_Open] = []
    for row, branches, pattern, sides in _trunk(rows):
        now = found[-1] if found else None
        if now is None or now.sides or branches or _begins(row, now):
            found.append(_Open(_style(row, branches), branches=branches, pattern=pattern))
        found[-1].rows.append(row)
        found[-1].sides = sides
    return [each.closed() for each in found]


def patterns_once(found: list[Block]) -> list[Block]:
    """Branches of the same structure drawn once, under a name; where they come again, the name."""
    often = Counter(block.pattern for block in found if block.pattern)
    names: dict[tuple, str] = {}
    shown: list[Block] = []
    for block in found:
        if often[block.pattern] < 2 or not block.pattern:
            shown.append(block)
        elif block.pattern not in names:
            names[block.pattern] = _("Module {letter}", letter=chr(ord("A") + len(names) % 26))
            shown.append(replace(block, title=names[block.pattern]))
        else:
            # the first of its lines is where the branches meet, which is inside of the module
            lines = (names[block.pattern], *block.lines[1:])
            last = shown[-1]
            if not last.branches and not last.sides and set(last.lines) <= {lines[0]}:
                block = replace(block, layers=block.layers + last.layers)
                lines = (*last.lines, *lines)
                shown.pop()
            shown.append(replace(block, lines=lines, branches=(), pattern=()))
    return [replace(block, lines=_counted(list(block.lines))) for block in shown]


def branches_counted(found: list[Block]) -> list[Block]:
    """Branches as a line that counts them; each block is one box."""
    return [
        replace(block, lines=(_several(block), *block.lines), branches=())
        if block.branches
        else block
        for block in found
    ]


def middle_left_out(found: list[Block], kept: int) -> list[Block]:
    """The first and the last blocks, and one that counts the layers between them."""
    head, tail = kept - kept // 2, kept // 2
    between = found[head : len(found) - tail]
    sides = tuple(side for block in between for side in block.sides)
    layers = sum(block.layers for block in between)
    words = (_("{layers} more layers", layers=layers),)
    middle = Block("features", words, between[-1].shape, layers, sides=sides)
    return [*found[:head], middle, *found[len(found) - tail :]]


def _several(block: Block) -> str:
    layers = sum(way.layers for way in block.branches if way)
    return _("{number} branches, {layers} layers", number=len(block.branches), layers=layers)


def _begins(row: dict, now: _Open) -> bool:
    """Whether a layer of the trunk begins a block, after those of the present one."""
    kind, last = row["kind"], now.rows[-1]["kind"]
    if (
        kind in ("Model", "InputLayer", _ENTANGLED)
        or last == "Model"
        or len(now.rows) >= _MOST_LINES
    ):
        return True
    if _HEAD.match(kind):
        return now.style != "head"
    if not _FEATURES.search(kind):
        return False
    kinds = [each["kind"] for each in now.rows]
    narrowed = any(_POOLING.match(each) for each in kinds)
    convolved = any(_FEATURES.search(each) for each in kinds)
    strides = convolved and row["shape"].split(" x ")[:-1] != _sides_of(now.rows[-1])
    return now.style != "features" or narrowed or strides


def _sides_of(row: dict) -> list[str]:
    return row["shape"].split(" x ")[:-1]


def _style(row: dict, branches) -> str:
    if branches:
        return "joint"
    fixed = {"InputLayer": "input", "Model": "backbone", _ENTANGLED: "joint"}.get(row["kind"])
    return fixed or ("head" if _HEAD.match(row["kind"]) else "features")


def _trunk(rows: list[dict]):
    """Each layer of the trunk with the branches that lead into it, their pattern, and the other
    outputs that leave from it.
    """
    named = {row["name"]: row for row in rows}
    order = _ordered(named)
    level: dict[str, int] = {}
    for name in order:
        level[name] = 1 + max((level[each] for each in named[name]["inputs"]), default=0)
    last = max(order, key=level.__getitem__)
    wanted = {last}
    for name in reversed(order):
        if name in wanted:
            wanted |= set(named[name]["inputs"])
    main = [name for name in order if name in wanted]
    cuts = _passed_by_all(main, named)
    aside = _components([name for name in order if name not in wanted], named)
    start = 0
    for cut in cuts:
        end = main.index(cut)
        between, before = main[start:end], main[start - 1] if start else ""
        inner = [part for part in aside if _leaves(part, named, set(between))]
        here = [part for part in aside if _leaves(part, named, {cut})]
        branches, pattern = _branches(between, before, cut, named, whole=bool(inner))
        sides = tuple(_chain(part, named, "output") for part in [*inner, *here])
        row = named[cut]
        if len(branches) == 1:  # they are entangled: one box says how many layers they are
            row = row | {"kind": _ENTANGLED, "words": [*branches[0].lines, *row["words"]]}
            row["layers"], branches, pattern = branches[0].layers + 1, (), ()
        yield row, branches, pattern, sides
        start = end + 1


def _branches(between, before: str, cut: str, named, whole: bool) -> tuple[tuple, tuple]:
    """Branches and their pattern. whole: as one, since another output leaves from inside of it."""
    if not between:
        return (), ()
    parts = [between] if whole else _components(between, named)
    joined = named[cut]["inputs"]
    parts.sort(key=lambda part: joined.index(part[-1]) if part[-1] in joined else len(joined))
    ways: list[Block | None] = [_chain(part, named, "features") for part in parts]
    if before in named[cut]["inputs"] and not whole:
        ways.append(None)
    pattern = tuple(
        tuple((named[name]["kind"], *re.findall(r"\d+ x \d+", named[name]["words"][0])))
        for part in parts
        for name in part
    )
    return tuple(ways), (len(ways), pattern)


def _chain(names: list[str], named, style: str) -> Block:
    """Layers beside the trunk as one block: their lines where they follow one another."""
    rows = [named[name] for name in names]
    follows = all(row["inputs"] == [before["name"]] for before, row in itertools.pairwise(rows))
    lines = _counted([line for row in rows for line in row["words"]])
    if not follows or len(lines) > _MOST_LINES:
        lines = (_("{layers} layers", layers=len(rows)),)
    if style != "output":
        return Block(style, lines, layers=len(rows))
    titles = [_("Output {name}", name=row["output"]) for row in rows if row["output"]]
    return Block(style, (*titles, *lines), rows[-1]["shape"], len(rows))


def _leaves(part: list[str], named, places: set[str]) -> bool:
    inputs = [each for name in part for each in named[name]["inputs"] if each not in part]
    return bool(inputs) and inputs[0] in places


def _ordered(named) -> list[str]:
    """Names so that each layer comes after those that feed it."""
    order: dict[str, None] = {}
    waiting = list(named)
    while waiting:
        ready = next((name for name in waiting if order.keys() >= set(named[name]["inputs"])), None)
        if ready is None:
            raise ValueError(f"layers that feed one another: {', '.join(waiting[:5])}")
        order[ready] = None
        waiting.remove(ready)
    return list(order)


def _passed_by_all(main: list[str], named) -> list[str]:
    """Those of the layers through which each path leads, from any input to the last layer."""
    forwards: dict[str, int] = {}  # number of paths that lead here
    for name in main:
        forwards[name] = sum(forwards[each] for each in named[name]["inputs"]) or 1
    backwards = dict.fromkeys(main, 0)
    backwards[main[-1]] = 1
    for name in reversed(main):
        for each in named[name]["inputs"]:
            backwards[each] += backwards[name]
    return [name for name in main if forwards[name] * backwards[name] == forwards[main[-1]]]


def _components(names: list[str], named) -> list[list[str]]:
    """Layers that feed one another, apart from those that do not."""
    parts: list[list[str]] = []
    for name in names:
        joined = [part for part in parts if set(part) & set(named[name]["inputs"])]
        parts = [part for part in parts if part not in joined]
        parts.append([*sum(joined, []), name])
    return sorted(parts, key=lambda part: names.index(part[0]))


def _counted(lines: list[str]) -> tuple[str, ...]:
    """Many equal lines in a row as one."""
    found: list[str] = []
    for line, equal in itertools.groupby(lines):
        times = len(list(equal))
        short = times <= _WRITTEN_OUT
        found += [line] * times if short else [_("{times} times {line}", times=times, line=line)]
    return tuple(found)

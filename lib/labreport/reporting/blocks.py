"""What a report consists of: the small vocabulary between the notebook and the two writers.

A field named `html` holds a cleaned fragment (see `cleaning.clean`): nothing in it runs, and
nothing in it is fetched.
"""

import re
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heading:
    level: int  # 1 is a section; no level is ever skipped on the way down
    html: str
    text: str
    anchor: str = ""
    number: str = ""  # "2.1"; empty where the notebook types its own numbers


@dataclass(frozen=True)
class Prose:
    html: str


@dataclass(frozen=True)
class CodeBlock:
    text: str
    language: str = "python"
    quoted: bool = False  # in prose or in an output, and not the source of a cell


@dataclass(frozen=True)
class Text:
    """What a program printed, as a terminal would have left it."""

    text: str
    kind: str = "output"  # "output", "stderr" or "raw"


@dataclass(frozen=True)
class EmbeddedImage:
    """Bytes of one image and its natural size in points (1/72 inch)."""

    data: bytes
    mime: str
    width: float
    height: float


@dataclass(frozen=True)
class Figure:
    picture: EmbeddedImage
    alt: str
    caption: str = ""
    number: int = 0  # 0 without a caption

    @property
    def anchor(self) -> str:
        return f"figure-{self.number}"


@dataclass(frozen=True)
class Cell:
    html: str
    text: str
    header: bool = False
    rowspan: int = 1
    colspan: int = 1
    align: str = "left"


@dataclass(frozen=True)
class TableBlock:
    """Rows list the cells that start in them; every place of the grid is covered exactly once."""

    header: tuple[tuple[Cell, ...], ...]
    body: tuple[tuple[Cell, ...], ...]
    columns: int
    caption: str = ""
    number: int = 0  # 0 without a caption

    @property
    def anchor(self) -> str:
        return f"table-{self.number}"


@dataclass(frozen=True)
class Error:
    name: str
    value: str
    traceback: str


@dataclass(frozen=True)
class Note:
    """A sentence of the report's own, for example about an output that cannot be shown."""

    text: str


Block = Heading | Prose | CodeBlock | Text | Figure | TableBlock | Error | Note


@dataclass(frozen=True)
class Attachment:
    """A file that the PDF carries."""

    name: str
    data: bytes


@dataclass(frozen=True)
class Document:
    title: str
    subtitle: str = ""
    question: str = ""
    abstract: tuple[Prose, ...] = ()
    experiment: str = ""
    sample: bool = False
    warning: str = ""  # what a reader has to know before all else
    language: str = "en"
    fields: dict[str, str] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    # the fields, by label, that say who, for what and when; the PDF sets them below its title
    byline: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()  # names, for the PDF's metadata
    commit: str = ""  # of the source, if the notebook says so
    fingerprint: str = ""  # of the run, if the notebook says so
    changed: bool = False  # whether the source had changes that were not committed
    attachments: tuple[Attachment, ...] = ()  # of the PDF alone
    finished: str = ""  # ISO 8601; when the run ended, if the notebook says so

    @property
    def anchors(self) -> set[str]:
        """What links within the document can lead to."""
        found = set()
        for block in self.blocks:
            if isinstance(block, Prose):
                found |= set(re.findall(r' id="((?:reference|citation)-\d+)"', block.html))
            elif isinstance(block, Heading) or (
                isinstance(block, (Figure, TableBlock)) and block.number
            ):
                found.add(block.anchor)
        return found


# What figures, tables and the page's own parts are called; headings, and what displayed HTML brings
# along, take other names.
RESERVED_ANCHORS = re.compile(
    r"(figure|table|reference|citation)-\d+|abstract|dark|scheme|unfold|enlarged"
)

"""Cleaned HTML -> Typst, written in Typst's code mode only.

Every word of the notebook becomes a string literal, so there is nothing to escape but the literal
itself: `#`, `$`, `//` or a backslash cannot mean anything to Typst. Formulas are numbered and
converted together at the end.
"""

import re
from collections.abc import Collection

from bs4 import BeautifulSoup, NavigableString, Tag

from ..core.i18n import _
from . import columns
from .blocks import Cell, CodeBlock, EmbeddedImage, TableBlock
from .cleaning import code_block, plain
from .columns import TEXT_HEIGHT, TEXT_WIDTH
from .pictures import picture_from_data_uri
from .row_headers import Names, names_of
from .spoken import words_of
from .tables import table_block

_LANGUAGES = {"ipython": "python", "ipython3": "python", "text": ""}
_FOLDED_LINES = 100  # of code that the page folds: about a page and a half
_INLINE_WIDTH = 160  # pixels; a wider picture is no part of a line of text
_BLOCKS = set(
    "p div section ul ol li dl dt dd blockquote pre table figure figcaption details summary hr h1"
    " h2 h3 h4 h5 h6".split()
)
_INLINE = {
    "em": "emph", "i": "emph", "cite": "emph", "var": "emph", "strong": "strong", "b": "strong",
    "mark": "highlight", "sub": "sub", "sup": "super", "u": "underline", "ins": "underline",
    "del": "strike", "s": "strike", "small": "smaller",
}  # fmt: skip


def literal(text: str) -> str:
    """A Typst string literal."""
    return (
        '"'
        + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        + '"'
    )


def breakable(text: str, limit: int = 40) -> str:
    """Zero-width spaces inside runs too long for a line, so that a 300-character token stays on the
    page.
    """
    zero_width = "\u200b"

    def broken(run):  # where its parts meet, and inside a part only where that is too long too
        parts = re.sub(r"(?<=[(\[{.,;=/])(?=[^\s)\]},;])", " ", run[0]).split(" ")
        return zero_width.join(
            part if len(part) < limit else zero_width.join(re.findall(r".{1,8}", part))
            for part in parts
        )

    return re.sub(rf"\S{{{limit},}}", broken, text)


def content(items: list[str]) -> str:
    """Joined content; the leading empty pair makes it content even where there is nothing but
    strings.
    """
    return "{[]; " + "; ".join(items) + "}" if items else "[]"


def fitted(picture: EmbeddedImage) -> tuple[float, float]:
    """Width and height in points at which a picture fits on a page."""
    scale = min(1.0, TEXT_WIDTH / picture.width, TEXT_HEIGHT / picture.height)
    return picture.width * scale, picture.height * scale


def _shortened(details: Tag) -> Tag:
    """What a page folds, as paper has room for it: of long code the first functions."""
    for listing in details.find_all("pre"):
        lines = code_block(listing).text.split("\n")
        if len(lines) <= _FOLDED_LINES:
            continue
        kept = next((at for at in range(_FOLDED_LINES, 0, -1) if not lines[at]), _FOLDED_LINES)
        note = Tag(name="p")
        note.string = _(
            "{lines} more lines of code are in the HTML report and in the notebook.",
            lines=len("\n".join(lines[kept:]).strip("\n").split("\n")),
        )
        listing.insert_after(note)
        (listing.code or listing).string = "\n".join(lines[:kept]).rstrip("\n")
    return details


class Writer:
    """Writes fragments and remembers what they need: files (pictures), formulas, and the anchors
    that exist.
    """

    def __init__(self, anchors: Collection[str] = frozenset()):
        self.anchors = anchors
        self.files: dict[str, bytes] = {}
        # file name -> alt text, for those that Typst turns out not to read
        self.pictures: dict[str, str] = {}
        self.formulas: list[tuple[str, bool]] = []
        self.spoken: list[str] = []  # the formulas in words; "" where a part of one has none
        self.tables: list[list[Names]] = []  # of each table, what names the cells of its body

    def inline(self, html: str) -> str:
        return content(self._inline(BeautifulSoup(html, "html.parser")))

    def flow(self, html: str) -> str:
        return content(self._flow(BeautifulSoup(html, "html.parser")))

    def image(self, picture: EmbeddedImage, alt: str, factor: str = "") -> str:
        """The natural size, made smaller where the page is smaller. factor: Typst's name of a
        number that it is multiplied with.
        """
        suffix = picture.mime.removeprefix("image/").removesuffix("+xml")
        name = f"picture-{len(self.files) + 1}.{suffix}"
        self.files[name] = picture.data
        self.pictures[name] = alt
        width, height = (f"{length:.2f}pt{factor and f' * {factor}'}" for length in fitted(picture))
        size = f"width: {width}, height: {height}"
        return f"image({literal(name)}, alt: {literal(alt)}, {size})"

    def code(self, block: CodeBlock, sticky: bool = False, whole: bool = False) -> str:
        # Typst takes an unknown language for plain text.
        name = _LANGUAGES.get(block.language, block.language)
        return (
            f"code({literal(breakable(block.text.expandtabs(4), 60))},"
            f" {literal(name) if name else 'none'}{', sticky: true' if sticky else ''}"
            f"{', breakable: false' if whole else ''})"
        )

    def _inline(self, tag: Tag) -> list[str]:
        items: list[str] = []
        for node in tag.children:
            if isinstance(node, NavigableString):
                text = re.sub(r"[ \t\n\r\f]+", " ", str(node))
                if not items or items[-1] == "linebreak()":
                    text = text.lstrip(" ")
                if text:
                    items.append(literal(breakable(text)))
            elif isinstance(node, Tag):
                items.extend(self._inline_tag(node))
        if items and items[-1] == '" "':
            items.pop()
        return items

    def _inline_tag(self, tag: Tag) -> list[str]:
        if "footnote-back" in tag.get_attribute_list("class"):
            return []
        if tag.name == "math":
            return [self._formula(tag)]
        if tag.name == "br":
            return ["linebreak()"]
        if tag.name == "img":
            picture = picture_from_data_uri(str(tag["src"]), float(str(tag.get("width", "0"))))
            return (
                [f"box({self.image(picture, str(tag['alt']))})"]
                if picture
                else [literal(f"[{tag['alt']}]")]
            )
        if tag.name in ("code", "kbd", "samp"):
            return [f"raw({literal(breakable(tag.get_text(), 30))})"]
        if tag.name == "table":
            return [self.table(tag)]
        inside = self._kept_spaces(tag)
        if tag.name in _INLINE and inside:
            return [f"{_INLINE[tag.name]}({content(inside)})"]
        if tag.name == "q":
            return ['"“"', *inside, '"”"']
        if tag.name == "a" and tag.get("href") and inside:
            return [*self._place(tag), self._link(str(tag["href"]).strip(), inside)]
        return inside

    def _kept_spaces(self, tag: Tag) -> list[str]:
        """The inline content with the blanks at its ends, which may be the only ones between two
        words.
        """
        text = tag.get_text()
        items = self._inline(tag)
        before = ['" "'] if text[:1].isspace() and items else []
        ends_blank = bool(items) and items[-1].endswith(' "')
        return [
            *before,
            *items,
            *(['" "'] if text[-1:].isspace() and items and not ends_blank else []),
        ]

    def _place(self, tag: Tag) -> list[str]:
        """What links to a tag lead to, if the report has such links."""
        anchor = str(tag.get("id", ""))
        return [f"[#metadata(none)#label({literal(anchor)})]"] if anchor in self.anchors else []

    def _link(self, address: str, inside: list[str]) -> str:
        if address.startswith("#"):
            if address[1:] not in self.anchors:
                return content(inside)
            return f"link(label({literal(address[1:])}), {content(inside)})"
        if not re.match(r"(?:https?:|mailto:)", address, re.IGNORECASE):
            return content(inside)
        # a hyphen at the end of a line would look like a part of an address
        return f"text(hyphenate: false, link({literal(address)}, {content(inside)}))"

    def _formula(self, tag: Tag) -> str:
        note = tag.find("annotation")
        # MathML that a person typed has no TeX; its characters in a row are the best the PDF can
        # do.
        if note is None:
            return literal(tag.get_text(" ", strip=True))
        self.formulas.append((note.get_text(), tag.get("display") == "block"))
        self.spoken.append(words_of(tag))
        return f"formula({len(self.formulas) - 1})"

    def _flow(self, tag: Tag) -> list[str]:
        """Blocks one after the other; what is between two blocks is a paragraph."""
        items: list[str] = []
        line = BeautifulSoup("", "html.parser")

        def finish():
            inside = self._inline(line)
            line.clear()
            if inside:
                items.append(f"par({content(inside)})")

        for node in list(tag.children):
            if not isinstance(node, Tag):
                line.append(node)
            elif node.name == "math" and node.get("display") == "block":
                finish()
                items.append(self._formula(node))
            elif (
                node.name == "img"
                and (width := float(str(node.get("width", "0")))) > _INLINE_WIDTH
                and (picture := picture_from_data_uri(str(node["src"]), width))
            ):
                finish()
                items.append(f"plain-picture({self.image(picture, str(node['alt']))})")
            elif node.name in _BLOCKS or self._holds_blocks(node):
                finish()
                # a paragraph that ends so is of no use alone at the foot of a page
                leads = node.name == "p" and plain(node).endswith(":")
                leads = leads and node.find_next_sibling() is not None
                inside = self._block(node)
                items.extend([f"lead({content(inside)})"] if leads else inside)
            else:
                line.append(node)
        finish()
        return items

    def _holds_blocks(self, tag: Tag) -> bool:
        return tag.find(lambda inner: inner.name in _BLOCKS) is not None

    def _block(self, tag: Tag) -> list[str]:
        name = tag.name
        if name in ("ul", "ol"):
            items = tag.find_all("li", recursive=False)
            if not items or any(
                plain(node)
                for node in tag.children
                if isinstance(node, (Tag, NavigableString)) and node not in items
            ):
                return self._flow(tag)  # not quite a list; its words still count
            entries = [content(self._place(entry) + self._flow(entry)) for entry in items]
            start = str(tag.get("start", "1"))
            first = f"start: {int(start)}, " if name == "ol" and start.isdigit() else ""
            if "references" in tag.get_attribute_list("class"):
                first = 'numbering: "[1]", '
            return [f"{'enum' if name == 'ol' else 'list'}({first}{', '.join(entries)})"]
        if name == "blockquote":
            return [f"quote(block: true, {content(self._flow(tag))})"]
        if name == "details":
            return self._flow(_shortened(tag))
        if name == "pre":
            return [self.code(code_block(tag))]
        if name == "table":
            return [self.table(tag)]
        if name == "hr":
            return ["rule()"]
        if name in ("dt", "summary", "h1", "h2", "h3", "h4", "h5", "h6"):
            # A heading inside a quotation or a list is no section of the report.
            inside = self._inline(tag)
            return [f"par(strong({content(inside)}))"] if inside else []
        if name == "dd":
            return [f"pad(left: 1.5em, {content(self._flow(tag))})"]
        return self._flow(tag)

    def table(self, tag: Tag) -> str:
        """A table inside prose: its caption, if any, is a line above it and not counted."""
        table = table_block(tag)
        caption = [f"par(strong({literal(table.caption)}))"] if table.caption else []
        return content([*caption, self.table_of(table)])

    def table_of(self, table: TableBlock) -> str:
        """Calls of template.typ's `grid-of`: smaller letters for more columns, and several grids
        for too many.
        """
        size, inset, widths = columns.fitting(table)
        if size == 0 and all(len(row) == table.columns for row in (*table.header, *table.body)):
            groups = columns.groups(table, widths)
            return content([self._grid(part, columns.SIZES[-1], inset) for part in groups])
        return self._grid(table, size or columns.SIZES[-1], inset)

    def _grid(self, table: TableBlock, size: float, inset: float) -> str:
        widths = columns.shares(table, size, inset)
        limits = columns.limits(widths, table.columns, size, inset)
        given = f"({''.join(f'{width}pt, ' for width in widths)})" if widths else table.columns
        head = ", ".join(self._row(row, limits, True) for row in table.header if row)
        body = "".join(f", {self._row(row, limits)}" for row in table.body if row)
        header = f", table.header({head})" if head else ""
        self.tables.append(names_of(table.body))
        ruled = any(
            len(cell.text) > _ONE_LINE or "<br" in cell.html for row in table.body for cell in row
        )
        return (
            f"grid-of({given}, {size}pt, {inset / 2}pt, {len(table.header)},"
            f" {'true' if ruled else 'false'}{header}{body})"
        )

    def _row(self, row: tuple[Cell, ...], limits: list[int], in_head: bool = False) -> str:
        # a row that others hang into has fewer cells than there are columns
        fit = limits if len(row) == len(limits) else [min(limits)] * len(row)
        return ", ".join(self._cell(cell, limit, in_head) for cell, limit in zip(row, fit))

    def _cell(self, cell: Cell, limit: int, in_head: bool = False) -> str:
        spans = "".join(
            f"{name}: {getattr(cell, name)}, "
            for name in ("rowspan", "colspan")
            if getattr(cell, name) > 1
        )
        simple = "<" not in cell.html
        if simple:
            text = columns.bound(cell.text)
            if cell.header:  # a name like validation_accuracy may break where its words meet
                text = re.sub(r"(?<=[_/.])(?=[A-Za-z])", "\u200b", text)
            inside = content([literal(columns.broken(text, limit))] if text else [])
        else:
            inside = self.flow(cell.html)
        if in_head and (cell.text or not simple):
            inside = f"strong({inside})"
        return f"table.cell({spans}align: {cell.align}, {inside})"


_ONE_LINE = 60  # characters; a longer cell is likely to take several lines

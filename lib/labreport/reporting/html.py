"""Document -> one HTML page that needs nothing from anywhere."""

import re
from collections.abc import Callable

from bs4 import BeautifulSoup
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from ..core.i18n import _, count
from .blocks import CodeBlock, Document, Error, Figure, Heading, Note, Prose, TableBlock, Text
from .cleaning import code_block
from .page import page
from .pictures import data_uri

_LEXERS = {"ipython": "python", "ipython3": "python"}


def html_page(document: Document) -> str:
    return page(
        "page.html.j2",
        "report.js",
        language=document.language,
        title=document.title,
        document=document,
        words={
            "sample": _(
                "Sample data: the program drew the images. These numbers say nothing about the real"
                " data set."
            ),
            "experiment": _("Experiment"),
            "abstract": _("Abstract"),
            "contents": _("Contents"),
            "unfold": _("Unfold all code"),
            "fold": _("Fold all code"),
            "enlarged": _("Enlarged figure"),
            "close": _("Close"),
        },
        contents=[
            (block, _unlinked(block.html))
            for block in document.blocks
            if isinstance(block, Heading) and block.level <= 3
        ],
        folds=any(isinstance(block, CodeBlock) and not block.quoted for block in document.blocks),
        abstract=Markup("\n").join(map(_markup, document.abstract)),
        body=Markup("\n").join(map(_markup, document.blocks)),
    )


def _unlinked(html: str) -> Markup:
    """A heading's words for the contents list, where they stand inside a link of their own."""
    return Markup(re.sub(r"</?a\b[^>]*>|<img\b[^>]*>|\sid=\"[^\"]*\"", "", html))


def _markup(block) -> Markup:
    return _WRITERS[type(block)](block)


def _heading(block: Heading) -> Markup:
    # The title is the page's <h1>, so sections start at <h2>.
    level = min(block.level + 1, 6)
    number = Markup('<span class="number">{}</span> ').format(block.number) if block.number else ""
    return Markup('<h{0} id="{1}">{2}{3}</h{0}>').format(
        level, block.anchor, number, Markup(block.html)
    )


def _prose(block: Prose) -> Markup:
    if "<pre" not in block.html:
        return Markup('<div class="prose">{}</div>').format(Markup(block.html))
    tree = BeautifulSoup(block.html, "html.parser")
    for listing in tree.find_all("pre"):
        if (folded := listing.find_parent("details")) is not None:
            folded["class"] = "fold"  # looks like the code of a cell, and unfolds with it
        # code inside a list or a quotation is coloured like any other
        listing.replace_with(BeautifulSoup(_listing(code_block(listing)), "html.parser"))
    return Markup('<div class="prose">{}</div>').format(Markup(str(tree)))


def _code(block: CodeBlock) -> Markup:
    """A cell's is folded: a browser's search finds what is in it all the same, and unfolds it.

    What prose quotes is there to be read.
    """
    if block.quoted:
        return _listing(block)
    lines = count(block.text.count("\n") + 1, "line")
    return Markup('<details class="fold"><summary>{}</summary>{}</details>').format(
        _("Code, {lines}", lines=lines), _listing(block)
    )


def _listing(block: CodeBlock) -> Markup:
    try:
        lexer = get_lexer_by_name(
            _LEXERS.get(block.language, block.language), stripnl=False, ensurenl=False
        )
        inside = Markup(highlight(block.text, lexer, HtmlFormatter(nowrap=True)))
    except ClassNotFound:
        inside = escape(block.text)
    return Markup('<pre class="code"><code>{}</code></pre>').format(inside)


def _text(block: Text) -> Markup:
    if block.kind == "stderr":
        return Markup(
            '<div class="output stderr"><p class="label">{}</p><pre tabindex="0">{}</pre></div>'
        ).format(_("Warnings and messages (stderr)"), block.text)
    return Markup('<div class="output"><pre tabindex="0">{}</pre></div>').format(block.text)


def _figure(block: Figure) -> Markup:
    width = round(block.picture.width / 0.75)
    image = Markup('<img src="{}" alt="{}" width="{}">').format(
        data_uri(block.picture), block.alt, width
    )
    if not block.caption:
        return Markup("<figure>{}</figure>").format(image)
    return Markup(
        '<figure id="figure-{0}">{1}<figcaption><b>{2}</b> {3}</figcaption></figure>'
    ).format(block.number, image, _("Figure {number}.", number=block.number), block.caption)


def _table(block: TableBlock) -> Markup:
    caption = Markup("")
    identity = Markup("")
    if block.caption:
        caption = Markup("<caption><b>{}</b> {}</caption>").format(
            _("Table {number}.", number=block.number), block.caption
        )
        identity = Markup(' id="table-{}"').format(block.number)
    head = (
        Markup("<thead>{}</thead>").format(_rows(block.header, "col"))
        if block.header
        else Markup("")
    )
    body = Markup("<tbody>{}</tbody>").format(_rows(block.body, "row"))
    sorts = Markup(' class="sorts"') if _sorts(block) else Markup("")
    # The focus makes the sideways scrolling reachable from the keyboard.
    return Markup('<div class="table" tabindex="0"><table{}{}>{}{}{}</table></div>').format(
        identity, sorts, caption, head, body
    )


def _sorts(table: TableBlock) -> bool:
    """Whether its rows can change places: they are several, under headers, and no cell belongs to
    two of them or to two columns.
    """
    cells = [cell for row in (*table.header, *table.body) for cell in row]
    return (
        bool(table.header)
        and len(table.body) > 1
        and all(cell.rowspan == cell.colspan == 1 for cell in cells)
    )


def _rows(rows, scope: str) -> Markup:
    lines = []
    for row in rows:
        cells = []
        for cell in row:
            name = "th" if cell.header else "td"
            attributes = Markup("")
            if cell.header and cell.text:
                group = "group" if (cell.colspan if scope == "col" else cell.rowspan) > 1 else ""
                attributes += Markup(' scope="{}{}"').format(scope, group)
            for span in ("rowspan", "colspan"):
                if getattr(cell, span) > 1:
                    attributes += Markup(' {}="{}"').format(span, getattr(cell, span))
            if cell.align != "left":
                attributes += Markup(' class="{}"').format(cell.align)
            inside = Markup(cell.html)
            if cell.header and "<" not in cell.html:
                # validation_accuracy may break where its words meet
                inside = Markup(cell.html.replace("_", "_<wbr>"))
            cells.append(Markup("<{0}{1}>{2}</{0}>").format(name, attributes, inside))
        lines.append(Markup("<tr>{}</tr>").format(Markup("").join(cells)))
    return Markup("\n").join(lines)


def _error(block: Error) -> Markup:
    return Markup(
        '<div class="error" role="note"><p><strong>{}</strong> {}: {}</p><pre'
        ' tabindex="0">{}</pre></div>'
    ).format(_("Error"), block.name, block.value, block.traceback)


def _note(block: Note) -> Markup:
    return Markup('<p class="note">{}</p>').format(block.text)


_WRITERS: dict[type, Callable[..., Markup]] = {
    Heading: _heading,
    Prose: _prose,
    CodeBlock: _code,
    Text: _text,
    Figure: _figure,
    TableBlock: _table,
    Error: _error,
    Note: _note,
}

"""An executed notebook -> the Document that both writers print."""

import re
from dataclasses import replace
from datetime import datetime
from html import escape
from pathlib import Path
from urllib.parse import unquote

from nbformat import NotebookNode

from ..core.i18n import LANGUAGES, _, current_language, speaking
from . import citations
from .blocks import (
    RESERVED_ANCHORS,
    Block,
    CodeBlock,
    Document,
    Figure,
    Heading,
    Prose,
    TableBlock,
    Text,
)
from .outputs import (
    REPORT_MIME,
    abstract_of,
    joined,
    markup_sources,
    output_blocks,
    prose_blocks,
)
from .pandoc import markdown_to_html
from .pictures import picture_from_bytes, picture_from_mime
from .terminal import without_control_characters

Named = Heading | Figure | TableBlock  # what a reference can lead to

# A number and its percent sign, which no line break may part, outside code and tags.
_PERCENT = re.compile(r"(<(code|pre)\b.*?</\2>|<[^>]*>)|(?<=\d) (?=%)", re.DOTALL)
_TYPED_NUMBER = re.compile(r"\d+(?:\.\d+)*[.)]?\s")


def document_from_notebook(
    notebook: NotebookNode, folder: Path | None = None, name: str = "Report"
) -> Document:
    """`folder` is where relative pictures of the markdown cells are; `name` titles a notebook that
    has no title.
    """
    written_in = language_of(notebook)
    with speaking(written_in if written_in in LANGUAGES else "en"):
        return _read(notebook, written_in, folder, name)


def _read(notebook: NotebookNode, written_in: str, folder: Path | None, name: str) -> Document:
    cells = _in_language(_without_parameters(notebook.cells), written_in)
    sources = dict.fromkeys(source for cell in cells for source in _sources_of(cell))
    html = dict(zip(sources, markdown_to_html(list(sources))))
    if any(map(_reports, cells)):
        html = {source: _PERCENT.sub(_unbroken, text) for source, text in html.items()}
    language = notebook.metadata.get("language_info", {}).get("name", "python")
    blocks: list[Block] = []
    report: dict = {}
    places: list[str] = []  # the cell, by its id, of each block
    for cell in cells:
        blocks.extend(_cell_blocks(cell, html.__getitem__, folder, language))
        places.extend([cell.get("id", "")] * (len(blocks) - len(places)))
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(REPORT_MIME)
            if isinstance(found, dict):  # the first of all counts; the abstract comes later
                report = found | report
    abstract = prose_blocks(html.get(abstract_of(report), ""))
    return _document(blocks, places, report, abstract, notebook, written_in, name)


def _document(blocks, places, report, abstract, notebook, language, name) -> Document:
    first = next(
        (number for number, block in enumerate(blocks) if isinstance(block, Heading)), None
    )
    leading = ""
    # The first heading, if of level 1, names the notebook; it is not a section.
    if first is not None and blocks[first].level == 1:
        leading = blocks[first].text
        blocks, places = (found[:first] + found[first + 1 :] for found in (blocks, places))
    own = notebook.metadata.get("labreport", {})
    if report or own:  # in a notebook of somebody else's, [@key] may mean anything
        count = len(abstract)
        found = citations.resolved([*abstract, *blocks], [*[""] * count, *places], language)
        abstract, blocks = found[:count], found[count:]
        places = [*places, *[""] * (len(blocks) - len(places))]
    title = str(report.get("title") or leading or notebook.metadata.get("title") or name)
    fields = report.get("fields") or {}
    # A list of pairs keeps its order on disk; nbformat sorts the keys of every dict it writes.
    fields = dict(fields) if isinstance(fields, (dict, list)) else {}
    own = own if isinstance(own, dict) else {}
    return Document(
        title=_line(title),
        subtitle=_line(leading) if report.get("title") and leading != title else "",
        question=_line(report.get("question", "")),
        abstract=tuple(block for block in abstract if isinstance(block, Prose)),
        experiment=_line(report.get("experiment", "")),
        sample=bool(report.get("sample", False)),
        language=language,
        fields={_line(label): _line(text) for label, text in fields.items()},
        blocks=tuple(_numbered(blocks, places)),
        finished=_moment(own.get("finished")),
        commit=_line(own.get("commit"))[:10],
        fingerprint=_line(own.get("fingerprint"))[:12],
        changed=bool(own.get("changed")),
    )


def _line(text) -> str:
    return " ".join(without_control_characters(str("" if text is None else text)).split())


def _unbroken(found: re.Match) -> str:
    return found[1] or "\u00a0"


def _language(code) -> str:
    return (
        code if isinstance(code, str) and re.fullmatch(r"[a-z]{2,3}(-[A-Za-z]{2})?", code) else "en"
    )


def _moment(text) -> str:
    try:
        return datetime.fromisoformat(text).isoformat()
    except (TypeError, ValueError):
        return ""


def _tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def _without_parameters(cells) -> list[NotebookNode]:
    """papermill adds the cell that ran; the defaults above it would only contradict it. A notebook
    that displays a report of itself has its settings there, and shows neither.
    """
    unwanted = {"injected-parameters", "parameters"} if any(map(_reports, cells)) else set()
    if any("injected-parameters" in _tags(cell) for cell in cells):
        unwanted.add("parameters")
    return [cell for cell in cells if not unwanted & set(_tags(cell))]


def _reports(cell) -> bool:
    """Whether a cell displays what the notebook reports of itself."""
    return any(REPORT_MIME in output.get("data", {}) for output in cell.get("outputs", []))


def language_of(notebook: NotebookNode) -> str:
    """The language of a report: what the notebook displayed of itself, else what it says of itself,
    else English.
    """
    shown = (
        output.get("data", {}).get(REPORT_MIME)
        for cell in notebook.cells
        for output in cell.get("outputs", [])
    )
    report = next(
        (found for found in shown if isinstance(found, dict)),
        notebook.metadata.get("labreport", {}),
    )
    return _language(report.get("language") if isinstance(report, dict) else None)


def _in_language(cells, language: str) -> list[NotebookNode]:
    """Prose that is written in several languages is tagged with them; one is kept."""
    others = LANGUAGES.keys() - {language}
    return (
        [cell for cell in cells if not (_is_markdown(cell) and others & set(_tags(cell)))]
        if language in LANGUAGES
        else cells
    )


def _sources_of(cell) -> list[str]:
    if _is_markdown(cell):
        return [joined(cell.source)]
    return [source for output in cell.get("outputs", []) for source in markup_sources(output)]


def _is_markdown(cell) -> bool:
    kind = cell.metadata.get("raw_mimetype", cell.metadata.get("format", ""))
    return cell.cell_type == "markdown" or (
        cell.cell_type == "raw" and kind in ("text/markdown", "text/latex")
    )


def _cell_blocks(cell, to_html, folder, language) -> list[Block]:
    source = joined(cell.source)
    if _is_markdown(cell):
        return prose_blocks(to_html(source), _picture_resolver(cell, folder))
    if cell.cell_type == "raw":
        if cell.metadata.get("raw_mimetype", cell.metadata.get("format")) == "text/html":
            return prose_blocks(source, _picture_resolver(cell, folder))
        return [Text(without_control_characters(source), "raw")] if source.strip() else []
    blocks: list[Block] = []
    # nbconvert's TagRemovePreprocessor marks the cell and leaves its source in place.
    if source.strip() and not cell.metadata.get("transient", {}).get("remove_source"):
        magic = re.match(r"%%(bash|sh|html|javascript|latex)\b", source)
        blocks.append(
            CodeBlock(
                without_control_characters(source).strip("\n"), magic[1] if magic else language
            )
        )
    for output in _merged_streams(cell.get("outputs", [])):
        if REPORT_MIME not in output.get("data", {}):
            blocks.extend(output_blocks(output, to_html))
    return blocks


def _merged_streams(outputs) -> list:
    """A program's prints arrive in pieces; a carriage return in one piece rewrites the line begun
    in another.
    """
    merged: list = []
    for output in outputs:
        last = merged[-1] if merged else {}
        if output.get("output_type") == "stream" == last.get("output_type") and output.get(
            "name"
        ) == last.get("name"):
            merged[-1] = {**last, "text": joined(last["text"]) + joined(output["text"])}
        else:
            merged.append(dict(output))
    return merged


def _picture_resolver(cell, folder: Path | None):
    """Finds a cell's attachments, and picture files by their path relative to the notebook."""
    attachments = cell.get("attachments", {})

    def resolve(source: str):
        if source.startswith("attachment:"):
            bundle = attachments.get(unquote(source.removeprefix("attachment:")), {})
            found = (picture_from_mime(mime, value) for mime, value in bundle.items())
            return next((picture for picture in found if picture), None)
        path = Path(unquote(source))
        if folder is None or path.is_absolute() or ":" in source:
            return None
        try:
            return picture_from_bytes((folder / path).read_bytes())
        except OSError:
            return None

    return resolve


def _numbered(blocks, places) -> list[Block]:
    """Headings without skipped levels, numbered and anchored; captioned figures and tables counted;
    links to sections, figures and tables resolved.
    """
    headings = [block for block in blocks if isinstance(block, Heading)]
    typed = sum(bool(_TYPED_NUMBER.match(heading.text)) for heading in headings)
    # most headings carry a typed number: a second one would confuse
    numbering = typed * 2 <= len(headings)
    above: list[int] = []  # the levels, as typed, of the sections around the present one
    counts: list[int] = []
    anchors: set[str] = set()
    figures = tables = 0
    numbered: list[Block] = []
    for block in blocks:
        if isinstance(block, Heading):
            above = [*(level for level in above if level < block.level), block.level]
            depth = len(above)
            counts = [*counts[: depth - 1], (counts[depth - 1] if depth <= len(counts) else 0) + 1]
            number = ".".join(map(str, counts)) if numbering else ""
            block = replace(block, level=depth, number=number, anchor=_anchor(block.text, anchors))
        elif isinstance(block, Figure) and block.caption:
            figures += 1
            block = replace(block, number=figures)
        elif isinstance(block, TableBlock) and block.caption:
            tables += 1
            block = replace(block, number=tables)
        numbered.append(block)
    shown: dict[str, list[Named]] = {place: [] for place in places if place}
    for place, block in zip(places, numbered):
        if place and isinstance(block, Named) and (isinstance(block, Heading) or block.number):
            shown[place].append(block)
    return [
        (
            replace(block, html=_linked(block.html, anchors, shown))
            if isinstance(block, Prose)
            else block
        )
        for block in numbered
    ]


def _folded(text: str) -> str:
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")


def _linked(html: str, anchors: set[str], shown: dict[str, list[Named]]) -> str:
    """Links lead to our anchors: to sections, written as Jupyter has them (#The-Model) or as pandoc
    has (#the-model), and to what a cell shows.

    `[](#curves)` and `[Figure](#curves)`, in the document's language, become the name of the first
    captioned thing of the cell curves, `[](#curves-2)` of the second. A link to a cell that shows
    nothing of the kind keeps its words only.
    """

    def resolved(found):
        place, words = unquote(found["place"]), found["words"]
        counted = re.fullmatch(r"(.+)-(\d+)", place)
        cell, position = (
            (counted[1], int(counted[2]) - 1)
            if counted and place not in shown and counted[1] in shown
            else (place, 0)
        )
        # the translation of a cell is named after it
        cell = cell if cell in shown else f"{cell}-{current_language()}"
        target = (
            shown[cell][position] if cell in shown and 0 <= position < len(shown[cell]) else None
        )
        if target and words.strip() in (
            "",
            "Figure",
            "Table",
            "Section",
            _("Figure"),
            _("Table"),
            _("Section"),
        ):
            return f'<a href="#{target.anchor}">{_name(target)}</a>'
        anchor = _folded(place)
        if anchor in anchors:
            return f'<a href="#{anchor}">{words}</a>'
        if target:
            return f'<a href="#{target.anchor}">{words}</a>'
        if not words.strip():  # a reference to nothing: a slip of the pen, which should be seen
            return _("[no figure, table or section named {place}]", place=escape(place))
        return words if cell in shown else found[0]

    return re.sub(
        r'<a\b[^>]*?href="#(?P<place>[^"]*)"[^>]*>(?P<words>.*?)</a>',
        resolved,
        html,
        flags=re.DOTALL,
    )


def _name(target: Named) -> str:
    """What a reference calls it: Figure 3, Table 2, Section 3.1; a section without a number by its
    heading.
    """
    if isinstance(target, Heading):
        if not target.number:
            return escape(target.text)
        name = _("Section {number}", number=target.number)
    elif isinstance(target, Figure):
        name = _("Figure {number}", number=target.number)
    else:
        name = _("Table {number}", number=target.number)
    return name.replace(" ", "\u00a0")  # no line ends within it


def _anchor(text: str, taken: set[str]) -> str:
    base = _folded(text) or "section"
    if RESERVED_ANCHORS.fullmatch(base):
        base = f"section-{base}"
    anchor, number = base, 1
    while anchor in taken:
        number += 1
        anchor = f"{base}-{number}"
    taken.add(anchor)
    return anchor

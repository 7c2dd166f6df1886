"""Document -> PDF through Typst: the same notebook gives the same bytes, accessible (PDF/UA-1) and
archival (PDF/A-3a).
"""

import os
import re
import tempfile
import unicodedata
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import typst

from ..core.i18n import _
from .blocks import (
    Attachment,
    CodeBlock,
    Document,
    Error,
    Figure,
    Heading,
    Note,
    Prose,
    TableBlock,
    Text,
)
from .leads import Lead, with_leads
from .pandoc import tex_to_typst
from .row_headers import with_row_headers
from .typst_markup import Writer, breakable, fitted, literal

if TYPE_CHECKING:
    from typst import PDFStandard

STANDARDS: "list[PDFStandard]" = ["ua-1", "a-3a"]
_WHOLE_CODE_LINES = 12  # code up to here is not broken across pages
_STICKY_CODE_LINES = 8  # code up to here stays with the figure or table it makes
_TEMPLATE = Path(__file__).parent / "template.typ"
# What an attached file is to the report (in PDF's words), and its kind, by the ending of its name.
_RELATIONSHIPS = {
    ".yaml": ("source", "application/yaml"),
    ".json": ("data", "application/json"),
    ".csv": ("data", "text/csv"),
    ".lock": ("supplement", "text/plain"),
}
# Characters that every one of the bundled fonts has; the others are tried before they are set.
_CERTAIN = re.compile(r"[\n\t\x20-\x7e\xa0-\xac\xae-\xff]+")


def pdf_bytes(document: Document) -> bytes:
    """A formula or picture that Typst cannot read is replaced by its source or description; it must
    not cost the report.

    Raises RuntimeError with Typst's words for what breaks one of the standards.
    """
    writer = Writer(document.anchors)
    blocks = with_leads(document.blocks)
    body = "\n".join(_block(*at, writer) for at in zip(blocks, [*blocks[1:], None]))
    writer.files |= {
        f"attachment-{number}": attachment.data
        for number, attachment in enumerate(document.attachments, 1)
    }
    opening = _attached(document.attachments) + _opening(document, writer)
    timestamp = _timestamp(document)
    formulas = tex_to_typst(writer.formulas)
    try:
        made = _compile(_sources(opening, body, writer, formulas), timestamp)
    except RuntimeError:
        formulas = [formula if formula and _formula_works(formula) else "" for formula in formulas]
        for name, data in writer.files.items():
            if name in writer.pictures and not _picture_works(name, data):
                body = _without_picture(body, name, writer.pictures[name])
        try:
            made = _compile(_sources(opening, body, writer, formulas), timestamp)
        except RuntimeError as error:
            raise RuntimeError(
                f"Typst could not set the report as {' and '.join(STANDARDS)}:"
                f" {getattr(error, 'diagnostic', error)}"
            ) from None
    return with_row_headers(made, writer.tables)


def _without_picture(body: str, name: str, alt: str) -> str:
    call = re.compile(
        rf'image\("{re.escape(name)}", alt: "(?:[^"\\]|\\.)*", width: [\d.]+pt(?: \* factor)?,'
        r" height: [\d.]+pt(?: \* factor)?\)"
    )
    words = literal(f"[picture not shown: {alt}]")
    body = call.sub(lambda _: f"note({words})", body)
    # A figure takes its description from its picture; this one has none left.
    return body.replace(
        f"picture-figure(note({words}), ", f"picture-figure(note({words}), alt: {words}, "
    )


def _sources(opening, body, writer, formulas) -> dict[str, bytes]:
    """The files Typst is given; characters that no font has are spelled out in all of them."""
    drawings = {
        name: data.decode("utf-8", "replace")
        for name, data in writer.files.items()
        if name.endswith(".svg")
    }
    missing = _missing_glyphs(
        "".join(
            [opening, body, *formulas, *(tex for tex, _ in writer.formulas), *writer.spoken]
            + [*drawings.values()]
        )
    )
    made = ", ".join(
        (
            f"equation({_spelled_formula(formula, missing)}, {literal(words or tex)})"
            if formula
            else f"raw({literal(breakable(tex))})"
        )
        for formula, (tex, _), words in zip(formulas, writer.formulas, writer.spoken)
    )
    main = (
        f'#import "template.typ": *\n#let formulas = ({made}{"," if made else ""})\n'
        f"#let formula(number) = formulas.at(number)\n{opening}\n{body}\n))\n"
    )
    texts = {
        name: text.translate(missing).encode("utf-8")
        for name, text in {"main.typ": main, **drawings}.items()
    }
    return {"template.typ": _TEMPLATE.read_bytes(), **writer.files, **texts}


def _spelled_formula(formula: str, missing: dict[int, str]) -> str:
    """Between the strings of a formula, letters in a row would be a name: there the spelling
    becomes a string too.
    """
    quoted = {character: literal(words) if words else "" for character, words in missing.items()}
    parts = re.split(r'("(?:[^"\\]|\\.)*")', formula)
    return "".join(
        part if number % 2 else part.translate(quoted) for number, part in enumerate(parts)
    )


def _attached(attachments: tuple[Attachment, ...]) -> str:
    calls = []
    for number, attachment in enumerate(attachments, 1):
        relationship, mime = _RELATIONSHIPS.get(
            PurePath(attachment.name).suffix, ("supplement", "application/octet-stream")
        )
        calls.append(
            f'#pdf.attach({literal(attachment.name)}, read("attachment-{number}", encoding: none),'
            f' relationship: "{relationship}", mime-type: "{mime}", description:'
            f" {literal(_described(attachment.name))})\n"
        )
    return "".join(calls)


def _described(name: str) -> str:
    """What an attached file is, for the list that a PDF viewer shows."""
    return {
        "parameters.yaml": _(
            "The experiment with all its settings; to repeat the run: pipeline.py verify report.pdf"
        ),
        "metrics.json": _("The results, and the settings, data, code and versions of the training"),
        "history.csv": _("Accuracy and loss of each epoch"),
        "provenance.json": _(
            "The environment of the run: machine, versions, source code, settings"
        ),
        "comparison.yaml": _("The compared runs and their settings"),
        "sweep.yaml": _("The sweep file: varied settings and seeds"),
    }.get(
        name,
        (_("The installed packages with their digests") if name.endswith(".lock") else name),
    )


def _opening(document: Document, writer: Writer) -> str:
    headings = [block for block in document.blocks if isinstance(block, Heading)]
    fields = "".join(
        f"({literal(label)}, {literal(breakable(text))}), "
        for label, text in document.fields.items()
        if label not in document.byline
    )
    words = {
        "experiment": _("Experiment"),
        "abstract": _("Abstract"),
        "contents": _("Contents"),
        "sample": _(
            "Sample data: the program drew the images. These numbers say nothing about the real"
            " data set."
        ),
        "sample-mark": (
            _("Changed after execution")
            if document.warning
            else _("Sample data")
            if document.sample
            else ""
        ),
        "page": _("{page} of {pages}"),
    }
    sections = "".join(
        f"{literal(heading.anchor)}: {literal(heading.text)}, "
        for heading in headings
        if heading.level == 1
    )
    [language, *region] = document.language.split("-", 1)
    settings = {
        "title": literal(document.title),
        "subtitle": literal(document.subtitle),
        "question": literal(document.question),
        "abstract": _content(document.abstract, writer) or "none",
        "byline": _array(breakable(document.fields[label]) for label in document.byline),
        "authors": _array(document.authors),
        "keywords": _array(filter(None, [document.experiment])),
        "experiment": literal(document.experiment),
        "sample": "true" if document.sample else "false",
        "warning": literal(document.warning),
        "words": f"({', '.join(f'{name}: {literal(text)}' for name, text in words.items())})",
        "fields": f"({fields})",
        "language": literal(language),
        "region": literal(region[0]) if region else "none",
        "sections": f"({sections or ':'})",
        "numbered": "true" if any(heading.number for heading in headings) else "false",
        "contents": str(
            sum(heading.level <= 2 for heading in headings) if len(headings) > 2 else 0
        ),
    }
    return f"#report({', '.join(f'{name}: {value}' for name, value in settings.items())}, ("


def _content(abstract: tuple[Prose, ...], writer: Writer) -> str:
    return " + ".join(writer.flow(block.html) for block in abstract)


def _array(texts) -> str:
    return f"({''.join(f'{literal(text)}, ' for text in texts)})"


def _block(block, after, writer: Writer) -> str:
    """An entry of the array that template.typ's `paged` takes."""
    sticks = _sticks(block, after)
    about = f"sticky: {'true' if sticks else 'false'}"
    if isinstance(block, Figure):
        height = fitted(block.picture)[1]
        return (
            f'(kind: "figure", {about}, height: {height:.2f}pt, body: factor =>'
            f" {_call(block, writer, sticks)}),"
        )
    rows = f", rows: {len(block.body)}" if isinstance(block, TableBlock) else ""
    return f'(kind: "{_kind(block)}", {about}{rows}, body: {_call(block, writer, sticks)}),'


def _kind(block) -> str:
    kinds = {Heading: "heading", Lead: "lead", TableBlock: "table"}
    return "whole" if _is_whole(block) else kinds.get(type(block), "flow")


def _is_whole(block) -> bool:
    """Whether it is code that is not broken across pages."""
    return isinstance(block, CodeBlock) and block.text.count("\n") < _WHOLE_CODE_LINES


def _sticks(block, after) -> bool:
    """Whether it may not be the last on its page: a heading, a lead-in, short code before what it
    shows.
    """
    short = isinstance(block, CodeBlock) and block.text.count("\n") < _STICKY_CODE_LINES
    return after is not None and (
        isinstance(block, (Heading, Lead)) or (short and isinstance(after, (Figure, TableBlock)))
    )


def _call(block, writer: Writer, sticks: bool) -> str:
    match block:
        case Heading():
            return (
                f"[#heading(level: {block.level}, {writer.inline(block.html)})"
                f" #label({literal(block.anchor)})]"
            )
        case Lead():
            return f"lead({writer.flow(block.html)})"
        case Prose():
            return writer.flow(block.html)
        case CodeBlock():
            return writer.code(block, sticky=sticks, whole=_is_whole(block))
        case Text():
            label = (
                f", label: {literal(_('Warnings and messages (stderr)'))}"
                if block.kind == "stderr"
                else ""
            )
            return f"output({literal(breakable(block.text.expandtabs(8), 60))}{label})"
        case Figure():
            image = writer.image(block.picture, block.alt, "factor")
            if not block.caption:
                return f"plain-picture({image})"
            return (
                f"[#picture-figure({image},"
                f" {literal(_('Figure {number}.', number=block.number))},"
                f" {literal(block.caption)}) #label({literal(block.anchor)})]"
            )
        case TableBlock():
            if not block.caption:
                return writer.table_of(block)
            return (
                f"[#table-figure({writer.table_of(block)},"
                f" {literal(_('Table {number}.', number=block.number))},"
                f" {literal(block.caption)}) #label({literal(block.anchor)})]"
            )
        case Error():
            value, traceback = (
                breakable(block.value, 60),
                breakable(block.traceback.expandtabs(8), 60),
            )
            return (
                f"failure({literal(_('Error'))}, {literal(block.name)}, {literal(value)},"
                f" {literal(traceback)})"
            )
        case Note():
            return f"note({literal(block.text)})"
    raise AssertionError(f"no Typst for {type(block).__name__}")


def _timestamp(document: Document) -> int:
    """Seconds since 1970: of the build if the environment says so, else of the run; never of this
    moment.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch.isdigit():
        return int(epoch)
    try:
        finished = datetime.fromisoformat(document.finished)
    except ValueError:
        return 0
    return max(0, int((finished if finished.tzinfo else finished.replace(tzinfo=UTC)).timestamp()))


def _compile(
    sources: dict[str, bytes], timestamp: int = 0, standards: "list[PDFStandard]" = STANDARDS
) -> bytes:
    # typst takes files by name from memory too, but only text: pictures need a folder.
    with tempfile.TemporaryDirectory(prefix="labreport-") as folder:
        for name, data in sources.items():
            (Path(folder) / name).write_bytes(data)
        return typst.compile(
            f"{folder}/main.typ",
            root=folder,
            format="pdf",
            ignore_system_fonts=True,
            timestamp=timestamp,
            pdf_standards=standards,
        )


def _formula_works(formula: str) -> bool:
    return _works({"main.typ": f"#let formula = {formula}\n#math.equation(formula.body)".encode()})


def _picture_works(name: str, data: bytes) -> bool:
    return _works({"main.typ": f'#image("{name}", width: 1cm)'.encode(), name: data})


def _works(sources) -> bool:
    try:
        _compile(sources, standards=[])
    except RuntimeError:
        return False
    return True


def _missing_glyphs(source: str) -> dict[int, str]:
    """The characters that no bundled font can draw, each with words for it: [grinning face],
    [U+6F22].
    """
    doubtful = sorted(set(_CERTAIN.sub("", source)))
    if not doubtful:
        return {}
    # Typst names every character it could not draw, one a text; so each gets a text of its own.
    lines = "\n".join(f"#par(text({literal('a' + character)}))" for character in doubtful)
    trial = (
        f'#set document(title: [x])\n#import "template.typ": serif\n#set text(font: serif)\n{lines}'
    )
    missing = set()
    try:
        _compile({"main.typ": trial.encode("utf-8"), "template.typ": _TEMPLATE.read_bytes()})
    except typst.TypstError as error:
        spots = re.findall(r"main\.typ:(\d+):", error.diagnostic)
        missing = {doubtful[int(line) - 4] for line in spots}
    return {ord(character): _spelled(character) for character in missing}


def _spelled(character: str) -> str:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        # variation selectors and joiners, invisible by themselves
        return ""
    if unicodedata.category(character) == "So":
        return f"[{unicodedata.name(character, f'U+{ord(character):04X}').lower()}]"
    return f"[U+{ord(character):04X}]"

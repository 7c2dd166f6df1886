"""One output of a code cell -> blocks; the richest form that both writers can show, and never
nothing.
"""

import json
import re
from collections.abc import Callable

from bs4 import NavigableString, Tag

from ..core.i18n import _
from .blocks import Block, EmbeddedImage, Error, Figure, Heading, Note, Prose, Text
from .cleaning import Resolver, clean, code_block, no_files, plain
from .pictures import PictureTooLarge, picture_from_data_uri, picture_from_mime
from .tables import table_block
from .terminal import screen_text, without_control_characters

REPORT_MIME = "application/vnd.labreport.report+json"
_PICTURES = ("image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp")
# Sent through pandoc as markdown: what Jupyter shows of text/latex is its mathematics, as in a
# markdown cell.
MARKUP = ("text/markdown", "text/latex")
_TRACEBACK_LINES = 14
# What TensorFlow's C++ side says of itself at every start, whatever its log level is set to; its
# errors (E0000) are not meant.
_LIBRARY_LOG = re.compile(
    r"^(?:WARNING: All log messages before absl::InitializeLog\(\).*|[IW]\d{4} [\d:.]+ +\d+"
    r" \S+\.cc:\d+\].*"
    r"|To enable the following instructions:.*rebuild TensorFlow.*)\n?",
    re.MULTILINE,
)
_UNWRAPPED = ("div", "section")


def joined(value) -> str:
    return "".join(value) if isinstance(value, list) else value if isinstance(value, str) else ""


def markup_sources(output) -> list[str]:
    """The markdown and LaTeX sources that `output_blocks` may ask the HTML of."""
    data = output.get("data", {})
    if REPORT_MIME in data:
        return list(filter(None, [abstract_of(data[REPORT_MIME])]))
    return [joined(data[mime]) for mime in MARKUP if mime in data]


def abstract_of(report) -> str:
    """The Markdown of the abstract that a notebook displays of itself; empty where it has none."""
    return joined(report.get("abstract")) if isinstance(report, dict) else ""


def output_blocks(output, to_html: Callable[[str], str]) -> list[Block]:
    """`to_html` looks up the HTML of a markup source; see `markup_sources`."""
    kind = output.get("output_type")
    if kind == "stream":
        text = without_control_characters(screen_text(joined(output.get("text", ""))))
        if output.get("name") == "stderr":
            text = _LIBRARY_LOG.sub("", text)
        return (
            [Text(text.rstrip("\n"), "stderr" if output.get("name") == "stderr" else "output")]
            if text.strip()
            else []
        )
    if kind == "error":
        return [_error(output)]
    data, metadata = output.get("data", {}), output.get("metadata", {})
    if any(mime in data and not joined(data[mime]).strip() for mime in MARKUP):
        # a sentence that was not to be said; the plain text beside it would only name a class
        return []
    for mime in (
        *_PICTURES[:1],
        "text/html",
        *MARKUP,
        *_PICTURES[1:],
        "text/plain",
        "application/json",
    ):
        if mime in data:
            if mime == "text/markdown" and not joined(data[mime]).strip():
                # prose that has nothing to say; its text form would only name its Python class
                return []
            blocks = _shown(mime, data, metadata, to_html)
            if blocks:
                return blocks
    for mime, value in data.items():
        if (
            mime.startswith("text/")
            and mime not in ("text/html", *MARKUP)
            and joined(value).strip()
        ):
            return [Text(without_control_characters(screen_text(joined(value))))]
    if not data or all(
        joined(value) == "" and isinstance(value, (str, list)) for value in data.values()
    ):
        return []
    return [Note(_("[output of type {types} not shown]", types=", ".join(sorted(data))))]


def _shown(mime: str, data, metadata, to_html) -> list[Block]:
    value = data[mime]
    if mime in _PICTURES:
        return _figure(mime, data, metadata)
    if mime in MARKUP:
        return prose_blocks(to_html(joined(value)))
    if mime == "text/html":
        return prose_blocks(joined(value))
    if mime == "application/json":
        return [Text(json.dumps(value, indent=1, ensure_ascii=False))]
    text = without_control_characters(screen_text(joined(value))).rstrip("\n")
    return [Text(text)] if text.strip() else []


def _figure(mime: str, data, metadata) -> list[Block]:
    own = metadata.get(mime) if isinstance(metadata.get(mime), dict) else {}
    # A display width in pixels: IPython writes one for pictures drawn at double density.
    width = own.get("width", 0)

    def described(key):
        places = [own, metadata, *(entry for entry in metadata.values() if isinstance(entry, dict))]
        return next((str(place[key]) for place in places if place.get(key)), "")

    caption = " ".join(without_control_characters(described("caption")).split())
    alt = (
        described("alt")
        or caption
        or joined(data.get("text/plain", ""))
        or _("Picture without a description")
    )
    alt = " ".join(without_control_characters(alt).split())
    width = width if isinstance(width, (int, float)) else 0
    try:
        picture = picture_from_mime(mime, data[mime], width)
    except PictureTooLarge as error:
        return [Note(_("[picture not shown: {alt}]", alt=f"{alt}: {error}"))]
    return [Figure(picture, alt, caption)] if picture else []


def _error(output) -> Error:
    traceback = screen_text("\n".join(map(str, output.get("traceback", [])))).rstrip().split("\n")
    if len(traceback) > _TRACEBACK_LINES:
        left_out = len(traceback) - _TRACEBACK_LINES
        traceback = [
            _("[{lines} earlier lines of the traceback are in the notebook]", lines=left_out),
            *traceback[-_TRACEBACK_LINES:],
        ]
    name, value = str(output.get("ename", "Error")), screen_text(str(output.get("evalue", "")))
    return Error(without_control_characters(name), without_control_characters(value),
                 without_control_characters("\n".join(traceback)).strip("\n"))  # fmt: skip


def prose_blocks(html: str, resolve: Resolver = no_files) -> list[Block]:
    """Any HTML -> headings, tables, code and figures as blocks of their own, and prose for what is
    between them.
    """
    blocks: list[Block] = []
    between: list[str] = []

    def finish():
        text = "".join(between).strip()
        between.clear()
        if text and (plain(text) or "<img" in text or "<hr" in text):
            blocks.append(Prose(text))

    for node in _flattened(clean(html, resolve)):
        if (
            isinstance(node, Tag)
            and node.name in ("table", "pre")
            and not (plain(node) or node.find("img"))
        ):
            continue  # nothing to show
        block = _own_block(node) if isinstance(node, Tag) else None
        if block is None:
            if isinstance(node, Tag):
                _without_inner_headings(node)
            between.append(
                node.output_ready(formatter="minimal")
                if isinstance(node, NavigableString)
                else str(node)
            )
        else:
            finish()
            blocks.append(block)
    finish()
    return blocks


def _without_inner_headings(tag: Tag) -> None:
    """A heading inside a quotation or a list is a bold line, not a section of the report."""
    for heading in tag.find_all(re.compile("^h[1-6]$")):
        heading.name, heading.attrs = "strong", {}
        heading.wrap(Tag(name="p"))


def _flattened(tag: Tag):
    for node in list(tag.children):
        if (
            isinstance(node, Tag)
            and node.name in _UNWRAPPED
            and "footnotes" not in node.get_attribute_list("class")
        ):
            yield from _flattened(node)
        else:
            yield node


def _own_block(tag: Tag) -> Block | None:
    if re.fullmatch(r"h[1-6]", tag.name):
        return (
            Heading(int(tag.name[1]), tag.decode_contents().strip(), plain(tag))
            if plain(tag)
            else None
        )
    if tag.name == "table":
        return table_block(tag)
    if tag.name == "pre":
        return code_block(tag)
    if tag.name in ("p", "figure", "img"):
        return _lone_picture(tag)
    return None


def _lone_picture(tag: Tag) -> Figure | None:
    """A paragraph or <figure> that holds nothing but one picture; its title or <figcaption> is the
    caption.
    """
    images = [tag] if tag.name == "img" else tag.find_all("img")
    caption = tag.find("figcaption")
    words = plain(tag)
    if len(images) != 1 or (words and not (caption and words == plain(caption))):
        return None
    image = images[0]
    width = str(image.get("width", "0"))
    picture: EmbeddedImage | None = picture_from_data_uri(str(image["src"]), float(width))
    if picture is None:
        return None
    return Figure(
        picture, str(image["alt"]), plain(caption) if caption else str(image.get("title", ""))
    )

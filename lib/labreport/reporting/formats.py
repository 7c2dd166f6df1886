"""The formats of a report, one row each; what makes a format is imported when it is used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .blocks import Document


@dataclass(frozen=True)
class Format:
    """A format of a report.

    label: what a link to it is called. file: its name in a run folder, which begins with `report.`;
    `i18n.file` gives that of another language. export: what makes the file's content of a document.
    """

    label: str
    file: str
    export: Callable[[Document], bytes]


def files() -> list[str]:
    """The names of a report's files in English."""
    return [form.file for form in FORMATS.values()]


def _html(document: Document) -> bytes:
    from .html import html_page

    return html_page(document).encode("utf-8")


def _pdf(document: Document) -> bytes:
    from .pdf import pdf_bytes

    return pdf_bytes(document)


FORMATS = {
    "html": Format("HTML", "report.html", _html),
    "pdf": Format("PDF", "report.pdf", _pdf),
}

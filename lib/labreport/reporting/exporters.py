"""The two nbconvert exporters, and `render`, which writes both reports of a notebook."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import nbformat
from nbconvert.exporters.exporter import Exporter
from traitlets.config import Config

from ..config.authors import Authorship
from ..core import i18n
from ..core.i18n import _
from . import formats
from .blocks import Attachment, Document
from .notebook import document_from_notebook

NOBODY = Authorship()


class _ReportExporter(Exporter):
    """What both have in common: tags are obeyed by nbconvert's own preprocessor, then the notebook
    becomes a Document.
    """

    # nbconvert's further preprocessors would merge streams and strip outputs in their own way.
    default_preprocessors = [
        "nbconvert.preprocessors.ExecutePreprocessor",
        "nbconvert.preprocessors.ClearOutputPreprocessor",
        "nbconvert.preprocessors.RegexRemovePreprocessor",
        "nbconvert.preprocessors.TagRemovePreprocessor",
    ]

    @property
    def default_config(self):
        tags = {
            "enabled": True,
            "remove_cell_tags": ["remove-cell"],
            "remove_all_outputs_tags": ["remove-output"],
            "remove_input_tags": ["remove-input"],
        }
        config = Config({"TagRemovePreprocessor": tags})
        config.merge(super().default_config)
        return config

    def document(
        self, notebook, resources=None, authorship: Authorship = NOBODY, **settings
    ) -> tuple[Document, dict]:
        notebook, resources = super().from_notebook_node(notebook, resources, **settings)
        metadata = resources.get("metadata", {})
        folder = metadata.get("path")
        document = document_from_notebook(
            notebook, Path(folder) if folder else None, metadata.get("name", "Report")
        )
        return _signed(document, authorship), resources


class ReportHTMLExporter(_ReportExporter):
    """One HTML file that works offline."""

    export_from_notebook = "Report (HTML)"
    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb, resources=None, **kw):
        document, resources = self.document(nb, resources, **kw)
        with _speaking(document):
            return formats.FORMATS["html"].export(document).decode("utf-8"), resources


class ReportPDFExporter(_ReportExporter):
    """A PDF typeset by Typst: no TeX, no browser."""

    export_from_notebook = "Report (PDF)"
    file_extension = ".pdf"
    output_mimetype = "application/pdf"

    def from_notebook_node(self, nb, resources=None, **kw):
        document, resources = self.document(nb, resources, **kw)
        with _speaking(document):
            return formats.FORMATS["pdf"].export(document), resources


def _speaking(document: Document):
    """The document's language; English where its author writes in one that there is no catalogue
    of.
    """
    return i18n.speaking(document.language if document.language in i18n.LANGUAGES else "en")


def _signed(document: Document, authorship: Authorship = NOBODY) -> Document:
    """With the fields that say who hands it in, for what, when the run was and of which source."""
    with _speaking(document):
        authors = _("Authors") if len(authorship.authors) > 1 else _("Author")
        byline = {
            authors: "; ".join(map(str, authorship.authors)),
            _("Course"): authorship.course,
            _("Institution"): authorship.institution,
            _("Date"): i18n.date(document.finished),
        }
        byline = {label: text for label, text in byline.items() if text}
        commit = (
            {
                _("Commit"): (
                    _("{commit}, with uncommitted changes", commit=document.commit)
                    if document.changed
                    else document.commit
                )
            }
            if document.commit
            else {}
        )
        fingerprint = {_("Fingerprint"): document.fingerprint} if document.fingerprint else {}
    return replace(
        document,
        fields=byline | document.fields | commit | fingerprint,
        byline=tuple(byline),
        authors=tuple(author.name for author in authorship.authors),
    )


def render(
    notebook_path: Path,
    folder: Path,
    attachments: Mapping[str, bytes] | None = None,
    authorship: Authorship = NOBODY,
    edited: Sequence[str] = (),
) -> tuple[Path, ...]:
    """Write the reports of an executed notebook into `folder`, one of each format: report.html,
    report.pdf; report.es.html, report.es.pdf of a Spanish one. All or none are replaced.

    Args:
        attachments: files that the PDF carries inside, by name.
        authorship: who hands the reports in, and for what.
        edited: files that were changed after the notebook was executed; the reports say so on top.

    Returns:
        The paths of the reports, in the order of `formats.FORMATS`.
    """
    notebook_path, folder = Path(notebook_path), Path(folder)
    notebook = nbformat.read(notebook_path, as_version=4)
    resources = {"metadata": {"name": notebook_path.stem, "path": str(notebook_path.parent)}}
    document = ReportHTMLExporter().document(notebook, resources, authorship=authorship)[0]
    document = replace(
        document,
        attachments=tuple(Attachment(name, data) for name, data in (attachments or {}).items()),
    )
    with _speaking(document):
        if edited:
            document = replace(
                document,
                warning=_(
                    "Changed after execution: {files}. This report may not show what the run"
                    " produced.",
                    files=", ".join(edited),
                ),
            )
        contents = {
            i18n.file(form.file, i18n.current_language()): form.export(document)
            for form in formats.FORMATS.values()
        }
    folder.mkdir(parents=True, exist_ok=True)
    waiting = {folder / name: folder / f".{name}.{os.getpid()}.part" for name in contents}
    try:
        for final, temporary in waiting.items():
            temporary.write_bytes(contents[final.name])
        for final, temporary in waiting.items():
            os.replace(temporary, final)
    finally:
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)
    return tuple(waiting)

"""The PDF is accessible and fit for an archive: Typst enforces both standards, and the structure
says so when it is read back.
"""

import hashlib
import io
import os
import subprocess
import sys

import nbformat
import pypdf
import pytest

from helpers.executed import PNG, REPORT_MIME, RUN, SPANS, SVG, code, notebook, shown
from helpers.project import ROOT
from labreport.reporting import render

ATTACHED = {
    "parameters.yaml": b"experiment: x\n",
    "metrics.json": b"{}",
    "history.csv": b"epoch\n1\n",
    "requirements.lock": b"a==1",
}


@pytest.fixture
def source(tmp_path):
    """An executed notebook with all that a report can hold, in Spanish."""
    pictures = [
        shown({"image/png": PNG}, {"image/png": {"alt": "first picture", "caption": "C"}}),
        shown({"image/svg+xml": SVG}, {"image/svg+xml": {"alt": "second picture"}}),
    ]
    title = shown({REPORT_MIME: {"title": "El título", "language": "es"}})
    cells = [
        "# T",
        code(title),
        "## A\n\n$a^2$ and [a link](https://example.org) to [](#t).\n\n- one\n- two",
        code(*pictures, source="x = 1\n\ny = 2"),
        "### B",
        code(shown({"text/html": SPANS})),
        "## C",
    ]
    nbformat.write(notebook(*cells, **RUN), tmp_path / "a.ipynb")
    return tmp_path / "a.ipynb"


@pytest.fixture
def reader(source, tmp_path):
    return pypdf.PdfReader(io.BytesIO(render(source, tmp_path / "out", ATTACHED)[1].read_bytes()))


def elements(tree):
    """All elements of a structure tree, from the root down."""
    for child in tree.get("/K", []) if isinstance(tree.get("/K"), list) else [tree.get("/K")]:
        child = child.get_object() if child is not None else None
        if isinstance(child, dict) and "/S" in child:
            yield child
            yield from elements(child)


def test_the_pdf_is_tagged_has_a_language_and_shows_its_title(reader):
    root = reader.trailer["/Root"]
    assert (
        root["/MarkInfo"]["/Marked"]
        and root["/Lang"] == "es"
        and root["/ViewerPreferences"]["/DisplayDocTitle"]
    )
    assert reader.metadata.title == "El título"
    xmp = root["/Metadata"].get_data()
    assert (
        b"<pdfuaid:part>1</pdfuaid:part>" in xmp
        and b"<pdfaid:part>3</pdfaid:part>" in xmp
        and b"<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    )


def test_every_figure_and_formula_has_words_and_headings_and_tables_are_what_they_are(reader):
    found = list(elements(reader.trailer["/Root"]["/StructTreeRoot"]))
    kinds = [element["/S"] for element in found]
    assert [element["/Alt"] for element in found if element["/S"] == "/Figure"] == [
        "first picture",
        "second picture",
    ]
    assert [element["/Alt"] for element in found if element["/S"] == "/Formula"] == [
        "a al cuadrado"
    ]
    assert (
        kinds.count("/H1") >= 2
        and "/H2" in kinds
        and kinds.count("/Table") == 1
        and kinds.count("/TH") >= 4
        and kinds.count("/Caption") == 2
    )
    assert {"/TOC", "/L", "/LI", "/Link"} <= set(kinds)


def attribute(element, name):
    return next((found[name] for found in element.get("/A", []) if name in found), None)


def test_the_cells_that_name_a_row_are_headers_of_the_cells_beside_them(reader):
    tree = reader.trailer["/Root"]["/StructTreeRoot"]
    cells = [element for element in elements(tree) if element["/S"] in ("/TH", "/TD")]
    columns = [cell for cell in cells if attribute(cell, "/Scope") == "/Column"]
    [row] = [cell for cell in cells if attribute(cell, "/Scope") == "/Row"]
    assert len(columns) == 4 and row["/S"] == "/TH" and attribute(row, "/RowSpan") == 2
    named = [cell for cell in cells if row["/ID"] in attribute(cell, "/Headers")]
    assert len(named) == 4 and all(len(attribute(cell, "/Headers")) == 3 for cell in named)
    names = tree["/IDTree"]["/Names"]
    index = {key: cell.get_object() for key, cell in zip(names[::2], names[1::2])}
    assert list(index) == sorted(index)
    assert index == {cell["/ID"]: cell for cell in [*columns, row]}


def test_every_attached_file_says_what_it_is_to_the_report_in_its_language(reader):
    listed = {
        entry.get_object()["/UF"]: entry.get_object() for entry in reader.trailer["/Root"]["/AF"]
    }
    assert {name: entry["/AFRelationship"] for name, entry in listed.items()} == {
        "parameters.yaml": "/Source",
        "metrics.json": "/Data",
        "history.csv": "/Data",
        "requirements.lock": "/Supplement",
    }
    assert {name: contents[0] for name, contents in reader.attachments.items()} == ATTACHED
    assert (
        listed["history.csv"]["/Desc"] == "Exactitud y pérdida de cada época"
        and listed["history.csv"]["/EF"]["/F"]["/Subtype"] == "/text/csv"
    )


def test_another_process_on_another_day_makes_the_same_bytes(source, tmp_path):
    """At any moment the two time zones are a day apart."""
    program = (
        "import pathlib, sys; from labreport.reporting import render;"
        f" render(pathlib.Path({str(source)!r}), pathlib.Path(sys.argv[1]), {ATTACHED!r})"
    )
    digests = set()
    for zone, seed in (("Pacific/Kiritimati", "1"), ("Pacific/Niue", "2")):
        folder = tmp_path / seed
        environment = {
            key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"
        } | {"TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT / "lib")}
        subprocess.run([sys.executable, "-c", program, str(folder)], env=environment, check=True)
        digests.add(
            tuple(
                hashlib.sha256((folder / name).read_bytes()).hexdigest()
                for name in ("report.es.html", "report.es.pdf")
            )
        )
    assert len(digests) == 1

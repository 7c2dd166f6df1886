"""Pages of a PDF report: filled, and nothing is parted from what it leads to."""

import io
import shutil
import subprocess

import pypdf
import pytest

from helpers.executed import SVG, code, notebook, printed, shown
from labreport.reporting.blocks import CodeBlock, Figure, Heading, Prose
from labreport.reporting.leads import Lead, with_leads
from labreport.reporting.notebook import document_from_notebook
from labreport.reporting.pdf import pdf_bytes

needs_pdftotext = pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs poppler-utils")
LONG = "These words fill a line and a half of a page, so that the page is not empty for long. " * 12


def drawing(height, name):
    svg = SVG.replace('width="72pt" height="36pt"', f'width="440pt" height="{height}pt"')
    described = {"alt": name, "caption": f"CAPTION-{name}"}
    return code(shown({"image/svg+xml": svg}, {"image/svg+xml": described}), source=f"code_{name}")


def lines(count):
    return code(printed("line\n" * count))


def pages(*cells):
    made = pdf_bytes(document_from_notebook(notebook(*cells)))
    done = subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=made, capture_output=True, check=True
    )
    return made, done.stdout.decode().split("\f")


@needs_pdftotext
def test_text_moves_up_where_a_figure_goes_to_the_next_page_and_is_still_read_after_it():
    made, (first, second, *_) = pages("# T", lines(20), drawing(500, "A"), f"AFTER {LONG}")
    assert "AFTER" in first and "code_A" not in first
    assert "code_A" in second and "CAPTION-A" in second
    tags = [
        tag
        for tag in _elements(pypdf.PdfReader(io.BytesIO(made)).trailer["/Root"]["/StructTreeRoot"])
        if tag["/S"] in ("/Figure", "/P", "/Code")
    ]
    kinds = [tag["/S"] for tag in tags]
    assert kinds.index("/Figure") < len(kinds) - 1 - kinds[::-1].index("/P")


def _elements(tree):
    for child in tree.get("/K", []) if isinstance(tree.get("/K"), list) else [tree.get("/K")]:
        child = child.get_object() if child is not None else None
        if isinstance(child, dict) and "/S" in child:
            yield child
            yield from _elements(child)


@needs_pdftotext
def test_a_heading_and_its_lead_in_go_with_their_figure_to_the_next_page():
    lead = "## SECTION\n\nLEAD-IN of few words."
    _made, (first, second, *_) = pages("# T", lines(45), lead, drawing(300, "A"), LONG)
    assert "SECTION" not in first and "LEAD-IN" not in first
    assert "SECTION" in second and "CAPTION-A" in second


@needs_pdftotext
def test_a_paragraph_that_ends_with_a_colon_stays_with_the_list_behind_it():
    for count in range(50, 60):
        _made, texts = pages("# T", lines(count), "Words before.\n\nTHUS:\n\n- ITEM\n- more")
        assert all("ITEM" in text for text in texts if "THUS" in text)


@needs_pdftotext
def test_figures_keep_their_order_where_the_second_would_fit_before_the_first():
    made, texts = pages(
        "# T", lines(20), drawing(500, "A"), f"BETWEEN {LONG}", drawing(60, "B"), LONG
    )
    at = {
        name: next(n for n, text in enumerate(texts) if name in text)
        for name in ("CAPTION-A", "CAPTION-B", "BETWEEN")
    }
    assert at["BETWEEN"] < at["CAPTION-A"] <= at["CAPTION-B"]


@needs_pdftotext
def test_no_figure_is_made_smaller_while_text_can_fill_its_page():
    made, _texts = pages("# T", lines(25), drawing(300, "A"), LONG, LONG)
    boxes = [
        tag["/A"][0]["/BBox"]
        for tag in _elements(pypdf.PdfReader(io.BytesIO(made)).trailer["/Root"]["/StructTreeRoot"])
        if tag["/S"] == "/Figure"
    ]
    assert [round(float(box[2]) - float(box[0])) for box in boxes] == [440]


def test_a_paragraph_leads_by_a_colon_or_a_name_or_since_it_is_alone_below_its_heading():
    figure = Figure(picture=None, alt="", caption="C", number=3)
    code_of = CodeBlock("figures.curves()")
    named = '<p>See <a href="#figure-3">Figure 3</a>.</p>'

    def kinds(*blocks):
        return [type(block).__name__ for block in with_leads(blocks)]

    assert kinds(Prose(f"<p>a</p>{named}"), code_of, figure)[:2] == ["Prose", "Lead"]
    assert kinds(Prose(named), figure) == ["Lead", "Figure"]
    assert kinds(Prose("<p>Thus:</p>"), code_of) == ["Lead", "CodeBlock"]
    assert kinds(Prose(named.replace("3", "4")), code_of, figure)[0] == "Prose"
    heading = Heading(1, "H", "H")
    assert kinds(heading, Prose("<p>a</p>"), code_of) == ["Heading", "Lead", "CodeBlock"]
    assert kinds(heading, Prose(f"<p>{LONG}</p>"), code_of)[1] == "Prose"
    assert kinds(Prose("<ul><li>a:</li></ul>"), code_of)[0] == "Prose"
    assert isinstance(Lead("<p>a</p>"), Prose)

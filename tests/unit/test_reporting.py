"""Executed notebook -> report.html and report.pdf: nothing is lost, nothing is fetched, nothing is
misread.
"""

import base64
import hashlib
import io
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pypdf
import pytest
from bs4 import BeautifulSoup
from nbconvert.exporters import get_exporter
from nbformat.v4 import (
    new_markdown_cell,
    new_output,
    new_raw_cell,
)

from helpers.executed import PNG, REPORT_MIME, RUN, SPANS, SVG, code, notebook, png, printed, shown
from labreport import reporting
from labreport.config.authors import Author, Authorship
from labreport.reporting import ReportHTMLExporter, ReportPDFExporter, render
from labreport.reporting.blocks import (
    CodeBlock,
    Error,
    Figure,
    Heading,
    Note,
    Prose,
    TableBlock,
    Text,
)
from labreport.reporting.notebook import document_from_notebook
from labreport.reporting.terminal import screen_text

AWKWARD = (
    r"""# $x$ *a* _b_ @ref //c <script>alert("'1'")</script> \n \textbf{z} #let ~ ` < > & [] {}"""
)
OUR_SCRIPT = (Path(reporting.__file__).parent / "report.js").read_text("utf-8")
needs_pdftotext = pytest.mark.skipif(
    not shutil.which("pdftotext"), reason="poppler's pdftotext is not on the PATH"
)


def blocks(*cells, kind=None):
    found = document_from_notebook(notebook(*cells)).blocks
    return [block for block in found if kind is None or isinstance(block, kind)]


def html(*cells, **metadata):
    return ReportHTMLExporter().from_notebook_node(notebook(*cells, **metadata))[0]


def page(*cells, **metadata):
    return BeautifulSoup(html(*cells, **metadata), "html.parser")


def pdf(*cells, **metadata):
    return ReportPDFExporter().from_notebook_node(notebook(*cells, **metadata))[0]


def pdf_text(*cells, layout="-raw", **metadata):
    done = subprocess.run(
        ["pdftotext", layout, "-", "-"],
        input=pdf(*cells, **metadata),
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().replace("\u200b", "")


def squeezed(text):
    return "".join(text.split())


def test_importing_the_room_loads_neither_typst_nor_nbconvert_nor_keras():
    heavy = ("typst", "nbconvert", "keras", "tensorflow")
    program = (
        f"import sys, labreport.reporting; print([name for name in {heavy} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "name, begins", [("report_html", "<!DOCTYPE html>"), ("report_pdf", b"%PDF-")]
)
def test_nbconvert_finds_both_exporters_by_name(name, begins):
    exporter = get_exporter(name)()
    body, resources = exporter.from_notebook_node(
        notebook("# Hello"), {"metadata": {"name": "hello"}}
    )
    assert body.startswith(begins)
    assert resources["output_extension"] == (".pdf" if name == "report_pdf" else ".html")


def test_render_writes_both_reports_and_leaves_nothing_else(tmp_path):
    nbformat.write(notebook("# Hello", code(printed("hi"))), tmp_path / "a.ipynb")
    written = render(tmp_path / "a.ipynb", tmp_path / "out")
    assert written == (tmp_path / "out/report.html", tmp_path / "out/report.pdf")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "report.html",
        "report.pdf",
    ]


def test_render_leaves_both_old_reports_in_place_when_the_pdf_fails(tmp_path, monkeypatch):
    from labreport.reporting import pdf

    folder = tmp_path / "run"
    folder.mkdir()
    nbformat.write(notebook("# Hello"), folder / "a.ipynb")
    for name in ("report.html", "report.pdf"):
        (folder / name).write_text("old")

    def fails(document):
        raise RuntimeError("no PDF today")

    monkeypatch.setattr(pdf, "pdf_bytes", fails)
    with pytest.raises(RuntimeError, match="no PDF today"):
        render(folder / "a.ipynb", folder)
    assert [(folder / name).read_text() for name in ("report.html", "report.pdf")] == ["old", "old"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "a.ipynb",
        "report.html",
        "report.pdf",
    ]


def test_two_renderings_are_the_same_bytes(monkeypatch):
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    cells = [
        "# T\n\n$a^2$",
        code(shown({"image/png": PNG}), shown({"image/svg+xml": SVG}), printed("x")),
    ]
    run = {"labreport": {"finished": "2026-05-01T12:00:00+02:00"}}
    assert pdf(*cells, **run) == pdf(*cells, **run)
    assert html(*cells, **run) == html(*cells, **run)
    assert b"2026-05-01T10:00:00" in pdf(*cells, **run)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert b"2001-09-09T01:46:40" in pdf(*cells, **run)


def test_the_pdf_declares_that_it_is_accessible_and_archival():
    made = pdf("# T")
    assert b"<pdfuaid:part>1</pdfuaid:part>" in made
    assert (
        b"<pdfaid:part>3</pdfaid:part>" in made
        and b"<pdfaid:conformance>A</pdfaid:conformance>" in made
    )


def test_the_page_loads_nothing_and_runs_nothing():
    hostile = (
        '<script src="https://e.com/a.js"></script><img src="https://e.com/b.png" alt="chart"'
        ' onerror="x()"><iframe src="https://e.com/c"></iframe><link rel="stylesheet"'
        ' href="https://e.com/d.css"><p style="background:url(https://e.com/e.png)"'
        ' onclick="x()">kept</p><a href="javascript:x()">bad</a><a'
        ' href="https://e.com/f">good</a><svg onload="x()"><image'
        ' href="https://e.com/g.png"/></svg><object data="https://e.com/h"></object><video'
        ' src="https://e.com/i" poster="https://e.com/j"></video><form'
        ' action="https://e.com/k"><input type="image" src="https://e.com/l"></form><base'
        ' href="https://e.com/">'
    )
    drawing = SVG.replace("</svg>", '<script>x()</script><image href="http://e.com/m.png"/></svg>')
    outputs = shown({"text/html": hostile}), shown({"image/svg+xml": drawing})
    made = page(f"# T\n\n{hostile}\n\n![remote](https://e.com/n.png)", code(*outputs))
    for tag in made.find_all(True):
        for attribute, value in tag.attrs.items():
            assert not attribute.startswith("on"), tag
            if attribute in ("src", "data", "poster", "srcset", "action", "background"):
                assert value.startswith("data:"), tag
            if attribute in ("href", "xlink:href"):
                assert tag.name == "a" or value == "data:,", tag
                assert not value.startswith("javascript:"), tag
        assert "url(" not in str(tag.get("style", ""))
    (script,) = made.find_all("script")
    policy = made.find("meta", {"http-equiv": True})["content"]
    assert (
        script.attrs == {}
        and script.string == OUR_SCRIPT
        and not made.find_all(["iframe", "object", "embed", "base", "form", "video", "svg"])
    )
    assert not any(
        "url(" in style.string or "@import" in style.string for style in made.find_all("style")
    )
    main = made.main.get_text()
    assert (
        main.count("kept") == 2
        and main.count("[picture: chart]") == 2
        and "[picture: remote]" in main
    )
    digest = base64.b64encode(hashlib.sha256(OUR_SCRIPT.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ") and f"script-src 'sha256-{digest}';" in policy


@pytest.mark.parametrize("place", ["stream", "title", "code", "caption", "table", "error", "plain"])
def test_awkward_characters_come_out_literally_in_html(place):
    assert AWKWARD in page(*awkward_cells(place)).body.get_text()
    assert [script.string for script in page(*awkward_cells(place)).find_all("script")] == [
        OUR_SCRIPT
    ]


@needs_pdftotext
@pytest.mark.parametrize("place", ["stream", "title", "code", "caption", "table", "error", "plain"])
def test_awkward_characters_come_out_literally_in_the_pdf(place):
    assert squeezed(AWKWARD) in squeezed(pdf_text(*awkward_cells(place)))


def awkward_cells(place):
    escaped = AWKWARD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    output = {
        "stream": printed(AWKWARD),
        "title": shown({REPORT_MIME: {"title": AWKWARD}}),
        "code": None,
        "caption": shown({"image/png": PNG}, {"image/png": {"alt": AWKWARD, "caption": AWKWARD}}),
        "table": shown({"text/html": f"<table><tr><td>{escaped}</td></tr></table>"}),
        "error": new_output("error", ename="ValueError", evalue=AWKWARD, traceback=["a"]),
        "plain": shown({"text/plain": AWKWARD}),
    }[place]
    return ["# T", code(source=AWKWARD) if output is None else code(output)]


@needs_pdftotext
def test_a_300_character_token_stays_inside_the_page():
    token = "x" * 300
    made = pdf(
        "# T", code(printed("y" * 300), source=f"a = '{token}'"), f"`{'z' * 300}` and {'w' * 300}"
    )
    done = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=made, capture_output=True, check=True
    )
    words = BeautifulSoup(done.stdout.decode(), "html.parser").find_all("word")
    assert words and max(float(word["xmax"]) for word in words) < 595 - 50
    seen = squeezed("".join(word.get_text() for word in words)).replace("\u200b", "")
    assert all(seen.count(letter) >= 300 for letter in "xyzw")


def test_a_character_without_a_glyph_is_spelled_out_instead_of_lost():
    output = printed("done 🎉 \x07 é ж → ∑ \ue000")
    cells = ["# T 😀 漢", code(output, source="s = '語'"), "$\\text{漢} + 漢_😀 + x$"]
    assert pdf(*cells).startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        text = squeezed(pdf_text(*cells))
        assert (
            "[grinningface]" in text
            and "[U+6F22]" in text
            and "[U+8A9E]" in text
            and "éж→∑" in text
        )


def test_carriage_returns_and_backspaces_act_as_on_a_terminal():
    assert screen_text("1/3 [>..]\r2/3 [=>.]\r3/3 [===]\ndone") == "3/3 [===]\ndone"
    assert screen_text("12345\rab") == "ab345"
    assert screen_text("loss: 1.0\b\b\b0.5") == "loss: 0.5"
    assert screen_text("long line\r\x1b[Kok") == "ok"
    assert (
        screen_text("\x1b[1;31mred\x1b[0m \x1b]8;;http://e.com\x07link\x1b]8;;\x07") == "red link"
    )
    assert screen_text("a\r\nb") == "a\nb"


def test_a_progress_bar_printed_in_pieces_is_one_line():
    pieces = [
        printed("1/2 [=>]"),
        printed("\r2/2 [==]\n"),
        printed("oops", "stderr"),
        printed("end"),
    ]
    assert blocks(code(*pieces), kind=Text) == [
        Text("2/2 [==]"),
        Text("oops", "stderr"),
        Text("end"),
    ]


def test_no_output_is_lost_silently():
    found = blocks(
        code(
            shown({"application/x-strange": "zz"}),
            shown(
                {
                    "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
                    "text/plain": "IntSlider(3)",
                }
            ),
            shown({"text/html": "<script>draw()</script>", "text/plain": "<Chart>"}),
            shown({"text/html": "<script>draw()</script>"}),
            shown({"image/png": "not base64 at all", "text/plain": "<Figure>"}),
            shown({"application/json": {"a": 1}}),
            shown({"text/csv": "a,b"}),
            new_output(
                "error", ename="ValueError", evalue="no", traceback=[f"line {i}" for i in range(99)]
            ),
        ),
        new_raw_cell("raw words"),
    )
    assert found[1] == Note("[output of type application/x-strange not shown]")
    assert found[2:4] == [Text("IntSlider(3)"), Text("<Chart>")]
    assert found[4] == Note("[output of type text/html not shown]")
    assert found[5:8] == [Text("<Figure>"), Text('{\n "a": 1\n}'), Text("a,b")]
    assert (
        isinstance(found[8], Error)
        and found[8].traceback.endswith("line 98")
        and "85 earlier lines" in found[8].traceback
    )
    assert found[9] == Text("raw words", "raw")


def test_tags_remove_cells_inputs_and_outputs_from_both_reports():
    cells = [
        "# T",
        code(printed("gone-a"), source="gone_b", tags=["remove-cell"]),
        code(printed("kept-a"), source="gone_c", tags=["remove-input"]),
        code(printed("gone-d"), source="kept_b", tags=["remove-output"]),
    ]
    text = page(*cells).get_text()
    assert "gone" not in text and "kept-a" in text and "kept_b" in text
    if shutil.which("pdftotext"):
        text = pdf_text(*cells)
        assert "gone" not in text and "kept-a" in text and "kept_b" in text


def test_default_parameters_are_dropped_where_others_were_injected():
    defaults, injected = (
        code(source="a = 1", tags=["parameters"]),
        code(source="a = 2", tags=["injected-parameters"]),
    )
    assert blocks(defaults, injected, kind=CodeBlock) == [CodeBlock("a = 2")]
    assert blocks(defaults, kind=CodeBlock) == [CodeBlock("a = 1")]
    titled = code(shown({REPORT_MIME: TITLE}), source="show(report)")
    assert blocks(defaults, injected, titled, kind=CodeBlock) == [CodeBlock("show(report)")]


def test_a_number_and_its_percent_sign_stay_on_one_line_but_code_stays_as_it_is():
    prose = 'A 95 % interval, `7 % 3`. <img alt="5 % of it" src="x">'
    own = page(code(shown({REPORT_MIME: TITLE})), prose).get_text()
    assert "A 95\u00a0% interval, 7 % 3." in own
    assert "A 95 % interval" in page(prose).get_text()
    assert "5\u00a0% of" not in str(page(code(shown({REPORT_MIME: TITLE})), prose))


def test_an_abstract_that_is_known_at_the_end_stands_on_the_first_page():
    abstract = {"abstract": "It reaches **70 %** of $N$ images."}
    cells = [
        code(shown({REPORT_MIME: TITLE})),
        "## Only section",
        "The body.",
        code(shown({REPORT_MIME: abstract, "text/markdown": "**Abstract.** TWICE"})),
    ]
    shown_page = page(*cells)
    [section] = shown_page.select("header section.abstract")
    assert section.get_text(" ", strip=True).startswith("Abstract It reaches 70\u00a0% of")
    assert shown_page.h1.get_text() == TITLE["title"] and "TWICE" not in shown_page.get_text()
    assert not page(*cells[:-1]).select(".abstract")
    if shutil.which("pdftotext"):
        text = " ".join(pdf_text(*cells).split())
        assert "TWICE" not in text
        assert text.index("Abstract It reaches 70 %") < text.index("The body.")


TITLE = {
    "title": "Does it help?",
    "question": "Does weight decay narrow the gap?",
    "experiment": "cifar10_l2",
    "sample": True,
    "fields": {"Seed": "1"},
}


def test_the_title_block_comes_from_the_report_output_and_is_shown_once():
    cells = [
        "# Assignment 3\n\nWords.",
        code(shown({REPORT_MIME: TITLE, "text/markdown": "# TWICE"})),
        "## Data",
    ]
    made = page(*cells)
    assert made.h1.get_text() == made.title.get_text() == "Does it help?"
    assert made.find(class_="subtitle").get_text() == "Assignment 3"
    assert "TWICE" not in made.get_text() and "Words." in made.main.get_text()
    assert (
        "These numbers say nothing about the real data set" in made.find(class_="sample").get_text()
    )
    assert [heading.get_text() for heading in made.find_all("h2")] == ["1 Data"]
    assert made.html["lang"] == "en"


@needs_pdftotext
def test_sample_data_is_announced_on_every_page_of_the_pdf():
    report = code(shown({REPORT_MIME: TITLE}), printed("line\n" * 150))
    pages = pdf_text("# A", report).rstrip("\f").split("\f")
    assert len(pages) > 1 and all("SAMPLE DATA" in text for text in pages)
    assert "saynothingabouttherealdataset" in squeezed(pages[0])
    assert f"{len(pages)} of {len(pages)}" in pages[-1]
    assert "SAMPLE DATA" not in pdf_text("# A", code(shown({REPORT_MIME: {"title": "Real"}})))


def test_without_a_report_output_the_title_is_the_heading_or_the_metadata_or_the_name():
    assert document_from_notebook(notebook("# Heading", title="M"), name="file").title == "Heading"
    assert document_from_notebook(notebook("## Section", title="M"), name="file").title == "M"
    assert document_from_notebook(notebook("words"), name="file").title == "file"


def test_headings_are_numbered_and_never_skip_a_level():
    found = blocks("# T", "## A", "#### B", "## C", "### D", "# E", kind=Heading)
    assert [(heading.number, heading.level, heading.text) for heading in found] == [
        ("1", 1, "A"),
        ("1.1", 2, "B"),
        ("2", 1, "C"),
        ("2.1", 2, "D"),
        ("3", 1, "E"),
    ]


def test_headings_that_carry_a_number_get_no_second_one():
    assert [
        heading.number
        for heading in blocks("# T", "## 1. Data", "## 2. Model", "## Words", kind=Heading)
    ] == ["", "", ""]


def test_pictures_with_a_caption_are_numbered_and_all_have_an_alternative_text():
    found = blocks(
        code(
            shown({"image/png": PNG, "text/plain": "<Figure size>"}),
            shown(
                {"image/png": PNG, "image/svg+xml": SVG},
                {"image/svg+xml": {"alt": "a line", "caption": "Loss"}},
            ),
            shown({"image/png": PNG}, {"caption": "Top level"}),
        ),
        kind=Figure,
    )
    assert [
        (figure.number, figure.alt, figure.caption, figure.picture.mime) for figure in found
    ] == [
        (0, "<Figure size>", "", "image/png"),
        (1, "a line", "Loss", "image/svg+xml"),
        (2, "Top level", "Top level", "image/png"),
    ]
    assert (found[1].picture.width, found[1].picture.height) == (72, 36)


def test_markdown_pictures_are_embedded_wherever_they_are(tmp_path):
    (tmp_path / "local file.png").write_bytes(png())
    cell = new_markdown_cell(
        '![one](attachment:a.png "Caption")\n\ntext ![two](local%20file.png)'
        f" ![three](missing.png)\n\n![four](data:image/png;base64,{PNG})",
        attachments={"a.png": {"image/png": PNG}},
    )
    resources = {"metadata": {"path": str(tmp_path), "name": "x"}}
    body, _ = ReportHTMLExporter().from_notebook_node(notebook(cell), resources)
    made = BeautifulSoup(body, "html.parser")
    assert {image["alt"] for image in made.find_all("img")} == {"one", "two", "four"}
    assert (
        "Figure 1. Caption" in made.get_text()
        and "[picture not shown: three (missing.png)]" in made.get_text()
    )
    assert ReportPDFExporter().from_notebook_node(notebook(cell), resources)[0].startswith(b"%PDF-")


def test_a_broken_picture_or_formula_does_not_cost_the_report():
    broken = base64.b64encode(png()[:45]).decode()
    cells = [
        "# T\n\n$a_b$ and $\\undefined{x}$",
        code(shown({"image/png": broken}, {"image/png": {"caption": "C"}})),
        "Z $b$",
    ]
    assert pdf(*cells).startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        text = pdf_text(*cells)
        assert "picture not shown: C" in text and "Figure 1" in text and "\\undefined{x}" in text


def test_a_table_keeps_its_spans_and_aligns_its_numbers():
    (table,) = blocks(code(shown({"text/html": SPANS})), kind=TableBlock)
    assert (table.columns, table.number, table.caption, len(table.header), len(table.body)) == (
        3,
        1,
        "Spans",
        2,
        3,
    )
    grid = [
        [(cell.text, cell.rowspan, cell.colspan) for cell in row]
        for row in (*table.header, *table.body)
    ]
    assert grid == [
        [("model", 2, 1), ("accuracy", 1, 2)],
        [("train", 1, 1), ("test", 1, 1)],
        [("a", 2, 1), ("1.0", 1, 1), ("2.0 %", 1, 1)],
        [("3", 1, 1), ("nan", 1, 1)],
        [("b", 1, 1), ("4", 1, 1), ("", 1, 1)],
    ]
    assert [cell.align for cell in table.body[0]] == ["left", "right", "right"]
    made = page(code(shown({"text/html": SPANS})))
    assert made.caption.get_text() == "Table 1. Spans"
    assert [(th["scope"], th.get_text()) for th in made.thead.find_all("th")][:2] == [
        ("col", "model"),
        ("colgroup", "accuracy"),
    ]
    assert pdf(code(shown({"text/html": SPANS}))).startswith(b"%PDF-")


@needs_pdftotext
def test_a_long_table_repeats_its_head_on_every_page_and_keeps_every_row():
    rows = "".join(f"<tr><td>row-{i}</td><td>{i}</td></tr>" for i in range(120))
    table = (
        f"<table><caption>C</caption><thead><tr><th>HEAD</th><th>n</th></tr></thead>{rows}</table>"
    )
    text = pdf_text("# T", code(shown({"text/html": table})))
    pages = text.rstrip("\f").split("\f")
    assert len(pages) > 2 and all("HEAD" in page for page in pages)
    assert all(f"row-{i}" in text for i in range(120))


@needs_pdftotext
def test_a_wide_table_stays_inside_the_page():
    names = [f"validation_top_5_categorical_accuracy_{i}" for i in range(12)]
    head, body = "".join(f"<th>{name}</th>" for name in names), "<td>0.123456789</td>" * 12
    made = pdf(
        "# T",
        code(shown({"text/html": f"<table><thead><tr>{head}</tr></thead><tr>{body}</tr></table>"})),
    )
    done = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=made, capture_output=True, check=True
    )
    assert (
        max(
            float(word["xmax"])
            for word in BeautifulSoup(done.stdout, "html.parser").find_all("word")
        )
        < 595 - 50
    )


@pytest.mark.parametrize(
    "source",
    [
        "$a^2$",
        "$$\na^2\n$$",
        "\\begin{align}\na^2 &= b\\\\\n\n&= c\n\\end{align}",
        "\\begin{equation*}a^2\\end{equation*}",
        r"\\(a^2\\)",
        r"\\[a^2\\]",
    ],
)
def test_every_way_to_write_a_formula_gives_mathml_and_a_set_formula(source):
    (math,) = page(f"# T\n\nBefore {source} after").find_all("math")
    assert "a^2" in math.annotation.get_text()
    if shutil.which("pdftotext"):
        text = pdf_text(f"# T\n\nBefore {source} after")
        assert "𝑎" in text and "begin" not in text and "$" not in text


def test_dollars_in_code_and_prices_are_no_formulas():
    made = page("# T\n\n`$a$` costs $5 or $6.\n\n```\n$$b$$\n\\begin{align}c\\end{align}\n```\n")
    assert made.find("math") is None
    assert (
        "$a$ costs $5 or $6." in made.main.get_text()
        and "\\begin{align}c\\end{align}" in made.main.get_text()
    )


def test_tex_that_is_no_formula_and_numbers_of_formulas_stay_visible():
    made = page("# T\n\n\\textbf{raw} and $\\undefinedmacro{x}$\n\n$$a \\tag{7}$$")
    assert "\\textbf{raw}" in made.main.get_text() and "\\undefinedmacro{x}" in made.main.get_text()
    assert "(7)" in made.math.get_text()


def test_computed_markdown_and_latex_are_prose_and_formula():
    words = shown({"text/markdown": "best **17**", "text/plain": "x"})
    formula = shown({"text/latex": "$\\displaystyle x$", "text/plain": "x"})
    found = blocks(code(words, formula))
    assert found[1] == Prose("<p>best <strong>17</strong></p>") and "<math" in found[2].html


def test_an_unclosed_fence_does_not_swallow_the_cells_after_it():
    found = blocks("# T", "```python\nx = 1", "after *all*")
    assert found == [CodeBlock("x = 1", "python", quoted=True), Prose("<p>after <em>all</em></p>")]


def test_footnotes_stay_with_their_cell():
    made = page("# T", "a[^1]\n\n[^1]: first", "b[^1]\n\n[^1]: second", "last")
    text = " ".join(made.main.get_text().split())
    assert text.index("first") < text.index("b1") < text.index("second") < text.index("last")
    ids = [tag["id"] for tag in made.find_all(id=True)]
    assert len(ids) == len(set(ids))


def test_links_to_sections_lead_there_in_both_reports():
    cells = ["# T\n\n[a](#The-Model) [b](#the-model) [c](#nowhere)", "## The Model"]
    assert [link["href"] for link in page(*cells).main.find_all("a")] == [
        "#the-model",
        "#the-model",
        "#nowhere",
    ]
    assert pdf(*cells).count(b"/Subtype/Link") + pdf(*cells).count(b"/Subtype /Link") == 2


def cell(identity, made):
    made["id"] = identity
    return made


CURVE = shown({"image/svg+xml": SVG}, {"image/svg+xml": {"alt": "a line", "caption": "C"}})


@pytest.mark.parametrize(
    "language, words",
    [
        ("en", ["Figure 1", "Figure 2", "Table 1", "Section 1.1"]),
        ("es", ["Figura 1", "Figura 2", "Tabla 1", "Sección 1.1"]),
    ],
)
def test_a_link_to_a_cell_becomes_the_name_of_what_it_shows(language, words):
    cells = [
        "# T",
        cell("a", new_markdown_cell("## A")),
        (
            f"See [](#curves), [{words[1].split()[0]}](#curves-2), [Table](#spans), [](#b), [the"
            " spans](#spans), [none](#empty)."
        ),
        cell("curves", code(CURVE, CURVE)),
        cell("spans", code(shown({"text/html": SPANS}))),
        cell("empty", code()),
        cell("b", new_markdown_cell("### B")),
        code(shown({REPORT_MIME: {"title": "T", "language": language}})),
    ]
    (prose,) = page(*cells).find_all(class_="prose")
    assert [(link.get_text(), link["href"]) for link in prose.find_all("a")] == [
        *zip(
            [word.replace(" ", "\u00a0") for word in words],
            ["#figure-1", "#figure-2", "#table-1", "#b"],
        ),
        ("the spans", "#table-1"),
    ]
    made = pdf(*cells)
    assert (
        len(
            [
                note
                for note in pypdf.PdfReader(io.BytesIO(made)).pages[0]["/Annots"]
                if "/Dest" in note.get_object() or "/A" in note.get_object()
            ]
        )
        >= 5
    )
    if shutil.which("pdftotext"):
        assert f"See {', '.join(words)}, the spans, none." in " ".join(pdf_text(*cells).split())


def test_a_link_to_a_section_leads_to_its_translation_where_that_is_what_the_report_holds():
    (prose,) = page(
        "# T",
        "See [](#data).",
        cell("data-es", new_markdown_cell("## Los datos")),
        code(shown({REPORT_MIME: {"title": "T", "language": "es"}})),
    ).find_all(class_="prose")
    assert str(prose.a) == '<a href="#los-datos">Sección\u00a01</a>'


def test_who_hands_it_in_when_it_was_run_and_of_which_source_stands_in_both_title_blocks(tmp_path):
    signed = Authorship(
        (Author("Ada Lovelace", "s1"), Author("Grace Hopper")), "Deep Learning", "A University"
    )
    nbformat.write(notebook("# T", **RUN), tmp_path / "a.ipynb")
    html_file, pdf_file = render(tmp_path / "a.ipynb", tmp_path / "out", authorship=signed)
    shown_there = {
        term.get_text(): term.find_next("dd").get_text()
        for term in BeautifulSoup(html_file.read_text(), "html.parser").find_all("dt")
    }
    assert shown_there == {
        "Authors": "Ada Lovelace (s1); Grace Hopper",
        "Course": "Deep Learning",
        "Institution": "A University",
        "Date": "1 May 2026, 12:00 UTC",
        "Commit": "0123456789, with uncommitted changes",
        "Fingerprint": "abcdef012345",
    }
    about = pypdf.PdfReader(pdf_file).metadata
    assert (about.title, about.author) == ("T", "Ada Lovelace, Grace Hopper") and b"Ada" not in (
        tmp_path / "a.ipynb"
    ).read_bytes()
    if shutil.which("pdftotext"):
        text = squeezed(
            subprocess.run(["pdftotext", str(pdf_file), "-"], capture_output=True, text=True).stdout
        )
        assert all(squeezed(words) in text for words in shown_there.values())


@needs_pdftotext
def test_the_running_header_names_the_section_that_the_page_is_about():
    lines = printed("line\n" * 160)
    pages = pdf_text(
        "# T", "## Alpha", code(lines), "## Beta", code(lines), layout="-layout"
    ).split("\f")
    heads = [" ".join(text.split("\n", 1)[0].split()) for text in pages if text.strip()]
    assert heads[1:] == ["T 1 Alpha", "T 2 Beta", "T 2 Beta", "T 2 Beta"] and "2 of 5" in pages[1]


@needs_pdftotext
def test_a_long_title_is_cut_at_a_word_in_the_running_header():
    title = (
        "A title that is far too long for the half of a line that it has in the header of a page"
    )
    head = (
        pdf_text(f"# {title}", "## Section", code(printed("line\n" * 100)), layout="-layout")
        .split("\f")[1]
        .split("\n", 1)[0]
    )
    words, _, section = head.partition("\u2026")
    assert title.startswith(words.strip() + " ") and section.split() == ["1", "Section"]


@needs_pdftotext
def test_a_few_lines_of_code_are_not_broken_across_pages():
    text = pdf_text(
        "# T",
        code(printed("line\n" * 54)),
        code(source="\n".join(f"code_{line} = 1" for line in range(9))),
    )
    assert [
        sum(f"code_{line} = 1" in page for line in range(9)) for page in text.split("\f")[:2]
    ] == [0, 9]


def pages_of(*cells):
    return len(pypdf.PdfReader(io.BytesIO(pdf(*cells))).pages)


def test_a_figure_is_made_a_little_smaller_only_where_a_third_of_a_page_would_be_empty():
    drawing = SVG.replace('width="72pt" height="36pt"', 'width="440pt" height="300pt"')
    figure = code(
        shown({"image/svg+xml": drawing}, {"image/svg+xml": {"alt": "a", "caption": "C"}})
    )
    assert [pages_of("# T", code(printed("line\n" * lines)), figure) for lines in (20, 22, 45)] == [
        1,
        1,
        2,
    ]


@needs_pdftotext
def test_a_table_of_many_rows_begins_on_the_page_of_its_code_and_one_of_a_few_is_not_broken():
    def first_page(lines, count):
        rows = "".join(f"<tr><td>row-{i}</td></tr>" for i in range(count))
        head = "<caption>CAPTION</caption><thead><tr><th>HEAD</th></tr></thead>"
        table = shown({"text/html": f"<table>{head}{rows}</table>"})
        return pdf_text("# T", code(printed("line\n" * lines)), code(table, source="SOURCE")).split(
            "\f"
        )[0]

    assert (
        "SOURCE" in first_page(25, 40)
        and "CAPTION" in first_page(25, 40)
        and "row-5" in first_page(25, 40)
        and "row-39" not in first_page(25, 40)
    )
    assert "SOURCE" not in first_page(52, 8) and "CAPTION" not in first_page(52, 8)


@needs_pdftotext
def test_code_that_is_wrapped_goes_on_further_to_the_right():
    made = pdf("# T", code(source="    first = call(" + "argument, " * 20 + ")\nsecond = 2"))
    done = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=made, capture_output=True, check=True
    )
    left = {}
    for word in BeautifulSoup(done.stdout.decode(), "html.parser").find_all("word"):
        left.setdefault(word["ymin"], (float(word["xmin"]), word.get_text()))
    at = {words: place for place, words in left.values()}
    assert at["argument,"] > at["first"] > at["second"]


@needs_pdftotext
def test_thirty_columns_stand_in_three_grids_of_one_size_inside_the_page():
    heads = "".join(f"<th>metric_{i}</th>" for i in range(30))
    cells = "".join(f"<td>{i}.0001</td>" for i in range(30))
    table = f"<table><thead><tr>{heads}</tr></thead><tr>{cells}</tr></table>"
    made = pdf("# T", code(shown({"text/html": table})))
    done = subprocess.run(
        ["pdftotext", "-bbox", "-", "-"], input=made, capture_output=True, check=True
    )
    words = [
        word
        for word in BeautifulSoup(done.stdout.decode(), "html.parser").find_all("word")
        if word.get_text().endswith(".0001")
    ]
    assert {round(float(word["ymax"]) - float(word["ymin"]), 2) for word in words} and len(
        {round(float(word["ymax"]) - float(word["ymin"]), 2) for word in words}
    ) == 1
    assert (
        max(float(word["xmax"]) for word in words) < 595 - 50
        and len({word["ymin"] for word in words}) == 3
        and len(words) == 32
    )


def test_headings_inside_quotations_are_no_sections():
    made = page("# T\n\n> # Quoted\n\n<details><summary>more</summary>\n\n## Folded\n\n</details>")
    assert [heading.get_text() for heading in made.find_all(["h1", "h2", "h3"])] == ["T"]
    assert "Quoted" in made.get_text() and "Folded" in made.get_text()


@needs_pdftotext
def test_a_table_with_too_many_columns_goes_on_below_with_its_first_column_again():
    cells = "".join(f"<td>cell-number-{i}</td>" for i in range(40))
    text = pdf_text(
        "# T", code(shown({"text/html": f"<table><tr><th>name</th>{cells}</tr></table>"}))
    )
    assert all(f"cell-number-{i}" in squeezed(text) for i in range(40)) and text.count("name") > 1


@needs_pdftotext
def test_a_table_inside_a_table_keeps_its_caption_and_takes_none_from_the_outer_one():
    inner = "<table><caption>inner</caption><tr><td>1</td></tr></table>"
    cell = code(shown({"text/html": f"<table><tr><td>{inner}</td><td>2</td></tr></table>"}))
    (table,) = blocks(cell, kind=TableBlock)
    assert (table.caption, table.number) == ("", 0)
    assert "inner" in pdf_text("# T", cell)


def test_a_drawing_with_letters_that_no_font_has_is_still_drawn():
    drawing = SVG.replace("</svg>", '<text y="9">漢 😀</text></svg>')
    cells = ["# T", code(shown({"image/svg+xml": drawing}, {"caption": "C"}))]
    assert pdf(*cells).startswith(b"%PDF-")
    if shutil.which("pdftotext"):
        assert "not shown" not in pdf_text(*cells)


def test_an_output_whose_html_shows_nothing_falls_back_to_its_markdown():
    output = shown({"text/html": "<script>x()</script>", "text/markdown": "*words*"})
    assert blocks(code(output))[1] == Prose("<p><em>words</em></p>")


def test_the_fields_of_the_title_block_keep_their_order_as_pairs():
    report = {"title": "T", "fields": [["Seed", 1], ["Epochs", "3 of 5"]]}
    assert document_from_notebook(notebook(code(shown({REPORT_MIME: report})))).fields == {
        "Seed": "1",
        "Epochs": "3 of 5",
    }


@needs_pdftotext
@pytest.mark.parametrize("length", [9, 90])  # 90 rows are more than a page
def test_no_caption_is_left_behind_at_the_foot_of_a_page(length):
    rows = "".join(f"<tr><td>row-{i}</td></tr>" for i in range(length))
    head = "<caption>CAPTION</caption><thead><tr><th>HEAD</th></tr></thead>"
    table = code(shown({"text/html": f"<table>{head}{rows}</table>"}))
    for lines in range(54, 64):
        pages = pdf_text("# T", code(printed("line\n" * lines)), table).split("\f")
        assert all("row-0" in page for page in pages if "CAPTION" in page)


@needs_pdftotext
def test_words_in_a_table_or_list_but_outside_its_cells_and_items_are_kept():
    soup = (
        "<table>one<tr><td>two</td>three</tr></table><ul>four<li>five</li></ul>"
        "<math><mi>six</mi></math>"
    )
    cells = ["# T", code(shown({"text/html": soup}))]
    for text in (page(*cells).main.get_text(), pdf_text(*cells)):
        assert all(word in text for word in ("one", "two", "three", "four", "five", "six"))


def test_a_report_that_breaks_a_standard_is_not_made_and_typst_says_why(monkeypatch):
    from labreport.reporting import pdf as room

    monkeypatch.setattr(room, "_missing_glyphs", lambda source: {})
    with pytest.raises(
        RuntimeError, match="could not set the report as ua-1 and a-3a: .*could not be displayed"
    ):
        pdf("# T 漢")


def test_what_tensorflow_logs_of_itself_is_left_out_and_its_errors_are_not():
    log = (
        "WARNING: All log messages before absl::InitializeLog() is called are written to"
        " STDERR\nI0000 00:00:1795299810.888910   10826 port.cc:153] oneDNN custom operations are"
        " on.\nTo enable the following instructions: AVX2, in other operations, rebuild TensorFlow"
        " with the appropriate compiler flags.\nE0000 00:00:1795299718.916625    9505"
        " node_def_util.cc:682] a real error\nmy own warning\n"
    )
    text = page("# T", code(new_output("stream", name="stderr", text=log))).get_text()
    assert "oneDNN" not in text and "InitializeLog" not in text and "AVX2" not in text
    assert "a real error" in text and "my own warning" in text
    assert (
        "stderr"
        not in page(
            "# T", code(new_output("stream", name="stderr", text=log.splitlines()[0] + "\n"))
        ).main.get_text()
    )


def test_headings_and_displayed_html_take_no_name_that_the_page_needs_itself():
    cells = [
        "# T",
        "## Table 1\n\nSee [](#tab).",
        "## Enlarged",
        cell("tab", code(shown({"text/html": SPANS}))),
        code(shown({"text/html": '<p id="enlarged">x</p><p id="figure-1">y</p>'})),
        code(CURVE),
    ]
    made = page(*cells)
    ids = [tag["id"] for tag in made.find_all(id=True)]
    assert (
        len(ids) == len(set(ids))
        and made.find("dialog")["id"] == "enlarged"
        and {"section-table-1", "section-enlarged", "table-1", "figure-1"} <= set(ids)
    )
    assert pdf(*cells).startswith(b"%PDF")


def test_a_reference_to_nothing_is_seen():
    assert (
        "See [no figure, table or section named typo]."
        in page("# T", "See [](#typo).").main.get_text()
    )

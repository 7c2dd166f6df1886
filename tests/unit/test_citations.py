"""Citations become numbers that lead to the references, which are exactly those cited."""

import io
import re

import nbformat
import pypdf
import pytest
from bs4 import BeautifulSoup

from helpers.project import ROOT
from labreport.analysis import figures
from labreport.reporting import citations
from labreport.reporting.html import html_page
from labreport.reporting.notebook import document_from_notebook
from labreport.reporting.pdf import pdf_bytes
from labreport.training import optimizers

CITED = re.compile(r"\[@([\w-]+)")


def document(*texts, language="en", own=True):
    cells = [nbformat.v4.new_markdown_cell(text, id=f"cell{n}") for n, text in enumerate(texts)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    if own:
        notebook.metadata["labreport"] = {"language": language}
    return document_from_notebook(notebook)


def page(*texts, **settings):
    return BeautifulSoup(html_page(document(*texts, **settings)), "html.parser")


def test_numbers_follow_the_first_citation_over_all_cells():
    found = page("# T\n\nHolm [@holm1979; @wilson1927].", "Again [@wilson1927, p. 210] `[@x]`.")
    paragraphs = [tag.get_text() for tag in found.select(".prose p")]
    assert paragraphs == ["Holm [1, 2].", "Again [2, p. 210] [@x]."]


def test_what_is_listed_is_exactly_what_is_cited_with_links_both_ways():
    found = page("# T\n\n## One\n\nAdam [@kingma2015], Holm [@holm1979], Adam [@kingma2015].")
    assert [tag.get_text() for tag in found.select("main h2")][-1].endswith("References")
    entries = found.select("ol.references > li")
    assert [entry["id"] for entry in entries] == ["reference-1", "reference-2"]
    assert "Adam: A Method" in entries[0].get_text() and "Holm" in entries[1].get_text()
    anchors = {tag["id"] for tag in found.find_all(id=True)}
    links = [tag["href"][1:] for tag in found.select("main a") if tag["href"].startswith("#")]
    assert set(links) <= anchors and links.count("reference-1") == 2
    assert links[-3:] == ["citation-1", "citation-3", "citation-2"]


def test_a_caption_cites_without_a_link_and_counts_all_the_same():
    table = figures.Table([{"Mean": 1}], "Intervals (Wilson [@wilson1927]).")
    shown = nbformat.v4.new_output("display_data", table._repr_mimebundle_())
    cell = nbformat.v4.new_code_cell("table", outputs=[shown])
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"labreport": {"language": "en"}})
    found = BeautifulSoup(html_page(document_from_notebook(notebook)), "html.parser")
    assert "Intervals (Wilson [1])." in found.caption.get_text()
    assert "Wilson" in found.select_one("#reference-1").get_text()


def test_an_abstract_cites_too():
    abstract = {"abstract": "It has an interval [@wilson1927]."}
    shown = nbformat.v4.new_output(
        "display_data", {"application/vnd.labreport.report+json": {"title": "T"} | abstract}
    )
    cell = nbformat.v4.new_code_cell("run", outputs=[shown])
    report = document_from_notebook(nbformat.v4.new_notebook(cells=[cell]))
    found = BeautifulSoup(html_page(report), "html.parser")
    assert "interval [1]." in found.select_one(".abstract").get_text()


def test_a_report_that_cites_nothing_has_no_references():
    assert not page("# T\n\nNothing, not even me@here.org or `[@kingma2015]`.").select(
        ".references"
    )


def test_references_are_written_in_the_language_of_the_report():
    found = page("# T\n\nAdam [@kingma2015].", language="es")
    assert "Referencias" in found.get_text() and "Kingma y J. Ba" in found.get_text()


def test_an_unknown_key_names_its_cell_and_the_nearest():
    with pytest.raises(ValueError, match=r"cell cell1: .*'kingma2014' \(did you mean 'kingma2015'"):
        document("# T", "Adam [@kingma2014].")


def test_a_notebook_of_somebody_else_s_keeps_what_looks_like_a_citation():
    assert (
        "of [@alex] and [@kingma2015]"
        in page("# T", "The work of [@alex] and [@kingma2015].", own=False).get_text()
    )


def test_the_pdf_has_the_links_and_keeps_its_standards():
    pdf = pdf_bytes(document("# T\n\n## One\n\nAdam [@kingma2015].", "- Again [@kingma2015]."))
    page = pypdf.PdfReader(io.BytesIO(pdf)).pages[0]
    inside = [note for note in page["/Annots"] if "/URI" not in note.get_object().get("/A", {})]
    assert len(inside) == 4  # two citations, and an arrow back to each
    text = " ".join(page.extract_text().split())
    assert "Adam [1]." in text and "Again [1]." in text and "[1] D. P. Kingma and J. Ba" in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_key_in_sentences_and_notebooks_has_an_entry_and_every_entry_is_used(language):
    texts = [
        *(ROOT / "lib/labreport/analysis").rglob("*.py"),
        *(ROOT / "notebooks").glob("*.ipynb"),
    ]
    keys = {key for path in texts for key in CITED.findall(path.read_text())}
    assert keys == set(citations._entries(language))


def test_every_optimizer_has_a_publication():
    from labreport.analysis.commentary import literature

    assert literature.OPTIMIZERS.keys() == optimizers.OPTIMIZERS.keys()


def test_translations_cite_what_the_sentences_cite():
    from labreport.core import i18n

    for message in i18n.catalogue("es"):
        if isinstance(message.id, str) and isinstance(message.string, str):
            assert CITED.findall(message.id) == CITED.findall(message.string), message.id

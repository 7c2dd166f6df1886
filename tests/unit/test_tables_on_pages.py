"""Tables of a PDF report: columns share the page, and cells break where a reader would."""

import io
import shutil

import pypdf
import pytest

from helpers.executed import code, notebook, shown
from labreport.reporting import columns
from labreport.reporting.blocks import Cell, TableBlock
from labreport.reporting.notebook import document_from_notebook
from labreport.reporting.pdf import pdf_bytes

needs_pdftotext = pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs poppler-utils")


def lines_of(*cells):
    reader = pypdf.PdfReader(io.BytesIO(pdf_bytes(document_from_notebook(notebook(*cells)))))
    return [line.strip() for page in reader.pages for line in page.extract_text().split("\n")]


def table(*rows):
    body = tuple(tuple(Cell(text, text) for text in row) for row in rows)
    return TableBlock((), body, len(rows[0]))


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("took 2 min 35 s", ["2\xa0min", "35\xa0s"]),
        ("70.2 % of 3 x 3 images", ["70.2\xa0%", "3\xa0x\xa03"]),
        ("p = 0.03, n \u2265 5", ["p\xa0=\xa00.03", "n\xa0\u2265\xa05"]),
        ("dropout [0.1, 0.2], dense", ["[0.1,\xa00.2], dense"]),
        ("36 of 50 epochs", ["36 of", "50 epochs"]),
    ],
)
def test_a_number_and_its_unit_are_not_parted(text, whole):
    assert all(part in columns.bound(text) for part in whole)


@pytest.mark.parametrize("limit", [5, 8, 12])
def test_no_bracket_is_parted_from_the_word_inside_it(limit):
    for text in ("augmentation (missing)", "rotation(40),shift(0.2)", "sigma=[0.1,0.2]"):
        parts = columns.broken(text, limit).replace(" ", "\u200b").split("\u200b")
        assert "".join(parts) == text.replace(" ", "")
        assert all(len(part) <= limit for part in parts)
        assert not any(part.endswith(("(", "[")) or part in ")]" for part in parts)


def test_a_column_of_long_texts_leaves_the_others_the_room_of_their_words():
    widths = columns.shares(table(["Computing time", "word " * 60], ["a", "b"]), 9, 11)
    assert widths[0] >= 14 * 4.5 + 11 and sum(widths) == pytest.approx(447, abs=1)
    assert columns.shares(table(["short", "also short"]), 9, 11) is None
    head = tuple(Cell(words, words, True) for words in ("a head of several words",) * 6)
    body = table(["cells of 14 ch"] * 6).body
    assert columns.shares(TableBlock((head,), body, 6), 9, 11) is None


def test_no_word_of_a_wide_table_is_broken_where_all_fit():
    words = ["cifar10_naive_adam", "augmentation (missing)", "categorical cross-entropy of it"]
    row = "".join(f"<td>{word}</td>" for word in [*words, *words])
    lines = lines_of("# T", code(shown({"text/html": f"<table><tr>{row}</tr></table>"})))
    text = " ".join(lines)
    for word in ("cifar10_naive_adam", "augmentation", "(missing)", "categorical"):
        assert text.count(word) >= 2, word

"""The report shows the Python source that built the network."""

import ast
import re
import sys

import pytest
from bs4 import BeautifulSoup

from helpers.project import ROOT
from labreport.analysis import commentary
from labreport.analysis.commentary import network_source as shown
from labreport.config import experiments
from labreport.core import imported_source, paths
from labreport.reporting import blocks, html, pandoc, typst_markup
from labreport.reporting.outputs import prose_blocks
from labreport.staleness import rules

EXPERIMENTS = ("cats_dogs_sigmoid", "cifar10_l2", "flowers_googlenet_sgd", "dog_breeds_mobilenetv2")


@pytest.fixture
def read(monkeypatch):
    """The modules of models as they are imported, without Keras."""
    texts = {
        ".".join(("labreport", *file.relative_to(paths.PACKAGE).with_suffix("").parts)): (
            file.read_text("utf-8")
        )
        for file in (paths.PACKAGE / "models").glob("*.py")
    }
    texts["labreport.models"] = texts.pop("labreport.models.__init__")
    monkeypatch.setattr(imported_source, "texts", imported_source.texts | texts)
    return imported_source.texts


def code(markdown):
    return re.search(r"`{8}python\n(.*)\n`{8}", markdown, re.DOTALL)[1]


def of(name, **changes):
    return commentary.source(experiments.load(name, changes), (32, 32, 3), 10)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_source_of_each_kind_of_model_is_python_that_begins_with_the_call_of_this_run(
    read, name
):
    statements = ast.parse(code(of(name))).body
    call = statements[0].value
    run = experiments.load(name, {})
    settings = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
    assert settings == run.model_args
    assert [ast.literal_eval(value) for value in call.args] == [(32, 32, 3), 10]
    assert statements[1].name == call.func.id and max(map(len, code(of(name)).split("\n"))) <= 101


def test_the_source_holds_what_the_model_uses_and_nothing_else(read):
    defined = {
        getattr(statement, "name", None) or statement.target.id
        for statement in ast.parse(code(of("flowers_googlenet_sgd"))).body[1:]
    }
    assert defined == {"googlenet", "_inception", "_auxiliary", "_pixels", "SCALES"}
    assert "# models/backbones.py" in code(of("dog_breeds_mobilenetv2"))


def test_only_the_models_own_docstring_is_kept_and_comments_are(read):
    text = code(of("flowers_googlenet_sgd"))
    assert "GoogLeNet without local" in text and "Four branches side by side" not in text
    assert "# What the pixels become before the first convolution" in text


def test_a_model_in_a_module_of_ones_own_is_shown_as_it_was_imported(read):
    read["labreport.models"] = read["labreport.models"].replace(
        "from . import cats_dogs,", "from . import mine, cats_dogs,"
    )
    read["labreport.models"] = read["labreport.models"].replace(
        '"cats_dogs": cats_dogs.three_convolutions', '"cats_dogs": mine.tiny'
    )
    read["labreport.models.mine"] = (
        "UNITS = 3\n\n\n@once\ndef tiny(shape, classes, *, head):\n    return UNITS, head\n"
    )
    assert code(of("cats_dogs_sigmoid")).endswith(
        "# models/mine.py\n\n@once\ndef tiny(shape, classes, *, head):\n    return UNITS, head"
        "\n\nUNITS = 3"
    )


def test_a_function_that_has_only_a_docstring_keeps_it():
    text = 'def empty():\n    """Nothing."""\n'
    assert shown._definition(text, "empty", with_docstring=False) == text.rstrip()


def document(markdown):
    return prose_blocks(pandoc.markdown_to_html([markdown])[0])


def test_the_page_folds_the_source_like_the_code_of_a_cell(read):
    parts = document(of("flowers_googlenet_sgd"))
    assert all(isinstance(part, blocks.Prose) for part in parts)
    tree = BeautifulSoup("".join(html._markup(part) for part in parts), "html.parser")
    folded = tree.select_one("details.fold")
    assert folded and not folded.has_attr("open") and folded.select_one("pre.code .k")
    assert folded.summary.get_text() == f"Source of the network, {lines_of(folded)} lines"


def lines_of(folded):
    return folded.pre.get_text().strip("\n").count("\n") + 1


def test_the_pdf_prints_short_sources_whole_and_of_long_ones_the_first_functions(read):
    def typst(name):
        writer = typst_markup.Writer()
        return "".join(writer.flow(part.html) for part in document(of(name)))

    assert "minus_one_to_one" in (short := typst("flowers_googlenet_sgd"))
    assert "more lines" not in short
    long = typst("dog_breeds_mobilenetv2")
    assert "def maps" in long and "def _names" not in long
    left = int(re.search(r"(\d+) more lines of code are in the HTML report", long)[1])
    whole = code(of("dog_breeds_mobilenetv2")).split("\n")
    # the blank line at the cut belongs to neither part
    assert left == len(whole) - 1 - max(at for at in range(101) if not whole[at])


def test_the_notebooks_show_the_source_in_a_cell_of_its_own():
    for name in ("cats_dogs", "cifar10", "dog_breeds", "flowers"):
        assert "commentary.source(run," in (ROOT / f"notebooks/{name}.ipynb").read_text("utf-8")


def test_showing_the_source_needs_no_keras():
    assert "keras" not in vars(sys.modules[commentary.source.__module__])


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_digest_of_a_notebook_finds_all_that_it_says_about_its_network(name):
    # in Spanish the sentences are looked up by the names of the functions
    run = experiments.load(name, {})
    found = rules.execution(ROOT / f"notebooks/{run.notebook}.ipynb", "es", run)
    assert {"models.layer_graph.graph", "analysis.figures.network_picture.network"} <= set(found)

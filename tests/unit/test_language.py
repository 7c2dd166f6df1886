"""Reports in two languages: every sentence has its translation, and numbers and dates are written
as they are there.
"""

import ast
import json
import re
import string

import pytest
import yaml

from helpers.project import ROOT
from labreport.core import i18n

SOURCES = [*sorted((ROOT / "lib/labreport").rglob("*.py"))]


def literal(node):
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def sentences():
    """(sentences said or noted, nouns counted) in the source, the notebooks, and the descriptions
    of experiments and sweeps.
    """
    said, nouns = set(), set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            )
            if name in ("_", "N_") and node.args and (text := literal(node.args[0])) is not None:
                said.add(text)
            if (
                name == "count"
                and len(node.args) == 2
                and (text := literal(node.args[1])) is not None
            ):
                nouns.add(text)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                for node in ast.walk(ast.parse("".join(cell["source"]))):
                    if (
                        isinstance(node, ast.Call)
                        and getattr(getattr(node.func, "value", None), "id", "") == "figures"
                    ):
                        said |= {
                            text
                            for part in [*node.args, *(keyword.value for keyword in node.keywords)]
                            for leaf in ast.walk(part)
                            if (text := literal(leaf)) and " " in text
                        }
    for path in (ROOT / "params").rglob("*.yaml"):
        values = yaml.safe_load(path.read_text())
        said |= {values["title"], values["question"], *values.get("differs", [])}
        said |= {
            text for key in ("source", "note") if (text := values.get("published", {}).get(key))
        }
    return said, nouns


def fields(text):
    return sorted(field for _, field, _, _ in string.Formatter().parse(text) if field is not None)


@pytest.mark.parametrize("language", [language for language in i18n.LANGUAGES if language != "en"])
def test_every_sentence_has_a_translation_with_the_same_fields_and_none_is_left_over(language):
    said, nouns = sentences()
    found = {
        message.id if isinstance(message.id, str) else message.id[0]: message
        for message in i18n.catalogue(language)
        if message.id
    }
    assert sorted((said | nouns) - found.keys()) == [], "these have no translation"
    assert sorted(found.keys() - said - nouns) == [], "these are said nowhere"
    for key, message in found.items():
        if key in nouns:
            assert message.id == (key, f"{key}s") and all(message.string), key
        else:
            assert message.string and fields(message.string) == fields(key), key
            assert (
                (key[:1] == " ") == (message.string[:1] == " ")
                and key.count("**") == message.string.count("**")
                and key.count("$") == message.string.count("$")
            ), key


def test_numbers_dates_and_counts_are_written_as_they_are_there():
    assert (i18n.number(1234.5, 2), i18n.percent(0.7024), i18n.count(45000, "epoch")) == (
        "1,234.50",
        "70.2\u00a0%",
        "45,000 epochs",
    )
    assert i18n.date("2026-11-24T22:10:04+00:00") == "24 November 2026, 22:10 UTC"
    with i18n.speaking("es"):
        assert (
            i18n.number(-1234.5, 2),
            i18n.percent(0.7024),
            i18n.count(45000, "epoch"),
        ) == ("\u22121.234,50", "70,2\u00a0%", "45.000 épocas")
        assert (
            i18n.count(1, "epoch") == "1 época"
            and i18n.date("2026-11-24T22:10:04+00:00") == "24 de noviembre de 2026, 22:10 UTC"
        )
    assert i18n.current_language() == "en"


def test_a_sentence_of_the_user_s_own_stays_as_it_is_and_another_language_is_refused():
    with i18n.speaking("es"):
        assert i18n._("My own {title}") == "My own {title}"
    with pytest.raises(ValueError, match="language must be one of en, es, got 'fr'"):
        i18n.set_language("fr")


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_notebook_s_references_name_a_cell_that_shows_one_thing_in_both_languages(path):
    cells = json.loads(path.read_text())["cells"]
    code = {cell["id"] for cell in cells if cell["cell_type"] == "code"}
    found = {
        language: [
            re.findall(r"\[(\w+)\]\(#([\w-]+)\)", "".join(cell["source"]))
            for cell in cells
            if language in cell["metadata"].get("tags", [])
        ]
        for language in i18n.LANGUAGES
    }
    for language, references in found.items():
        with i18n.speaking(language):
            names = {i18n._("Figure"), i18n._("Table"), i18n._("Section")}
        assert all(word in names and target in code for cell in references for word, target in cell)
    assert [[target for _, target in cell] for cell in found["en"]] == [
        [target for _, target in cell] for cell in found["es"]
    ] and any(found["en"])


def test_every_picture_that_the_documents_show_is_there():
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for picture in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", document.read_text()):
            assert "://" in picture or (document.parent / picture).exists(), (
                f"{document.name}: {picture}"
            )

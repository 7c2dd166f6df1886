"""README, CONTRIBUTING and docs: links lead somewhere, names exist in the code, lines are short."""

import ast
import json
import re
from functools import cache

import pytest

from helpers.project import ROOT
from labreport.training import losses

DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
PACKAGE = ROOT / "lib/labreport"
WIDTH = 100
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
FILE = re.compile(r"[\w./-]+\.(?:py|typ|css|js|j2|toml)")
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def prose(text):
    """The lines of a document outside its code blocks, with their numbers."""
    is_fenced, before = False, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif not is_fenced and not (line.startswith("    ") and not before.strip()):
            yield number, line
            before = line


@cache
def anchors(document):
    """The anchors that GitHub gives the headings of a document."""
    found = set()
    for _, line in prose(document.read_text()):
        if re.match("#{1,6} ", line):
            words = re.sub(r"[^\w\- ]", "", line.lstrip("#").strip().lower())
            found.add(words.replace(" ", "-"))
    return found


@each_document
def test_relative_links_and_anchors_lead_somewhere(document):
    for number, line in prose(document.read_text()):
        for link in LINK.findall(CODE.sub("", line)):
            if "://" in link:
                continue
            path, _, anchor = link.partition("#")
            target = (document.parent / path).resolve() if path else document
            assert target.exists(), f"{document.name}, line {number}: {link}"
            assert not anchor or anchor in anchors(target), (
                f"{document.name}, line {number}: {link}"
            )


def test_every_page_of_docs_is_linked_from_the_readme():
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked


def test_the_readme_has_at_most_120_lines():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@each_document
def test_lines_are_at_most_100_columns_wide(document):
    for number, line in prose(document.read_text()):
        if line.startswith("|") or LINK.search(line):
            continue
        assert len(line) <= WIDTH, f"{document.name}, line {number}: {len(line)} columns"


def spans(document):
    """The code in the prose of a document."""
    text = "\n".join(line for _, line in prose(document.read_text()))
    return CODE.findall(text)


@pytest.mark.parametrize("name", ["architecture.md", "extending.md"])
def test_the_files_that_a_page_about_the_code_names_exist(name):
    folders = [ROOT, PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir())]
    checked = 0
    for span in spans(ROOT / "docs" / name):
        if FILE.fullmatch(span):
            assert any((folder / span).exists() for folder in folders), f"{name}: {span}"
            checked += 1
    assert checked > 5


def test_the_names_that_the_page_about_extending_gives_are_in_the_code():
    sources = [*PACKAGE.rglob("*.py"), *(ROOT / "notebooks").glob("*.ipynb"), ROOT / "Makefile"]
    words = set(re.findall(r"\w+", "\n".join(path.read_text() for path in sources)))
    checked = 0
    for span in spans(ROOT / "docs/extending.md"):
        if re.fullmatch(r"[A-Za-z_][\w.]*", span) and not FILE.fullmatch(span) and span != "fr":
            assert set(span.split(".")) <= words, f"extending.md: {span}"
            checked += 1
    assert checked > 20


def test_the_losses_that_the_page_about_commands_lists_are_those_there_are():
    page = (ROOT / "docs/commands.md").read_text()
    section = page.partition("### Losses\n")[2].partition("\n### ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)[1:] == list(losses.LOSSES)


def test_the_tests_cells_and_experiments_that_the_page_about_coverage_names_exist():
    page = (ROOT / "docs/coverage.md").read_text()
    tests = {
        (path.name, name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    named = set(re.findall(r"`(test_\w+\.py)::(\w+)`", page))
    missing = named - tests
    assert not missing and len(named) > 50
    cells = {
        path.stem: {cell["id"] for cell in json.loads(path.read_text())["cells"]}
        for path in (ROOT / "notebooks").glob("*.ipynb")
    }
    for notebook, cell in re.findall(r"`(\w*)#([\w-]+)`", page):
        for place in [notebook] if notebook else cells.keys() - {"comparison"}:
            assert cell in cells[place], f"{place}#{cell}"
    found = []
    for number, pattern in re.findall(r"(\d+) experiments?, `params/([^`]+)`", page):
        files = [path.stem for path in (ROOT / "params").glob(pattern)]
        assert len(files) == int(number), pattern
        found += files
    assert sorted(found) == sorted(path.stem for path in (ROOT / "params").glob("*.yaml"))


def test_the_page_about_coverage_counts_its_items():
    page = (ROOT / "docs/coverage.md").read_text()
    sections = [section.partition("\n") for section in page.split("\n## ")[1:]]
    items = {
        name: str(len(re.findall(r"^\| (?!item )", rows, re.MULTILINE)))
        for name, _, rows in sections
    }
    assert dict(re.findall(r"^\| \[(D.*?)\]\(.*\| (\d+) \|$", page, re.MULTILINE)) == items


def imports():
    """package -> other packages of this package that it imports, wherever in a module."""
    found: dict[str, set[str]] = {}
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE).parts
        if len(parts) == 1:
            continue
        own = found.setdefault(parts[0], set())
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level == len(parts):
                names = [node.module] if node.module else [alias.name for alias in node.names]
                own |= {name.split(".")[0] for name in names} & packages - {parts[0]}
    return found


def reached(start, arrows):
    """All that arrows lead to from here."""
    found, waiting = set(), [start]
    while waiting:
        for name in arrows.get(waiting.pop(), set()) - found:
            found.add(name)
            waiting.append(name)
    return found


def test_the_diagram_of_the_packages_shows_their_imports():
    text = (ROOT / "docs/architecture.md").read_text()
    (diagram,) = re.findall(r"^```mermaid\n(.*?)^```", text, re.M | re.S)
    drawn: dict[str, set[str]] = {}
    for start, end in re.findall(r"^ +(\w+) --> (\w+)$", diagram, re.M):
        drawn.setdefault(start, set()).add(end)
    real = imports()
    # An arrow is left out where others lead to the same package.
    needed = {
        start: {
            end for end in ends if not any(end in reached(other, real) for other in ends - {end})
        }
        for start, ends in real.items()
    }
    assert drawn == {start: ends for start, ends in needed.items() if ends}

"""Who hands a report in: report.yaml or the command line, strictly read, in the reports only."""

import subprocess

import pytest

from labreport.cli import commands
from labreport.cli.options import apply_environment
from labreport.config import authors
from labreport.config.authors import Author, Authorship
from labreport.execution import due
from labreport.runs import provenance


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a report.yaml that is given its text."""
    for name in ("params", "notebooks"):
        (tmp_path / "project" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "project")
    for name in (authors.AUTHORS, authors.COURSE):
        monkeypatch.delenv(name, raising=False)
    return (tmp_path / "project/report.yaml").write_text


def test_without_a_file_nobody_is_named(project):
    assert authors.load() == Authorship()


def test_the_file_names_people_in_both_ways_and_the_command_line_has_the_last_word(
    project, monkeypatch
):
    project(
        'authors:\n  - Ada Lovelace\n  - {name: Grace Hopper, id: "042", email:'
        " g@h.example}\ncourse: Deep Learning\ninstitution: A University\nlanguage: es\n"
    )
    found = authors.load()
    assert found == Authorship(
        (Author("Ada Lovelace"), Author("Grace Hopper", "042", "g@h.example")),
        "Deep Learning",
        "A University",
        "es",
    )
    assert [str(author) for author in found.authors] == [
        "Ada Lovelace",
        "Grace Hopper (042, g@h.example)",
    ]
    monkeypatch.setenv(authors.AUTHORS, "")  # so that it is as before when the test ends
    monkeypatch.setenv(authors.COURSE, "")
    apply_environment(
        commands.parsers()[0].parse_args(
            ["report", "x", "--authors", "Alan Turing; Emmy Noether", "--course", "Logic"]
        )
    )
    assert authors.load() == Authorship(
        (Author("Alan Turing"), Author("Emmy Noether")), "Logic", "A University", "es"
    )


def test_the_language_of_the_file_counts_where_the_command_line_names_none(project):
    project("language: es")
    for arguments, language in (([], "es"), (["--language", "en"], "en")):
        options = commands.parsers()[0].parse_args(["report", "x", *arguments])
        apply_environment(options)
        assert options.language == language


@pytest.mark.parametrize(
    "text, says",
    [
        ("author: [A]", "report.yaml, line 1: unknown key 'author' .did you mean 'authors'"),
        ("course: 3", "report.yaml, line 1: course must be text, got 3"),
        ("authors: Ada", "line 1: authors must be a list, such as"),
        (
            "authors:\n  - {nam: Ada}",
            "an author must be a name, or a mapping with a name .name, id, email",
        ),
        (
            "authors:\n  - {name: Ada, mail: x}",
            "unknown key 'mail' of an author .did you mean 'email'",
        ),
        (
            "authors:\n  - {name: Ada, id: 42}",
            'id must be text, because a number would lose a leading 0; write it in quotes, "42"',
        ),
        ("course: A\nlanguage: fr", "report.yaml, line 2: language must be en or es, got 'fr'"),
        ("course: A\ncourse: B", "the key 'course' is given twice"),
        ("- a", "must be a mapping with the keys authors, course"),
    ],
)
def test_a_mistake_is_named_with_its_line(project, text, says):
    project(text)
    with pytest.raises(ValueError, match=says):
        authors.load()


def test_other_authors_only_render_again_and_are_written_nowhere_but_into_reports(tmp_path):
    (tmp_path / due.NOTEBOOK).write_text("{}")
    keys = [
        due.render_key(tmp_path, "en", {}, Authorship((Author(name),)))
        for name in ("Ada Lovelace", "Grace Hopper")
    ]
    assert due._reasons(None, *keys) == ["authors and course changed"] and "Lovelace" not in str(
        keys
    )


def test_the_file_with_names_is_no_change_of_the_source(project, tmp_path):
    folder = tmp_path / "project"
    (folder / "params/a.yaml").write_text("a: 1")
    project("authors: [Grace Hopper]")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "params", "report.yaml"], ["commit", "-qm", "a"]):
        subprocess.run([*git, *command], check=True)
    project("authors: [Ada Lovelace]")
    (folder / "params/a.yaml").write_text("a: 2")
    found = provenance.checkout()
    assert (
        found.changes == ["M params/a.yaml"]
        and "a: 2" in found.diff
        and "Lovelace" not in str(found)
    )

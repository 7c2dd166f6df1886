"""Who hands a report in, and for what: report.yaml at the top of the project, or the command line.

It goes into reports only.
"""

import os
from dataclasses import dataclass

from ..core import paths
from ..core.i18n import LANGUAGES
from . import yaml_reader
from .schema import nearest, quoted, typed

FILE = "report.yaml"
KEYS = {"authors": "list", "course": "str", "institution": "str", "language": "str"}
AUTHOR = {"name": "str", "id": "str", "email": "str"}
# what the command line says, for this process
AUTHORS, COURSE = ("LABREPORT_AUTHORS", "LABREPORT_COURSE")


@dataclass(frozen=True)
class Author:
    """One who hands the report in. id: a student's number or the like; empty texts where nothing is
    said.
    """

    name: str
    id: str = ""
    email: str = ""

    def __str__(self) -> str:
        others = ", ".join(filter(None, (self.id, self.email)))
        return f"{self.name} ({others})" if others else self.name


@dataclass(frozen=True)
class Authorship:
    """What the title block says of people and place; empty where nothing is said."""

    authors: tuple[Author, ...] = ()
    course: str = ""
    institution: str = ""
    language: str = ""


def load() -> Authorship:
    """What report.yaml says, with the command line's authors and course in their place; ValueError
    with file and line where the file is wrong.
    """
    found = _file() if (paths.root() / FILE).exists() else {}
    if os.environ.get(AUTHORS):
        found["authors"] = tuple(
            Author(name.strip()) for name in os.environ[AUTHORS].split(";") if name.strip()
        )
    if os.environ.get(COURSE):
        found["course"] = os.environ[COURSE]
    return Authorship(**found)


def _file() -> dict:
    values, lines = yaml_reader.read_file(paths.root() / FILE, FILE)
    values = {} if values is None else values  # a file of comments only
    if not isinstance(values, dict):
        raise ValueError(f"{FILE}: must be a mapping with the keys {', '.join(KEYS)}, all optional")
    for key, value in values.items():
        where = f"{FILE}, line {lines[(key,)]}"
        if key not in KEYS:
            raise ValueError(
                f"{where}: unknown key {key!r}{nearest(key, KEYS)}; the keys are {', '.join(KEYS)}"
            )
        if key == "authors":
            if not isinstance(value, list):
                raise ValueError(
                    f"{where}: authors must be a list, such as [Ada Lovelace, {{name: Grace"
                    f' Hopper, id: "42"}}], got {quoted(value)}'
                )
            values[key] = tuple(_author(entry, where) for entry in value)
        else:
            typed(value, KEYS[key], key, where)
    if values.get("language", "en") not in LANGUAGES:
        raise ValueError(
            f"{FILE}, line {lines[('language',)]}: language must be {' or '.join(LANGUAGES)}, got"
            f" {quoted(values['language'])}"
        )
    return values


def _author(entry, where: str) -> Author:
    if isinstance(entry, str) and entry.strip():
        return Author(entry.strip())
    if not isinstance(entry, dict) or "name" not in entry:
        raise ValueError(
            f"{where}: an author must be a name, or a mapping with a name ({', '.join(AUTHOR)}),"
            f" got {quoted(entry)}"
        )
    for key, value in entry.items():
        if key not in AUTHOR:
            raise ValueError(
                f"{where}: unknown key {key!r} of an author{nearest(key, AUTHOR)}; the keys are"
                f" {', '.join(AUTHOR)}"
            )
        if key == "id" and type(value) is int:
            raise ValueError(
                f"{where}: id must be text, because a number would lose a leading 0; write it in"
                f' quotes, "{value}"'
            )
        typed(value, AUTHOR[key], key, where)
    return Author(**entry)

"""Tests lie in the folder of what they cost, as tests/README.md says."""

import re

import pytest

from helpers.project import ROOT

TESTS = ROOT / "tests"
FOLDERS = {"unit", "browser", "notebook", "process", "host"}
FILES = sorted(path.relative_to(TESTS) for path in TESTS.rglob("test_*.py"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_a_file_of_tests_lies_in_a_folder_and_is_as_slow_as_that_says(file):
    assert file.parts[0] in FOLDERS and len(file.parts) == 2
    slow = re.findall(
        r"^(?:@|pytestmark = )pytest\.mark\.slow$", (TESTS / file).read_text(), re.MULTILINE
    )
    if file.parts[0] in ("unit", "browser"):
        assert not slow, "a slow test belongs into notebook, process or host"
    if file.parts[0] == "host":
        assert slow == ["pytestmark = pytest.mark.slow"]


def test_the_readme_names_every_folder():
    named = {
        line.split("`")[1]
        for line in (TESTS / "README.md").read_text().splitlines()
        if line.startswith("| `")
    }
    assert named == {f"{folder}/" for folder in FOLDERS}

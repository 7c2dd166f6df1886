"""A project with a sweep, and processes in it whose trainings can be held."""

import pytest

from helpers.clusters import made, surroundings
from helpers.gate import Gate


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "gate")


@pytest.fixture
def environment(tmp_path, gate):
    return gate.before(surroundings(tmp_path))

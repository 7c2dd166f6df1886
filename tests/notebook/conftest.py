"""A finished report, which takes a kernel: made once, and copied by tests that change something."""

import pytest

from helpers.project import finished_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The project with a finished report; nothing of it may be changed."""
    return finished_project(tmp_path_factory)


@pytest.fixture(scope="module")
def project(finished, tmp_path_factory):
    """A copy for the tests of a module: each leaves it with a finished report."""
    return finished.copied(tmp_path_factory.mktemp("zaphodb") / "checkout")

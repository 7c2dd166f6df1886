"""One set of versions: pyproject.toml asks, the locks pin and verify, environment.yml repeats."""

import re
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement

from conftest import ROOT

LOCKS = {"requirements.lock": "cpu", "requirements-cuda.lock": "cuda"}


def pinned(lock):
    """{name: requirement} of a lock file; a name may stand twice, with other markers."""
    return [
        Requirement(line.split("\\")[0])
        for line in (ROOT / lock).read_text().splitlines()
        if re.match(r"[a-z0-9]", line)
    ]


@pytest.mark.parametrize("lock, build", LOCKS.items())
def test_the_lock_pins_what_pyproject_asks_for(lock, build):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [
        Requirement(text)
        for group in ("notebook", "report", "kaggle", "test", build)
        for text in project["optional-dependencies"][group]
    ]
    asked += [Requirement(text) for text in project["dependencies"]]
    versions = {}
    for requirement in pinned(lock):
        (version,) = requirement.specifier
        assert version.operator == "=="
        versions.setdefault(requirement.name, set()).add(version.version)
    for requirement in asked:
        name = requirement.name.replace("_", "-")
        assert name in versions, f"{lock} lacks {name}: make lock"
        assert all(requirement.specifier.contains(version) for version in versions[name]), (
            f"{lock} has {name} {versions[name]}, asked for {requirement}: make lock"
        )


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pinned_package_has_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    for entry in re.split(r"\n(?=[a-z0-9])", text.strip()):
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry.splitlines()[0]


def test_environment_yml_has_the_same_pins_as_the_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (by_pip,) = [entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict)]
    listed = [Requirement(text) for text in by_pip if not text.startswith("--")]
    assert {(requirement.name, str(requirement.specifier)) for requirement in listed} == {
        (requirement.name, str(requirement.specifier))
        for requirement in pinned("requirements.lock")
    }
    assert by_pip[-1] == "--editable ."


def test_what_is_installed_is_what_is_locked():
    import importlib.metadata

    environment = {"extra": ""}
    for requirement in pinned("requirements.lock"):
        if requirement.marker is None or requirement.marker.evaluate(environment):
            if requirement.name == "tensorflow-cpu" and not any(
                d.metadata["Name"] == "tensorflow-cpu" for d in importlib.metadata.distributions()
            ):
                continue  # the CUDA build stands in its place
            assert requirement.specifier.contains(importlib.metadata.version(requirement.name)), (
                f"{requirement}: make setup"
            )

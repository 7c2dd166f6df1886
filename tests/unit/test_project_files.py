"""What stands beside the code says what the code says: versions, licence, commands, paths."""

import json
import re
import tomllib

import yaml
from packaging.specifiers import SpecifierSet

from helpers.project import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGES = ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")


def read(name):
    return (ROOT / name).read_text()


def test_citation_and_changelog_name_the_version_and_licence_of_pyproject():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"] == "MIT"
    assert citation["repository-code"] == PROJECT["urls"]["Repository"]
    assert citation["authors"] == PROJECT["authors"]
    assert f"\n## [{PROJECT['version']}]" in read("CHANGELOG.md")
    assert read("LICENSE").startswith("MIT License\n")
    assert PROJECT["authors"][0]["name"] in read("LICENSE")


def test_the_hosted_workflow_runs_ci_run_and_may_only_read():
    (path,) = (ROOT / ".github/workflows").iterdir()
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert steps[-1] == {"run": "bash .ci/run"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
    for step in steps:
        assert "uses" not in step or re.search(r"@[0-9a-f]{40}$", step["uses"]), step


def test_ci_run_lints_before_it_tests():
    script = read(".ci/run")
    assert re.search(
        r"^for part in lint test test-slow; do$.*^\tmake \"\$part\"$", script, re.M | re.S
    )


def test_pre_commit_runs_the_tools_of_make_lint():
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    makefile = read("Makefile")
    linted = re.findall(
        r"\$\(VENV\)/bin/(\w+)", makefile[makefile.index("\nlint:") :].split("\n\n")[0]
    )
    hooks = [hook["entry"].split()[0] for hook in repository["hooks"]]
    assert hooks == [f".venv/bin/{tool}" for tool in linted]


def test_the_development_container_has_a_python_that_fits():
    text = re.sub(r"^\s*//.*$", "", read(".devcontainer/devcontainer.json"), flags=re.M)
    container = json.loads(text)
    version = re.search(r"python:(\d\.\d+)-", container["image"])[1]
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    assert container["postCreateCommand"] == "make setup"


def test_the_paths_links_and_commands_of_the_pages_lead_somewhere():
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.M))
    for page in PAGES:
        text = read(page)
        for link in re.findall(r"\]\(((?!https:)[^)#]+)", text):
            assert (ROOT / link).exists(), f"{page}: {link}"
        for path in re.findall(r"`((?:lib|params|\.ci|\.devcontainer)/[^`]*)`", text):
            assert (ROOT / path).exists(), f"{page}: {path}"
        for command in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.M):
            # a changelog tells of former commands
            assert page == "CHANGELOG.md" or command in targets, f"{page}: make {command}"

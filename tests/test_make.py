"""make hands on what it is given as it is: no variable of the Makefile is a command for the shell,
or for make.
"""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

TEXT = (ROOT / "Makefile").read_text()
MAKES_OWN = {"MAKE", "SHELL", "PATH"}  # they say which programs run
VARIABLES = sorted(
    {
        name
        for pattern in (
            r"\$\(([A-Z_]+)\b",
            r"\$\$\{?([A-Z_]+)\b",
            r"^(?:override |export )*([A-Z_]+) *[:?]?=",
        )
        for name in re.findall(pattern, TEXT, re.M)
    }
    - MAKES_OWN
)
TARGETS = [name for name in re.findall(r"^([a-z-]+):", TEXT, re.M) if name != "install"]
EVIL = [
    '"; touch INJECTED; "',
    "'; touch INJECTED; '",
    "$(touch INJECTED)",
    "$(shell touch INJECTED)",
    "${shell touch INJECTED}",
    "`touch INJECTED`",
    "; touch INJECTED #",
    "x\ntouch INJECTED\n",
    "$(eval x:=$(shell touch INJECTED))",
    "a$b $$c \\",
    "| touch INJECTED",
    "&& touch INJECTED",
]
STAND_IN = """#!{python}
import json, os, sys
with open({said!r}, "a") as file:
    file.write(json.dumps(sys.argv[1:]) + "\\n")
"""
# Variables whose value reaches a program as a word of its own; the others are switches.
WORDS = {
    "EXP",
    "NAME",
    "DATA",
    "SET",
    "PDF",
    "AUTHORS",
    "COURSE",
    "A",
    "B",
    "ACCEPT",
    "JOBS",
    "RETRY",
    "SCHEDULER",
    "ACCELERATOR",
    "HOURS",
    "TOLERANCE",
    "KILLS",
}


@pytest.fixture
def project(tmp_path):
    """The Makefile in a project whose programs write down what they are called with."""
    for name in (
        "Makefile",
        "pyproject.toml",
        "requirements.lock",
        "requirements-cuda.lock",
        "environment.yml",
    ):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "lib").mkdir()
    for name in ("setup_environment.py", "choose_python.py"):
        shutil.copy(ROOT / "lib" / name, tmp_path / "lib")
    for program in (tmp_path / ".venv/bin/python", tmp_path / "bin/uv"):
        program.parent.mkdir(parents=True)
        program.write_text(STAND_IN.format(python=sys.executable, said=str(tmp_path / "said")))
        program.chmod(0o755)
    (tmp_path / "bin/nvidia-smi").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin/nvidia-smi").chmod(0o755)
    (tmp_path / ".venv/installed").write_bytes(
        (ROOT / "requirements.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    )
    return tmp_path


def make(project, *arguments, **environment):
    clean = {
        key: value
        for key, value in os.environ.items()
        if key not in VARIABLES and not key.startswith("MAKE")
    }
    path = f"{project / 'bin'}{os.pathsep}{clean['PATH']}"
    return subprocess.run(
        ["make", "-k", *arguments],
        cwd=project,
        env=clean | {"PATH": path} | environment,
        capture_output=True,
        text=True,
        errors="replace",
    )


def said(project):
    """The words that programs were called with."""
    lines = (project / "said").read_text().splitlines() if (project / "said").exists() else []
    return {word for line in lines for word in json.loads(line)}


def test_the_variables_are_taken_from_the_makefile():
    assert {
        "PYTHON",
        "VENV",
        "KILLS",
        "LANG",
        "REPOSITORY",
        "TOLERANCE",
        "JOBS",
        "OPTIONS",
        "COMPILE",
        "REPORTS_IN",
        *WORDS,
    } <= set(VARIABLES)
    assert {"reproduce", "address", "soak", "lock", "help"} <= set(TARGETS)


@pytest.mark.parametrize("value", EVIL)
@pytest.mark.parametrize("way", ["command line", "environment"])
def test_no_value_of_a_variable_is_a_command(project, value, way):
    values = {name: f"{value} {name}" for name in VARIABLES}
    here = (
        values if way == "command line" else {"NAME": values["NAME"]}
    )  # Windows' Linux sets NAME, so that the environment's does not count
    set_here = [f"{name}={text}" for name, text in here.items()]
    # with a PYTHON that does not start no command would
    others = [word for word in set_here if not word.startswith("PYTHON=")]
    elsewhere = {} if here is values else {k: v for k, v in values.items() if k != "PYTHON"}
    done = make(project, *TARGETS, *others, **elsewhere)
    (project / ".venv/installed").unlink()
    installing = make(project, "setup", *set_here, **({} if here is values else values))
    told = done.stderr + installing.stderr
    assert (
        not list(project.rglob("INJECTED"))
        and "syntax error" not in told
        and "unexpected EOF" not in told
    ), told
    assert {values[name] for name in WORDS} <= said(project), "each as it is"
    assert (
        f"--sbatch={values['SBATCH']}" in said(project)
        and f"REPOSITORY is {values['REPOSITORY']}" in done.stdout
    )
    assert (
        installing.returncode and f"PYTHON={values['PYTHON']} does not start" in installing.stderr
    )


def test_without_any_variable_a_name_is_asked_for_and_python3_sets_up(project):
    assert (
        "make: EXP is missing" in make(project, "report").stdout
        and make(project, "report", "EXP=e").returncode == 0
    )
    assert {"report", "e"} <= said(project) and not {
        "--data",
        "--set",
        "--debug",
        "--language",
    } & said(project)
    (project / "bin/python3").write_text((project / "bin/uv").read_text())
    (project / "bin/python3").chmod(0o755)
    (project / ".venv/installed").unlink()
    make(project, "setup")
    assert {"lib/setup_environment.py", "requirements.lock"} <= said(project)

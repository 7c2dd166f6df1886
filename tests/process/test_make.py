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

from helpers.makefile import TAKES, TEXT
from helpers.project import ROOT, copy_project

MAKES_OWN = {"MAKE", "SHELL", "PATH"}  # they say which programs run
OF_COMMANDS = {name for takes in TAKES.values() for name in takes}
VARIABLES = sorted(
    {
        name
        for pattern in (
            r"\$\(([A-Z_]+)\b(?!\$)",
            r"\$\$\{?([A-Z_]+)\b",
            r"^(?:override |export )*([A-Z_]+) *[:?]?=",
            r"\b([A-Z_]+)=--",
            r"^[a-z]+: override ([A-Z_]+) ",
        )
        for name in re.findall(pattern, TEXT, re.M)
    }.union(OF_COMMANDS, (f"AS_{name}" for name in OF_COMMANDS))
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
# Variables whose value reaches a program as a word of its own, and as the value of an option; the
# others are switches.
WORDS = {"EXP", "NAME", "PDF", "A", "B", "IMAGES", "KILLS", "REPETITIONS"}
OPTIONS = {
    "DATA": "--data",
    "SET": "--set",
    "AUTHORS": "--authors",
    "COURSE": "--course",
    "ACCEPT": "--accept",
    "JOBS": "--jobs",
    "EXECUTOR": "--executor",
    "RETRY": "--retry",
    "SBATCH": "--sbatch",
    "SCHEDULER": "--scheduler",
    "ACCELERATOR": "--accelerator",
    "HOURS": "--hours",
    "TOLERANCE": "--tolerance",
    "OUTPUT": "--output",
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
        ["make", *arguments],
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
        "REPETITIONS",
        "LANG",
        "REPOSITORY",
        "TOLERANCE",
        "OPTIONS",
        "SWITCHES",
        "TAKES",
        "GIVEN",
        "COMPILE",
        *WORDS,
        *OPTIONS,
    } <= set(VARIABLES)
    assert {"report", "verify", "slurm", "address", "soak", "lock", "help"} <= set(TARGETS)


@pytest.mark.parametrize("value", EVIL)
@pytest.mark.parametrize("way", ["command line", "environment"])
def test_no_value_of_a_variable_is_a_command(project, value, way):
    values = {name: f"{value} {name}" for name in VARIABLES}
    # Windows' Linux sets NAME, so that the environment's does not count
    here = values if way == "command line" else {"NAME": values["NAME"]}
    set_here = [f"{name}={text}" for name, text in here.items()]
    # with a PYTHON that does not start no command would
    others = [word for word in set_here if not word.startswith("PYTHON=")]
    elsewhere = {} if here is values else {k: v for k, v in values.items() if k != "PYTHON"}
    done = make(project, "-k", *TARGETS, *others, **elsewhere)
    (project / ".venv/installed").unlink()
    installing = make(project, "setup", *set_here, **({} if here is values else values))
    errors = done.stderr + installing.stderr
    assert not list(project.rglob("INJECTED"))
    assert "syntax error" not in errors and "unexpected EOF" not in errors, errors
    assert "command not found" not in done.stderr, errors
    given = {values[name] for name in WORDS}
    given |= {f"{option}={values[name]}" for name, option in OPTIONS.items()}
    assert given <= said(project), "each as it is"
    assert (f"--language={values['LANG']}" in said(project)) == (way == "command line")
    assert f"such as https://github.com/me/labreport, got {values['REPOSITORY']}" in done.stdout
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


@pytest.fixture
def installed(project):
    """The whole project, as `make setup` leaves it."""
    shutil.rmtree(project / "lib")
    copy_project(project)
    (project / ".venv/bin/python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    return project


def test_settings_are_handed_on_untouched_by_the_shell(installed):
    settings = "SET=filters=[[8], [8], [8]] epochs=3"
    done = make(installed, "show", "EXP=cifar10_l2", settings, "DATA=sample")
    assert done.returncode == 0 and "model_args.filters = [[8], [8], [8]]" in done.stdout
    for evil in ("EXP=x; echo INJECTED", "EXP=$(echo INJECTED)"):
        done = make(installed, "show", evil, "SET=epochs=3; echo INJECTED")
        assert done.returncode != 0 and "INJECTED" not in done.stdout


def test_paths_of_images_are_handed_on_in_one_word(project):
    assert make(project, "predict", "EXP=e", "IMAGES=a.jpg 'my photo.jpg'").returncode == 0
    assert {"predict", "e", "a.jpg 'my photo.jpg'"} <= said(project)


def test_an_assignment_is_asked_for_and_a_machines_name_ignored(installed):
    done = make(installed, "compare", NAME="LAPTOP-7")
    assert done.returncode != 0
    assert "NAME is missing, such as NAME=flowers" in done.stdout + done.stderr
    done = make(installed, "compare", "NAME=x; echo INJECTED")
    assert done.returncode != 0 and "INJECTED" not in done.stdout
    assert "there is no assignment 'x; echo INJECTED'" in done.stderr


def test_a_variable_that_a_command_does_not_take_is_named_and_ignored(project):
    done = make(project, "list", "EXP=e", "DEBUG=1", LANG="de_DE.UTF-8", COURSE="c")
    assert done.returncode == 0 and done.stderr == "make: 'list' takes no EXP; it is ignored\n"
    assert said(project) == {"pipeline.py", "list", "--debug"}


def test_a_missing_name_is_asked_for_before_anything_is_installed(project):
    (project / ".venv/installed").unlink()
    for command, missing in (
        ("why", "EXP is missing, such as EXP=cifar10_l2_dropout; `make list`"),
        ("compare", "NAME is missing, such as NAME=flowers; the assignments"),
        ("status", "NAME is missing, such as NAME=cifar10_optimizers; the sweeps"),
        ("kaggle", "EXP or NAME is missing, such as EXP=flowers_vgg16_adam"),
        ("verify", "EXP or PDF is missing, such as EXP=cifar10_l2_dropout"),
        ("diff", "A and B are missing, such as A=cifar10_l2"),
        ("predict EXP=e", "IMAGES is missing, such as IMAGES=photo.jpg"),
    ):
        done = make(project, *command.split())
        assert done.returncode == 2 and f"make: {missing}" in done.stdout
    assert said(project) == set()


def test_make_alone_lists_ten_commands_and_make_help_all_of_them(project):
    usual, everything = (
        re.findall(r"^  make ([a-z-]+) ", make(project, *goal).stdout, re.M)
        for goal in ([], ["help"])
    )
    assert len(usual) == 10 and everything[:10] == usual
    described = re.findall(r"^([a-z-]+):.*## ", TEXT, re.M)
    assert everything == described and set(TAKES) < set(everything)
    assert everything.index("help") < everything.index("setup")  # and what maintainers use is last

"""What the command line says where it cannot run: Windows, an old Python, missing packages."""

import ast
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from helpers.project import ROOT
from labreport.cli import errors

SCRIPT = ROOT / "pipeline.py"
# Of a notebook's host, or of whoever wants another backend: set-up does not install them.
OTHERS = {"google", "kaggle_secrets", "jax"}


def started(*arguments, before="", options=(), **environment):
    """pipeline.py in a process of its own, in which something is done before it starts."""
    program = (
        f"import runpy, sys\n{before}\nsys.argv = ['pipeline.py', *sys.argv[1:]]\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, *options, "-c", program, *arguments],
        cwd=ROOT,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


def only_line(done):
    """The one line that a command says that cannot run here."""
    assert done.returncode == 1 and done.stdout == "", done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [[], ["list"], ["report", "cifar10_l2"], ["--help"]])
def test_on_windows_it_says_what_is_needed_and_imports_nothing_of_linux(command):
    before = "sys.platform = 'win32'; sys.modules['fcntl'] = sys.modules['resource'] = None"
    said = only_line(started(*command, before=before))
    assert "labreport does not run on Windows itself; use WSL (`wsl --install`" in said
    assert "devcontainer" in said and "make setup" not in said and "fcntl" not in said


@pytest.mark.parametrize("command", [[], ["list"], ["--help"]])
def test_an_old_python_is_named_with_what_is_needed(command):
    before = "sys.version_info = (3, 8, 10, 'final', 0); sys.version = '3.8.10 (default)'"
    said = only_line(started(*command, before=before))
    assert "needs Python 3.11 or newer, and this is Python 3.8.10 (" in said
    assert said.endswith("run `make setup`, then use .venv/bin/python\n")


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.8", "3.10"])
def test_an_old_python_that_is_here_says_so_itself(version):
    python = shutil.which(f"python{version}")
    if python is None or subprocess.run([python, "--version"], capture_output=True).returncode:
        pytest.skip(f"there is no Python {version} here")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, str(SCRIPT), "list"], env=environment, capture_output=True, text=True
    )
    assert f"and this is Python {version}." in only_line(done)


def test_the_script_is_written_in_what_old_pythons_read_too():
    tree = ast.parse(SCRIPT.read_text(), feature_version=(3, 4))
    newer = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.FunctionDef, ast.With, ast.Match)
    assert not [node for node in ast.walk(tree) if isinstance(node, newer)]
    [check] = [node for node in tree.body if isinstance(node, ast.If)][:1]
    imported = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    early = [node for node in imported if node.lineno < check.lineno]
    assert {name.name for node in early for name in node.names} == {"os", "sys"}


def test_without_any_package_it_says_how_to_get_them():
    for command in (["list"], ["report", "cifar10_l2"]):
        said = only_line(started(*command, options=["-S"]))
        assert said.startswith("error: yaml is not installed for ")
        assert said.endswith("; run `make setup`, then use .venv/bin/python\n")


@pytest.fixture
def half(tmp_path):
    """A folder with PyYAML and nothing else, as Debian's Python has it."""
    (tmp_path / "half").mkdir()
    (tmp_path / "half/yaml").symlink_to(Path(yaml.__file__).parent)
    return {"PYTHONPATH": str(tmp_path / "half")}


@pytest.mark.parametrize(
    "command",
    [
        "report cifar10_l2 --data sample",
        "all cifar10 --data sample",
        "why cifar10_l2",
        "check",
        "show cifar10_l2 --build",
        "data flowers",
        "sweep cifar10_optimizers",
        "verify cifar10_l2",
        "verify report.pdf",
        "kaggle cifar10_l2",
        "diff cifar10_l2 cifar10_rmsprop",
    ],
)
def test_with_yaml_alone_a_command_says_the_same_in_one_line(command, half):
    done = started(*command.split(), options=["-S"], **half)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, done.stderr
    said = re.fullmatch(
        r"error: (\w+) is not installed for .*; run `make setup`, then use .venv/bin/python\n",
        done.stderr,
    )
    assert said and said[1] in errors.INSTALLED_BY_SETUP


def test_with_yaml_alone_experiments_are_still_listed_and_shown(half):
    done = started("list", options=["-S"], **half)
    assert done.returncode == 0 and "cifar10_l2_dropout" in done.stdout
    assert done.stderr.startswith("the index of the reports could not be written: ")
    assert "is not installed for" in done.stderr and done.stderr.count("\n") == 1
    done = started("show", "cifar10_l2", options=["-S"], **half)
    assert done.returncode == 0 and "model: cifar10" in done.stdout and not done.stderr


def test_a_missing_module_of_the_user_s_own_is_named_as_what_it_is(tmp_path):
    for name in ("params", "notebooks", "lib"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(SCRIPT, tmp_path)
    with open(tmp_path / "lib/labreport/models/cifar10.py", "a") as models:
        models.write("\nimport my_layers\n")

    def run(*more):
        command = [sys.executable, "pipeline.py", "show", "cifar10_l2", "--build", *more]
        environment = os.environ | {"PYTHONPATH": str(tmp_path / "lib")}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = run()
    said = "ModuleNotFoundError: No module named 'my_layers'"
    assert done.returncode == 1 and f"error: {said} (--debug shows the traceback)\n" in done.stderr
    assert "make setup" not in done.stderr
    done = run("--debug")
    assert "Traceback" in done.stderr and "import my_layers" in done.stderr
    assert done.stderr.endswith(f"{said}\n")


def test_a_module_of_ours_that_is_missing_is_no_matter_of_set_up():
    for name in ("labreport.nothing", "numbers_and_more", None):
        error = ModuleNotFoundError(f"No module named {name!r}", name=name)
        assert errors.explain(error).startswith("ModuleNotFoundError: No module named")
    error = ModuleNotFoundError("No module named 'scipy.stats'", name="scipy.stats")
    assert errors.explain(error).startswith("scipy.stats is not installed for ")


def test_the_table_of_packages_is_what_the_program_imports_and_set_up_installs():
    imported = set()
    for path in (ROOT / "lib/labreport").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.partition(".")[0])
    imported -= {*sys.stdlib_module_names, *OTHERS, "labreport"}
    assert imported <= errors.INSTALLED_BY_SETUP
    locked = re.findall(r"^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text(), re.M)
    packages = importlib.metadata.packages_distributions()
    for module in errors.INSTALLED_BY_SETUP & packages.keys():
        names = {name.lower().replace("_", "-").replace(".", "-") for name in packages[module]}
        assert names & set(locked), module

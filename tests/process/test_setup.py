"""`make setup` finds a Python that fits, or has one brought, and says what is lacking."""

import ast
import json
import re
import shutil
import sys

import pytest

from helpers.project import ROOT

SCRIPTS = ("setup_environment.py", "choose_python.py")


# Which Python


@pytest.mark.parametrize("place", ["bin/python3", "bin/python", "bin/python3.12"])
def test_a_python_on_the_path_that_fits_is_used(machine, place):
    machine.python("bin/python3.10", "3.10.4")
    machine.python(place, "3.12.1")
    code, out, error = machine.set_up()
    assert code == 0, error
    assert "setting up .venv with Python 3.12.1" in out and machine.installed.exists()
    assert machine.used() == place


def test_the_newest_python_that_fits_is_used_wherever_it_is(machine):
    machine.python("bin/python3", "3.14.0")
    machine.python("bin/python3.11", "3.11.9")
    machine.python("home/.pyenv/versions/3.12.1/bin/python3", "3.12.1")
    machine.python("home/.pyenv/versions/3.10.1/bin/python3", "3.10.1")
    assert machine.set_up()[0] == 0
    assert machine.used() == "home/.pyenv/versions/3.12.1/bin/python3"
    machine.python("conda/bin/python3", "3.11.9")
    machine.python("conda/envs/course/bin/python3", "3.13.1")
    machine.installed.unlink()
    assert machine.set_up(CONDA_EXE=str(machine.folder / "conda/bin/conda"))[0] == 0
    assert machine.used() == "conda/envs/course/bin/python3"


def test_of_equal_versions_the_path_comes_before_pyenv_conda_and_uv(machine):
    places = [
        "bin/python3.13",
        "pyenv/versions/3.13.9/bin/python3",
        "conda/bin/python3",
        "home/.local/share/uv/python/cpython-3.13/bin/python3",
    ]
    for place in places:
        machine.python(place, "3.13.9" if "pyenv" in place else "3.13.1")
    for place in places:
        assert (
            machine.set_up(
                PYENV_ROOT=str(machine.folder / "pyenv"),
                CONDA_PREFIX=str(machine.folder / "conda"),
            )[0]
            == 0
        )
        assert machine.used() == place
        machine.installed.unlink()
        (machine.folder / place).unlink()


def test_conda_s_own_list_of_environments_is_read(machine):
    machine.python("elsewhere/bin/python3", "3.11.5")
    (machine.folder / "home/.conda").mkdir()
    (machine.folder / "home/.conda/environments.txt").write_text(
        f"{machine.folder}/gone\n{machine.folder}/elsewhere\n"
    )
    assert machine.set_up()[0] == 0
    assert machine.used() == "elsewhere/bin/python3"


def test_a_virtual_environment_stands_for_the_python_it_was_made_from(machine):
    """The one that is active may be the very one that is replaced."""
    base = machine.python("opt/python3.12", "3.12.4")
    machine.python("env/bin/python3", "3.12.4", virtual=True, path=base)
    assert machine.set_up(PATH=str(machine.folder / "env/bin"))[0] == 0
    assert machine.used() == "opt/python3.12"


def test_a_link_without_a_version_is_followed_so_that_an_upgrade_shows(machine):
    real = machine.python("opt/python3.12", "3.12.4")
    (machine.bin / "python3").symlink_to(real)
    about = json.loads((machine.folder / "opt/python3.12.json").read_text())
    about["path"] = str(machine.bin / "python3")
    (machine.folder / "opt/python3.12.json").write_text(json.dumps(about))
    assert machine.set_up()[0] == 0
    assert machine.used() == "opt/python3.12"


@pytest.mark.parametrize(
    "more, reason",
    [
        ({"version": [3, 14, 0]}, "is Python 3.14.0"),
        ({"version": [3, 10, 4]}, "is Python 3.10.4"),
        ({"implementation": "PyPy"}, "is PyPy 3.12.1, for which there is no TensorFlow"),
        (
            {"free_threaded": True},
            "is a free-threaded Python 3.12.1, for which there is no TensorFlow",
        ),
        ({"bits": 32}, "is a 32-bit Python 3.12.1, for which there is no TensorFlow"),
        (
            {"says": "pyenv: python3.12: command not found"},
            "does not start (pyenv: python3.12: com",
        ),
    ],
)
def test_a_python_that_does_not_fit_is_never_used_and_said_when_it_was_named(machine, more, reason):
    named = machine.python("opt/python3.12", "3.12.1", **more)
    code, out, error = machine.set_up(PYTHON=named)
    assert code == 1 and out == "" and not machine.installed.exists()
    assert error.startswith(f"make setup: PYTHON={named} {reason}")
    assert "but Python 3.11 to 3.13 is needed; name another one, such as PYTHON=python3.13" in error
    assert error.count("\n") == 1
    machine.python("bin/python3", "3.12.1", **more)
    machine.python("bin/python3.11", "3.11.2")
    assert machine.set_up()[0] == 0 and machine.used() == "bin/python3.11"


def test_a_named_python_that_is_not_there_is_said(machine):
    code, _, error = machine.set_up(PYTHON="python3.99")
    assert code == 1 and "PYTHON=python3.99 does not start (No such file or directory)" in error


def test_a_named_python_is_used_although_a_newer_one_fits(machine):
    machine.python("bin/python3.13", "3.13.1")
    machine.python("bin/python3.11", "3.11.2")
    assert machine.set_up(PYTHON="python3.11")[0] == 0 and machine.used() == "bin/python3.11"


# What uv brings


def test_where_no_python_fits_uv_brings_one_and_that_is_said_first(machine):
    machine.python("bin/python3", "3.14.0")
    machine.python("download/python3.13", "3.13.18", path=str(machine.folder / "uv/python3.13"))
    code, out, error = machine.set_up()
    assert code == 0, error
    said = out.splitlines()
    assert re.match(
        r"no Python 3\.11 to 3\.13 was found on this machine \(3\.14\.0\), so uv now downloads"
        r" Python 3\.13 .*: about 35 MB, unpacked 110 MB in .*uv/python$",
        said[1],
    )
    assert "with Python 3.13.18" in said[2]
    ((_, _, _, *options),) = machine.calls("uv", "python", "install")
    assert options == ["--no-bin", "3.13"], "nothing is put on the person's PATH"
    assert machine.used() == "uv/python3.13"


def test_where_uv_can_not_bring_one_that_is_said_with_what_to_install(machine):
    machine.python("bin/python3", "3.14.0")
    (machine.folder / "fail").write_text("python install")
    code, _, error = machine.set_up()
    assert code == 1 and not machine.installed.exists()
    assert "stand-in of uv fails" in error
    assert "make setup: uv could not download Python 3.13, for the reason above" in error
    assert "sudo apt install python3.13; macOS: brew install python@3.13; conda: conda c" in error


# How uv comes


def test_the_locked_uv_is_fetched_with_its_hashes_by_any_python(machine):
    """By 3.14 too, although the lock's marker leaves that one out."""
    machine.python("bin/python3", "3.14.0")
    machine.python("bin/python3.12", "3.12.1", pip=False, venv=False)
    assert machine.set_up()[0] == 0
    (call,) = [call for call in machine.calls() if call[1:4] == ["-m", "pip", "install"]]
    assert call[0].endswith("bin/python3") and machine.used() == "bin/python3.12"
    assert {"--require-hashes", "--no-deps", "--only-binary"} <= set(call)
    assert (machine.folder / "asked").read_text() == (
        f"uv==0.13.9 \\\n    --hash=sha256:{'b' * 64} \\\n    --hash=sha256:{'c' * 64}\n"
    )
    assert not (machine.venv / "uv").exists(), "it has installed itself"
    (sync,) = machine.calls("uv", "pip", "sync")
    assert {"--require-hashes", "--no-build", "--compile-bytecode"} <= set(sync)


def test_where_only_venv_is_there_pip_comes_with_it(machine):
    machine.python("bin/python3", "3.12.1", pip=False)
    assert machine.set_up()[0] == 0
    assert [call for call in machine.calls() if call[1:3] == ["-m", "venv"]]


def test_where_neither_pip_nor_venv_is_there_a_line_says_what_to_install(machine):
    machine.python("bin/python3", "3.12.1", pip=False, venv=False)
    machine.python("bin/python", "3.7.1")
    code, out, error = machine.set_up()
    assert code == 1 and out == "" and error.count("\n") == 1
    assert "no Python on this machine has them" in error and "bin/python3 3.12.1" in error
    assert "sudo apt install python3-venv" in error and "bin/python " not in error


def test_where_neither_is_there_a_uv_on_the_path_fetches_the_locked_one(machine):
    machine.python("bin/python3", "3.12.1", pip=False, venv=False)
    shutil.copy(machine.uv, machine.bin)
    code, _, error = machine.set_up()
    (call,) = machine.calls("uv", "pip", "install", "--quiet", "--require-hashes")
    assert "--target" in call
    assert code == 1 and "uv/uv/bin/uv" in error, "the stand-in installs nothing"


def test_what_pip_was_told_about_the_network_holds_for_uv(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "settings").write_text(
        "global.index-url='https://mirror.example/simple'\n"
        "global.extra-index-url='\\nhttps://a.example\\nhttps://b.example'\n"
        "global.find-links='/old'\n:env:.find-links='/one /two'\n"
        "install.cert='/etc/course.pem'\nglobal.timeout='180'\n"
    )
    assert machine.set_up(UV_DEFAULT_INDEX="https://chosen.example")[0] == 0
    assert json.loads((machine.folder / "seen.json").read_text()) == {
        "UV_DEFAULT_INDEX": "https://chosen.example",
        "UV_INDEX": "https://a.example https://b.example",
        "UV_FIND_LINKS": "/one,/two",
        "SSL_CERT_FILE": "/etc/course.pem",
        "UV_SYSTEM_CERTS": "1",
    }


def test_a_lock_without_uv_is_said(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.project / "requirements.lock").write_text("alpha==1.0 --hash=sha256:0\n")
    code, _, error = machine.set_up()
    assert code == 1 and "requirements.lock does not pin uv; make it again: make lock" in error


def test_the_projects_own_lock_files_pin_uv_with_hashes(machine):
    for name in ("requirements.lock", "requirements-cuda.lock"):
        shutil.copy(ROOT / name, machine.project / "requirements.lock")
        machine.python("bin/python3", "3.12.1")
        assert machine.set_up()[0] == 0
        asked = (machine.folder / "asked").read_text()
        assert re.fullmatch(r"uv==[0-9.]+ \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+", asked)


# The machine's own Python


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_are_written_for_any_python(name):
    ast.parse((ROOT / "lib" / name).read_text(), feature_version=(3, 6))


def test_every_python_of_this_machine_can_choose(machine):
    machine.python("bin/python3", "3.12.1")
    sys.path.insert(0, str(ROOT / "lib"))
    try:
        import choose_python
    finally:
        sys.path.pop(0)
    needed = ((3, 6), (3, 99))
    asked = map(choose_python.ask, choose_python.on_path(needed) + choose_python.of_pyenv())
    able = {one["path"] for one in asked if one.get("version", ()) >= needed[0]}
    assert able
    for path in able:
        (machine.venv / "installed").unlink(missing_ok=True)
        code, _, error = machine.set_up(path, "lib/setup_environment.py", "requirements.lock")
        assert code == 0 and machine.installed.exists(), f"{path}: {error}"


def test_make_starts_with_whatever_python_there_is(machine):
    machine.python("bin/python3", "3.12.1", says="pyenv: python3: command not found")
    machine.python("home/.pyenv/versions/3.12.1/bin/python3", "3.12.1")
    code, _, error = machine.set_up("make", "setup")
    assert code == 0 and machine.used() == "home/.pyenv/versions/3.12.1/bin/python3", error

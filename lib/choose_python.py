"""Which Python `.venv` is made with: those on this machine are found, asked, and one is chosen.

For setup_environment.py, on the same terms: standard library only, syntax of Python 3.6.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

# What an interpreter is asked. Answered as JSON.
QUESTION = """
import importlib.util, json, platform, sys, sysconfig
has = lambda name: importlib.util.find_spec(name) is not None
virtual = sys.prefix != sys.base_prefix
print(json.dumps({
    "version": sys.version_info[:3],
    "implementation": platform.python_implementation(),
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "bits": 64 if sys.maxsize > 2**32 else 32,
    "path": virtual and getattr(sys, "_base_executable", None) or sys.executable,
    "virtual": virtual,
    "pip": has("pip"),
    "venv": has("venv") and has("ensurepip"),
}))
"""


class SetupError(Exception):
    """Set-up cannot go on; the message says what a person can do about it."""

    def __init__(self, message, code=1):
        super().__init__(message)
        self.code = code


def supported_versions(pyproject):
    """The first and the last minor version that pyproject.toml allows: (3, 11), (3, 13)."""
    text = pyproject.read_text(encoding="utf-8")
    stated = re.search(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', text, re.M)
    assert stated is not None, "requires-python of pyproject.toml"
    return (3, int(stated.group(1))), (3, int(stated.group(2)) - 1)


def choose_python(needed):
    """The interpreter to use, or None; and a list of the others that were seen.

    The variable PYTHON names it. Otherwise the newest minor version wins, of equal ones the first
    of: PATH, pyenv, conda, uv. An interpreter is what `ask` returns.
    """
    named = os.environ.get("PYTHON")
    if named:
        python = ask(named)
        reason = misfit(python, needed)
        if reason:
            raise SetupError(
                f"PYTHON={named} {reason}, but {in_words(needed)} is needed; name another one,"
                f" such as PYTHON=python{dotted(needed[1])}, or leave PYTHON out: make setup looks"
                " for one, and downloads one if there is none"
            )
        return python, [ask(sys.executable)]
    seen = []  # type: list[dict]  # read by Python 3.6 too
    for place, paths in enumerate((on_path(needed), of_pyenv(), of_conda(), of_uv())):
        for path in paths:
            python = ask(path)
            if "path" in python and python["path"] not in [one["path"] for one in seen]:
                seen.append(dict(python, place=place))
    fitting = [python for python in seen if not misfit(python, needed)]
    best = max(
        fitting,
        key=lambda python: (python["version"][:2], -python["place"], python["version"]),
        default=None,
    )
    return best, [python for python in seen if python is not best]


def on_path(needed):
    """Interpreters on the PATH: python3, python, and python3.N where N fits."""
    first, last = needed[0][1], needed[1][1]
    names = ["python3", "python"] + [f"python3.{minor}" for minor in range(last, first - 1, -1)]
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    return [path for folder in folders for name in names for path in _programs(folder, name)]


def of_pyenv():
    """Interpreters that pyenv has built, whether or not they are chosen for this folder."""
    return _programs(_folder("PYENV_ROOT", "~/.pyenv") / "versions", "*/bin/python3")


def of_conda():
    """Interpreters of conda: the active environment, base, and the other environments."""
    found = []
    if os.environ.get("CONDA_PREFIX"):
        found += _programs(os.environ["CONDA_PREFIX"], "bin/python3")
    conda = os.environ.get("CONDA_EXE") or shutil.which("conda")
    if conda:
        base = Path(conda).resolve().parent.parent
        found += _programs(base, "bin/python3") + _programs(base, "envs/*/bin/python3")
    with contextlib.suppress(OSError):  # conda's list of environments in other places
        for prefix in Path("~/.conda/environments.txt").expanduser().read_text().splitlines():
            found += _programs(prefix, "bin/python3")
    return found


def of_uv():
    """Interpreters that uv has brought before."""
    default = _folder("XDG_DATA_HOME", "~/.local/share") / "uv/python"
    return _programs(_folder("UV_PYTHON_INSTALL_DIR", default), "*/bin/python3")


def _folder(variable, default):
    return Path(os.environ.get(variable) or default).expanduser()


def _programs(folder, pattern):
    found = sorted(Path(folder or os.curdir).absolute().glob(pattern))
    return [str(path) for path in found if path.is_file() and os.access(str(path), os.X_OK)]


def ask(path):
    """What an interpreter says about itself, or {"error": why it does not start}.

    For one of a virtual environment: what the interpreter says that the environment was made from,
    since the environment may be the one that is about to be replaced.
    """
    hidden = ("PYTHONHOME", "PYTHONPATH", "__PYVENV_LAUNCHER__")
    try:
        done = subprocess.run(  # noqa: UP022, Python 3.6 has no capture_output
            [path, "-c", QUESTION],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,  # noqa: UP021
            env={name: value for name, value in os.environ.items() if name not in hidden},
            timeout=30,
        )
        python = json.loads(done.stdout)
        python["version"] = tuple(python["version"])
    except (OSError, subprocess.TimeoutExpired) as error:
        return {"error": getattr(error, "strerror", None) or "no answer in 30 seconds"}
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"error": said[0].strip()}
    if python["virtual"] and python["path"] != path:
        return ask(python["path"])
    # /usr/bin/python3 becomes another version one day, and .venv would be broken without a sign of
    # it; /usr/bin/python3.13 disappears then, and the Makefile sees that.
    if dotted(python["version"][:2]) not in os.path.basename(python["path"]):
        python["path"] = os.path.realpath(python["path"])
    return python


def misfit(python, needed):
    """Why an interpreter cannot be used, as the end of a sentence about it, or None."""
    if "error" in python:
        return f"does not start ({python['error']})"
    version = f"{python['implementation']} {dotted(python['version'])}"
    version = version.replace("CPython", "Python")
    if not needed[0] <= python["version"][:2] <= needed[1]:
        return f"is {version}"
    if python["implementation"] != "CPython":
        return f"is {version}, for which there is no TensorFlow"
    if python["free_threaded"]:
        return f"is a free-threaded {version}, for which there is no TensorFlow"
    if python["bits"] != 64:
        return f"is a 32-bit {version}, for which there is no TensorFlow"
    return None


def let_uv_bring_python(uv, run, needed, others):
    """Let uv download a Python, after saying so."""
    version = dotted(needed[1])
    seen = sorted({dotted(python["version"]) for python in others})
    print(
        f"no {in_words(needed)} was found on this machine ({', '.join(seen)}), so uv now downloads"
        f" Python {version} from the releases of python-build-standalone on GitHub: about 35 MB,"
        f" unpacked 110 MB in {run.output([uv, 'python', 'dir'])}",
        flush=True,
    )
    try:
        run([uv, "python", "install", "--no-bin", version])
    except SetupError as error:
        raise SetupError(
            f"uv could not download Python {version}, for the reason above; install one yourself"
            f" (Debian, Ubuntu: sudo apt install python{version}; macOS: brew install"
            f" python@{version}; conda: conda create --name labreport python={version}) and run the"
            " same command again"
        ) from error
    found = run.output([uv, "python", "find", "--system", "--managed-python", version])
    python = ask(found)
    if misfit(python, needed):
        raise SetupError(f"uv's own {found} {misfit(python, needed)}")
    return python


def dotted(version):
    return ".".join(map(str, version))


def in_words(needed):
    return f"Python {dotted(needed[0])} to {dotted(needed[1])}"

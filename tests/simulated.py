"""Colab, Kaggle and a bare home on this machine: their folders in a mount namespace, their Python
and versions in an environment, their variables; no real /content.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from conftest import OUTSIDE, ROOT

HERE = Path(__file__).parent / "hosts"
PYTHONS = {"colab": "3.13", "kaggle": "3.12"}
FOLDERS = {"colab": "/content", "kaggle": "/kaggle/working /kaggle/input", "home": ""}
STARTS_IN = {"colab": "/content", "kaggle": "/kaggle/working"}
VARIABLES = {
    "colab": {"COLAB_RELEASE_TAG": "release-colab"},
    "kaggle": {"KAGGLE_KERNEL_RUN_TYPE": "Batch", "COLAB_RELEASE_TAG": "release-colab"},
    "home": {},
}
OF_THE_PROJECT = ("lib", "notebooks", "params", "pipeline.py", "pyproject.toml")
PACKAGES = (
    "import importlib.metadata as m; print(sorted((d.metadata['Name'], d.version) for d in"
    " m.distributions()))"
)
# As Google's, but the Drive is a folder of the test; with a file `declines` beside it the person
# says no.
DRIVE = """import os, subprocess
def mount(mountpoint, force_remount=False):
    if os.path.exists("/test/declines"):
        raise ValueError("mount failed")
    os.makedirs(mountpoint, exist_ok=True)
    subprocess.run(["mount", "--bind", "/test/drive", mountpoint], check=True)
"""


def lacking(reason):
    """Skip a test; not in CI, where nobody would notice that nothing is tested."""
    (pytest.fail if "CI" in os.environ else pytest.skip)(reason)


def python(version):
    """The interpreter of a Python version, on the PATH or among pyenv's."""
    for candidate in (
        shutil.which(f"python{version}"),
        *sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python")),
    ):
        # pyenv's stand-ins on the PATH may lead nowhere
        if (
            candidate
            and subprocess.run([candidate, "-c", "import venv"], capture_output=True).returncode
            == 0
        ):
            return subprocess.run(
                [candidate, "-c", "import sys; print(sys.executable)"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
    lacking(f"no Python {version} here, neither on the PATH nor in ~/.pyenv/versions")


def environment(host):
    """The environment with a host's versions; made once, and kept in the user's cache folder as
    long as its list stays the same.
    """
    wanted, interpreter = HERE / f"{host}.txt", python(PYTHONS[host])
    key = hashlib.sha256(wanted.read_bytes() + interpreter.encode()).hexdigest()[:12]
    folder = (
        Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        / f"labreport/hosts/{host}-{key}"
    )
    if not folder.exists():
        making, uv = (
            folder.with_name(f".{folder.name}.{os.getpid()}"),
            [sys.executable, "-m", "uv", "--quiet"],
        )
        try:
            subprocess.run(
                [*uv, "venv", "--python", interpreter, making],
                check=True,
                capture_output=True,
                text=True,
                env=OUTSIDE | {"UV_NATIVE_TLS": "1"},
            )
            subprocess.run(
                [
                    *uv,
                    "pip",
                    "install",
                    "--python",
                    making / "bin/python",
                    "-r",
                    wanted,
                    "--compile-bytecode",
                ],
                check=True,
                capture_output=True,
                text=True,
                env=OUTSIDE | {"UV_NATIVE_TLS": "1"},
            )
            making.rename(folder)
        except subprocess.CalledProcessError as error:
            lacking(
                f"the packages of {host} are not to be had: {error.stderr.strip().splitlines()[-1]}"
            )
        finally:
            shutil.rmtree(making, ignore_errors=True)
    return folder


def unshare():
    """The command that gives a process mounts of its own."""
    for command in (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"]):
        if (
            shutil.which("unshare")
            and subprocess.run(
                [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
            ).returncode
            == 0
        ):
            return command
    lacking("this machine lets nobody have mounts of their own (unshare --mount)")


def start(host, folder, program, python_home=None, network=True, **variables):
    """Start a program on a host, as a process. folder: of the test, seen there as /test; what is in
    its `input` is attached on Kaggle.
    """
    for name in ("root", "home", "out", "drive/MyDrive", "fake/google/colab"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "fake/google/colab/__init__.py").touch()
    (folder / "fake/google/colab/drive.py").write_text(DRIVE)
    shutil.copy(HERE / "open_notebook.py", folder)
    told = (
        {
            "PATH": "/environment/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/test/home",
            "PYTHONPATH": "/test/fake" if host == "colab" else "",
            "PYDEVD_DISABLE_FILE_VALIDATION": "1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
        }
        | VARIABLES[host]
        | variables
    )
    command = [
        *unshare(),
        *["--net"] * (not network),
        "sh",
        HERE / "sandbox.sh",
        folder / "root",
        folder,
        python_home or sys.base_prefix,
        FOLDERS[host],
        "env",
        "-i",
        *(f"{name}={value}" for name, value in told.items()),
        *program,
    ]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(*arguments, **more):
    """What a program prints on a host; it has to end well."""
    process = start(*arguments, **more)
    said = process.communicate(timeout=300)[0]
    assert process.returncode == 0, said
    return said


def packages(environment):
    """What is installed in an environment, with versions."""
    return subprocess.run(
        [environment / "bin/python", "-c", PACKAGES], check=True, capture_output=True, text=True
    ).stdout


def copy_project(folder):
    """The project, as the repository's archive has it."""
    for name in OF_THE_PROJECT:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name,
                folder / name,
                ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info"),
            )
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def zip_project(file, top="labreport-0.1.0/"):
    """The same as a zip; the repository's archive has a folder at its top."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in [
            found
            for name in OF_THE_PROJECT
            for found in (
                [ROOT / name] if (ROOT / name).is_file() else sorted((ROOT / name).rglob("*"))
            )
        ]:
            if path.is_file() and not {
                "__pycache__",
                ".ipynb_checkpoints",
                "labreport.egg-info",
            } & set(path.parts):
                archive.write(path, top + path.relative_to(ROOT).as_posix())
    return file


def notebook(name, target, **parameters):
    """A notebook as a person opens it, with other parameters."""
    content = json.loads((ROOT / f"notebooks/{name}.ipynb").read_text())
    (cell,) = [cell for cell in content["cells"] if cell["id"] == "parameters"]
    cell["source"] = "\n".join(
        f"{key} = {value!r}" for key, value in ({"language": "en"} | parameters).items()
    )
    target.write_text(json.dumps(content))
    return target


def bootstrap(name="cifar10"):
    """The source of the bootstrap cell."""
    (cell,) = [
        cell
        for cell in json.loads((ROOT / f"notebooks/{name}.ipynb").read_text())["cells"]
        if cell["id"] == "bootstrap"
    ]
    return "".join(cell["source"])

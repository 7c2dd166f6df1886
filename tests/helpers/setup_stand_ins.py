"""A machine for set-up: interpreters, pip and uv that only say who they are and write down what
they are asked to do.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from helpers.project import ROOT

# Behaves as the interpreter that `<program>.json` beside it describes.
INTERPRETER = """#!{python} -S
import json, os, pathlib, shutil, sys
program = pathlib.Path(os.path.abspath(__file__))
told = json.loads(pathlib.Path(os.path.realpath(program) + ".json").read_text())
words = sys.argv[1:]
with open({calls!r}, "a") as file:
    file.write(json.dumps([told["path"], *words]) + "\\n")
if "says" in told:
    sys.exit(told["says"])
if words[0].endswith(".py"):
    os.execv({python!r}, [{python!r}, *words])
if words[0] == "-c":
    print(json.dumps(told))
elif words[:2] == ["-m", "venv"]:
    (pathlib.Path(words[2]) / "bin").mkdir(parents=True)
    (pathlib.Path(words[2]) / "bin/python").symlink_to(os.path.realpath(program))
elif words[:3] == ["-m", "pip", "install"]:
    place = pathlib.Path(words[words.index("--target") + 1]) / "bin"
    place.mkdir(parents=True)
    shutil.copy({uv!r}, place)
    listed = pathlib.Path(words[words.index("-r") + 1]).read_text()
    pathlib.Path({asked!r}).write_text(listed)
elif words[:3] == ["-m", "pip", "config"]:
    print(pathlib.Path({settings!r}).read_text())
"""

# Waits in `pip sync` while the file `wait` exists; fails in what the file `fail` names.
UV = """#!{python} -S
import json, os, pathlib, shutil, sys, time
words, machine = sys.argv[1:], pathlib.Path({machine!r})
seen = {{name: text for name, text in os.environ.items() if name.startswith(("UV_", "SSL_"))}}
with open({calls!r}, "a") as file:
    file.write(json.dumps(["uv", *words]) + "\\n")
(machine / "seen.json").write_text(json.dumps(seen))
if (machine / "fail").exists() and (machine / "fail").read_text() == " ".join(words[:2]):
    sys.exit("error: stand-in of uv fails")
if words[0] == "venv":
    bin = pathlib.Path(words[-1]) / "bin"
    bin.mkdir(exist_ok=True)
    (bin / "python").symlink_to(words[words.index("--python") + 1])
    (bin.parent / "pyvenv.cfg").touch()
elif words[:2] == ["pip", "sync"]:
    size = os.get_terminal_size(2) if os.isatty(2) else None
    print("columns:", size and size.columns, file=sys.stderr)
    sys.stderr.write("\\x1b[2Kdownloading alpha 50 %\\r")
    sys.stderr.flush()
    while (machine / "wait").exists():
        time.sleep(0.02)
    sys.stderr.write("\\x1b[2KInstalled 2 packages\\n")
    sys.stderr.write(" \\x1b[32m+\\x1b[39m \\x1b[1malpha\\x1b[0m==1.0\\n + beta==2.0\\n")
elif words[:2] == ["python", "dir"]:
    print(machine / "uv/python")
elif words[:2] == ["python", "install"]:
    brought = machine / "uv/python/cpython-3.13/bin"
    brought.mkdir(parents=True)
    for name in ("python3.13", "python3.13.json"):
        shutil.copy(machine / "download" / name, brought)
    (brought / "python3").symlink_to("python3.13")
elif words[:2] == ["python", "find"]:
    print(machine / "uv/python/cpython-3.13/bin/python3.13")
"""
LOCK = """alpha==1.0 ; python_full_version < '3.14' \\
    --hash=sha256:{0}
uv==0.13.9 ; python_full_version < '3.14' and sys_platform == 'linux' \\
    --hash=sha256:{1} \\
    --hash=sha256:{2}
wheel==1.0 \\
    --hash=sha256:{0}
""".format("a" * 64, "b" * 64, "c" * 64)


class Machine:
    """A project to set up, and a machine with as many interpreters as a test puts on it."""

    def __init__(self, folder):
        self.folder, self.project = folder / "machine", folder / "project"
        self.calls_file, self.bin = self.folder / "calls", self.folder / "bin"
        for place in (self.bin, self.folder / "home", self.project / "lib"):
            place.mkdir(parents=True)
        for name in ("setup_environment.py", "choose_python.py"):
            shutil.copy(ROOT / "lib" / name, self.project / "lib")
        for name in ("Makefile", "pyproject.toml"):
            shutil.copy(ROOT / name, self.project)
        for name in ("requirements.lock", "requirements-cuda.lock"):
            (self.project / name).write_text(LOCK)
        for tool in ("make", "bash", "cat", "cmp"):
            (self.bin / tool).symlink_to(shutil.which(tool))
        (self.folder / "settings").touch()
        (self.folder / "stand-in").mkdir()
        self.uv = self.folder / "stand-in/uv"
        self._program(self.uv, UV)
        self.venv = self.project / ".venv"
        self.installed = self.venv / "installed"
        self.environment = {"PATH": str(self.bin), "HOME": str(self.folder / "home")}

    def _program(self, path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            text.format(
                python=sys.executable,
                machine=str(self.folder),
                calls=str(self.calls_file),
                asked=str(self.folder / "asked"),
                settings=str(self.folder / "settings"),
                uv=str(self.uv) if path != self.uv else "",
            )
        )
        path.chmod(0o755)

    def python(self, place, version, /, **more):
        """Put an interpreter somewhere, below the machine's folder; `says`: its error instead."""
        path = self.folder / place
        self._program(path, INTERPRETER)
        about = {
            "version": list(map(int, version.split("."))),
            "implementation": "CPython",
            "free_threaded": False,
            "bits": 64,
            "path": str(path),
            "virtual": False,
            "pip": True,
            "venv": True,
        }
        Path(f"{path}.json").write_text(json.dumps(about | more))
        return str(path)

    def start(self, *command, **variables):
        """Start set-up, or another command, in the project, leading a process group."""
        return subprocess.Popen(
            command or [sys.executable, "lib/setup_environment.py", "requirements.lock"],
            cwd=self.project,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def set_up(self, *command, **variables):
        """Run set-up, or another command; returns exit code, standard output and error."""
        process = self.start(*command, **variables)
        out, error = process.communicate(timeout=60)
        return process.returncode, out, error

    def calls(self, *beginning):
        """What programs were called with, as lists of words that begin so."""
        text = self.calls_file.read_text() if self.calls_file.exists() else ""
        calls = [json.loads(line) for line in text.splitlines()]
        return [call for call in calls if call[: len(beginning)] == list(beginning)]

    def used(self):
        """The interpreter that .venv was made with."""
        (call,) = self.calls("uv", "venv")[-1:]
        return os.path.relpath(call[call.index("--python") + 1], self.folder)

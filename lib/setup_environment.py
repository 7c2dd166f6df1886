"""Make `.venv`: choose a Python, fetch uv, let uv install the locked packages.

`make setup` runs this file. It starts on the Python of any machine: standard library only, syntax
of Python 3.6. `set_up` shows the steps in their order; docs/setup.md explains them.
"""

import ast
import contextlib
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

if os.name != "posix":
    sys.exit(
        "make setup: labreport needs Linux or macOS; on Windows it runs in WSL (wsl --install)"
    )

import fcntl
import termios

from choose_python import (
    SetupError,
    choose_python,
    dotted,
    let_uv_bring_python,
    supported_versions,
)

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
INSTALLED = VENV / "installed"  # lock file and pyproject.toml; the Makefile compares it
SETUP_LOCK = VENV / "setup.lock"  # held by the one set-up that may change .venv
USE_LOCK = VENV / "use.lock"  # shared by the commands that run from .venv
CHECKOUT = VENV / "checkout"  # the folder of the checkout that .venv was made for
SCRATCH = VENV / "uv"  # uv, until it has installed itself together with the other packages
BUSY = 75  # exit code: another process has to end first (EX_TEMPFAIL)
OLDEST_FOR_UV = (3, 8)  # an older pip finds no uv that it could install

# Settings of pip about the network, and the variables in which uv expects the same.
PIP_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
}
COLOUR = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]?)?")


def main(lock_name):
    """Bring .venv up to date with a lock file; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        with exclusive(SETUP_LOCK) as held:
            set_up(ROOT / lock_name, held)
        return 0
    except KeyboardInterrupt as stop:
        say("interrupted; run the same command again to continue, downloaded files are kept")
        return 128 + (stop.args[0] if stop.args else signal.SIGINT)
    except SetupError as error:
        say(str(error))
        return error.code
    except OSError as error:
        say(f"{error.filename or 'this machine'}: {error.strerror or error}")
        return 1


def set_up(lock, held):
    """The steps.

    Args:
        lock: the lock file, such as requirements.lock
        held: descriptors of locks, to which each child process gets a share
    """
    if not os.environ.get("PYTHON") and is_current(lock):
        return  # another set-up has done it while this one was waiting
    needed = supported_versions(ROOT / "pyproject.toml")
    python, others = choose_python(needed)
    if python and is_current(lock, python):
        return
    refuse_environment_of_another()
    with exclusive(USE_LOCK) as in_use:
        run = Runner(held + in_use)
        empty_environment()
        uv = fetch_uv(lock, run, [one for one in [python, *others] if one])
        if not python:
            python = let_uv_bring_python(uv, run, needed, others)
        lines = lock.read_text(encoding="utf-8").splitlines()
        packages = sum(line[:1].isalnum() for line in lines)
        print(
            f"setting up .venv with Python {dotted(python['version'])} ({python['path']}): about"
            f" {packages} packages of {lock.name}; this happens once and takes a minute or two",
            flush=True,
        )
        run([uv, "venv", "--quiet", "--allow-existing", "--python", python["path"], VENV])
        here = ["--python", VENV / "bin/python"]
        # Only wheels: a build would run tools that no lock names. Compiled, TensorFlow starts in
        # half the time. All indexes count, as for pip: the hashes say which file is the right one.
        options = ["--require-hashes", "--no-build", "--compile-bytecode"]
        run([uv, "pip", "sync", *here, *options, "--index-strategy=unsafe-best-match", lock])
        options = ["--quiet", "--no-deps", "--no-build-isolation"]
        run([uv, "pip", "install", *here, *options, "--editable", ROOT])
        shutil.rmtree(str(SCRATCH))
        mark_installed(lock)


# uv


def fetch_uv(lock, run, pythons):
    """Install the locked uv into a scratch folder, with its hashes; returns the program's path.

    Also sets for uv what pip was set to: index, certificates, proxy.
    """
    requirement, version = uv_requirement(lock)
    SCRATCH.mkdir(parents=True)
    listed = SCRATCH / "requirements.txt"
    listed.write_text(requirement, encoding="utf-8")
    options = ["--require-hashes", "--no-deps", "--target", SCRATCH / "uv", "-r", listed]
    pip = find_pip(run, pythons)
    print(f"downloading uv {version}, which installs the other packages (about 20 MB)", flush=True)
    if pip:
        only_wheels = ["--only-binary", ":all:", "--no-compile", "--quiet"]
        run([*pip, "install", *only_wheels, *options])
        run.environment.update(settings_of_pip(run.output([*pip, "config", "list"])))
    else:
        run([shutil.which("uv"), "pip", "install", "--quiet", *options])
    return SCRATCH / "uv/bin/uv"


def uv_requirement(lock):
    """The lock's entry of uv, and its version.

    Without its marker, which names the Pythons of .venv: here any Python installs it.
    """
    text = lock.read_text(encoding="utf-8")
    entry = re.search(r"^uv==([^ ;\\\n]+)[^\n]*\n((?:[ \t]+--hash=\S+(?: \\)?\n)+)", text, re.M)
    if not entry:
        raise SetupError(f"{lock.name} does not pin uv; make it again: make lock")
    return f"uv=={entry.group(1)} \\\n{entry.group(2)}", entry.group(1)


def find_pip(run, pythons):
    """The command that is pip, or None where only another uv can install uv."""
    able = [python for python in pythons if python.get("version", ()) >= OLDEST_FOR_UV]
    for python in able:
        if python["pip"]:
            return [python["path"], "-m", "pip"]
    for python in able:
        if python["venv"]:
            run([python["path"], "-m", "venv", SCRATCH / "pip"])
            return [SCRATCH / "pip/bin/python", "-m", "pip"]
    if shutil.which("uv"):
        return None
    seen = ", ".join(f"{python['path']} {dotted(python['version'])}" for python in able)
    raise SetupError(
        "downloading uv needs pip or venv, and no Python on this machine has them"
        f" ({seen or 'none is 3.8 or newer'}); install them (Debian, Ubuntu: sudo apt install"
        " python3-venv; Fedora: sudo dnf install python3-pip) and run the same command again"
    )


def settings_of_pip(listed):
    """Variables for uv that say what `pip config list` says; what is set for uv already stays."""
    found = {}
    for line in listed.splitlines():
        match = re.match(r"(global|install|:env:)\.([a-z-]+)=(['\"].*)", line)
        if match:
            section, name, value = match.groups()
            found[section, name] = ast.literal_eval(value).split()
    variables = {}
    for section in ("global", "install", ":env:"):  # the later ones count more
        for name, variable in PIP_SETTINGS.items():
            if found.get((section, name)):
                separator = "," if name == "find-links" else " "
                variables[variable] = separator.join(found[section, name])
    return {name: value for name, value in variables.items() if name not in os.environ}


# Processes, files and locks


class Runner:
    """Runs programs, with an environment for pip and uv.

    Each gets a share of the locks: should this process be killed, the lock is only free when the
    program has ended as well.
    """

    def __init__(self, held):
        self.held = held
        self.environment = dict(
            os.environ,
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PIP_REQUIRE_VIRTUALENV="0",
            PIP_ROOT_USER_ACTION="ignore",
            PIP_USER="0",
        )
        self.environment.setdefault("UV_SYSTEM_CERTS", "1")  # as pip: the system's certificates

    def output(self, command):
        """What a program prints."""
        done = self._start(command, stdout=subprocess.PIPE)
        said = done.communicate()[0].decode(errors="replace")
        self._check(command, done)
        return said.strip()

    def __call__(self, command):
        """Run a program and show its words, progress bars too; raise SetupError when it fails."""
        size = _terminal_size()
        reading, writing = os.openpty() if size else os.pipe()
        if size:
            fcntl.ioctl(writing, termios.TIOCSWINSZ, size)
        process = self._start(command, stdout=writing, stderr=writing)
        os.close(writing)
        try:
            _show(reading)
        except BaseException:
            process.terminate()
            raise
        finally:
            os.close(reading)
            process.wait()
        self._check(command, process)

    def _start(self, command, **streams):
        return subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            env=self.environment,
            pass_fds=self.held,
            **streams,
        )

    def _check(self, command, process):
        if process.returncode:
            raise SetupError(
                f"{os.path.basename(str(command[0]))} ended with exit code {process.returncode},"
                " for the reason above; run the same command again to continue, downloaded files"
                " are kept"
            )


def _terminal_size():
    """The size of the terminal that reads our messages, as termios has it; b"" without one."""
    try:
        return fcntl.ioctl(sys.stderr.fileno(), termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return b""


def _show(reading):
    """Copy what a program writes to our standard error, without uv's line for each package."""
    rest = b""
    while True:
        try:
            chunk = os.read(reading, 65536)
        except OSError as error:
            if error.errno != errno.EIO:  # how Linux says that a terminal's other end is closed
                raise
            chunk = b""
        *lines, rest = (rest + chunk).split(b"\n")
        shown = b"".join(line + b"\n" for line in lines if not _lists_a_package(line))
        if not chunk or not _may_list_a_package(rest):  # half a line: a progress bar
            shown, rest = shown + rest, b""
        sys.stderr.buffer.write(shown)
        sys.stderr.flush()
        if not chunk:
            return


def _lists_a_package(line):
    return COLOUR.sub(b"", line).startswith(b" + ")


def _may_list_a_package(start):
    plain = COLOUR.sub(b"", start)
    return b" + ".startswith(plain) or plain.startswith(b" + ")


def is_current(lock, python=None):
    """Whether .venv was made from this lock file and pyproject.toml, by this interpreter."""
    program = VENV / "bin/python"
    try:
        same = INSTALLED.read_bytes() == _made_from(lock)
    except OSError:
        return False
    return (
        same
        and program.exists()
        and (not python or os.path.realpath(str(program)) == os.path.realpath(python["path"]))
    )


def mark_installed(lock):
    """Write down what .venv was made from: from now on it counts as installed."""
    temporary = INSTALLED.with_name("installed.part")
    with open(str(temporary), "wb") as file:
        file.write(_made_from(lock))
        file.flush()
        os.fsync(file.fileno())
    os.replace(str(temporary), str(INSTALLED))


def _made_from(lock):
    return lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()


def refuse_environment_of_another():
    """Raise where .venv leads to the environment of another checkout."""
    if VENV.is_symlink() and (VENV / "pyvenv.cfg").exists():
        owner = CHECKOUT.read_text(encoding="utf-8") if CHECKOUT.exists() else "not known"
        if owner != str(ROOT):
            raise SetupError(
                f".venv is a link to {os.readlink(str(VENV))}, an environment with other versions,"
                f" made for another checkout ({owner}); remove the link (rm .venv) to get one for"
                " this checkout"
            )


def empty_environment():
    """Delete what is in .venv, the mark first, and keep the locks."""
    with contextlib.suppress(FileNotFoundError):
        INSTALLED.unlink()
    for path in VENV.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(str(path))
        elif path not in (SETUP_LOCK, USE_LOCK):
            path.unlink()
    CHECKOUT.write_text(str(ROOT), encoding="utf-8")


@contextlib.contextmanager
def exclusive(path):
    """Hold a lock file; gives the list of its descriptor.

    Another set-up is waited for. Commands that run from .venv may take hours, so they are not.
    """
    path.parent.mkdir(exist_ok=True)
    while True:
        with open(str(path), "a+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if path == USE_LOCK:
                    raise SetupError(
                        ".venv has to be made again, but a command of this checkout is still"
                        " using it; wait for it or stop it",
                        BUSY,
                    ) from None
                file.seek(0)
                say(
                    "waiting for another `make setup` of .venv (process"
                    f" {file.read() or 'unknown'})"
                )
                fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                path.parent.mkdir(exist_ok=True)
                continue  # .venv was deleted while we waited
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
            yield [file.fileno()]
            return


def _interrupt(number, _frame):
    raise KeyboardInterrupt(number)


def say(message):
    print(f"make setup: {message}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

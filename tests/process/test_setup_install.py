"""What set-up shows, and what the real uv installs from a package index of this machine."""

import ast
import base64
import hashlib
import http.server
import importlib.metadata
import os
import pty
import re
import subprocess
import sys
import termios
import threading
import zipfile

import pytest


def test_a_log_gets_uvs_words_without_its_list_of_packages(machine):
    machine.python("bin/python3", "3.12.1")
    code, _, error = machine.set_up()
    assert code == 0 and "columns: None" in error and "Installed 2 packages" in error
    assert "alpha\x1b" not in error and "beta" not in error


def test_a_terminal_gets_uvs_progress_bars_without_its_list_of_packages(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "wait").touch()
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 71))
    process = subprocess.Popen(
        [sys.executable, "lib/setup_environment.py", "requirements.lock"],
        cwd=machine.project,
        env=machine.environment,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    shown = b""
    while b"downloading alpha 50 %" not in shown:  # before the line is at its end
        shown += os.read(ours, 4096)
    (machine.folder / "wait").unlink()
    while True:
        try:
            shown += os.read(ours, 4096)
        except OSError:
            break
    assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"columns: 71" in shown and b"Installed 2 packages" in shown
    assert b"alpha\x1b" not in shown and b"beta" not in shown


def rebuilt(name, folder):
    """A wheel of an installed package, as its own wheel was."""
    dist = importlib.metadata.distribution(name)
    scripts = {entry.name for entry in dist.entry_points}
    files = {}
    for file in dist.files:
        path = str(file)
        if path.startswith("../../../bin/") and file.name not in scripts:
            path = f"{name}-{dist.version}.data/scripts/{file.name}"
        if not path.startswith("..") and file.suffix != ".pyc" and file.name != "RECORD":
            files[path] = file.locate()
    tags = re.findall(r"^Tag: (.*)$", dist.read_text("WHEEL"), re.M)
    return zipped(
        folder / f"{name}-{dist.version}-{tags[0]}.whl",
        {path: (place.read_bytes(), place.stat().st_mode) for path, place in files.items()},
    )


def zipped(wheel, files):
    record = wheel.name.split("-")
    info = f"{record[0]}-{record[1]}.dist-info"
    lines = []
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, (content, mode) in files.items():
            entry = zipfile.ZipInfo(path)
            entry.external_attr = mode << 16
            archive.writestr(entry, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
            lines.append(f"{path},sha256={digest.decode()},{len(content)}\n")
        archive.writestr(f"{info}/RECORD", "".join(lines) + f"{info}/RECORD,,\n")
    return wheel


def small(folder):
    """A wheel of a package with one module."""
    info = "alpha-1.0.dist-info"
    text = {
        "alpha.py": "VALUE = 42\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: alpha\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files = {path: (content.encode(), 0o100644) for path, content in text.items()}
    return zipped(folder / "alpha-1.0-py3-none-any.whl", files)


@pytest.fixture
def index(tmp_path):
    """A package index of this machine: its address, and the lock file of its packages."""
    folder = tmp_path / "index"
    folder.mkdir()
    wheels = [small(folder), rebuilt("setuptools", folder), rebuilt("uv", folder)]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wheel = folder / self.path.rpartition("/")[2]
            if wheel.is_file():
                content, kind = wheel.read_bytes(), "application/octet-stream"
            else:
                name = self.path.strip("/").split("/")[-1]
                links = [f'<a href="/{one.name}">{one.name}</a>' for one in wheels]
                links = [link for link in links if f">{name}-" in link]
                content, kind = "\n".join(links).encode(), "text/html"
            self.send_response(200 if content else 404)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    lock = ""
    for wheel in wheels:
        name, version = wheel.name.split("-")[:2]
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        lock += f"{name}=={version} ; python_full_version < '3.14' \\\n    --hash=sha256:{digest}\n"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/simple", lock
    server.shutdown()


@pytest.mark.slow
def test_uv_installs_what_is_locked_and_nothing_else(machine, index):
    address, lock = index
    (machine.project / "lib/labreport").mkdir()
    (machine.project / "lib/labreport/__init__.py").touch()
    (machine.project / "requirements.lock").write_text(lock.replace("sha256:", "sha256:0000", 1))
    variables = {
        "PIP_INDEX_URL": address,
        "PATH": f"{machine.bin}:/usr/bin:/bin",
        "PYTHON": sys.executable,
        "no_proxy": "127.0.0.1",
    }

    def make():
        return machine.set_up("make", "setup", **variables)

    (machine.project / "requirements.lock").write_text(
        re.sub(r"(alpha==1\.0 .*\n    --hash=sha256:)\w{64}", rf"\g<1>{'0' * 64}", lock)
    )
    code, _, error = make()
    assert code and "Hash mismatch for `alpha==1.0`" in error and not machine.installed.exists()
    assert "make setup: uv ended with exit code" in error
    (machine.project / "requirements.lock").write_text(lock)
    code, out, error = make()
    assert code == 0, error
    assert "Installed 3 packages" in error and "downloading uv" in out
    program = (
        "import alpha, labreport, sys, importlib.metadata as m;"
        "print(alpha.VALUE, alpha.__cached__, labreport.__file__, sys.prefix,"
        " sorted(d.metadata['Name'] for d in m.distributions()))"
    )
    done = subprocess.run(
        [machine.venv / "bin/python", "-B", "-c", program],
        cwd=machine.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    value, compiled, package, prefix, names = done.stdout.split(" ", 4)
    assert value == "42" and os.path.exists(compiled), "compiled already"
    assert package == str(machine.project / "lib/labreport/__init__.py")
    assert prefix == str(machine.venv)
    assert ast.literal_eval(names) == ["alpha", "labreport", "setuptools", "uv"]
    assert make() == (0, "", "")

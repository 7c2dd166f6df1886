"""What processes write is cleaned before it reaches a log, whoever starts them, whoever writes, and
at every moment.
"""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import nbformat
import pytest

from helpers.processes import PATIENCE, until
from helpers.secrets import PEM
from labreport.core import logs, paths
from labreport.execution import due, notebook_process
from labreport.executors import dask, tasks
from labreport.executors.kaggle import worker

TOKEN = "tok-123456-abcdef"
PLANTED = {
    "MY_API_TOKEN": TOKEN,
    "OPENAI_KEY": "oa-1234567890",
    "SSH_KEY": PEM,
    "DATABASE_URL": "postgres://app:sesame12@db/x",
}
PIECES = (TOKEN, "456-abc", "oa-1234567890", "AAAAB3Nz", "b3BlbnNz", "sesame12", "MIIEow", "9Zq0")

# A run that says what it should not: with print, below Python, in two pieces, on several lines,
# through a process of its own.
TALKER = textwrap.dedent("""
    import os, subprocess, sys, time

    def main(arguments):
        token = os.environ["MY_API_TOKEN"]
        print("printed", token, flush=True)
        os.write(2, b"native " + token.encode() + b"\\n")
        os.write(1, b"in two pieces: " + token[:9].encode())
        time.sleep(0.3)
        os.write(1, token[9:].encode() + b"\\n")
        print(os.environ["DATABASE_URL"], {"key": os.environ["OPENAI_KEY"]}, flush=True)
        begin, end = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"
        lines = os.environ["SSH_KEY"].splitlines()
        for line in [*lines, begin, "MIIEowIBAAKCAQEA", "9Zq0", end, "after the key"]:
            print(line, flush=True)
            time.sleep(0.02)
        subprocess.run(["sh", "-c", "echo by another process $MY_API_TOKEN"])
        sys.stdout.write("last words " + token)
        sys.stdout.flush()
        if "stay" in arguments:
            time.sleep(60)
        return 0

    if __name__ == "__main__":
        sys.exit(main(sys.argv[1:]))
""")


@pytest.fixture(autouse=True)
def planted(monkeypatch):
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def script(tmp_path):
    (tmp_path / "talker.py").write_text(TALKER)
    return tmp_path / "talker.py"


@contextlib.contextmanager
def watched(folder):
    """Looks all the time whether a file in the folder holds something planted."""
    seen, over = [], threading.Event()

    def look():
        while not over.wait(0.005):
            for path in filter(
                lambda path: path.is_file() and path.name != "talker.py", folder.rglob("*")
            ):
                with contextlib.suppress(OSError):
                    seen.extend(
                        (path.name, piece)
                        for piece in PIECES
                        if piece in path.read_text(errors="replace")
                    )

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert not seen, seen[:5]


def told(text):
    """Whether all is there that may be."""
    for words in (
        "printed [MY_API_TOKEN]\n",
        "native [MY_API_TOKEN]\n",
        "in two pieces: [MY_API_TOKEN]\n",
        "postgres://app:[",
        "after the key\n",
        "by another process [MY_API_TOKEN]\n",
    ):
        assert words in text, text
    assert not [piece for piece in PIECES if piece in text], text


def environment():
    return dict(os.environ) | {"LABREPORT_THREADS": "1"}


def test_a_process_of_a_sweep(script, tmp_path):
    with watched(tmp_path):
        process = tasks.start(script, [], tmp_path / "log.txt", tmp_path, environment())
        until(lambda: process.poll() is not None, "it ends")
    assert process.returncode == 0
    told((tmp_path / "log.txt").read_text())
    assert (tmp_path / "log.txt").read_text().endswith("last words [MY_API_TOKEN]")


def test_a_process_that_is_killed(script, tmp_path):
    """Whole lines are in the log while it runs; the last, half a one, when it is dead."""
    with watched(tmp_path):
        process = tasks.start(script, ["stay"], tmp_path / "log.txt", tmp_path, environment())
        until(
            lambda: "by another process [" in (tmp_path / "log.txt").read_text(),
            "its words can be followed",
        )
        time.sleep(0.2)
        assert process.poll() is None and "last words" not in (tmp_path / "log.txt").read_text()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    told((tmp_path / "log.txt").read_text())
    assert (tmp_path / "log.txt").read_text().endswith("last words [MY_API_TOKEN]")


FORK_SERVER = """
import os, pathlib, sys
from labreport.executors import forkserver
if __name__ == "__main__":
    forkserver.IMPORTED = ("labreport.core.logs",)
    folder = pathlib.Path(sys.argv[1])
    fork_server = forkserver.ForkServer(folder / "imports.txt")
    run = fork_server.start(folder / "talker.py", [], folder / "log.txt", folder, dict(os.environ))
    run.wait()
    sys.exit(run.poll())
"""


def test_a_forked_run(script, tmp_path):
    (tmp_path / "fork_server.py").write_text(FORK_SERVER)
    with watched(tmp_path):
        subprocess.run([sys.executable, tmp_path / "fork_server.py", tmp_path], check=True)
    told((tmp_path / "log.txt").read_text())
    assert (tmp_path / "log.txt").read_text().endswith("last words [MY_API_TOKEN]")


def test_a_run_of_a_worker_on_a_cluster(script, tmp_path):
    with watched(tmp_path):
        assert (
            dask.work(
                script,
                [],
                tmp_path / "log.txt",
                tmp_path,
                {"LABREPORT_THREADS": "1"},
                tmp_path / "stop",
                "a_run",
                [],
            )
            == 0
        )
    told((tmp_path / "log.txt").read_text())


def test_a_run_on_kaggle_and_what_its_notebook_prints(script, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tasks, "PIPELINE", script)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.02)
    with watched(tmp_path):
        worker.do("key", {"a_run": {"arguments": [], "base": None}}, "en", 60)
    told(capsys.readouterr().out)
    told((paths.reports().parent / "logs/a_run.txt").read_text())
    assert (
        json.loads((paths.reports().parent / worker.RECORD).read_text())["runs"]["a_run"]["outcome"]
        == "finished"
    )


def test_a_notebook_and_its_kernel(tmp_path):
    """What it prints goes to the terminal and into the notebook, which is written after each cell;
    what is written below Python goes to the kernel's log.
    """
    shows = (
        "import os, time\ntoken = os.environ['MY_API_TOKEN']\nprint('printed', token[:9], end='',"
        " flush=True)\ntime.sleep(0.5)\nprint(token[9:])\nos.write(2, b'native ' + token.encode() +"
        " b'\\n')\n{'a value': token}"
    )
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]}),
            nbformat.v4.new_code_cell(shows),
            nbformat.v4.new_code_cell("time.sleep(1); 1 / 0"),
        ]
    )
    nbformat.write(notebook, tmp_path / "talker.ipynb")
    wanted = due.NotebookTask(
        "a_run",
        tmp_path,
        tmp_path / "talker.ipynb",
        "en",
        {},
        {},
        lambda: [],
        lambda: None,
        dict,
        lambda imported: {},
    )
    output = io.StringIO()
    failed = pytest.raises(notebook_process.NotebookError, match="division by zero")
    with watched(tmp_path), failed:
        notebook_process.execute(
            wanted, tmp_path / "running.ipynb", tmp_path / "running.txt", output
        )
    assert output.getvalue() == "printed [MY_API_TOKEN]\n"
    written = nbformat.read(tmp_path / "running.ipynb", 4)
    assert "printed [MY_API_TOKEN]" in json.dumps(written) and "'[MY_API_TOKEN]'" in json.dumps(
        written
    )
    assert "native [MY_API_TOKEN]\n" in (tmp_path / "running.txt").read_text() + json.dumps(
        written
    ).replace("\\n", "\n")


def test_a_job_script_that_begins_with_our_lines(script, tmp_path):
    """Signals that reach every process of a job do not end what cleans; the script ends with its
    own exit code, and its last words are there.
    """
    (tmp_path / "job.sh").write_text(
        f"{logs.shell()}trap : TERM\necho script $MY_API_TOKEN\n{sys.executable} {script}"
        " &\nrun=$!\nwait $run\nkill -TERM 0\nsleep 0.2\nprintf 'the end %s' $MY_API_TOKEN\nexit"
        " 75\n"
    )
    with watched(tmp_path), open(tmp_path / "log.txt", "w") as log:
        done = subprocess.run(
            ["bash", tmp_path / "job.sh"], stdout=log, stderr=log, start_new_session=True
        )
    assert done.returncode == 75
    text = (tmp_path / "log.txt").read_text()
    told(text)
    assert text.startswith("script [MY_API_TOKEN]\n") and text.endswith("the end [MY_API_TOKEN]")


def test_a_process_has_ended_though_one_that_it_has_started_goes_on_writing(tmp_path):
    (tmp_path / "parent.py").write_text(
        "import subprocess\nsubprocess.Popen(['sh', '-c', 'while echo $MY_API_TOKEN; do sleep 0.05;"
        " done'])\nprint('the parent')\n"
    )
    process = tasks.start(tmp_path / "parent.py", [], tmp_path / "log.txt", tmp_path, environment())
    try:
        until(lambda: process.poll() is not None, "it ends")
        size = (tmp_path / "log.txt").stat().st_size
        until(
            lambda: (tmp_path / "log.txt").stat().st_size > size,
            "it is still heard, and cleaned",
        )
        assert (
            TOKEN not in (tmp_path / "log.txt").read_text()
            and "the parent\n" in (tmp_path / "log.txt").read_text()
        )
    finally:
        os.killpg(process.pid, signal.SIGKILL)


def test_a_full_disk_holds_no_process_up(tmp_path):
    """A pipe that nobody reads would: it takes 64 KB."""
    (tmp_path / "log.txt").symlink_to("/dev/full")
    (tmp_path / "much.py").write_text("for number in range(20000): print('line', number)\n")
    process = tasks.start(tmp_path / "much.py", [], tmp_path / "log.txt", tmp_path, environment())
    assert process.wait(PATIENCE) == 0


def test_what_a_full_disk_has_cost_is_said(tmp_path, monkeypatch):
    log = logs.Log(tmp_path / "log.txt")
    real, log._file = log._file, Path("/dev/full").open("wb", buffering=0)  # noqa: SIM115
    os.write(log.fileno(), b"lost words\n")
    until(lambda: log._lost, "they are lost")
    log._file.close()
    log._file = real
    os.write(log.fileno(), b"later\n")
    log.finish()
    assert (
        tmp_path / "log.txt"
    ).read_text() == "[11 bytes are missing here: the log could not be written]\nlater\n"


def pieces(*text):
    """What comes out of a Cleaner at each piece, and at the end."""
    out = []
    cleaner = logs.Cleaner(out.append)
    for number, piece in enumerate(text):
        cleaner.feed(piece)
        out.append(number)
    cleaner.flush()
    return out


@pytest.mark.parametrize(
    "given, expected",
    [
        (("one\ntwo\nthr", "ee\n"), ["one\ntwo\n", 0, "three\n", 1]),
        (("10 %\r", "20 %\r", "\n"), ["10 %\r", 0, "20 %\r", 1, "\n", 2]),
        (("no end",), [0, "no end"]),
        (
            ("a\n-----BEGIN PRIVATE KEY-----\n", "MIIE\n", "-----END PRIVATE KEY-----\nb\n"),
            ["a\n", 0, 1, "[secret]\nb\n", 2],
        ),
        (
            ("a mention of -----BEGIN PRIVATE KEY-----\n", "goes on, in words\n", "b\n"),
            [0, "a mention of [secret]", 1, "b\n", 2],
        ),
        (("x" * logs.MOST_HELD, " y"), [0, "x" * logs.MOST_HELD + " ", 1, "y"]),
    ],
)
def test_a_line_is_let_go_when_it_is_whole_and_a_private_key_with_its_last_line(given, expected):
    assert pieces(*given) == expected


def test_the_reason_of_a_failure_is_read_when_all_is_in_the_log(tmp_path):
    (tmp_path / "failing.py").write_text(
        "import os, sys\nsys.exit(f\"error: {os.environ['MY_API_TOKEN']} is refused\")\n"
    )
    process = tasks.start(
        tmp_path / "failing.py", [], tmp_path / "log.txt", tmp_path, environment()
    )
    until(lambda: process.poll() is not None, "it ends")
    assert (
        tasks.reason_in_log(tmp_path / "log.txt", process.returncode) == "[MY_API_TOKEN] is refused"
    )

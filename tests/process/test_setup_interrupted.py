"""A set-up may be stopped, killed, or started twice: what counts as installed is whole."""

import os
import signal
import subprocess
import sys
import time

import pytest

from helpers.project import ROOT


def wait_until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_setup_does_nothing_while_the_lock_and_the_python_stay_the_same(machine):
    python = machine.python("bin/python3", "3.12.1")
    assert machine.set_up("make", "setup")[0] == 0
    before = machine.calls()
    assert machine.set_up("make", "setup") == (0, "", "")
    assert machine.calls() == before, "no interpreter is even asked"
    assert machine.set_up("make", "setup", f"PYTHON={python}") == (0, "", "")
    assert len(machine.calls("uv", "pip", "sync")) == 1
    with open(machine.project / "requirements.lock", "a") as lock:
        lock.write("# another\n")
    assert machine.set_up("make", "setup")[0] == 0
    assert len(machine.calls("uv", "pip", "sync")) == 2


def test_an_environment_of_another_python_or_of_one_that_is_gone_is_made_again(machine):
    machine.python("bin/python3", "3.11.2")
    assert machine.set_up("make", "setup")[0] == 0 and machine.used() == "bin/python3"
    (machine.venv / "left").touch()
    machine.python("bin/python3.12", "3.12.1")
    assert machine.set_up("make", "setup", "PYTHON=python3.12")[0] == 0
    assert machine.used() == "bin/python3.12" and not (machine.venv / "left").exists()
    (machine.bin / "python3.12").unlink()
    assert machine.set_up("make", "setup")[0] == 0 and machine.used() == "bin/python3"


@pytest.mark.parametrize(
    "number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_setup_that_is_stopped_ends_uv_and_counts_for_nothing(machine, number, code):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "wait").touch()
    process = machine.start()
    wait_until(lambda: machine.calls("uv", "pip", "sync"))
    # Ctrl-C reaches the whole group of processes; kill reaches one
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    error = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert "interrupted; run the same command again" in error and "Traceback" not in error
    assert not machine.installed.exists()
    (machine.folder / "wait").unlink()
    code, _, error = machine.set_up("make", "setup")
    assert code == 0 and "waiting" not in error and machine.installed.exists()


def test_what_a_killed_setup_has_left_running_is_waited_for(machine):
    """uv lives on when only the process that started it is killed."""
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "wait").touch()
    first, shown = machine.start(), b""
    while b"50 %" not in shown:  # all that uv writes before it waits: it ends at a broken pipe
        shown += os.read(first.stderr.fileno(), 1000)
    first.kill()
    first.wait()
    second = machine.start()
    line = second.stderr.readline()
    assert line == f"make setup: waiting for another `make setup` of .venv (process {first.pid})\n"
    assert len(machine.calls("uv", "venv")) == 1 and not machine.installed.exists()
    (machine.folder / "wait").unlink()
    second.communicate(timeout=60)
    first.stdout.close(), first.stderr.close()
    assert second.returncode == 0 and len(machine.calls("uv", "venv")) == 2


def test_of_two_setups_at_once_one_does_the_work_and_the_other_waits(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "wait").touch()
    first = machine.start("make", "setup")
    wait_until(lambda: machine.calls("uv", "pip", "sync"))
    second = machine.start("make", "setup")
    assert "waiting for another `make setup` of .venv (process" in second.stderr.readline()
    (machine.folder / "wait").unlink()
    for process in (first, second):
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert len(machine.calls("uv", "pip", "sync")) == 1 and machine.installed.exists()


HOLD = """
import sys
sys.prefix = sys.argv[1]
from labreport.core import environment, files
try:
    environment.hold()
except files.RunLocked as error:
    sys.exit(str(error))
print("held", flush=True)
sys.stdin.read()
"""


def holding(machine):
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(machine.venv)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT / "lib")},
    )


def test_an_environment_that_a_command_runs_from_is_not_replaced(machine):
    machine.python("bin/python3", "3.12.1")
    assert machine.set_up()[0] == 0
    command = holding(machine)
    assert command.stdout.readline() == "held\n"
    assert machine.set_up() == (0, "", ""), "there is nothing to do"
    with open(machine.project / "pyproject.toml", "a") as file:
        file.write("# another\n")
    code, _, error = machine.set_up()
    assert code == 75 and "a command of this checkout is still using it" in error
    assert machine.installed.exists() and len(machine.calls("uv", "venv")) == 1
    command.communicate(timeout=60)
    assert machine.set_up()[0] == 0 and len(machine.calls("uv", "venv")) == 2


def test_a_command_does_not_start_while_its_environment_is_replaced(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "wait").touch()
    process = machine.start()
    wait_until(lambda: machine.calls("uv", "pip", "sync"))
    command = holding(machine)
    error = command.communicate(timeout=60)[1]
    assert command.returncode == 1 and f"`make setup` is replacing {machine.venv}" in error
    (machine.folder / "wait").unlink()
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_a_link_to_the_environment_of_another_checkout_is_left_alone(machine):
    machine.python("bin/python3", "3.12.1")
    assert machine.set_up()[0] == 0
    theirs = machine.folder / "theirs"
    machine.venv.rename(theirs)
    machine.venv.symlink_to(theirs)
    assert machine.set_up() == (0, "", ""), "the same versions may be shared"
    with open(machine.project / "pyproject.toml", "a") as file:
        file.write("# another\n")
    assert machine.set_up()[0] == 0, "made here, and kept in another place"
    (theirs / "checkout").write_text("/elsewhere/labreport")
    (machine.project / "requirements.lock").open("a").write("# another\n")
    code, _, error = machine.set_up()
    assert code == 1 and "made for another checkout (/elsewhere/labreport); remove the" in error
    assert (theirs / "installed").exists()


def test_a_setup_that_fails_says_so_and_counts_for_nothing(machine):
    machine.python("bin/python3", "3.12.1")
    (machine.folder / "fail").write_text("pip sync")
    code, _, error = machine.set_up()
    assert code == 1 and not machine.installed.exists()
    assert "error: stand-in of uv fails" in error
    assert (
        "make setup: uv ended with exit code 1, for the reason above; run the same command again"
    ) in error

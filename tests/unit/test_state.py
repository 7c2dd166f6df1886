"""What a run folder says of itself can be believed."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from helpers.deletion import replaced, untouched
from helpers.processes import until
from helpers.project import ROOT
from labreport.core import files, signals
from labreport.runs import state

HOLD = (
    f"import sys, time; sys.path.insert(0, {str(ROOT / 'lib')!r})\nfrom labreport.runs"
    " import state\nfrom pathlib import Path\nwith state.run_lock(Path(sys.argv[1]), 'a_run'):\n   "
    " print('held', flush=True)\n    time.sleep(60)\n"
)


@pytest.fixture
def holder(tmp_path):
    """Another process that holds tmp_path."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_a_run_tells_of_its_process_and_its_heart_beats(tmp_path, monkeypatch):
    monkeypatch.setattr(state, "BEAT_SECONDS", 0.05)
    with state.run_lock(tmp_path, "a_run"):
        now = state.read(tmp_path)
        assert (
            now.name == "running"
            and now.record["process"] == os.getpid()
            and str(now).startswith(f"running (process {os.getpid()} on ")
        )
        until(lambda: state.read(tmp_path).record["beats"] > 2, "three heartbeats")
    assert state.read(tmp_path).name == "finished"


@pytest.mark.parametrize(
    "error, name, why",
    [
        (ValueError("the disc is scratched"), "failed", "the disc is scratched"),
        (KeyboardInterrupt(), "interrupted", "at once"),
        (signals.Interrupted("stopped after epoch 3"), "interrupted", "stopped after epoch 3"),
    ],
)
def test_how_it_ended_and_why_is_written_down(tmp_path, error, name, why):
    with pytest.raises(type(error)), state.run_lock(tmp_path, "a_run", log="failed.txt"):
        raise error
    now = state.read(tmp_path)
    assert (
        now.name == name
        and why in now.why
        and (now.record.get("log") == "failed.txt") == (name == "failed")
    )


def test_a_second_process_is_told_who_has_it(tmp_path, holder, monkeypatch):
    monkeypatch.setattr(state, "WAIT_SECONDS", 0.1)
    with (
        pytest.raises(
            ValueError,
            match=(
                rf"^a_run is already running \(process {holder.pid} on .+ since 20.+\). Wait for"
                r" it or stop it\.$"
            ),
        ),
        state.run_lock(tmp_path, "a_run"),
    ):
        pass
    assert state.read(tmp_path).name == "running"


def test_a_killed_run_is_recognised_and_its_lock_holds_nobody_up(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    # it had no time to say otherwise
    assert files.read_json(tmp_path / "run.json")["state"] == "running"
    now = state.read(tmp_path)
    assert (
        now.name == "interrupted"
        and f"process {holder.pid} on" in now.why
        and "terminated unexpectedly" in now.why
    )
    with state.run_lock(tmp_path, "a_run"):
        assert state.read(tmp_path).record["process"] == os.getpid()


def test_a_lock_file_that_lies_about_means_nothing(tmp_path):
    (tmp_path / state.LOCK).write_text(f"process {os.getpid()} on here since 1999-12-31 23:59:59")
    with state.run_lock(tmp_path, "a_run"):
        pass


def test_neither_a_clock_set_back_nor_one_set_forward_makes_a_run_look_dead(tmp_path, monkeypatch):
    for time_of_day in ("1970-01-01T00:00:00+00:00", "2999-01-01T00:00:00+00:00"):
        with state.run_lock(tmp_path, "a_run"):
            files.write_json(
                tmp_path / state.FILE,
                files.read_json(tmp_path / state.FILE)
                | {
                    "heartbeat": time_of_day,
                    "started": time_of_day,
                },
            )
            assert state.read(tmp_path).name == "running"


@pytest.mark.parametrize("alive", [True, False])
def test_a_run_of_another_machine_is_alive_while_its_heart_beats(tmp_path, monkeypatch, alive):
    record = {
        "state": "running",
        "host": "elsewhere",
        "process": 7,
        "started": "2026-01-01T00:00:00+00:00",
        "heartbeat": "2026-01-01T00:00:00+00:00",
        "beats": 1,
    }
    files.write_json(tmp_path / state.FILE, record)
    looked = []  # for how many seconds this machine waits until it looks a second time

    def sleep(seconds):
        looked.append(seconds)
        files.write_json(tmp_path / state.FILE, record | {"beats": 1 + alive})

    monkeypatch.setattr(state.time, "sleep", sleep)
    if alive:
        with (
            pytest.raises(ValueError, match=r"a_run is already running \(process 7 on elsewhere"),
            state.run_lock(tmp_path, "a_run"),
        ):
            pass
    else:
        with state.run_lock(tmp_path, "a_run"):
            pass
        assert state.read(tmp_path).name == "finished"
    [seconds] = looked
    assert seconds > 2 * state.BEAT_SECONDS


def test_a_run_of_another_machine_that_has_long_been_silent_is_not_said_to_be_running(tmp_path):
    record = {
        "state": "running",
        "host": "elsewhere",
        "process": 7,
        "started": "2026-01-01T00:00:00+00:00",
        "heartbeat": "2026-01-01T00:00:00+00:00",
        "beats": 1,
    }
    files.write_json(tmp_path / state.FILE, record)
    assert (
        str(state.read(tmp_path))
        == "interrupted: no heartbeat from process 7 on elsewhere since 2026-01-01T00:00:00+00:00;"
        " it may have ended"
    )
    files.write_json(tmp_path / state.FILE, record | {"heartbeat": files.now()})
    assert state.read(tmp_path).name == "running"


@pytest.mark.parametrize("content", ['{"executed": {}, "rendered": {}}', "[]", "{", ""])
def test_a_record_of_another_make_counts_as_none(tmp_path, content):
    (tmp_path / state.FILE).write_text(content)
    assert state.read(tmp_path).name == "none"
    with state.run_lock(tmp_path, "a_run"):
        pass
    assert state.read(tmp_path).name == "finished"


def test_a_queued_run_is_queued_as_long_as_somebody_will_start_it(tmp_path):
    state.queue(tmp_path / "a")
    assert state.read(tmp_path / "a").name == "queued"
    files.write_json(
        tmp_path / "a/run.json", files.read_json(tmp_path / "a/run.json") | {"process": 2**22 + 1}
    )
    assert (
        state.read(tmp_path / "a").name == "interrupted"
        and "has ended" in state.read(tmp_path / "a").why
    )
    state.queue(tmp_path / "c")
    state.unqueue(tmp_path / "c", why="no data")
    assert str(state.read(tmp_path / "c")) == "failed: no data"
    state.queue(tmp_path / "b")
    state.unqueue(tmp_path / "b")
    assert not (tmp_path / "b").exists() and state.read(tmp_path / "b").name == "none"


@pytest.mark.parametrize("error", [None, ValueError("something else"), KeyboardInterrupt()])
def test_a_process_whose_run_folder_was_deleted_says_so_and_leaves_alone_what_is_there_now(
    tmp_path, monkeypatch, error
):
    monkeypatch.setattr(state, "BEAT_SECONDS", 0.05)
    folder, written, write_json = tmp_path / "a_run", [], files.write_json
    monkeypatch.setattr(
        files, "write_json", lambda *given: (written.append(given[0].name), write_json(*given))
    )
    with (
        pytest.raises(
            files.Deleted,
            match=(
                "^the folder .*/a_run was deleted while this process was using it, so the"
                " process stops"
            ),
        ),
        state.run_lock(folder, "a_run", log="failed.txt"),
    ):
        theirs = replaced(folder)
        said = written.count(state.FILE)
        until(lambda: written.count(state.FILE) > said + 2, "a few heartbeats")
        for write in (
            lambda: files.write_json(folder / "x.json", 1),
            lambda: files.write_text(folder / "unfinished/x", "1"),
        ):
            with pytest.raises(files.Deleted):
                write()
        if error:
            raise error
    assert untouched(folder, theirs)


def test_a_folder_that_was_deleted_and_is_not_there_again_is_not_made_anew(tmp_path):
    with pytest.raises(files.Deleted), state.run_lock(tmp_path / "a_run", "a_run"):
        shutil.rmtree(tmp_path / "a_run")
    assert not (tmp_path / "a_run").exists()


def test_who_waits_for_a_lock_whose_file_is_deleted_takes_the_one_that_is_there_then(
    tmp_path, monkeypatch
):
    folder = tmp_path / "a_run"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"

    def deleted_meanwhile(seconds):  # it was held when it was looked at
        (folder / state.LOCK).unlink()
        holder.kill()
        holder.wait()

    monkeypatch.setattr(files.time, "sleep", deleted_meanwhile)
    with files.lock(folder / state.LOCK, "a_run", wait=60):
        assert holder.returncode == -signal.SIGKILL
        assert files.locked(folder / state.LOCK) and not files.deleted(folder)

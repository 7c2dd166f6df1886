"""A sweep in processes of its own: killed, started again, with a run that is hopeless."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from helpers.processes import alive, descendants, until
from helpers.project import ROOT
from helpers.sweep_files import HEAD, project_without_sweeps, write
from labreport.core import files
from labreport.studies import sweeps


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the parameter files and no sweep yet."""
    monkeypatch.chdir(folder := project_without_sweeps(tmp_path / "project"))
    return folder


@pytest.mark.slow
def test_a_killed_sweep_goes_on_to_the_epoch_and_one_failure_sinks_no_other_run(
    project, gate, tmp_path
):
    write(
        project,
        HEAD
        + "seeds: [1]\nruns:\n  - {label: hopeless, optimizer: sgd, learning_rate: 1.0e+38}\n  -"
        " {optimizer: rmsprop}\n",
    )
    settings = {"data": "sample", "epochs": 5, "max_images": 200}
    gate.hold(*(one.run_name for one in sweeps.load("mine", settings).experiments))
    environment = gate.before(
        os.environ
        | {
            "LABREPORT_REPORTS": str(tmp_path / "reports"),
            "LABREPORT_CACHE": str(tmp_path / "cache"),
        }
    )
    command = [
        sys.executable,
        str(ROOT / "pipeline.py"),
        "sweep",
        "mine",
        "--data",
        "sample",
        "--jobs",
        "2",
        "--retry",
        "1",
        "--set",
        "epochs=5",
        "max_images=200",
    ]
    first = subprocess.Popen(
        command,
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list(tmp_path.glob("reports/*/unfinished/epoch-*.npz")):
        assert first.poll() is None, first.stderr.read()
        time.sleep(0.02)  # no measure: the run is held there
    second = subprocess.run(
        [*command, "--yes"], cwd=project, env=environment, capture_output=True, text=True
    )
    assert (
        second.returncode == files.RUN_LOCKED
        and f"is already running (process {first.pid}" in second.stderr
    )
    there = descendants(first.pid)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    until(lambda: not any(map(alive, there)), "its runs are gone with it")
    gate.release()
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert (
        done.returncode == 1
        and "2 runs done, 1 failed; run the same command to try them again" in done.stdout
    ), done.stderr
    assert "the loss is no longer finite in epoch 1" in done.stderr and "its log is" in done.stderr
    logs = {path.name: path.read_text() for path in tmp_path.glob("reports/mine*/logs/*.txt")}
    assert sum("resuming after epoch" in log for log in logs.values()) >= 1
    assert max(log.count(", try 2, threads: ") for log in logs.values()) == 1
    assert json.loads(next(tmp_path.glob("reports/mine*/sweep.json")).read_text())["at_once"] == 2
    [report] = tmp_path.glob("reports/mine*/report.html")
    assert "No verdict yet" in report.read_text() and "hopeless" in report.read_text()
    status = subprocess.run(
        [*command[:2], "status", *command[3:6], "--set", "epochs=5", "max_images=200"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert "2 of 3 runs done, 1 failed" in status.stdout

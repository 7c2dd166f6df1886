"""A sweep in processes of its own: killed, stopped, started again, with a run that is hopeless."""

import json
import os
import signal
import subprocess
import sys

import pytest

from helpers.processes import PATIENCE, Processes, alive, descendants, until
from helpers.project import ROOT
from helpers.sweep_files import HEAD, project_without_sweeps, write
from labreport.core import files
from labreport.studies import sweeps

# The hopeless run comes last: it is begun when one of the others has ended.
RUNS = (
    "seeds: [1]\nruns:\n  - {optimizer: rmsprop}\n"
    "  - {label: hopeless, optimizer: sgd, learning_rate: 1.0e+38}\n"
)
OPTIONS = ["--set", "epochs=5", "max_images=200"]
COMMAND = [ROOT / "pipeline.py", "sweep", "mine", "--data", "sample", "--jobs", "2", "--retry", "1"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the parameter files and no sweep yet."""
    monkeypatch.chdir(folder := project_without_sweeps(tmp_path / "project"))
    return folder


@pytest.mark.slow
def test_a_sweep_is_killed_then_stopped_and_goes_on_to_the_epoch_and_one_failure_sinks_no_other_run(
    project, gate, tmp_path
):
    """Its runs are held after each epoch until they are let go."""
    write(project, HEAD + RUNS)
    settings = {"data": "sample", "epochs": 5, "max_images": 200}
    first, second, hopeless = (one.run_name for one in sweeps.load("mine", settings).experiments)
    gate.hold(first, second)
    environment = gate.before(
        os.environ
        | {
            "LABREPORT_REPORTS": str(tmp_path / "reports"),
            "LABREPORT_CACHE": str(tmp_path / "cache"),
        }
    )
    processes = Processes(project, environment)

    def asked(*command):
        """A command that has ended."""
        return subprocess.run(
            [sys.executable, *command],
            cwd=project,
            env=environment,
            capture_output=True,
            text=True,
        )

    def epochs():
        """The last epoch that each run has saved."""
        found = sorted(tmp_path.glob("reports/*/unfinished/epoch-*.npz"))
        return {file.parts[-3]: int(file.name[6:10]) for file in found}

    def log(run):
        return "".join(one.read_text() for one in tmp_path.glob(f"reports/mine*/logs/{run}.txt"))

    try:
        sweep = processes.start(*COMMAND, *OPTIONS)
        until(lambda: len(epochs()) == 2, "both runs have saved an epoch", of=sweep)
        again = asked(*COMMAND, *OPTIONS, "--yes")
        assert (
            again.returncode == files.RUN_LOCKED
            and f"is already running (process {sweep.pid}" in again.stderr
        )
        there = descendants(sweep.pid)
        assert len(there) >= 6  # what forks, and a pipeline and a kernel for each run
        sweep.send_signal(signal.SIGKILL)
        sweep.wait()
        until(lambda: not any(map(alive, there)), "all of it is gone")

        before = epochs()
        sweep = processes.start(*COMMAND, *OPTIONS)
        until(
            lambda: all(epoch > before[run] for run, epoch in epochs().items()),
            "both have gone on",
            of=sweep,
        )
        there = descendants(sweep.pid)
        sweep.send_signal(signal.SIGINT)
        assert sweep.wait(PATIENCE) == 130
        said = sweep.log.read_text()
        assert (
            "stopping: each run finishes its epoch" in said
            and "0 of 3 runs done, the epochs of the others are saved; run the same command"
            " again to continue"
            in said
        )
        assert "Traceback" not in said
        until(lambda: not any(map(alive, there)), "all of it is gone")
        for run in (first, second):
            said = (tmp_path / "reports" / run / "run.json").read_text()
            assert '"state": "interrupted"' in said

        gate.release(first)
        sweep = subprocess.Popen(
            [sys.executable, *COMMAND, *OPTIONS],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        processes.started.append(sweep)
        until(
            lambda: (
                sweep.poll() is not None
                or (tmp_path / "reports" / first / "metrics.json").exists()
                and log(hopeless).count("\nerror: ") == 2
            ),
            "one run is done, and the hopeless one has failed twice beside the other",
        )
        gate.release(second)
        said, errors = sweep.communicate(timeout=PATIENCE)
    finally:
        processes.end()
    assert (
        sweep.returncode == 1
        and "2 runs done, 1 failed; run the same command to try them again" in said
    ), errors
    assert "the loss is no longer finite in epoch 1" in errors and "its log is" in errors
    assert "resuming after epoch" in log(first) and "resuming after epoch" in log(second)
    assert [log(run).count(", try 2, threads: ") for run in (first, second, hopeless)] == [0, 0, 1]
    # each try ends with one line that explains it
    lines = log(hopeless).splitlines()
    reasons = [line for line in lines if line.startswith("error: ")]
    assert len(reasons) == 2 and lines[-1] == reasons[1] and "Traceback" not in log(hopeless)
    for reason in reasons:
        assert "the loss is no longer finite in epoch 1" in reason
        assert "try a smaller learning rate" in reason
    assert json.loads(next(tmp_path.glob("reports/mine*/sweep.json")).read_text())["at_once"] == 2
    [report] = tmp_path.glob("reports/mine*/report.html")
    assert "No verdict yet" in report.read_text() and "hopeless" in report.read_text()
    status = asked(*COMMAND[:1], "status", *COMMAND[2:5], *OPTIONS)
    assert "2 of 3 runs done, 1 failed" in status.stdout

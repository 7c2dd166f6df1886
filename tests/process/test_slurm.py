"""A sweep on a real SLURM of four virtual nodes."""

import datetime
import json
import os
import re

import pytest

from helpers import real_slurm
from helpers.clusters import (
    COMMAND,
    SETTINGS,
    made,
    pipeline,
    results,
    submitted,
    undisturbed_results,
)
from helpers.processes import Watch
from helpers.project import ROOT
from helpers.simulated import lacking
from labreport.executors import plan, tasks
from labreport.executors import slurm as slurm_module
from labreport.runs import state
from labreport.studies import sweeps

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the four runs end with when nobody kills anything."""
    return undisturbed_results(tmp_path_factory.mktemp("undisturbed"), "four")


@pytest.fixture(scope="session")
def slurm():
    """A real SLURM for all tests of the session."""
    if missing := real_slurm.lacking():
        lacking(
            f"no SLURM here ({missing[0]} is missing): apt-get install --no-install-recommends"
            " slurm-wlm munge"
        )
    found = real_slurm.Slurm()
    yield found
    found.end()


@pytest.fixture
def on_slurm(slurm, environment, monkeypatch):
    """SLURM's commands for this process, and for those that get `environment`."""
    for name in [
        name for name in os.environ if name.startswith(("SLURM", "SBATCH", "SQUEUE", "SCANCEL"))
    ]:
        monkeypatch.delenv(name)
        environment.pop(name, None)
    for name in ("SLURM_CONF", "PATH"):
        monkeypatch.setenv(name, slurm.environment[name])
        environment[name] = slurm.environment[name]
    environment["LABREPORT_AGAIN_SECONDS"] = "1"
    return slurm


class Tasks:
    """The tasks of a job array, by what SLURM and their run folders say."""

    def __init__(self, slurm, folder, number=-1):
        self.slurm, self.reports, self.logs = slurm, folder.parent, folder / "logs"
        entry = json.loads((folder / "slurm.json").read_text())[number]
        self.job, self.runs = entry["job"], entry["runs"]

    def state(self, index):
        """SLURM's word for a task."""
        listed = self.slurm.ask(
            "squeue",
            "--noheader",
            "--array",
            "--states=all",
            f"--jobs={self.job}",
            "--format=%K|%T",
        )
        return dict(line.split("|") for line in listed.splitlines()).get(str(index))

    def started(self):
        """When the last of the running ones was started, in seconds since 1970."""
        command = ["squeue", "--noheader", "--states=running", f"--jobs={self.job}", "--format=%S"]
        times = self.slurm.ask(*command).split()
        return max(datetime.datetime.fromisoformat(each).timestamp() for each in times)

    def restarts(self, index):
        return int(
            self.slurm.ask(
                "squeue",
                "--noheader",
                "--states=all",
                f"--jobs={self.job}_{index}",
                "--Format=RestartCnt",
            )
            or 0
        )

    def epochs(self, index):
        """Names of the epochs that a task's run has saved, as long as it is not finished."""
        return {
            path.name for path in (self.reports / self.runs[index]).glob("unfinished/epoch-*.npz")
        }

    def log(self, index):
        return (self.logs / f"{self.runs[index]}.txt").read_text()

    def until(self, condition, what):
        return self.slurm.until(condition, what)


def test_four_runs_on_slurm_end_with_the_bits_of_a_local_sweep_whatever_is_cancelled_or_killed(
    project, environment, on_slurm, undisturbed, gate, tmp_path, request
):
    """Each run is held after each of its epochs until it is asked to stop, or is let go."""
    reports, watch = tmp_path / "reports", Watch()
    folder = reports / "four--sample--epochs-6--max_images-300"
    names = {experiment.run_name for experiment in sweeps.load("four", SETTINGS).experiments}
    gate.hold(*names)
    watch.start()
    done = submitted(project, environment, "four")
    assert done.returncode == 0, done.stdout + done.stderr
    first = Tasks(on_slurm, folder)
    assert f"4 runs submitted as job array {first.job}, and job" in done.stdout
    again = submitted(project, environment, "four")
    assert (
        again.returncode == 0
        and again.stdout.count(f"not submitted again: SLURM {first.job}_") == 4
    )
    assert again.stdout.endswith("nothing to submit: 4 runs to do, all submitted already\n")

    def next_one(*besides):
        """A task that is not among these, and whose run has saved an epoch."""

        def found():
            return [
                index
                for index in range(4)
                if index not in besides and first.epochs(index) and first.state(index) == "RUNNING"
            ]

        return first.until(found, "another run has saved an epoch")[0]

    next_one()
    # first: it forgets what it has not written yet, such as that a task was started or cancelled
    on_slurm.until(lambda: on_slurm.saved() > first.started(), "the controller has saved its state")
    on_slurm.kill("slurmctld")
    on_slurm.start("slurmctld")
    # not before: a controller that is killed while it queues a task again has lost it
    request.getfixturevalue("time_limits")
    cancelled = next_one()
    on_slurm.ask("scancel", f"{first.job}_{cancelled}")
    # before its node is lost
    first.until(
        lambda: state.read(reports / first.runs[cancelled]).name == "interrupted",
        "the cancelled run has saved its epoch and ended",
    )
    requeued = next_one(cancelled)
    on_slurm.ask("scontrol", "requeue", f"{first.job}_{requeued}")
    killed = next_one(cancelled, requeued)
    number = on_slurm.ask("squeue", "--noheader", f"--jobs={first.job}_{killed}", "--format=%A")
    on_slurm.kill_job(number)
    lost = next_one(cancelled, requeued, killed)
    node = first.until(
        lambda: on_slurm.ask("squeue", "--noheader", f"--jobs={first.job}_{lost}", "--format=%N"),
        "the node of a task",
    )
    on_slurm.lose(node)
    first.until(
        lambda: on_slurm.ask("sinfo", "--noheader", "--states=down", "--format=%n"),
        "the node is lost",
    )
    on_slurm.start("slurmd", "-N", node)
    gate.release()

    first.until(
        lambda: all(first.state(index) in slurm_module.FINAL for index in range(4)),
        "all tasks have ended",
    )
    assert first.state(cancelled) == "CANCELLED" and first.state(killed) == "FAILED"
    assert (
        first.restarts(cancelled) == 0
        and first.restarts(requeued) >= 1
        and first.restarts(lost) >= 1
    )
    assert (
        "was stopped after epoch" in first.log(cancelled)
        and state.read(reports / first.runs[cancelled]).name == "interrupted"
    )
    status = pipeline(project, environment, "status", "four", *COMMAND[3:]).stdout
    assert (
        f"SLURM {first.job}_{cancelled}: CANCELLED" in status
        and f"SLURM {first.job}_{killed}: FAILED" in status
    )

    done = submitted(project, environment, "four")
    assert done.returncode == 0 and "2 runs submitted as job array" in done.stdout, (
        done.stdout + done.stderr
    )
    second = Tasks(on_slurm, folder)
    [last] = re.findall(r"and job (\d+) that makes the report", done.stdout)
    second.until(
        lambda: (
            on_slurm.ask("squeue", "--noheader", "--states=all", f"--jobs={last}", "--format=%T")
            == "COMPLETED"
        ),
        "the report's job has ended",
    )
    assert (folder / "report.pdf").exists()
    watch.over.set()
    watch.join()
    assert all(
        "resuming after epoch" in first.log(index) for index in (cancelled, requeued, killed, lost)
    )
    assert watch.seen >= names and not watch.twice
    assert results(reports) == undisturbed
    assert not list(reports.glob("*/earlier"))
    assert "nothing to do: all 4 runs are done" in submitted(project, environment, "four").stdout


# What stands in for a run, so that many turns take little time. steady: saves epochs, is done in
# its second turn; stuck: never has saved one when it is asked to stop; deaf: its epoch takes longer
# than from USR1 to the end; hungry: takes 400 MiB.
RUN = """
import sys, time
from pathlib import Path
from labreport.core import signals

folder, role = Path(sys.argv[1]), sys.argv[2]
(folder / "unfinished").mkdir(parents=True, exist_ok=True)
saved = len(list(folder.glob("unfinished/epoch-*.npz")))
if role == "hungry":
    memory = bytearray(400 << 20)
    time.sleep(60)
try:
    with signals.listening(lambda: print("asked to stop", flush=True)) as asked:
        turn_began = saved
        while True:
            time.sleep(0.1)
            if role == "steady":
                saved += 1
                (folder / f"unfinished/epoch-{saved:04}.npz").touch()
                if turn_began and saved > turn_began + 3:
                    sys.exit(0)
            if asked() and role != "deaf":
                break
except KeyboardInterrupt:
    print("stopped at once", flush=True)
sys.exit(143)
"""


def handed_over(slurm, folder, roles, *options, memory=100):
    """Submit an array of stand-ins of runs: those of a project folder's sweep, in its order."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "project")
        for name, value in (
            slurm.environment
            | {
                "LABREPORT_REPORTS": str(folder / "reports"),
                "LABREPORT_THREADS": "1",
                "PYTHONPATH": str(ROOT / "lib"),
            }
        ).items():
            patch.setenv(name, value)
        sweep = sweeps.load("mine", {"data": "sample"})
        steps = [
            plan.Step(experiment, "", 1, "train", "", memory=memory * 2**20)
            for experiment in sweep.experiments[: len(roles)]
        ]
        (folder / "run.py").write_text(RUN)
        patch.setattr(tasks, "PIPELINE", folder / "run.py")
        patch.setattr(
            tasks,
            "command",
            lambda experiment: [str(experiment.folder), roles[sweep.experiments.index(experiment)]],
        )
        slurm_module.submit(sweep, steps, ["report"], None, options)
        return Tasks(slurm, sweep.folder)


@pytest.fixture(scope="module")
def time_limits(slurm, tmp_path_factory):
    """Tasks that meet their time limit of a minute, and one that gives way to another job: SLURM
    looks every 30 seconds, so they are begun early.
    """
    limited, preempted = tmp_path_factory.mktemp("limited"), tmp_path_factory.mktemp("preempted")
    for folder in (limited, preempted):
        made(folder / "project")
    first = handed_over(slurm, limited, ["steady", "stuck", "deaf"], "--partition=side", "--time=1")
    second = handed_over(slurm, preempted, ["steady"], "--partition=low")
    second.until(lambda: second.epochs(0), "an epoch of the one that is to give way")
    slurm.ask("sbatch", "--partition=urgent", "--output=/dev/null", "--wrap=true")
    return first, second


def test_at_its_time_limit_a_task_is_queued_again_and_fails_after_two_turns_without_a_saved_epoch(
    time_limits,
):
    found, preempted = time_limits
    found.until(
        lambda: found.state(0) == "COMPLETED",
        "the task that was stopped at its limit ends in a later turn",
    )
    assert found.restarts(0) >= 1
    found.until(lambda: found.state(1) == "FAILED", "the task without progress fails")
    assert found.restarts(1) == 1 and found.log(1).splitlines()[-1].startswith(
        f"error: {found.runs[1]} saved no epoch in 2 turns: the time limit is shorter than an epoch"
        " takes. Submit again with a longer one"
    )
    found.until(
        lambda: found.restarts(2) >= 1, "the task that was ended at its limit is queued again"
    )
    assert "stopped at once" in found.log(2)
    preempted.until(lambda: preempted.state(0) == "COMPLETED", "the task that gave way goes on")
    assert preempted.restarts(0) == 1


def test_a_cancelled_array_is_not_queued_again_and_memory_is_what_was_asked_for(
    project, on_slurm, tmp_path
):
    found = handed_over(on_slurm, tmp_path, ["steady", "stuck", "hungry"], "--partition=side")
    found.until(lambda: found.state(2) == "FAILED", "the task that takes too much memory is killed")
    sweep = sweeps.load("mine", {"data": "sample"})
    states = slurm_module.Slurm.states(sweep.folder, sweep.experiments)
    assert "exceeded memory limit" in states[found.runs[2]]
    found.until(lambda: found.epochs(0), "an epoch")
    on_slurm.ask("scancel", found.job)
    found.until(
        lambda: [found.state(index) for index in range(2)] == ["CANCELLED"] * 2,
        "both are cancelled",
    )
    assert [found.restarts(index) for index in range(2)] == [0, 0] and all(
        found.log(index).endswith("asked to stop\n") for index in range(2)
    )


def test_a_bad_option_for_sbatch_is_refused_before_models_are_built(project, environment, on_slurm):
    done = submitted(project, environment, "mine", "--sbatch=--partition=nowhere")
    assert done.returncode == 1 and done.stderr.startswith(
        "error: sbatch refuses --partition=nowhere: sbatch: error: invalid partition specified:"
        " nowhere"
    )
    assert not list(project.parent.glob("reports/*/slurm*"))

"""A sweep on a cluster: a real Dask scheduler and workers, and a real SLURM."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import real_slurm
from conftest import ROOT
from labreport.core import files
from labreport.executors import dask, planning, tasks
from labreport.executors import slurm as slurm_module
from labreport.runs import state
from labreport.studies import sweeps
from processes import Processes, Watch, parent, trainings, until
from simulated import lacking

COMMAND = [
    ROOT / "pipeline.py",
    "sweep",
    "mine",
    "--data",
    "sample",
    "--set",
    "epochs=30",
    "max_images=300",
]
SWEEP = (
    "title: T\nquestion: Q?\nbase: cifar10_naive_adam\nseeds: [1]\nruns:\n  - {optimizer:"
    " rmsprop}\n  - {optimizer: sgd, learning_rate: 0.01}\n"
)


def made(folder):
    """A project folder with a sweep of three runs, `mine`, and one of six, which has these and the
    same with another seed.
    """
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.rmtree(folder / "params/sweeps")
    (folder / "params/sweeps").mkdir()
    (folder / "params/sweeps/mine.yaml").write_text(SWEEP)
    (folder / "params/sweeps/six.yaml").write_text(SWEEP.replace("[1]", "[1, 2]"))
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the runs of the six end with on one machine, when nobody kills anything."""
    folder = tmp_path_factory.mktemp("undisturbed")
    environment = os.environ | {
        "LABREPORT_REPORTS": str(folder / "reports"),
        "LABREPORT_CACHE": str(folder / "cache"),
        "LABREPORT_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, *COMMAND[:2], "six", *COMMAND[3:]],
        cwd=made(folder / "project"),
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return results(folder / "reports")


@pytest.fixture
def environment(tmp_path):
    return os.environ | {
        "LABREPORT_REPORTS": str(tmp_path / "reports"),
        "LABREPORT_CACHE": str(tmp_path / "cache"),
        "LABREPORT_THREADS": "1",
    }


@pytest.fixture
def processes(project, environment):
    found = Processes(project, environment)
    yield found
    found.end()


class Cluster:
    """A scheduler and two workers on this machine."""

    def __init__(self, processes):
        self.processes, self.file = processes, processes.folder / "scheduler.json"
        self.port = "0"
        self.start()

    def start(self):
        self.file.unlink(missing_ok=True)
        self.scheduler = self.processes.start(
            "-m",
            "dask",
            "scheduler",
            "--scheduler-file",
            self.file,
            "--no-dashboard",
            "--host",
            "127.0.0.1",
            "--port",
            self.port,
        )
        until(lambda: files.read_json(self.file), "the scheduler writes its file")
        self.port = json.loads(self.file.read_text())["address"].rsplit(":", 1)[1]
        self.workers = [
            self.processes.start(
                "-m",
                "dask",
                "worker",
                "--scheduler-file",
                self.file,
                "--nthreads",
                "1",
                "--no-dashboard",
                "--local-directory",
                "dask",
                "--death-timeout",
                "60",
            )
            for _ in range(2)
        ]


def epochs(reports):
    """Folders of the runs that are at work and have saved an epoch."""
    return {path.parents[1].name for path in reports.glob("*/unfinished/epoch-*.npz")}


def results(reports):
    """What the finished runs have measured, by folder."""
    return {
        file.parent.name: {
            name: file.with_name(name).read_bytes() for name in ("history.csv", "predictions.csv")
        }
        for file in reports.glob("cifar10*/metrics.json")
    }


@pytest.mark.slow
def test_whatever_is_killed_each_run_of_a_cluster_ends_once_with_the_bits_of_an_undisturbed_one(
    project, processes, undisturbed, tmp_path
):
    reports, lab, watch = tmp_path / "reports", Cluster(processes), Watch()
    watch.start()
    client = processes.start(*COMMAND, "--scheduler-file", lab.file)
    until(lambda: epochs(reports), "a first epoch", of=client)

    folder, kernels = until(lambda: next(iter(trainings().items()), None), "a kernel at work")
    worker = parent(parent(next(iter(kernels))))  # kernel, pipeline, worker
    os.kill(worker, signal.SIGKILL)
    until(
        lambda: not any(Path(f"/proc/{kernel}").exists() for kernel in kernels),
        "its kernel dies with it",
        5,
    )

    until(lambda: epochs(reports), "an epoch after that")
    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    client = processes.start(*COMMAND, "--scheduler-file", lab.file)

    until(lambda: epochs(reports) or len(results(reports)) == 3, "an epoch after that")
    os.kill(lab.scheduler.pid, signal.SIGKILL)
    lab.scheduler.wait()
    lab.start()  # at the same address
    assert client.wait(300) == 0, client.log.read_text()
    watch.over.set()
    watch.join()

    assert "3 runs done, 0 failed" in client.log.read_text()
    assert watch.looks > 100 and not watch.twice
    assert results(reports) == {run: undisturbed[run] for run in results(reports)}
    assert (
        not list(reports.glob("*/earlier"))
        and (reports / "mine--sample--epochs-30--max_images-300/report.pdf").exists()
    )


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


def pipeline(project, environment, *words):
    return subprocess.run(
        [sys.executable, COMMAND[0], *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )


def submitted(project, environment, name, *more):
    return pipeline(project, environment, "submit", name, "--slurm", *COMMAND[3:], *more)


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

    def epoch(self, index):
        """The last one that a task's run has saved; 0 for none."""
        return max((int(name[6:10]) for name in self.epochs(index)), default=0)

    def log(self, index):
        return (self.logs / f"{self.runs[index]}.txt").read_text()

    def until(self, condition, what, seconds=120):
        return self.slurm.until(condition, what, seconds)


@pytest.mark.slow
def test_six_runs_on_slurm_end_with_the_bits_of_a_local_sweep_whatever_is_cancelled_or_killed(
    project, environment, on_slurm, undisturbed, time_limits, tmp_path
):
    reports, watch = tmp_path / "reports", Watch()
    folder = reports / "six--sample--epochs-30--max_images-300"
    watch.start()
    done = submitted(project, environment, "six")
    assert done.returncode == 0, done.stdout + done.stderr
    first = Tasks(on_slurm, folder)
    assert f"6 runs submitted as job array {first.job}, and job" in done.stdout
    again = submitted(project, environment, "six")
    assert (
        again.returncode == 0
        and again.stdout.count(f"not submitted again: SLURM {first.job}_") == 6
    )
    assert again.stdout.endswith("nothing to submit: 6 runs to do, all submitted already\n")

    def next_one(*besides):
        """A task that is not among these, and whose run has saved an epoch and has many left."""

        def found():
            return [
                index
                for index in range(6)
                if index not in besides
                and first.state(index) == "RUNNING"
                and 1 <= first.epoch(index) <= 12
            ]

        return first.until(found, "another run has saved an epoch")[0]

    next_one()
    on_slurm.kill(
        "slurmctld"
    )  # first: it forgets what it has not written yet, such as that a task was cancelled
    on_slurm.start("slurmctld")
    cancelled = next_one()
    on_slurm.ask("scancel", f"{first.job}_{cancelled}")
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

    first.until(
        lambda: all(first.state(index) in slurm_module.FINAL for index in range(6)),
        "all tasks have ended",
        180,
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
    status = pipeline(project, environment, "status", "six", *COMMAND[3:]).stdout
    assert (
        f"SLURM {first.job}_{cancelled}: CANCELLED" in status
        and f"SLURM {first.job}_{killed}: FAILED" in status
    )

    done = submitted(project, environment, "six")
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
        "going on after epoch" in first.log(index) for index in (cancelled, requeued, killed, lost)
    )
    assert watch.looks > 100 and not watch.twice
    assert results(reports) == undisturbed
    assert not list(reports.glob("*/earlier"))
    assert "nothing to do: all 6 runs are done" in submitted(project, environment, "six").stdout


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
# What stands in for a run, so that many turns take little time. steady: saves epochs, is done in
# its second turn; stuck: never has saved one when it is asked to stop; deaf: its epoch takes longer
# than from USR1 to the end; hungry: takes 400 MiB.


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
            planning.Step(experiment, "", 1, "train", "", memory=memory * 2**20)
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


@pytest.mark.slow
def test_at_its_time_limit_a_task_is_queued_again_and_fails_after_two_turns_without_a_saved_epoch(
    time_limits,
):
    found, preempted = time_limits
    found.until(
        lambda: found.state(0) == "COMPLETED",
        "the task that was stopped at its limit ends in its second turn",
    )
    assert found.restarts(0) == 1
    found.until(lambda: found.state(1) == "FAILED", "the task without progress fails")
    assert found.restarts(1) == 1 and found.log(1).splitlines()[-1].startswith(
        f"error: {found.runs[1]} saved no epoch in 2 turns: the time limit is shorter than an epoch"
        " takes. Submit again with a longer one"
    )
    found.until(
        lambda: found.restarts(2) == 1, "the task that was ended at its limit is queued again"
    )
    assert "stopped at once" in found.log(2)
    preempted.until(lambda: preempted.state(0) == "COMPLETED", "the task that gave way goes on")
    assert preempted.restarts(0) == 1


@pytest.mark.slow
def test_a_cancelled_array_is_not_queued_again_and_memory_is_what_was_asked_for(
    project, on_slurm, tmp_path
):
    found = handed_over(on_slurm, tmp_path, ["steady", "stuck", "hungry"], "--partition=side")
    found.until(lambda: found.state(2) == "FAILED", "the task that takes too much memory is killed")
    assert (
        "exceeded memory limit"
        in slurm_module.said(sweeps.load("mine", {"data": "sample"}))[found.runs[2]]
    )
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


def test_where_there_is_no_sbatch_it_says_where_to_submit(project, environment, tmp_path):
    done = submitted(project, environment | {"PATH": str(tmp_path)}, "mine")
    assert done.returncode == 1 and done.stderr.startswith(
        "error: there is no sbatch on this machine: submit from a login node of the cluster"
    )


def test_options_for_the_tasks_do_not_reach_the_job_of_the_report():
    asked = [
        "--gres=gpu:1",
        "--mem",
        "9G",
        "-A",
        "course",
        "--part=long",
        "-t04:00:00",
        "--exclusive",
        "--array=0-3",
    ]
    assert slurm_module.for_any_job(asked) == [
        "--account=course",
        "--partition=long",
        "--time=04:00:00",
    ]


def test_what_the_accounts_of_a_cluster_say_of_an_ended_job_is_shown(
    project, monkeypatch, tmp_path
):
    """The SLURM of the tests keeps no accounts, for which it needs a database: a program says what
    sacct would.
    """
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/sacct").write_text(
        "#!/bin/sh\nprintf '7_0|OUT_OF_MEMORY\\n7_1|CANCELLED by 1000\\n'\n"
    )
    (tmp_path / "bin/sacct").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin")
    sweep = sweeps.load("mine", {"data": "sample"})
    names = [experiment.run_name for experiment in sweep.experiments]
    assert slurm_module.said(sweep) == {}
    sweep.folder.mkdir(parents=True)
    files.write_json(
        sweep.folder / "slurm.json", [{"job": "7", "runs": names[:2], "submitted": files.now()}]
    )
    assert list(slurm_module.said(sweep).values()) == [
        "SLURM 7_0: OUT_OF_MEMORY",
        "SLURM 7_1: CANCELLED",
        "no job has it",
    ]


@pytest.mark.parametrize(
    "words, expected",
    [
        (
            ["--scheduler", "nonsense"],
            (
                "no scheduler answers at nonsense (an address is like tcp://lab1:8786); start one:"
                " dask scheduler"
            ),
        ),
        (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers at tcp://127.0.0.1:1"),
        (
            ["--scheduler-file", "nowhere.json"],
            "--scheduler-file nowhere.json: there is no such file; the scheduler writes it",
        ),
    ],
)
def test_a_scheduler_that_is_not_there_is_told_at_once_with_what_to_start(
    project, environment, words, expected
):
    done = subprocess.run(
        [sys.executable, *COMMAND, *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert (
        done.returncode == 1
        and done.stderr.startswith("error: ")
        and expected in done.stderr
        and len(done.stderr.splitlines()) == 1
    )


def test_what_answers_but_is_no_scheduler_is_told(project, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(
            target=lambda: [
                server.accept()[0].sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 4) for _ in range(2)
            ],
            daemon=True,
        ).start()
        monkeypatch.setattr(dask, "CONNECT_SECONDS", 3)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(ConnectionError, match=f"no scheduler answers at {address}"),
            dask.connected(address, None),
        ):
            pass


def test_options_for_sbatch_that_are_no_words_are_refused_by_name(project, environment):
    done = submitted(project, environment, "mine", "--sbatch=--gres='gpu")
    assert (
        done.returncode == 1
        and done.stderr == "error: --sbatch --gres='gpu: no closing quotation\n"
    )

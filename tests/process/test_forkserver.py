"""Runs that are forked from a process which has imported everything: the same bits, nothing left
behind, and no fork where it cannot be trusted.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from helpers.clusters import made, results, train
from helpers.processes import PATIENCE, Processes, alive, descendants, parent, until
from helpers.project import ROOT
from labreport.config import experiments
from labreport.executors import forkserver, local, plan, tasks
from labreport.studies import sweeps

SETTINGS = ["--data", "sample", "--set", "epochs=2", "max_images=200"]
SWEEP = (
    "title: T\nquestion: Q?\nbase: cifar10_naive_adam\nseeds: [1]\nruns:\n  - {experiment:"
    " cifar10_augmentation, filters: [[4], [4]], block_dropout: [0.2, 0.2], validation_fraction:"
    " 0.1, dense: [8], dense_dropout: [0.2], batch_size: 64, patience: null}\n"
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path / "project"))
    (tmp_path / "project/params/sweeps/mine.yaml").write_text(SWEEP)
    return tmp_path / "project"


def runs(*settings):
    """The names of the two runs with these settings."""
    settings = experiments.parse_settings([*settings, "max_images=200"]) | {"data": "sample"}
    return [one.run_name for one in sweeps.load("mine", settings).experiments]


def sweep_of(epochs):
    """The command that trains the two runs."""
    command = [ROOT / "pipeline.py", "sweep", "mine", "--data", "sample"]
    return [*command, "--set", epochs, "max_images=200"]


@pytest.mark.slow
def test_a_forked_run_ends_with_the_bits_of_a_new_process(project, environment, tmp_path):
    command = [sys.executable, str(ROOT / "pipeline.py")]
    done = subprocess.run(
        [*command, "sweep", "mine", *SETTINGS],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    logs = [file.read_text() for file in tmp_path.glob("reports/mine*/logs/cifar10*.txt")]
    assert len(logs) == 2 and all(
        "forked from a process that had imported everything" in log for log in logs
    )
    settings = {"data": "sample", "epochs": 2, "max_images": 200}
    train(
        *sweeps.load("mine", settings).experiments,
        folder=project,
        environment=environment | {"LABREPORT_REPORTS": str(tmp_path / "new")},
    )
    assert len(results(tmp_path / "new")) == 2 and results(tmp_path / "reports") == results(
        tmp_path / "new"
    )
    for folder in filter(Path.is_dir, (tmp_path / "new").iterdir()):
        noise = ("port.cc", "cpu_feature_guard", "WARNING")
        assert not [
            word
            for word in noise
            if word in (tmp_path / "reports" / folder.name / "notebook.ipynb").read_text()
        ]


@pytest.mark.slow
@pytest.mark.parametrize("whom", ["the process that forks", "the whole group"])
def test_whoever_is_killed_beside_the_sweep_no_run_is_lost_or_runs_twice(
    project, environment, gate, tmp_path, whom
):
    """A signal to the process group is what `timeout`, systemd and a SLURM step send."""
    gate.hold(*runs("epochs=4"))
    processes = Processes(project, environment)
    command = sweep_of("epochs=4")

    def working():
        return list(tmp_path.glob("reports/*/unfinished/epoch-*.npz"))

    try:
        sweep = processes.start(*command)
        until(working, "a run has saved an epoch", of=sweep)
        [fork_server] = [
            one
            for one in descendants(sweep.pid)
            if parent(one) == sweep.pid
            and any(parent(other) == one for other in descendants(sweep.pid))
        ]
        if whom == "the process that forks":
            there = descendants(fork_server)
            os.kill(fork_server, signal.SIGKILL)
            until(lambda: not any(map(alive, there)), "what it had forked is gone")
            gate.release()
            assert sweep.wait(PATIENCE) == 0, sweep.log.read_text()
            logs = "".join(
                file.read_text() for file in tmp_path.glob("reports/mine*/logs/cifar10*.txt")
            )
            assert (
                "2 runs done, 0 failed" in sweep.log.read_text()
                and "resuming after epoch" in logs
                and "a new process" in logs
            )
        else:
            os.killpg(sweep.pid, signal.SIGTERM)
            assert sweep.wait(PATIENCE) == 143
            said = sweep.log.read_text()
            assert (
                "failed" not in said
                and "the epochs of the others are saved; run the same command again to continue"
                in said
            )
            assert all(
                '"state": "interrupted"' in file.read_text()
                for file in tmp_path.glob("reports/cifar10*/run.json")
            )
    finally:
        processes.end()


FORK_SERVER = """
import multiprocessing.forkserver, os, pathlib, sys, time
from labreport.executors import forkserver
if __name__ == "__main__":
    forkserver.IMPORTED = {imported}
    fork_server = forkserver.ForkServer(pathlib.Path(sys.argv[1]))
    {then}
"""


def fork_server(tmp_path, imported, then, **environment):
    """What a process prints that has a fork_server."""
    (tmp_path / "fork_server.py").write_text(
        FORK_SERVER.format(imported=imported, then="\n    ".join(then.splitlines()))
    )
    done = subprocess.run(
        [sys.executable, tmp_path / "fork_server.py", tmp_path / "log.txt"],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_no_thread_is_lost_in_a_fork_since_there_is_none_but_openblas_s(tmp_path):
    then = """
fork_server.context.Process(target=print).start()  # it is started when all has been imported
while not (there := multiprocessing.forkserver._forkserver._forkserver_pid): time.sleep(0.1)
import multiprocessing
for child in multiprocessing.active_children(): child.join()
print(len(os.listdir(f"/proc/{there}/task")))"""
    assert fork_server(tmp_path, forkserver.IMPORTED, then, OPENBLAS_NUM_THREADS="1").split() == [
        "1"
    ]


def test_once_the_source_has_changed_a_run_gets_a_new_process(tmp_path):
    shutil.copytree(ROOT / "lib/labreport", tmp_path / "lib/labreport")
    then = f"""
print(fork_server.unchanged())
file = pathlib.Path("{tmp_path}/lib/labreport/models/cifar10.py")
file.write_text(file.read_text() + "other = 1")
print(fork_server.unchanged())"""
    assert fork_server(tmp_path, ("json",), then, PYTHONPATH=str(tmp_path / "lib")).split() == [
        "True",
        "False",
    ]


@pytest.mark.parametrize(
    "backend, gpus, trusted",
    [("tensorflow", "-1", True), ("jax", "-1", False), ("tensorflow", "0", False)],
)
def test_a_run_is_not_forked_with_jax_or_a_gpu(backend, gpus, trusted, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    assert forkserver.possible() is (trusted and sys.platform == "linux")


def test_each_run_at_once_has_a_gpu_of_its_own(project, monkeypatch, tmp_path):
    """The next run gets the one that has become free, also after a run that has failed."""
    (project / "params/sweeps/mine.yaml").write_text(
        "title: T\nquestion: Q?\nbase: cifar10_naive_adam\nseeds: [1, 2]\nruns:\n  - {optimizer:"
        " rmsprop}\n"
    )
    sweep, given, running = sweeps.load("mine"), [], []

    class Stub:
        def __init__(self, gpu, returncode):
            self.gpu, self.returncode, self.looks = gpu, returncode, 0
            running.append(gpu)

        def poll(self):
            self.looks += 1
            if self.looks == 2:
                running.remove(self.gpu)
            return self.returncode if self.looks == 2 else None

    def start(script, arguments, log, folder, environment):
        assert (
            environment["CUDA_VISIBLE_DEVICES"] not in running
            and environment["LABREPORT_THREADS"] == "3"
        )
        given.append(environment["CUDA_VISIBLE_DEVICES"])
        return Stub(given[-1], returncode=int(len(given) == 1))

    monkeypatch.setattr(tasks, "start", start)
    monkeypatch.setattr(tasks, "LOOK_SECONDS", 0.01)
    found = local.Pool(
        sweep,
        plan.steps(sweep),
        plan.Resources(8, ["4", "7"], 2**40, 2**40),
        at_once=2,
        threads=3,
    ).run(lambda task: None)
    assert [task.outcome for task in found] == ["failed", *["done"] * 3]
    assert sorted(given) == ["4", "4", "7", "7"]


def test_one_run_alone_is_not_worth_a_forge(project):
    steps = plan.steps(sweeps.load("mine"))
    assert local.fork_server(sweeps.load("mine"), steps[:1]) is None

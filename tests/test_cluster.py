"""A sweep on a cluster: a real Dask scheduler and workers, and a stand-in for SLURM that runs the job scripts for real."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import ROOT
from processes import Processes, Watch, parent, trainings, until

from labreport import cluster, files, state, sweeps

COMMAND = [ROOT / "pipeline.py", "sweep", "mine", "--data", "sample", "--set", "epochs=30", "max_images=300"]
SWEEP = "title: T\nquestion: Q?\nbase: cifar10_naive_adam\nseeds: [1]\nruns:\n  - {optimizer: rmsprop}\n  - {optimizer: sgd, learning_rate: 0.01}\n"


def made(folder):
    """A project folder with one sweep of three runs, `mine`."""
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.rmtree(folder / "params/sweeps")
    (folder / "params/sweeps").mkdir()
    (folder / "params/sweeps/mine.yaml").write_text(SWEEP)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(made(tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the runs of the sweep end with on one machine, when nobody kills anything."""
    folder = tmp_path_factory.mktemp("undisturbed")
    environment = os.environ | {"LABREPORT_REPORTS": str(folder / "reports"), "LABREPORT_CACHE": str(folder / "cache"), "LABREPORT_THREADS": "1"}
    done = subprocess.run([sys.executable, *COMMAND], cwd=made(folder / "project"), env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return results(folder / "reports")


@pytest.fixture
def environment(tmp_path):
    return os.environ | {"LABREPORT_REPORTS": str(tmp_path / "reports"), "LABREPORT_CACHE": str(tmp_path / "cache"), "LABREPORT_THREADS": "1"}


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
        self.scheduler = self.processes.start("-m", "dask", "scheduler", "--scheduler-file", self.file, "--no-dashboard", "--host", "127.0.0.1", "--port", self.port)
        until(lambda: files.read_json(self.file), "the scheduler writes its file")
        self.port = json.loads(self.file.read_text())["address"].rsplit(":", 1)[1]
        self.workers = [self.processes.start("-m", "dask", "worker", "--scheduler-file", self.file, "--nthreads", "1", "--no-dashboard", "--local-directory", "dask",
                                             "--death-timeout", "60") for _ in range(2)]


def epochs(reports):
    """Folders of the runs that are at work and have saved an epoch."""
    return {path.parents[1].name for path in reports.glob("*/unfinished/epoch-*.npz")}


def results(reports):
    """What the finished runs have measured, by folder."""
    return {file.parent.name: {name: file.with_name(name).read_bytes() for name in ("history.csv", "predictions.csv")} for file in reports.glob("cifar10*/metrics.json")}


@pytest.mark.slow
def test_whatever_is_killed_each_run_of_a_cluster_ends_once_with_the_bits_of_an_undisturbed_one(project, processes, undisturbed, tmp_path):
    reports, lab, watch = tmp_path / "reports", Cluster(processes), Watch()
    watch.start()
    client = processes.start(*COMMAND, "--scheduler-file", lab.file)
    until(lambda: epochs(reports), "a first epoch", of=client)

    folder, kernels = until(lambda: next(iter(trainings().items()), None), "a kernel at work")
    worker = parent(parent(next(iter(kernels))))  # kernel, pipeline, worker
    os.kill(worker, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{kernel}").exists() for kernel in kernels), "its kernel dies with it", 5)

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
    assert results(reports) == undisturbed
    assert not list(reports.glob("*/earlier")) and (reports / "mine--sample--epochs-30--max_images-300/report.pdf").exists()


@pytest.fixture
def slurm_here(tmp_path, environment, monkeypatch):
    """`sbatch` and `scontrol` on the PATH; the folder of their jobs."""
    (tmp_path / "bin").mkdir()
    for name in ("sbatch", "scontrol"):
        (tmp_path / "bin" / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" "{ROOT}/tests/slurm_stand_in.py" {name} "$@"\n')
        (tmp_path / "bin" / name).chmod(0o755)
    environment |= {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "SLURM_STAND_IN": str(tmp_path / "jobs"), "LABREPORT_AGAIN_SECONDS": "1"}
    yield tmp_path / "jobs"
    for file in (tmp_path / "jobs").glob("*/*.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(int(file.read_text()), signal.SIGKILL)


def submitted(project, environment, *more):
    return subprocess.run([sys.executable, COMMAND[0], "submit", "mine", "--slurm", *COMMAND[3:], *more], cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_job_array_of_slurm_saves_before_its_time_limit_is_queued_again_and_ends_with_the_same_bits(project, environment, slurm_here, undisturbed, tmp_path):
    reports, watch = tmp_path / "reports", Watch()
    held = sweeps.load("mine", {"data": "sample", "epochs": 30, "max_images": 300}).experiments[2]
    (reports / held.run_name).mkdir(parents=True)
    watch.start()
    with files.lock(reports / held.run_name / state.LOCK, "a run of another process"):
        done = submitted(project, environment, "--jobs", "2", "--sbatch=--time=00:10:00")
        assert done.returncode == 0 and "3 runs submitted as job array 1001" in done.stdout, done.stdout + done.stderr
        job = slurm_here / "1001"

        run = until(lambda: next(iter(epochs(reports)), None), "a first epoch")
        task = "1" if "rmsprop" in run else "0"
        os.kill(int((job / f"{task}.pid").read_text()), signal.SIGUSR1)  # to the script alone, as --signal=B:USR1 says
        until(lambda: (job / f"{task}.ends").exists(), "the task ends")
        other = "1" if task == "0" else "0"
        until(lambda: epochs(reports) or (job / f"{other}.ends").exists(), "the other task is at work")
        with contextlib.suppress(OSError):  # or it has ended
            os.killpg(int((job / f"{other}.pid").read_text()), signal.SIGKILL)  # the machine is lost
        until(lambda: "75" in ends(job, "2"), "the third task is put off while another process has its run")
    until(lambda: (slurm_here / "1002/ended").exists(), "the report's job ends")
    watch.over.set()
    watch.join()

    assert ends(job, task) == ["75", "0"] and ends(job, other)[-1] == "0" and ends(job, "2")[-1] == "0"
    assert "going on after epoch" in (reports / f"mine--sample--epochs-30--max_images-300/logs/slurm-{task}.txt").read_text()
    assert "time" in (job / "options").read_text() and "B:USR1@120" in (job / "options").read_text()
    assert watch.looks > 100 and not watch.twice
    assert results(reports) == undisturbed
    assert not list(reports.glob("*/earlier")) and (reports / "mine--sample--epochs-30--max_images-300/report.pdf").exists()
    assert "nothing to do: all 3 runs are done" in submitted(project, environment).stdout


def ends(job, task):
    """Exit codes of a task, of each of its turns."""
    return (job / f"{task}.ends").read_text().split() if (job / f"{task}.ends").exists() else []


def test_what_sbatch_says_is_handed_on(project, environment, slurm_here):
    done = submitted(project, environment, "--sbatch=--account=refused")
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == "error: sbatch refused slurm.sh: sbatch: error: Batch job submission failed: Invalid account"
    done = submitted(project, environment | {"PATH": "/usr/bin:/bin"})
    assert done.returncode == 1 and "there is no sbatch on this machine: submit from a login node of the cluster" in done.stderr


@pytest.mark.parametrize("words, expected", [(["--scheduler", "nonsense"], "no scheduler answers at nonsense (an address is like tcp://lab1:8786); start one: dask scheduler"),
                                             (["--scheduler", "tcp://127.0.0.1:1"], "no scheduler answers at tcp://127.0.0.1:1"),
                                             (["--scheduler-file", "nowhere.json"], "--scheduler-file nowhere.json: there is no such file; the scheduler writes it")])
def test_a_scheduler_that_is_not_there_is_told_at_once_with_what_to_start(project, environment, words, expected):
    done = subprocess.run([sys.executable, *COMMAND, *words], cwd=project, env=environment, capture_output=True, text=True, timeout=90)
    assert done.returncode == 1 and done.stderr.startswith("error: ") and expected in done.stderr and len(done.stderr.splitlines()) == 1


def test_what_answers_but_is_no_scheduler_is_told(project, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=lambda: [server.accept()[0].sendall(b"SSH-2.0-OpenSSH_9.2\r\n" * 4) for _ in range(2)], daemon=True).start()
        monkeypatch.setattr(cluster, "CONNECT_SECONDS", 3)
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(ConnectionError, match=f"no scheduler answers at {address}"), cluster.connected(address, None):
            pass


def test_options_for_sbatch_that_are_no_words_are_refused_by_name(project, environment):
    done = submitted(project, environment, "--sbatch=--gres='gpu")
    assert done.returncode == 1 and done.stderr == "error: --sbatch --gres='gpu: no closing quotation\n"

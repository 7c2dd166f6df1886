"""A sweep on a cluster: a real Dask scheduler and workers; and what is said where there is none."""

import functools
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from helpers.clusters import (
    COMMAND,
    SETTINGS,
    Cluster,
    epochs,
    results,
    submitted,
    undisturbed_results,
)
from helpers.processes import PATIENCE, Processes, Watch, alive, parent, trainings, until
from labreport.core import files
from labreport.executors import dask
from labreport.executors import slurm as slurm_module
from labreport.studies import sweeps


@pytest.fixture
def processes(project, environment):
    found = Processes(project, environment)
    yield found
    found.end()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """What the three runs end with when nobody kills anything."""
    return undisturbed_results(tmp_path_factory.mktemp("undisturbed"), "mine")


def taken_up(folder, gate):
    """The kernels that train in a run's folder. The scheduler may give both workers the other two
    runs first; those are let go then.
    """
    at_work = trainings()
    if folder not in at_work and len(at_work) == 2:
        gate.release(*(Path(other).name for other in at_work))
    return at_work.get(folder)


@pytest.mark.slow
def test_whatever_is_killed_each_run_of_a_cluster_ends_once_with_the_bits_of_an_undisturbed_one(
    project, processes, undisturbed, gate, tmp_path
):
    """Each run is held after each of its epochs, until it is let go at the end."""
    reports, lab, watch = tmp_path / "reports", Cluster(processes), Watch()
    names = {experiment.run_name for experiment in sweeps.load("mine", SETTINGS).experiments}
    gate.hold(*names)
    watch.start()
    client = processes.start(*COMMAND, "--scheduler-file", lab.file)
    until(lambda: epochs(reports), "a first epoch", of=client)

    folder, kernels = until(lambda: next(iter(trainings().items()), None), "a kernel at work")
    worker = parent(parent(next(iter(kernels))))  # kernel, pipeline, worker
    os.kill(worker, signal.SIGKILL)
    until(lambda: not any(map(alive, kernels)), "its kernel dies with it")
    until(lambda: taken_up(folder, gate), "another worker takes the run up")

    os.kill(client.pid, signal.SIGKILL)
    client.wait()
    client = processes.start(*COMMAND, "--scheduler-file", lab.file)
    until(lambda: client.log.read_text(), "it has begun", of=client)
    until(trainings, "so do its runs")

    os.kill(lab.scheduler.pid, signal.SIGKILL)
    lab.scheduler.wait()
    lab.start()  # at the same address
    left = set(names)
    while left:
        seen = until(
            lambda left=left: left & watch.seen & (epochs(reports) | set(results(reports))),
            "a run is at work or done",
            of=client,
        )
        gate.release(*seen)
        left -= seen
    assert client.wait(PATIENCE) == 0, client.log.read_text()
    watch.over.set()
    watch.join()

    assert "3 runs done, 0 failed" in client.log.read_text()
    assert watch.seen >= names and not watch.twice
    assert results(reports) == undisturbed
    assert (
        not list(reports.glob("*/earlier"))
        and (reports / "mine--sample--epochs-6--max_images-300/report.pdf").exists()
    )


def test_where_there_is_no_sbatch_it_says_where_to_submit(project, environment, tmp_path):
    done = submitted(project, environment | {"PATH": str(tmp_path)}, "mine")
    assert done.returncode == 1 and done.stderr.startswith(
        "error: sbatch is not installed on this machine: submit from a login node of the cluster"
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
    states = functools.partial(slurm_module.Slurm.states, sweep.folder, sweep.experiments)
    assert states() == {}
    sweep.folder.mkdir(parents=True)
    files.write_json(
        sweep.folder / "slurm.json", [{"job": "7", "runs": names[:2], "submitted": files.now()}]
    )
    assert list(states().values()) == [
        "SLURM 7_0: OUT_OF_MEMORY",
        "SLURM 7_1: CANCELLED",
        "no SLURM job",
    ]


@pytest.mark.parametrize(
    "words, expected",
    [
        (
            ["--scheduler", "nonsense"],
            (
                "no scheduler answers at nonsense (an address looks like tcp://lab1:8786); start"
                " one: dask scheduler"
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
        timeout=PATIENCE,
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

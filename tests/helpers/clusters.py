"""A sweep in a project of its own, and a Dask cluster on this machine that it can be sent to."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from helpers.processes import until
from helpers.project import ROOT
from labreport.core import files
from labreport.studies import sweeps

COMMAND = [
    ROOT / "pipeline.py",
    "sweep",
    "mine",
    "--data",
    "sample",
    "--set",
    "epochs=6",
    "max_images=300",
]
SETTINGS = {"data": "sample", "epochs": 6, "max_images": 300}
SWEEP = """\
title: T
question: Q?
base: cifar10_naive_adam
seeds: [1]
runs:
  - {optimizer: rmsprop}
"""
THIRD = "  - {optimizer: sgd, learning_rate: 0.01}\n"


def made(folder):
    """A project folder with a sweep of three runs, `mine`, and one of four, which has two of these
    and the same with another seed.
    """
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.rmtree(folder / "params/sweeps")
    (folder / "params/sweeps").mkdir()
    (folder / "params/sweeps/mine.yaml").write_text(SWEEP + THIRD)
    (folder / "params/sweeps/four.yaml").write_text(SWEEP.replace("[1]", "[1, 2]"))
    return folder


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
            name: file.with_name(name).read_bytes()
            for name in ("history.csv", "predictions.csv", "validation.npz")
        }
        for file in reports.glob("cifar10*/metrics.json")
    }


# A process that only trains: no notebook, no other process.
TRAIN = """
import json, sys
from labreport import datasets
from labreport.config import experiments
from labreport.training import backend, training
backend.prepare()
for name, settings in json.loads(sys.argv[1]):
    experiment = experiments.load(name, settings)
    training.fit(experiment, datasets.load(experiment))
"""


def train(*chosen, folder=ROOT, environment):
    """Train experiments one after the other in one new process, in a project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, json.dumps([[one.name, one.changes] for one in chosen])],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def surroundings(folder):
    """An environment with folders of its own, for runs of one thread."""
    return os.environ | {
        "LABREPORT_REPORTS": str(folder / "reports"),
        "LABREPORT_CACHE": str(folder / "cache"),
        "LABREPORT_THREADS": "1",
    }


def undisturbed_results(folder, sweep):
    """What the runs of a sweep end with, one after the other in one process."""
    project = made(folder / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        chosen = sweeps.load(sweep, SETTINGS).experiments
    train(*chosen, folder=project, environment=surroundings(folder))
    return results(folder / "reports")


def pipeline(project, environment, *words):
    return subprocess.run(
        [sys.executable, COMMAND[0], *words],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
    )


def submitted(project, environment, name, *more):
    return pipeline(project, environment, "slurm", name, *COMMAND[3:], *more)

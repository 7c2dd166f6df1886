"""A run on its way: what starts it, where its output goes, how it ended; and what a sweep records
of how its runs are made.
"""

import argparse
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..config import experiments
from ..core import files, logs, paths, signals
from ..core.i18n import count
from ..runs import state
from ..studies.looks import RECORD
from . import forkserver
from .plan import Step

PIPELINE = paths.PACKAGE.parents[1] / "pipeline.py"
LOGS = "logs"
LOOK_SECONDS = 0.5


class Subject(Protocol):
    """What an executor is asked for: an experiment, or a sweep with its runs."""

    @property
    def name(self) -> str: ...

    @property
    def run_name(self) -> str: ...

    @property
    def folder(self) -> Path: ...


@dataclass
class Task:
    """A run on its way.

    outcome: waiting, running, done, failed or stopped; submitted where it goes on after this
    command. tries: processes started so far. why: it failed.
    """

    step: Step
    log: Path
    outcome: str = "waiting"
    tries: int = 0
    why: str = ""

    @property
    def folder(self) -> Path:
        return self.step.experiment.folder

    def begin(self) -> None:
        """Count another try."""
        self.tries += 1
        self.outcome = "running"

    def ended(self, code: int, retries: int, asked: bool) -> None:
        """Take notice of how its process ended. retries: of a run that fails; asked: whether the
        sweep is being stopped.
        """
        if code == 0:
            self.outcome, self.why = "done", ""
            return
        self.why = reason_in_log(self.log, code)
        if asked and code in (129, 130, 143, forkserver.LOST):
            self.outcome = "stopped"
        elif code in (files.RUN_LOCKED, forkserver.LOST) and not asked:
            # another process has it in hand, or its parent was killed: it is begun again
            self.outcome, self.tries = "waiting", self.tries - 1
        else:
            self.outcome = "waiting" if self.tries <= retries and not asked else "failed"


@contextlib.contextmanager
def queued(subject: Subject, steps: list[Step]):
    """Within the block there is a task for each step, queued where there is something to do; what
    nothing has come of is taken back at its end.
    """
    folder = subject.folder / LOGS
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [
        Task(step, folder / f"{step.experiment.run_name}.txt", "waiting" if step.to_do else "done")
        for step in steps
    ]
    for task in tasks:
        if task.step.to_do:
            state.queue(task.folder)
    try:
        yield tasks
    finally:
        for task in tasks:
            state.unqueue(task.folder)


def command(experiment) -> list[str]:
    """What `pipeline.py` is told to run an experiment in a process of its own."""
    changed = dict.fromkeys(key.split(".")[0] for key in experiment.changes if key != "data")
    settings = experiment.training_settings()
    sample = ["--data", "sample"] if experiment.data == "sample" else []
    return [
        "report",
        experiment.name,
        "--notebook-only",
        *sample,
        *(["--set", *(f"{key}={json.dumps(settings[key])}" for key in changed)] if changed else []),
    ]


def head(log: Path, run_name: str, how: str) -> None:
    """Write into the log that a process begins."""
    log.parent.mkdir(parents=True, exist_ok=True)  # somebody may have tidied up
    with open(log, "a") as stream:
        stream.write(f"--- {run_name}, {files.now()}, {how}\n")


def start(
    script: Path, arguments: list[str], log: Path, folder: Path, environment: dict[str, str]
) -> logs.Process:
    """A process that runs the pipeline in a folder, its words cleaned and appended to the log.

    It dies with the thread that started it.
    """
    return logs.Process(
        [sys.executable, str(script), *arguments],
        log,
        cwd=folder,
        env=environment,
        start_new_session=True,
        preexec_fn=signals.die_with(os.getpid()),
    )


def base_folder(experiment) -> Path | None:
    """Folder of the experiment whose weights this one starts from, as long as it is not finished:
    two runs must not both train it.
    """
    base = experiments.base(experiment)
    return base.folder if base and not (base.folder / "metrics.json").exists() else None


def stopped(subject: Subject, tasks: list[Task], number: int) -> signals.Interrupted:
    """What is raised when a sweep was asked to stop by a signal, and its runs have."""
    stop = signals.Interrupted(
        f"{subject.run_name}: {sum(task.outcome == 'done' for task in tasks)} of"
        f" {count(len(tasks), 'run')} done, the epochs of the others are saved; run the same"
        " command again to continue"
    )
    stop.signal = number
    return stop


def by_reason(failed: list[Task]) -> dict[str, list[Task]]:
    """Tasks that failed, by the reason: one mistake can fail a whole night's runs, and is printed
    once.
    """
    reasons: dict[str, list[Task]] = {}
    for task in failed:
        reasons.setdefault(task.why, []).append(task)
    return reasons


def recorded(subject: Subject) -> dict:
    """at_once and threads with which a sweep was started; empty where it was not yet.

    Another number of threads gives other bits, so they are kept.
    """
    record = files.read_json(subject.folder / RECORD)
    whole = isinstance(record, dict) and all(
        type(record.get(key)) is int and record[key] > 0 for key in ("at_once", "threads")
    )
    return record if whole else {}


def record(subject: Subject, at_once: int, threads: int) -> None:
    """Keep them."""
    before = files.read_json(subject.folder / RECORD)
    known = before if isinstance(before, dict) else {}
    files.write_json(
        subject.folder / RECORD,
        {"started": files.now()} | known | {"at_once": at_once, "threads": threads},
    )


def reason_in_log(log: Path, code: int) -> str:
    """Why a run failed, by its log; code: its exit code, for a run that said nothing."""
    text = log.read_text("utf-8", errors="replace") if log.exists() else ""
    lines = [
        line for line in text.splitlines() if line.startswith(("error:", "interrupted:", "---"))
    ]
    if not lines or lines[-1].startswith("---"):
        return f"it terminated unexpectedly with exit code {code}: killed, or out of memory?"
    return lines[-1].split(": ", 1)[1]


def report_command(options: argparse.Namespace, name: str) -> list[str]:
    """The arguments that make the report of this name, with the settings of a command line."""
    data = ["--data", options.data] if options.data else []
    settings = ["--set", *options.set] if options.set else []
    return ["report", name, "--language", options.language, *data, *settings]

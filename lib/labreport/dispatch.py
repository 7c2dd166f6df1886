"""Many runs at once on one machine: each in a process of its own, as many as there is room for, and a view of how far they are."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from . import experiments, files, interruption, paths, planning, provenance, state
from .planning import Room, Step
from .sweeps import Sweep
from .wording import count

LOOK_SECONDS = 0.5
RECORD = "sweep.json"  # in the sweep's folder: how its runs are made
LOCK = ".sweep.lock"
LOGS = "logs"
PIPELINE = provenance.PACKAGE.parents[1] / "pipeline.py"


@dataclass
class Task:
    """A run on its way. outcome: empty, waiting, running, done, failed or stopped. tries: processes started so far."""

    step: Step
    log: Path
    outcome: str = "waiting"
    tries: int = 0
    why: str = ""
    process: subprocess.Popen | None = None
    gpu: str | None = None
    started: float = 0.0
    epochs_before: int = 0
    seconds: float = 0.0

    @property
    def folder(self) -> Path:
        return self.step.experiment.folder


@dataclass
class Pool:
    """Runs the steps of a sweep. at_once: processes; threads: of each; retries: of a run that failed."""

    sweep: Sweep
    steps: list[Step]
    room: Room
    at_once: int
    threads: int
    retries: int = 0
    tasks: list[Task] = field(default_factory=list)

    def run(self, changed) -> list[Task]:
        """Bring every step to its end; `changed(task)` is told of each that starts or ends, and called without one as often as the view may move.

        Raises Interrupted after SIGINT or SIGTERM, when the runs at work have saved their epoch; a second signal ends them at once.
        """
        logs = self.sweep.folder / LOGS
        logs.mkdir(parents=True, exist_ok=True)
        self.tasks = [Task(step, logs / f"{step.experiment.run_name}.txt") for step in self.steps]
        for task in self.tasks:
            if not task.step.to_do:
                task.outcome = "done"
            else:
                state.queue(task.folder)
        waiting = deque(task for task in self.tasks if task.outcome == "waiting")
        try:
            with interruption.listening(self._ask_to_stop) as asked:
                while (waiting and not asked()) or self._running():
                    for task in self._running():
                        if task.process.poll() is not None:
                            self._ended(task, waiting, asked())
                            changed(task)
                    while waiting and not asked() and (task := self._next(waiting)):
                        waiting.remove(task)
                        self._start(task)
                        changed(task)
                    changed(None)
                    time.sleep(LOOK_SECONDS)
                if asked():
                    raise interruption.Interrupted(f"{self.sweep.run_name}: {sum(task.outcome == 'done' for task in self.tasks)} of {count(len(self.tasks), 'run')} done, the epochs of the "
                                                   f"others are saved; the same command goes on")
        finally:
            for task in self._running():  # only after a second signal, or an error of ours
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(task.process.pid, 9)
                task.process.wait()
            for task in self.tasks:
                state.unqueue(task.folder)
        return self.tasks

    def _running(self) -> list[Task]:
        return [task for task in self.tasks if task.outcome == "running"]

    def _ask_to_stop(self) -> None:
        print("\nasked to stop: the runs at work finish their epoch and save it; asked once more, they are ended at once", file=sys.stderr, flush=True)
        for task in self._running():
            with contextlib.suppress(ProcessLookupError):
                task.process.terminate()

    def _next(self, waiting) -> Task | None:
        """The first one that there is room for, and that no other process has in hand."""
        running = self._running()
        if len(running) >= self.at_once:
            return None
        busy = {task.folder for task in running} | {base for task in running if (base := _base_folder(task.step.experiment))}
        for task in waiting:
            base = _base_folder(task.step.experiment)
            taken = {task.folder, base} & busy or any(files.locked(folder / state.LOCK) for folder in (task.folder, base) if folder)
            if not taken and (not running or task.step.memory <= planning.free_memory()):
                return task
        return None

    def _start(self, task: Task) -> None:
        taken = {other.gpu for other in self._running()}
        task.gpu = next((gpu for gpu in self.room.gpus if gpu not in taken), None)
        environment = os.environ | {"LABREPORT_THREADS": str(self.threads)} | ({"CUDA_VISIBLE_DEVICES": task.gpu} if task.gpu else {})
        task.tries, task.started, task.epochs_before = task.tries + 1, time.monotonic(), state.read(task.folder).epochs or 0
        with open(task.log, "a") as log:
            log.write(f"--- try {task.tries} of {task.step.experiment.run_name}, {files.now()}, {self.threads} threads\n")
            log.flush()
            task.process = subprocess.Popen([sys.executable, str(PIPELINE), *command(task.step.experiment)], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=paths.root(),
                                            env=environment, start_new_session=True, preexec_fn=interruption.die_with(os.getpid()))
        task.outcome = "running"

    def _ended(self, task: Task, waiting, asked: bool) -> None:
        code, task.seconds = task.process.returncode, task.seconds + time.monotonic() - task.started
        if code == 0:
            task.outcome = "done"
            return
        task.why = _last_words(task.log, code)
        if asked and code in (130, 143):
            task.outcome = "stopped"
        elif task.tries <= self.retries and not asked:
            task.outcome = "waiting"
            waiting.append(task)
        else:
            task.outcome = "failed"


def command(experiment) -> list[str]:
    """What `pipeline.py` is told to run an experiment in a process of its own."""
    changed = dict.fromkeys(key.split(".")[0] for key in experiment.changes if key != "data")
    settings = experiment.training_settings()
    sample = ["--data", "sample"] if experiment.data == "sample" else []
    return ["run", experiment.name, *sample, *(["--set", *(f"{key}={json.dumps(settings[key])}" for key in changed)] if changed else [])]


def _base_folder(experiment) -> Path | None:
    """Folder of the experiment whose weights this one starts from, as long as it is not finished: two runs must not both train it."""
    base = experiments.base(experiment)
    return base.folder if base and not (base.folder / "metrics.json").exists() else None


def _last_words(log: Path, code: int) -> str:
    lines = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.startswith(("error:", "interrupted:"))]
    return lines[-1].split(": ", 1)[1] if lines else f"it ended with code {code} and no word; its log is {paths.display(log)}"


def settled(sweep: Sweep, found: list[Step], here: Room, jobs: int | None) -> tuple[int, int]:
    """Runs at once and threads of each: as asked, or as at the sweep's start, since another number of threads gives other bits."""
    before = files.read_json(sweep.folder / RECORD) or {}
    at_once = planning.jobs(found, here, jobs or before.get("at_once"))
    threads = before["threads"] if "threads" in before and not jobs else int(os.environ.get("LABREPORT_THREADS") or planning.threads(here, at_once))
    if any(step.to_do for step in found):
        files.write_json(sweep.folder / RECORD, {"at_once": jobs or before.get("at_once") or at_once, "threads": threads, "started": before.get("started", files.now())})
    return at_once, threads

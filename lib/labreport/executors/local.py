"""Many runs at once on this machine: each in a process of its own, as many as there is room for."""

import contextlib
import os
import sys
import time
from dataclasses import dataclass, field

from ..core import files, paths, signals
from ..runs import state
from ..studies.sweeps import Sweep
from . import forkserver, plan, tasks
from .plan import Room, Step
from .tasks import Task


@dataclass
class Pool:
    """Runs the steps of a sweep. at_once: processes; threads: of each; retries: of a run that
    failed; forge: what the processes are forked from, if anything.
    """

    sweep: Sweep
    steps: list[Step]
    room: Room
    at_once: int
    threads: int
    retries: int = 0
    forge: forkserver.ForkServer | None = None
    _running: dict = field(default_factory=dict)  # folder -> (Task, process, GPU)

    def run(self, changed) -> list[Task]:
        """Bring every step to its end; `changed(task)` is told of each that starts or ends, and
        called without one as often as the view may move.

        Raises Interrupted after SIGINT or SIGTERM, when the runs at work have saved their epoch; a
        second signal ends them at once.
        """
        with tasks.queued(self.sweep, self.steps) as found:
            self._bring_to_end(found, changed)
        return found

    def _bring_to_end(self, found: list[Task], changed) -> None:
        waiting = [task for task in found if task.outcome == "waiting"]
        try:
            with signals.listening(self._ask_to_stop) as asked:
                while (waiting and not asked()) or self._running:
                    for task, process, _ in list(self._running.values()):
                        if process.poll() is not None:
                            del self._running[task.folder]
                            if process.returncode == forkserver.LOST:
                                self.forge = (
                                    None  # it was killed, and would have to import everything again
                                )
                            task.ended(process.returncode, self.retries, asked())
                            waiting += [task] * (task.outcome == "waiting")
                            changed(task)
                    while waiting and not asked() and (task := self._next(waiting)):
                        waiting.remove(task)
                        self._start(task)
                        changed(task)
                    changed(None)
                    time.sleep(tasks.LOOK_SECONDS)
                if asked():
                    raise tasks.stopped(self.sweep, found, asked())
        finally:
            for _, process, _ in self._running.values():
                # only after a second signal, or an error of ours
                signals.kill_group(process.pid)
                process.wait()

    def _ask_to_stop(self) -> None:
        for _, process, _ in self._running.values():
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
        # Last, since printing may fail: the signal may have come in the middle of another print.
        print(
            "\nasked to stop: the runs at work finish their epoch and save it; asked once more,"
            " they are ended at once",
            file=sys.stderr,
            flush=True,
        )

    def _next(self, waiting) -> Task | None:
        """The first one that there is room for, and that no other process has in hand."""
        if len(self._running) >= self.at_once:
            return None
        busy = set(self._running) | {
            base
            for task, _, _ in self._running.values()
            if (base := tasks.base_folder(task.step.experiment))
        }
        for task in waiting:
            needed = {task.folder, tasks.base_folder(task.step.experiment)} - {None}
            taken = needed & busy or any(files.locked(folder / state.LOCK) for folder in needed)
            if not taken and (not self._running or task.step.memory <= plan.free_memory()):
                return task
        return None

    def _start(self, task: Task) -> None:
        taken = {gpu for _, _, gpu in self._running.values()}
        gpu = next((gpu for gpu in self.room.gpus if gpu not in taken), None)
        environment = (
            os.environ
            | {"LABREPORT_THREADS": str(self.threads)}
            | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
        )
        task.begin()
        forge = self.forge if self.forge and self.forge.unchanged() else None
        tasks.head(
            task.log,
            task.step.experiment.run_name,
            f"try {task.tries}, threads: {self.threads}, "
            + ("forked from a process that had imported everything" if forge else "a new process"),
        )
        begin = forge.start if forge else tasks.start
        self._running[task.folder] = (
            task,
            begin(
                tasks.PIPELINE,
                tasks.command(task.step.experiment),
                task.log,
                paths.root(),
                environment,
            ),
            gpu,
        )


def forge(sweep: Sweep, found: list[Step]) -> forkserver.ForkServer | None:
    """What the runs of a sweep are forked from; None where it would not pay, or cannot be done
    here.
    """
    if sum(step.to_do for step in found) < 2 or not forkserver.possible():
        return None
    logs = sweep.folder / tasks.LOGS
    logs.mkdir(parents=True, exist_ok=True)
    return forkserver.ForkServer(logs / "imports.txt")


def settled(sweep: Sweep, found: list[Step], here: Room, jobs: int | None) -> tuple[int, int]:
    """Runs at once and threads of each: as asked, or as at the sweep's start, else what there is
    room for.
    """
    before = tasks.recorded(sweep)
    at_once = plan.jobs(found, here, jobs or before.get("at_once"))
    threads = (
        before["threads"]
        if "threads" in before and not jobs
        else int(os.environ.get("LABREPORT_THREADS") or plan.threads(here, at_once))
    )
    if any(step.to_do for step in found):
        tasks.record(sweep, jobs or before.get("at_once") or at_once, threads)
    return at_once, threads

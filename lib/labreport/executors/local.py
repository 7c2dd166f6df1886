"""Many runs at once on this machine: each in a process of its own, as many as there is room for."""

import contextlib
import os
import time
from dataclasses import dataclass, field

from ..core import files, paths, signals
from ..core.progress_log import log
from ..runs import state
from . import forkserver, plan, progress, tasks
from .base import Executor
from .plan import Resources, Step
from .tasks import Subject, Task


class Local(Executor):
    """This machine."""

    fork_server: forkserver.ForkServer | None
    machine: Resources
    at_once: int
    threads: int

    def prepare(self, steps: list[Step]) -> list[Step]:
        """Settles also how many threads each run has."""
        self.fork_server = fork_server(self.subject, steps)
        context = self.fork_server.context if self.fork_server else None
        steps = plan.estimated(steps, context, self.fork_server is not None)
        self.machine = plan.resources()
        self.at_once, self.threads = allocation(
            self.subject, steps, self.machine, self.options.jobs
        )
        return steps

    def summary(self, steps: list[Step]) -> list[str]:
        """The plan's sum."""
        return plan.summary(steps, self.machine, self.at_once, self.threads)

    def execute(self, steps: list[Step]) -> list[Task]:
        """As many steps at once as there is room for."""
        with progress.shown(steps, self.at_once) as changed:
            return Pool(
                self.subject,
                steps,
                self.machine,
                self.at_once,
                self.threads,
                self.options.retry,
                self.fork_server,
            ).run(changed)


@dataclass
class Pool:
    """Runs the steps of a sweep. at_once: processes; threads: of each; retries: of a run that
    failed; fork_server: what the processes are forked from, if anything.
    """

    subject: Subject
    steps: list[Step]
    machine: Resources
    at_once: int
    threads: int
    retries: int = 0
    fork_server: forkserver.ForkServer | None = None
    _running: dict = field(default_factory=dict)  # folder -> (Task, process, GPU)

    def run(self, changed) -> list[Task]:
        """Bring every step to its end; call `changed(task)` for each that starts or ends, and
        without one as often as the view may move.

        Raises Interrupted after SIGINT or SIGTERM, when the running ones have saved their epoch; a
        second signal ends them at once.
        """
        with tasks.queued(self.subject, self.steps) as queued:
            self._bring_to_end(queued, changed)
        return queued

    def _bring_to_end(self, queued: list[Task], changed) -> None:
        waiting = [task for task in queued if task.outcome == "waiting"]
        try:
            with signals.listening(self._ask_to_stop) as asked:
                while (waiting and not asked()) or self._running:
                    for task, process, _ in list(self._running.values()):
                        if process.poll() is not None:
                            del self._running[task.folder]
                            if process.returncode == forkserver.LOST:
                                # it was killed, and would have to import everything again
                                self.fork_server = None
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
                    raise tasks.stopped(self.subject, queued, asked())
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
        log.warning(
            "\nstopping: each run finishes its epoch and saves it; interrupt again to end the"
            " runs at once"
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
        gpu = next((gpu for gpu in self.machine.gpus if gpu not in taken), None)
        environment = (
            os.environ
            | {"LABREPORT_THREADS": str(self.threads)}
            | ({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})
        )
        task.begin()
        server = self.fork_server if self.fork_server and self.fork_server.unchanged() else None
        tasks.head(
            task.log,
            task.step.experiment.run_name,
            f"try {task.tries}, threads: {self.threads}, "
            + ("forked from a process that had imported everything" if server else "a new process"),
        )
        begin = server.start if server else tasks.start
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


def fork_server(subject: Subject, steps: list[Step]) -> forkserver.ForkServer | None:
    """What the runs of a sweep are forked from; None where it would not pay, or cannot be done
    here.
    """
    if sum(step.to_do for step in steps) < 2 or not forkserver.possible():
        return None
    logs = subject.folder / tasks.LOGS
    logs.mkdir(parents=True, exist_ok=True)
    return forkserver.ForkServer(logs / "imports.txt")


def allocation(
    subject: Subject, steps: list[Step], machine: Resources, jobs: int | None
) -> tuple[int, int]:
    """Runs at once and threads of each: as asked, or as at the sweep's start, else what there is
    room for.
    """
    before = tasks.recorded(subject)
    at_once = plan.jobs(steps, machine, jobs or before.get("at_once"))
    threads = (
        before["threads"]
        if "threads" in before and not jobs
        else int(os.environ.get("LABREPORT_THREADS") or plan.threads(machine, at_once))
    )
    if any(step.to_do for step in steps):
        tasks.record(subject, jobs or before.get("at_once") or at_once, threads)
    return at_once, threads

"""The runs of a sweep on the machines of a lab, handed out by a Dask scheduler.

The truth about a run is in its folder, on a disk that all of them share.

A worker starts a run in a process of its own and waits for it. Whatever is killed: the process dies
with its worker, the run's lock keeps a second copy out, and the next one goes on after the last
saved epoch.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..core import files, paths, redaction, signals
from ..core.progress_log import log
from ..runs import provenance, state
from . import plan, progress, tasks
from .base import Executor
from .plan import Step
from .tasks import Subject, Task

CONNECT_SECONDS = 60  # for a scheduler to answer, or to come back
AGAIN_SECONDS = 5.0  # until a run that another process has in hand is looked at again
# times that a run is handed out anew when the scheduler has given it up, which it does when the
# fourth worker has died with it
AGAIN = 2
STOP = "stop"  # file in the sweep's folder that asks the runs at work to finish their epoch
GPU = "GPU"  # the resource that a worker with one is started with


class Dask(Executor):
    """The workers of a Dask cluster."""

    client: Any
    at_once: int
    threads: int

    def __init__(self, subject: Subject, options: argparse.Namespace) -> None:
        super().__init__(subject, options)
        if options.jobs:
            raise ValueError(
                "--jobs is for one machine; on a cluster the workers decide how many runs train"
                " at once"
            )
        if bool(options.scheduler) == bool(options.scheduler_file):
            raise ValueError("give the cluster: either --scheduler or --scheduler-file")

    @contextlib.contextmanager
    def connected(self) -> Iterator[None]:
        """A block in which the scheduler answers, and has a worker."""
        with connected(self.options.scheduler, self.options.scheduler_file) as self.client:
            yield

    def prepare(self, steps: list[Step]) -> list[Step]:
        """Settles also how many threads each run has."""
        steps = super().prepare(steps)
        self.at_once, self.threads = allocation(self.subject, steps, self.client)
        return steps

    def summary(self, steps: list[Step]) -> list[str]:
        """The plan's sum."""
        return plan.summary(steps, None, self.at_once, self.threads)

    def execute(self, steps: list[Step]) -> list[Task]:
        """As many steps at once as the workers take."""
        with progress.shown(steps, self.at_once) as changed:
            return Cluster(self.subject, steps, self.client, self.threads, self.options.retry).run(
                changed
            )


@dataclass
class Cluster:
    """Runs the steps of a sweep on the workers of a scheduler. client: distributed's. threads: of
    each run; retries: of a run that failed.
    """

    subject: Subject
    steps: list[Step]
    client: Any
    threads: int
    retries: int = 0
    _futures: dict = field(default_factory=dict)  # by run folder
    # times that the scheduler has given a run up, by its folder
    _given_up: Counter = field(default_factory=Counter)

    def run(self, changed) -> list[Task]:
        """Bring every step to its end; call `changed(task)` for each that is handed out or ends,
        and without one as often as the view may move.

        Raises ConnectionError where the scheduler is gone and does not come back, and Interrupted
        after SIGINT or SIGTERM, when the running ones have saved their epoch.
        """
        stop = self.subject.folder / STOP
        stop.unlink(missing_ok=True)
        begun = set()
        with (
            tasks.queued(self.subject, self.steps) as queued,
            signals.listening(lambda: self._ask_to_stop(stop)) as asked,
        ):
            while unfinished := [task for task in queued if task.outcome in ("waiting", "running")]:
                for task in unfinished:
                    if task.outcome == "running" and self._futures[task.folder].done():
                        self._ended(task, asked())
                        changed(task)
                    elif task.outcome == "waiting" and asked():
                        task.outcome = "stopped"
                    elif task.outcome == "waiting" and self._connected():
                        self._submit(task, stop)
                    elif (
                        task.outcome == "running"
                        and task.folder not in begun
                        and state.read(task.folder).name == "running"
                    ):
                        begun.add(task.folder)
                        changed(task)
                changed(None)
                time.sleep(tasks.LOOK_SECONDS)
            if asked():
                raise tasks.stopped(self.subject, queued, asked())
        return queued

    def _ask_to_stop(self, stop: Path) -> None:
        stop.touch()
        log.warning(
            "\nstopping: each run finishes its epoch and saves it; interrupt again to end this"
            " command and leave the runs to their workers"
        )

    def _connected(self) -> bool:
        """Whether there is a scheduler; while it is away, it is waited for."""
        if self.client.status == "closed":
            raise ConnectionError(
                f"{self.subject.run_name}: the scheduler is gone; saved epochs are kept. Start it"
                " and its workers again, then run the same command to continue"
            )
        return self.client.status == "running"

    def _submit(self, task: Task, stop: Path) -> None:
        task.begin()
        base = tasks.base_folder(task.step.experiment)
        after = [
            future
            for folder, future in self._futures.items()
            if folder == base and not future.done()
        ]
        run_name, anew = task.step.experiment.run_name, self._given_up[task.folder]
        environment = {
            name: value
            for name, value in os.environ.items()
            if name.startswith("LABREPORT_") or name == "KERAS_BACKEND"
        }
        # those are the worker's
        environment |= {
            name: value
            for name, value in provenance.environment().items()
            if not name.startswith(("CUDA", "NVIDIA"))
        }
        future = self.client.submit(
            work,
            tasks.PIPELINE,
            tasks.command(task.step.experiment),
            task.log,
            paths.root(),
            environment | {"LABREPORT_THREADS": str(self.threads)},
            stop,
            f"{run_name}, try {task.tries}",
            after,
            key=f"{run_name}, try {task.tries}" + f", assigned {anew + 1} times" * bool(anew),
            pure=False,
            resources={GPU: 1} if has_gpus(self.client) else None,
        )
        self._futures[task.folder] = future
        if base:
            # two runs must not both train the one they start from
            self._futures.setdefault(base, future)

    def _ended(self, task: Task, asked: bool) -> None:
        from distributed import KilledWorker

        future = self._futures[task.folder]
        if future.cancelled():  # with the scheduler that knew of it
            task.outcome, task.tries = "waiting", task.tries - 1
            return
        error = future.exception()
        if isinstance(error, KilledWorker) and self._given_up[task.folder] < AGAIN:
            self._given_up[task.folder] += 1
            task.outcome, task.tries = "waiting", task.tries - 1
        elif error:
            task.outcome, task.why = "failed", redaction.cleaned(str(error)) or type(error).__name__
        else:
            task.ended(future.result(), self.retries, asked)


def work(
    script: Path,
    arguments: list[str],
    log: Path,
    folder: Path,
    environment: dict[str, str],
    stop: Path,
    title: str,
    after: list,
) -> int:
    """What a worker does: run the pipeline in a process of its own; returns its exit code. after:
    results that had to be there first.

    Where another process has the run in hand, on whichever machine, it is waited for.
    FileNotFoundError where the project is not here.
    """
    if not script.exists() or not folder.is_dir():
        raise FileNotFoundError(
            f"{script if folder.is_dir() else folder} is missing on the worker {redaction.host()}:"
            " each machine needs the project at the same path, on a shared disk"
        )
    while True:
        if stop.exists():
            return 143
        tasks.head(
            log, title, f"on {redaction.host()}, threads: {environment['LABREPORT_THREADS']}"
        )
        process = tasks.start(script, arguments, log, folder, dict(os.environ) | environment)
        asked = False
        try:
            while process.poll() is None:
                if stop.exists() and not asked:
                    asked = True
                    process.terminate()
                time.sleep(tasks.LOOK_SECONDS)
        finally:
            if process.poll() is None:  # the worker itself ends
                process.kill()
        if process.returncode != files.RUN_LOCKED:
            return process.returncode
        time.sleep(AGAIN_SECONDS)


@contextlib.contextmanager
def connected(address: str | None, scheduler_file: str | None):
    """A client of the scheduler at an address, or at the one that a file names.

    ConnectionError where none answers, or where it has no worker.
    """
    try:
        import distributed
    except ModuleNotFoundError:
        raise ValueError(
            f"a scheduler needs Dask, which is not installed: {sys.executable} -m pip install"
            " 'distributed', or `make setup`"
        ) from None
    # it tells of every lost connection at length; what matters is told here
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    where = address or scheduler_file
    if scheduler_file and not Path(scheduler_file).exists():
        raise FileNotFoundError(
            f"--scheduler-file {scheduler_file}: there is no such file; the scheduler writes it:"
            f" dask scheduler --scheduler-file {scheduler_file}"
        )

    class Client(distributed.Client):
        """distributed's own, which takes two minutes to close where its start has failed."""

        def __del__(self):
            pass

    try:
        if address:
            _answers(address)
        client = Client(
            address, scheduler_file=scheduler_file, timeout=CONNECT_SECONDS, set_as_default=False
        )
    except (TimeoutError, OSError, ValueError, MemoryError) as error:
        # memory: what answers is no Dask, and its first bytes are read as a length
        raise ConnectionError(
            f"no scheduler answers at {where} ({str(error) or type(error).__name__}); start one:"
            " dask scheduler"
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_SECONDS)
        except TimeoutError:
            raise ConnectionError(
                f"the scheduler at {where} has no worker; start some: dask worker"
                f" {'--scheduler-file ' if scheduler_file else ''}{where} --nthreads 1"
            ) from None
        yield client
    finally:
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            client.close(timeout=2)


def _answers(address: str) -> None:
    """ValueError where it is no address, OSError where nothing listens there."""
    parts = re.fullmatch(r"(?:\w+://)?(?:\[([^\]]+)\]|([^:/]+)):(\d+)", address)
    if not parts:
        raise ValueError("an address looks like tcp://lab1:8786")
    socket.create_connection((parts[1] or parts[2], int(parts[3])), timeout=CONNECT_SECONDS).close()


def workers(client) -> list[dict]:
    """What the scheduler says of the workers that may take a run: those with a GPU, if there are
    such.
    """
    known = list(client.scheduler_info(n_workers=-1)["workers"].values())
    return [worker for worker in known if worker["resources"].get(GPU)] or known


def has_gpus(client) -> bool:
    """Whether there are workers with the resource GPU; then no other one takes a run."""
    return any(worker["resources"].get(GPU) for worker in workers(client))


def allocation(subject: Subject, steps: list[Step], client) -> tuple[int, int]:
    """Runs at once, and threads of each: as at the sweep's start, else what the smallest share of a
    machine is among the workers.
    """
    before = tasks.recorded(subject)
    if not workers(client):  # the last one has died since, and is started again
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    chosen = workers(client)
    at_once = sum(int(worker["resources"].get(GPU, worker["nthreads"])) for worker in chosen)
    if "threads" in before or os.environ.get("LABREPORT_THREADS"):
        threads = before.get("threads") or int(os.environ["LABREPORT_THREADS"])
    else:
        processors = client.run(provenance.processors)
        runs: Counter[str] = Counter()
        for worker in chosen:
            runs[worker["host"]] += int(worker["resources"].get(GPU, worker["nthreads"]))
        threads = max(
            1,
            min(
                number // runs[host]
                for address, number in processors.items()
                if (host := address.split("://")[-1].rsplit(":", 1)[0]) in runs
            ),
        )
    if any(step.to_do for step in steps):
        tasks.record(subject, at_once, threads)
    return at_once, threads

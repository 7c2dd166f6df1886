"""Commands for the runs of a sweep: sweep, status, slurm."""

import argparse
import contextlib
import os
import sys
from typing import TYPE_CHECKING

from .. import executors
from ..core import files, paths
from ..core.i18n import count, duration
from ..runs import state
from ..studies import sweeps
from . import options as opt
from .errors import explain
from .output import confirmed, print, print_table
from .reports import bring_up_to_date, rewrite_index

if TYPE_CHECKING:  # imported where a sweep runs
    from ..executors.base import Executor
    from ..executors.plan import Step
    from ..executors.tasks import Task


def add_to(commands: opt.Commands) -> None:
    """Add the commands of this module."""
    parser = _add(commands, "sweep", sweep)
    opt.add_language(parser)
    opt.add_authors(parser)
    opt.add_yes(parser, " before many runs")
    parser.add_argument(
        "--retry",
        type=opt.at_least(0),
        default=0,
        metavar="N",
        help="how often a failed run is tried again (default 0)",
    )
    executors.add_options(parser, "sweep")
    _add(commands, "status", status)
    parser = _add(commands, "slurm", slurm)
    opt.add_language(parser)
    opt.add_yes(parser, " before many runs")
    executors.add_options(parser, "slurm")


def _add(commands: opt.Commands, name: str, function) -> argparse.ArgumentParser:
    parser = commands.add(name, function)
    opt.add_sweep(parser)
    opt.add_jobs(parser, "runs", "as many as processors, memory and GPUs allow")
    opt.add_settings(parser)
    return parser


def sweep(options: argparse.Namespace) -> int:
    """Train the runs of a sweep, several at once, then report on them; the same command resumes a
    stopped sweep. --scheduler or --scheduler-file sends the runs to the workers of a Dask
    cluster (docs/cluster.md).
    """
    return _sweep("sweep", options)


def slurm(options: argparse.Namespace) -> int:
    """Submit the runs of a sweep to SLURM: a job array, and a last job that makes the report."""
    return _sweep("slurm", options)


def _sweep(command: str, options: argparse.Namespace) -> int:
    """Execute a sweep where a command and its options say; returns the exit code."""
    from ..executors import plan

    _silence_tensorflow()
    chosen = sweeps.load(options.sweep, opt.settings(options))
    executor = executors.load(executors.chosen(command, options))(chosen, options)
    with contextlib.ExitStack() as last, _locked(chosen):
        # When the sweep runs no longer, however it ends: the index shows whether it does.
        last.callback(rewrite_index, options.language)
        described = "\n".join([f": {sweeps.described(chosen)}", *_can_show(chosen)])
        tasks = execute(executor, plan.steps(chosen), described)
    if not executor.waits:
        return 0
    failed = [task for task in tasks if task.outcome != "done"]
    report_sweep(options.sweep, tasks, options)
    print(
        f"{count(len(tasks) - len(failed), 'run')} done, {len(failed)} failed"
        + ("; run the same command to try them again" if failed else "")
    )
    return 1 if failed else 0


def execute(executor: "Executor", steps: "list[Step]", described: str = "") -> "list[Task]":
    """Have the steps that are to do executed, and print why those failed that did.

    Args:
        executor: where; an `executors.base.Executor`.
        steps: of its subject.
        described: what the subject is, printed after its name.

    Returns:
        A task for each step.

    Raises:
        ValueError: where a person has to agree to so many runs, and does not.
    """
    from ..executors.tasks import Task

    name = executor.subject.run_name
    if not any(step.to_do for step in steps):
        done = f"all {count(len(steps), 'run')} are" if len(steps) > 1 else "it is"
        print(f"{name}: nothing to do: {done} done", flush=True)
        return [Task(step, step.experiment.folder / "log.txt", "done") for step in steps]
    with executor.connected():
        if described:
            print(f"{name}{described}", flush=True)
        steps = executor.select(steps)
        _confirm_many(steps, executor.options)
        steps = executor.prepare(steps)
        for line in executor.summary(steps):
            print(line, flush=True)
        tasks = executor.execute(steps)
    _print_failures([task for task in tasks if task.outcome not in ("done", "submitted")])
    return tasks


def report_sweep(name: str, tasks: list, options: argparse.Namespace) -> None:
    """Make the report of a sweep's runs, if any of them is done."""
    if any(task.outcome == "done" for task in tasks):
        fresh = sweeps.load(name, opt.settings(options))
        bring_up_to_date(fresh, options.language, with_reports=True)


def _print_failures(failed: list) -> None:
    """Print why runs failed, each reason once."""
    from ..executors import tasks

    for why, alike in tasks.by_reason(failed).items():
        first, *others = alike
        more = f" and {count(len(others), 'other run')}" if others else ""
        log = f"; {'the first' if others else 'its'} log is {paths.display(first.log)}"
        print(
            f"error: {first.step.experiment.run_name}{more}: {why}"
            + (log if first.log.exists() else ""),
            file=sys.stderr,
        )


def status(options: argparse.Namespace) -> None:
    """Show the runs of a sweep: what is done, what is running, what is left, the time, memory and
    disk that the rest takes, and which difference its seeds can show. Nothing is trained.
    """
    _silence_tensorflow()
    from ..executors import plan, progress

    chosen = sweeps.load(options.sweep, opt.settings(options))
    steps = plan.timed(plan.steps(chosen))
    print(
        f"{chosen.title}\n{chosen.question}\n{sweeps.described(chosen)}; the base is"
        f" {chosen.base}\n"
    )
    runs = [progress.look(step) for step in steps]
    print_table(_rows(chosen, steps, runs))
    _print_needs(chosen, steps, runs, options)


def _can_show(chosen: sweeps.Sweep) -> list[str]:
    """What the seeds of a sweep can show."""
    from ..analysis import power

    return power.ahead(chosen)


def _rows(chosen: sweeps.Sweep, steps: list, runs: list) -> list[tuple[str, ...]]:
    """A heading, and a row for each run."""
    states: dict[str, list[str]] = {}
    for name in executors.EXECUTORS:
        try:
            known = executors.load(name).states(chosen.folder, chosen.experiments)
        except ValueError as error:  # the rest is known without it
            known = {}
            print(f"error: {explain(error)}", file=sys.stderr)
        for run_name, words in known.items():
            states.setdefault(run_name, []).append(words)
    rows: list[tuple[str, ...]] = [("run", "seed", "state", "epoch", "time left", "")]
    for run, step in zip(runs, steps, strict=True):
        more = [run.note]
        if run.name != "done":
            more += [
                step.why if run.name == "waiting" else "",
                *states.get(step.experiment.run_name, []),
            ]
        left = duration(run.left) if run.left and run.name != "done" else "-"
        epochs = f"{run.epochs}/{run.most}"
        rows.append(
            (run.label, str(run.seed), run.name, epochs, left, "; ".join(filter(None, more)))
        )
    return rows


def _print_needs(chosen: sweeps.Sweep, steps: list, runs: list, options) -> None:
    """Print the sum of a sweep, and what its rest takes; models of unknown size are built."""
    from ..executors import plan, progress, tasks

    before = tasks.recorded(chosen)
    running = any(run.name == "running" for run in runs) or files.locked(
        chosen.folder / sweeps.LOCK
    )
    whole = progress.whole(runs, options.jobs or before.get("at_once", 1))
    print(f"\n{chosen.run_name}: {whole}", flush=True)
    if not any(step.to_do for step in steps):
        return
    steps, machine = plan.estimated(steps), plan.resources()
    at_once = plan.jobs(steps, machine, options.jobs or before.get("at_once"))
    threads = before.get("threads") or plan.threads(machine, at_once)
    _, time, *needs = plan.summary(steps, None if running else machine, at_once, threads)
    print("\n".join([*(needs if running else [time, *needs]), *_can_show(chosen)]))


def _locked(chosen: sweeps.Sweep):
    """The lock of a sweep, for a block in which this process starts its runs."""
    chosen.folder.mkdir(parents=True, exist_ok=True)
    return files.lock(
        chosen.folder / sweeps.LOCK, f"the sweep {chosen.run_name}", wait=state.WAIT_SECONDS
    )


def _confirm_many(steps: list, options: argparse.Namespace) -> None:
    """ValueError where there are so many runs to do that a person has to agree, and does not."""
    from ..executors import plan

    many = sum(step.to_do for step in steps)
    if many > plan.MANY and not options.yes and not confirmed(f"start {count(many, 'run')}?"):
        raise ValueError(
            f"not started: {count(many, 'run')} need a confirmation; answer y, or pass --yes"
        )


def _silence_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

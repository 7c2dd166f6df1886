"""Commands for the runs of a sweep: sweep, status, slurm."""

import argparse
import contextlib
import os
import sys

from ..core import files, paths
from ..core.i18n import count, duration
from ..runs import state
from ..studies import sweeps
from . import options as opt
from .errors import explain
from .output import confirmed, print, print_table
from .reports import bring_up_to_date, report_command, rewrite_index


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
        help="how often a run that failed is tried again (default 0)",
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster whose workers are to do the runs, such as tcp://lab1:8786",
    )
    where.add_argument(
        "--scheduler-file",
        metavar="FILE",
        help="the same, by the file that the scheduler has written",
    )
    _add(commands, "status", status)
    parser = _add(commands, "slurm", slurm)
    opt.add_language(parser)
    opt.add_yes(parser, " before many runs")
    parser.add_argument(
        "--sbatch",
        default="",
        metavar="OPTIONS",
        help="options for sbatch, such as --sbatch='--time=04:00:00 --gres=gpu:1'",
    )


def _add(commands: opt.Commands, name: str, function) -> argparse.ArgumentParser:
    parser = commands.add(name, function)
    opt.add_sweep(parser)
    opt.add_jobs(parser, "runs", "as many as processors, memory and GPUs allow")
    opt.add_settings(parser)
    return parser


def sweep(options: argparse.Namespace) -> int:
    """Train the runs of a sweep, as many at once as there is room for, then report on them;
    stopped, the same command goes on.

    --scheduler or --scheduler-file hands them to the workers of a Dask cluster (docs/cluster.md).
    """
    _silence_tensorflow()
    chosen = sweeps.load(options.sweep, opt.settings(options))
    if (options.scheduler or options.scheduler_file) and options.jobs:
        raise ValueError(
            "--jobs is for one machine; on a cluster the workers decide how many runs there are at"
            " once"
        )
    with contextlib.ExitStack() as last, _locked(chosen):
        # When the sweep runs no longer, however it ends: the index shows whether it does.
        last.callback(rewrite_index, options.language)
        tasks = _run(chosen, options)
    failed = [task for task in tasks if task.outcome != "done"]
    _print_failures(failed)
    if len(failed) < len(tasks):
        fresh = sweeps.load(options.sweep, opt.settings(options))
        bring_up_to_date(fresh, options.language, with_reports=True)
    print(
        f"{count(len(tasks) - len(failed), 'run')} done, {len(failed)} failed"
        + ("; the same command tries them again" if failed else "")
    )
    return 1 if failed else 0


def _run(chosen: sweeps.Sweep, options: argparse.Namespace) -> list:
    """Bring the runs of a sweep to their end, here or on a cluster."""
    from ..executors import dask, local, plan, progress

    with contextlib.ExitStack() as stack:
        client = None
        if options.scheduler or options.scheduler_file:
            client = stack.enter_context(dask.connected(options.scheduler, options.scheduler_file))
        steps = plan.steps(chosen)
        print(f"{chosen.run_name}: {sweeps.described(chosen)}", flush=True)
        confirm_many(steps, options)
        forge = None if client else local.forge(chosen, steps)
        steps = plan.estimated(steps, forge.context if forge else None, forge is not None)
        here = plan.room()
        engine: dask.Cluster | local.Pool
        if client:
            at_once, threads = dask.settled(chosen, steps, client)
            engine = dask.Cluster(chosen, steps, client, threads, options.retry)
        else:
            at_once, threads = local.settled(chosen, steps, here, options.jobs)
            engine = local.Pool(chosen, steps, here, at_once, threads, options.retry, forge)
        lines = plan.told(steps, here, at_once, threads, apart=client is not None)
        print("\n".join(lines), flush=True)
        with progress.shown(steps, at_once) as changed:
            return engine.run(changed)


def _print_failures(failed: list) -> None:
    """Print why runs failed, each reason once."""
    from ..executors import tasks

    for why, alike in tasks.by_reason(failed).items():
        others = f" and {count(len(alike) - 1, 'other run')}" if len(alike) > 1 else ""
        print(
            f"error: {alike[0].step.experiment.run_name}{others}: {why};"
            f" {'its' if len(alike) == 1 else 'the first'} log is {paths.display(alike[0].log)}",
            file=sys.stderr,
        )


def status(options: argparse.Namespace) -> None:
    """Show the runs of a sweep: what is done, what is running, what is left, and the time, memory
    and disk that the rest takes. Nothing is trained.
    """
    _silence_tensorflow()
    from ..executors import plan, progress
    from ..executors.kaggle import job_chain

    chosen = sweeps.load(options.sweep, opt.settings(options))
    steps = plan.timed(plan.steps(chosen))
    print(
        f"{chosen.title}\n{chosen.question}\n{sweeps.described(chosen)}; the others are compared"
        f" with {chosen.base}\n"
    )
    if there := job_chain.under_way(chosen.folder):
        print(
            f"{chosen.run_name}: {there}; `python pipeline.py kaggle {chosen.name}` looks how far"
            " it is"
        )
    runs = [progress.look(step) for step in steps]
    print_table(_rows(chosen, steps, runs))
    _print_needs(chosen, steps, runs, options)


def _rows(chosen: sweeps.Sweep, steps: list, runs: list) -> list[tuple[str, ...]]:
    """A heading, and a row for each run."""
    from ..executors import slurm as jobs

    try:
        words_of_slurm = jobs.said(chosen)
    except ValueError as error:  # the rest is known without SLURM
        words_of_slurm = {}
        print(f"error: {explain(error)}", file=sys.stderr)
    rows: list[tuple[str, ...]] = [("run", "seed", "state", "epoch", "time left", "")]
    for run, step in zip(runs, steps, strict=True):
        more = [run.said]
        if run.name != "done":
            more += [
                step.why if run.name == "waiting" else "",
                words_of_slurm.get(step.experiment.run_name, ""),
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
    steps, here = plan.estimated(steps), plan.room()
    at_once = plan.jobs(steps, here, options.jobs or before.get("at_once"))
    threads = before.get("threads") or plan.threads(here, at_once)
    _, time, *needs = plan.told(steps, here, at_once, threads, apart=running)
    print("\n".join(needs if running else [time, *needs]))


def slurm(options: argparse.Namespace) -> None:
    """Hand the runs of a sweep to SLURM, as a job array, with a job behind it that makes the
    report.
    """
    _silence_tensorflow()
    from ..executors import plan
    from ..executors import slurm as jobs

    chosen = sweeps.load(options.sweep, opt.settings(options))
    sbatch = opt.shell_words("--sbatch", options.sbatch)
    with _locked(chosen):
        steps = [step for step in plan.steps(chosen) if step.to_do]
        if not steps:
            total = count(len(chosen.experiments), "run")
            print(f"{chosen.run_name}: nothing to do: all {total} are done")
            return
        jobs.check(sbatch)
        known = jobs.jobs([step.experiment for step in steps])
        alive = {run: job for run, job in known.items() if job.alive}
        for step in steps:
            if job := alive.get(step.experiment.run_name):
                print(f"{step.experiment.run_name}: not submitted again: {job}")
        steps = [step for step in steps if step.experiment.run_name not in alive]
        if not steps:
            print(
                f"{chosen.run_name}: nothing to submit: {count(len(alive), 'run')} to do, all"
                " submitted already"
            )
            return
        confirm_many(steps, options)
        array, last = jobs.submit(
            chosen,
            plan.estimated(steps, forked=False),
            report_command(options, options.sweep),
            options.jobs,
            sbatch,
        )
    print(
        f"{chosen.run_name}: {count(len(steps), 'run')} submitted as job array {array}, and job"
        f" {last} that makes the report when they have ended"
    )
    print(
        f"look at it with `pipeline.py status {options.sweep}`, end it with `scancel {array}"
        f" {last}`; each run's log is in {paths.display(chosen.folder)}/logs/, named after it"
    )


def _locked(chosen: sweeps.Sweep):
    """The lock of a sweep, for a block in which this process starts its runs."""
    chosen.folder.mkdir(parents=True, exist_ok=True)
    return files.lock(
        chosen.folder / sweeps.LOCK, f"the sweep {chosen.run_name}", wait=state.WAIT_SECONDS
    )


def confirm_many(steps: list, options: argparse.Namespace) -> None:
    """ValueError where there are so many runs to do that a person has to agree, and does not."""
    from ..executors import plan

    many = sum(step.to_do for step in steps)
    if many > plan.MANY and not options.yes and not confirmed(f"start {count(many, 'run')}?"):
        raise ValueError(f"not started: {count(many, 'run')} are many; answer y, or say --yes")


def _silence_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

"""Commands that have runs done on Kaggle, or prepare one: kaggle, pack."""

import argparse
import json
import shlex
import sys
from pathlib import Path

from ..core import files, i18n, paths
from ..core.i18n import count
from ..studies import sweeps
from . import options as opt
from .output import print
from .reports import bring_up_to_date, render_again, report_command
from .sweeps import confirm_many


def add_to(commands: opt.Commands) -> None:
    """Add the commands of this module."""
    parser = commands.add("kaggle", kaggle)
    parser.add_argument(
        "experiment",
        metavar="NAME",
        help="an experiment, or a sweep: a file in params/ or params/sweeps/, without .yaml",
    )
    parser.add_argument(
        "--cpu", action="store_true", help="without a GPU (sample data never takes one)"
    )
    parser.add_argument(
        "--accelerator",
        metavar="NAME",
        help="which one, as Kaggle names it, such as NvidiaTeslaT4 (default: Kaggle's choice)",
    )
    parser.add_argument(
        "--hours",
        type=_hours,
        metavar="H",
        help="of each notebook, after which the next one goes on (default 11.5; Kaggle gives 12)",
    )
    opt.add_jobs(parser, "notebooks", "2 with a GPU, 5 without, as many as Kaggle runs")
    opt.add_yes(parser, " before many runs")
    opt.add_settings(parser)
    opt.add_language(parser)
    opt.add_authors(parser)
    parser = commands.add("pack", pack)
    opt.add_experiment(parser)
    parser.add_argument(
        "--out", metavar="FILE", help="where to (default: packed.ipynb in the run folder)"
    )
    opt.add_settings(parser)
    opt.add_language(parser)


def kaggle(options: argparse.Namespace) -> int:
    """Run an experiment, or the runs of a sweep, on Kaggle: send, watch, fetch, go on where the
    time was up, and make the report here.
    """
    from ..execution import execution
    from ..executors import plan

    _refuse_data_folder(options)
    subject, is_sweep = opt.subject(options), options.experiment in sweeps.names()
    if execution.compares(subject) and not is_sweep:
        raise ValueError(
            f"{options.experiment} compares runs that are here already: python pipeline.py compare"
            f" {subject.name}; to Kaggle goes an experiment or a sweep"
        )
    steps = plan.steps(subject) if is_sweep else [plan.step(subject)]
    terms, failed = _terms(steps, options), {}
    if any(step.to_do for step in steps):
        confirm_many(steps, options)
        failed = _bring(subject, steps, terms)
    else:
        print(f"{subject.run_name}: nothing to do: {'all runs are' if is_sweep else 'it is'} done")
    if is_sweep:
        if len(failed) < len(steps):
            fresh = sweeps.load(options.experiment, opt.settings(options))
            bring_up_to_date(fresh, options.language, with_reports=True)
    elif not failed:
        _report(subject, options)
    return 1 if failed else 0


def _bring(subject, steps: list, terms) -> dict[str, str]:
    """Have the steps done on Kaggle; the runs that failed, and why."""
    from ..executors import plan
    from ..executors.kaggle import job_chain

    ended = job_chain.bring(subject.run_name, subject.folder, steps, terms)
    failed = {run: why for run, why in ended.items() if why}
    for step in steps:
        run = step.experiment.run_name
        if step.to_do and run not in failed:
            again = plan.step(step.experiment)
            if again.to_do:
                failed[run] = (
                    "it was fetched, but settings or source have changed since it was sent"
                    f" ({again.why}); the same command has it done again"
                )
    for why in dict.fromkeys(failed.values()):
        first, *others = [run for run, reason in failed.items() if reason == why]
        more = f" and {count(len(others), 'other run')}" if others else ""
        print(f"error: {first}{more}: {why}", file=sys.stderr)
    return failed


def _terms(steps: list, options: argparse.Namespace):
    """How the notebooks run on Kaggle."""
    from ..executors.kaggle import submit

    gpu = not options.cpu and any(step.experiment.data == "real" for step in steps)
    if options.accelerator and not gpu:
        why = "--cpu asks for none" if options.cpu else "sample data take none"
        raise ValueError(f"--accelerator {options.accelerator}: {why}; leave it out")
    return submit.Terms(
        gpu,
        options.accelerator,
        options.jobs or (submit.GPU_AT_ONCE if gpu else submit.CPU_AT_ONCE),
        int((options.hours or submit.HOURS) * 3600),
        options.language,
    )


def _report(experiment, options: argparse.Namespace) -> None:
    """Render the notebook that was fetched, or say how to execute it in this language."""
    from ..execution import execution

    notebook = experiment.folder / i18n.file(execution.NOTEBOOK, options.language)
    if notebook.exists():
        render_again(experiment, options.language)
    else:
        print(
            "its notebook was not executed in this language; that is done here, with the data:"
            f" python pipeline.py {shlex.join(report_command(options, options.experiment))}"
        )


def pack(options: argparse.Namespace) -> None:
    """Write an experiment's notebook with its parameters and this program inside, to be uploaded
    where there is no internet; print its path.
    """
    from ..executors.kaggle import package

    _refuse_data_folder(options)
    experiment = opt.one_experiment(options)
    path = Path(options.out or experiment.folder / "packed.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(package.packed(experiment, options.language), indent=1)
    files.replace(path, lambda temporary: temporary.write_text(text, "utf-8"))
    print(paths.display(path))


def _refuse_data_folder(options: argparse.Namespace) -> None:
    """ValueError where --data names a folder of this machine for a run on another."""
    if options.data not in (None, "sample"):
        raise ValueError(
            "--data names a folder of this machine; on Kaggle the data come from there: leave it"
            " out, or say --data sample"
        )


def _hours(text: str) -> float:
    """The type of --hours."""
    try:
        hours = float(text)
    except ValueError:
        hours = 0.0
    if not 0.1 <= hours <= 12:
        raise argparse.ArgumentTypeError(
            f"a number of hours from 0.1 to 12 is expected, got {text}"
        )
    return hours

"""Commands that have runs done on Kaggle, or prepare one: kaggle, pack."""

import argparse
import json
import shlex
from pathlib import Path

from .. import executors
from ..core import files, i18n, paths
from ..studies import sweeps
from . import options as opt
from .output import print
from .reports import render_again
from .sweeps import execute, report_sweep


def add_to(commands: opt.Commands) -> None:
    """Add the commands of this module."""
    parser = commands.add("kaggle", kaggle)
    parser.add_argument(
        "experiment",
        metavar="NAME",
        help="an experiment, or a sweep: a file in params/ or params/sweeps/, without .yaml",
    )
    opt.add_jobs(parser, "notebooks", "2 with a GPU, 5 without: Kaggle's limits")
    opt.add_yes(parser, " before many runs")
    opt.add_settings(parser)
    opt.add_language(parser)
    opt.add_authors(parser)
    executors.add_options(parser, "kaggle")
    parser = commands.add("pack", pack)
    opt.add_experiment(parser)
    parser.add_argument(
        "--out", metavar="FILE", help="file to write (default: packed.ipynb in the run folder)"
    )
    opt.add_settings(parser)
    opt.add_language(parser)


def kaggle(options: argparse.Namespace) -> int:
    """Run an experiment, or the runs of a sweep, on Kaggle: send, watch and download them,
    continue after the time limit, and make the report on this machine.
    """
    from ..execution import due
    from ..executors import plan

    subject, is_sweep = opt.subject(options), options.experiment in sweeps.names()
    if due.compares(subject) and not is_sweep:
        raise ValueError(
            f"{options.experiment} compares runs on this machine: python pipeline.py compare"
            f" {subject.name}; on Kaggle run an experiment or a sweep"
        )
    steps = plan.steps(subject) if is_sweep else [plan.step(subject)]
    executor = executors.load(executors.chosen("kaggle", options))(subject, options)
    tasks = execute(executor, steps)
    failed = any(task.outcome != "done" for task in tasks)
    if is_sweep:
        report_sweep(options.experiment, tasks, options)
    elif not failed:
        _report(subject, options)
    return 1 if failed else 0


def _report(experiment, options: argparse.Namespace) -> None:
    """Render the notebook that was fetched, or say how to execute it in this language."""
    from ..execution import due
    from ..executors import tasks

    notebook = experiment.folder / i18n.file(due.NOTEBOOK, options.language)
    if notebook.exists():
        render_again(experiment, options.language)
    else:
        print(
            "its notebook was not executed in this language; execute it on this machine, which"
            " downloads the data: python pipeline.py"
            f" {shlex.join(tasks.report_command(options, options.experiment))}"
        )


def pack(options: argparse.Namespace) -> None:
    """Write an experiment's notebook with its parameters and labreport inside, for upload
    where there is no internet; print its path.
    """
    from ..executors.kaggle import package
    from ..executors.kaggle.executor import refuse_data_folder

    refuse_data_folder(options)
    experiment = opt.one_experiment(options)
    path = Path(options.out or experiment.folder / "packed.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(package.packed(experiment, options.language), indent=1)
    files.replace(path, lambda temporary: temporary.write_text(text, "utf-8"))
    print(paths.display(path))

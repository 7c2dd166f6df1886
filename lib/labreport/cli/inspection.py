"""Commands that look and change nothing but the index: list, show, why, check, diff."""

import argparse
import gc
import os
import sys
from dataclasses import replace

from ..config import experiments
from ..core import i18n, paths
from ..core.i18n import count, listed
from ..reporting import formats
from ..runs import manifest, records, state
from ..studies import Study, assignments
from . import options as opt
from .errors import explain
from .output import print, print_table
from .reports import rewrite_index

SENT = "sent.json"  # in the folder of a run or a sweep that Kaggle works on


def add_to(commands: opt.Commands) -> None:
    """Add the commands of this module."""
    parser = commands.add("list", list_experiments)
    parser.add_argument(
        "--language",
        dest="index_language",
        choices=i18n.LANGUAGES,
        help="language of the index (default: unchanged)",
    )
    parser = commands.add("show", show)
    opt.add_experiment(parser)
    parser.add_argument(
        "--build",
        action="store_true",
        help="also build its model, loss, optimizer and augmentation, as `check` does for all",
    )
    opt.add_settings(parser)
    parser = commands.add("why", why)
    opt.add_experiment(parser)
    opt.add_settings(parser)
    opt.add_language(parser)
    opt.add_authors(parser)
    parser = commands.add("check", check)
    parser.add_argument("experiment", nargs="?", help=argparse.SUPPRESS)
    parser = commands.add("diff", diff)
    for name in ("first", "second"):
        parser.add_argument(
            name, metavar=name.upper(), help="an experiment, or a run folder's name"
        )
    opt.add_settings(parser)


def list_experiments(options: argparse.Namespace) -> None:
    """List the experiments and comparisons with the state of each, and rewrite the page that shows
    all runs, reports/index.html.
    """
    rows: list[tuple[str, ...]] = []
    finished: dict[str, list[bool]] = {}
    for name in experiments.names():
        try:
            experiment = experiments.load(name)
        except ValueError as error:  # one broken file must not hide the others
            rows.append((name, "-", "-", f"cannot be read: {error}"))
            continue
        done = (experiment.folder / records.METRICS).exists()
        finished.setdefault(experiment.notebook, []).append(done)
        rows.append(_row(experiment))
    rows += [_comparison_row(name, done) for name, done in finished.items()]
    print_table([("experiment", "published", "this machine", "question"), *rows])
    page = rewrite_index(options.index_language, needs_setup=False)
    if page:
        print(f"all runs, with curves and links: {paths.display(page)}")


def _row(experiment: experiments.Experiment) -> tuple[str, str, str, str]:
    published = next(
        (
            f"{value:.3f} ({split})"
            for split in ("test", "validation")
            if (value := experiment.published[f"{split}_accuracy"])
        ),
        "-",
    )
    try:
        status = run_status(experiment)
    except OSError as error:  # nor must a folder that cannot be read
        status = f"cannot be read: {explain(error)}"
    return (
        experiment.name,
        published,
        status,
        experiment.question,
    )


def _comparison_row(assignment: str, finished: list[bool]) -> tuple[str, str, str, str]:
    name = f"{assignment}_{assignments.COMPARISON}"
    made = any((paths.reports() / name / file).exists() for file in formats.files())
    question = (
        f"How do the experiments of {assignment} compare? ({sum(finished)} of"
        f" {count(len(finished), 'run')} finished)"
    )
    return name, "-", "reported" if made else "not made", question


def run_status(experiment: experiments.Experiment) -> str:
    """Accuracy of a finished run and its split, test where there is one; and what is running, or
    how the last try ended.
    """
    metrics, now = records.metrics(experiment.folder), state.read(experiment.folder)
    parts = []
    if metrics:
        parts.append(f"{metrics.evaluated_accuracy:.3f} ({metrics.evaluated_split})")
    elif records.damaged(experiment.folder):
        parts.append(f"{records.METRICS} is damaged")
    if (experiment.folder / SENT).exists():  # else a module that takes a second is not imported
        from ..executors.kaggle import chain_state

        parts.append(chain_state.submitted(experiment.folder).get(experiment.run_name, ""))
    if now.name not in ("none", "finished"):
        parts.append(str(now))
    return "; ".join(filter(None, parts)) or "not run"


def show(options: argparse.Namespace) -> None:
    """Show an experiment's settings as they would run, and the state of its run."""
    import yaml

    experiment = opt.one_experiment(options) if options.build else opt.subject(options)
    if isinstance(experiment, Study):
        _show_runs(experiment)
        return
    settings = yaml.safe_dump(
        experiment.settings(),
        sort_keys=False,
        allow_unicode=True,
        width=100,
        default_flow_style=None,
    )
    print(settings, end="")
    for key, value in experiment.changes.items():
        print(f"# differs from the file: {key} = {value}")
    print(f"# run folder: {paths.display(experiment.folder)} ({run_status(experiment)})")
    if options.build:
        _check([experiment])


def _show_runs(study: Study) -> None:
    for run in study.runs:
        outdated = f" ({'; '.join(run.outdated[:3])})" if run.outdated else ""
        print(f"{run.experiment.run_name}: {run.state}{outdated}")
    print(f"# folder of the comparison: {paths.display(study.folder)}")


def why(options: argparse.Namespace) -> None:
    """Say whether `report` would do anything now, and for which reasons; nothing is done."""
    from ..execution import due

    subject = opt.subject(options)
    work, now = due.work(subject, options.language), state.read(subject.folder)
    if now.name not in ("none", "finished"):
        print(f"{subject.run_name}: {now}")
    for what, reasons in (
        ("train", work.train),
        ("execute the notebook", work.execute),
        ("make the reports", work.render),
    ):
        print(f"{what + ':':<22}" + (f"yes: {'; '.join(reasons)}" if reasons else "no"))


def check(options: argparse.Namespace) -> int:
    """Read all parameter files, and build each model, loss, optimizer and augmentation."""
    if options.experiment:
        print(
            "pipeline.py: `check` reads all parameter files; for one, use `pipeline.py show"
            f" {options.experiment} --build` (`make show EXP={options.experiment} BUILD=1`)",
            file=sys.stderr,
        )
        return 2
    _check([experiments.load(name) for name in experiments.names()])
    return 0


def _check(chosen: list[experiments.Experiment]) -> None:
    """Build what the experiments need. ValueError where a model has not the published size."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    wrong = []
    for experiment in chosen:
        total, trainable = _parameters(experiment)
        expected = (
            experiment.published["total_parameters"],
            experiment.published["trainable_parameters"],
        )
        agrees = (total, trainable) == expected or experiment.changes
        print(
            f"{experiment.run_name}: {total:,} parameters, {trainable:,} trainable"
            + ("" if agrees else f"; published: {expected[0]:,} and {expected[1]:,}"),
            flush=True,
        )
        wrong += [] if agrees else [experiment.run_name]
        gc.collect()  # a Keras model refers to itself, and the large ones take half a gigabyte
    if wrong:
        raise ValueError(
            f"parameter counts differ from the published ones: {', '.join(wrong)}; correct the"
            " model or the file"
        )
    print(f"OK: {count(len(chosen), 'experiment')}")


def _parameters(experiment: experiments.Experiment) -> tuple[int, int]:
    """Build all of an experiment; its parameters, and how many of them are trained."""
    from .. import datasets, models
    from ..training import augmentation, losses, optimizers

    args = experiment.model_args
    if "weights" in args:  # counting needs no pretrained weights, which may not be here yet
        args = args | {"weights": "random"}
    shape = datasets.shape(experiment)
    found = models.parameters(models.build(replace(experiment, model_args=args), *shape))
    for part in (losses, optimizers, augmentation):
        part.build(experiment)
    base = experiments.base(experiment)
    if base:
        models.refuse_other_shapes(experiment, base, *shape)
    return found


def diff(options: argparse.Namespace) -> None:
    """Show two finished runs side by side where they differ: settings, source, environment, data
    and results.
    """
    from ..execution import differences

    first, second = (
        differences.folder_of(name, opt.settings(options))
        for name in (options.first, options.second)
    )
    for folder in (first, second):
        if edited := manifest.changed(folder):
            print(f"{folder.name}: {listed(edited)} changed after the notebook was executed")
    for title, table in differences.side_by_side(first, second).items():
        print(f"{title}:")
        head, *others = table.columns
        rows = table.itertuples(index=False, name=None)
        print_table([(f"  {head}", *others), *((f"  {row[0]}", *row[1:]) for row in rows)])

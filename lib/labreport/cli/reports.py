"""Commands that train, execute and render: report, render, compare, all."""

import argparse
import sys
import time
from pathlib import Path

from ..config import experiments
from ..core import i18n, paths, signals
from ..core.i18n import count, percent
from ..runs import records, state
from ..studies import assignments
from . import options as opt
from .errors import explain, lacks_setup
from .output import print, print_table


def add_to(commands: opt.Commands) -> None:
    """Add the commands of this module."""
    parser = commands.add("report", report)
    opt.add_experiment(parser)
    parser.add_argument(
        "--notebook-only",
        action="store_true",
        help="train and execute the notebook, but make no reports",
    )
    _add_report_options(parser)
    parser = commands.add("render", render)
    opt.add_experiment(parser)
    parser.add_argument(
        "--force",
        action="store_true",
        help="render although files changed after execution; the report then shows a warning",
    )
    _add_report_options(parser)
    parser = commands.add("compare", compare)
    opt.add_assignment(parser)
    _add_report_options(parser)
    parser = commands.add("all", report_all)
    opt.add_assignment(parser, optional=True)
    _add_report_options(parser)


def _add_report_options(parser: argparse.ArgumentParser) -> None:
    opt.add_settings(parser)
    opt.add_language(parser)
    opt.add_authors(parser)


def report(options: argparse.Namespace) -> None:
    """Train an experiment, execute its notebook and write its reports; what is up to date is
    skipped.
    """
    bring_up_to_date(opt.subject(options), options.language, with_reports=not options.notebook_only)


def render(options: argparse.Namespace) -> None:
    """Make the reports of an executed notebook again."""
    render_again(opt.subject(options), options.language, options.force)


def compare(options: argparse.Namespace) -> None:
    """Report on the runs of an assignment, side by side; the same as `report NAME_comparison`."""
    name = assignments.compared(options.assignment) or options.assignment
    bring_up_to_date(
        assignments.load(name, opt.settings(options)), options.language, with_reports=True
    )


def report_all(options: argparse.Namespace) -> int:
    """Report every experiment of an assignment, or of all of them, one after the other; a failure
    does not stop the others.
    """
    names = _members(options.assignment)
    readable = [experiment for experiment in map(loaded, names) if experiment]
    settings = assignments.settings_of_each(readable, opt.settings(options))
    folders = [
        experiments.load(experiment.name, settings[experiment.name]).folder
        for experiment in readable
    ]
    rows = []
    try:
        for folder in folders:
            state.queue(folder)
        for number, name in enumerate(names, 1):
            print(f"{number} of {len(names)}: {name}", flush=True)
            rows.append(_reported(name, settings.get(name), options))
    finally:  # after Ctrl-C too
        for folder in folders:
            state.unqueue(folder)
        rewrite_index(options.language)
        print_table([("experiment", "outcome", "accuracy", "seconds"), *rows])
    failed = sum(outcome == FAILED for _, outcome, *_ in rows)
    print(f"{count(len(names) - failed, 'experiment')} done, {failed} failed", flush=True)
    return 1 if failed else 0


FAILED = "failed"


def _reported(name: str, settings: dict | None, options) -> tuple[str, str, str, str]:
    """Report one experiment of many; its row in the table."""
    started, experiment, metrics = time.perf_counter(), None, None
    try:
        experiment = experiments.load(name, settings)
        outcome = bring_up_to_date(experiment, options.language, with_reports=True)
        metrics = records.metrics(experiment.folder)
    except signals.Interrupted:
        raise
    except Exception as error:
        if options.debug or lacks_setup(error):
            raise
        outcome = FAILED
        print(f"error: {explain(error)}", file=sys.stderr, flush=True)
        if experiment:
            state.unqueue(experiment.folder, why=explain(error))
    accuracy = "-"
    if metrics:
        accuracy = f"{percent(metrics.evaluated_accuracy)} ({metrics.evaluated_split})"
    return name, outcome, accuracy, f"{time.perf_counter() - started:.0f}"


def _members(assignment: str | None) -> list[str]:
    """Names of an assignment's experiments, or of all.

    A file that cannot be read is among them: it does not say to which assignment it belongs.
    """
    if assignment is not None and assignment not in assignments.names():
        assignments.members(assignment)  # raises, and names those that exist
    names = [
        name
        for name in experiments.names()
        if assignment is None
        or (experiment := loaded(name)) is None
        or experiment.notebook == assignment
    ]
    if not names:
        raise ValueError(
            f"no experiment to run: no file in {paths.display(paths.params())}/"
            + (f" has `notebook: {assignment}`" if assignment else "")
        )
    return names


def loaded(name: str) -> experiments.Experiment | None:
    """The experiment as in its file; None where that cannot be read."""
    try:
        return experiments.load(name)
    except ValueError:
        return None


def bring_up_to_date(subject, language: str, with_reports: bool) -> str:
    """Do what is not done yet for an experiment or a comparison, in a language.

    Returns:
        What was done, in a word or two.
    """
    from ..execution import due, execution

    work = due.work(subject, language)
    folder = paths.display(subject.folder)
    compares = due.compares(subject)
    if not work.execute and not (with_reports and work.render):
        made_from = "runs, code and versions" if compares else "settings, data, code and versions"
        print(
            f"{subject.run_name}: nothing to do: {made_from} have not changed since {folder}/ was"
            " made"
        )
        return "nothing to do"
    try:
        if work.execute:
            print(f"{subject.run_name}: {_announced(work, compares)}", flush=True)
            execution.run(subject, language=language)
        if with_reports and work.render:
            if not work.execute:
                print(f"{subject.run_name}: rendering again ({'; '.join(work.render)})", flush=True)
            names = [path.name for path in execution.render(subject, language)]
            print(f"report: {folder}/{i18n.listed(names)}")
    finally:
        rewrite_index(language)
    return "trained" if work.train else "executed again" if work.execute else "rendered again"


def _announced(work, compares: bool) -> str:
    """What is about to be executed, and the first reasons."""
    reasons = work.execute[:4]
    if len(work.execute) > len(reasons):
        reasons.append(f"and {len(work.execute) - len(reasons)} more")
    what = "running the notebook" if compares else "running the notebook again, without training"
    return f"{'training' if work.train else what} ({'; '.join(reasons)})"


def render_again(subject, language: str, force: bool = False) -> None:
    """Render an executed notebook in a language, and print the paths of the reports."""
    from ..execution import execution

    for path in execution.render(subject, language, force):
        print(paths.display(path))
    rewrite_index(language)


def rewrite_index(language: str | None = None, needs_setup: bool = True) -> Path | None:
    """Rewrite reports/index.html.

    An index that cannot be written is reported in one line and stops nothing.

    Args:
        language: None keeps that of the index that exists.
        needs_setup: whether the command ends where a package is missing: it needs others, too.

    Returns:
        The path of the index, None where it could not be written.
    """
    try:
        from ..studies import index

        return index.write(language)
    except signals.Interrupted:
        raise
    except Exception as error:
        if needs_setup and lacks_setup(error):
            raise
        print(
            f"the index of the reports could not be written: {explain(error)}",
            file=sys.stderr,
            flush=True,
        )
        return None

#!/usr/bin/env python3
"""labreport on the command line: train an experiment in its notebook and make the report of it.

`python pipeline.py COMMAND --help` explains a command; `make help` lists the same commands for
make.
"""

import argparse
import builtins
import contextlib
import os
import shlex
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

try:
    from labreport.config import experiments
    from labreport.config.schema import nearest, printable
    from labreport.core import files, i18n, paths, signals
    from labreport.core.i18n import count, duration, listed, percent
    from labreport.runs import manifest, records, state
    from labreport.studies import assignments, sweeps
except ModuleNotFoundError as missing:
    sys.exit(
        f"pipeline.py: {missing.name} is not installed for {sys.executable}; run `make setup`, then"
        " use .venv/bin/python"
    )


def print(*values, **options) -> None:
    """Python's own, but without control characters: much of what is printed here comes from files
    that others wrote.
    """
    builtins.print(*(printable(str(value)) for value in values), **options)


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for an error, 75 where another process is at it,
    130 after Ctrl-C, 143 after SIGTERM, 129 after SIGHUP.
    """
    options = parser().parse_args(arguments)
    try:
        with signals.terminable():
            apply_data(options)
            apply_authorship(options)
            return options.command(options) or 0
    except signals.Unread:  # `| head` has seen enough
        return 1
    except (KeyboardInterrupt, signals.Interrupted) as stop:
        print(
            "\ninterrupted: "
            + (
                str(stop)
                or "what was finished before is untouched, and so is what was saved;"
                " the same command goes on"
            ),
            file=sys.stderr,
        )
        return signals.exit_code(stop)
    except Exception as error:
        if options.debug:
            raise
        print(f"error: {explain(error)}", file=sys.stderr)
        return files.RUN_LOCKED if isinstance(error, files.RunLocked) else 1


def explain(error: Exception) -> str:
    """One or two lines for a person."""
    from labreport.core import redaction

    return printable(redaction.cleaned(in_words(error)))


def in_words(error: Exception) -> str:
    """The same as it comes, with whatever is secret in it."""
    from labreport.execution.execution import NotebookError

    if isinstance(error, OSError) and error.errno == 28:
        return (
            f"the disk is full ({error.filename or error.strerror}): free some space and run the"
            " same command again; nothing finished was lost"
        )
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, (ValueError, ConnectionError, FileNotFoundError, NotebookError)):
        return str(error)
    return f"{type(error).__name__}: {error} (--debug shows where)"


def list_experiments(options) -> None:
    """The experiments and the comparisons of the assignments, and how far each one is."""
    rows: list = []
    runs: dict = {}
    for name in experiments.names():
        try:
            experiment = experiments.load(name)
        except ValueError as error:  # one broken file must not hide the others
            rows.append((name, "-", "-", f"cannot be read: {error}"))
            continue
        runs.setdefault(experiment.notebook, []).append(
            (experiment.folder / "metrics.json").exists()
        )
        published = (
            experiment.published["test_accuracy"] or experiment.published["validation_accuracy"]
        )
        try:
            told = status(experiment)
        except OSError as error:  # nor must a folder that cannot be looked into
            told = f"cannot be read: {explain(error)}"
        rows.append(
            (name, "-" if published is None else f"{published:.3f}", told, experiment.question)
        )
    for assignment, finished in runs.items():
        name = f"{assignment}_{assignments.COMPARISON}"
        made = "reported" if (paths.reports() / name / "report.pdf").exists() else "not made"
        rows.append(
            (
                name,
                "-",
                made,
                (
                    f"What do the experiments of {assignment} say beside each other?"
                    f" ({sum(finished)} of {count(len(finished), 'run')} finished)"
                ),
            )
        )
    print_table([("experiment", "published", "this machine", "question"), *rows])


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Rows of text, as columns of even width."""
    widths = [max(map(len, column)) for column in list(zip(*rows))[:-1]]
    for *cells, last in rows:
        print(
            "  ".join([*(cell.ljust(width) for cell, width in zip(cells, widths)), last]),
            flush=True,
        )


def status(experiment) -> str:
    """Measured accuracy of a finished run, on the test split where there is one; and what is going
    on, or how the last try ended.
    """
    metrics, now = records.metrics(experiment.folder), state.read(experiment.folder)
    measured = (
        [f"{metrics['evaluated_accuracy']:.3f}"]
        if metrics
        else [f"{records.METRICS} is damaged"] * records.damaged(experiment.folder)
    )
    if (
        experiment.folder / "sent.json"
    ).exists():  # asked first: what looks into it takes a second to import
        from labreport.executors.kaggle import job_chain

        measured += filter(None, [job_chain.under_way(experiment.folder)])
    return (
        "; ".join(measured + ([str(now)] if now.name not in ("none", "finished") else []))
        or "not run"
    )


def show(options) -> None:
    """An experiment's settings as they would run, and what there is of it."""
    import yaml

    experiment = chosen(options)
    if experiment.notebook == assignments.COMPARISON:
        for one in experiment.runs:
            print(
                f"{one.experiment.run_name}:"
                f" {one.state}{' (' + '; '.join(one.outdated[:3]) + ')' if one.outdated else ''}"
            )
        print(f"# folder of the comparison: {paths.display(experiment.folder)}")
        return
    print(
        yaml.safe_dump(
            experiment.settings(),
            sort_keys=False,
            allow_unicode=True,
            width=100,
            default_flow_style=None,
        ),
        end="",
    )
    for key, value in experiment.changes.items():
        print(f"# differs from the file: {key} = {value}")
    print(f"# run folder: {paths.display(experiment.folder)} ({status(experiment)})")


def check(options) -> None:
    """Read every parameter file (or the one named) and build its model, loss, optimizer and
    augmentation.
    """
    names = [options.experiment] if options.experiment else experiments.names()
    chosen_ones = [experiments.load(name, settings(options)) for name in names]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import gc

    from labreport import datasets, models
    from labreport.training import augmentation, losses, optimizers

    wrong = []
    for experiment in chosen_ones:
        # Counting needs no pretrained weights, which may not be here yet.
        random = replace(
            experiment,
            model_args=experiment.model_args
            | ({"weights": "random"} if "weights" in experiment.model_args else {}),
        )
        total, trainable = models.parameters(models.build(random, *datasets.shape(experiment)))
        for room in (losses, optimizers, augmentation):
            room.build(experiment)
        base = experiments.base(experiment)
        if base:
            models.refuse_other_shapes(experiment, base, *datasets.shape(experiment))
        expected = (
            experiment.published["total_parameters"],
            experiment.published["trainable_parameters"],
        )
        agrees = (total, trainable) == expected or experiment.changes
        print(
            f"{experiment.run_name}: {total:,} parameters, {trainable:,} trainable"
            + ("" if agrees else f"; published are {expected[0]:,} and {expected[1]:,}")
        )
        wrong += [] if agrees else [experiment.run_name]
        gc.collect()  # a Keras model refers to itself, and the large ones take half a gigabyte
    if wrong:
        raise ValueError(
            f"parameter counts differ from the published ones: {', '.join(wrong)}; mend the model"
            " or the file"
        )
    print(f"sound: {count(len(chosen_ones), 'experiment')}")


def data(options, only: list[str] | None = None) -> None:  # noqa: C901
    """Fetch and verify a data set, the data of an experiment, or of all of them."""
    from labreport import datasets
    from labreport.datasets import data_lock, fetching

    known, existing = sorted(datasets.DATASETS), experiments.names()
    names = [options.what] if options.what else existing
    if options.what in known:
        names = [
            name
            for name in existing
            if (experiment := loaded(name)) and experiment.dataset == options.what
        ][:1]
        if not names:
            raise ValueError(
                f"no file in {paths.display(paths.params())}/ says `dataset: {options.what}`, and"
                " so nothing says how it is split"
            )
        if options.data != "sample" and not fetching.fetch(options.what, paths.data()):
            print(f"{options.what}: nothing to fetch", flush=True)
    elif options.what and options.what not in existing:
        raise ValueError(
            "there is no data set and no experiment"
            f" {options.what!r}{nearest(options.what, known + existing)}; the data sets are"
            f" {', '.join(known)}"
        )
    if options.accept:
        for name in options.accept:
            if name not in known:
                raise ValueError(
                    f"--accept {name}: there is no data set {name!r}{nearest(name, known)}; there"
                    f" are {', '.join(known)}"
                )
        if options.data == "sample" or options.what or options.set:
            raise ValueError(
                "--accept is about the files of whole data sets; give it without an experiment,"
                " --set and --data sample"
            )
        names = [name for name in names if experiments.load(name).dataset in options.accept]
        before: dict = {}
        for name in options.accept:
            before |= data_lock.forget(name)
        try:
            return data(argparse.Namespace(**vars(options) | {"accept": []}), names)
        except BaseException:
            data_lock.restore(before)
            raise
    names = only or names
    seen: dict = {}
    for name in names:
        experiment = experiments.load(name, settings(options))
        seen.setdefault((experiment.dataset, str(experiment.dataset_args)), experiment)
    missing = []
    for experiment in seen.values():
        if experiment.dataset in missing:
            continue
        try:
            dataset = datasets.load(experiment)
        except (
            ConnectionError,
            FileNotFoundError,
        ) as error:  # one that is not here must not hide the others
            if len(seen) == 1:
                raise
            missing.append(experiment.dataset)
            print(f"error: {explain(error)}", file=sys.stderr)
            continue
        sizes = ", ".join(
            f"{len(split):,} {split_name}" for split_name, split in dataset.splits.items()
        )
        print(
            f"{dataset.name}{' (sample)' if dataset.sample else ''} as in {experiment.name}:"
            f" {sizes}; sha256 {dataset.fingerprint[:16]}"
        )
    if missing:
        raise FileNotFoundError(f"not here: {', '.join(missing)}")


def run(options) -> None:
    """Execute the notebook of an experiment, if anything has changed since it was."""
    bring_up_to_date(chosen(options), options.language, with_reports=False)


def report(options) -> None:
    """Train, execute and render an experiment: whatever of this is not done yet, or was done with
    something else.
    """
    bring_up_to_date(chosen(options), options.language, with_reports=True)


def compare(options) -> None:
    """Report on an assignment's runs beside each other, like `report ASSIGNMENT_comparison`."""
    name = assignments.compared(options.assignment) or options.assignment
    bring_up_to_date(assignments.load(name, settings(options)), options.language, with_reports=True)


def run_all(options) -> int:
    """Report every experiment of an assignment, or of all of them, one after the other; a failure
    does not stop the others.
    """
    names = members(options.assignment)
    rows, failed = [], 0
    readable = [experiment for experiment in map(loaded, names) if experiment]
    own = assignments.settings_of_each(readable, settings(options))
    queued = [
        experiments.load(experiment.name, own[experiment.name]).folder
        for experiment in readable
        if experiment.name in names
    ]
    try:
        for folder in queued:
            state.queue(folder)
        for number, name in enumerate(names, 1):
            print(f"{number} of {len(names)}: {name}", flush=True)
            started, experiment = time.perf_counter(), None
            try:
                experiment = experiments.load(name, own.get(name))
                outcome = bring_up_to_date(experiment, options.language, with_reports=True)
            except signals.Interrupted:
                raise
            except Exception as error:
                if options.debug:
                    raise
                failed += 1
                outcome = "failed"
                print(f"error: {explain(error)}", file=sys.stderr, flush=True)
                if experiment:
                    state.unqueue(experiment.folder, why=explain(error))
            metrics = (
                records.metrics(experiment.folder) if experiment and outcome != "failed" else None
            )
            accuracy = (
                f"{percent(metrics['evaluated_accuracy'])} ({metrics['evaluated_split']})"
                if metrics
                else "-"
            )
            rows.append((name, outcome, accuracy, f"{time.perf_counter() - started:.0f}"))
    finally:  # after Ctrl-C too
        for folder in queued:
            state.unqueue(folder)
        rewrite_index(options.language)
        print_table([("experiment", "outcome", "accuracy", "seconds"), *rows])
    print(f"{count(len(names) - failed, 'experiment')} done, {failed} failed", flush=True)
    return 1 if failed else 0


def members(assignment: str | None) -> list[str]:
    """Names of an assignment's experiments, or of all.

    A file that cannot be read is among them: whose it is cannot be known.
    """
    if assignment is not None and assignment not in assignments.names():
        assignments.members(assignment)  # raises, and names those there are
    found = [
        name
        for name in experiments.names()
        if assignment is None
        or (experiment := loaded(name)) is None
        or experiment.notebook == assignment
    ]
    if not found:
        raise ValueError(
            f"no experiment to run: no file in {paths.display(paths.params())}/"
            + (f" says `notebook: {assignment}`" if assignment else "")
        )
    return found


def loaded(name: str):
    """The experiment as in its file, or None where that cannot be read, as its turn will say."""
    try:
        return experiments.load(name)
    except ValueError:
        return None


def bring_up_to_date(subject, language: str, with_reports: bool) -> str:
    """Do what there is to do for an experiment or a comparison, in a language; returns what it was,
    in a word or two.
    """
    from labreport.execution import execution

    work = execution.work(subject, language)
    folder = paths.display(subject.folder)
    if not work.execute and not (with_reports and work.render):
        made_from = (
            "runs, code and versions"
            if subject.notebook == assignments.COMPARISON
            else "settings, data, code and versions"
        )
        print(
            f"{subject.run_name}: nothing to do: {made_from} are those that {folder}/ was made from"
        )
        return "nothing to do"
    try:
        if work.execute:
            again = (
                "running the notebook"
                if subject.notebook == assignments.COMPARISON
                else "running the notebook again, without training"
            )
            shown = work.execute[:4] + [f"and {len(work.execute) - 4} more"] * (
                len(work.execute) > 4
            )
            print(
                f"{subject.run_name}: {'training' if work.train else again} ({'; '.join(shown)})",
                flush=True,
            )
            execution.run(subject, language=language)
        if with_reports and work.render:
            if not work.execute:
                print(f"{subject.run_name}: rendering again ({'; '.join(work.render)})", flush=True)
            page, pdf = execution.render(subject, language)
            print(f"report: {folder}/{pdf.name} and {page.name}")
    finally:
        rewrite_index(language)
    return "trained" if work.train else "executed again" if work.execute else "rendered again"


def rewrite_index(language: str | None = None) -> None:
    """Rewrite reports/index.html, in a language or in the one it has.

    Where that fails it is said, and costs nothing else.
    """
    try:
        from labreport.studies import overview

        overview.write(language)
    except signals.Interrupted:
        raise
    except Exception as error:
        print(
            f"the index of the reports could not be written: {explain(error)}",
            file=sys.stderr,
            flush=True,
        )


def index(options) -> None:
    """Rewrite the index of all runs, reports/index.html, and print its path; runs and renderings do
    so by themselves.
    """
    from labreport.studies import overview

    print(paths.display(overview.write(options.language)))


def why(options) -> None:
    """Whether a report would do anything now, and for which reasons; nothing is done."""
    from labreport.execution import execution

    subject = chosen(options)
    work, now = execution.work(subject, options.language), state.read(subject.folder)
    if now.name not in ("none", "finished"):
        print(f"{subject.run_name}: {now}")
    for what, reasons in (
        ("train", work.train),
        ("execute the notebook", work.execute),
        ("make the reports", work.render),
    ):
        print(f"{what + ':':<22}" + (f"yes: {'; '.join(reasons)}" if reasons else "no"))


def verify(options) -> int:
    """Run an experiment again in a scratch place and compare history, predictions and metrics with
    its finished run.
    """
    from labreport.execution import verification

    experiment = the_experiment(options)
    edited = manifest.changed(experiment.folder)
    if edited:
        print(
            f"{experiment.run_name}: {listed(edited)} changed after it was executed: what is"
            " compared is not what the run gave",
            flush=True,
        )
    verdict = verification.verify(
        experiment,
        verification.TOLERANCE if options.tolerance is None else options.tolerance,
        sys.stdout,
    )
    if verdict.reasons:
        print(f"made from other things than the finished run: {'; '.join(verdict.reasons)}")
    print(f"{experiment.run_name}: {verdict}")
    if verdict.machine:
        print(
            "it ran on other things than the finished run, which can change the last bits:"
            f" {'; '.join(verdict.machine)}"
        )
    if options.stamp:
        verification.stamp(experiment, verdict)
        bring_up_to_date(experiment, options.language, with_reports=True)
    return 1 if verdict.verdict == "different" else 0


def reproduce(options) -> int:
    """Run the experiment that a report.pdf carries inside again, in a scratch place, and compare
    history and metrics with those in the PDF.
    """
    from labreport.execution import verification

    verdict = verification.reproduce(
        Path(options.pdf),
        verification.TOLERANCE if options.tolerance is None else options.tolerance,
        sys.stdout,
        lambda line: print(line, flush=True),
    )
    if verdict.reasons:
        print(f"made from other things than the PDF: {'; '.join(verdict.reasons)}")
    print(f"{options.pdf}: {verdict}")
    if verdict.machine:
        print(
            "it ran on other things than the run in the PDF, which can change the last bits:"
            f" {'; '.join(verdict.machine)}"
        )
    return 1 if verdict.verdict == "different" else 0


def diff(options) -> None:
    """Settings, source, environment, data and results of two finished runs side by side, as far as
    they differ.
    """
    from labreport.execution import verification

    one, other = (
        verification.folder_of(name, settings(options)) for name in (options.one, options.other)
    )
    for folder in (one, other):
        if edited := manifest.changed(folder):
            print(f"{folder.name}: {listed(edited)} changed after it was executed")
    for title, table in verification.side_by_side(one, other).items():
        print(f"{title}:")
        print_table(
            [
                tuple(
                    f"  {column}" if not number else column
                    for number, column in enumerate(table.columns)
                ),
                *((f"  {row[0]}", *row[1:]) for row in table.itertuples(index=False, name=None)),
            ]
        )


def the_experiment(options):
    """The experiment that the command line names, which may be no comparison here."""
    found = chosen(options)
    if found.notebook == assignments.COMPARISON:
        raise ValueError(
            f"{options.experiment} is a comparison, which is made from runs; name one of these:"
            f" {', '.join(run.experiment.name for run in found.runs)}"
        )
    return found


def plan(options) -> None:
    """What a sweep has to do: its runs with what there is of each, time, memory and disk; every
    model is built, nothing is trained.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from labreport.executors import planning

    sweep = sweeps.load(options.sweep, settings(options))
    steps = planning.estimated(planning.steps(sweep))
    rows = [
        (
            step.experiment.run_name,
            step.label,
            step.action,
            "-" if step.seconds is None else duration(step.seconds),
            step.why,
        )
        for step in steps
    ]
    print(
        f"{sweep.title}\n{sweep.question}\n{sweeps.described(sweep)}; the others are compared with"
        f" {sweep.base}\n"
    )
    print_table([("run", "tried", "to do", "time", "why"), *rows])
    here = planning.room()
    at_once = planning.jobs(steps, here, options.jobs)
    print("\n" + "\n".join(planning.told(steps, here, at_once, planning.threads(here, at_once))))


def run_sweep(options) -> int:
    """Train the runs of a sweep, as many at once as there is room for, then report on them;
    stopped, the same command goes on.

    --scheduler or --scheduler-file hands them to the workers of a Dask cluster (docs/cluster.md).
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from labreport.executors import dask, local, planning, progress, tasks

    sweep = sweeps.load(options.sweep, settings(options))
    remote = options.scheduler or options.scheduler_file
    if remote and options.jobs:
        raise ValueError(
            "--jobs is for one machine; on a cluster the workers decide how many runs there are at"
            " once"
        )
    sweep.folder.mkdir(parents=True, exist_ok=True)
    with (
        contextlib.ExitStack() as last,
        files.lock(
            sweep.folder / sweeps.LOCK, f"the sweep {sweep.run_name}", wait=state.WAIT_SECONDS
        ),
        contextlib.ExitStack() as stack,
    ):
        last.callback(
            rewrite_index, options.language
        )  # once the sweep is no longer at work, however it ends
        client = (
            stack.enter_context(dask.connected(options.scheduler, options.scheduler_file))
            if remote
            else None
        )
        steps = planning.steps(sweep)
        print(f"{sweep.run_name}: {sweeps.described(sweep)}", flush=True)
        ask_about_many(steps, options)
        forge = None if client else local.forge(sweep, steps)
        steps = planning.estimated(
            steps, forge.context if forge else None, forked=forge is not None
        )
        here = planning.room()
        at_once, threads = (
            dask.settled(sweep, steps, client)
            if client
            else local.settled(sweep, steps, here, options.jobs)
        )
        print(
            "\n".join(planning.told(steps, here, at_once, threads, apart=client is not None)),
            flush=True,
        )
        engine = (
            dask.Cluster(sweep, steps, client, threads, options.retry)
            if client
            else local.Pool(sweep, steps, here, at_once, threads, options.retry, forge)
        )
        with progress.shown(steps, at_once) as changed:
            found = engine.run(changed)
    failed = [task for task in found if task.outcome != "done"]
    for why, alike in tasks.by_reason(failed).items():
        others = f" and {count(len(alike) - 1, 'other run')}" if len(alike) > 1 else ""
        print(
            f"error: {alike[0].step.experiment.run_name}{others}: {why};"
            f" {'its' if len(alike) == 1 else 'the first'} log is {paths.display(alike[0].log)}",
            file=sys.stderr,
        )
    if len(failed) < len(found):
        bring_up_to_date(
            sweeps.load(options.sweep, settings(options)), options.language, with_reports=True
        )  # looked at anew
    print(
        f"{count(len(found) - len(failed), 'run')} done, {len(failed)} failed"
        + ("; the same command tries them again" if failed else "")
    )
    return 1 if failed else 0


def submit(options) -> None:
    """Hand the runs of a sweep to SLURM, as a job array, with a job behind it that makes the
    report.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from labreport.executors import planning, slurm

    sweep, own = sweeps.load(options.sweep, settings(options)), words_of("--sbatch", options.sbatch)
    sweep.folder.mkdir(parents=True, exist_ok=True)
    with files.lock(
        sweep.folder / sweeps.LOCK, f"the sweep {sweep.run_name}", wait=state.WAIT_SECONDS
    ):
        steps = [step for step in planning.steps(sweep) if step.to_do]
        if not steps:
            print(
                f"{sweep.run_name}: nothing to do: all {count(len(sweep.experiments), 'run')} are"
                " done"
            )
            return
        slurm.check(own)
        alive = {
            run: job
            for run, job in slurm.jobs([step.experiment for step in steps]).items()
            if job.alive
        }
        for step in steps:
            if job := alive.get(step.experiment.run_name):
                print(f"{step.experiment.run_name}: not submitted again: {job}")
        steps = [step for step in steps if step.experiment.run_name not in alive]
        if not steps:
            print(
                f"{sweep.run_name}: nothing to submit: {count(len(alive), 'run')} to do, all"
                " submitted already"
            )
            return
        ask_about_many(steps, options)
        array, last = slurm.submit(
            sweep,
            planning.estimated(steps, forked=False),
            report_arguments(options, options.sweep),
            options.jobs,
            own,
        )
    print(
        f"{sweep.run_name}: {count(len(steps), 'run')} submitted as job array {array}, and job"
        f" {last} that makes the report when they have ended"
    )
    print(
        f"look at it with `pipeline.py status {options.sweep}`, end it with `scancel {array}"
        f" {last}`; each run's log is in {paths.display(sweep.folder)}/logs/, named after it"
    )


def report_arguments(options, name: str) -> list[str]:
    """What makes the report of this name, with the settings of the command line."""
    data = ["--data", options.data] if options.data else []
    return [
        "report",
        name,
        "--language",
        options.language,
        *data,
        *(["--set", *options.set] if options.set else []),
    ]


def ask_about_many(steps, options) -> None:
    """ValueError where there are so many runs to do that a person has to agree, and does not."""
    from labreport.executors import planning

    many = sum(step.to_do for step in steps)
    if many > planning.MANY and not options.yes and not agreed(f"start {count(many, 'run')}?"):
        raise ValueError(f"not started: {count(many, 'run')} are many; answer y, or say --yes")


def kaggle(options) -> int:
    """Have an experiment, or the runs of a sweep, done on Kaggle: sent there, watched, fetched,
    gone on with where the time was up, and reported here.
    """
    from labreport.execution import execution
    from labreport.executors import planning
    from labreport.executors.kaggle import job_chain, sending

    of_there(options)
    subject, is_sweep = chosen(options), options.experiment in sweeps.names()
    if execution.compares(subject) and not is_sweep:
        raise ValueError(
            f"{options.experiment} compares runs that are here already: python pipeline.py compare"
            f" {subject.name}; to Kaggle goes an experiment or a sweep"
        )
    steps = planning.steps(subject) if is_sweep else [planning.step(subject)]
    gpu = not options.cpu and any(step.experiment.data == "real" for step in steps)
    if options.accelerator and not gpu:
        raise ValueError(
            f"--accelerator {options.accelerator}:"
            f" {'--cpu asks for none' if options.cpu else 'sample data take none'}; leave it out"
        )
    terms = sending.Terms(
        gpu,
        options.accelerator,
        options.jobs or (sending.GPU_AT_ONCE if gpu else sending.CPU_AT_ONCE),
        int((options.hours or sending.HOURS) * 3600),
        options.language,
    )
    failed = {}
    if any(step.to_do for step in steps):
        ask_about_many(steps, options)
        failed = {
            run: why
            for run, why in job_chain.bring(subject.run_name, subject.folder, steps, terms).items()
            if why
        }
        again = [
            planning.step(step.experiment)
            for step in steps
            if step.to_do and step.experiment.run_name not in failed
        ]
        failed |= {
            step.experiment.run_name: (
                "it was fetched, but settings or source have changed since it was sent"
                f" ({step.why}); the same command has it done again"
            )
            for step in again
            if step.to_do
        }
        for why in dict.fromkeys(failed.values()):
            first, *others = [run for run, reason in failed.items() if reason == why]
            more = f" and {count(len(others), 'other run')}" if others else ""
            print(f"error: {first}{more}: {why}", file=sys.stderr)
    else:
        print(f"{subject.run_name}: nothing to do: {'all runs are' if is_sweep else 'it is'} done")
    if is_sweep and len(failed) < len(steps):
        bring_up_to_date(
            sweeps.load(options.experiment, settings(options)), options.language, with_reports=True
        )  # looked at anew
    elif (
        not failed
        and not (subject.folder / i18n.file(execution.NOTEBOOK, options.language)).exists()
    ):
        print(
            "its notebook was not executed in this language; that is done here, with the data:"
            f" python pipeline.py {shlex.join(report_arguments(options, options.experiment))}"
        )
    elif not failed:
        render(options)
    return 1 if failed else 0


def of_there(options) -> None:
    """ValueError where --data names a folder of this machine for a run on another."""
    if options.data not in (None, "sample"):
        raise ValueError(
            "--data names a folder of this machine; on Kaggle the data come from there: leave it"
            " out, or say --data sample"
        )


def pack(options) -> None:
    """Write an experiment's notebook with its parameters and this program inside, to be uploaded
    where there is no internet; print its path.
    """
    import json

    from labreport.executors.kaggle import package

    of_there(options)
    experiment = the_experiment(options)
    path = Path(options.out or experiment.folder / "packed.ipynb")
    path.parent.mkdir(parents=True, exist_ok=True)
    files.replace(
        path,
        lambda temporary: temporary.write_text(
            json.dumps(package.packed(experiment, options.language), indent=1), "utf-8"
        ),
    )
    print(paths.display(path))


def sweep_status(options) -> None:
    """How far the runs of a sweep are; for a look from another shell."""
    from labreport.executors import planning, progress, slurm, tasks
    from labreport.executors.kaggle import job_chain

    sweep = sweeps.load(options.sweep, settings(options))
    if there := job_chain.under_way(sweep.folder):
        print(
            f"{sweep.run_name}: {there}; `python pipeline.py kaggle {sweep.name}` looks how far"
            " it is"
        )
    found = [progress.look(step) for step in planning.steps(sweep)]
    at_once = tasks.recorded(sweep).get("at_once", 1)
    print(f"{sweep.run_name}: {progress.whole(found, at_once)}")
    try:
        said = slurm.said(sweep)
    except ValueError as error:
        said = {}
        print(f"error: {error}", file=sys.stderr)
    rows = [
        (
            one.label,
            str(one.seed),
            one.name,
            f"{one.epochs}/{one.most}",
            duration(one.left) if one.left and one.name != "done" else "-",
            "; ".join(
                filter(
                    None, [one.said, said.get(experiment.run_name) if one.name != "done" else ""]
                )
            ),
        )
        for one, experiment in zip(found, sweep.experiments)
    ]
    print_table([("run", "seed", "state", "epoch", "left", ""), *rows])


def agreed(question: str) -> bool:
    """Whether a person at the terminal says yes."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")


def render(options) -> None:
    """Make the reports of an executed notebook again."""
    from labreport.execution import execution

    for path in execution.render(
        chosen(options), options.language, getattr(options, "force", False)
    ):
        print(paths.display(path))
    rewrite_index(options.language)


def clean(options) -> None:
    """Delete the run folder of an experiment; without one, what failed runs have left. --unfinished
    and --earlier delete what could still be of use.
    """
    import shutil

    where = chosen(options).folder.name if options.experiment else "*"
    patterns = [
        *[f"{where}/{state.UNFINISHED}", f"{where}/{state.EARLIER}/*-unfinished*"]
        * options.unfinished,
        *[f"{where}/{state.EARLIER}/*[0-9]"] * options.earlier,
    ]
    if options.experiment and not patterns:
        folders = [chosen(options).folder]
        if not folders[0].exists():
            raise FileNotFoundError(
                f"{paths.display(folders[0])} does not exist; nothing to delete"
            )
        question = f"delete {paths.display(folders[0])} and all that is in it?"
    else:
        patterns = patterns or [
            f"{where}/failed.*",
            f"{where}/running.*",
            f"{where}/.*.part*",
            f"{where}/.fetched-*",
        ]
        folders = [
            path
            for pattern in patterns
            for path in sorted(paths.reports().glob(pattern))
            if not files.locked(run_folder(path) / state.LOCK)
        ]
        if not folders:
            print(
                "nothing to clean: no"
                f" {'such thing' if options.unfinished or options.earlier else 'failed run'}"
            )
            return
        question = "delete " + ", ".join(paths.display(path) for path in folders) + "?"
    if not options.yes and not agreed(question):
        raise ValueError(f"not deleted; answer y, or say --yes: {question}")
    for path in folders:
        with files.lock(run_folder(path) / state.LOCK, run_folder(path).name):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        print(f"deleted {paths.display(path)}")
    rewrite_index()


def run_folder(path: Path) -> Path:
    """The run folder that a path lies in, or is."""
    return paths.reports() / path.relative_to(paths.reports()).parts[0]


def settings(options) -> dict:
    """What --set and --data ask for."""
    return experiments.parse_settings(options.set) | (
        {"data": "sample"} if options.data == "sample" else {}
    )


def chosen(options):
    """The experiment that the command line names, with its settings; or the assignment, where it
    names a comparison.
    """
    if options.experiment in sweeps.names():
        return sweeps.load(options.experiment, settings(options))
    assignment = assignments.compared(options.experiment)
    return (
        assignments.load(assignment, settings(options))
        if assignment
        else experiments.load(options.experiment, settings(options))
    )


def apply_authorship(options) -> None:
    """Let what the command line says of people, course and language stand in the place of
    report.yaml's, for this process and those it starts.
    """
    from labreport.config import authors

    for name, value in (
        (authors.AUTHORS, getattr(options, "authors", None)),
        (authors.COURSE, getattr(options, "course", None)),
    ):
        if value:
            os.environ[name] = value
    if getattr(options, "language", "") is None and options.command is not index:
        options.language = authors.load().language or "en"


def apply_data(options) -> None:
    """Let `--data FOLDER` name the folder of the data sets, for this process and the kernels it
    starts.
    """
    folder = getattr(options, "data", None)
    if folder and folder != "sample":
        if not Path(folder).expanduser().is_dir():
            raise FileNotFoundError(
                f"--data {folder}: there is no such folder; name the one that holds the data sets,"
                " or `sample`"
            )
        os.environ["LABREPORT_DATA"] = str(Path(folder).expanduser().resolve())


def at_least(least: int):
    """What an option is read by that takes a whole number."""

    def read(text: str) -> int:
        if not text.lstrip("-").isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(
                f"a whole number of at least {least} is expected, got {text}"
            )
        return int(text)

    return read


def hours(text: str) -> float:
    """What --hours is read by."""
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0.1 <= found <= 12:
        raise argparse.ArgumentTypeError(
            f"a number of hours from 0.1 to 12 is expected, got {text}"
        )
    return found


def words_of(option: str, text: str) -> list[str]:
    """An option's value, split as a shell would."""
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ValueError(f"{option} {text}: {str(error).lower()}") from None


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(
        prog="pipeline.py",
        description=__doc__.splitlines()[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name,
        function,
        experiment: str | None = None,
        runs: bool = True,
        assignment: str | None = None,
    ):
        sub = commands.add_parser(
            name, help=function.__doc__.splitlines()[0], description=function.__doc__
        )
        sub.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the traceback of an error",
        )
        if experiment:
            sub.add_argument(
                "experiment",
                nargs="?" if experiment == "optional" else None,
                metavar="EXPERIMENT",
                help="a file in params/, without .yaml",
            )
        if assignment:
            sub.add_argument(
                "assignment",
                nargs="?" if assignment == "optional" else None,
                metavar="NAME",
                help="an assignment: a file in notebooks/, without .ipynb",
            )
        if runs:
            sub.add_argument(
                "--data",
                metavar="sample|FOLDER",
                help=(
                    "data drawn by the program, or the folder that holds the data sets (default:"
                    " data/)"
                ),
            )
            sub.add_argument(
                "--set",
                nargs="+",
                action="extend",
                default=[],
                metavar="KEY=VALUE",
                help="a setting of this run, such as epochs=3",
            )
        sub.set_defaults(command=function)
        return sub

    command("list", list_experiments, runs=False)
    command("show", show, "required")
    command("check", check, "optional")
    fetching = command("data", data)
    fetching.add_argument(
        "what", nargs="?", metavar="NAME", help="a data set, such as flowers, or an experiment"
    )
    fetching.add_argument(
        "--accept",
        nargs="+",
        default=[],
        metavar="DATASET",
        help="write data.lock anew for these data sets, as they are now",
    )
    speaking = [
        command(name, function, "required")
        for name, function in (
            ("run", run),
            ("render", render),
            ("report", report),
            ("why", why),
            ("verify", verify),
        )
    ]
    verifying = speaking[-1]
    verifying.add_argument("--stamp", action="store_true", help="put the verdict into the report")
    verifying.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="how far numbers may be apart to count as the same on another device (default 0.001)",
    )
    commands.choices["render"].add_argument(
        "--force",
        action="store_true",
        help="render what was changed after it was executed, with a warning on the report",
    )
    reproducing = command("reproduce", reproduce, runs=False)
    reproducing.add_argument(
        "pdf",
        metavar="REPORT.PDF",
        help="a report that `report` has made; nothing else of its run is needed",
    )
    reproducing.add_argument(
        "--data",
        metavar="FOLDER",
        help="the folder that holds the data sets (default: data/); sample data need none",
    )
    reproducing.add_argument(
        "--tolerance",
        type=float,
        metavar="T",
        help="how far numbers may be apart to count as the same on another device (default 0.001)",
    )
    comparing = command("diff", diff)
    for name in ("one", "other"):
        comparing.add_argument(
            name, metavar=name.upper(), help="an experiment, or a run folder's name"
        )
    speaking += [
        command("compare", compare, assignment="required"),
        command("all", run_all, assignment="optional"),
    ]
    for name, function in (
        ("plan", plan),
        ("sweep", run_sweep),
        ("submit", submit),
        ("status", sweep_status),
    ):
        sweeping = command(name, function)
        sweeping.add_argument(
            "sweep", metavar="NAME", help="a sweep: a file in params/sweeps/, without .yaml"
        )
        if name != "status":
            sweeping.add_argument(
                "--jobs",
                type=at_least(1),
                metavar="N",
                help="runs at once (default: as many as processors, memory and GPUs allow)",
            )
        if name in ("sweep", "submit"):
            speaking.append(sweeping)
            sweeping.add_argument("--yes", action="store_true", help="do not ask before many runs")
        if name == "sweep":
            sweeping.add_argument(
                "--retry",
                type=at_least(0),
                default=0,
                metavar="N",
                help="how often a run that failed is tried again (default 0)",
            )
            where = sweeping.add_mutually_exclusive_group()
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
        if name == "submit":
            sweeping.add_argument(
                "--slurm", action="store_true", required=True, help="to SLURM, as a job array"
            )
            sweeping.add_argument(
                "--sbatch",
                default="",
                metavar="OPTIONS",
                help="options for sbatch, such as --sbatch='--time=04:00:00 --gres=gpu:1'",
            )
    sending = command("kaggle", kaggle)
    sending.add_argument(
        "experiment",
        metavar="NAME",
        help="an experiment, or a sweep: a file in params/ or params/sweeps/, without .yaml",
    )
    sending.add_argument(
        "--cpu", action="store_true", help="without a GPU (sample data never takes one)"
    )
    sending.add_argument(
        "--accelerator",
        metavar="NAME",
        help="which one, as Kaggle names it, such as NvidiaTeslaT4 (default: Kaggle's choice)",
    )
    sending.add_argument(
        "--hours",
        type=hours,
        metavar="H",
        help="of each notebook, after which the next one goes on (default 11.5; Kaggle gives 12)",
    )
    sending.add_argument(
        "--jobs",
        type=at_least(1),
        metavar="N",
        help="notebooks at once (default: 2 with a GPU, 5 without, as many as Kaggle runs)",
    )
    sending.add_argument("--yes", action="store_true", help="do not ask before many runs")
    packing = command("pack", pack, "required")
    packing.add_argument(
        "--out", metavar="FILE", help="where to (default: packed.ipynb in the run folder)"
    )
    speaking += [sending, packing]
    command("index", index, runs=False).add_argument(
        "--language", choices=i18n.LANGUAGES, help="of the index (default: the one it has)"
    )
    for one in speaking:
        one.add_argument(
            "--language",
            choices=i18n.LANGUAGES,
            help="of the notebook and the reports (default: report.yaml's, else en)",
        )
    for name in ("render", "report", "why", "compare", "all", "sweep", "kaggle"):
        signing = commands.choices[name]
        signing.add_argument(
            "--authors",
            metavar="NAMES",
            help=(
                'who hands the report in, such as "Ada Lovelace; Grace Hopper" (default:'
                " report.yaml)"
            ),
        )
        signing.add_argument(
            "--course", metavar="TEXT", help="for which course (default: report.yaml)"
        )
    cleaning = command("clean", clean, "optional")
    cleaning.add_argument("--yes", action="store_true", help="do not ask")
    cleaning.add_argument(
        "--unfinished", action="store_true", help="delete trainings that could go on"
    )
    cleaning.add_argument(
        "--earlier", action="store_true", help="delete runs that later ones have taken the place of"
    )
    return top


def cleaned_traceback(kind, error, trace) -> None:
    """What --debug shows: a traceback can quote what no other message does."""
    import traceback

    from labreport.core import redaction

    sys.stderr.write(redaction.cleaned("".join(traceback.format_exception(kind, error, trace))))


if __name__ == "__main__":
    sys.excepthook = cleaned_traceback
    signals.outlive_terminal()
    sys.exit(main())

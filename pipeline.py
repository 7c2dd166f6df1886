#!/usr/bin/env python3
"""labreport on the command line: train an experiment in its notebook and make the report of it.

`python pipeline.py COMMAND --help` explains a command; `make help` lists the same commands for make.
"""

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

try:
    from labreport import experiments, files, paths
    from labreport.wording import count
except ModuleNotFoundError as missing:
    sys.exit(f"pipeline.py: {missing.name} is not installed for {sys.executable}; run `make setup`, then use .venv/bin/python")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code: 0, 1 for an error, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    try:
        apply_data(options)
        options.command(options)
    except KeyboardInterrupt:
        print("\ninterrupted: what was finished before is untouched; the same command starts again", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone, `| head` for one
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if options.debug:
            raise
        print(f"error: {explain(error)}", file=sys.stderr)
        return 1
    return 0


def explain(error: Exception) -> str:
    """One or two lines for a person."""
    from labreport.execution import NotebookError

    if isinstance(error, OSError) and error.errno == 28:
        return f"the disk is full ({error.filename or 'while writing'}): free some space and run the same command again; nothing finished was lost"
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    if isinstance(error, (ValueError, ConnectionError, FileNotFoundError, NotebookError)):
        return str(error)
    return f"{type(error).__name__}: {error} (--debug shows where)"


def list_experiments(options) -> None:
    """The experiments, and how far each one is."""
    rows = []
    for name in experiments.names():
        try:
            experiment = experiments.load(name)
        except ValueError as error:  # one broken file must not hide the others
            rows.append((name, "-", "-", f"cannot be read: {error}"))
            continue
        published = experiment.published["test_accuracy"]
        rows.append((name, "-" if published is None else f"{published:.3f}", status(experiment), experiment.question))
    widths = [max(len(row[column]) for row in [*rows, ("experiment", "published", "this machine", "")]) for column in range(3)]
    for row in [("experiment", "published", "this machine", "question"), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)) + "  " + row[3])


def status(experiment) -> str:
    """Measured test accuracy of a finished run, or that there is none."""
    metrics = files.read_json(experiment.folder / "metrics.json")
    if metrics:
        return f"{metrics['test_accuracy']:.3f}"
    return "unfinished" if (experiment.folder / "unfinished").exists() else "not run"


def show(options) -> None:
    """An experiment's settings as they would run, and what there is of it."""
    import yaml

    experiment = chosen(options)
    print(yaml.safe_dump(experiment.settings(), sort_keys=False, allow_unicode=True, width=100, default_flow_style=None), end="")
    for key, value in experiment.changes.items():
        print(f"# differs from the file: {key} = {value}")
    print(f"# run folder: {paths.display(experiment.folder)} ({status(experiment)})")


def check(options) -> None:
    """Read every parameter file (or the one named) and build its model, loss, optimizer and augmentation."""
    names = [options.experiment] if options.experiment else experiments.names()
    chosen_ones = [experiments.load(name, settings(options)) for name in names]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from labreport import augmentation, datasets, losses, models, optimizers

    wrong = []
    for experiment in chosen_ones:
        total, trainable = models.parameters(models.build(experiment, *datasets.shape(experiment)))
        for room in (losses, optimizers, augmentation):
            room.build(experiment)
        expected = (experiment.published["total_parameters"], experiment.published["trainable_parameters"])
        agrees = (total, trainable) == expected or experiment.changes
        print(f"{experiment.run_name}: {total:,} parameters, {trainable:,} trainable" + ("" if agrees else f"; published are {expected[0]:,} and {expected[1]:,}"))
        wrong += [] if agrees else [experiment.run_name]
    if wrong:
        raise ValueError(f"parameter counts differ from the published ones: {', '.join(wrong)}; mend the model or the file")
    print(f"sound: {count(len(chosen_ones), 'experiment')}")


def data(options) -> None:
    """Fetch and verify the data of an experiment, or of all of them."""
    from labreport import datasets

    names = [options.experiment] if options.experiment else experiments.names()
    seen = {}
    for name in names:
        experiment = experiments.load(name, settings(options))
        seen.setdefault((experiment.dataset, str(experiment.dataset_args)), experiment)
    for experiment in seen.values():
        dataset = datasets.load(experiment)
        sizes = ", ".join(f"{len(split):,} {split_name}" for split_name, split in dataset.splits.items())
        print(f"{dataset.name}{' (sample)' if dataset.sample else ''} as in {experiment.name}: {sizes}; sha256 {dataset.fingerprint[:16]}")


def run(options) -> None:
    """Execute the notebook of an experiment, if anything has changed since it was."""
    bring_up_to_date(chosen(options), with_reports=False)


def report(options) -> None:
    """Train, execute and render an experiment: whatever of this is not done yet, or was done with something else."""
    bring_up_to_date(chosen(options), with_reports=True)


def bring_up_to_date(experiment, with_reports: bool) -> None:
    from labreport import execution

    work = execution.work(experiment)
    if work.execute:
        print(f"{experiment.run_name}: {'training' if work.train else 'running the notebook again, without training'} ({'; '.join(work.execute)})", flush=True)
        execution.run(experiment)
    folder = paths.display(experiment.folder)
    if with_reports and work.render:
        if not work.execute:
            print(f"{experiment.run_name}: rendering again ({'; '.join(work.render)})", flush=True)
        execution.render(experiment)
        print(f"report: {folder}/report.pdf and report.html")
    elif not work.execute:
        print(f"{experiment.run_name}: nothing to do: settings, data, source and versions are those that {folder}/ was made from")


def render(options) -> None:
    """Make the reports of an executed notebook again."""
    from labreport import execution

    for path in execution.render(chosen(options)):
        print(paths.display(path))


def clean(options) -> None:
    """Delete the run folder of an experiment; without one, what failed and unfinished runs have left."""
    import shutil

    if options.experiment:
        folders = [chosen(options).folder]
        if not folders[0].exists():
            raise FileNotFoundError(f"{paths.display(folders[0])} does not exist; nothing to delete")
        question = f"delete {paths.display(folders[0])} and all that is in it?"
    else:
        folders = [path for pattern in ("*/unfinished", "*/failed.*", "*/running.*", "*/.*.part*") for path in paths.reports().glob(pattern)]
        if not folders:
            print("nothing to clean: no failed or unfinished run")
            return
        question = "delete " + ", ".join(paths.display(path) for path in folders) + "?"
    if not options.yes and (not sys.stdin.isatty() or input(f"{question} [y/N] ").strip().lower() not in ("y", "yes")):
        raise ValueError(f"not deleted; answer y, or say --yes: {question}")
    for path in folders:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        print(f"deleted {paths.display(path)}")


def settings(options) -> dict:
    """What --set and --data ask for."""
    return experiments.parse_settings(options.set) | ({"data": "sample"} if options.data == "sample" else {})


def chosen(options):
    """The experiment that the command line names, with its settings."""
    return experiments.load(options.experiment, settings(options))


def apply_data(options) -> None:
    """Let `--data FOLDER` name the folder of the data sets, for this process and the kernels it starts."""
    folder = getattr(options, "data", None)
    if folder and folder != "sample":
        if not Path(folder).expanduser().is_dir():
            raise FileNotFoundError(f"--data {folder}: there is no such folder; name the one that holds the data sets, or `sample`")
        os.environ["LABREPORT_DATA"] = str(Path(folder).expanduser().resolve())


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="pipeline.py", description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument("--debug", action="store_true", help="show the traceback of an error")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(name, function, experiment: str | None = None, runs: bool = True):
        sub = commands.add_parser(name, help=function.__doc__.splitlines()[0], description=function.__doc__)
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the traceback of an error")
        if experiment:
            sub.add_argument("experiment", nargs="?" if experiment == "optional" else None, metavar="EXPERIMENT", help="a file in params/, without .yaml")
        if runs:
            sub.add_argument("--data", metavar="sample|FOLDER", help="data drawn by the program, or the folder that holds the data sets (default: data/)")
            sub.add_argument("--set", nargs="+", action="extend", default=[], metavar="KEY=VALUE", help="a setting of this run, such as epochs=3")
        sub.set_defaults(command=function)
        return sub

    command("list", list_experiments, runs=False)
    command("show", show, "required")
    command("check", check, "optional")
    command("data", data, "optional")
    command("run", run, "required")
    command("render", render, "required")
    command("report", report, "required")
    command("clean", clean, "optional").add_argument("--yes", action="store_true", help="do not ask")
    return top


if __name__ == "__main__":
    sys.exit(main())

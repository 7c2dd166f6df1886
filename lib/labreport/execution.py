"""Run an experiment's notebook with papermill, honestly: what a run has done is read from disk, never from the notebook's own status."""

import os
import pprint
import sys
from dataclasses import dataclass, field
from pathlib import Path

from . import augmentation, choices, datasets, files, paths, provenance, reporting, results

STATE = "run.json"  # what the notebook and the reports in a run folder were made from
NOTEBOOK = "notebook.ipynb"
RUNNING = "running.ipynb"
FAILED = "failed.ipynb"
LOG, FAILED_LOG = "log.txt", "failed.txt"  # what the kernel wrote beside the notebook
REPORTS = ("report.html", "report.pdf")


class NotebookError(Exception):
    """A cell failed, or the kernel died; the message says which, why, and where to look."""


@dataclass(frozen=True)
class Work:
    """What is to be done to bring a run folder up to date, each with its reasons; an empty list is nothing to do."""

    train: list[str] = field(default_factory=list)
    execute: list[str] = field(default_factory=list)
    render: list[str] = field(default_factory=list)


def work(experiment) -> Work:
    """Compare what the run folder was made from with what is here now; reads the data (ValueError, ConnectionError), not Keras."""
    folder = experiment.folder
    state = files.read_json(folder / STATE) or {}
    metrics = results.finished(folder)
    augmentation.build(experiment)  # a wrong value ends here, before a kernel starts
    identity = provenance.training_identity(experiment, datasets.load(experiment).fingerprint)
    train = provenance.differences(metrics["identity"], identity) if metrics else ["it has not been trained"]
    if train:
        return Work(train, train, train)
    execute = _reasons(folder / NOTEBOOK, state.get("executed"), _execution_key(experiment, metrics))
    if execute:
        return Work([], execute, execute)
    render = [f"{name} is missing" for name in REPORTS if not (folder / name).exists()] or _reasons(None, state.get("rendered"), _render_key(folder))
    return Work([], [], render)


def _reasons(product: Path | None, before: dict | None, now: dict) -> list[str]:
    if before is None or (product and not product.exists()):
        return ["it has not been done"]
    return provenance.differences(before, now)


def _execution_key(experiment, metrics: dict) -> dict:
    notebook = paths.notebooks() / f"{experiment.notebook}.ipynb"
    source = provenance.source_of("*.py", choices.of("model")[experiment.model].source.relative_to(provenance.PACKAGE).as_posix())
    source.pop("execution.py")  # how a notebook is run does not change what it says
    return {"settings": experiment.settings(), "data": metrics["finished"],
            "source": source | {f"notebooks/{notebook.name}": provenance.sha256(notebook)},
            "versions": provenance.versions("matplotlib", "seaborn", "pandas", "scikit-learn", "scipy")}


def _render_key(folder: Path) -> dict:
    return {"source": provenance.source_of("reporting/*") | {NOTEBOOK: provenance.sha256(folder / NOTEBOOK)},
            "versions": provenance.versions("nbconvert", "typst", "pypandoc_binary", "pygments")}


def run(experiment, output=sys.stdout) -> None:
    """Execute the experiment's notebook into its run folder; what the training prints goes to `output` as it comes.

    The notebook's `fit` trains, or finds that nothing has changed. Raises NotebookError when a cell fails or the kernel dies; the
    notebook as far as it came is then kept as failed.ipynb, and the last good one stays.
    """
    import nbformat

    folder = experiment.folder
    folder.mkdir(parents=True, exist_ok=True)
    running, log = folder / RUNNING, folder / "running.txt"
    with files.lock(folder / ".notebook.lock", experiment.run_name):
        try:
            _papermill(experiment, running, log, output)
            notebook = nbformat.read(running, 4)
            metrics = results.finished(folder)
            if metrics is None or any(cell.cell_type == "code" and cell.execution_count is None for cell in notebook.cells):
                raise NotebookError(f"{experiment.notebook}.ipynb came to its end without a finished training")
        except BaseException:
            for wreck, name in ((running, FAILED), (log, FAILED_LOG)):
                if wreck.exists():
                    wreck.replace(folder / name)
            raise
        _tidy(notebook, experiment, metrics)
        nbformat.write(notebook, running)
        running.replace(folder / NOTEBOOK)
        log.replace(folder / LOG)
        for name in (FAILED, FAILED_LOG):
            (folder / name).unlink(missing_ok=True)
        _record(folder, "executed", _execution_key(experiment, metrics))


def render(experiment) -> tuple[Path, Path]:
    """Make report.html and report.pdf from the executed notebook; FileNotFoundError where there is none yet."""
    folder = experiment.folder
    if not (folder / NOTEBOOK).exists():
        raise FileNotFoundError(f"{paths.display(folder)} holds no executed notebook; run the experiment first: python pipeline.py report {experiment.name}")
    rendered = reporting.render(folder / NOTEBOOK, folder)
    _record(folder, "rendered", _render_key(folder))
    return rendered


def _record(folder: Path, stage: str, key: dict) -> None:
    files.write_json(folder / STATE, (files.read_json(folder / STATE) or {}) | {stage: key})


def _papermill(experiment, running: Path, log: Path, output) -> None:
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines

    class Engine(NBClientEngine):
        """papermill's own engine, but what the kernel's process writes to its terminal goes to the log."""

        @classmethod
        def execute_managed_notebook(cls, nb_man, kernel_name, stdout_file=None, kernel_log=None, **_):
            client = PapermillNotebookClient(nb_man, kernel_name=kernel_name, stdout_file=stdout_file, timeout=None, startup_timeout=300)
            client.execute(stdout=kernel_log, stderr=kernel_log)

    papermill_engines.register("labreport", Engine)
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")  # this environment's kernel, not one of the same name in the home folder
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(provenance.PACKAGE.parent), os.environ.get("PYTHONPATH"))))  # the kernel runs this very package
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    notebook = paths.notebooks() / f"{experiment.notebook}.ipynb"
    parameters = {"experiment": experiment.name, "settings": experiment.training_settings()}
    with open(log, "w") as kernel_log:
        try:
            papermill.execute_notebook(notebook, running, parameters, engine_name="labreport", kernel_name="python3", progress_bar=False,
                                       cwd=str(notebook.parent), stdout_file=output, kernel_log=kernel_log)
        except papermill.PapermillExecutionError as error:
            raise NotebookError(f"cell {_failed_cell(running)!r} of {notebook.name} failed: {_reason(error)} (the notebook as far as it came: "
                                f"{paths.display(running.with_name(FAILED))})") from error
        except (DeadKernelError, CellTimeoutError) as error:
            raise NotebookError(f"the kernel of {notebook.name} died: out of memory, or ended from outside? "
                                f"Its last words are in {paths.display(running.with_name(FAILED_LOG))}") from error


def _reason(error) -> str:
    """What a person needs of a cell's error: errors of ours speak for themselves, others come with their kind."""
    if error.ename == "OSError" and "[Errno 28]" in error.evalue:
        return "the disk is full: free some space and run the same command again"
    return error.evalue if error.ename in ("ValueError", "FloatingPointError", "ConnectionError", "FileNotFoundError") else f"{error.ename}: {error.evalue}"


def _failed_cell(running: Path) -> str:
    """Name of the cell that holds an error."""
    cells = (files.read_json(running) or {"cells": []})["cells"]  # on a full disk the file may be cut off
    return next((cell["id"] for cell in cells if any(output["output_type"] == "error" for output in cell.get("outputs", []))), "?")


def _tidy(notebook, experiment, metrics: dict) -> None:
    """Take out what differs from run to run and says nothing: papermill's random cell id, its times, and paths of this machine."""
    notebook.metadata.pop("papermill", None)
    notebook.metadata["labreport"] = {"experiment": experiment.name, "run": experiment.run_name, "finished": metrics["finished"]}
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
            settings = pprint.pformat(experiment.training_settings(), sort_dicts=False, width=100)  # papermill writes it in one long line
            cell["source"] = f"experiment = {experiment.name!r}\nsettings = {settings}"

"""Run notebooks with papermill, honestly: what a run has done is read from disk, never from the
notebook's own status.
"""

import contextlib
import functools
import hashlib
import logging
import os
import pprint
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .. import reporting
from ..config import authors
from ..core import files, i18n, logs, paths, redaction, signals
from ..core.i18n import count
from ..runs import (
    attachments,
    data_fingerprint,
    fingerprint,
    manifest,
    provenance,
    records,
    results,
    state,
)
from ..staleness import rules as staleness
from ..studies import assignments
from ..studies.study import READ, Study
from . import kernels

MADE_FROM = "made_from.json"  # what the notebook and the reports in a run folder were made from
NOTEBOOK = "notebook.ipynb"
RUNNING = "running.ipynb"
FAILED = "failed.ipynb"
LOG, FAILED_LOG = "log.txt", "failed.txt"  # what the kernel wrote beside the notebook
REPORTS = ("report.html", "report.pdf")


class NotebookError(ValueError):
    """A cell failed, or the kernel died; the message says which, why, and where to look."""


@dataclass(frozen=True)
class Work:
    """What is to be done to bring a run folder up to date, each with its reasons; an empty list is
    nothing to do.
    """

    train: list[str] = field(default_factory=list)
    execute: list[str] = field(default_factory=list)
    render: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """A notebook to be executed into a folder, in a language.

    parameters: of its cell tagged so. described: what the executed notebook says of itself.
    untrained: what has to be trained first, in reasons. finished: when the numbers that the
    notebook tells of were, None as long as there are none. key: what its words depend on. code: the
    part of it that is code, as this process imported it, or as it lies on the disk.
    """

    run_name: str
    folder: Path
    notebook: Path
    language: str
    parameters: dict
    described: dict
    untrained: Callable[[], list[str]]
    finished: Callable[[], str | None]
    key: Callable[[], dict]
    code: Callable[[bool], dict]


def compares(subject) -> bool:
    """Whether it is runs that are compared, a Study, and not an Experiment."""
    return isinstance(subject, Study)


def task(subject, language: str = "en") -> Task:
    """What is executed for an Experiment, or for the comparison of a Study."""
    notebook = paths.notebooks() / f"{subject.notebook}.ipynb"
    assignments.notebook(subject.notebook)  # one that is damaged ends here, before a kernel starts
    if compares(subject):
        # of the runs as they are before the notebook reads them: one that ends meanwhile is seen by
        # the next call
        key = _comparison_key(subject, notebook, language)
        parameters = {"compared": subject.name, "settings": subject.settings, "language": language}
        return Task(
            subject.run_name,
            subject.folder,
            notebook,
            language,
            parameters,
            {"compared": subject.name},
            lambda: [],
            lambda: max(run.metrics["finished"] for run in subject.finished),
            lambda: key,
            lambda imported: staleness.execution(notebook, language, None, imported),
        )

    def finished():
        metrics = results.finished(subject.folder)
        return metrics and metrics["finished"]

    @functools.cache
    def data():
        return data_fingerprint.known(subject) or _loaded(subject)

    parameters = {
        "experiment": subject.name,
        "settings": subject.training_settings(),
        "language": language,
    }
    return Task(
        subject.run_name,
        subject.folder,
        notebook,
        language,
        parameters,
        {"experiment": subject.name},
        lambda: _untrained(subject, data()[0]),
        finished,
        lambda: _execution_key(subject, notebook, finished(), data()[1], language),
        lambda imported: staleness.execution(notebook, language, subject, imported),
    )


def work(subject, language: str = "en") -> Work:
    """Compare what the folder of an Experiment or a Study was made from with what is here now.

    Reads an experiment's data (ValueError, ConnectionError), not Keras; of a study the files of its
    runs, at least one (ValueError).
    """
    wanted = task(subject, language)
    folder, before = wanted.folder, records.made_from(wanted.folder)
    train = wanted.untrained()
    if train:
        return Work(train, train, train)
    notebook = i18n.file(NOTEBOOK, language)
    execute = _reasons(folder / notebook, before.get(_stage("executed", language)), wanted.key())
    if not execute and manifest.lacks(folder, notebook):
        execute = [f"{manifest.FILE} does not say what {notebook} was"]
    execute = [*_changed_since(folder, notebook, *manifest.TRAINED), *execute]
    if execute:
        return Work([], execute, execute)
    reports = [i18n.file(name, language) for name in REPORTS]
    render = [f"{name} is missing" for name in reports if not (folder / name).exists()]
    render = render or _reasons(
        None,
        before.get(_stage("rendered", language)),
        _render_key(folder, language, _carried(subject), authors.load()),
    )
    return Work([], [], render)


def _loaded(experiment) -> tuple[str, list[str]]:
    """Fingerprint and notes of an experiment's data."""
    from .. import datasets

    data = datasets.load(experiment)
    return data.fingerprint, data.notes


def _untrained(experiment, data: str) -> list[str]:
    metrics, now = results.finished(experiment.folder), fingerprint.of(experiment, data)
    reasons = fingerprint.differences(metrics["identity"], now) if metrics else []
    if metrics and not reasons:
        return []
    from ..training import augmentation

    augmentation.build(experiment)  # a wrong value ends here, before a kernel starts
    epochs = state.read(experiment.folder).epochs
    return reasons or (
        [f"its training was stopped after {count(epochs, 'epoch')}"]
        if epochs
        else ["it has not been trained"]
    )


def _changed_since(folder: Path, *names: str) -> list[str]:
    """In words, which files of a run folder were changed after it was executed."""
    return [
        f"{name} was changed after it was executed"
        for name in manifest.changed(folder, names or None)
    ]


def _reasons(product: Path | None, before: dict | None, now: dict) -> list[str]:
    if before is None or (product and not product.exists()):
        return ["it has not been done"]
    return fingerprint.differences(before, now)


def _execution_key(
    experiment, notebook: Path, finished: str, notes: list[str], language: str
) -> dict:
    published = results.published_file(experiment)
    verified = (records.verification(experiment.folder) or {}).get("verified")
    return {
        "settings": (
            experiment.settings() | {"what is noted of the data": notes, "verified": verified}
        ),
        "data": finished,
        "code": (
            staleness.execution(notebook, language, experiment)
            | _digests(*[published] * published.exists())
        ),
        "versions": _told_with(),
    } | fingerprint.of_host()


def _comparison_key(study: Study, notebook: Path, language: str) -> dict:
    parameter_files = list(
        dict.fromkeys(paths.params() / f"{run.experiment.name}.yaml" for run in study.runs)
    )
    read = [run.experiment.folder / name for run in study.finished for name in READ]
    wording = hashlib.sha256("\n".join(study.wording).encode()).hexdigest()
    states = {run.experiment.run_name: "; ".join([run.state, *run.outdated]) for run in study.runs}
    return {
        "settings": states,
        "code": (
            staleness.execution(notebook, language)
            | {f"the title, question or labels of {study.name}": wording}
            | _digests(*parameter_files, *read)
        ),
        "versions": _told_with(),
    }


def _digests(*found: Path) -> dict[str, str]:
    """sha256 of files, by their folder and name."""
    return {f"{path.parent.name}/{path.name}": files.sha256(path) for path in found}


def _told_with() -> dict[str, str]:
    return provenance.versions("matplotlib", "seaborn", "pandas", "scikit-learn", "scipy")


def _render_key(
    folder: Path, language: str, carried: dict[str, bytes], signed: authors.Authorship
) -> dict:
    notebook = folder / i18n.file(NOTEBOOK, language)
    digests = {
        f"{name} in the PDF": hashlib.sha256(data).hexdigest() for name, data in carried.items()
    }
    # names stand in the reports only
    digests["authors and course"] = hashlib.sha256(
        repr((signed.authors, signed.course, signed.institution)).encode()
    ).hexdigest()
    return {
        "code": (staleness.rendering(language) | {notebook.name: files.sha256(notebook)} | digests),
        "versions": provenance.versions("nbconvert", "typst", "pypandoc_binary", "pygments", "nh3"),
    }


def _carried(subject) -> dict[str, bytes]:
    """The files that the PDF carries inside, by name."""
    return (
        attachments.of_comparison(subject)
        if compares(subject)
        else attachments.of_run(subject.folder)
    )


def run(subject, output=sys.stdout, language: str = "en") -> None:
    """Execute the notebook of an Experiment or of a Study into its folder; what
    it prints goes to `output` as it comes.

    An experiment's `fit` trains, goes on, or finds that nothing has changed. Raises NotebookError
    when a cell fails or the kernel dies; the notebook as far as it came is then kept as
    failed.ipynb, and the last good one stays. SIGINT and SIGTERM let a training finish its epoch;
    Interrupted is raised then, and nothing is left but what is saved.
    """
    import nbformat

    wanted = task(subject, language)
    folder = wanted.folder
    running, log = folder / RUNNING, folder / "running.txt"
    if not wanted.untrained():
        manifest.refuse_changed(folder)
    with state.run_lock(folder, wanted.run_name, log=FAILED_LOG):
        files.sweep(folder)
        for path in (running, log):  # of a process that was killed
            path.unlink(missing_ok=True)
        code = wanted.code(False)
        try:
            _papermill(wanted, running, log, output)
            files.refuse_deleted(folder)
            notebook = nbformat.read(running, 4)
            finished = wanted.finished()
            if finished is None or any(
                cell.cell_type == "code" and cell.execution_count is None for cell in notebook.cells
            ):
                raise NotebookError(
                    f"{wanted.notebook.name} came to its end without a finished training"
                )
            _tidy(notebook, wanted, finished)
            _set_edited_aside(folder, i18n.file(NOTEBOOK, language), output)
            manifest.forget(folder, i18n.file(NOTEBOOK, language))
            _write_notebook(folder / i18n.file(NOTEBOOK, language), notebook)
            files.write_text(folder / LOG, log.read_text("utf-8", errors="replace"))
        except (KeyboardInterrupt, signals.Interrupted):
            raise
        except BaseException:
            files.refuse_deleted(folder)
            if running.exists():
                with contextlib.suppress(ValueError):  # on a full disk it may be cut off
                    _write_notebook(folder / FAILED, nbformat.read(running, 4))
            if log.exists():
                files.write_text(folder / FAILED_LOG, log.read_text("utf-8", errors="replace"))
            raise
        finally:
            for path in (running, log) if not files.deleted(folder) else ():
                path.unlink(missing_ok=True)
        for name in (FAILED, FAILED_LOG):
            (folder / name).unlink(missing_ok=True)
        # by an earlier version
        trained = [
            name
            for name in manifest.TRAINED
            if (folder / name).exists() and manifest.lacks(folder, name)
        ]
        manifest.add(folder, i18n.file(NOTEBOOK, language), *trained)
        if code == wanted.code(False) == wanted.code(True):
            _record(folder, _stage("executed", language), wanted.key())
        else:  # nobody knows which of the two codes the kernel has imported
            _record(folder, _stage("executed", language), None)
            print(
                "the code was edited while the notebook ran; the next report executes it again",
                file=output,
            )


def _set_edited_aside(folder: Path, name: str, output) -> None:
    """A notebook that somebody edited after it was executed gets another name, before the new one
    takes its place.
    """
    if manifest.changed(folder, (name,)) and (folder / name).exists():
        aside = files.free(folder / f"edited-{name}")
        (folder / name).rename(aside)
        print(
            f"{name} was changed after it was executed; the changed one is now {aside.name}",
            file=output,
        )


def _write_notebook(path: Path, notebook) -> None:
    text = _cleaned(notebook)
    files.replace(path, lambda temporary: temporary.write_text(text, "utf-8"))


def _cleaned(notebook) -> str:
    """A notebook as text, without secrets, those included that were printed in two pieces."""
    import nbformat

    for cell in notebook.cells:
        joined: list = []
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and joined and joined[-1].get("name") == output.name:
                joined[-1] = nbformat.from_dict(
                    joined[-1] | {"text": joined[-1].text + output.text}
                )
            else:
                joined.append(output)
        if "outputs" in cell:
            cell.outputs = joined
    return nbformat.writes(redaction.cleaned_values(notebook)) + "\n"


def render(subject, language: str = "en", force: bool = False) -> tuple[Path, Path]:
    """Make the HTML and the PDF of the executed notebook in a language; FileNotFoundError where
    there is none yet.

    ValueError where a file of the run was changed after it was executed, unless `force`: then the
    reports say so.
    """
    folder = subject.folder
    notebook = folder / i18n.file(NOTEBOOK, language)
    if not notebook.exists():
        command = f"compare {subject.name}" if compares(subject) else f"report {subject.name}"
        what = "comparison" if compares(subject) else "experiment"
        raise FileNotFoundError(
            f"{paths.display(folder)} holds no executed notebook; run the {what} first: python"
            f" pipeline.py {command}"
        )
    edited = manifest.changed(folder, (*manifest.TRAINED, notebook.name, manifest.FILE))
    if edited and not force:
        raise ValueError(
            f"{i18n.listed(edited)} in {paths.display(folder)} changed after it was executed,"
            " and the report would present that as the run's: execute it again (`report`), or say"
            " --force to have it rendered with a warning"
        )
    metrics = None if compares(subject) else records.metrics(folder)
    finished = _finished(notebook)
    if metrics and finished and finished != metrics["finished"]:
        raise ValueError(
            f"{notebook.name} shows a training that finished {finished}, and"
            f" {paths.display(folder)} holds another, of {metrics['finished']}: execute it again"
            " (`report`)"
        )
    with state.run_lock(folder, subject.run_name):
        carried, signed = _carried(subject), authors.load()
        key = _render_key(folder, language, carried, signed)
        rendered = reporting.render(notebook, folder, carried, signed, edited)
        _record(folder, _stage("rendered", language), key)
    return rendered


def _finished(notebook: Path) -> str | None:
    """When the training ended that an executed notebook tells of; None where it does not say."""
    found = files.read_json(notebook)
    for key in ("metadata", "labreport", "finished"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _stage(what: str, language: str) -> str:
    """Name in made_from.json of what was done in a language."""
    return what if language == "en" else f"{what}.{language}"


def _record(folder: Path, stage: str, key: dict | None) -> None:
    files.write_json(folder / MADE_FROM, records.made_from(folder) | {stage: key})


def _papermill(wanted: Task, running: Path, log: Path, output) -> None:
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.iorw import LocalHandler, papermill_io

    clients = []
    environment = os.environ | {
        state.RUN_LOCK: str(wanted.folder.resolve()),
        # this very package
        "PYTHONPATH": os.pathsep.join(
            filter(None, (str(paths.PACKAGE.parent), os.environ.get("PYTHONPATH")))
        ),
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
    }

    class Client(PapermillNotebookClient):
        """papermill's own, but between two cells it looks whether it was asked to stop."""

        def execute_cell(self, *arguments, **keywords):
            if came:
                raise (
                    KeyboardInterrupt if came[0] == signal.SIGINT else signals.Terminated(came[0])
                )
            return super().execute_cell(*arguments, **keywords)

    class Engine(NBClientEngine):
        """papermill's own engine, but what the kernel's process writes to its terminal goes to the
        log, and the kernel dies with this process.
        """

        @classmethod
        def execute_managed_notebook(
            cls, nb_man, kernel_name, stdout_file=None, kernel_log=None, **_
        ):
            clients.append(
                Client(
                    nb_man,
                    kernel_name=kernel_name,
                    kernel_manager_class=kernels.kernel_manager(),
                    stdout_file=stdout_file,
                    timeout=None,
                    startup_timeout=300,
                )
            )
            clients[-1].execute(
                stdout=kernel_log,
                stderr=kernel_log,
                env=environment,
                preexec_fn=signals.die_with(os.getpid()),
            )

    class Handler(LocalHandler):
        """Writes the notebook cleaned, after each cell: it would stay if this process were killed.

        Not into a folder that was deleted meanwhile.
        """

        def write(self, buf, path):
            files.refuse_deleted(Path(path).parent)
            return super().write(_cleaned(nbformat.reads(buf, 4)), path)

    papermill_engines.register("labreport", Engine)
    papermill_io.register(str(running), Handler())
    # this environment's kernel, not one of the same name in the home folder
    os.environ.setdefault("JUPYTER_PREFER_ENV_PATH", "1")
    notebook = wanted.notebook
    with (
        logs.Log(log, "w") as kernel_log,
        logs.Cleaned(output) as shown,
        signals.forwarding(lambda: _kernel(clients)) as came,
    ):
        try:
            papermill.execute_notebook(
                notebook,
                running,
                wanted.parameters,
                engine_name="labreport",
                kernel_name="python3",
                progress_bar=False,
                cwd=str(notebook.parent),
                stdout_file=shown,
                kernel_log=kernel_log,
            )
        except papermill.PapermillExecutionError as error:
            if came and error.ename in ("Interrupted", "KeyboardInterrupt"):
                raise _stopped(
                    wanted, came[0], error.evalue if error.ename == "Interrupted" else ""
                ) from error
            raise NotebookError(
                f"cell {_failed_cell(running)!r} of {notebook.name} failed: {_reason(error)} (the"
                f" notebook as far as it came: {paths.display(running.with_name(FAILED))})"
            ) from error
        except KeyboardInterrupt:
            # it would tell, with a traceback, that the kernel died: of this very interruption
            logging.getLogger("asyncio").setLevel(logging.CRITICAL)
            raise
        except (DeadKernelError, CellTimeoutError, RuntimeError) as error:
            # a plain RuntimeError where it dies before its first answer
            if came:  # SIGINT ends a kernel that is still importing
                raise _stopped(wanted, came[0]) from error
            if not isinstance(error, (DeadKernelError, CellTimeoutError)):
                raise
            raise NotebookError(
                f"the kernel of {notebook.name} died: out of memory, or ended from outside? Its"
                f" last words are in {paths.display(running.with_name(FAILED_LOG))}; the same"
                " command goes on after the last saved epoch"
            ) from error


def _stopped(wanted: Task, number: int, why: str = "") -> signals.Interrupted:
    """What is raised when a signal has stopped a notebook. why: what its training says."""
    stop = signals.Interrupted(why or f"{wanted.run_name} was stopped; the same command goes on")
    stop.signal = number
    return stop


def _kernel(clients: list) -> int | None:
    """Process of the kernel, None where there is none yet."""
    manager = clients[-1].km if clients else None
    return manager.provisioner.pid if manager and manager.has_kernel else None


def _reason(error) -> str:
    """What a person needs of a cell's error: errors of ours speak for themselves, others come with
    their kind.
    """
    if error.ename == "OSError" and "[Errno 28]" in error.evalue:
        return "the disk is full: free some space and run the same command again"
    return (
        error.evalue
        if error.ename
        in (
            "ValueError",
            "FloatingPointError",
            "ConnectionError",
            "FileNotFoundError",
        )
        else f"{error.ename}: {error.evalue}"
    )


def _failed_cell(running: Path) -> str:
    """Name of the cell that holds an error."""
    # on a full disk the file may be cut off
    cells = (files.read_json(running) or {"cells": []})["cells"]
    return next(
        (
            cell["id"]
            for cell in cells
            if any(output["output_type"] == "error" for output in cell.get("outputs", []))
        ),
        "?",
    )


def _tidy(notebook, wanted: Task, finished: str) -> None:
    """Take out what differs from run to run and says nothing: papermill's random cell id, its
    times, and paths of this machine.
    """
    notebook.metadata.pop("papermill", None)
    record = records.provenance(wanted.folder)
    checkout = record["sittings"][-1]["checkout"] if record else provenance.checkout()
    notebook.metadata["labreport"] = wanted.described | {
        "run": wanted.run_name,
        "finished": finished,
        "language": wanted.language,
        "commit": checkout["commit"],
        "changed": bool(checkout["changes"]),
    }
    for cell in notebook.cells:
        cell.metadata.pop("papermill", None)
        cell.metadata.pop("execution", None)
        if "injected-parameters" in cell.metadata.get("tags", []):
            cell["id"] = "injected-parameters"
            # papermill writes one long line
            values = {
                key: pprint.pformat(value, sort_dicts=False, width=100)
                for key, value in wanted.parameters.items()
            }
            cell["source"] = "\n".join(f"{key} = {value}" for key, value in values.items())

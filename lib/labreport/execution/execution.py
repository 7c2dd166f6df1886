"""Run notebooks with papermill, honestly: what a run has done is read from disk, never from the
notebook's own status.
"""

import contextlib
import hashlib
import json
import pprint
import sys
from pathlib import Path

from .. import reporting
from ..config import authors
from ..core import files, i18n, paths, signals
from ..runs import (
    manifest,
    provenance,
    records,
    state,
)
from .due import (
    FAILED,
    FAILED_LOG,
    LOG,
    NOTEBOOK,
    RUNNING,
    NotebookTask,
    carried,
    compares,
    render_key,
    stage,
    task,
)
from .notebook_process import NotebookError, cleaned, execute


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
            execute(wanted, running, log, output)
            files.refuse_deleted(folder)
            notebook = nbformat.read(running, 4)
            finished = wanted.finished()
            if finished is None or any(
                cell.cell_type == "code" and cell.execution_count is None for cell in notebook.cells
            ):
                raise NotebookError(f"{wanted.notebook.name} ended without a finished training")
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
            _record(folder, stage("executed", language), wanted.key())
        else:  # nobody knows which of the two codes the kernel has imported
            _record(folder, stage("executed", language), None)
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
            f"{name} was changed after it was executed; the changed file is now {aside.name}",
            file=output,
        )


def _write_notebook(path: Path, notebook) -> None:
    text = cleaned(notebook)
    files.replace(path, lambda temporary: temporary.write_text(text, "utf-8"))


def render(subject, language: str = "en", force: bool = False) -> tuple[Path, ...]:
    """Make the reports of the executed notebook in a language; FileNotFoundError where
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
            f"{i18n.listed(edited)} in {paths.display(folder)} changed after the notebook was"
            " executed, so the report would not show the run's own results: execute it again"
            " (`report`), or render it with a warning (--force)"
        )
    metrics = None if compares(subject) else records.metrics(folder)
    finished = _finished(notebook)
    if metrics and finished and finished != metrics.finished:
        raise ValueError(
            f"{notebook.name} shows a training that finished {finished}, and"
            f" {paths.display(folder)} holds another, finished {metrics.finished}: execute it"
            " again (`report`)"
        )
    with state.run_lock(folder, subject.run_name):
        signed = authors.load()
        key = render_key(folder, language, carried(subject, lock=False), signed)
        rendered = reporting.render(notebook, folder, carried(subject), signed, edited)
        _record(folder, stage("rendered", language), key)
    return rendered


def _finished(notebook: Path) -> str | None:
    """When the training ended that an executed notebook tells of; None where it does not say."""
    found = files.read_json(notebook)
    for key in ("metadata", "labreport", "finished"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


def _record(folder: Path, stage: str, key: dict | None) -> None:
    files.write_json(folder / records.MADE_FROM, records.made_from(folder) | {stage: key})


def _fingerprint(wanted: NotebookTask) -> str:
    """Twelve letters by which a printed report is matched with its run: of the sum of metrics.json,
    or of what a comparison was made from.
    """
    metrics = wanted.folder / records.METRICS
    if metrics.exists():
        return files.sha256(metrics)[:12]
    made_from = json.dumps(wanted.key(), sort_keys=True)
    return hashlib.sha256(made_from.encode()).hexdigest()[:12]


def _tidy(notebook, wanted: NotebookTask, finished: str) -> None:
    """Take out what differs from run to run and says nothing: papermill's random cell id, its
    times, and paths of this machine.
    """
    notebook.metadata.pop("papermill", None)
    record = records.provenance(wanted.folder)
    checkout = record.last.checkout if record else provenance.checkout()
    notebook.metadata["labreport"] = wanted.described | {
        "run": wanted.run_name,
        "finished": finished,
        "language": wanted.language,
        "commit": checkout.commit,
        "changed": bool(checkout.changes),
        "fingerprint": _fingerprint(wanted),
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

"""What is to be done for a notebook and its reports, and why: train, execute, render."""

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..config import authors
from ..config.experiments import Experiment
from ..core import files, i18n, paths
from ..core.i18n import count
from ..reporting import formats
from ..runs import (
    attachments,
    data_fingerprint,
    fingerprint,
    manifest,
    provenance,
    records,
    results,
    state,
    validation,
)
from ..staleness import rules as staleness
from ..studies import assignments, repeats
from ..studies.study import READ, Study

NOTEBOOK = "notebook.ipynb"
RUNNING = "running.ipynb"
FAILED = "failed.ipynb"
LOG, FAILED_LOG = "log.txt", "failed.txt"  # what the kernel wrote beside the notebook


@dataclass(frozen=True)
class Work:
    """What is to be done to bring a run folder up to date, each with its reasons; an empty list is
    nothing to do.
    """

    train: list[str] = field(default_factory=list)
    execute: list[str] = field(default_factory=list)
    render: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class NotebookTask:
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


def compares(subject: Experiment | Study) -> bool:
    """Whether it is runs that are compared, a Study, and not an Experiment."""
    return isinstance(subject, Study)


def task(subject: Experiment | Study, language: str = "en") -> NotebookTask:
    """What is executed for an Experiment, or for the comparison of a Study."""
    notebook = paths.notebooks() / f"{subject.notebook}.ipynb"
    assignments.notebook(subject.notebook)  # one that is damaged ends here, before a kernel starts
    if isinstance(subject, Study):
        # of the runs as they are before the notebook reads them: one that ends meanwhile is seen by
        # the next call
        key = _comparison_key(subject, notebook, language)
        parameters = {"compared": subject.name, "settings": subject.settings, "language": language}
        return NotebookTask(
            subject.run_name,
            subject.folder,
            notebook,
            language,
            parameters,
            {"compared": subject.name},
            lambda: [],
            lambda: max(run.metrics.finished for run in subject.finished if run.metrics),
            lambda: key,
            lambda imported: staleness.execution(notebook, language, None, imported),
        )

    def finished():
        metrics = results.finished(subject.folder)
        return metrics and metrics.finished

    @functools.cache
    def data():
        return data_fingerprint.known(subject) or _loaded(subject)

    parameters = {
        "experiment": subject.name,
        "settings": subject.training_settings(),
        "language": language,
    }
    return NotebookTask(
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


def work(subject: Experiment | Study, language: str = "en") -> Work:
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
    execute = _reasons(folder / notebook, before.get(stage("executed", language)), wanted.key())
    if not execute and manifest.lacks(folder, notebook):
        execute = [f"{manifest.FILE} has no checksum of {notebook}"]
    execute = [*_changed_since(folder, notebook, *manifest.TRAINED), *execute]
    if execute:
        return Work([], execute, execute)
    reports = [i18n.file(name, language) for name in formats.files()]
    render = [f"{name} is missing" for name in reports if not (folder / name).exists()]
    render = render or _reasons(
        None,
        before.get(stage("rendered", language)),
        render_key(folder, language, carried(subject, lock=False), authors.load()),
    )
    return Work([], [], render)


def _loaded(experiment) -> tuple[str, list[str]]:
    """Fingerprint and notes of an experiment's data."""
    from .. import datasets

    data = datasets.load(experiment)
    return data.fingerprint, data.notes


def _untrained(experiment, data: str) -> list[str]:
    metrics, now = results.finished(experiment.folder), fingerprint.of(experiment, data)
    reasons = fingerprint.differences(metrics.identity, now) if metrics else []
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
        return ["not done yet"]
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
    read = [path for path in read if path.name != validation.FILE or path.exists()]
    wording = hashlib.sha256("\n".join(study.wording).encode()).hexdigest()
    beside = repeats.beside(study) if study.one_run_each else []
    records_beside = [
        f"{folder.name} {files.sha256(folder / validation.FILE)}"
        for folders in beside
        for folder in folders
    ]
    seeds = hashlib.sha256("\n".join(records_beside).encode()).hexdigest()
    states = {run.experiment.run_name: "; ".join([run.state, *run.outdated]) for run in study.runs}
    return {
        "settings": states,
        "code": (
            staleness.execution(notebook, language)
            | {
                f"the question, labels, comparisons or looks of {study.name}": wording,
                "what is known of runs that differ only in the seed": seeds,
            }
            | _digests(*parameter_files, *read)
        ),
        "versions": _told_with(),
    }


def _digests(*found: Path) -> dict[str, str]:
    """sha256 of files, by their folder and name."""
    return {f"{path.parent.name}/{path.name}": files.sha256(path) for path in found}


def _told_with() -> dict[str, str]:
    return provenance.versions("matplotlib", "seaborn", "pandas", "scikit-learn", "scipy")


def render_key(
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


def carried(subject, lock: bool = True) -> dict[str, bytes]:
    """The files that the PDF carries inside, by name.

    lock: whether the lock file is one of them. Whether it can be is no reason to render again: it
    cannot once this project has another one.
    """
    return (
        attachments.of_comparison(subject)
        if compares(subject)
        else attachments.of_run(subject.folder, lock)
    )


def stage(what: str, language: str) -> str:
    """Name in made_from.json of what was done in a language."""
    return what if language == "en" else f"{what}.{language}"

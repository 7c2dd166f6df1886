"""Whether a run can be repeated: run again in a scratch place and compared, with its folder or with
its PDF alone.
"""

import contextlib
import hashlib
import io
import os
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..config import experiments, yaml_reader
from ..config.schema import quoted
from ..core import files, paths, redaction
from ..core.i18n import listed
from ..runs import attachments, fingerprint, manifest, provenance, records, results
from . import execution
from .differences import TOLERANCE, compare


@dataclass(frozen=True)
class Verdict:
    """verdict: identical, within tolerance, or different. where: the first difference, empty where
    there is none.

    reasons: what the two were made from differently. machine: what they ran on differently.
    verified: when. of: when the run that was compared had finished. compared: what of the two.
    """

    verdict: str
    where: str
    reasons: list[str]
    machine: list[str]
    tolerance: float
    verified: str
    of: str
    ran_on: str
    compared: str = "history, predictions and metrics"

    def __str__(self) -> str:
        how = {
            "identical": f"{self.compared} are the same, bit for bit",
            "different": f"first in {self.where}",
            "within tolerance": (
                f"no number differs by more than {self.tolerance:g}; first different in"
                f" {self.where}"
            ),
        }[self.verdict]
        return f"{self.verdict}: {how}"


def verify(experiment, tolerance: float = TOLERANCE, output=None) -> Verdict:
    """Run an experiment again, from the raw data on, in a scratch place, and compare what comes out
    with its finished run.

    Stopped, it goes on with the next call; what a failed one has left stays in the scratch place
    until then. The number of threads is that of the finished run. Raises FileNotFoundError where
    there is none.
    """
    recorded = results.load(experiment.folder)
    last = recorded.provenance.last
    with (
        _scratch("verification", experiment.run_name, last.threads),
        open(os.devnull, "w") as nowhere,
    ):
        execution.run(experiment, output or nowhere)
        again = results.load(experiment.folder)
    return _verdict(recorded, again, tolerance)


def reproduce(
    pdf: Path, tolerance: float = TOLERANCE, output=None, say=lambda line: None
) -> Verdict:
    """Run the experiment that a report's PDF carries again, in a scratch place, and compare its
    history and metrics with those in the PDF.

    What counts is the experiment inside the PDF, whatever the parameter file of that name says, if
    there is one. say: is told, line by line, what is run and what differs here from what the PDF
    was made with. Raises ValueError where the PDF carries no experiment, or none that can be run
    here.
    """
    carried = attachments.read(pdf)
    last = carried.provenance.last
    try:
        history = results.read_table(io.StringIO(carried.history))
    except ValueError as error:
        raise ValueError(f"{pdf.name}: {attachments.HISTORY}: {error}") from None
    recorded = results.Result(history, carried.metrics, None, carried.provenance)
    say(
        f"{pdf.name} contains {carried.experiment}, whose training finished"
        f" {carried.metrics.finished}"
    )
    for line in _differences_from_file(carried):
        say(line)
    digest = hashlib.sha256(
        yaml_reader.write([carried.experiment, carried.settings, carried.base]).encode()
    ).hexdigest()[:16]
    # of this project, not of the scratch place
    checkout, locks = (provenance.checkout(), provenance.locks())
    with (
        _scratch("reproduction", digest, last.threads) as scratch,
        _project_of(carried, scratch),
        open(os.devnull, "w") as nowhere,
    ):
        try:
            experiment = experiments.load(
                carried.experiment,
                {
                    key: carried.settings[key]
                    for key in experiments.REHEARSAL
                    if key in carried.settings
                },
            )
            experiments.base(experiment)
        except (ValueError, FileNotFoundError) as error:
            shutil.rmtree(scratch)
            # not the file of that name here
            message = str(error).replace(
                f"params/{carried.experiment}.yaml", f"{attachments.PARAMETERS} in it"
            )
            raise ValueError(
                f"the experiment inside {pdf.name} cannot be run on this machine: {message}"
            ) from None
        for line in _differences_from_machine(
            carried,
            fingerprint.of(experiment, carried.metrics.dataset.fingerprint),
            checkout,
            locks,
        ):
            say(line)
        execution.run(experiment, output or nowhere)
        again = results.load(experiment.folder)
    verdict = _verdict(recorded, replace(again, predictions=None), tolerance)
    return replace(verdict, compared="history and metrics")


@contextlib.contextmanager
def _scratch(kind: str, name: str, threads: int):
    """A place in the cache that run folders and computed files go to while the block runs; deleted
    after it, but kept where the block failed or was stopped.
    """
    scratch = paths.cache() / kind / name
    scratch.parent.mkdir(parents=True, exist_ok=True)
    # The data are where they are, whatever folder the block goes to.
    own = {
        "LABREPORT_REPORTS": f"{scratch}/reports",
        "LABREPORT_CACHE": f"{scratch}/cache",
        "LABREPORT_THREADS": str(threads),
        "LABREPORT_DATA": str(paths.data()),
        "LABREPORT_DATA_LOCK": str(paths.data_lock()),
    }
    before = {key: os.environ.get(key) for key in own}
    with files.lock(scratch.with_name(f"{scratch.name}.lock"), f"the {kind} of {name}"):
        os.environ |= own
        try:
            yield scratch
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.update({key: value})
        shutil.rmtree(scratch)


@contextlib.contextmanager
def _project_of(carried: attachments.Attachments, scratch: Path):
    """Work in a project that has one experiment, the one that is carried, and the notebooks of this
    one.
    """
    shutil.rmtree(scratch / "project", ignore_errors=True)
    project = scratch / "project"
    shutil.copytree(
        paths.notebooks(),
        project / "notebooks",
        ignore=shutil.ignore_patterns(".ipynb_checkpoints"),
    )
    (project / "params").mkdir()
    base = carried.settings.get("starts_from") if carried.base else None
    described = {
        key: carried.settings[key] for key in experiments.DESCRIPTION if key in carried.settings
    }
    texts = {carried.experiment: carried.settings}
    if base and carried.base:
        texts[base] = described | carried.base
    for name, settings in texts.items():
        if not experiments.NAME.fullmatch(str(name)):
            raise ValueError(
                f"{str(name)[:40]!r} is not a valid experiment name; the PDF was edited"
            )
        text = yaml_reader.write(
            {key: value for key, value in settings.items() if key not in experiments.REHEARSAL}
        )
        files.write_text(project / "params" / f"{name}.yaml", text)
    with contextlib.chdir(project):
        yield


def _differences_from_file(carried: attachments.Attachments) -> list[str]:
    """What the parameter file of this name says otherwise than the experiment inside the PDF, the
    run's own settings aside.
    """
    file = paths.params() / f"{carried.experiment}.yaml"
    where = paths.display(file)
    changes = carried.metrics.changes
    try:
        here = experiments.flatten(
            experiments.load(
                carried.experiment, changes if isinstance(changes, dict) else {}
            ).settings()
        )
    except ValueError as error:
        return [
            f"{where}"
            f" {f'cannot be compared with it ({error})' if file.exists() else 'is missing'}; the"
            " experiment in the PDF is run"
        ]
    inside = experiments.flatten(carried.settings)
    differences = [
        f"{key}: {quoted(inside.get(key))}, in the file {quoted(here.get(key))}"
        for key in inside | here
        if inside.get(key) != here.get(key)
    ]
    return (
        [f"{where} has other settings ({listed(differences, 4)}); the experiment in the PDF is run"]
        if differences
        else []
    )


def _differences_from_machine(
    carried: attachments.Attachments, now: dict, checkout: records.Checkout, locks: dict
) -> list[str]:
    """In a few lines, what differs here from what a PDF was made with: machine, versions, source,
    lock file.
    """
    last, versions = carried.provenance.last, carried.provenance.versions
    before = {key: getattr(last, key) for key in provenance.machine()} | versions
    here = provenance.machine() | provenance.versions(*versions)
    machine = [
        f"{key}: {before[key]}, now {here.get(key, 'not installed')}"
        for key in before
        if before[key] != here.get(key)
    ]
    source = [
        reason
        for reason in fingerprint.differences(carried.metrics.identity, now)
        if reason.split(":")[0] not in versions
    ]
    if last.checkout.commit != checkout.commit:
        source.insert(
            0,
            f"commit: {str(last.checkout.commit)[:10]}, now {str(checkout.commit)[:10]}",
        )
    elif last.checkout.diff != redaction.cleaned(checkout.diff):
        source.insert(0, "the uncommitted changes differ")
    packages = [
        name
        for name in provenance.LOCKS
        if name in last.locks and last.locks[name] != locks.get(name)
    ]
    differences = {
        "machine and versions": machine,
        "source": source,
        "lock files that differ": packages,
    }
    return [f"{what}: {listed(found, 6)}" for what, found in differences.items() if found] or [
        "machine, versions, source and lock files are the same as when the PDF was made"
    ]


def _verdict(recorded: results.Result, again: results.Result, tolerance: float) -> Verdict:
    """What comes of comparing a run with its repetition."""
    last = recorded.provenance.last
    reasons = fingerprint.differences(
        recorded.metrics.identity, again.metrics.identity, everywhere=True
    )
    # tolerance is for another machine, not for another training
    verdict, where = compare(recorded, again, 0 if reasons else tolerance)
    now = again.provenance.last
    return Verdict(
        verdict,
        where,
        reasons,
        provenance.other_surroundings(last, now),
        tolerance,
        files.now(),
        recorded.metrics.finished,
        f"{now.processor}, {now.backend} on {now.device}, {now.threads} threads",
    )


def stamp(experiment, verdict: Verdict) -> None:
    """Put a verdict into the run folder, where the report finds it."""
    metrics = results.finished(experiment.folder)
    if metrics is None or metrics.finished != verdict.of:
        raise ValueError(
            f"{experiment.run_name} has been replaced since it was verified; verify it again"
        )
    if edited := manifest.changed(experiment.folder, manifest.TRAINED):
        raise ValueError(
            f"not stamped: {listed(edited)} of {experiment.run_name} changed after the notebook"
            " was executed"
        )
    if verdict.reasons:
        raise ValueError(
            f"not stamped: the inputs of {experiment.run_name} have changed"
            f" ({'; '.join(verdict.reasons)}); a report made now would describe another run"
        )
    files.write_json(experiment.folder / results.VERIFICATION, asdict(verdict))

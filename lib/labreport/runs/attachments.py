"""What a report's PDF carries inside, so that its experiment can be run again: written from a run
folder, and read back from a PDF.

What is read back comes from outside: names are compared with those expected and never used as
paths, and nothing of it is executed.
"""

import hashlib
import json
import logging
from dataclasses import dataclass
from pathlib import Path

from ..config import experiments, yaml_reader
from ..core import files, paths, redaction
from . import provenance, records
from .records import METRICS, PROVENANCE

PARAMETERS, HISTORY, COMPARISON, SWEEP = (
    "parameters.yaml",
    "history.csv",
    "comparison.yaml",
    "sweep.yaml",
)
LARGEST = 64 * 2**20  # bytes of one file, unpacked; a longer one is none of ours
MOST_THREADS = 4096


@dataclass(frozen=True)
class Attachments:
    """What one PDF carries, checked as far as it can be without an experiment's parameter file.

    settings: all of the experiment, as `Experiment.settings()`. base: the settings that decided the
    training it started from, None where it started anew. changes: what the run had set otherwise
    than its parameter file. history: text of the CSV file.
    """

    experiment: str
    settings: dict
    base: dict | None
    metrics: records.Metrics
    history: str
    provenance: records.Provenance


def of_run(folder: Path, lock: bool = True) -> dict[str, bytes]:
    """The files that a report of a finished run carries, by name; nothing where the folder holds
    none. lock: with the lock file that the run was installed from, where it is still here.
    """
    record, metrics = records.provenance(folder), records.metrics(folder)
    if not record or not metrics:
        return {}
    found = {
        name: _cleaned((folder / name).read_text("utf-8"))
        for name in (METRICS, HISTORY, PROVENANCE)
    }
    if lock:
        found |= _lock(record.last)
    base = metrics.identity.get("starts_from")
    parameters = {"experiment": metrics.experiment, "settings": record.settings} | (
        {"base": base["settings"]} if base else {}
    )
    parameters["sha256"] = {name: hashlib.sha256(data).hexdigest() for name, data in found.items()}
    return {PARAMETERS: _cleaned(yaml_reader.write(parameters))} | found


def of_comparison(compared) -> dict[str, bytes]:
    """The files that a report on a Study carries, by name: what was compared, with which settings,
    and a sweep's own file.
    """
    found = {
        COMPARISON: _cleaned(
            yaml_reader.write(
                {
                    "compared": compared.name,
                    "settings": compared.settings,
                    "runs": [run.experiment.run_name for run in compared.runs],
                }
            )
        )
    }
    return found | ({SWEEP: _cleaned(compared.file.read_text("utf-8"))} if compared.file else {})


def read(pdf: Path) -> Attachments:
    """The experiment that a PDF carries.

    FileNotFoundError where there is no such file; ValueError, which says what is wrong, where it is
    no such PDF.
    """
    where = pdf.name
    found = _attachments(pdf)
    if PARAMETERS not in found and COMPARISON in found:
        compared = yaml_reader.read(_text(found, COMPARISON, where), f"{where}, {COMPARISON}")[0]
        name = compared.get("compared") if isinstance(compared, dict) else None
        raise ValueError(
            f"{where} is a comparison of the runs of {name}; verify the report of each run, or run"
            f" them again: python pipeline.py {'sweep' if SWEEP in found else 'all'} {name}"
        )
    if PARAMETERS not in found:
        raise ValueError(
            f"{where} has no attachment {PARAMETERS}: it is not a labreport report, or another"
            " program changed it (printed, merged, exported by nbconvert); use report.pdf as"
            " `pipeline.py report` wrote it"
        )
    parameters, _ = yaml_reader.read(_text(found, PARAMETERS, where), f"{where}, {PARAMETERS}")
    missing = [
        key
        for key in ("experiment", "settings", "sha256")
        if not isinstance(parameters, dict) or key not in parameters
    ]
    if (
        missing
        or not isinstance(parameters["settings"], dict)
        or not isinstance(parameters["sha256"], dict)
        or not isinstance(parameters.get("base", {}), dict)
    ):
        raise ValueError(
            f"{where}: {', '.join(missing) or 'settings'} in {PARAMETERS} is missing or invalid;"
            " use report.pdf as `pipeline.py report` wrote it"
        )
    for name in (METRICS, HISTORY, PROVENANCE):
        if name not in found:
            raise ValueError(
                f"{where} has no attachment {name}; use report.pdf as `pipeline.py report` wrote it"
            )
        if parameters["sha256"].get(name) != hashlib.sha256(found[name]).hexdigest():
            raise ValueError(
                f"{where}: {name} is damaged or was edited: its sha256 is not the one in"
                f" {PARAMETERS}; use report.pdf as `pipeline.py report` wrote it"
            )
    name = parameters["experiment"]
    if not isinstance(name, str) or not experiments.NAME.fullmatch(name) or len(name) > 100:
        raise ValueError(
            f"{where}: {PARAMETERS} names an experiment {str(name)[:40]!r}; a name is made of"
            " lower-case words joined by single underscores"
        )
    measured, written = (
        _mapping(_text(found, name, where), f"{where}: {name}") for name in (METRICS, PROVENANCE)
    )
    metrics, record = records.as_metrics(measured), records.as_provenance(written)
    if metrics is None or record is None or not 1 <= record.last.threads <= MOST_THREADS:
        raise ValueError(
            f"{where}: {METRICS} or {PROVENANCE} is incomplete or invalid; another version of"
            " labreport wrote it, or it was edited"
        )
    wrong = _wrong_kinds(parameters)
    if wrong:
        raise ValueError(
            f"{where}: {wrong} is missing or invalid; another version of labreport wrote it, or it"
            " was edited"
        )
    return Attachments(
        name,
        parameters["settings"],
        parameters.get("base"),
        metrics,
        _text(found, HISTORY, where),
        record,
    )


def _wrong_kinds(parameters: dict) -> str | None:
    """The first place of the parameters that holds a value of another kind than a report has there;
    None where all is well.

    What an experiment's settings hold is checked where it is loaded.
    """
    names = [
        parameters["settings"].get("starts_from"),
        *([parameters["base"].get("starts_from")] if parameters.get("base") else []),
    ]
    if any(
        not isinstance(name, str | None) or (name and not experiments.NAME.fullmatch(name))
        for name in names
    ):
        return "starts_from"
    return f"base in {PARAMETERS}" if bool(names[0]) != bool(parameters.get("base")) else None


def _lock(session: records.Session) -> dict[str, bytes]:
    """The lock file that the run was installed from, if it is still here as it was."""
    name = provenance.LOCKS[session.device != "CPU"]
    file = paths.root() / name
    return (
        {name: file.read_bytes()}
        if file.exists() and files.sha256(file) == session.locks.get(name)
        else {}
    )


def _cleaned(text: str) -> bytes:
    return redaction.cleaned(text).encode("utf-8")


def _attachments(pdf: Path) -> dict[str, bytes]:
    """The files in a PDF, by name, as far as they are not too large."""
    import pypdf

    if not pdf.is_file():
        raise FileNotFoundError(f"{pdf}: there is no such file; name the report.pdf of a run")
    # what it says of a damaged file is said below
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = pypdf.PdfReader(pdf)
        found = {name: contents[0] for name, contents in reader.attachments.items() if contents}
    except Exception as error:  # pypdf raises of all kinds on a file that is damaged
        raise ValueError(
            f"{pdf.name} cannot be read as a PDF, or its attachments are damaged"
            f" ({str(error) or type(error).__name__}); use report.pdf as `pipeline.py report`"
            " wrote it"
        ) from None
    return {name: data for name, data in found.items() if len(data) <= LARGEST}


def _text(found: dict[str, bytes], name: str, where: str) -> str:
    try:
        return found[name].decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{where}: {name} is not text; it is damaged") from None


def _mapping(text: str, where: str) -> dict:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"{where} is not JSON; it is damaged") from None
    if not isinstance(values, dict):
        raise ValueError(f"{where} is not a mapping; it is damaged")
    return values

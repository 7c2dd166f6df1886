"""A PDF carries its experiment: read back, run again with nothing else at hand, and compared."""

import hashlib
import json
import shutil

import pipeline
import pytest

from helpers import wrong_types
from helpers.project import ROOT
from helpers.training import experiment, quiet, tiny_data
from labreport.config import yaml_reader
from labreport.core import paths
from labreport.execution import execution, verification
from labreport.reporting.blocks import Attachment, Document
from labreport.reporting.pdf import pdf_bytes
from labreport.runs import attachments, provenance, results
from labreport.studies import sweeps
from labreport.training import training


def pdf_of(path, carried):
    path.write_bytes(
        pdf_bytes(
            Document(
                "Report",
                attachments=tuple(Attachment(name, data) for name, data in carried.items()),
            )
        )
    )
    return path


@pytest.fixture(scope="module")
def carried_by_a_finished_run(tmp_path_factory):
    """Trained once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABREPORT_REPORTS", str(tmp_path_factory.mktemp("finished")))
        training.fit(experiment(), tiny_data(), quiet)
        return attachments.of_run(experiment().folder)


@pytest.fixture
def carried(carried_by_a_finished_run, tiny, monkeypatch):
    """What the PDF of a finished run of the tiny data carries; its run folder is gone.

    The notebook is not executed again but its training is.
    """
    monkeypatch.setattr(execution, "run", lambda chosen, output: training.fit(chosen, tiny, quiet))
    paths.reports().mkdir()
    return dict(carried_by_a_finished_run)


def edited(carried, before, after):
    """With other parameters inside."""
    text = carried[attachments.PARAMETERS].decode()
    assert before in text
    return carried | {attachments.PARAMETERS: text.replace(before, after, 1).encode()}


def test_the_pdf_is_enough_to_get_the_same_bits(carried, tmp_path):
    told = []
    verdict = verification.reproduce(pdf_of(tmp_path / "a.pdf", carried), say=told.append)
    assert (
        str(verdict) == "identical: history and metrics are the same, bit for bit"
        and verdict.reasons == []
    )
    assert told[0].startswith("a.pdf contains cifar10_") and told[1:] == [
        "machine, versions, source and lock files are the same as when the PDF was made"
    ]
    assert not list((tmp_path / "reports").iterdir()) and not [
        path for path in (tmp_path / "cache/reproduction").iterdir() if path.is_dir()
    ]


@pytest.mark.parametrize(
    "change, says",
    [
        (None, "is missing; the experiment in the PDF is run"),
        (
            "seed: 7",
            "has other settings (seed: 1, in the file 7); the experiment in the PDF is run",
        ),
    ],
)
def test_the_experiment_inside_counts_where_the_parameter_file_is_missing_or_says_otherwise(
    carried, tmp_path, monkeypatch, change, says
):
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    file = tmp_path / "project/params" / f"{experiment().name}.yaml"
    file.write_text(file.read_text().replace("seed: 1", change)) if change else file.unlink()
    monkeypatch.chdir(tmp_path / "project")
    told = []
    verdict = verification.reproduce(pdf_of(tmp_path / "a.pdf", carried), say=told.append)
    assert verdict.verdict == "identical" and told[1].endswith(says)


def test_what_differs_here_is_told_in_a_few_lines(carried, tmp_path, monkeypatch):
    here = provenance.machine()
    monkeypatch.setattr(provenance, "machine", lambda: here | {"python": "2.7"})
    monkeypatch.setattr(provenance, "locks", dict)
    told = []
    verification.reproduce(pdf_of(tmp_path / "a.pdf", carried), say=told.append)
    assert (
        told[1].startswith("machine and versions: python: 3.")
        and ", now 2.7" in told[1]
        and told[-1] == "lock files that differ: requirements.lock, requirements-cuda.lock"
    )


def test_another_seed_inside_gives_other_numbers(carried, tmp_path, capsys):
    pdf_of(tmp_path / "a.pdf", edited(carried, "seed: 1", "seed: 2"))
    assert pipeline.main(["verify", str(tmp_path / "a.pdf")]) == 1
    told = capsys.readouterr().out
    assert "its inputs differ from those of the PDF: seed: 1, now 2" in told
    assert "a.pdf: different: first in history, epoch 1, " in told
    assert not list((tmp_path / "reports").iterdir())


@pytest.mark.parametrize(
    "change, says",
    [
        (lambda carried: {}, "has no attachment parameters.yaml: it is not a labreport report"),
        (
            lambda carried: {name: data for name, data in carried.items() if name != "history.csv"},
            "has no attachment history.csv",
        ),
        (
            lambda carried: carried | {"history.csv": carried["history.csv"][:-20]},
            "history.csv is damaged or was edited",
        ),
        (
            lambda carried: edited(carried, "notebook: cifar10", "notebook: cifar11"),
            (
                "inside a.pdf cannot be run on this machine: .*there is no notebook 'cifar11'"
                " .did you mean 'cifar10'"
            ),
        ),
        (
            lambda carried: edited(carried, "model: ", "model: no_"),
            "inside a.pdf cannot be run on this machine: .*there is no model 'no_",
        ),
        (
            lambda carried: edited(carried, "experiment: ", "experiment: ../../"),
            "names an experiment '../../",
        ),
        (
            lambda carried: edited(carried, "settings:", "settings: &a [*a, *a]\nx:"),
            "the anchor .*is not supported",
        ),
        (
            lambda carried: edited(carried, "seed: 1", "seed: !!python/object/apply:os.getpid []"),
            "the tag tag:yaml.org,2002:python/object/apply:os.getpid is not supported",
        ),
        (
            lambda carried: carried | {attachments.PARAMETERS: b"\xff\xfe"},
            "parameters.yaml is not text",
        ),
    ],
)
def test_a_pdf_that_carries_no_sound_experiment_is_refused_in_a_line_or_two(
    carried, tmp_path, change, says
):
    with pytest.raises(ValueError, match=says) as raised:
        verification.reproduce(pdf_of(tmp_path / "a.pdf", change(carried)))
    assert len(str(raised.value)) < 800 and "\n" not in str(raised.value)
    assert {path.name for path in tmp_path.iterdir()} == {"a.pdf", "cache", "reports"} and not list(
        (tmp_path / "reports").iterdir()
    )


def test_a_file_that_is_no_pdf_or_not_there_is_refused(tmp_path):
    (tmp_path / "a.pdf").write_text("words")
    with pytest.raises(ValueError, match="a.pdf cannot be read as a PDF"):
        verification.reproduce(tmp_path / "a.pdf")
    with pytest.raises(
        FileNotFoundError, match="there is no such file; name the report.pdf of a run"
    ):
        verification.reproduce(tmp_path / "b.pdf")


def test_the_report_of_a_sweep_carries_what_it_was_made_from_and_says_how_to_run_it(tmp_path):
    sweep = sweeps.load("cifar10_optimizers", {"data": "sample", "epochs": 1})
    carried = attachments.of_comparison(sweep)
    assert (
        set(carried) == {"comparison.yaml", "sweep.yaml"}
        and b"epochs: 1" in carried["comparison.yaml"]
        and b"seeds:" in carried["sweep.yaml"]
    )
    with pytest.raises(
        ValueError,
        match="is a comparison of the runs of cifar10_optimizers.* pipeline.py sweep"
        " cifar10_optimizers",
    ):
        verification.reproduce(pdf_of(tmp_path / "a.pdf", carried))


def test_no_secret_goes_into_the_pdf(carried, tiny, monkeypatch):
    training.fit(experiment(), tiny, quiet)
    record = experiment().folder / "provenance.json"
    monkeypatch.setenv("SOME_API_TOKEN", "zaphod-beeblebrox")
    record.write_text(record.read_text().replace('"Linux', '"zaphod-beeblebrox Linux'))
    assert all(b"zaphod" not in data for data in attachments.of_run(experiment().folder).values())
    assert b"[SOME_API_TOKEN] Linux" in attachments.of_run(experiment().folder)["provenance.json"]


@pytest.fixture
def unchanged(carried, tiny, tmp_path, monkeypatch):
    """`verify REPORT.PDF` without a PDF and without a training: what it reads is what `attachments`
    holds, and its run comes out as before.
    """
    files_carried, again = dict(carried), tmp_path / "again"
    again.mkdir()
    training.fit(experiment(), tiny, quiet)
    finished = results.load(experiment().folder)
    shutil.rmtree(experiment().folder)
    monkeypatch.setattr(attachments, "_attachments", lambda pdf: files_carried)
    monkeypatch.setattr(execution, "run", lambda chosen, output: None)
    monkeypatch.setattr(results, "load", lambda folder: finished)
    here = provenance.checkout()  # asks git, which takes a while
    monkeypatch.setattr(provenance, "checkout", lambda: here)
    return files_carried


def written(carried, changed):
    """The attachments with other values in them, by file; the sha256 fit what was changed."""
    parts = {
        name: changed.get(name) or json.loads(carried[name])
        for name in ("metrics.json", "provenance.json")
    }
    found = carried | {
        name: json.dumps(value).encode() for name, value in parts.items() if name in changed
    }
    parameters = (
        changed.get("parameters.yaml")
        or yaml_reader.read(carried["parameters.yaml"].decode(), "")[0]
    )
    if "parameters.yaml" not in changed:
        parameters["sha256"] = {
            name: hashlib.sha256(found[name]).hexdigest() for name in parameters["sha256"]
        }
    return found | {"parameters.yaml": yaml_reader.write(parameters).encode()}


def test_a_wrong_type_at_any_place_of_a_pdf_is_answered_in_one_line(carried, unchanged, capsys):
    tried = 0
    for file in ("parameters.yaml", "metrics.json", "provenance.json"):
        whole = (
            yaml_reader.read(carried[file].decode(), file)[0]
            if file.endswith("yaml")
            else json.loads(carried[file])
        )
        for path, other, changed in wrong_types.changes(whole, each=1):
            unchanged.update(written(carried, {file: changed}))
            code = pipeline.main(["verify", "a.pdf"])
            output = capsys.readouterr()
            said = output.err.splitlines()
            assert (
                len(said) == (1 if said else 0) and "--debug shows the traceback" not in output.err
            ), (
                path,
                other,
                output.err,
            )
            assert code == 1 or (code == 0 and not said), (path, other, output.err)
            assert not said or said[0].startswith("error: ") and "a.pdf" in said[0], (
                path,
                other,
                said,
            )
            tried += 1
        unchanged.update(carried)
    assert tried > 150


def test_what_a_pdf_says_cannot_move_the_terminal_s_cursor(carried, unchanged, capsys):
    evil = "\x1b[2J\x1b]0;x\x07\r\u202e\x9b31m"
    metrics, record = json.loads(carried["metrics.json"]), json.loads(carried["provenance.json"])
    record["sittings"][-1] |= {
        "processor": evil,
        "system": evil,
        "checkout": {"commit": evil, "diff": evil},
    }
    record["versions"] = {evil: evil}
    metrics["identity"]["settings"]["optimizer"] = evil
    metrics["finished"] = "2026-01-01\x1b10:00:00+00:00"
    unchanged.update(written(carried, {"metrics.json": metrics, "provenance.json": record}))
    pipeline.main(["verify", "a.pdf"])
    for name in (evil, "\x1b"):
        unchanged.update(edited(carried, "model: ", f"model: {json.dumps(name)} #"))
        pipeline.main(["verify", "a.pdf"])
    pipeline.main(["show", evil])
    pipeline.main(["show", "cifar10_l2", "--set", f"loss={json.dumps(evil)}"])
    said = "".join(capsys.readouterr())
    assert "\\x1b[2J" in said and all(
        character.isprintable() or character == "\n" for character in said
    )

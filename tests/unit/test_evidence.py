"""docs/results/, docs/results.md and the heads of the parameter files: what is stated of full runs
is written from their files, and these name no machine and no person.
"""

import getpass
import json
import platform
import re
import shutil

import pytest

from helpers.project import ROOT
from helpers.run_folders import ORIGIN, finish
from labreport.analysis import results_page
from labreport.cli.main import main
from labreport.config import experiments
from labreport.core import files, paths, redaction
from labreport.staleness import rules
from labreport.studies import evidence

NAME = "cifar10_naive_adam"
REFRESH = "run `make evidence`"
KEPT = sorted(path for path in evidence.folder().rglob("*") if path.is_file())


def everything():
    return [experiments.load(name) for name in experiments.names()]


def test_the_page_of_results_is_what_the_evidence_gives():
    text = (ROOT / results_page.SOURCE).read_text()
    assert results_page.page(text, evidence.load_all(), everything()) == text, REFRESH


def test_the_heads_of_the_parameter_files_claim_what_the_evidence_gives():
    found = evidence.load_all()
    for name in experiments.names():
        text = (ROOT / f"params/{name}.yaml").read_text()
        assert results_page.header(text, found.get(name)) == text, f"{name}: {REFRESH}"
        assert name in found or not re.search("^#.*; measured ", text, re.M), name


def test_no_published_evidence_names_this_machine_or_a_path_or_is_large():
    words = set(
        re.findall(r"\w+", "".join(p.read_text() for p in (ROOT / "params").glob("*.yaml")))
    )
    private = {platform.node(), getpass.getuser()} - words - redaction.NOBODY - {""}
    for path in KEPT:
        text = path.read_text()
        assert not evidence._PATH.search(text), path
        for name in private:
            assert not re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text), (path, name)
        assert path.stat().st_size < 40_000, path


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without evidence, and a finished run of NAME; returns its experiment."""
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, tmp_path / part)
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / results_page.SOURCE, tmp_path / "docs")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "reports"))
    experiment = experiments.load(NAME)
    run(experiment)
    return experiment


def run(experiment, /, **metrics):
    """A finished run whose files agree; `metrics` replaces what metrics.json says."""
    data = {"fingerprint": "of the data", "images": {"train": 900, "test": 400}}
    epochs = {"seconds_per_epoch": [5.0, 4.0], "seconds": 75.0, "validation_loss": 0.9}
    finish(experiment, **{"dataset": data} | epochs | metrics)
    (experiment.folder / "history.csv").write_text(
        "epoch,val_accuracy,val_loss\n1,0.5,1.1\n2,0.625,0.9\n"
    )
    origin(experiment.folder)


def origin(folder, **session):
    [before] = ORIGIN["sittings"]
    session = {"processor": "A Processor", "cores": 4} | session
    values = ORIGIN | {"data": "of the data", "sittings": [before | session]}
    files.write_json(folder / "provenance.json", values)


def page():
    return (paths.root() / results_page.SOURCE).read_text()


def rows():
    return re.findall(r"^\| \[?`.*", page(), re.M)


def test_the_command_copies_a_full_run_and_writes_its_row_and_head(project, capsys):
    assert main(["evidence"]) == 0
    assert "evidence of 1 of" in capsys.readouterr().out
    assert {path.name for path in evidence.folder(NAME).iterdir()} == set(evidence.FILES)
    measured, made = rows()
    assert measured.startswith(f"| [`{NAME}`](results/{NAME}) | test | 400 | 0.685 | 0.750 |")
    assert "| 0.705 to 0.790 |" in measured and "| 2 of 2 |" in measured
    assert made.startswith(f"| `{NAME}` | 1 min 15 s | 4.5 s | A Processor, cores: 4, threads: 1 |")
    missing = page().partition("<!-- missing")[2]
    assert f"`{NAME}`" not in missing and "`cifar10_l2`" in missing
    head = (paths.params() / f"{NAME}.yaml").read_text()
    assert "# Time:     4.5 s an epoch, 1 min 15 s in all, on 1 thread (docs/results.md)\n" in head
    assert (
        "# Expected: test accuracy 0.685 as published; measured 0.750 (docs/results.md)\n" in head
    )
    assert experiments.load(NAME).settings() == project.settings()


def test_without_evidence_a_row_and_a_claim_go(project):
    assert main(["evidence"]) == 0
    shutil.rmtree(evidence.folder(NAME))
    shutil.rmtree(project.folder)
    assert main(["evidence"]) == 0
    assert rows() == [] and page().count("No run has evidence yet.") == 2
    head = (paths.params() / f"{NAME}.yaml").read_text()
    assert "# Time:     not measured yet\n" in head
    assert "# Expected: test accuracy 0.685 as published; not run in full here yet\n" in head


def test_a_typed_row_is_replaced(project):
    file = paths.root() / results_page.SOURCE
    end = "<!-- end of measured -->"
    file.write_text(page().replace(end, f"| [`flowers_basic`](x) | test | 0.999 |\n{end}"))
    assert main(["evidence"]) == 0
    assert len(rows()) == 2 and "0.999" not in page()


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        ({"data": "sample"}, "it used sample data"),
        ({"changes": {"epochs": 2}}, "it has settings that are not those of its parameter file"),
        ({"evaluated_accuracy": 0.7512}, "accuracy 0.7512 is no share of 400 images"),
        ({"validation_accuracy": 0.7}, "val_accuracy of epoch 2 is 0.625 in history.csv, 0.7 in"),
        ({"epochs": 3}, "history.csv has 2 epochs, metrics.json 3"),
        ({"experiment": "cifar10_l2"}, "it is a run of cifar10_l2"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_is_no_full_run_or_contradicts_itself_is_no_evidence(project, metrics, reason, capsys):
    run(project, **metrics)
    assert main(["evidence", NAME]) == 1
    assert reason in capsys.readouterr().err
    assert not evidence.folder(NAME).exists()
    run(project)
    evidence.keep(project)  # and nobody can write it there
    kept = evidence.folder(NAME) / "metrics.json"
    values = json.loads(kept.read_text()) | metrics
    files.write_json(kept, values)
    with pytest.raises(ValueError, match=re.escape(reason)):
        evidence.load_all()


def test_a_run_with_other_settings_than_the_file_has_now_is_not_copied(project, capsys):
    file = paths.params() / f"{NAME}.yaml"
    file.write_text(file.read_text().replace("epochs: 50", "epochs: 40"))
    assert main(["evidence", NAME]) == 1
    assert "made with other settings" in (error := capsys.readouterr().err)
    assert "epochs: 50, now 40" in error


def test_a_folder_of_no_experiment_or_with_another_file_is_no_evidence(project):
    evidence.keep(project)
    (evidence.folder(NAME) / "predictions.csv").touch()
    with pytest.raises(ValueError, match="and nothing else; it holds history.csv, metrics.json"):
        evidence.load_all()
    shutil.move(evidence.folder(NAME), evidence.folder("cifar10_gone"))
    with pytest.raises(ValueError, match="there is no params/cifar10_gone.yaml; delete it"):
        evidence.load_all()


def test_an_older_run_does_not_replace_evidence_and_a_newer_one_does(project):
    assert evidence.keep(project) and not evidence.keep(project)
    run(project, at="2026-11-24T12:30:00+01:00")  # half an hour before, in another time zone
    assert not evidence.keep(project)
    run(project, at="2026-11-25T12:00:00+00:00")
    assert evidence.keep(project)
    assert evidence.load(NAME).metrics.finished.startswith("2026-11-25")


def test_a_row_of_an_earlier_state_of_the_code_says_what_has_changed(project, monkeypatch):
    assert main(["evidence"]) == 0 and r"\*" not in page()
    today = rules.training
    changed = {"models.cifar10.naive": "another digest"}
    monkeypatch.setattr(rules, "training", lambda *asked: today(*asked) | changed)
    assert main(["evidence"]) == 0
    assert r"| 0.750 \* |" in rows()[0]
    assert f"- `{NAME}`: models.cifar10.naive changed\n" in page()


def test_nothing_that_names_a_machine_or_a_person_is_published(project, monkeypatch):
    monkeypatch.setattr(platform, "node", lambda: "zaphods-laptop")
    origin(
        project.folder,
        system="Linux 6.1.0-magrathea x86_64",
        environment={"XLA_FLAGS": "--dir=/opt/zaphod/xla --host=zaphods-laptop -O2"},
        checkout={
            "commit": "0123456789abcdef",
            "changes": ["M lib/labreport/models/cifar10.py", "?? love-letter.txt"],
            "diff": "+ password = 'heart of gold'",
            "error": "fatal: /srv/zaphod/labreport on zaphods-laptop",
        },
    )
    values = json.loads((project.folder / "provenance.json").read_text())
    files.write_json(
        project.folder / "provenance.json", values | {"imported": {"zaphods-package": "42"}}
    )
    evidence.keep(project)
    text = "".join(path.read_text() for path in evidence.folder(NAME).iterdir())
    for private in ("zaphod", "magrathea", "heart of gold", "love-letter", "/opt", "/srv"):
        assert private not in text
    for public in ("--dir=[path] --host=[host] -O2", "Linux x86_64", "M lib/labreport/models/c"):
        assert public in text
    assert evidence.load(NAME).provenance.last.checkout.commit == "0123456789abcdef"


def test_shares_and_addresses_are_not_taken_for_paths():
    for text in ("95/5 and 90/10", "and/or", "x * 1/255", "https://example.org/a/b"):
        assert evidence._without_paths([text]) == [text]

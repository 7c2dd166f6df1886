"""A fresh clone has reports/ with a README: no run, and the only file there that git keeps."""

import io
import json
import shutil
import subprocess
import zipfile

import pipeline

from helpers.project import ROOT
from labreport.config import experiments
from labreport.core import host, i18n, paths
from labreport.execution import due
from labreport.executors import tasks
from labreport.executors.kaggle import package
from labreport.platforms import drive_backup
from labreport.reporting import formats
from labreport.runs import manifest, results, state
from labreport.studies import index

README = ROOT / "reports/README.md"
TRANSLATED = ("notebook.ipynb", *formats.files())
# All that a run leaves to a reader.
LEFT = (
    *results.FILES,
    results.SUBMISSION,
    results.VERIFICATION,
    manifest.FILE,
    "log.txt",
    "made_from.json",
    *(i18n.file(name, language) for name in TRANSLATED for language in i18n.LANGUAGES),
)


def git(folder, *arguments):
    return subprocess.run(
        ["git", "-C", folder, "-c", "user.name=a", "-c", "user.email=a@b.example", *arguments],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_the_readme_names_every_file_of_a_run_folder():
    text = README.read_text()
    names = [*LEFT, state.FILE, due.FAILED, due.FAILED_LOG]
    names += [f"{folder}/" for folder in (state.UNFINISHED, state.EARLIER, tasks.LOGS)]
    assert [name for name in names if f"`{name}`" not in text] == []
    assert all(map(results.is_of_a_run, LEFT))
    strangers = ("report.xx.pdf", "report", "notebook.txt", "../report.pdf", "report.pdf/x", "x")
    assert not any(map(results.is_of_a_run, strangers))


def test_the_readme_s_command_makes_the_folder_that_it_names():
    text = README.read_text()
    assert 'make report EXP=cifar10_l2_dropout DATA=sample SET="epochs=3"' in text
    made = experiments.load("cifar10_l2_dropout", {"data": "sample", "epochs": 3})
    assert f"`{made.run_name}/`" in text


def test_git_keeps_the_readme_and_sees_nothing_of_runs(tmp_path):
    clone = tmp_path / "clone"
    (clone / "reports").mkdir(parents=True)
    shutil.copy(ROOT / ".gitignore", clone)
    shutil.copy(README, clone / "reports")
    git(clone, "init", "--quiet")
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", "one")
    assert git(clone, "ls-files").split() == [".gitignore", "reports/README.md"]
    run = clone / "reports/a_run"
    for name in (*LEFT, "README.md", ".run.lock", "unfinished/epoch-1.npz"):
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).touch()
    for name in (index.FILE, index.LOCK, drive_backup.RUNTIME):
        (clone / "reports" / name).touch()
    assert git(clone, "status", "--porcelain", "--untracked-files=all") == ""


def test_git_has_only_the_readme_of_this_project_s_reports():
    if (ROOT / ".git").exists():
        assert git(ROOT, "ls-files", "reports").split() == ["reports/README.md"]


def test_no_command_takes_the_readme_for_a_run(capsys):
    paths.reports().mkdir(parents=True)
    shutil.copy(README, paths.reports())
    assert index.entries() == []
    assert pipeline.main(["list"]) == 0
    listed = capsys.readouterr().out
    assert "README" not in (paths.reports() / index.FILE).read_text() + listed
    for more in ([], ["--unfinished"], ["--earlier"]):
        assert pipeline.main(["clean", "--yes", *more]) == 0
        assert "nothing to clean" in capsys.readouterr().out
    assert pipeline.main(["clean", "README.md", "--yes"]) == 1
    assert (paths.reports() / "README.md").read_bytes() == README.read_bytes()


def test_what_is_sent_to_kaggle_has_no_readme_of_reports():
    with zipfile.ZipFile(io.BytesIO(package.project())) as archive:
        assert not [name for name in archive.namelist() if name.startswith("reports")]


def test_copies_on_a_drive_are_looked_for_by_the_name_of_a_run(tmp_path, monkeypatch):
    """A project attached on Kaggle brings reports/README.md along, and no run."""
    attached = tmp_path / "input/datasets/teacher/labreport/reports"
    attached.mkdir(parents=True)
    shutil.copy(README, attached)
    (attached / "a_run").mkdir()
    (attached / "a_run/metrics.json").write_text(json.dumps({}))
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "input")
    monkeypatch.setattr(host, "here", lambda: "kaggle")
    copies = {
        place.name: names
        for run in ("a_run", "another")
        for place, names in drive_backup._copies(run)
    }
    assert copies == {"a_run": {"metrics.json": ""}, "another": {}}

"""What is kept outside a runtime is whole, is found again, and is no other runtime's to destroy."""

import hashlib
import json
import os
import shutil
import time
from types import SimpleNamespace

import pytest

from helpers.training import Dying, Killed, at_epoch, experiment, kill, quiet, same_bits
from labreport.core import files, host
from labreport.platforms import drive_backup
from labreport.runs import results, state
from labreport.studies.study import run_of
from labreport.training import training


class Runtime:
    """Runtimes of a host, one after the other or side by side: each has run folders of its own."""

    def __init__(self, tmp_path, monkeypatch):
        self.tmp_path, self.monkeypatch = tmp_path, monkeypatch

    def __call__(self, name):
        self.monkeypatch.setenv("LABREPORT_REPORTS", str(self.tmp_path / name))
        return experiment(epochs=4).folder


@pytest.fixture
def colab(tmp_path, monkeypatch):
    """A Colab with a Drive that is mounted."""
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    monkeypatch.setattr(host, "DRIVE", tmp_path / "drive")
    monkeypatch.setattr(host, "drive_is_mounted", lambda: True)
    monkeypatch.setattr(drive_backup, "KEPT", tmp_path / "drive/MyDrive/labreport/reports")
    monkeypatch.setattr(drive_backup, "_trouble", None)
    (tmp_path / "drive/MyDrive").mkdir(parents=True)
    return Runtime(tmp_path, monkeypatch)


@pytest.fixture
def kaggle(tmp_path, monkeypatch):
    """A Kaggle without anything attached yet."""
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "input")
    return Runtime(tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def trained_once():
    """What `undisturbed` has made, for the tests after the first."""
    return []


@pytest.fixture
def undisturbed(tiny, tmp_path, monkeypatch, trained_once):
    """The result of a training from beginning to end, at home; made once."""
    with monkeypatch.context() as patch:
        for name in ("COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"):
            patch.delenv(name, raising=False)
        patch.setenv("LABREPORT_REPORTS", str(tmp_path / "undisturbed"))
        trained_once[:] = trained_once or [training.fit(experiment(epochs=4), tiny, quiet)]
    return trained_once[0]


def fit(tiny, until=None):
    """Train, and be killed once an epoch is saved."""
    if until is None:
        return training.fit(experiment(epochs=4), tiny, quiet)
    with pytest.raises(Killed):
        training.fit(experiment(epochs=4), tiny, at_epoch(until, kill))


def write_epoch(folder, number):
    """What an epoch leaves in a run folder: its checkpoint, two kept, and the history."""
    unfinished, content = folder / "unfinished", f"weights of epoch {number}".encode()
    unfinished.mkdir(parents=True, exist_ok=True)
    (unfinished / f"epoch-{number:04d}.{hashlib.sha256(content).hexdigest()[:20]}.npz").write_bytes(
        content
    )
    for path in unfinished.glob(f"epoch-{number - 2:04d}.*"):
        path.unlink()
    (unfinished / "history.csv").write_text("epoch\n" + "1\n" * number)


def copies():
    return sorted(path.parent for path in drive_backup.KEPT.glob(f"*/*/{drive_backup.MANIFEST}"))


def holds_what_it_says(copy):
    listed = json.loads((copy / drive_backup.MANIFEST).read_text())["files"]
    assert {
        name: drive_backup._digest(str(copy / name), 0, time.monotonic_ns()) for name in listed
    } == listed
    return set(listed)


def test_at_home_nothing_is_kept_or_brought_back(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(drive_backup, "KEPT", tmp_path / "kept")
    fit(tiny)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "reports"]


def test_a_lost_runtime_goes_on_from_what_the_drive_holds(tiny, colab, undisturbed, capsys):
    colab("first")
    fit(tiny, until=2)
    folder = colab("second")
    result = fit(tiny)
    assert f"{folder.name}: epoch 2 restored from {drive_backup.KEPT}" in capsys.readouterr().out
    same_bits(result, undisturbed)
    [copy] = copies()  # that of the lost runtime is gone
    assert holds_what_it_says(copy) == {
        "history.csv",
        "predictions.csv",
        "validation.npz",
        "model.keras",
        "provenance.json",
        "metrics.json",
        "run.json",
        "manifest.json",
    }
    colab("third")
    same_bits(fit(tiny), undisturbed)
    assert "the finished run restored" in capsys.readouterr().out


def test_a_copy_is_the_run_folder_without_what_is_temporary(colab, tmp_path):
    folder = tmp_path / "first/a_run"
    for name in (
        ".run.lock",
        ".epoch.7.part.npz",
        "unfinished/.history.csv.7.part.csv",
        "running.ipynb",
        "running.txt",
        "earlier/2026/notebook.ipynb",
        "run.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    for epoch in (1, 2, 3):
        write_epoch(folder, epoch)
        drive_backup.backup(folder)
    [copy] = copies()
    names = holds_what_it_says(copy)
    assert {
        path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()
    } == names | {drive_backup.MANIFEST}
    assert {name.split(".")[0] for name in names} == {
        "unfinished/epoch-0002",
        "unfinished/epoch-0003",
        "unfinished/history",
        "run",
        "earlier/2026/notebook",
    }


def test_a_damaged_checkpoint_on_the_drive_is_named_and_the_one_before_serves(
    tiny, colab, undisturbed, capsys
):
    colab("first")
    fit(tiny, until=2)
    [newest] = drive_backup.KEPT.glob("*/*/unfinished/epoch-0002*")
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    colab("second")
    result = fit(tiny)
    said = capsys.readouterr().out
    assert (
        f"{newest} is missing or damaged: it is not restored" in said and "epoch 1 restored" in said
    )
    same_bits(result, undisturbed)


def test_a_finished_run_that_lacks_a_file_on_the_drive_is_not_taken_for_finished(
    colab, tmp_path, capsys
):
    folder = tmp_path / "first/a_run"
    write_epoch(folder, 2)
    for name in ("model.keras", "metrics.json"):
        (folder / name).write_text('{"finished": "2026-01-01"}')
    drive_backup.backup(folder)
    [model] = drive_backup.KEPT.glob("*/*/model.keras")
    model.unlink()
    (tmp_path / "second/a_run").mkdir(parents=True)
    assert (
        drive_backup.restore(tmp_path / "second/a_run")
        and f"{model} is missing or damaged" in capsys.readouterr().out
    )
    assert drive_backup.progress_of(drive_backup._names(tmp_path / "second/a_run")) == (False, 2)


def test_at_whatever_step_the_copying_is_killed_an_epoch_at_most_is_lost(
    colab, tmp_path, monkeypatch
):
    """Each operation on the Drive is in turn the last one of its runtime."""
    step, killed = 0, True
    while killed:
        dying, killed = Dying(step), False
        first, second = tmp_path / f"{step}-a/a_run", tmp_path / f"{step}-b/a_run"
        monkeypatch.setattr(drive_backup, "KEPT", tmp_path / f"{step}-kept")
        for epoch in (1, 2):
            write_epoch(first, epoch)
            drive_backup.backup(first)

        write_epoch(first, 3)
        with monkeypatch.context() as patch:
            for name in ("_copied", "_delete"):
                patch.setattr(drive_backup, name, dying(getattr(drive_backup, name)))
            patch.setattr(drive_backup.os, "replace", dying(os.replace))
            try:
                drive_backup.backup(first)
            except Killed:
                killed = True
        second.mkdir(parents=True)
        assert drive_backup.restore(second, quiet)
        assert drive_backup.progress_of(drive_backup._names(second))[1] in (
            (2, 3) if killed else (3,)
        )
        drive_backup.backup(first, lambda line: pytest.fail(line))  # the next one puts all in order
        [copy] = copies()
        assert {
            path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()
        } == holds_what_it_says(copy) | {drive_backup.MANIFEST}
        step += 1
    assert step > 6


def test_two_runtimes_with_one_drive_destroy_nothing_of_each_other(colab, tmp_path, capsys):
    first, second, third = (tmp_path / f"{name}/a_run" for name in ("first", "second", "third"))
    write_epoch(first, 2)
    drive_backup.backup(first)
    for folder in (second, third):  # opened while the first one is at work
        folder.mkdir(parents=True)
        assert drive_backup.restore(folder)
    write_epoch(second, 3)
    drive_backup.backup(second)
    assert len(copies()) == 1  # the first one's had not changed, and the second one has all of it
    write_epoch(first, 3)
    drive_backup.backup(first)
    # it is there again
    assert len(copies()) == 2 and all(len(holds_what_it_says(copy)) == 3 for copy in copies())
    capsys.readouterr()
    write_epoch(third, 3)
    drive_backup.backup(third)
    assert capsys.readouterr().out.startswith(
        "another runtime is training a_run with the same Google Drive, perhaps this notebook in"
        " a second tab; stop one of them"
    )
    assert len(copies()) == 3


def test_a_training_here_that_has_come_less_far_is_set_aside_not_deleted(colab, tmp_path):
    first, second = tmp_path / "first/a_run", tmp_path / "second/a_run"
    write_epoch(first, 3)
    drive_backup.backup(first)
    write_epoch(second, 1)  # while no Drive was mounted
    assert drive_backup.restore(second, quiet)
    [aside] = second.glob("earlier/*-unfinished")
    assert (
        len(list(aside.glob("epoch-0001*"))) == 1
        and len(list(second.glob("unfinished/epoch-0003*"))) == 1
    )


def test_a_comparison_in_a_new_runtime_finds_the_runs_on_the_drive(tiny, colab):
    colab("first")
    fit(tiny)
    colab("second")
    assert run_of(experiment(epochs=4)).metrics.epochs == 4


def test_on_kaggle_the_furthest_earlier_output_is_picked_up_without_waiting(
    tiny, kaggle, tmp_path, undisturbed, capsys, monkeypatch
):
    for name, epoch, place in (
        ("first", 1, "input/notebooks/ada/first"),
        ("second", 3, "input/second"),
    ):
        folder = kaggle(name)
        fit(tiny, until=epoch)
        files.write_json(
            folder / "run.json",
            files.read_json(folder / "run.json")
            | {
                "state": "running",
                "host": "a-session-that-is-gone",
            },
        )
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / name).rename(tmp_path / place / "reports")
    kaggle("third")
    waited = []
    monkeypatch.setattr(state, "time", SimpleNamespace(sleep=waited.append, time=time.time))
    same_bits(fit(tiny), undisturbed)
    assert f"epoch 3 restored from {tmp_path}/input/second/reports/" in capsys.readouterr().out
    assert waited == []


def test_on_kaggle_a_damaged_checkpoint_of_an_earlier_output_is_left_out(
    tiny, kaggle, tmp_path, undisturbed, capsys
):
    kaggle("first")
    fit(tiny, until=2)
    (tmp_path / "input/first").mkdir(parents=True)
    (tmp_path / "first").rename(tmp_path / "input/first/reports")
    [newest] = tmp_path.glob("input/first/reports/*/unfinished/epoch-0002*")
    newest.write_bytes(newest.read_bytes()[:-1])
    kaggle("second")
    same_bits(fit(tiny), undisturbed)
    assert "epoch 1 restored" in capsys.readouterr().out


def test_a_finished_run_is_not_replaced_by_what_was_kept(tiny, kaggle, tmp_path):
    kaggle("first")
    first = fit(tiny)
    (tmp_path / "input/first").mkdir(parents=True)
    shutil.copytree(tmp_path / "first", tmp_path / "input/first/reports")
    assert (
        drive_backup.newer_backups(kaggle("first")) == []
        and results.load(kaggle("first")).metrics == first.metrics
    )


@pytest.mark.parametrize(
    "manifest", ["{", "3", '{"kept": 1}', '{"files": 3}', '{"files": {"history.csv": 5}}']
)
def test_a_manifest_of_another_shape_counts_for_nothing_and_is_written_anew(manifest, colab):
    folder = colab("one").with_name("a_run")
    write_epoch(folder, 1)
    drive_backup.backup(folder)
    [kept] = drive_backup.KEPT.glob("a_run/*/kept.json")
    kept.write_text(manifest)
    assert drive_backup.restore(folder) is False
    drive_backup.backup(folder)
    assert len(json.loads(kept.read_text())["files"]) == 2


OUTSIDE_NAMES = [
    "../../../x",
    "/etc/x",
    "a/../../x",
    "..\\x",
    "C:\\x",
    "",
    ".",
    "a\0b",
    ".run.lock",
    "unfinished/.part",
    "running.ipynb",
    "kept.json",
]


@pytest.mark.parametrize("name", OUTSIDE_NAMES)
def test_a_copy_whose_manifest_names_a_path_outside_the_run_folder_is_left_out(
    name, colab, tmp_path, capsys
):
    folder = colab("one").with_name("a_run")
    folder.mkdir(parents=True)
    (folder / ".run.lock").write_text("held")
    copy = drive_backup.KEPT / "a_run/runtime-01234567"
    for inside in ("metrics.json", *([name] if name not in ("", ".", "a\0b", "/etc/x") else [])):
        (copy / inside).parent.mkdir(parents=True, exist_ok=True)
        (copy / inside).write_text('{"finished": "2026-01-01"}')
    before = {path for path in tmp_path.rglob("*")}
    digest = files.sha256(copy / "metrics.json")
    (copy / "kept.json").write_text(json.dumps({"files": {"metrics.json": digest, name: digest}}))
    assert drive_backup.restore(folder) is False
    assert (
        f"names {name!r}, which does not belong in a run folder: this backup is skipped; delete "
        in capsys.readouterr().out
    )
    assert {path for path in tmp_path.rglob("*")} - {copy / "kept.json"} == before - {
        copy / "kept.json"
    }
    assert (folder / ".run.lock").read_text() == "held"


def test_a_manifest_with_an_empty_digest_lets_no_content_pass(colab):
    folder = colab("one").with_name("a_run")
    write_epoch(folder, 1)
    drive_backup.backup(folder)
    [manifest] = drive_backup.KEPT.glob("a_run/*/kept.json")
    named = json.loads(manifest.read_text())["files"]
    manifest.write_text(json.dumps({"files": dict.fromkeys(named, "")}))
    assert drive_backup.restore(colab("two").with_name("a_run")) is False


@pytest.mark.parametrize(
    "note",
    [
        3,
        {},
        {"place": "..", "manifest": "x", "epochs": 0},
        {"place": "../../b", "manifest": "x", "epochs": 0},
        {"place": ["x"], "manifest": "x", "epochs": 0},
    ],
)
def test_a_damaged_note_of_a_copy_deletes_nothing_and_ends_no_training(note, colab):
    folder = colab("one").with_name("a_run")
    write_epoch(folder, 1)
    manifest = drive_backup.KEPT / "kept.json"  # what ".." beside a copy would mean
    manifest.parent.mkdir(parents=True)
    manifest.write_text("x")
    if isinstance(note, dict) and "manifest" in note:
        note = note | {"manifest": files.sha256(manifest)}
    (folder / ".brought.json").write_text(json.dumps(note))
    drive_backup.backup(folder)
    assert manifest.exists() and (folder / "unfinished/history.csv").exists()

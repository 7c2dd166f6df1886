"""No run is lost: a training that was stopped, however that came, goes on and ends with the bits of
one that was not.
"""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.deletion import replaced, untouched
from helpers.training import Dying, Killed, at_epoch, experiment, kill, quiet, same_bits
from labreport.core import files, signals
from labreport.runs import checkpoints, results, state
from labreport.training import training

UNDISTURBED = {}  # results of trainings that several tests compare with


def undisturbed(tiny, tmp_path, monkeypatch, chosen):
    """The result of a training from beginning to end, in a place of its own; made once for all
    tests.
    """
    with monkeypatch.context() as patch:
        patch.setenv("LABREPORT_REPORTS", str(tmp_path / "undisturbed"))
        if repr(chosen) not in UNDISTURBED:
            UNDISTURBED[repr(chosen)] = training.fit(chosen, tiny, quiet)
    return UNDISTURBED[repr(chosen)]


def checkpoints_of(chosen):
    return sorted((chosen.folder / "unfinished").glob("epoch-*.npz"))


def test_a_killed_training_goes_on_after_its_last_epoch_and_says_so(tiny, tmp_path, monkeypatch):
    lines, chosen = [], experiment(epochs=4)
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(2, kill))
    result = training.fit(chosen, tiny, lines.append)
    same_bits(result, undisturbed(tiny, tmp_path, monkeypatch, chosen))
    assert any(line.startswith("resuming after epoch 2, saved 20") for line in lines)
    assert [line.split()[1] for line in lines if line.startswith("epoch")] == ["3/4", "4/4"]
    assert [
        (session.first_epoch, session.last_epoch) for session in result.provenance.sessions
    ] == [(1, 2), (3, 4)]
    told = {row["Item"]: row["Value"] for row in results.provenance_table(result)}
    assert (
        told["Sessions"].startswith("2: epochs 1 to 2 from ")
        and "; epochs 3 to 4 from " in told["Sessions"]
    )


def test_a_training_killed_before_its_evaluation_is_only_evaluated(tiny, tmp_path, monkeypatch):
    lines, chosen = [], experiment()
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(3, kill))
    same_bits(
        training.fit(chosen, tiny, lines.append), undisturbed(tiny, tmp_path, monkeypatch, chosen)
    )
    assert not [line for line in lines if line.startswith("epoch")]


def test_a_training_that_stops_early_remembers_its_best_weights_and_how_long_it_has_waited(
    tiny, tmp_path, monkeypatch
):
    chosen = experiment(
        learning_rate=0.2,
        epochs=9,
        early_stopping={
            "monitor": "val_loss",
            "patience": 3,
            "min_delta": 0.0,
            "start_from_epoch": 0,
        },
    )
    expected = undisturbed(tiny, tmp_path, monkeypatch, chosen)
    assert expected.metrics.best_epoch < expected.metrics.epochs - 1
    for epoch in range(1, expected.metrics.epochs + 1):
        with pytest.raises(Killed):
            training.fit(chosen, tiny, at_epoch(epoch, kill))
    same_bits(training.fit(chosen, tiny, quiet), expected)


def test_a_damaged_checkpoint_is_named_and_the_one_before_serves(tiny, tmp_path, monkeypatch):
    lines, chosen = [], experiment(epochs=4)
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(3, kill))
    [before, newest] = checkpoints_of(chosen)
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 1
    newest.write_bytes(content)
    with pytest.raises(Killed):  # and once more, with what was saved after the damage
        training.fit(chosen, tiny, lambda line: (lines.append(line), at_epoch(3, kill)(line)))
    assert f"{newest.name} is damaged" in lines[1] and "resuming after epoch 2" in lines[2]
    assert [path.name[:10] for path in checkpoints_of(chosen)] == ["epoch-0002", "epoch-0003"]
    same_bits(
        training.fit(chosen, tiny, lines.append), undisturbed(tiny, tmp_path, monkeypatch, chosen)
    )


def test_where_all_checkpoints_are_damaged_the_training_starts_again(tiny, tmp_path, monkeypatch):
    chosen = experiment()
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(2, kill))
    for path in checkpoints_of(chosen):
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(1, kill))
    assert [path.name[:10] for path in checkpoints_of(chosen)] == ["epoch-0001"]
    same_bits(training.fit(chosen, tiny, quiet), undisturbed(tiny, tmp_path, monkeypatch, chosen))


def test_a_disk_that_fills_up_while_a_checkpoint_is_written_costs_one_epoch(
    tiny, tmp_path, monkeypatch
):
    """The temporary file is a way to /dev/full, so that the error is the system's own."""
    chosen = experiment(epochs=4)

    def fill_the_disk():
        (chosen.folder / f"unfinished/.epoch.{os.getpid()}.part.npz").symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        training.fit(chosen, tiny, at_epoch(2, fill_the_disk))
    assert (
        state.read(chosen.folder).name == "failed"
        and "No space left" in state.read(chosen.folder).why
    )
    assert [path.name[:10] for path in checkpoints_of(chosen)] == ["epoch-0001", "epoch-0002"]
    assert not list((chosen.folder / "unfinished").glob(".*"))
    same_bits(training.fit(chosen, tiny, quiet), undisturbed(tiny, tmp_path, monkeypatch, chosen))


@pytest.mark.parametrize(
    "name, epoch",
    [
        ("unfinished/history.csv", 2),
        ("unfinished/predictions.csv", 3),
        ("unfinished/model.keras", 3),
        ("unfinished/provenance.json", 3),
        ("unfinished/metrics.json", 3),
        ("run.json", 3),
    ],
)
def test_a_disk_that_fills_up_at_any_other_file_loses_nothing_either(
    tiny, tmp_path, monkeypatch, name, epoch
):
    chosen = experiment()
    file = chosen.folder / name
    temporary = file.with_name(f".{file.name}.{os.getpid()}.part{file.suffix}")
    # a heartbeat would take the way to /dev/full away
    monkeypatch.setattr(state, "BEAT_SECONDS", 1000)
    fill_the_disk = at_epoch(epoch, lambda: temporary.symlink_to("/dev/full"))
    if name == "run.json":  # all else is there; it could not be said, and the next call says it
        training.fit(chosen, tiny, fill_the_disk)
        assert state.read(chosen.folder).name == "interrupted"
    else:
        with pytest.raises(OSError, match="No space left"):
            training.fit(chosen, tiny, fill_the_disk)
        assert (
            state.read(chosen.folder).name == "failed"
            and results.finished(chosen.folder) is None
            and not temporary.is_symlink()
        )
    same_bits(training.fit(chosen, tiny, quiet), undisturbed(tiny, tmp_path, monkeypatch, chosen))
    assert state.read(chosen.folder).name == "finished"


def test_a_checkpoint_that_was_made_from_something_else_is_set_aside_and_taken_up_when_that_is_back(
    tiny, tmp_path, monkeypatch
):
    chosen = experiment(epochs=4)
    with pytest.raises(Killed):
        training.fit(chosen, tiny, at_epoch(2, kill))
    lines, changed = [], replace(chosen, batch_size=20)
    with pytest.raises(Killed):
        training.fit(changed, tiny, lambda line: (lines.append(line), at_epoch(1, kill)(line)))
    assert lines[1].startswith(
        "the saved epochs cannot be continued (batch_size: 16, now 20): the unfinished training"
        " is moved to earlier/"
    )
    [aside] = changed.folder.glob("earlier/*-unfinished")
    assert len(list(aside.glob("epoch-*.npz"))) == 2
    lines.clear()
    result = training.fit(chosen, tiny, lines.append)
    assert f"continuing the training in earlier/{aside.name}/" in lines and any(
        line.startswith("resuming after epoch 2") for line in lines
    )
    same_bits(result, undisturbed(tiny, tmp_path, monkeypatch, chosen))


def test_whatever_step_a_finished_training_is_killed_at_both_it_and_the_run_before_survive(
    tiny, tmp_path, monkeypatch
):
    """Each of the operations that move files into place is in turn the last one of its process."""
    first = training.fit(experiment(), tiny, quiet)
    chosen = replace(experiment(), batch_size=20)
    with monkeypatch.context() as patch:
        patch.setattr(results, "publish", lambda *_: kill())
        with pytest.raises(Killed):
            training.fit(chosen, tiny, quiet)
    shutil.copytree(chosen.folder, tmp_path / "trained")

    def interrupted(*folders):
        with monkeypatch.context() as patch:
            for name in ("replace", "rename", "unlink", "hardlink_to", "mkdir"):
                patch.setattr(Path, name, dying(getattr(Path, name)))
            patch.setattr(shutil, "rmtree", dying(shutil.rmtree))
            publish(*folders)

    publish, step, killed = results.publish, 0, True
    while killed:
        dying, killed, step = Dying(step), False, step + 1
        shutil.rmtree(chosen.folder)
        shutil.copytree(tmp_path / "trained", chosen.folder)
        with monkeypatch.context() as patch:
            patch.setattr(results, "publish", interrupted)
            try:
                training.fit(chosen, tiny, quiet)
            except Killed:
                killed = True
        lines = []
        result = training.fit(chosen, tiny, lines.append)
        assert not [line for line in lines if line.startswith("epoch")], (
            f"trained again after a kill at step {step}"
        )
        assert (
            result.metrics.identity["settings"]["batch_size"] == 20
            and not (chosen.folder / "unfinished").exists()
        )
        [kept] = [
            path for path in (chosen.folder / "earlier").iterdir() if not path.name.startswith(".")
        ]
        same_bits(results.load(kept), first)
    assert step > 12


def test_secrets_and_home_folders_do_not_get_into_checkpoints_and_from_there_anywhere(
    tiny, monkeypatch
):
    # in two parts, since the record holds how the source differs from its commit
    secret = "nvapi-" + 2 * "SECRET"
    monkeypatch.setenv("NVIDIA_API_KEY", secret)
    monkeypatch.setenv("XLA_FLAGS", f"--xla_dump_to={Path.home()}/dump")
    with pytest.raises(Killed):
        training.fit(experiment(), tiny, at_epoch(1, kill))
    monkeypatch.delenv("NVIDIA_API_KEY")
    training.fit(experiment(), tiny, quiet)
    for path in experiment().folder.rglob("*"):
        assert path.is_dir() or not any(
            planted in path.read_bytes()
            for planted in (secret.encode(), f"{Path.home()}/dump".encode())
        ), path
    assert (
        json.loads((experiment().folder / "provenance.json").read_text())["sittings"][0][
            "environment"
        ]["XLA_FLAGS"]
        == "--xla_dump_to=~/dump"
    )


def test_going_on_with_other_threads_is_said(tiny, monkeypatch):
    with pytest.raises(Killed):
        training.fit(experiment(), tiny, at_epoch(1, kill))
    [path] = checkpoints_of(experiment())
    with checkpoints.newest(path.parent, quiet) as (saved, arrays):
        saved["sittings"][0]["threads"] = 64
        checkpoints.save(
            path.parent,
            1,
            [(name, arrays[name]) for name in arrays.files if name != checkpoints.STATE],
            saved,
        )
    lines = []
    training.fit(experiment(), tiny, lines.append)
    assert any(
        line.startswith("the machine or versions have changed, so the last bits may differ")
        and "threads: 64, now" in line
        for line in lines
    )


def test_two_checkpoints_are_kept_and_what_a_killed_writer_left_is_swept_away(tmp_path):
    (tmp_path / ".epoch.123.part.npz").touch()
    for epoch in (9, 10, 11):
        checkpoints.save(tmp_path, epoch, [("a", np.arange(epoch))], {"epoch": epoch})
    files.sweep(tmp_path)
    assert [path.name[:10] for path in sorted(tmp_path.iterdir()) if path.is_file()] == [
        "epoch-0010",
        "epoch-0011",
    ]
    with checkpoints.newest(tmp_path, quiet) as (saved, arrays):
        assert saved == {"epoch": 11} and (arrays["a"] == np.arange(11)).all()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_epoch_saves_it_and_says_how_to_go_on(tiny, number):
    from labreport.core.signals import Interrupted

    before = signal.getsignal(number)
    with pytest.raises(
        Interrupted,
        match="was stopped after epoch 2 of at most 4, which is saved; run it, or this cell, again",
    ):
        training.fit(experiment(epochs=4), tiny, at_epoch(2, lambda: os.kill(os.getpid(), number)))
    assert signal.getsignal(number) == before
    now = state.read(experiment(epochs=4).folder)
    assert now.name == "interrupted" and now.epochs == 2 and now.record["epoch"] == 2


@pytest.mark.parametrize("handed_on", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_a_whole_group_that_a_parent_hands_on_is_one_request(tiny, handed_on):
    """As in a step of SLURM: the kernel gets TERM, and INT from the pipeline; the pipeline TERM,
    and TERM from the job script.
    """
    from labreport.core.signals import Interrupted

    def both():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), handed_on)

    with pytest.raises(Interrupted, match="was stopped after epoch 2 of at most 4, which is saved"):
        training.fit(experiment(epochs=4), tiny, at_epoch(2, both))
    assert state.read(experiment(epochs=4).folder).epochs == 2


def test_a_second_later_signal_stops_at_once(tiny, monkeypatch):
    monkeypatch.setattr(signals, "SAME_SECONDS", 0.0)  # later, without a wait

    def twice():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        training.fit(experiment(epochs=4), tiny, at_epoch(1, twice))
    assert state.read(experiment(epochs=4).folder).epochs == 1


def test_the_run_before_is_kept_dated_whatever_the_clock_says(tiny, monkeypatch):
    # a clock that was set back, and stands
    monkeypatch.setattr(files, "now", lambda: "1970-01-01T00:00:00+00:00")
    first = training.fit(experiment(), tiny, quiet)
    (experiment().folder / "report.pdf").write_text("of the first run")
    for batch_size in (20, 24):
        training.fit(replace(experiment(), batch_size=batch_size), tiny, quiet)
    kept = sorted((experiment().folder / "earlier").iterdir())
    assert [path.name for path in kept] == ["1970-01-01T00-00-00", "1970-01-01T00-00-00-2"]
    same_bits(results.load(kept[0]), first)
    assert (kept[0] / "report.pdf").read_text() == "of the first run" and (
        kept[0] / "model.keras"
    ).exists()
    assert results.load(kept[1]).metrics.identity["settings"]["batch_size"] == 20


@pytest.mark.parametrize("moment", ["epoch 1/", "epoch 3/"])
def test_a_training_whose_folder_is_deleted_stops_and_leaves_alone_what_is_there_now(tiny, moment):
    folder, theirs = experiment().folder, {}

    def progress(line):
        if line.startswith(moment):
            theirs.update(replaced(folder))

    with pytest.raises(
        files.Deleted, match="was deleted while this process was using it, so the process stops"
    ):
        training.fit(experiment(), tiny, progress)
    assert theirs and untouched(folder, theirs)

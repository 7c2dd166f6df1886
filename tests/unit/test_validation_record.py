"""A run keeps what each epoch made of each validation image, and runs with other seeds share the
split that the parameter file's seed draws.
"""

import numpy as np
import pytest

from helpers.training import at_epoch, experiment, quiet
from labreport import datasets
from labreport.analysis import crossfit
from labreport.config import experiments
from labreport.core import signals
from labreport.runs import manifest, results, state, validation
from labreport.studies import sweeps
from labreport.training import training


def trained(tiny, **settings):
    run = experiment(**settings)
    return run, training.fit(run, tiny, quiet)


def test_the_record_says_what_the_history_says(tiny, keras):
    run, result = trained(tiny, monitor="val_loss", l2=0.0)
    record = validation.load(run.folder)
    assert list(record.ids) == tiny.validation.ids and record.right.shape == (3, 10)
    assert np.allclose(record.right.mean(axis=1), result.history["val_accuracy"])
    assert np.allclose(record.loss.mean(axis=1), result.history["val_loss"], rtol=2e-3)
    assert "validation.npz" in (run.folder / manifest.FILE).read_text()


def test_where_the_accuracy_decides_no_loss_is_kept(tiny, keras):
    run, _ = trained(tiny, monitor="val_accuracy")
    assert validation.load(run.folder).loss is None


def test_a_training_that_is_resumed_ends_with_the_same_record(tiny, keras, tmp_path, monkeypatch):
    run, _ = trained(tiny)
    whole = (run.folder / validation.FILE).read_bytes()
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "resumed"))

    def stop():
        raise signals.Interrupted("enough")

    with pytest.raises(signals.Interrupted):
        training.fit(run, tiny, at_epoch(2, stop))
    assert not (run.folder / validation.FILE).exists()
    training.fit(run, tiny, quiet)
    assert (run.folder / validation.FILE).read_bytes() == whole


def test_a_training_that_an_earlier_version_began_goes_on_without_a_record(
    tiny, keras, monkeypatch
):
    """Its first epochs are not known any more."""

    def stop():
        raise signals.Interrupted("enough")

    run = experiment()
    with monkeypatch.context() as earlier:
        earlier.setattr(training.validation_record, "begun", lambda dataset: None)
        with pytest.raises(signals.Interrupted):
            training.fit(run, tiny, at_epoch(1, stop))
    assert len(training.fit(run, tiny, quiet).history) == 3
    assert validation.load(run.folder) is None


def test_a_new_training_leaves_no_record_of_the_one_before(tiny, keras, monkeypatch):
    run, _ = trained(tiny)
    metrics = run.folder / results.METRICS
    metrics.write_text(metrics.read_text().replace('"epochs": 3', '"epochs": 4'))
    monkeypatch.setattr(training.validation_record, "begun", lambda dataset: None)
    training.fit(run, tiny, quiet)
    assert validation.load(run.folder) is None
    [earlier] = (run.folder / state.EARLIER).iterdir()
    assert validation.load(earlier).right.shape == (3, 10)


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06" + bytes(18), b"no archive"])
def test_a_damaged_record_is_named_with_the_remedy(tmp_path, content):
    (tmp_path / validation.FILE).write_bytes(content)
    with pytest.raises(
        ValueError, match=r"validation.npz is damaged \(.*\); restore it, or delete"
    ):
        validation.load(tmp_path)


def test_the_best_of_many_equal_epochs_is_not_taken_for_better_than_they_are():
    """Coins: each epoch is right in half of all cases; the best one seems to be right oftener."""
    rng = np.random.default_rng(3)
    record = validation.Validation(
        np.array([f"image-{number}" for number in range(400)]), rng.random((60, 400)) < 0.5, None
    )
    assert record.right.mean(axis=1).max() > 0.55
    assert abs(crossfit.scores(record).mean() - 0.5) < 0.02


def test_the_loss_chooses_the_epoch_where_it_decides():
    """All images are right in the epoch with the smallest loss, and half of them in the others."""
    right = np.tile(np.arange(40) % 2 == 0, (5, 1))
    right[3] = True
    loss = np.full((5, 40), 2.0)
    loss[3] = 1.0
    ids = np.array([f"{number:02}" for number in range(40)])
    assert crossfit.scores(validation.Validation(ids, right, loss)).mean() == 1
    loss[0] = 0.5
    assert crossfit.scores(validation.Validation(ids, right, loss)).mean() == 0.5


def test_scores_stand_in_the_order_of_the_ids():
    ids, right = np.array(["c", "a", "b"]), np.array([[True, False, False]])
    assert list(crossfit.scores(validation.Validation(ids, right, None))) == [0, 0, 1]


def test_runs_with_other_seeds_are_evaluated_on_the_same_images():
    first, second = (
        datasets.load(
            experiments.load("flowers_basic", {"data": "sample", "image_size": 16, "seed": seed})
        )
        for seed in (1337, 7)
    )
    assert first.fingerprint == second.fingerprint
    own = experiments.load(
        "flowers_basic", {"data": "sample", "image_size": 16, "seed": 7, "split_seed": 7}
    )
    assert own.changes["dataset_args.split_seed"] == 7
    assert datasets.load(own).fingerprint != first.fingerprint


def test_a_sweep_splits_all_of_its_runs_like_its_base():
    sweep = sweeps.load("dog_breeds_finetuning", {"data": "sample"})
    assert {experiment.split_seed for experiment in sweep.experiments} == {42}
    sweep = sweeps.load("dog_breeds_finetuning", {"data": "sample", "split_seed": 5})
    assert {experiment.split_seed for experiment in sweep.experiments} == {5}


def test_what_an_experiment_starts_from_is_split_like_it():
    run = experiments.load("dog_breeds_inceptionv3_finetune_mixed9", {"seed": 3, "split_seed": 9})
    assert experiments.base(run).split_seed == 9
    run = experiments.load("dog_breeds_inceptionv3_finetune_mixed9", {"seed": 3})
    assert experiments.base(run).split_seed == run.split_seed == 42


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_split_seed_beyond_the_range_is_refused(value):
    with pytest.raises(ValueError, match="split_seed must be at least 0 and below"):
        experiments.load("flowers_basic", {"split_seed": value})

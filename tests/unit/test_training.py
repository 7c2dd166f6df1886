"""Training is reproducible, stops when it should, and leaves nothing half-done."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest

from helpers.training import experiment, quiet, same_bits
from labreport.core import files
from labreport.runs import fingerprint, model_file, results
from labreport.staleness import code_digest
from labreport.training import augmentation, batches, stopping, training


@pytest.mark.parametrize(
    "settings", [{}, {"augmentation": {"horizontal_flip": True, "rotation_degrees": 20}}]
)
def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(
    tiny, tmp_path, monkeypatch, settings
):
    runs = []
    for folder, seed in (("one", 1), ("two", 1), ("three", 2)):
        monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / folder))
        runs.append(training.fit(experiment(seed=seed, **settings), tiny, quiet))
    same_bits(runs[0], runs[1])
    assert not runs[0].history.equals(runs[2].history)
    saved = [
        (tmp_path / folder / experiment(seed=1, **settings).run_name / "model.keras")
        for folder in ("one", "two")
    ]
    assert saved[0].read_bytes() == saved[1].read_bytes()


@keras.saving.register_keras_serializable(package="tests")
class Twice(keras.layers.Layer):
    """A layer of one's own, shared by two places of a model."""

    def call(self, inputs):
        return 2 * inputs


def test_equal_models_are_equal_files_and_load_as_they_were(tmp_path, monkeypatch):
    """Layers of one policy share it, and Keras names what is shared by its address in memory."""

    def saved(name):
        inputs, twice, penalty = (
            keras.Input((4,), name="images"),
            Twice(name="twice"),
            keras.regularizers.L2(0.01),
        )
        dense = [
            keras.layers.Dense(
                4, kernel_regularizer=penalty, kernel_initializer="ones", name=f"dense_{number}"
            )
            for number in (1, 2)
        ]
        model = keras.Model(inputs, twice(dense[1](twice(dense[0](inputs)))), name="mine")
        model.save(tmp_path / name)
        model_file.normalize(tmp_path / name)
        return model

    one = saved("one.keras")
    with monkeypatch.context() as patch:  # a zip tells the time by two seconds
        patch.setattr(time, "time", lambda clock=time.time: clock() + 3600)
        other = saved("other.keras")
    assert (tmp_path / "one.keras").read_bytes() == (tmp_path / "other.keras").read_bytes()
    loaded = keras.saving.load_model(tmp_path / "one.keras")
    assert [(layer.name, type(layer)) for layer in loaded.layers] == [
        (layer.name, type(layer)) for layer in one.layers
    ]
    images = np.arange(8.0).reshape(2, 4)
    assert (loaded.predict(images, verbose=0) == other.predict(images, verbose=0)).all()
    assert {path.name for path in tmp_path.glob("*.keras")} == {"one.keras", "other.keras"}


def test_the_bits_do_not_depend_on_what_the_notebook_built_before(tiny, tmp_path, monkeypatch):
    one = training.fit(experiment(), tiny, quiet)
    keras.layers.Dense(3).build((None, 4))
    np.random.seed(7)
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "again"))
    same_bits(one, training.fit(experiment(), tiny, quiet))


def test_a_finished_run_is_returned_at_once(tiny):
    lines = []
    first = training.fit(experiment(), tiny, lines.append)
    assert sum(line.startswith("epoch ") for line in lines) == 3 and "left" in lines[1]
    lines.clear()
    second = training.fit(experiment(), tiny, lines.append)
    assert len(lines) == 1 and "is already trained" in lines[0]
    same_bits(first, second)
    assert first.metrics == second.metrics


def test_what_is_read_back_is_what_the_model_says(tiny):
    result = training.fit(experiment(), tiny, quiet)
    model = keras.saving.load_model(experiment().folder / "model.keras")
    probabilities = model.predict(tiny.test.images, verbose=0)
    assert (result.probabilities.astype("float32") == probabilities).all()
    assert (result.predicted == probabilities.argmax(axis=1)).all() and (
        result.labels == tiny.test.labels
    ).all()
    assert result.metrics.test_accuracy == (result.predicted == tiny.test.labels).mean()
    assert result.metrics.data == "sample" and result.metrics.epochs == 3
    assert list(result.history) == [
        "epoch",
        "accuracy",
        "loss",
        "val_accuracy",
        "val_loss",
    ] and list(result.history["epoch"]) == [1, 2, 3]


def test_the_weights_of_the_best_epoch_are_evaluated(tiny, tmp_path, monkeypatch):
    """A learning rate far too high makes the last epoch a bad one; training only up to the best
    gives the same predictions.
    """
    wild = dict(learning_rate=0.2, epochs=6)
    full = training.fit(experiment(**wild), tiny, quiet)
    best = full.metrics.best_epoch
    model = keras.saving.load_model(experiment(**wild).folder / "model.keras")
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
    assert np.isclose(
        model.evaluate(tiny.validation.images, tiny.validation.labels, verbose=0),
        full.history["val_loss"][best - 1],
        rtol=1e-4,
    )
    assert best == full.history["val_loss"].idxmin() + 1 < 6
    short = training.fit(experiment(**wild | {"epochs": best}), tiny, quiet)
    assert full.predictions.equals(short.predictions)
    assert full.metrics.test_loss == short.metrics.test_loss


def test_test_loss_is_keras_evaluate(tiny):
    result = training.fit(experiment(), tiny, quiet)
    model = keras.saving.load_model(experiment().folder / "model.keras")
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy())
    assert np.isclose(
        result.metrics.test_loss,
        model.evaluate(tiny.test.images, tiny.test.labels, verbose=0),
        rtol=1e-5,
    )


def test_a_changed_setting_in_the_file_trains_again_and_says_why(tiny, monkeypatch):
    training.fit(experiment(), tiny, quiet)
    lines = []
    # the same run folder, as after an edit of the parameter file
    changed = replace(experiment(), batch_size=20)
    training.fit(changed, tiny, lines.append)
    assert lines[0] == "training again: batch_size: 16, now 20"


def test_a_setting_that_vanished_trains_again_and_says_why(tiny):
    training.fit(replace(experiment(), augmentation={"horizontal_flip": True}), tiny, quiet)
    lines = []
    training.fit(experiment(), tiny, lines.append)
    assert lines[0] == "training again: augmentation.horizontal_flip: True, now None"


def test_two_trainings_of_one_experiment_do_not_meet(tiny):
    def second(line):
        if line.startswith("epoch 1"):
            with pytest.raises(
                ValueError,
                match=(
                    rf"is already running \(process {os.getpid()} on .* since .*\). Wait for it or"
                    r" stop it\."
                ),
            ):
                training.fit(experiment(), tiny, quiet)

    training.fit(experiment(), tiny, second)


def test_another_backend_than_ours_is_refused_before_anything_starts(tiny, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(
        ValueError, match="KERAS_BACKEND is 'torch'; labreport runs on tensorflow and jax"
    ):
        fingerprint.of(experiment(), tiny.fingerprint)


def test_other_data_train_again_and_say_why(tiny):
    training.fit(experiment(), tiny, quiet)
    lines = []
    training.fit(experiment(), replace(tiny, test=tiny.validation), lines.append)
    assert lines[0] == "training again: the data changed"


def test_a_changed_model_trains_again_and_a_changed_figure_does_not(tiny, tmp_path, monkeypatch):
    before = fingerprint.of(experiment(), tiny.fingerprint)
    assert not any("figures" in name for name in before["code"])
    assert {
        "models.cifar10.blocks",
        "training.optimizers.adam",
        "training.losses.categorical_crossentropy",
        "training.loop.train_epochs",
    } <= set(before["code"])
    after = json.loads(json.dumps(before))
    after["code"]["models.cifar10.blocks"] = "edited"
    assert fingerprint.differences(before, after) == ["models.cifar10.blocks changed"]
    after["versions"]["keras"] = "4.0"
    assert fingerprint.differences(before, after)[1].endswith("now 4.0")


@pytest.mark.parametrize(
    "old, new, refused",
    [
        ("layers.MaxPooling2D(2)", "layers.MaxPooling2D(3)", True),
        ("import keras", "import keras  # of course", False),
    ],
)
def test_a_process_does_not_train_code_that_was_edited_after_its_import(
    tiny, monkeypatch, old, new, refused
):
    """So it is in a kernel, and in a fork of a process that imported everything long ago."""
    good, on_disk = training.fit(experiment(), tiny, quiet), code_digest._on_disk
    monkeypatch.setattr(
        code_digest,
        "_on_disk",
        lambda module: (
            on_disk(module).replace(old, new)
            if module == "labreport.models.cifar10"
            else on_disk(module)
        ),
    )
    lines, other = [], experiment(seed=2)
    if refused:
        with pytest.raises(
            ValueError,
            match=(
                "restart the kernel: models/cifar10.py changed after it was imported; nothing was"
                " trained"
            ),
        ):
            training.fit(other, tiny, lines.append)
        assert lines == [] and not (other.folder / "unfinished").exists()
        with pytest.raises(ValueError, match="restart the kernel"):
            training.fit(experiment(), tiny, quiet)
        same_bits(good, results.load(experiment().folder))
    else:
        training.fit(other, tiny, lines.append)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_one(tiny):
    good = training.fit(experiment(), tiny, quiet)
    broken = replace(experiment(), optimizer="sgd", optimizer_args={"learning_rate": 1e30})
    with pytest.raises(
        FloatingPointError,
        match=r"no longer finite in epoch \d .*try a smaller learning rate than 1e\+30",
    ):
        training.fit(broken, tiny, quiet)
    same_bits(good, results.load(experiment().folder))


def test_an_interrupted_training_leaves_the_last_good_result_in_place(tiny):
    good = training.fit(experiment(), tiny, quiet)

    def interrupt(line):
        if line.startswith("epoch 2"):
            raise KeyboardInterrupt

    changed = replace(experiment(), batch_size=20)
    with pytest.raises(KeyboardInterrupt):
        training.fit(changed, tiny, interrupt)
    assert len((experiment().folder / "unfinished/history.csv").read_text().splitlines()) == 3
    same_bits(good, results.load(experiment().folder))
    training.fit(changed, tiny, quiet)
    assert not (experiment().folder / "unfinished").exists()


def test_a_run_stopped_while_its_files_move_into_place_is_completed_without_training(
    tiny, monkeypatch
):
    first = training.fit(experiment(), tiny, quiet)
    folder = experiment().folder
    unfinished = folder / "unfinished"
    unfinished.mkdir()
    for name in ("metrics.json", "model.keras"):
        # history.csv and predictions.csv have moved already
        (folder / name).rename(unfinished / name)
    assert results.finished(folder) is None
    lines = []
    same_bits(first, training.fit(experiment(), tiny, lines.append))
    assert not any(line.startswith("epoch") for line in lines)


def test_a_full_disk_is_an_error_and_the_old_file_stays(tmp_path):
    files.write_text(tmp_path / "a.txt", "old")
    with pytest.raises(OSError, match="No space left"):
        files.replace(
            tmp_path / "a.txt", lambda temporary: Path("/dev/full").write_text("x" * 100_000)
        )
    assert (tmp_path / "a.txt").read_text() == "old" and [
        path.name for path in tmp_path.iterdir() if path.is_file()
    ] == ["a.txt"]


@pytest.mark.parametrize("monitor", ["val_loss", "val_accuracy"])
@pytest.mark.parametrize(
    "patience, min_delta, start",
    [(1, 0.0, 0), (3, 0.0, 0), (3, 0.05, 2), (5, 0.0, 5), (2, 0.01, 10)],
)
def test_early_stopping_stops_where_keras_does(monitor, patience, min_delta, start):
    for seed in range(30):
        # half of them with ties
        values = (np.random.default_rng([seed, 9]).normal(size=40).cumsum() / 10).round(
            1 if seed % 2 else 9
        )
        callback = keras.callbacks.EarlyStopping(
            monitor, min_delta=min_delta, patience=patience, start_from_epoch=start
        )
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile(loss="mse", metrics=["accuracy"])
        callback.set_model(model)
        callback.mode, callback.monitor_op = (
            None,
            (np.greater if "accuracy" in monitor else np.less),
        )
        callback.min_delta = min_delta if "accuracy" in monitor else -min_delta
        callback.on_train_begin()
        model.stop_training = False
        theirs = None
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {monitor: value})
            if model.stop_training:
                theirs = epoch + 1
                break
        ours = next(
            (
                epoch
                for epoch in range(1, 41)
                if stopping.stops(list(values[:epoch]), monitor, patience, min_delta, start)
            ),
            None,
        )
        assert ours == theirs


def test_training_stops_early_and_says_so(tiny):
    lines = []
    stopping = {"monitor": "val_loss", "patience": 1, "min_delta": 10.0, "start_from_epoch": 0}
    result = training.fit(experiment(epochs=9, early_stopping=stopping), tiny, lines.append)
    assert result.metrics.epochs == 2 and result.metrics.stopped_early
    assert lines[-1] == "stopped early: val_loss has not improved for 1 epoch"


def test_an_epoch_shows_every_image_once_in_an_order_of_its_own(tiny):
    def epoch(number):
        shown = batches.Batches(
            batches.pixels(tiny.train),
            tiny.train.labels,
            16,
            batches.order(1, number, len(tiny.train)),
        )
        assert all(
            (images == tiny.train.images[shown.order[16 * i : 16 * i + 16]]).all()
            for i, (images, _) in enumerate(shown[i] for i in range(len(shown)))
        )
        return np.concatenate([shown[i][1] for i in range(len(shown))])

    orders = [epoch(1), epoch(1), epoch(2)]
    assert sorted(orders[0]) == sorted(tiny.train.labels)
    assert (orders[0] == orders[1]).all() and (orders[0] != orders[2]).any()


def test_augmentation_depends_on_seed_epoch_and_image_alone(tiny):
    augment = augmentation.augmentation(horizontal_flip=True, rotation_degrees=30)
    images = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    whole = augment.apply(images, augment.transformations(1, 1, 40))
    alone = augment.apply(images[7:8], augment.transformations(1, 1, 40)[7:8])
    assert (whole[7] == alone[0]).all()
    assert (whole != augment.apply(images, augment.transformations(1, 2, 40))).any()
    assert (whole != augment.apply(images, augment.transformations(2, 1, 40))).any()


def test_the_shuffle_and_the_augmentation_draw_from_different_streams():
    order = np.random.default_rng([1, 1]).uniform(-1, 1, (40, 7)).T[1]
    mirrored = augmentation.augmentation(horizontal_flip=True).mirrored(1, 1, 40)
    assert (mirrored != (order < 0)).any()


def test_a_flip_is_exact_and_half_of_the_images_get_one():
    augment = augmentation.augmentation(horizontal_flip=True)
    images = np.random.default_rng(0).integers(0, 256, (400, 32, 32, 3), dtype=np.uint8)
    augmented = augment.apply(images, augment.transformations(1, 1, 400))
    flipped = (augmented == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (augmented[~flipped] == images[~flipped]).all() and 150 < flipped.sum() < 250


def test_a_rotation_turns_about_the_centre_by_at_most_the_given_angle():
    augment = augmentation.augmentation(rotation_degrees=45)
    matrices = augment.transformations(1, 1, 500)
    angles = np.rad2deg(np.arctan2(matrices[:, 0, 1], matrices[:, 0, 0]))
    assert angles.min() < -40 and angles.max() > 40 and np.abs(angles).max() <= 45
    quarter = np.array([[[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]]])
    images = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), dtype=np.uint8)
    assert (augment.apply(images, quarter)[0] == np.rot90(images[0])).all() or (
        augment.apply(images, quarter)[0] == np.rot90(images[0], -1)
    ).all()


@pytest.mark.filterwarnings("ignore:Please import")  # of SciPy, in Keras
def test_the_order_of_augmentation_is_that_of_the_generator_that_was_published():
    """Keras's own function with the same numbers: turned, shifted, then stretched, which shears."""
    from keras.src.legacy.preprocessing.image import apply_affine_transform

    random, side = np.random.default_rng(3), 64
    image = cv2.resize(random.integers(0, 255, (8, 8, 3), np.uint8), (side, side))
    augment = augmentation.augmentation(
        rotation_degrees=40.0,
        width_shift_fraction=0.1,
        height_shift_fraction=0.2,
        zoom_fraction=0.3,
        fill="nearest",
    )
    angle, _, _, across, down, zoom_x, zoom_y = augment._draws(1, 1, 12)
    found = augment.apply(np.stack([image] * 12), augment.transformations(1, 1, 12))
    for place in range(12):
        expected = apply_affine_transform(
            image.astype(float),
            theta=-40 * angle[place],
            tx=-0.1 * across[place] * side,
            ty=-0.2 * down[place] * side,
            zx=1 + 0.3 * zoom_x[place],
            zy=1 + 0.3 * zoom_y[place],
            row_axis=0,
            col_axis=1,
            channel_axis=2,
            order=1,
        )
        assert np.abs(found[place] - expected).max() < 6  # OpenCV's weights have five bits
    assert abs(np.mod(40 * angle, 90)).max() > 20  # turned enough that the order matters


def test_validation_and_test_images_are_never_augmented(tiny, monkeypatch):
    seen = []
    original = augmentation.Augmentation.apply
    monkeypatch.setattr(
        augmentation.Augmentation,
        "apply",
        lambda self, images, matrices: seen.append(len(images)) or original(self, images, matrices),
    )
    before = [split.images.copy() for split in tiny.splits.values()]
    training.fit(experiment(epochs=1, augmentation={"horizontal_flip": True}), tiny, quiet)
    # Keras looks at the first batches to learn their shapes, so some are made twice; only training
    # batches are
    assert set(seen) <= {16, 8}
    assert all(
        (split.images == images).all() for split, images in zip(tiny.splits.values(), before)
    )

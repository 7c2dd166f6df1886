"""Pretrained backbones: features computed once train the same head, one experiment starts from
another, and several outputs are one model's.
"""

import json
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pipeline
import pytest

from labreport import datasets, models
from labreport.config import experiments
from labreport.core import paths
from labreport.models import backbones
from labreport.runs import fingerprint, results
from labreport.training import augmentation, batches, features, training

SIDE = 32


def experiment(name="dog_breeds_mobilenetv2", **settings):
    small = (
        {"dense": [8], "dropout": [0.2], "alpha": 0.35, "weights": "random"}
        if "dog_breeds" in name
        else {}
    )
    return experiments.load(
        name,
        {"data": "sample", "image_size": SIDE, "epochs": 2, "batch_size": 16, **small, **settings},
    )


@pytest.fixture(autouse=True)
def small_backbone(monkeypatch):
    """Two convolutions in the place of the real backbones, which tests/unit/test_models_images.py
    tests: they take seconds to compile.
    """

    def architecture(model_args, image_shape, weights):
        inputs = keras.Input(image_shape)
        x = keras.layers.BatchNormalization()(
            keras.layers.Conv2D(6, 5, strides=4, activation="relu")(inputs)
        )
        x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, name="block_16_expand")(x))
        return keras.Model(inputs, x, name=model_args["backbone"])

    monkeypatch.setattr(backbones, "_architecture", architecture)


@pytest.fixture(scope="module")
def dogs():
    """120 classes are too many for a test: the first six of the sample, with an unlabelled part."""
    whole = datasets.load(experiment())

    def few(split):
        return split.take(np.flatnonzero(split.labels < 6))

    return datasets.Dataset(
        "dog_breeds",
        True,
        few(whole.train),
        few(whole.validation),
        few(whole.test),
        whole.class_names[:6],
        unlabelled=whole.unlabelled.take(np.arange(5)),
    )


def quiet(line):
    pass


def without_features(monkeypatch):
    monkeypatch.setattr(features, "applicable", lambda augment: False)


@pytest.mark.parametrize("pooling", ["average", "flatten"])
def test_a_head_on_features_learns_what_the_whole_model_learns(
    dogs, tmp_path, monkeypatch, pooling
):
    """Fast enough a learning that mirroring the wrong images, or none, would show."""
    settings = dict(
        augmentation={"horizontal_flip": True},
        pooling=pooling,
        optimizer="sgd",
        optimizer_args={"learning_rate": 0.5},
        dropout=[0.0],
    )
    once = training.fit(experiment(**settings), dogs, quiet)
    without_features(monkeypatch)
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "plain"))
    plain = training.fit(experiment(**settings), dogs, quiet)
    assert once.metrics.features_once and not plain.metrics.features_once
    assert np.allclose(once.history, plain.history, atol=2e-3)
    assert np.allclose(once.probabilities, plain.probabilities, atol=2e-3)


def test_the_features_of_an_epoch_are_those_of_its_augmented_images(dogs):
    keras.utils.set_random_seed(1)
    extractor, _ = models.frozen_part(
        models.build(experiment(pooling="flatten"), dogs.image_shape, 6)
    )
    augment = augmentation.augmentation(horizontal_flip=True)
    kept = features.computed(extractor, dogs, augment, {"backend": "tensorflow"}, quiet)
    positions = np.arange(12)
    apart = np.abs(np.asarray(kept.train[0][:12]) - kept.train[1][:12]).max()
    for epoch in (1, 2):
        mirrored = augment.mirrored(42, epoch, len(dogs.train))
        assert 0 < mirrored[:12].sum() < 12
        expected = extractor.predict(
            batches.pixels(dogs.train, augment, 42, epoch)(positions), verbose=0
        )
        assert np.abs(kept.pick(mirrored)(positions) - expected).max() < apart / 100


def test_the_assembled_model_predicts_what_the_head_predicts_on_the_features(dogs):
    result = training.fit(experiment(), dogs, quiet)
    model = keras.saving.load_model(experiment().folder / "model.keras")
    extractor, head = models.frozen_part(model)
    images = np.asarray(dogs.test.images)
    assert np.allclose(
        head.predict(extractor.predict(images, verbose=0), verbose=0),
        result.probabilities,
        atol=1e-5,
    )


def test_features_are_computed_once_and_read_the_next_time(dogs):
    lines = []
    training.fit(experiment(), dogs, lines.append)
    assert [line for line in lines if line.startswith("computing")] == [
        f"computing features once: {len(split)} images ({name})"
        for split, name in (
            (dogs.train, "train"),
            (dogs.train, "train, mirrored"),
            (dogs.validation, "validation"),
        )
    ]
    lines.clear()
    training.fit(experiment(epochs=3), dogs, lines.append)
    assert not [line for line in lines if line.startswith("computing")]
    assert len(list((paths.cache() / "features").glob("*.npy"))) == 3


def test_other_weights_or_other_images_are_other_features(dogs):
    training.fit(experiment(), dogs, quiet)
    training.fit(experiment(seed=7), dogs, quiet)  # other random weights
    training.fit(
        experiment(), replace(dogs, train=dogs.train.take(np.arange(len(dogs.train) - 1))), quiet
    )
    assert len(list((paths.cache() / "features").glob("*train-*.npy"))) >= 3


def test_only_mirrored_images_have_the_features_of_mirrored_images(dogs):
    whole = features.Features(
        [np.zeros((6, 2), np.float32), np.ones((6, 2), np.float32)], np.zeros((1, 2), np.float32)
    )
    mirrored = np.array([True, False, True, False, False, True])
    assert whole.pick(mirrored)(np.array([5, 4, 0]))[:, 0].tolist() == [1, 0, 1]
    assert whole.pick(None)(np.array([5, 4, 0])).tolist() == [[0, 0]] * 3


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"horizontal_flip": True}, True),
        ({}, True),
        ({"vertical_flip": True}, False),
        ({"rotation_degrees": 5}, False),
        ({"width_shift_fraction": 0.1}, False),
        ({"height_shift_fraction": 0.1}, False),
        ({"zoom_fraction": 0.1}, False),
    ],
)
def test_features_serve_only_where_an_image_has_two_views_at_most(settings, expected):
    assert features.applicable(augmentation.augmentation(**settings)) is expected


def test_a_frozen_backbone_is_as_it_was_after_training(dogs):
    for settings in ({}, {"augmentation": {"rotation_degrees": 5.0}}):
        keras.utils.clear_session()
        keras.utils.set_random_seed(experiment().seed)
        before = (
            models.build(experiment(), dogs.image_shape, 6).get_layer("mobilenet_v2").get_weights()
        )
        training.fit(experiment(**settings), dogs, quiet)
        after = (
            keras.saving.load_model(experiment(**settings).folder / "model.keras")
            .get_layer("mobilenet_v2")
            .get_weights()
        )
        assert all((a == b).all() for a, b in zip(before, after))


@pytest.fixture
def two_steps(monkeypatch, tmp_path):
    """Two experiments of which the second starts from the first, in a project of their own."""
    import shutil

    from helpers.project import ROOT

    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)

    def file(name, **changes):
        text = (ROOT / "params/dog_breeds_mobilenetv2.yaml").read_text()
        for before, after in {
            "alpha: 1.0": "alpha: 0.35",
            "weights: imagenet": "weights: random",
            "dense: [128, 128]": "dense: [8]",
            "dropout: [0.5, 0.5]": "dropout: [0.2]",
            "epochs: 30": "epochs: 2",
            "image_size: 160": "image_size: 32",
            **changes,
        }.items():
            assert before in text
            text = text.replace(before, after)
        (tmp_path / f"params/{name}.yaml").write_text(text)

    file("first")
    file(
        "second",
        **{
            "starts_from: null": "starts_from: first",
            "trainable_from: null": "trainable_from: block_16_expand",
        },
    )
    return file


def test_an_experiment_starts_from_the_weights_of_another_one_which_is_trained_first_and_once(
    two_steps, dogs
):
    second, lines = experiments.load("second", {"data": "sample"}), []
    training.fit(second, dogs, lines.append)
    assert lines[0] == "second--sample starts from first--sample" and lines[1].startswith(
        "training first--sample"
    )
    first = keras.saving.load_model(paths.reports() / "first--sample/model.keras").get_weights()
    frozen = (
        keras.saving.load_model(second.folder / "model.keras")
        .get_layer("mobilenet_v2")
        .layers[1]
        .get_weights()
    )
    assert any(weight.shape == frozen[0].shape and (weight == frozen[0]).all() for weight in first)
    lines.clear()
    training.fit(replace(second, batch_size=20), dogs, lines.append)
    assert any("first--sample is already trained" in line for line in lines)


def test_a_change_in_the_first_experiment_trains_the_second_one_again(two_steps, dogs):
    second = experiments.load("second", {"data": "sample"})
    before = fingerprint.of(second, dogs.fingerprint)
    two_steps("first", **{"learning_rate: 0.001": "learning_rate: 0.01"})
    after = fingerprint.of(experiments.load("second", {"data": "sample"}), dogs.fingerprint)
    assert fingerprint.differences(before, after) == [
        "first: optimizer_args.learning_rate: 0.001, now 0.01"
    ]


def test_the_first_experiment_sees_the_same_images_in_the_same_splits(two_steps):
    base = experiments.base(
        experiments.load(
            "second",
            {"data": "sample", "max_images": 700, "seed": 5, "test_fraction": 0.2, "epochs": 9},
        )
    )
    assert (
        base.data,
        base.max_images,
        base.seed,
        base.dataset_args["test_fraction"],
        base.epochs,
    ) == ("sample", 700, 5, 0.2, 2)
    assert experiments.base(experiments.load("second", {"data": "sample", "epochs": 1})).epochs == 1


@pytest.mark.parametrize(
    "changes, expected",
    [
        (
            {"starts_from: first": "starts_from: cifar10_l2"},
            "trained on cifar10, not on dog_breeds",
        ),
        ({"starts_from: first": "starts_from: third"}, "which itself starts from first"),
        (
            {"starts_from: first": "starts_from: frist"},
            "there is no experiment 'frist' .did you mean 'first'.* to start from",
        ),
    ],
)
def test_a_start_that_cannot_be_is_refused(two_steps, changes, expected):
    two_steps("third", **{"starts_from: null": "starts_from: first"})
    two_steps("second", **{"starts_from: null": next(iter(changes.values()))})
    with pytest.raises(ValueError, match=expected):
        experiments.base(experiments.load("second"))


def test_weights_of_other_shapes_are_refused_before_the_other_experiment_is_trained(
    two_steps, dogs, capsys
):
    two_steps(
        "second", **{"starts_from: null": "starts_from: first", "dense: [128, 128]": "dense: [9]"}
    )
    says = (
        r"second starts from first--sample, whose weights have other shapes \(first: \(8, 9\)"
        r" against \(8, 8\)\); starts_from must name"
    )
    lines = []
    with pytest.raises(ValueError, match=says):
        training.fit(experiments.load("second", {"data": "sample"}), dogs, lines.append)
    assert (
        lines == ["second--sample starts from first--sample"]
        and not (paths.reports() / "first--sample").exists()
    )
    assert (
        pipeline.main(["show", "second", "--build"]) == 1
        and "whose weights have other shapes" in capsys.readouterr().err
    )
    training.fit(experiments.load("first", {"data": "sample"}), dogs, quiet)
    with pytest.raises(ValueError, match="has weights of other shapes than this model"):
        training.fit(experiments.load("second", {"data": "sample"}), dogs, quiet)


def test_a_layer_to_train_from_that_is_not_there_is_refused_before_the_other_experiment_is_trained(
    two_steps, dogs
):
    with pytest.raises(ValueError, match="has no layer 'block_17'"):
        training.fit(
            experiments.load("second", {"data": "sample", "trainable_from": "block_17"}),
            dogs,
            quiet,
        )
    assert not (paths.reports() / "first--sample").exists()


@pytest.mark.parametrize(
    "changes, expected",
    [
        ({"alpha: 1.0": "alpha: 0.5"}, "whose alpha is 0.35, not 0.5"),
        (
            {"backbone: mobilenet_v2": "backbone: inception_v3", "alpha: 1.0": "alpha: 1.0"},
            "whose backbone is mobilenet_v2, not inception_v3",
        ),
    ],
)
def test_another_backbone_is_refused_before_a_kernel_starts(two_steps, changes, expected):
    two_steps("second", **{"starts_from: null": "starts_from: first"} | changes)
    with pytest.raises(
        ValueError, match=f"second starts from first, {expected}; starts_from must name"
    ):
        fingerprint.of(experiments.load("second"), "x")


def test_what_is_set_for_a_model_is_set_for_the_one_that_it_starts_from(two_steps, dogs):
    second = experiments.load(
        "second",
        {
            "data": "sample",
            "alpha": 0.5,
            "dense": [9],
            "dropout": [0.1],
            "trainable_from": None,
            "batch_size": 20,
        },
    )
    base = experiments.base(second)
    assert base.model_args | {"trainable_from": None} == second.model_args and base.changes == {
        "data": "sample",
        "model_args.alpha": 0.5,
        "model_args.dense": [9],
        "model_args.dropout": [0.1],
    }
    assert (
        experiments.base(
            experiments.load("second", {"trainable_from": "block_16_expand"})
        ).model_args["trainable_from"]
        is None
    )
    assert training.fit(second, dogs, quiet).metrics.identity["starts_from"]["settings"][
        "model_args"
    ]["dense"] == [9]


def test_a_competition_s_answer_is_written_in_its_format(dogs):
    result = training.fit(experiment(), dogs, quiet)
    table = pd.read_csv(experiment().folder / results.SUBMISSION)
    assert list(table) == ["id", *dogs.class_names] and list(table["id"]) == dogs.unlabelled.ids
    assert np.allclose(table[dogs.class_names].sum(axis=1), 1, atol=1e-7) and len(
        result.predictions
    ) == len(dogs.test)


def test_an_answer_of_an_earlier_run_does_not_outlive_it(dogs):
    training.fit(experiment(), dogs, quiet)
    training.fit(experiment(), replace(dogs, unlabelled=None), quiet)
    assert not (experiment().folder / results.SUBMISSION).exists() and results.finished(
        experiment().folder
    )


def test_an_answer_survives_a_stop_while_the_files_move_into_place(dogs):
    training.fit(experiment(), dogs, quiet)
    folder = experiment().folder
    (folder / "unfinished").mkdir()
    for name in (results.PREDICTIONS, results.MODEL, results.METRICS):
        # history.csv and submission.csv have moved already
        (folder / name).rename(folder / "unfinished" / name)
    training.fit(experiment(), dogs, quiet)
    assert (folder / results.SUBMISSION).exists() and results.finished(folder)


def test_random_weights_are_stamped_on_the_report_and_the_weights_file_is_named(dogs):
    stamped = json.dumps(experiment()._repr_mimebundle_())
    assert "random weights, as requested" in stamped
    (paths.data() / "weights").mkdir(parents=True)
    (paths.data() / "weights/mobilenet_v2_1.0_224_no_top_approximate.h5").touch()
    assert "approximate.h5, which is not a file released by Keras" in json.dumps(
        experiments.load("dog_breeds_mobilenetv2")._repr_mimebundle_()
    )
    (
        paths.data() / "weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5"
    ).touch()
    assert "Weights" not in json.dumps(
        experiments.load("dog_breeds_mobilenetv2")._repr_mimebundle_()
    )
    result = training.fit(experiment(), dogs, quiet)
    assert {
        "Item": "Pretrained weights",
        "Value": "none (random weights, as requested)",
    } in results.provenance_table(result)
    assert "random weights" not in json.dumps(
        experiments.load("dog_breeds_mobilenetv2")._repr_mimebundle_()
    )


def test_three_outputs_are_trained_and_the_main_one_is_watched():
    small = experiments.load(
        "flowers_googlenet_sgd",
        {"data": "sample", "image_size": 128, "max_images": 40, "epochs": 2, "batch_size": 16},
    )
    data = datasets.load(small)
    result = training.fit(small, data, quiet)
    history = result.history
    losses = history[["main_loss", "auxiliary_1_loss", "auxiliary_2_loss"]].sum(axis=1)
    assert np.allclose(history["loss"], losses, rtol=0.05) and {"accuracy", "val_accuracy"} <= set(
        history
    )
    assert result.metrics.best_epoch == history["val_accuracy"].idxmax() + 1
    main = history["val_accuracy"].iloc[result.metrics.best_epoch - 1]
    assert np.isclose(main, result.metrics.evaluated_accuracy) and result.evaluated == "validation"
    outputs = keras.saving.load_model(small.folder / "model.keras").predict(
        np.asarray(data.validation.images), verbose=0
    )
    assert set(outputs) == {"main", "auxiliary_1", "auxiliary_2"} and np.allclose(
        outputs["main"], result.probabilities, atol=1e-5
    )
    measured, labels = result.metrics.outputs, data.validation.labels
    assert list(measured) == ["main", "auxiliary_1", "auxiliary_2"]
    assert np.isclose(
        sum(each["loss"] for each in measured.values()), result.metrics.evaluated_loss
    )
    right = {name: each.argmax(axis=1) == labels for name, each in outputs.items()}
    for name, each in measured.items():
        assert each["accuracy"] == right[name].mean()
        assert each["joint_accuracy"] == (right[name] & right["main"]).mean()
    best = history.iloc[result.metrics.best_epoch - 1]
    for name in ("auxiliary_1", "auxiliary_2"):
        assert np.isclose(best[f"val_{name}_accuracy"], measured[name]["accuracy"])
        assert f"{name}_accuracy" in history and "main_accuracy" not in history


@pytest.mark.parametrize("name", ["cats_dogs_softmax", "cats_dogs_sigmoid"])
def test_both_heads_of_cats_and_dogs_learn_from_raw_pixels_that_saturate_them_at_first(name):
    """Bright and dark images, in both classes' names: what a loss on clipped probabilities would
    never learn.
    """
    rng = np.random.default_rng(0)

    def split(part, images):
        labels = np.arange(images, dtype=np.int32) % 2
        return datasets.Split(
            (rng.integers(0, 90, (images, 32, 32, 3)) + 160 * labels[:, None, None, None]).astype(
                np.uint8
            ),
            labels,
            [f"{part}{i}" for i in range(images)],
        )

    data = datasets.Dataset(
        "cats_dogs", True, split("t", 200), split("v", 40), None, ["cats", "dogs"]
    )
    for seed in (1, 2):
        small = experiments.load(
            name,
            {"data": "sample", "image_size": 32, "epochs": 6, "augmentation": {}, "seed": seed},
        )
        result = training.fit(small, data, quiet)
        assert result.metrics.validation_accuracy > 0.9
    assert (
        result.metrics.test_accuracy is None
        and result.evaluated == "validation"
        and len(result.predictions) == 40
    )
    assert result.metrics.evaluated_accuracy == result.metrics.validation_accuracy
    assert np.isclose(result.metrics.evaluated_loss, result.metrics.validation_loss, rtol=1e-3)
    assert np.allclose(result.probabilities.sum(axis=1), 1, atol=1e-5)

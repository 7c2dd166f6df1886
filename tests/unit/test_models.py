"""The models are the published ones."""

import keras
import numpy as np
import pytest

from labreport import datasets, models
from labreport.config import experiments
from labreport.training import losses, optimizers

# Total and trainable parameters as published, beside what the parameter files say.
PUBLISHED = {
    "cifar10_naive_adam": (128_074, 128_074),
    "cifar10_rmsprop": (1_831_840, 1_831_840),
    "cifar10_batchnorm": (1_030_378, 1_029_546),
    "cifar10_l2": (1_398_454, 1_398_454),
    "cifar10_l2_dropout": (3_087_354, 3_087_354),
    "cifar10_l2_dropout_v2": (3_137_718, 3_137_718),
    "cifar10_l2_dropout_v3": (2_867_210, 2_867_210),
    "cifar10_augmentation": (2_867_210, 2_867_210),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_equal_the_published_ones(name):
    experiment = experiments.load(name)
    model = models.build(experiment, *datasets.shape(experiment))
    assert models.parameters(model) == PUBLISHED[name]
    assert (
        experiment.published["total_parameters"],
        experiment.published["trainable_parameters"],
    ) == PUBLISHED[name]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_model_eats_raw_pixels_and_returns_probabilities(name):
    experiment = experiments.load(name)
    model = models.build(experiment, *datasets.shape(experiment))
    pixels = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    probabilities = model.predict(pixels, verbose=0)
    assert probabilities.shape == (3, 10) and np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(probabilities, model.predict(pixels.astype("float32"), verbose=0))


def test_dropout_and_penalties_stand_where_the_file_says():
    experiment = experiments.load("cifar10_l2_dropout_v2")
    model = models.build(experiment, *datasets.shape(experiment))
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == [
        0.1,
        0.1,
        0.1,
        0.2,
    ]
    assert all(
        np.isclose(layer.kernel_regularizer.l2, 0.001)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    )


def test_pixels_are_divided_by_255_before_the_first_convolution():
    for name in PUBLISHED:
        model = models.build(experiments.load(name), (32, 32, 3), 10)
        pixels = model.layers[1](np.full((1, 32, 32, 3), 255.0))
        assert isinstance(model.layers[2], keras.layers.Conv2D) and np.allclose(pixels, 1.0)


@pytest.mark.parametrize(
    "name, kinds",
    [
        ("cifar10_naive_adam", "Conv2D MaxPooling2D Conv2D MaxPooling2D Conv2D Flatten Dense"),
        ("cifar10_rmsprop", "Conv2D MaxPooling2D " * 4 + "Conv2D Flatten Dense"),
        (
            "cifar10_batchnorm",
            "Conv2D Conv2D BatchNormalization MaxPooling2D " * 3 + "Flatten Dense",
        ),
        (
            "cifar10_l2_dropout",
            "Conv2D Conv2D MaxPooling2D "
            + "Conv2D Conv2D MaxPooling2D Dropout " * 2
            + "Flatten Dense Dense Dense",
        ),
        (
            "cifar10_l2_dropout_v3",
            "Conv2D Conv2D MaxPooling2D Dropout " * 3
            + "Conv2D MaxPooling2D Dropout Flatten Dense Dropout Dense Dense",
        ),
    ],
)
def test_layers_stand_in_the_published_order(name, kinds):
    model = models.build(experiments.load(name), (32, 32, 3), 10)
    assert [type(layer).__name__ for layer in model.layers[2:]] == kinds.split()


def test_optimizer_settings_arrive():
    given = {
        "adam": {"beta_1": 0.8, "beta_2": 0.9, "epsilon": 1e-8},
        "rmsprop": {"rho": 0.8, "momentum": 0.1, "epsilon": 1e-8},
        "sgd": {"momentum": 0.7},
        "adadelta": {"rho": 0.8, "epsilon": 1e-8},
        "adagrad": {"initial_accumulator_value": 0.2, "epsilon": 1e-8},
    }
    for name, settings in given.items():
        config = optimizers.OPTIMIZERS[name](learning_rate=0.25, **settings).get_config()
        assert (
            config["learning_rate"] == 0.25 and {key: config[key] for key in settings} == settings
        )


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"block_dropout": [0, 0, 1.5]}, "a dropout rate must be from 0 to below 1"),
        ({"filters": [[0], [1], [1]]}, "must be at least 1"),
    ],
)
def test_impossible_layers_are_refused_in_our_words(settings, expected):
    with pytest.raises(ValueError, match=expected):
        models.build(experiments.load("cifar10_l2", settings), (32, 32, 3), 10)


def test_rates_and_blocks_that_do_not_match_are_refused():
    experiment = experiments.load("cifar10_l2", {"block_dropout": [0.1]})
    with pytest.raises(ValueError, match="block_dropout needs one rate for each block: 3, got 1"):
        models.build(experiment, (32, 32, 3), 10)


def test_the_architecture_table_adds_up():
    experiment = experiments.load("cifar10_batchnorm")
    model = models.build(experiment, *datasets.shape(experiment))
    rows = models.summary(model)
    assert sum(row["Parameters"] for row in rows) == 1_030_378
    assert rows[2] == {
        "Layer": "Conv2D",
        "Settings": "32 filters, 3 x 3, same, relu",
        "Output": "32 x 32 x 32",
        "Parameters": 896,
    }


@pytest.mark.parametrize("name", optimizers.OPTIMIZERS)
def test_an_optimizer_has_keras_defaults(name):
    def settings(optimizer):
        return {
            key: value
            for key, value in optimizer.get_config().items()
            if key not in ("name", "learning_rate")
        }

    assert settings(optimizers.OPTIMIZERS[name](learning_rate=0.001)) == settings(
        keras.optimizers.get(name)
    )


def test_the_loss_on_class_numbers_is_the_loss_on_one_hot_rows():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(10), 8).astype("float32")
    labels = np.arange(8)
    expected = keras.losses.CategoricalCrossentropy()(
        keras.utils.to_categorical(labels, 10), probabilities
    )
    assert np.isclose(
        float(losses.categorical_crossentropy()(labels, probabilities)), float(expected)
    )


def test_the_other_losses_are_those_of_keras():
    labels, sigmoid = np.array([0, 1, 1]), np.array([[0.2], [0.7], [0.4]], "float32")
    assert np.isclose(
        float(losses.binary_crossentropy()(labels, sigmoid)),
        float(keras.losses.BinaryCrossentropy()(labels[:, None].astype("float32"), sigmoid)),
    )
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 3).astype("float32")
    assert np.isclose(
        float(losses.mean_squared_error()(labels, rows)),
        float(keras.losses.MeanSquaredError()(keras.utils.to_categorical(labels, 4), rows)),
    )


@pytest.mark.parametrize(
    "loss, outputs, expected",
    [
        (
            "categorical_crossentropy",
            1,
            (
                "has 1 output .a sigmoid., which categorical_crossentropy does not support; use"
                " binary_crossentropy"
            ),
        ),
        (
            "binary_crossentropy",
            2,
            "has 2 outputs, which binary_crossentropy does not support; use"
            " categorical_crossentropy",
        ),
    ],
)
def test_a_loss_that_does_not_fit_the_head_is_refused(loss, outputs, expected):
    with pytest.raises(ValueError, match=expected):
        losses.LOSSES[loss]()(np.array([0, 1]), np.full((2, outputs), 0.5, "float32"))

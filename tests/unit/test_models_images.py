"""The models of cats and dogs, flowers and dog breeds are the published ones, and backbones come
with the weights they should.
"""

import functools
import json
import os

import h5py
import keras
import numpy as np
import pytest

from labreport import models
from labreport.config import pretrained

TUNED = {
    "pixels": "minus_one_to_one",
    "pools": [2, 2, 2, 2],
    "batchnorm": False,
    "block_dropout": [0.0, 0.0, 0.0, 0.0],
    "pooling": "flatten",
    "dense": [128],
    "dense_dropout": [0.5],
}
THREE = TUNED | {
    "filters": [32, 64, 128],
    "kernels": [3, 3, 3],
    "pools": [2, 2, 2],
    "block_dropout": [0.0, 0.0, 0.0],
}
AVERAGED = TUNED | {
    "block_dropout": [0.5, 0.5, 0.5, 0.2],
    "pooling": "average",
    "dense": [],
    "dense_dropout": [],
}
BATCHNORM = AVERAGED | {
    "pixels": "zero_to_one",
    "filters": [32, 64, 128, 128],
    "kernels": [3, 3, 5, 3],
    "pools": [3, 2, 2, 2],
    "batchnorm": True,
    "block_dropout": [0.0, 0.0, 0.0, 0.0],
}
TRANSFER = {
    "backbone": "mobilenet_v2",
    "alpha": 1.0,
    "weights": "random",
    "pooling": "average",
    "dense": [128, 128],
    "dropout": [0.5, 0.5],
    "trainable_from": None,
}
INCEPTION = TRANSFER | {"backbone": "inception_v3"}
SCRATCH = {"block_dropout": [0.25, 0.25], "dense": [512, 256], "dense_dropout": [0.0, 0.5]}
RESIDUAL = {
    "filters": [32, 64, 128],
    "l1": 0.01,
    "l2": 0.01,
    "dense": [256, 256],
    "dense_dropout": [0.0, 0.5],
}
SMALL = TRANSFER | {"alpha": 0.35, "dense": [8, 8]}

OPTIMIZERS = ("adam", "adadelta", "adagrad", "sgd")
# Experiment: model, settings, image side, classes, total and trainable parameters as published.
PUBLISHED = {
    "cats_dogs_softmax": ("cats_dogs", {"head": "softmax"}, 256, 2, 5_252_606, 5_252_606),
    "cats_dogs_sigmoid": ("cats_dogs", {"head": "sigmoid"}, 256, 2, 5_252_477, 5_252_477),
    "flowers_pilot": (
        "flowers_stacked",
        TUNED
        | {
            "pixels": "zero_to_one",
            "filters": [32, 64],
            "kernels": [3, 3],
            "pools": [2, 2],
            "block_dropout": [0.0, 0.25],
        },
        150,
        5,
        10_636_997,
        10_636_997,
    ),
    "flowers_basic": (
        "flowers_stacked",
        THREE | {"block_dropout": [0.0, 0.25, 0.25]},
        150,
        5,
        4_828_997,
        4_828_997,
    ),
    **{
        f"flowers_alexnet_{name}": (
            "flowers_alexnet",
            {"pixels": "minus_one_to_one"},
            150,
            5,
            29_995_781,
            29_993_029,
        )
        for name in OPTIMIZERS
    },
    **{
        f"flowers_vgg16_{name}": (
            "flowers_vgg16",
            {"pixels": "minus_one_to_one"},
            150,
            5,
            65_075_013,
            65_075_013,
        )
        for name in OPTIMIZERS
    },
    **{
        f"flowers_vgg16_keras_{name}": (
            "flowers_vgg16_keras",
            {"pixels": "raw"},
            224,
            5,
            134_281_029,
            134_281_029,
        )
        for name in OPTIMIZERS
    },
    **{
        f"flowers_googlenet_{name}": (
            "flowers_googlenet",
            {"pixels": "raw"},
            224,
            5,
            8_483_647,
            8_483_647,
        )
        for name in ("adadelta", "sgd")
    },
    "flowers_tuned_base": ("flowers_stacked", THREE, 150, 5, 4_828_997, 4_828_997),
    "flowers_tuned_conv5": (
        "flowers_stacked",
        TUNED | {"filters": [32, 64, 128, 128], "kernels": [3, 3, 5, 3]},
        150,
        5,
        1_175_493,
        1_175_493,
    ),
    "flowers_tuned_gap": (
        "flowers_stacked",
        AVERAGED | {"filters": [32, 64, 96, 96], "kernels": [3, 3, 3, 3]},
        150,
        5,
        158_309,
        158_309,
    ),
    "flowers_tuned_gap_conv5": (
        "flowers_stacked",
        AVERAGED | {"pixels": "zero_to_one", "filters": [32, 64, 96, 128], "kernels": [3, 3, 3, 5]},
        150,
        5,
        382_757,
        382_757,
    ),
    **{
        f"flowers_tuned_{name}": ("flowers_stacked", BATCHNORM, 150, 5, 373_957, 373_253)
        for name in ("batchnorm", "augment", "augment_long")
    },
    "dog_breeds_scratch_base": ("dog_breeds_stacked", SCRATCH, 160, 120, 52_692_760, 52_692_056),
    "dog_breeds_scratch_regularized": (
        "dog_breeds_stacked",
        {"block_dropout": [0.5, 0.5], "dense": [128, 128], "dense_dropout": [0.5, 0.5]},
        160,
        120,
        13_240_088,
        13_239_640,
    ),
    "dog_breeds_scratch_residual": ("dog_breeds_residual", RESIDUAL, 160, 120, 803_000, 802_488),
    "dog_breeds_mobilenetv2_initial": (
        "dog_breeds_transfer",
        TRANSFER | {"pooling": "flatten", "dense": [512, 512, 128], "dropout": [0.0, 0.0, 0.25]},
        160,
        120,
        18_986_808,
        16_728_568,
    ),
    "dog_breeds_mobilenetv2": ("dog_breeds_transfer", TRANSFER, 160, 120, 2_454_456, 196_216),
    "dog_breeds_inceptionv3": (
        "dog_breeds_transfer",
        INCEPTION | {"pooling": "max"},
        160,
        120,
        22_097_560,
        294_520,
    ),
    "dog_breeds_mobilenetv2_finetune": (
        "dog_breeds_transfer",
        TRANSFER | {"trainable_from": "block_16_expand"},
        160,
        120,
        2_454_456,
        1_082_296,
    ),
    "dog_breeds_inceptionv3_finetune_mixed9": (
        "dog_breeds_transfer",
        INCEPTION | {"trainable_from": "mixed9"},
        160,
        120,
        22_097_560,
        6_368_056,
    ),
    "dog_breeds_inceptionv3_finetune_conv2d_93": (
        "dog_breeds_transfer",
        INCEPTION | {"trainable_from": "conv2d_93"},
        160,
        120,
        22_097_560,
        688_248,
    ),
}


def built(model, settings, side, classes=3):
    return models.MODELS[model]((side, side, 3), classes, **settings)


def random_pixels(side, count=2):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def kinds(model):
    return [type(layer).__name__ for layer in model.layers]


@functools.cache
def counted(model, settings, side, classes):
    network = built(model, json.loads(settings), side, classes)
    return models.parameters(network), sum(row["Parameters"] for row in models.summary(network))


@functools.cache
def small_inception():
    """The second InceptionV3 of the process at the earliest, so that its layers have other names
    than those of the first.
    """
    keras.applications.InceptionV3(weights=None, include_top=False, input_shape=(75, 75, 3))
    return built("dog_breeds_transfer", INCEPTION | {"trainable_from": "conv2d_93"}, 75)


@functools.cache
def small_transfer():
    """A frozen MobileNetV2 for the tests that only look at one."""
    return built("dog_breeds_transfer", SMALL, 64)


def test_there_are_34_experiments():
    assert len(PUBLISHED) == 34


@pytest.mark.parametrize("name", PUBLISHED)
def test_parameter_counts_equal_the_published_ones_and_the_table_adds_up(name):
    model, settings, side, classes, total, trainable = PUBLISHED[name]
    assert counted(model, json.dumps(settings), side, classes) == ((total, trainable), total)


@pytest.mark.parametrize(
    "model, settings, side, classes",
    [
        ("cats_dogs", {"head": "softmax"}, 16, 2),
        ("flowers_stacked", BATCHNORM, 80, 5),
        ("flowers_stacked", THREE, 40, 5),
        ("dog_breeds_stacked", SCRATCH, 16, 6),
        ("dog_breeds_residual", RESIDUAL, 64, 6),
        ("dog_breeds_transfer", SMALL | {"pooling": "max", "dropout": [0.0, 0.0]}, 32, 6),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_model_eats_raw_pixels_and_returns_probabilities(model, settings, side, classes):
    network = built(model, settings, side, classes)
    probabilities = keras.ops.convert_to_numpy(network(random_pixels(side)))
    assert probabilities.shape == (2, classes) and np.allclose(
        probabilities.sum(axis=1), 1, atol=1e-5
    )


@pytest.mark.parametrize(
    "name, expected",
    [
        (
            "flowers_basic",
            (
                "Rescaling Conv2D MaxPooling2D Conv2D MaxPooling2D Dropout Conv2D MaxPooling2D"
                " Dropout Flatten Dense Dropout Dense"
            ),
        ),
        (
            "flowers_tuned_gap",
            "Rescaling " + "Conv2D MaxPooling2D Dropout " * 4 + "GlobalAveragePooling2D Dense",
        ),
        (
            "flowers_tuned_batchnorm",
            "Rescaling "
            + "Conv2D BatchNormalization MaxPooling2D " * 4
            + "GlobalAveragePooling2D Dense",
        ),
        (
            "flowers_alexnet_adam",
            "Rescaling "
            + "Conv2D BatchNormalization MaxPooling2D " * 2
            + "Conv2D BatchNormalization " * 3
            + "MaxPooling2D Flatten Dense Dropout Dense Dropout Dense",
        ),
        ("cats_dogs_softmax", "Conv2D MaxPooling2D " * 3 + "Flatten Dense Dense"),
        (
            "dog_breeds_scratch_base",
            "Rescaling "
            + "Conv2D Conv2D MaxPooling2D BatchNormalization Dropout " * 2
            + "Flatten Dense Dense BatchNormalization Dropout Dense",
        ),
        (
            "dog_breeds_scratch_regularized",
            "Rescaling "
            + "Conv2D Conv2D MaxPooling2D BatchNormalization Dropout " * 2
            + "Flatten Dense Dropout Dense BatchNormalization Dropout Dense",
        ),
        (
            "dog_breeds_mobilenetv2",
            (
                "Rescaling Functional GlobalAveragePooling2D Dense Dropout Dense BatchNormalization"
                " Dropout Dense"
            ),
        ),
        (
            "dog_breeds_mobilenetv2_initial",
            "Rescaling Functional Flatten Dense Dense Dense BatchNormalization Dropout Dense",
        ),
    ],
)
def test_layers_stand_in_the_published_order(name, expected):
    model, settings, side, classes = PUBLISHED[name][:4]
    assert kinds(built(model, settings, min(side, 150), 2)) == ["InputLayer", *expected.split()]


@pytest.mark.parametrize(
    "pixels, darkest, brightest", [("zero_to_one", 0.0, 1.0), ("minus_one_to_one", -1.0, 1.0)]
)
def test_flowers_see_pixels_scaled_as_the_setting_says(pixels, darkest, brightest):
    scaling = built("flowers_stacked", THREE | {"pixels": pixels}, 40).layers[1]
    assert np.allclose(scaling(np.array([[0.0, 255.0]])), [[darkest, brightest]], atol=1e-6)


def test_raw_pixels_go_straight_into_the_first_convolution():
    assert (
        kinds(built("flowers_stacked", THREE | {"pixels": "raw"}, 40))[1]
        == kinds(built("cats_dogs", {"head": "softmax"}, 16, 2))[1]
        == "Conv2D"
    )


def test_backbones_see_pixels_as_keras_preprocesses_them():
    pixels = random_pixels(75).astype("float32")
    for model, application in (
        (small_transfer(), keras.applications.mobilenet_v2),
        (small_inception(), keras.applications.inception_v3),
    ):
        assert np.allclose(
            model.layers[1](pixels), application.preprocess_input(pixels.copy()), atol=1e-6
        )


def test_the_sigmoid_head_has_a_single_output_with_nothing_behind_it():
    model = built("cats_dogs", {"head": "sigmoid"}, 16, 2)
    assert (
        model.layers[-1].units == 1
        and model.layers[-1].get_config()["activation"] == "sigmoid"
        and model(random_pixels(16)).shape == (2, 1)
    )


def test_googlenet_has_a_main_and_two_auxiliary_classifiers(tmp_path):
    model = built("flowers_googlenet", {"pixels": "raw"}, 224, 5)
    probabilities = model(random_pixels(224, 1))
    assert set(probabilities) == {"main", "auxiliary_1", "auxiliary_2"} and set(
        model.output_names
    ) == set(probabilities)
    assert all(
        rows.shape == (1, 5) and np.isclose(float(keras.ops.sum(rows)), 1, atol=1e-5)
        for rows in probabilities.values()
    )
    assert kinds(model).count("Concatenate") == 9
    named = {
        row["Settings"]: row["Output"]
        for row in models.summary(model)
        if "output" in row["Settings"]
    }
    assert named == {
        "softmax, output main": "5",
        "softmax, output auxiliary_1": "5",
        "softmax, output auxiliary_2": "5",
    }


def test_the_dense_layers_of_the_residual_net_are_penalised():
    model = built("dog_breeds_residual", RESIDUAL, 64)
    penalised = [layer for layer in model.layers if getattr(layer, "bias_regularizer", None)]
    assert [layer.units for layer in penalised] == [256, 256] and len(model.losses) == 4
    kernel = keras.ops.convert_to_numpy(penalised[0].kernel)
    assert np.isclose(
        float(model.losses[0]), 0.01 * np.abs(kernel).sum() + 0.01 * (kernel**2).sum(), rtol=1e-4
    )


def test_the_architecture_table_describes_every_kind_of_layer():
    rows = [
        (row["Layer"], row["Settings"], row["Output"])
        for row in models.summary(built("dog_breeds_residual", RESIDUAL, 64))
    ]
    assert ("Add", "2 inputs", "64 x 64 x 32") in rows and ("BatchNormalization", "", "256") in rows
    assert ("Dense", "relu, L1 0.01, L2 0.01, bias L2 0.01", "256") in rows
    rows = [
        (row["Layer"], row["Settings"], row["Output"])
        for row in models.summary(built("flowers_stacked", BATCHNORM, 80))
    ]
    assert ("MaxPooling2D", "3 x 3, stride 2 x 2, valid", "38 x 38 x 32") in rows and (
        "GlobalAveragePooling2D",
        "",
        "128",
    ) in rows
    rows = [
        (row["Layer"], row["Settings"], row["Output"])
        for row in models.summary(built("cats_dogs", {"head": "sigmoid"}, 16, 2))
    ]
    assert rows[-2:] == [("Dense", "relu", "128"), ("Dense", "sigmoid", "1")]


def test_a_backbone_is_one_row_that_says_how_much_of_it_is_trained():
    frozen = models.summary(small_transfer())[2]
    assert (frozen["Layer"], frozen["Settings"], frozen["Output"]) == (
        "mobilenet_v2",
        "frozen, 104 layers with weights",
        "2 x 2 x 1280",
    )
    assert (
        models.summary(
            built("dog_breeds_transfer", SMALL | {"trainable_from": "block_16_project"}, 32)
        )[2]["Settings"]
        == "4 of 104 layers with weights trained"
    )


def test_a_frozen_backbone_stays_in_inference_mode():
    model = built("dog_breeds_transfer", SMALL | {"dense": [], "dropout": []}, 32)
    assert np.allclose(
        model(random_pixels(32), training=True), model(random_pixels(32), training=False), atol=1e-6
    )


def test_a_fine_tuned_backbone_learns_batch_statistics_only_where_it_is_trained():
    model = built(
        "dog_breeds_transfer",
        SMALL | {"trainable_from": "block_16_expand", "dense": [], "dropout": []},
        32,
    )
    layers = model.get_layer("mobilenet_v2").layers
    first = [layer.name for layer in layers].index("block_16_expand")
    before = [
        [keras.ops.convert_to_numpy(weight).copy() for weight in layer.weights] for layer in layers
    ]
    keras.utils.set_random_seed(0)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="sparse_categorical_crossentropy")
    model.fit(random_pixels(32), np.array([0, 1]), verbose=0)
    for position, (layer, weights) in enumerate(zip(layers, before)):
        if weights and (position < first or isinstance(layer, keras.layers.BatchNormalization)):
            same = all(
                np.array_equal(old, keras.ops.convert_to_numpy(new))
                for old, new in zip(weights, layer.weights)
            )
            assert same == (position < first), layer.name


def test_fine_tuning_trains_the_named_layer_and_all_after_it():
    backbone = built(
        "dog_breeds_transfer", SMALL | {"trainable_from": "block_16_expand"}, 32
    ).get_layer("mobilenet_v2")
    names = [layer.name for layer in backbone.layers]
    first = names.index("block_16_expand")
    assert [layer.name for layer in backbone.layers if layer.trainable] == names[
        first:
    ] and first > 0


def test_the_names_of_layers_do_not_depend_on_models_built_before():
    model = small_inception()
    backbone = model.get_layer("inception_v3")
    names = [layer.name for layer in backbone.layers]
    # Keras went on counting: without ordinals conv2d_93 would be another layer, or none
    assert "conv2d" not in names
    # the published fine-tuned and frozen models
    assert (
        sum(int(np.prod(weight.shape)) for weight in backbone.trainable_weights)
        == 688_248 - 294_520
    )


def test_an_unknown_layer_is_refused_with_the_nearest_names():
    with pytest.raises(
        ValueError,
        match="mobilenet_v2 has no layer 'block_16_expnd'; nearest are block_16_expand, ",
    ):
        built("dog_breeds_transfer", SMALL | {"trainable_from": "block_16_expnd"}, 32)
    with pytest.raises(
        ValueError, match="inception_v3 has no layer 'conv2d_94'; nearest are conv2d_93?, "
    ):
        built("dog_breeds_transfer", INCEPTION | {"trainable_from": "conv2d_94"}, 75)


@pytest.mark.parametrize(
    "changes, features",
    [
        ({}, 1280),
        ({"pooling": "flatten", "dense": [8], "dropout": [0.0]}, 4 * 1280),
        ({"pooling": "max", "dense": [], "dropout": []}, 1280),
    ],
)
def test_the_frozen_part_and_the_head_together_are_the_model(changes, features):
    model = built("dog_breeds_transfer", SMALL | changes, 64) if changes else small_transfer()
    rows = models.summary(model)
    extractor, head = models.frozen_part(model)
    pixels = random_pixels(64)
    assert extractor.output.shape == (None, features) and np.allclose(
        head(extractor(pixels)), model(pixels), atol=1e-6
    )
    assert extractor.trainable_weights == [] and len(head.trainable_weights) == len(
        model.trainable_weights
    )
    assert models.summary(model) == rows  # cutting a model leaves it as it was


def test_a_saved_model_is_cut_as_the_one_that_was_built(tmp_path):
    model, pixels = small_transfer(), random_pixels(64)
    model.save(tmp_path / "model.keras")
    extractor, head = models.frozen_part(keras.saving.load_model(tmp_path / "model.keras"))
    assert np.allclose(head(extractor(pixels)), model(pixels), atol=1e-6)


def test_to_train_the_head_is_to_train_the_model():
    keras.utils.set_random_seed(0)
    model = built("dog_breeds_transfer", SMALL, 32)
    extractor, head = models.frozen_part(model)
    pixels, before = random_pixels(32), keras.ops.convert_to_numpy(model(random_pixels(32)))
    head.compile(optimizer=keras.optimizers.SGD(1.0), loss="sparse_categorical_crossentropy")
    head.fit(extractor(pixels), np.array([0, 1]), verbose=0)
    assert not np.allclose(model(pixels), before, atol=1e-3) and np.allclose(
        model(pixels), head(extractor(pixels)), atol=1e-6
    )


def test_models_without_a_frozen_backbone_have_no_frozen_part():
    assert (
        models.frozen_part(built("dog_breeds_transfer", SMALL | {"trainable_from": "Conv_1"}, 32))
        is None
    )
    assert models.frozen_part(built("flowers_stacked", THREE, 40)) is None
    assert models.frozen_part(small_inception()) is None


@pytest.mark.parametrize(
    "model, settings, expected",
    [
        ("cats_dogs", {"head": "tanh"}, "head must be softmax or sigmoid, got 'tanh'"),
        ("cats_dogs", {"head": "sigmoid"}, "sigmoid is for two classes, the data set has 3"),
        (
            "flowers_alexnet",
            {"pixels": "bgr"},
            "pixels must be one of raw, zero_to_one, minus_one_to_one, got 'bgr'",
        ),
        (
            "flowers_stacked",
            THREE | {"kernels": [3]},
            "kernels needs one size for each block: 3, got 1",
        ),
        (
            "flowers_stacked",
            THREE | {"pools": [2, 2]},
            "pools needs one size for each block: 3, got 2",
        ),
        (
            "flowers_stacked",
            THREE | {"block_dropout": [0.1]},
            "block_dropout needs one rate for each block: 3, got 1",
        ),
        (
            "flowers_stacked",
            THREE | {"dense_dropout": []},
            "dense_dropout needs one rate for each dense layer: 1, got 0",
        ),
        (
            "flowers_stacked",
            THREE | {"dense_dropout": [1.0]},
            "a dropout rate must be from 0 to below 1",
        ),
        ("flowers_stacked", THREE | {"filters": [32, 0, 32]}, "must be at least 1"),
        (
            "flowers_stacked",
            THREE | {"pooling": "max"},
            "pooling must be flatten or average, got 'max'",
        ),
        (
            "dog_breeds_stacked",
            SCRATCH | {"block_dropout": [0.5]},
            "block_dropout needs one rate for each block: 2, got 1",
        ),
        (
            "dog_breeds_stacked",
            SCRATCH | {"dense_dropout": [0.5]},
            "dense_dropout needs one rate for each dense layer: 2, got 1",
        ),
        ("dog_breeds_residual", RESIDUAL | {"l1": -1.0}, "a penalty must be at least 0"),
        (
            "dog_breeds_transfer",
            SMALL | {"pooling": "mean"},
            "pooling must be one of flatten, average, max, got 'mean'",
        ),
        (
            "dog_breeds_transfer",
            SMALL | {"backbone": "vgg19"},
            "backbone must be one of mobilenet_v2, inception_v3, got 'vgg19'",
        ),
        (
            "dog_breeds_transfer",
            SMALL | {"weights": "noisy"},
            "weights must be imagenet or random, got 'noisy'",
        ),
        (
            "dog_breeds_transfer",
            SMALL | {"backbone": "inception_v3"},
            "inception_v3 has only one width: write 1.0, got 0.35",
        ),
        (
            "dog_breeds_transfer",
            SMALL | {"alpha": 0.4, "weights": "imagenet"},
            "alpha must be one of 0.35, 0.5, .* with weights imagenet, got 0.4",
        ),
        (
            "dog_breeds_transfer",
            SMALL | {"dropout": [0.5]},
            "dropout needs one rate for each dense layer: 2, got 1",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_in_our_words(model, settings, expected):
    with pytest.raises(ValueError, match=expected):
        built(model, settings, 40)


IMAGENET = SMALL | {"weights": "imagenet"}
RELEASED = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{}_{}_no_top.h5"


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """The empty folder for weights, beside an empty cache of Keras."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    folder = tmp_path / "data/weights"
    folder.mkdir(parents=True)
    return folder


def write_weights(path, alpha):
    """A file in the layout of the released ones; returns its backbone."""
    backbone = keras.applications.MobileNetV2(
        alpha=alpha, weights=None, include_top=False, input_shape=(32, 32, 3)
    )
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name for layer in backbone.layers]
        for layer in backbone.layers:
            group = file.create_group(layer.name)
            group.attrs["weight_names"] = [str(index) for index in range(len(layer.weights))]
            for index, values in enumerate(layer.get_weights()):
                group[str(index)] = values
    return backbone


def test_weights_are_found_by_exact_name_then_by_backbone_and_alpha_then_in_the_cache_of_keras(
    weights, tmp_path
):
    assert pretrained.find(IMAGENET, 160) is None
    cache = tmp_path / "keras/models"
    cache.mkdir(parents=True)
    (cache / RELEASED.format(0.35, 224)).touch()  # of another side: Keras would not look at it
    (weights / RELEASED.format(1.0, 160)).touch()  # of another alpha
    assert pretrained.find(IMAGENET, 160) is None
    for found in (
        cache / RELEASED.format(0.35, 160),
        weights / "mobilenet_v2_0.35_224_no_top_approximate.h5",
        weights / RELEASED.format(0.35, 96),
        weights / RELEASED.format(0.35, 192),
        weights / RELEASED.format(0.35, 160),
    ):
        found.touch()
        assert pretrained.find(IMAGENET, 160) == found
    assert pretrained.find(IMAGENET | {"alpha": 1.0}, 224) == weights / RELEASED.format(1.0, 160)
    assert pretrained.find(INCEPTION | {"weights": "imagenet"}, 160) is None
    (weights / "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5").touch()
    assert pretrained.find(INCEPTION | {"weights": "imagenet"}, 160).name.startswith("inception_v3")


def test_weights_of_another_side_serve_a_data_set_whose_images_have_one_side(weights):
    for side in (96, 192):
        (weights / RELEASED.format(0.35, side)).touch()
    assert pretrained.find(IMAGENET, None) == weights / RELEASED.format(0.35, 192)


def test_the_fingerprint_of_weights_follows_the_file(weights):
    assert (
        pretrained.fingerprint({"head": "softmax"}, 256) == pretrained.fingerprint(SMALL, 160) == {}
    )
    assert pretrained.fingerprint(IMAGENET, 160) == {"file": None}
    file = weights / RELEASED.format(0.35, 160)
    file.write_bytes(b"one")
    first = pretrained.fingerprint(IMAGENET, 160)
    assert first == {
        "file": file.name,
        "sha256": "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
    }
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert pretrained.fingerprint(IMAGENET, 160)["sha256"] != first["sha256"]


def test_a_backbone_starts_from_the_weights_in_the_data_folder(weights):
    written = write_weights(weights / RELEASED.format(0.35, 224), 0.35)
    backbone = built("dog_breeds_transfer", IMAGENET, 32).get_layer("mobilenet_v2")
    assert all(
        np.array_equal(one, other)
        for one, other in zip(written.get_weights(), backbone.get_weights(), strict=True)
    )


def test_weights_of_another_width_and_half_a_file_are_refused_by_name(weights):
    file = weights / RELEASED.format(0.35, 224)
    write_weights(file, 0.5)
    with pytest.raises(
        ValueError, match=f"{file.name} does not hold the weights of mobilenet_v2, alpha 0.35"
    ):
        built("dog_breeds_transfer", IMAGENET, 32)
    file.write_bytes(file.read_bytes()[:50_000])
    with pytest.raises(
        ValueError, match=f"{file.name} does not hold the weights of mobilenet_v2, alpha 0.35"
    ):
        built("dog_breeds_transfer", IMAGENET, 32)


@pytest.mark.parametrize(
    "settings, name",
    [
        (IMAGENET, RELEASED.format(0.35, 96)),
        (
            INCEPTION | {"weights": "imagenet"},
            "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
    ],
)
def test_missing_weights_that_cannot_be_downloaded_are_asked_for_by_name(
    weights, monkeypatch, settings, name
):
    from keras.src.applications import inception_v3, mobilenet_v2

    def offline(*arguments, **settings):
        raise Exception("URL fetch failure on ...: None -- no network")

    for application in (inception_v3, mobilenet_v2):
        monkeypatch.setattr(application.file_utils, "get_file", offline)
    with pytest.raises(ConnectionError) as caught:
        built("dog_breeds_transfer", settings, 96)
    message = str(caught.value)
    assert (
        f"Put {name} into {weights}" in message
        and "no network" in message
        and "model_args.weights=random" in message
        and "\n" not in message
    )


def test_real_weights_make_features_that_differ_between_images(real_data, monkeypatch):
    if not list((real_data / "weights").glob(RELEASED.format(0.35, "*"))):
        pytest.skip(
            "no released weights here: put MobileNetV2's of alpha 0.35 into data/weights to run"
            " this test"
        )
    monkeypatch.setenv("LABREPORT_DATA", str(real_data))
    extractor, _ = models.frozen_part(built("dog_breeds_transfer", IMAGENET, 96))
    features = keras.ops.convert_to_numpy(
        extractor(np.stack([np.zeros((96, 96, 3), np.uint8), random_pixels(96)[0]]))
    )
    assert np.abs(features[0] - features[1]).max() > 0.5

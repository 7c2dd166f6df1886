"""The models of the flowers assignment: a stack of convolutions to be tuned, and three
architectures from the literature.
"""

from typing import Any

import keras
from keras import layers

from . import rates

# What the pixels become before the first convolution: factor and offset; raw pixels stay as they
# are.
SCALES: dict[str, Any] = {
    "raw": None,
    "zero_to_one": (1 / 255, 0.0),
    "minus_one_to_one": (1 / 127.5, -1.0),
}


def stacked(
    image_shape,
    num_classes,
    *,
    pixels: str,
    filters: list[int],
    kernels: list[int],
    pools: list[int],
    batchnorm: bool,
    block_dropout: list[float],
    pooling: str,
    dense: list[int],
    dense_dropout: list[float],
) -> keras.Model:
    """Blocks of one convolution each, pooled with stride 2, then dense layers: the net that the
    tuning steps change.

    pixels: raw, zero_to_one or minus_one_to_one. filters, kernels, pools: for each block the
    filters and side of its convolution and the side of its max pooling. batchnorm: whether each
    convolution is batch-normalised (Ioffe and Szegedy, 2015). block_dropout: rate after each block.
    pooling: `flatten`, or `average` for each map's mean (Lin, Chen and Yan, 2014). dense: units of
    each hidden dense layer; dense_dropout: rate after each of them. A rate of 0 adds no layer.
    """
    for name, values in (("kernels", kernels), ("pools", pools)):
        if len(values) != len(filters):
            raise ValueError(
                f"model_args.{name} needs one size for each block: {len(filters)}, got"
                f" {len(values)}"
            )
    rates.check(dense, dense_dropout, blocks=len(filters), block_dropout=block_dropout)
    if min((*filters, *kernels, *pools, *dense), default=1) < 1:
        raise ValueError(
            "model_args: filters, kernels, pools and dense units must be at least 1, got"
            f" {filters}, {kernels}, {pools} and {dense}"
        )
    if pooling not in ("flatten", "average"):
        raise ValueError(f"model_args.pooling must be flatten or average, got {pooling!r}")
    inputs, x = _pixels(image_shape, pixels)
    for count, kernel, pool, rate in zip(filters, kernels, pools, block_dropout):
        x = layers.Conv2D(count, kernel, activation="relu")(x)
        x = layers.BatchNormalization()(x) if batchnorm else x
        x = layers.MaxPooling2D(pool, strides=2)(x)
        x = layers.Dropout(rate)(x) if rate else x
    x = layers.Flatten()(x) if pooling == "flatten" else layers.GlobalAveragePooling2D()(x)
    for units, rate in zip(dense, dense_dropout):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(rate)(x) if rate else x
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def alexnet(image_shape, num_classes, *, pixels: str) -> keras.Model:
    """AlexNet in one stream, with batch normalisation in place of its local response normalisation
    (Krizhevsky, Sutskever and Hinton, 2012).
    """
    inputs, x = _pixels(image_shape, pixels)
    x = layers.Conv2D(96, 11, strides=4, activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(256, 5, padding="same", activation="relu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    for filters in (384, 384, 256):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Flatten()(x)
    for units in (4096, 4096):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def vgg16(image_shape, num_classes, *, pixels: str) -> keras.Model:
    """VGG-16, configuration D, without its dropout (Simonyan and Zisserman, 2015)."""
    inputs, x = _pixels(image_shape, pixels)
    for filters, convolutions in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(convolutions):
            x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (4096, 4096):
        x = layers.Dense(units, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def vgg16_keras(image_shape, num_classes, *, pixels: str) -> keras.Model:
    """VGG-16 of keras.applications, with random weights (Simonyan and Zisserman, 2015)."""
    _, x = _pixels(image_shape, pixels)
    return keras.applications.VGG16(
        weights=None, include_top=True, input_tensor=x, classes=num_classes
    )


def googlenet(image_shape, num_classes, *, pixels: str) -> keras.Model:
    """GoogLeNet without local response normalisation, its three classifiers as outputs (Szegedy et
    al., 2015).

    Returns a dict of probabilities (N, num_classes): `main`, and `auxiliary_1` and `auxiliary_2`,
    which branch off half-way and help the gradient reach the first layers.
    """
    inputs, x = _pixels(image_shape, pixels)
    x = layers.Conv2D(64, 7, strides=2, activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = layers.Conv2D(64, 1, padding="same", activation="relu")(x)
    x = layers.Conv2D(192, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _inception(x, 64, (96, 128), (16, 32), 32)
    x = _inception(x, 128, (128, 192), (32, 96), 64)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _inception(x, 192, (96, 208), (16, 48), 64)
    auxiliary_1 = _auxiliary(x, num_classes, "auxiliary_1")
    x = _inception(x, 160, (112, 224), (24, 64), 64)
    x = _inception(x, 128, (128, 256), (24, 64), 64)
    x = _inception(x, 112, (144, 288), (32, 64), 64)
    auxiliary_2 = _auxiliary(x, num_classes, "auxiliary_2")
    x = _inception(x, 256, (160, 320), (32, 128), 128)
    x = layers.MaxPooling2D(3, strides=2)(x)
    x = _inception(x, 256, (160, 320), (32, 128), 128)
    x = _inception(x, 384, (192, 384), (48, 128), 128)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.4)(x)
    main = layers.Dense(num_classes, activation="softmax", name="main")(x)
    return keras.Model(
        inputs, {"main": main, "auxiliary_1": auxiliary_1, "auxiliary_2": auxiliary_2}
    )


def _inception(x, one: int, three: tuple[int, int], five: tuple[int, int], pooled: int):
    """Four branches side by side: 1 x 1, 3 x 3 and 5 x 5 convolutions (each after a 1 x 1 that
    narrows the maps), and max pooling.
    """

    def convolution(x, filters, kernel):
        return layers.Conv2D(filters, kernel, padding="same", activation="relu")(x)

    return layers.Concatenate()(
        [
            convolution(x, one, 1),
            convolution(convolution(x, three[0], 1), three[1], 3),
            convolution(convolution(x, five[0], 1), five[1], 5),
            convolution(layers.MaxPooling2D(3, strides=1, padding="same")(x), pooled, 1),
        ]
    )


def _auxiliary(x, num_classes, name: str):
    x = layers.AveragePooling2D(5, strides=3)(x)
    x = layers.Conv2D(128, 1, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(1024, activation="relu")(x)
    x = layers.Dropout(0.7)(x)
    return layers.Dense(num_classes, activation="softmax", name=name)(x)


def _pixels(image_shape, pixels: str):
    if pixels not in SCALES:
        raise ValueError(f"model_args.pixels must be one of {', '.join(SCALES)}, got {pixels!r}")
    inputs = keras.Input(image_shape)
    if SCALES[pixels] is None:
        return inputs, inputs
    factor, offset = SCALES[pixels]
    return inputs, layers.Rescaling(factor, offset=offset)(inputs)

"""The models of the CIFAR-10 assignment, for images of 32 x 32 pixels; pixels are divided by 255
inside.
"""

import keras
from keras import layers

from . import rates


def naive(image_shape, num_classes) -> keras.Model:
    """Three convolutions and nothing else: what a first course would write."""
    inputs, x = _pixels(image_shape)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(64, 4, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(128, 3, activation="relu")(x)
    return _classifier(inputs, x, num_classes)


def five_convolutions(image_shape, num_classes) -> keras.Model:
    """Five convolutions with 10 to 600 filters on ever smaller maps."""
    inputs, x = _pixels(image_shape)
    x = layers.Conv2D(10, 3, activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(50, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(3, padding="same")(x)
    x = layers.Conv2D(100, 4, activation="relu")(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(300, 2, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2, padding="same")(x)
    x = layers.Conv2D(600, 3, padding="same", activation="relu")(x)
    return _classifier(inputs, x, num_classes)


def batchnorm(image_shape, num_classes) -> keras.Model:
    """Three blocks of two convolutions, each block batch-normalised before it is pooled (Ioffe and
    Szegedy, 2015).
    """
    inputs, x = _pixels(image_shape)
    for filters in ((32, 32), (64, 128), (256, 256)):
        for count in filters:
            x = layers.Conv2D(count, 3, padding="same", activation="relu")(x)
        x = layers.BatchNormalization()(x)
        x = layers.MaxPooling2D(2)(x)
    return _classifier(inputs, x, num_classes)


def blocks(
    image_shape,
    num_classes,
    *,
    filters: list[list[int]],
    l2: float,
    block_dropout: list[float],
    dense: list[int],
    dense_dropout: list[float],
) -> keras.Model:
    """Blocks of L2-penalised convolutions, each pooled and dropped out, then dense layers.

    filters: for each block the filters of its 3 x 3 convolutions. l2: penalty of the convolutions'
    kernels. block_dropout: rate after each block. dense: units of each hidden dense layer;
    dense_dropout: rate after each of them. A rate of 0 adds no layer.
    """
    rates.check(dense, dense_dropout, blocks=len(filters), block_dropout=block_dropout)
    if min((*dense, *sum(filters, [])), default=0) < 1:
        raise ValueError(
            f"model_args: filters and dense units must be at least 1, got {filters} and {dense}"
        )
    inputs, x = _pixels(image_shape)
    for counts, rate in zip(filters, block_dropout):
        for count in counts:
            x = layers.Conv2D(
                count,
                3,
                padding="same",
                activation="relu",
                kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
            )(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.Dropout(rate)(x) if rate else x
    x = layers.Flatten()(x)
    for units, rate in zip(dense, dense_dropout):
        x = layers.Dense(units, activation="relu")(x)
        x = layers.Dropout(rate)(x) if rate else x
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def _pixels(image_shape):
    inputs = keras.Input(image_shape)
    return inputs, layers.Rescaling(1 / 255)(inputs)


def _classifier(inputs, x, num_classes) -> keras.Model:
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(layers.Flatten()(x)))

"""The models of the dog-breeds assignment, for images of 160 x 160 pixels: three nets from scratch,
and heads on a pretrained backbone.
"""

import keras
from keras import layers

from . import backbones, rates


def stacked(
    image_shape,
    num_classes,
    *,
    block_dropout: list[float],
    dense: list[int],
    dense_dropout: list[float],
) -> keras.Model:
    """Two blocks of a 5 x 5 and a 3 x 3 convolution, pooled and batch-normalised, then dense
    layers; pixels are divided by 255 inside.

    block_dropout: rate after each of the two blocks. dense: units of each hidden dense layer, the
    last one batch-normalised; dense_dropout: rate after each of them. A rate of 0 adds no layer.
    """
    rates.check(dense, dense_dropout, blocks=2, block_dropout=block_dropout)
    _check(dense)
    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    for filters, rate in zip((32, 64), block_dropout):
        x = layers.Conv2D(filters, 5, padding="same", activation="relu")(x)
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Dropout(rate)(x) if rate else x
    return keras.Model(inputs, _head(layers.Flatten()(x), num_classes, dense, dense_dropout))


def residual(
    image_shape,
    num_classes,
    *,
    filters: list[int],
    l1: float,
    l2: float,
    dense: list[int],
    dense_dropout: list[float],
) -> keras.Model:
    """Residual blocks of three convolutions, their shortcut a convolution too (He et al., 2016);
    pixels are divided by 255 inside.

    filters: of each block, whose maps are then pooled by 4. l1, l2: penalties of the hidden dense
    layers' kernels (the elastic net of Zou and Hastie, 2005); their biases have l2 alone. dense:
    units of each hidden dense layer, the last one batch-normalised; dense_dropout: rate after each.
    """
    rates.check(dense, dense_dropout)
    _check(dense)
    if min(filters, default=1) < 1:
        raise ValueError(f"model_args: filters must be at least 1, got {filters}")
    if min(l1, l2) < 0:
        raise ValueError(f"model_args: a penalty must be at least 0, got l1 {l1} and l2 {l2}")
    inputs = keras.Input(image_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    for count in filters:
        shortcut = layers.Conv2D(count, 3, padding="same")(x)
        for activation in ("relu", "relu", None):
            x = layers.Conv2D(count, 3, padding="same", activation=activation)(x)
        x = layers.Add()([x, shortcut])
        x = layers.Activation("relu")(x)
        x = layers.MaxPooling2D(4)(x)
    return keras.Model(
        inputs, _head(layers.Flatten()(x), num_classes, dense, dense_dropout, l1, l2)
    )


def transfer(
    image_shape,
    num_classes,
    *,
    backbone: str,
    alpha: float,
    weights: str,
    pooling: str,
    dense: list[int],
    dropout: list[float],
    trainable_from: str | None,
) -> keras.Model:
    """Dense layers on a backbone trained on ImageNet, frozen or fine-tuned; what is frozen runs in
    inference mode.

    backbone: mobilenet_v2 (Sandler et al., 2018) or inception_v3 (Szegedy et al., 2016). alpha:
    width of MobileNetV2; 1.0 for InceptionV3. weights: imagenet or random. pooling: of the
    backbone's maps: flatten, average or max. dense: units of each hidden dense layer, the last one
    batch-normalised; dropout: rate after each, 0 adds no layer. trainable_from: the backbone's
    first layer to be trained, null for none. Raises ConnectionError where ImageNet weights are
    neither here nor to be downloaded.
    """
    rates.check(dense, dropout, name="dropout")
    _check(dense)
    poolings = {
        "flatten": layers.Flatten,
        "average": layers.GlobalAveragePooling2D,
        "max": layers.GlobalMaxPooling2D,
    }
    if pooling not in poolings:
        raise ValueError(
            f"model_args.pooling must be one of {', '.join(poolings)}, got {pooling!r}"
        )
    inputs = keras.Input(image_shape)
    x = backbones.maps(inputs, backbone, alpha, weights, trainable_from)
    return keras.Model(inputs, _head(poolings[pooling]()(x), num_classes, dense, dropout))


def _head(x, num_classes, dense: list[int], dropout: list[float], l1: float = 0.0, l2: float = 0.0):
    for position, (units, rate) in enumerate(zip(dense, dropout), start=1):
        x = layers.Dense(
            units,
            activation="relu",
            kernel_regularizer=keras.regularizers.L1L2(l1, l2) if l1 or l2 else None,
            bias_regularizer=keras.regularizers.L2(l2) if l2 else None,
        )(x)
        x = layers.BatchNormalization()(x) if position == len(dense) else x
        x = layers.Dropout(rate)(x) if rate else x
    return layers.Dense(num_classes, activation="softmax")(x)


def _check(dense: list[int]) -> None:
    if min(dense, default=1) < 1:
        raise ValueError(f"model_args: dense units must be at least 1, got {dense}")

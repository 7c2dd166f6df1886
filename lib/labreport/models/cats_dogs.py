"""The model of the cats-and-dogs assignment, for images of 256 x 256 pixels; pixels go in as they
are, 0..255.
"""

import keras
from keras import layers


def three_convolutions(image_shape, num_classes, *, head: str) -> keras.Model:
    """Three convolutions, one hidden dense layer, and one of two heads on top.

    head: `softmax` has one output unit a class; `sigmoid` has a single unit, the probability of the
    second of two classes, (N, 1). Nothing may stand behind it: Keras takes a loss from what goes
    into the sigmoid, and raw pixels saturate it at the start.
    """
    if head not in ("softmax", "sigmoid"):
        raise ValueError(f"model_args.head must be softmax or sigmoid, got {head!r}")
    if head == "sigmoid" and num_classes != 2:
        raise ValueError(
            f"model_args.head: sigmoid is for two classes, the data set has {num_classes}; choose"
            " softmax"
        )
    inputs = keras.Input(image_shape)
    x = inputs
    for filters in (10, 20, 40):
        x = layers.Conv2D(filters, 3, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    if head == "softmax":
        return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))

"""Losses by name. Labels are whole numbers here, class 0 to K - 1, never one-hot rows."""

import keras


def build(experiment) -> keras.losses.Loss:
    """A new loss as the experiment asks for."""
    return LOSSES[experiment.loss]()


def categorical_crossentropy():
    """Minus the logarithm of the true class's probability.

    Keras calls it sparse where labels are numbers: the same value as its categorical one on one-hot rows, with no rows to store.
    """
    return keras.losses.SparseCategoricalCrossentropy()


LOSSES = {
    "categorical_crossentropy": categorical_crossentropy,
}

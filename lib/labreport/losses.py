"""Losses by name. Labels are whole numbers here, class 0 to K - 1, never one-hot rows; a model always gives (N, K) probabilities."""

import keras


def build(experiment):
    """A new loss as the experiment asks for: a function of labels (N,) and probabilities (N, K), to their mean."""
    return LOSSES[experiment.loss]()


def categorical_crossentropy():
    """Minus the logarithm of the true class's probability.

    Keras calls it sparse where labels are numbers: the same value as its categorical one on one-hot rows, with no rows to store.
    """
    return keras.losses.SparseCategoricalCrossentropy()


def binary_crossentropy():
    """Of two classes, from the probability of the second one: what a single sigmoid output is trained with."""
    return _OnSecondClass(keras.losses.BinaryCrossentropy())


def mean_squared_error():
    """Squared distance of the probabilities from the one-hot row, mean over the classes (Brier, 1950, divided by K)."""
    return _OnOneHotRows(keras.losses.MeanSquaredError())


class _OnSecondClass(keras.losses.Loss):
    def __init__(self, loss):
        super().__init__(name=loss.name)
        self.loss = loss

    def call(self, labels, probabilities):
        if probabilities.shape[-1] != 2:
            raise ValueError(f"binary_crossentropy is for two classes, the model gives {probabilities.shape[-1]}; take categorical_crossentropy")
        return self.loss.call(keras.ops.cast(keras.ops.reshape(labels, (-1, 1)), probabilities.dtype), probabilities[:, 1:])


class _OnOneHotRows(keras.losses.Loss):
    def __init__(self, loss):
        super().__init__(name=loss.name)
        self.loss = loss

    def call(self, labels, probabilities):
        rows = keras.ops.one_hot(keras.ops.cast(keras.ops.reshape(labels, (-1,)), "int32"), probabilities.shape[-1], dtype=probabilities.dtype)
        return self.loss.call(rows, probabilities)


LOSSES = {
    "categorical_crossentropy": categorical_crossentropy,
    "sparse_categorical_crossentropy": categorical_crossentropy,  # the same loss by the name that some of the originals use
    "binary_crossentropy": binary_crossentropy,
    "mean_squared_error": mean_squared_error,
}

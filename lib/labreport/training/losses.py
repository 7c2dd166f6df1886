"""Losses by name. Labels are whole numbers here, class 0 to K - 1, never one-hot rows."""

import keras


def build(experiment):
    """A new loss as the experiment asks for: a function of labels (N,) and probabilities (N, K), or
    (N, 1) where the model has a single sigmoid.
    """
    return LOSSES[experiment.loss]()


def categorical_crossentropy():
    """Minus the logarithm of the true class's probability.

    Keras calls it sparse where labels are numbers: the same value as its categorical one on one-hot
    rows, with no rows to store.
    """
    return _Loss(
        "categorical_crossentropy",
        lambda labels, outputs: keras.ops.sparse_categorical_crossentropy(labels, outputs),
    )


def binary_crossentropy():
    """The same for a single sigmoid: minus the logarithm of p where the class is the second one, of
    1 - p where it is the first.
    """
    return _Loss(
        "binary_crossentropy",
        lambda labels, outputs: keras.ops.binary_crossentropy(
            keras.ops.cast(labels[:, None], outputs.dtype), outputs
        )[:, 0],
        sigmoid=True,
    )


def mean_squared_error():
    """Squared distance of the probabilities from the one-hot row, mean over the classes (Brier,
    1950, divided by K).
    """
    return _Loss(
        "mean_squared_error",
        lambda labels, outputs: keras.ops.mean(
            keras.ops.square(
                outputs
                - keras.ops.one_hot(
                    keras.ops.cast(labels, "int32"), outputs.shape[-1], dtype=outputs.dtype
                )
            ),
            axis=-1,
        ),
    )


class _Loss(keras.losses.Loss):
    """A loss an image, given the outputs themselves: what Keras knows of their logits is lost in
    any operation on them.
    """

    def __init__(self, name: str, of_each, sigmoid: bool = False):
        super().__init__(name=name)
        self.of_each, self.sigmoid = of_each, sigmoid

    def call(self, labels, outputs):
        if (outputs.shape[-1] == 1) != self.sigmoid:
            raise ValueError(
                f"the model has {outputs.shape[-1]}"
                f" output{'s' if outputs.shape[-1] > 1 else ' (a sigmoid)'}, which {self.name}"
                " does not support; use "
                + ("categorical_crossentropy" if self.sigmoid else "binary_crossentropy")
            )
        return self.of_each(keras.ops.reshape(labels, (-1,)), outputs)


LOSSES = {
    "categorical_crossentropy": categorical_crossentropy,
    # the same loss by the name that some of the originals use
    "sparse_categorical_crossentropy": categorical_crossentropy,
    "binary_crossentropy": binary_crossentropy,
    "mean_squared_error": mean_squared_error,
}

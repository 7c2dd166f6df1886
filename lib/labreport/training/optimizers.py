"""Optimizers by name, with the settings of a parameter file and Keras's defaults written out."""

import keras


def build(experiment) -> keras.optimizers.Optimizer:
    """A new optimizer as the experiment asks for."""
    return OPTIMIZERS[experiment.optimizer](**experiment.optimizer_args)  # type: ignore[operator]


def adam(
    *, learning_rate: float, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7
):
    """Kingma and Ba, Adam: A Method for Stochastic Optimization, 2014."""
    return keras.optimizers.Adam(learning_rate, beta_1=beta_1, beta_2=beta_2, epsilon=epsilon)


def rmsprop(
    *, learning_rate: float, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7
):
    """Tieleman and Hinton, Lecture 6.5 of Neural Networks for Machine Learning, 2012."""
    return keras.optimizers.RMSprop(learning_rate, rho=rho, momentum=momentum, epsilon=epsilon)


def adadelta(*, learning_rate: float, rho: float = 0.95, epsilon: float = 1e-7):
    """Zeiler, ADADELTA: An Adaptive Learning Rate Method, 2012."""
    return keras.optimizers.Adadelta(learning_rate, rho=rho, epsilon=epsilon)


def adagrad(*, learning_rate: float, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7):
    """Duchi, Hazan and Singer, Adaptive Subgradient Methods for Online Learning, 2011."""
    return keras.optimizers.Adagrad(
        learning_rate, initial_accumulator_value=initial_accumulator_value, epsilon=epsilon
    )


def sgd(*, learning_rate: float, momentum: float = 0.0):
    """Stochastic gradient descent, with momentum where one is given."""
    return keras.optimizers.SGD(learning_rate, momentum=momentum)


OPTIMIZERS = {
    "adam": adam,
    "rmsprop": rmsprop,
    "adadelta": adadelta,
    "adagrad": adagrad,
    "sgd": sgd,
}

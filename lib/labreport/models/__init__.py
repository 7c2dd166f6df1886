"""Models by name: functions from (image_shape, num_classes, settings) to a Keras model that eats raw pixels 0..255."""

import math

import keras

from . import cifar10


def build(experiment, image_shape: tuple[int, int, int], num_classes: int) -> keras.Model:
    """The experiment's model, with new random weights; returns probabilities (N, num_classes) for pixels (N, H, W, 3)."""
    return MODELS[experiment.model](image_shape, num_classes, **experiment.model_args)


def summary(model: keras.Model) -> list[dict]:
    """The architecture as rows: layer (its kind), settings, output shape and parameters."""
    return [{"Layer": type(layer).__name__, "Settings": _settings(layer), "Output": " x ".join(map(str, layer.output.shape[1:])),
             "Parameters": layer.count_params()} for layer in model.layers]


def parameters(model: keras.Model) -> tuple[int, int]:
    """Number of parameters, total and trainable."""
    return model.count_params(), sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _settings(layer) -> str:
    config = layer.get_config()
    parts = []
    if "filters" in config:
        parts.append(f"{config['filters']} filters")
    if "kernel_size" in config:
        parts.append(" x ".join(map(str, config["kernel_size"])))
    if "pool_size" in config:
        parts.append(" x ".join(map(str, config["pool_size"])))
    if config.get("strides") not in (None, (1, 1), config.get("pool_size")):
        parts.append("stride " + " x ".join(map(str, config["strides"])))
    if "padding" in config:
        parts.append(config["padding"])
    if config.get("activation") not in (None, "linear"):
        parts.append(config["activation"])
    if getattr(layer, "kernel_regularizer", None) is not None:
        parts.append("L2 " + format(float(layer.kernel_regularizer.l2), "g"))
    if "rate" in config:
        parts.append(f"rate {config['rate']:g}")
    if "scale" in config:
        parts.append(f"x {config['scale']:.6g}")
    return ", ".join(parts)


MODELS = {
    "cifar10_naive": cifar10.naive,
    "cifar10_five_convolutions": cifar10.five_convolutions,
    "cifar10_batchnorm": cifar10.batchnorm,
    "cifar10_blocks": cifar10.blocks,
}

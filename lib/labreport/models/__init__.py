"""Models by name: functions from (image_shape, num_classes, settings) to a Keras model that eats
raw pixels 0..255.
"""

import math
from dataclasses import replace

import keras

from ..core.i18n import N_, _, plain
from . import cats_dogs, cifar10, dog_breeds, flowers
from .backbones import frozen_part
from .layer_graph import graph, inputs_of, shapes, trained_part

__all__ = [
    "MODELS",
    "build",
    "frozen_part",
    "graph",
    "output_names",
    "parameters",
    "refuse_other_shapes",
    "summary",
]


def build(experiment, image_shape: tuple[int, ...], num_classes: int) -> keras.Model:
    """The experiment's model, new; returns probabilities (N, num_classes) for pixels (N, H, W, 3),
    a dict of them where it has several outputs.

    Weights are random but those of a pretrained backbone. Raises ValueError where its settings make
    no model for such images.
    """
    try:
        return MODELS[experiment.model](image_shape, num_classes, **experiment.model_args)  # type: ignore[operator]
    except ConnectionError:
        raise
    except Exception as error:
        # Keras and its backend raise of all kinds: maps that shrink to nothing, too little memory
        if (
            isinstance(error, ValueError)
            and "\n" not in str(error)
            and str(error).startswith(("model_args", "data", "/"))
        ):
            raise  # ours, which says what to change
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        size = " x ".join(map(str, image_shape[:2]))
        raise ValueError(
            f"model_args: {experiment.model} cannot be built with these settings for images of"
            f" {size} pixels ({first[:200]}); see `python pipeline.py show {experiment.name}`"
        ) from error


def refuse_other_shapes(experiment, base, image_shape: tuple[int, ...], num_classes: int) -> None:
    """Raise ValueError where the weights of `base` cannot fit the model of `experiment`, which
    starts from it.

    Both are built with random weights, so nothing has to be trained or downloaded before.
    """
    shapes = []
    for one in (experiment, base):
        known = {"weights": "random"} if "weights" in one.model_args else {}
        model = build(replace(one, model_args=one.model_args | known), image_shape, num_classes)
        shapes.append([tuple(weight.shape) for weight in model.weights])
    if shapes[0] != shapes[1]:
        pairs = (f"{here} against {there}" for here, there in zip(*shapes) if here != there)
        first = next(pairs, f"{len(shapes[0])} against {len(shapes[1])} arrays")
        raise ValueError(
            f"{experiment.name} starts from {base.run_name}, whose weights have other shapes"
            f" (first: {first}); starts_from must name an experiment with the same backbone and"
            " head"
        )


def summary(model: keras.Model) -> list[dict]:
    """The architecture as rows: layer (its kind, or a backbone's name), settings, output shape and
    parameters.

    Where a network has branches, its layers are numbered, and each row says which layers feed it.
    """
    several = len(model.outputs) > 1
    before = inputs_of(model)
    numbers = {layer.name: number for number, layer in enumerate(model.layers, 1)}
    branched = any(
        before[layer.name] != [previous.name]
        for previous, layer in zip(model.layers, model.layers[1:])
    )
    return [
        ({N_("No."): numbers[layer.name]} if branched else {})
        | {
            N_("Layer"): layer.name if isinstance(layer, keras.Model) else type(layer).__name__,
            N_("Settings"): (
                _settings(layer)
                + (
                    _(", output {name}", name=layer.name)
                    if several and layer.name in model.output_names
                    else ""
                )
            ),
        }
        | (
            {N_("Input from"): ", ".join(str(numbers[name]) for name in before[layer.name]) or "–"}
            if branched
            else {}
        )
        | {N_("Output"): shapes(layer), N_("Parameters"): layer.count_params()}
        for layer in model.layers
    ]


def output_names(model: keras.Model) -> tuple[str, ...]:
    """Names of the outputs of a model that has several; the first one counts."""
    return tuple(model.output) if isinstance(model.output, dict) else ()


def parameters(model: keras.Model) -> tuple[int, int]:
    """Number of parameters, total and trainable."""
    return model.count_params(), sum(math.prod(weight.shape) for weight in model.trainable_weights)


def _fraction(scale: float) -> str:
    """A factor as it is written: 1/255, and not 0.00392157."""
    inverse = 1 / scale if scale else 0.0
    divisor = round(inverse, 6)
    return f"1/{plain(divisor)}" if divisor > 1 and abs(inverse - divisor) < 1e-9 else plain(scale)


def _settings(layer) -> str:
    if isinstance(layer, keras.Model):
        trained, weighted = trained_part(layer)
        if trained:
            return _(
                "{trained} of {layers} layers with weights trained",
                trained=trained,
                layers=weighted,
            )
        return _("frozen, {layers} layers with weights", layers=weighted)
    config = layer.get_config()
    parts = []
    if "filters" in config:
        parts.append(_("{number} filters", number=config["filters"]))
    if "kernel_size" in config:
        parts.append(" x ".join(map(str, config["kernel_size"])))
    if "pool_size" in config:
        parts.append(" x ".join(map(str, config["pool_size"])))
    if config.get("strides") not in (None, config.get("pool_size", (1, 1))):
        parts.append(_("stride {step}", step=" x ".join(map(str, config["strides"]))))
    if "padding" in config:
        parts.append(str(config["padding"]))  # of ZeroPadding2D, numbers
    if config.get("activation") not in (None, "linear"):
        parts.append(config["activation"])
    parts += _penalties(getattr(layer, "kernel_regularizer", None)) + [
        _("bias {penalty}", penalty=penalty)
        for penalty in _penalties(getattr(layer, "bias_regularizer", None))
    ]
    if "rate" in config:
        parts.append(_("rate {rate}", rate=plain(config["rate"])))
    if isinstance(layer, keras.layers.Rescaling):
        parts.append(
            f"x {_fraction(layer.scale)}"
            + (
                f" {'-' if layer.offset < 0 else '+'} {plain(abs(layer.offset))}"
                if layer.offset
                else ""
            )
        )
    if isinstance(layer.input, list | tuple) and len(layer.input) > 1:
        parts.append(_("{number} inputs", number=len(layer.input)))
    return ", ".join(parts)


def _penalties(regularizer) -> list[str]:
    weights = {kind: float(getattr(regularizer, kind.lower(), 0.0)) for kind in ("L1", "L2")}
    return [f"{kind} {plain(weight)}" for kind, weight in weights.items() if weight]


MODELS = {
    "cifar10_naive": cifar10.naive,
    "cifar10_five_convolutions": cifar10.five_convolutions,
    "cifar10_batchnorm": cifar10.batchnorm,
    "cifar10_blocks": cifar10.blocks,
    "cats_dogs": cats_dogs.three_convolutions,
    "flowers_stacked": flowers.stacked,
    "flowers_alexnet": flowers.alexnet,
    "flowers_vgg16": flowers.vgg16,
    "flowers_vgg16_keras": flowers.vgg16_keras,
    "flowers_googlenet": flowers.googlenet,
    "dog_breeds_stacked": dog_breeds.stacked,
    "dog_breeds_residual": dog_breeds.residual,
    "dog_breeds_transfer": dog_breeds.transfer,
}

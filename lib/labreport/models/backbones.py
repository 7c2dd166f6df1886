"""Backbones from keras.applications: with ImageNet weights, frozen or trainable from a layer on,
and cut off where they are frozen.
"""

import difflib
import re

import keras
from keras import layers

from ..config import pretrained
from ..core import paths


def maps(inputs, name: str, alpha: float, weights: str, trainable_from: str | None):
    """The backbone's last feature maps of raw pixels 0..255 (N, H, W, 3), which are scaled to -1..1
    as it was trained on.

    The backbone is one layer, a keras.Model called `name`. What is frozen of it runs in inference
    mode, since Keras lets a BatchNormalization that is not trainable use the statistics it has;
    what is fine-tuned learns new ones, as in the published experiments. Raises ConnectionError
    where ImageNet weights are neither here nor to be downloaded, ValueError where the file does not
    fit.
    """
    model_args = {"backbone": name, "alpha": alpha, "weights": weights}
    pretrained.check(model_args)
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    backbone = _weighted(model_args, tuple(inputs.shape[1:]))
    _set_trainable(backbone, trainable_from)
    return backbone(x)


def frozen_part(model: keras.Model) -> tuple[keras.Model, keras.Model] | None:
    """(extractor, head) of a model that holds a wholly frozen backbone, None for every other model.

    The extractor goes from raw pixels to features: through the backbone and the layers after it
    that neither learn nor draw at random. The head goes from there to probabilities. Both are made
    of the model's own layers: head(extractor(x)) is model(x), and to train the head is to train the
    model.
    """
    position = next(
        (
            index
            for index, layer in enumerate(model.layers)
            if isinstance(layer, keras.Model) and layer.weights and not layer.trainable_weights
        ),
        None,
    )
    if position is None:
        return None
    # Variables are weights, and the state of what draws at random (Dropout).
    first_of_head = next(layer for layer in model.layers[position + 1 :] if layer.variables)
    features = first_of_head.input
    return keras.Model(model.inputs[0], features, name="extractor"), keras.Model(
        features, model.outputs[0], name="head"
    )


def _weighted(model_args: dict, image_shape) -> keras.Model:
    if model_args["weights"] == "random":
        return _architecture(model_args, image_shape, None)
    file = pretrained.find(model_args, image_shape[0])
    if file is None:
        return _downloaded(model_args, image_shape)
    backbone = _architecture(model_args, image_shape, None)
    try:
        backbone.load_weights(file)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        # h5py and Keras know many ways to say so
        raise ValueError(
            f"{paths.display(file)} does not hold the weights of {_described(model_args)}"
            f" ({_first_line(error)}); remove it, or replace it by a complete"
            f" {pretrained.file_name(model_args, image_shape[0])}"
        ) from error
    return backbone


def _downloaded(model_args: dict, image_shape) -> keras.Model:
    try:
        return _architecture(model_args, image_shape, "imagenet")
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise ConnectionError(
            f"the ImageNet weights of {_described(model_args)} are missing, and downloading them"
            f" failed ({_first_line(error)}). Put"
            f" {pretrained.file_name(model_args, image_shape[0])} into"
            f" {paths.display(pretrained.folder())}, or choose random weights:"
            " model_args.weights=random"
        ) from error


def _architecture(model_args: dict, image_shape, weights: str | None) -> keras.Model:
    settings = {
        "include_top": False,
        "weights": weights,
        "input_shape": image_shape,
        "name": model_args["backbone"],
    }
    if model_args["backbone"] == "inception_v3":
        return keras.applications.InceptionV3(**settings)
    return keras.applications.MobileNetV2(alpha=model_args["alpha"], **settings)


def _set_trainable(backbone: keras.Model, trainable_from: str | None) -> None:
    if trainable_from is None:
        backbone.trainable = False
        return
    names = _names(backbone)
    if trainable_from not in names:
        nearest = ", ".join(difflib.get_close_matches(trainable_from, names, n=3, cutoff=0.0))
        raise ValueError(
            f"model_args.trainable_from: {backbone.name} has no layer {trainable_from!r}; nearest"
            f" are {nearest}; null freezes all layers"
        )
    for position, layer in enumerate(backbone.layers):
        layer.trainable = position >= names.index(trainable_from)


def _names(backbone: keras.Model) -> list[str]:
    """The layers' names as in a process that has built nothing before.

    Keras numbers layers without a name of their own through the whole process: the last convolution
    of InceptionV3 is conv2d_93 in the first model and conv2d_187 in the second. Counting from the
    backbone's first layer of that kind undoes it.
    """
    parts = [
        re.fullmatch(r"(.+?)(?:_(\d+))?", layer.name).groups(default="0")  # type: ignore[union-attr]
        for layer in backbone.layers
    ]
    automatic = [
        kind.replace("_", "") == type(layer).__name__.lower()
        for layer, (kind, _) in zip(backbone.layers, parts)
    ]
    first: dict[str, int] = {}
    for (kind, number), counted in zip(parts, automatic):
        if counted:
            first[kind] = min(int(number), first.get(kind, int(number)))
    return [
        (
            layer.name
            if not counted
            else kind + (f"_{int(number) - first[kind]}" if int(number) > first[kind] else "")
        )
        for layer, (kind, number), counted in zip(backbone.layers, parts, automatic)
    ]


def _described(model_args: dict) -> str:
    return model_args["backbone"] + (
        f", alpha {model_args['alpha']:g}" if model_args["backbone"] == "mobilenet_v2" else ""
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:120]

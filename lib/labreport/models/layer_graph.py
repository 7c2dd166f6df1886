"""A network as plain data: its layers, and which of them feed which."""

import keras

from ..core.i18n import _, plain

_PROBABILITIES = ("softmax", "sigmoid")


def graph(model: keras.Model) -> list[dict]:
    """The layers in their order, as a picture of the network takes them.

    A row has name, kind (the class of the layer; `Model` for a backbone), words (what it is, in a
    few words, a line for each item), shape (of its output, without the batch), inputs (names of
    layers), output (its name where the network has several outputs, else empty), evaluated (whether
    that is the output that counts) and settings (those of the layer that commentary explains).
    """
    output = getattr(model, "output", None)  # a Sequential one that was never called has none
    counts = next(iter(output), "") if isinstance(output, dict) else ""
    before = inputs_of(model)
    outputs = model.output_names if len(model.outputs) > 1 else []
    return [
        {
            "name": layer.name,
            "kind": "Model" if isinstance(layer, keras.Model) else type(layer).__name__,
            "words": _words(layer),
            "shape": shapes(layer),
            "inputs": before[layer.name],
            "output": layer.name if layer.name in outputs else "",
            "evaluated": layer.name == counts,
            "settings": _settings(layer),
        }
        for layer in model.layers
    ]


def inputs_of(model: keras.Model) -> dict[str, list[str]]:
    """Name of each layer -> names of the layers that feed it, in their order."""
    names = [layer.name for layer in model.layers]
    if isinstance(model, keras.Sequential):
        return dict(zip(names, [[], *([name] for name in names)]))
    # A layer's own `input` is, of a backbone, that inside of it: the configuration tells of both.
    found = {layer["name"]: layer["inbound_nodes"] for layer in model.get_config()["layers"]}
    return {name: list(dict.fromkeys(_sources(found[name]))) for name in names}


def shapes(layer) -> str:
    """Shape of a layer's output without the batch: 32 x 32 x 3."""
    return ", ".join(
        " x ".join(map(str, tensor.shape[1:])) for tensor in keras.tree.flatten(layer.output)
    )


def trained_part(backbone: keras.Model) -> tuple[int, int]:
    """How many of its layers with weights are trained, and how many there are."""
    weighted = [part for part in backbone.layers if part.weights]
    return sum(bool(part.trainable_weights) for part in weighted), len(weighted)


def _sources(config):
    """Names of layers in the serialised arguments of a call."""
    if isinstance(config, dict):
        if "keras_history" in config:
            yield config["keras_history"][0]
            return
        config = list(config.values())
    if isinstance(config, list | tuple):
        for part in config:
            yield from _sources(part)


def _words(layer) -> list[str]:
    if isinstance(layer, keras.Model):
        trained, weighted = trained_part(layer)
        return [
            layer.name,
            _("{layers} layers with weights", layers=weighted),
            _("{trained} of them trained", trained=trained) if trained else _("frozen"),
        ]
    if isinstance(layer, keras.layers.InputLayer):
        return [_("Input")]
    config = layer.get_config()
    size = config.get("kernel_size") or config.get("pool_size") or ()
    parts = [" x ".join(map(str, _sides(size)))] if size else []
    parts += [str(config[name]) for name in ("filters", "units") if name in config]
    strides = _sides(config.get("strides") or ())
    if strides and strides != (_sides(size) if "pool_size" in config else (1,) * len(strides)):
        same = len(set(strides)) == 1
        step = str(strides[0]) if same else " x ".join(map(str, strides))
        parts.append(_("stride {step}", step=step))
    if "rate" in config:
        parts.append(plain(config["rate"]))
    activation = config.get("activation")
    if type(layer).__name__ == "Activation" or activation in _PROBABILITIES:
        parts.append(str(activation))
    return [" ".join(filter(None, [type(layer).__name__, ", ".join(parts)]))]


def _settings(layer) -> dict:
    """window and strides (height, width), padding, activation, scale and offset, penalties (L1,
    L2), and of a backbone how many of its layers are trained; those that the layer has.
    """
    if isinstance(layer, keras.Model):
        return {"trained": trained_part(layer)[0]}
    config = layer.get_config()
    names = ("padding", "activation", "scale", "offset", "dilation_rate")
    settings = {name: config[name] for name in names if config.get(name) is not None}
    settings["window"] = _sides(config.get("kernel_size") or config.get("pool_size") or ())
    settings["strides"] = _sides(config.get("strides") or ())
    regularizer = getattr(layer, "kernel_regularizer", None)
    kinds = [kind for kind in ("L1", "L2") if float(getattr(regularizer, kind.lower(), 0) or 0)]
    return {name: value for name, value in (settings | {"penalties": kinds}).items() if value}


def _sides(size) -> tuple[int, ...]:
    return tuple(size) if isinstance(size, list | tuple) else (size,)

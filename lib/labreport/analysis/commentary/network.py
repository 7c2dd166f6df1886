"""The size of a network, and how an experiment trains it."""

import json

from ...config import experiments
from ...core.i18n import _, count, plain, whole

__all__ = ["layers", "training_settings", "all_settings"]


def layers(parameters: int, trainable: int) -> str:
    """Caption of the table of a network's layers."""
    if trainable == parameters:
        return _("Layers of the network: {parameters} parameters.", parameters=whole(parameters))
    return _(
        "Layers of the network: {parameters} parameters, {trainable} of them trainable.",
        parameters=whole(parameters),
        trainable=whole(trainable),
    )


def training_settings(experiment) -> list[dict]:
    """How the experiment trains, as rows of a setting and its value."""
    stopping = experiment.early_stopping
    if stopping["patience"] is None:
        stops = _("none; best epoch selected by {monitor}", monitor=stopping["monitor"])
    else:
        stops = _(
            "after {epochs} without improvement in {monitor}",
            epochs=count(stopping["patience"], "epoch"),
            monitor=stopping["monitor"],
        )
        if stopping["min_delta"]:
            stops += _(" (by more than {least})", least=plain(stopping["min_delta"]))
        if stopping["start_from_epoch"]:
            stops += _(", counted from epoch {epoch} on", epoch=stopping["start_from_epoch"] + 1)
    losses = {
        "categorical_crossentropy": _("categorical cross-entropy"),
        "sparse_categorical_crossentropy": _("sparse categorical cross-entropy"),
        "binary_crossentropy": _("binary cross-entropy"),
        "mean_squared_error": _("mean squared error"),
    }
    rows = {
        _("Optimizer"): f"{experiment.optimizer} ({_listed(experiment.optimizer_args)})",
        _("Loss"): losses.get(experiment.loss, experiment.loss.replace("_", " ")),
        _("Batch size"): experiment.batch_size,
        _("Epochs"): experiment.epochs,
        _("Early stopping"): stops,
        _("Augmentation"): _listed(experiment.augmentation) or _("none"),
        _("Starts from"): experiment.starts_from or _first_weights(experiment),
        _("Seed"): str(experiment.seed),  # a name, and no quantity: without a thousands separator
        _("Seed of the splits"): str(experiment.split_seed),
    }
    return [{_("Setting"): key, _("Value"): value} for key, value in rows.items()]


def _first_weights(experiment) -> str:
    if experiment.model_args.get("weights") == "imagenet":
        return _("ImageNet weights in the backbone, new ones in the head")
    return _("new weights")


def all_settings(experiment) -> list[dict]:
    """All settings that the run was made with, as rows of a setting, by the name that it has in a
    parameter file, and its value.
    """
    flat = experiments.flatten(experiment.settings())
    return [
        {
            _("Setting"): key,
            _("Value"): _value(value)
            + (_(" (not as in the parameter file)") if key in experiment.changes else ""),
        }
        for key, value in flat.items()
        if key.partition(".")[0] not in experiments.DESCRIPTION
    ]


def _value(value) -> str:
    """As a parameter file has it, so that it can be typed again."""
    return value if isinstance(value, str) else json.dumps(value)


def _listed(values: dict) -> str:
    """Settings in one line, by their own names."""
    known = {
        "learning_rate": _("learning rate"),
        "horizontal_flip": _("horizontal flip"),
        "vertical_flip": _("vertical flip"),
        "rotation_degrees": _("rotation"),
        "width_shift_fraction": _("width shift"),
        "height_shift_fraction": _("height shift"),
        "zoom_fraction": _("zoom"),
        "fill": _("fill"),
    }

    def words(key, value):
        name = known.get(key, key.replace("_", " "))
        for unit, sign in (("_degrees", "°"), ("_fraction", "")):
            if key.endswith(unit):
                return _("{name} up to {value}", name=name, value=f"{plain(value)}{sign}")
        return (
            name if value is True else f"{name} {value if isinstance(value, str) else plain(value)}"
        )

    return ", ".join(words(key, value) for key, value in values.items() if value)

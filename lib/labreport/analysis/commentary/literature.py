"""The publications behind the architecture and the optimizer of an experiment.

A key such as [@kingma2015] stands for an entry of `reporting/references.bib`.
"""

from ...core.i18n import N_, _

__all__ = ["architecture"]

OPTIMIZERS = {
    "adam": "Adam [@kingma2015]",
    "rmsprop": "RMSprop [@tieleman2012]",
    "adadelta": "Adadelta [@zeiler2012]",
    "adagrad": "Adagrad [@duchi2011]",
    "sgd": N_("stochastic gradient descent [@robbins1951]"),
}
BACKBONES = {
    "mobilenet_v2": "MobileNetV2 [@sandler2018]",
    "inception_v3": "Inception v3 [@szegedy2016]",
}
MODELS = {
    "flowers_alexnet": "AlexNet [@krizhevsky2012]",
    "flowers_vgg16": "VGG-16 [@simonyan2015]",
    "flowers_vgg16_keras": "VGG-16 [@simonyan2015]",
    "flowers_googlenet": "GoogLeNet [@szegedy2015]",
    "dog_breeds_residual": N_("residual networks [@he2016]"),
}


def architecture(experiment) -> str:
    """What the network is based on; nothing where that is no published architecture."""
    found = MODELS.get(experiment.model) or BACKBONES.get(experiment.model_args.get("backbone", ""))
    return _("The network is based on {architecture}.", architecture=_(found)) if found else ""


def optimizer(experiment) -> str:
    """What minimises the loss; nothing of an optimizer that is not known here."""
    found = OPTIMIZERS.get(experiment.optimizer)
    return _("The optimizer is {optimizer}.", optimizer=_(found)) if found else ""


def optimizer_name(experiment) -> str:
    """What the optimizer is called, without its publication."""
    found = OPTIMIZERS.get(experiment.optimizer, experiment.optimizer)
    return _(found).partition(" [@")[0]

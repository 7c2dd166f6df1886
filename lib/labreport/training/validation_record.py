"""What the network of an epoch makes of each validation image."""

import keras
import numpy as np

from ..runs.validation import Validation, with_epoch
from . import losses
from .loop import Trainable


def begun(dataset) -> Validation:
    """A record without epochs."""
    count = len(dataset.validation)
    return Validation(np.asarray(dataset.validation.ids, str), np.empty((0, count), bool), None)


def extended(record: Validation, experiment, dataset, network: Trainable) -> Validation:
    """The record with the epoch that the network is at. It only looks: no weight and no seed of the
    training changes.
    """
    labels = np.asarray(dataset.validation.labels)
    found = network.trained.predict(network.validation, verbose=0)
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    first = outputs[0]  # of several outputs the first one's accuracy counts
    predicted = first[:, 0] > 0.5 if first.shape[1] == 1 else first.argmax(axis=1)
    loss = None
    if experiment.early_stopping["monitor"] == "val_loss":
        of_each = losses.build(experiment)
        loss = np.sum(
            [keras.ops.convert_to_numpy(of_each.call(labels, output)) for output in outputs], axis=0
        )
    return with_epoch(record, predicted == labels, loss)

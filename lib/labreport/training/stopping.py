"""When a training stops, and which epoch is its best: pure functions of the history."""

import math

import numpy as np


def stops(
    values: list[float], monitor: str, patience: int | None, min_delta: float, start_from_epoch: int
) -> bool:
    """Whether training ends after these epochs: `patience` epochs in a row without improving on the
    best by more than min_delta.

    values: of the monitored column, from epoch 1 on. The first start_from_epoch epochs do not
    count. A pure function of the history, equal to keras.callbacks.EarlyStopping.
    """
    if patience is None:
        return False
    sign = 1 if monitor == "val_accuracy" else -1
    best, waited = -math.inf, 0
    for value in values[start_from_epoch:]:
        if sign * value - min_delta > best:
            best, waited = sign * value, 0
        else:
            waited += 1
    return waited >= patience and len(values) > 1


def best_epoch(values: list[float], monitor: str) -> int:
    """The epoch, counting from 1, with the best value; the first of equal ones."""
    return int(np.argmax(values) if monitor == "val_accuracy" else np.argmin(values)) + 1

"""What saving a training after each epoch costs: the seconds of a checkpoint beside the seconds of
an epoch, taken in turns. `make bench` runs it.

The steps of an epoch are measured on random images, BATCHES at a time, and counted up to the
epoch's number of images.
"""

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
BATCHES, TURNS = 4, 5
IMAGES = {
    "cifar10_naive_adam": 45_000,
    "cifar10_l2_dropout": 45_000,
    "flowers_tuned_gap": 3_453,
    "flowers_alexnet_adam": 3_453,
}


def cost(name: str) -> tuple[float, float, float]:
    """(megabytes of a checkpoint, its seconds, seconds of an epoch), the medians of the turns."""
    import keras
    import numpy as np

    from labreport import datasets, models
    from labreport.config import experiments
    from labreport.runs import provenance
    from labreport.training import backend, optimizers
    from labreport.training.training_state import TrainingState

    experiment = experiments.load(name)
    shape, classes = datasets.shape(experiment)
    model = models.build(experiment, shape, classes)
    model.compile(
        optimizer=optimizers.build(experiment), loss=keras.losses.SparseCategoricalCrossentropy()
    )
    model.optimizer.build(model.trainable_variables)
    images = np.random.default_rng(0).integers(
        0, 256, (BATCHES * experiment.batch_size, *shape), dtype=np.uint8
    )
    labels = np.arange(len(images)) % classes
    saving, training = [], []
    with tempfile.TemporaryDirectory() as folder:
        state = TrainingState(
            model, Path(folder), {}, "val_loss", sessions=[provenance.session(backend.describe())]
        )
        for turn in range(TURNS + 1):
            started = time.perf_counter()
            model.fit(images, labels, batch_size=experiment.batch_size, verbose=0)
            training.append((time.perf_counter() - started) * IMAGES[name] / len(images))
            # the best epoch is an earlier one, so its weights are saved too
            state.rows.append({"val_loss": 1.0 if turn == 0 else 2.0})
            state.seconds.append(0.0)
            if turn == 0:
                state.best_weights = model.get_weights()
            started = time.perf_counter()
            state.save()
            saving.append(time.perf_counter() - started)
        size = max(path.stat().st_size for path in Path(folder).iterdir())
    return (
        size / 1e6,
        statistics.median(saving[1:]),
        statistics.median(training[1:]),
    )  # the first turn compiles


def main():
    print(f"{'a checkpoint of':<24}{'MB':>8}{'seconds':>10}{'of an epoch of':>16}{'share':>9}")
    for name in IMAGES:
        size, saving, training = cost(name)
        print(
            f"{name:<24}{size:>8.1f}{saving:>10.3f}{training:>14.1f} s{saving / training:>9.2%}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())

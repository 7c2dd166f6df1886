"""Training: `fit` trains an experiment, evaluates its best epoch on the test split, once, and writes down what came of it."""

import datetime
import math
import shutil
import time
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from . import augmentation, backend, files, losses, models, optimizers, provenance, results
from .wording import count, duration

EVALUATION_BATCH = 250


def fit(experiment, dataset, progress: Callable[[str], None] = print) -> results.Result:
    """Train as the experiment says, or return the Result of the finished run with the same training identity at once.

    Writes into the experiment's run folder: history.csv after each epoch (below `unfinished/` until all is done), then
    predictions.csv, model.keras and, last, metrics.json. A finished run is replaced only by a finished one.
    Raises FloatingPointError when the loss is no longer finite.
    """
    folder = experiment.folder
    folder.mkdir(parents=True, exist_ok=True)
    with files.lock(folder / ".training.lock", experiment.run_name):
        identity = provenance.training_identity(experiment, dataset.fingerprint)
        unfinished = folder / "unfinished"
        if (unfinished / results.METRICS).exists():  # complete, and stopped while moving into place
            _publish(unfinished, folder)
        earlier = results.finished(folder)
        if earlier:
            reasons = provenance.differences(earlier["identity"], identity)
            if not reasons:
                progress(f"{experiment.run_name} is trained already ({earlier['finished']}): settings, data, source and versions are the same")
                return results.load(folder)
            progress(f"training again: {'; '.join(reasons)}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        _train(experiment, dataset, identity, unfinished, progress)
        _publish(unfinished, folder)
        return results.load(folder)


def stops(values: list[float], monitor: str, patience: int | None, min_delta: float, start_from_epoch: int) -> bool:
    """Whether training ends after these epochs: `patience` epochs in a row without improving on the best by more than min_delta.

    values: of the monitored column, from epoch 1 on. The first start_from_epoch epochs do not count. A pure function of the
    history, equal to keras.callbacks.EarlyStopping.
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


class Epoch(keras.utils.PyDataset):
    """The batches of one epoch, in an order that is a pure function of (seed, epoch), augmented likewise."""

    def __init__(self, split, batch_size: int, seed: int, epoch: int, augment=None):
        super().__init__()
        self.split, self.batch_size, self.augment = split, batch_size, augment
        self.order = np.random.default_rng([seed, epoch]).permutation(len(split))
        self.matrices = augment.transformations(seed, epoch, len(split)) if augment else None

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int):
        """Images uint8 (B, H, W, 3) and labels int32 (B,)."""
        positions = self.order[index * self.batch_size:(index + 1) * self.batch_size]
        images = self.split.images[positions]
        if self.augment:
            images = self.augment.apply(images, self.matrices[positions])
        return images, self.split.labels[positions]


def augmented_examples(experiment, dataset, first: int = 10) -> tuple[np.ndarray, list[str]]:
    """The first training images as they are, then the same as epoch 1 augments them: images (2 * first, H, W, 3) and titles."""
    augment = augmentation.build(experiment)
    images = dataset.train.images[:first]
    matrices = augment.transformations(experiment.seed, 1, len(dataset.train))[:first]
    names = [dataset.class_names[label] for label in dataset.train.labels[:first]]
    return np.concatenate([images, augment.apply(images, matrices)]), names + ["augmented"] + [""] * (len(names) - 1)


def _train(experiment, dataset, identity: dict, folder, progress) -> None:
    backend.prepare()
    keras.utils.clear_session()  # layers are named the same, however many models the notebook has built before
    keras.utils.set_random_seed(experiment.seed)
    model = models.build(experiment, dataset.image_shape, len(dataset.class_names))
    model.compile(optimizer=optimizers.build(experiment), loss=losses.build(experiment),
                  metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")])
    total, trainable = models.parameters(model)
    augment = augmentation.build(experiment)
    stopping = experiment.early_stopping
    monitor = stopping["monitor"]
    validation = (dataset.validation.images, dataset.validation.labels)

    progress(f"training {experiment.run_name}: {count(len(dataset.train), 'image')}, {count(total, 'parameter')}, at most {count(experiment.epochs, 'epoch')}")
    rows, seconds, best_weights = [], [], None
    for epoch in range(1, experiment.epochs + 1):
        started = time.perf_counter()
        batches = Epoch(dataset.train, experiment.batch_size, experiment.seed, epoch, augment)
        # One call of Keras's fit an epoch: what an epoch sees can then depend on nothing but its number.
        logs = model.fit(batches, validation_data=validation, validation_batch_size=EVALUATION_BATCH, initial_epoch=epoch - 1, epochs=epoch,
                         shuffle=False, verbose=0).history
        row = {"epoch": epoch} | {key: values[0] for key, values in logs.items()}
        if not all(math.isfinite(value) for value in row.values()):
            raise FloatingPointError(f"the loss is no longer finite in epoch {epoch} (loss {row['loss']}, val_loss {row['val_loss']}): "
                                     f"try a smaller learning rate than {experiment.optimizer_args.get('learning_rate')}")
        rows.append(row)
        seconds.append(time.perf_counter() - started)
        results.write_csv(pd.DataFrame(rows), folder / results.HISTORY)
        watched = [row[monitor] for row in rows]
        if best_epoch(watched, monitor) == epoch:
            best_weights = model.get_weights()
        progress(_line(experiment.epochs, row, seconds))
        if stops(watched, **stopping):
            progress(f"stopped early: {monitor} has not improved for {count(stopping['patience'], 'epoch')}")
            break

    best = best_epoch(watched, monitor)
    model.set_weights(best_weights)
    probabilities, test_loss = _evaluate(model, dataset.test)
    table = results.prediction_table(dataset.test, probabilities, dataset.class_names)
    results.write_csv(table, folder / results.PREDICTIONS)
    without_optimizer = keras.Model(model.inputs, model.outputs, name=model.name)  # a third of the size
    files.replace(folder / results.MODEL, lambda path: without_optimizer.save(path))
    files.write_json(folder / results.METRICS, {
        "experiment": experiment.name, "run": experiment.run_name, "data": experiment.data, "changes": experiment.changes,
        "test_accuracy": float((table["label"] == table["predicted"]).mean()), "test_loss": test_loss,
        "validation_accuracy": rows[best - 1]["val_accuracy"], "validation_loss": rows[best - 1]["val_loss"],
        "train_accuracy": rows[best - 1]["accuracy"], "train_loss": rows[best - 1]["loss"],
        "best_epoch": best, "epochs": len(rows), "stopped_early": len(rows) < experiment.epochs,
        "total_parameters": total, "trainable_parameters": trainable,
        "seconds": sum(seconds), "seconds_per_epoch": seconds, "finished": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": {"name": dataset.name, "class_names": dataset.class_names, "fingerprint": dataset.fingerprint, "notes": dataset.notes,
                    "images": {name: len(split) for name, split in dataset.splits.items()}},
        "identity": identity,
        "provenance": provenance.machine() | backend.describe() | {"versions": provenance.versions(keras.backend.backend(), "keras", "numpy", "opencv-python", "labreport")},
    })


def _evaluate(model, split) -> tuple[np.ndarray, float]:
    """Probabilities float32 (N, K), and the loss as Keras reports it: the mean over the images plus the weights' penalties."""
    probabilities = model.predict(split.images, batch_size=EVALUATION_BATCH, verbose=0)
    penalties = sum(float(keras.ops.convert_to_numpy(penalty)) for penalty in model.losses)
    return probabilities, float(keras.ops.convert_to_numpy(model.loss(split.labels, probabilities))) + penalties


def _publish(unfinished, folder) -> None:
    """Move a complete training into place; stopped half-way, the next call goes on. metrics.json goes first and comes last."""
    (folder / results.METRICS).unlink(missing_ok=True)
    for name in results.FILES:
        if (unfinished / name).exists():
            (unfinished / name).replace(folder / name)
    shutil.rmtree(unfinished)


def _line(epochs: int, row: dict, seconds: list[float]) -> str:
    left = (epochs - len(seconds)) * sum(seconds[-5:]) / len(seconds[-5:])
    values = "  ".join(f"{key} {value:.4f}" for key, value in row.items() if key != "epoch")
    return f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {values}  {seconds[-1]:.1f} s" + (f"  at most {duration(left)} left" if left else "")


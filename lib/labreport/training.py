"""Training: `fit` trains an experiment, evaluates its best epoch on the held-out split, once, and writes down what came of it."""

import datetime
import math
import shutil
import time
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from . import augmentation, backend, datasets, experiments, features, files, losses, models, optimizers, provenance, results
from .wording import count, duration

MOST_EVALUATED = 250  # inputs a batch where nothing is trained
EVALUATED_PIXELS = 2**20


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
        _train(experiment, dataset, unfinished, progress)
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


class Batches(keras.utils.PyDataset):
    """Batches of what `pick` gives for positions in a split, with their labels."""

    def __init__(self, pick: Callable[[np.ndarray], np.ndarray], labels: np.ndarray, batch_size: int, order: np.ndarray | None = None, outputs: tuple[str, ...] = ()):
        """pick: positions (B,) -> inputs (B, ...). order: of the positions, None for as they are. outputs: names of a model's outputs where it has several."""
        super().__init__()
        self.pick, self.labels, self.batch_size, self.outputs = pick, labels, batch_size, outputs
        self.order = np.arange(len(labels)) if order is None else order

    def __len__(self) -> int:
        return math.ceil(len(self.order) / self.batch_size)

    def __getitem__(self, index: int):
        """Inputs (B, ...) and labels int32 (B,), or a dict of them for each output."""
        positions = self.order[index * self.batch_size:(index + 1) * self.batch_size]
        labels = self.labels[positions]
        return self.pick(positions), {name: labels for name in self.outputs} if self.outputs else labels


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """The order of the training images in an epoch, a pure function of (seed, epoch): permutation (count,)."""
    return np.random.default_rng([seed, epoch]).permutation(count)


def pixels(split, augment=None, seed: int = 0, epoch: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """A function from positions in a split to their images uint8 (B, H, W, 3), augmented as (seed, epoch) say where `augment` is given."""
    if augment is None:
        return lambda positions: np.asarray(split.images[positions])
    matrices = augment.transformations(seed, epoch, len(split))
    return lambda positions: augment.apply(np.asarray(split.images[positions]), matrices[positions])


def augmented_examples(experiment, dataset, most: int = 10) -> tuple[np.ndarray, list[str]]:
    """Some training images as they are, then the same as epoch 1 augments them: images (2 * most, H, W, 3) and titles."""
    positions = datasets.evenly(len(dataset.train), most)
    plain = pixels(dataset.train)(positions)
    augmented = pixels(dataset.train, augmentation.build(experiment), experiment.seed, epoch=1)(positions)
    names = [dataset.class_names[label] for label in dataset.train.labels[positions]]
    return np.concatenate([plain, augmented]), names + ["augmented"] + [""] * (len(names) - 1)


def _train(experiment, dataset, folder, progress) -> None:
    backend.prepare()
    base = experiments.base(experiment)
    if base:
        progress(f"{experiment.run_name} starts from {base.run_name}")
        fit(base, dataset, progress)
    keras.utils.clear_session()  # layers are named the same, however many models the notebook has built before
    keras.utils.set_random_seed(experiment.seed)
    model = models.build(experiment, dataset.image_shape, len(dataset.class_names))
    identity = provenance.training_identity(experiment, dataset.fingerprint)  # the build has fetched the pretrained weights, where there are any
    if base:
        _take_weights(model, base.folder / results.MODEL)
    progress(f"training {experiment.run_name}: {count(len(dataset.train), 'image')}, {count(models.parameters(model)[0], 'parameter')}, "
             f"at most {count(experiment.epochs, 'epoch')}")

    # What is trained is the model, or its head on features that are computed once.
    augment, started = augmentation.build(experiment), time.perf_counter()
    parts = models.frozen_part(model) if features.applicable(augment) else None
    if parts:
        extractor, trained = parts
        kept = features.computed(extractor, dataset, augment, backend.describe(), progress)
        validation_inputs, validation_batch = kept.validation.__getitem__, MOST_EVALUATED
    else:
        trained, validation_inputs, validation_batch = model, pixels(dataset.validation), _evaluation_batch(dataset.image_shape)
    prepared_seconds = time.perf_counter() - started

    def inputs(epoch):
        if parts:
            return kept.pick(augment.mirrored(experiment.seed, epoch, len(dataset.train)) if augment else None)
        return pixels(dataset.train, augment, experiment.seed, epoch)

    outputs = _names(model)
    _compile(trained, experiment, outputs)
    validation = Batches(validation_inputs, dataset.validation.labels, validation_batch, outputs=outputs)
    stopping = experiment.early_stopping
    monitor = stopping["monitor"]
    rows, seconds, best_weights = [], [], None
    for epoch in range(1, experiment.epochs + 1):
        started = time.perf_counter()
        batches = Batches(inputs(epoch), dataset.train.labels, experiment.batch_size, order(experiment.seed, epoch, len(dataset.train)), outputs)
        # One call of Keras's fit an epoch: what an epoch sees can then depend on nothing but its number.
        logs = trained.fit(batches, validation_data=validation, initial_epoch=epoch - 1, epochs=epoch, shuffle=False, verbose=0).history
        row = {"epoch": epoch} | {_column(key, outputs): values[0] for key, values in logs.items()}
        if not all(math.isfinite(value) for value in row.values()):
            raise FloatingPointError(f"the loss is no longer finite in epoch {epoch} (loss {row['loss']}, val_loss {row['val_loss']}): "
                                     f"try a smaller learning rate than {experiment.optimizer_args.get('learning_rate')}")
        rows.append(row)
        seconds.append(time.perf_counter() - started)
        results.write_csv(pd.DataFrame(rows), folder / results.HISTORY)
        watched = [row[monitor] for row in rows]
        if best_epoch(watched, monitor) == epoch:
            best_weights = trained.get_weights()
        progress(_line(experiment.epochs, row, seconds))
        if stops(watched, **stopping):
            progress(f"stopped early: {monitor} has not improved for {count(stopping['patience'], 'epoch')}")
            break

    trained.set_weights(best_weights)
    best = best_epoch(watched, monitor)
    _write_down(experiment, dataset, model, identity, folder, progress, {
        "validation_accuracy": rows[best - 1]["val_accuracy"], "validation_loss": rows[best - 1]["val_loss"],
        "train_accuracy": rows[best - 1]["accuracy"], "train_loss": rows[best - 1]["loss"],
        "best_epoch": best, "epochs": len(rows), "stopped_early": len(rows) < experiment.epochs, "features_once": bool(parts),
        "seconds": prepared_seconds + sum(seconds), "prepared_seconds": prepared_seconds, "seconds_per_epoch": seconds})


def _write_down(experiment, dataset, model, identity, folder, progress, course: dict) -> None:
    """Evaluate the trained model on the held-out split and write predictions, model and, last, metrics. course: what training says of itself."""
    evaluated, split = dataset.evaluated
    probabilities = predict(model, split)
    table = results.prediction_table(split, probabilities, dataset.class_names)
    results.write_csv(table, folder / results.PREDICTIONS)
    if dataset.unlabelled:
        progress(f"predicting {count(len(dataset.unlabelled), 'unlabelled image')} for {results.SUBMISSION}")
        results.write_csv(results.submission_table(dataset.unlabelled, predict(model, dataset.unlabelled), dataset.class_names), folder / results.SUBMISSION)
    without_optimizer = keras.Model(model.inputs, model.output, name=model.name)  # a third of the size
    files.replace(folder / results.MODEL, lambda path: without_optimizer.save(path))
    _compile(model, experiment, _names(model))
    loss = model.evaluate(_in_order(split, _names(model)), verbose=0, return_dict=True)["loss"]  # as in the history, penalties and all outputs included
    accuracy = float((table["label"] == table["predicted"]).mean())
    total, trainable = models.parameters(model)
    files.write_json(folder / results.METRICS, {
        "experiment": experiment.name, "run": experiment.run_name, "data": experiment.data, "changes": experiment.changes,
        "evaluated_split": evaluated, "evaluated_accuracy": accuracy, "evaluated_loss": loss,
        "test_accuracy": accuracy if dataset.test else None, "test_loss": loss if dataset.test else None,
        **course, "total_parameters": total, "trainable_parameters": trainable,
        "finished": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "dataset": {"name": dataset.name, "class_names": dataset.class_names, "fingerprint": dataset.fingerprint, "notes": dataset.notes,
                    "images": {name: len(split) for name, split in dataset.splits.items()}},
        "identity": identity,
        "provenance": provenance.machine() | backend.describe() | {"versions": provenance.versions(keras.backend.backend(), "keras", "numpy", "opencv-python", "labreport")},
    })


def predict(model: keras.Model, split) -> np.ndarray:
    """Probabilities float32 (N, K) of a split's images; of a model with several outputs its first one's."""
    found = model.predict(_in_order(split), verbose=0)
    found = next(iter(found.values())) if isinstance(found, dict) else found
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def _in_order(split, outputs: tuple[str, ...] = ()) -> Batches:
    return Batches(pixels(split), split.labels, _evaluation_batch(split.images.shape[1:]), outputs=outputs)


def _names(model: keras.Model) -> tuple[str, ...]:
    """Names of the outputs of a model that has several."""
    return tuple(model.output) if isinstance(model.output, dict) else ()


def _compile(model: keras.Model, experiment, outputs: tuple[str, ...]) -> None:
    single = not outputs and model.output.shape[-1] == 1
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy") if single else keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizers.build(experiment), loss={name: losses.build(experiment) for name in outputs} if outputs else losses.build(experiment),
                  metrics={outputs[0]: [accuracy]} if outputs else [accuracy])


def _evaluation_batch(image_shape: tuple[int, int, int]) -> int:
    """Images a batch where nothing is trained: fewer of the large ones, since the maps of a deep network on them fill the memory."""
    return max(1, min(MOST_EVALUATED, EVALUATED_PIXELS // (image_shape[0] * image_shape[1])))


def _column(key: str, outputs: tuple[str, ...]) -> str:
    """Keras's name of a history column; of several outputs the first one's accuracy is the model's."""
    return key.replace(f"{outputs[0]}_accuracy", "accuracy") if outputs else key


def _take_weights(model: keras.Model, path) -> None:
    """Set the weights of a model to those of a trained one with layers of the same shapes."""
    trained = keras.saving.load_model(path, compile=False)
    shapes, theirs = [weight.shape for weight in model.weights], [weight.shape for weight in trained.weights]
    if shapes != theirs:
        raise ValueError(f"{path} has weights of other shapes than this model ({len(theirs)} and {len(shapes)} arrays); starts_from names an experiment "
                         f"with the same backbone and head")
    model.set_weights(trained.get_weights())


def _publish(unfinished, folder) -> None:
    """Move a complete training into place; stopped half-way, the next call goes on. metrics.json goes first and comes last."""
    (folder / results.METRICS).unlink(missing_ok=True)
    if (unfinished / results.HISTORY).exists():  # nothing has moved yet, so what answer there is is an earlier run's
        (folder / results.SUBMISSION).unlink(missing_ok=True)
    for name in (results.HISTORY, results.SUBMISSION, *results.FILES):
        if (unfinished / name).exists():
            (unfinished / name).replace(folder / name)
    shutil.rmtree(unfinished)


def _line(epochs: int, row: dict, seconds: list[float]) -> str:
    left = (epochs - len(seconds)) * sum(seconds[-5:]) / len(seconds[-5:])
    values = "  ".join(f"{key} {value:.4f}" for key, value in row.items() if key in ("accuracy", "loss", "val_accuracy", "val_loss"))
    return f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {values}  {seconds[-1]:.1f} s" + (f"  at most {duration(left)} left" if left else "")


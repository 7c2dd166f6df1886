"""What decides the numbers of a training: the first weights, what each epoch sees, which epoch
counts, and how the result is evaluated. Files, messages and signals are `training`'s matter.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np

from .. import models
from . import augmentation, backend, batches, features, losses, optimizers, stopping


@dataclass
class Trainable:
    """A compiled network and what feeds it.

    model: from pixels to probabilities. trained: what the epochs train, the model itself or its
    head on features that are computed once. inputs: epoch -> (positions (B,) -> inputs (B, ...)).
    validation: batches of the validation split. outputs: names, where the model has several.
    """

    model: keras.Model
    trained: keras.Model
    inputs: Callable[[int], Callable[[np.ndarray], np.ndarray]]
    validation: batches.Batches
    outputs: tuple[str, ...]

    @property
    def features_once(self) -> bool:
        """Whether a frozen part's features were computed once, before the epochs."""
        return self.trained is not self.model


def initial_model(experiment, dataset, trained_before=None) -> keras.Model:
    """The experiment's model with its first weights, whatever this process has built before.

    trained_before: path of the model whose weights it starts from, None where it starts anew.
    """
    keras.utils.clear_session()  # layers are named the same, however many models there were
    keras.utils.set_random_seed(experiment.seed)
    model = models.build(experiment, dataset.image_shape, len(dataset.class_names))
    if trained_before is not None:
        take_weights(model, trained_before)
    return model


def prepare(experiment, dataset, model: keras.Model, progress: Callable[[str], None]) -> Trainable:
    """Compile the model, or its head where a frozen part's features can be computed once."""
    augment = augmentation.build(experiment)
    validation_inputs: Callable
    parts = models.frozen_part(model) if features.applicable(augment) else None
    if parts:
        extractor, trained = parts
        kept = features.computed(extractor, dataset, augment, backend.describe(), progress)
        validation_inputs, validation_batch = kept.validation.__getitem__, batches.MOST_EVALUATED
    else:
        trained, validation_inputs = model, batches.pixels(dataset.validation)
        validation_batch = batches.evaluation_batch(dataset.image_shape)

    def inputs(epoch):
        if parts:
            count = len(dataset.train)
            mirrored = augment.mirrored(experiment.seed, epoch, count) if augment else None
            return kept.pick(mirrored)
        return batches.pixels(dataset.train, augment, experiment.seed, epoch)

    outputs = models.output_names(model)
    compile_for(trained, experiment, outputs)
    trained.optimizer.build(trained.trainable_variables)
    labels = dataset.validation.labels
    validation = batches.Batches(validation_inputs, labels, validation_batch, outputs=outputs)
    return Trainable(model, trained, inputs, validation, outputs)


def train_epochs(state, experiment, dataset, network: Trainable, ended: Callable[[dict], None]):
    """Train the epochs that are left, then give the network the weights of its best epoch.

    state: a `TrainingState`; its rows, seconds and best weights grow. ended: is called with the
    row of each epoch when the state has it. Raises FloatingPointError when a value of an epoch is
    no longer finite.
    """
    labels, trained, outputs = dataset.train.labels, network.trained, network.outputs
    while not _at_end(experiment, state.rows):
        started, epoch = time.perf_counter(), len(state.rows) + 1
        order = batches.order(experiment.seed, epoch, len(labels))
        shown = batches.Batches(
            network.inputs(epoch), labels, experiment.batch_size, order, outputs
        )
        # One call of Keras's fit an epoch: what an epoch sees depends on nothing but its number.
        logs = trained.fit(
            shown,
            validation_data=network.validation,
            initial_epoch=epoch - 1,
            epochs=epoch,
            shuffle=False,
            verbose=0,
        ).history
        row = {"epoch": epoch} | {_column(key, outputs): values[0] for key, values in logs.items()}
        if not all(math.isfinite(value) for value in row.values()):
            raise FloatingPointError(
                f"the loss is no longer finite in epoch {epoch} (loss {row['loss']}, val_loss "
                f"{row['val_loss']}): try a smaller learning rate than "
                f"{experiment.optimizer_args.get('learning_rate')}"
            )
        state.rows.append(row)
        state.seconds.append(time.perf_counter() - started)
        if best_epoch(experiment, state.rows) == epoch:
            state.best_weights = trained.get_weights()
        ended(row)
    trained.set_weights(state.best_weights)


def best_epoch(experiment, rows: list[dict]) -> int:
    """The epoch whose weights count, from 1 on."""
    monitor = experiment.early_stopping["monitor"]
    return stopping.best_epoch([row[monitor] for row in rows], monitor)


def _at_end(experiment, rows: list[dict]) -> bool:
    watched = [row[experiment.early_stopping["monitor"]] for row in rows]
    return len(rows) >= experiment.epochs or stopping.stops(watched, **experiment.early_stopping)


def evaluate(experiment, dataset, model: keras.Model, rows: list[dict]) -> tuple[np.ndarray, dict]:
    """Probabilities float32 (N, K) of the evaluated split's images, and what a training came to.

    rows: of the history. The loss is as in the history: penalties and all outputs included.
    """
    name, split = dataset.evaluated
    found_of_each = _of_each_output(model, split)
    answers = [_probabilities(one) for one in found_of_each]
    probabilities, *_ = answers
    right = [one.argmax(axis=1) == split.labels for one in answers]
    accuracy = float(right[0].mean())
    outputs = models.output_names(model)
    compile_for(model, experiment, outputs)
    found = model.evaluate(batches.in_order(split, outputs), verbose=0, return_dict=True)
    best = rows[best_epoch(experiment, rows) - 1]
    return probabilities, {
        "evaluated_split": name,
        "evaluated_accuracy": accuracy,
        "evaluated_loss": found["loss"],
        "test_accuracy": accuracy if dataset.test else None,
        "test_loss": found["loss"] if dataset.test else None,
        "validation_accuracy": best["val_accuracy"],
        "validation_loss": best["val_loss"],
        "train_accuracy": best["accuracy"],
        "train_loss": best["loss"],
        "best_epoch": best["epoch"],
        "epochs": len(rows),
        "stopped_early": len(rows) < experiment.epochs,
        "outputs": {
            output: {
                "accuracy": float(one.mean()),
                # Keras's own is a mean over batches: the last one counts too much
                "loss": float(losses.build(experiment)(split.labels, of_one)),
                "joint_accuracy": float((one & right[0]).mean()),
            }
            for output, one, of_one in zip(outputs, right, found_of_each)
            if len(outputs) > 1
        },
    }


def predict(model: keras.Model, split) -> np.ndarray:
    """Probabilities float32 (N, K) of a split's images; of several outputs the first one's."""
    return _probabilities(_of_each_output(model, split)[0])


def _of_each_output(model: keras.Model, split) -> list[np.ndarray]:
    """What each output says of a split's images, (N, K), or (N, 1) for a single sigmoid."""
    found = model.predict(batches.in_order(split), verbose=0)
    return [found[name] for name in models.output_names(model)] or [found]


def _probabilities(answers: np.ndarray) -> np.ndarray:
    """Probabilities float32 (N, K), of a single sigmoid those of both classes."""
    return np.hstack([1 - answers, answers]) if answers.shape[1] == 1 else answers


def compile_for(model: keras.Model, experiment, outputs: tuple[str, ...]) -> None:
    """Compile a model with a new optimizer and loss, and accuracy as its metric. Of several outputs
    each has its own, and the losses are added up as they are.
    """
    sigmoid = not outputs and model.output.shape[-1] == 1
    metric = keras.metrics.BinaryAccuracy if sigmoid else keras.metrics.SparseCategoricalAccuracy
    loss = {name: losses.build(experiment) for name in outputs} or losses.build(experiment)
    metrics = {name: [metric(name="accuracy")] for name in outputs} or [metric(name="accuracy")]
    model.compile(optimizer=optimizers.build(experiment), loss=loss, metrics=metrics)


def take_weights(model: keras.Model, path) -> None:
    """Set the weights of a model to those of a trained one with layers of the same shapes.

    Raises ValueError where the shapes differ.
    """
    trained = keras.saving.load_model(path, compile=False)
    shapes, theirs = (
        [weight.shape for weight in model.weights],
        [weight.shape for weight in trained.weights],
    )
    if shapes != theirs:
        raise ValueError(
            f"{path} has weights of other shapes than this model ({len(theirs)} and {len(shapes)}"
            " arrays); starts_from must name an experiment with the same backbone and head"
        )
    model.set_weights(trained.get_weights())


def _column(key: str, outputs: tuple[str, ...]) -> str:
    """Keras's name of a history column; of several outputs the first one's accuracy counts, and is
    called as if it were the only one.
    """
    if not outputs:
        return key
    counts = {f"{split}{outputs[0]}_accuracy": f"{split}accuracy" for split in ("", "val_")}
    return counts.get(key, key)

"""Training: `fit` trains an experiment, goes on where an earlier call was stopped, evaluates its best epoch on the held-out split, once, and writes
down what came of it."""

import math
import shutil
import time
from collections.abc import Callable

import keras
import numpy as np
import pandas as pd

from . import (augmentation, backend, batches, datasets, experiments, features, files, identity, interruption, losses, models, optimizers, provenance, results,
               state, stopping)
from .course import Course
from .wording import count, duration

LOCK = ".training.lock"


def fit(experiment, dataset, progress: Callable[[str], None] = print) -> results.Result:
    """Train as the experiment says; go on after the last saved epoch of a training that was stopped, however that came; or return the
    Result of the finished run with the same identity at once. A training that was stopped ends with the same bits as one that was not.

    Writes into the experiment's run folder: history.csv and a checkpoint after each epoch (below `unfinished/` until all is done), then
    predictions.csv, model.keras, provenance.json and, last, metrics.json. A finished run is replaced only by a finished one, and kept in `earlier/`.
    SIGINT and SIGTERM finish the epoch and raise Interrupted. Raises FloatingPointError when the loss is no longer finite.
    """
    folder, unfinished = experiment.folder, experiment.folder / state.UNFINISHED
    with state.held(folder, experiment.run_name), files.lock(folder / LOCK, experiment.run_name, wait=state.WAIT_SECONDS):
        made_from = identity.of(experiment, dataset.fingerprint)
        if (unfinished / results.METRICS).exists():  # complete, and stopped while moving into place
            results.publish(unfinished, folder)
        earlier = results.finished(folder)
        if earlier:
            reasons = identity.differences(earlier["identity"], made_from)
            if not reasons:
                shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed when all was in place
                progress(f"{experiment.run_name} is trained already ({earlier['finished']}): settings, data, source and versions are the same")
                return results.load(folder)
            progress(f"training again: {'; '.join(reasons)}")
        unfinished.mkdir(exist_ok=True)
        files.sweep(unfinished)
        _train(experiment, dataset, unfinished, progress)
        results.publish(unfinished, folder)
        return results.load(folder)


def augmented_examples(experiment, dataset, most: int = 10) -> tuple[np.ndarray, list[str]]:
    """Some training images as they are, then the same as epoch 1 augments them: images (2 * most, H, W, 3) and titles."""
    positions = datasets.evenly(len(dataset.train), most)
    plain = batches.pixels(dataset.train)(positions)
    augmented = batches.pixels(dataset.train, augmentation.build(experiment), experiment.seed, epoch=1)(positions)
    names = [dataset.class_names[label] for label in dataset.train.labels[positions]]
    return np.concatenate([plain, augmented]), names + ["augmented"] + [""] * (len(names) - 1)


def _train(experiment, dataset, folder, progress) -> None:
    backend.prepare()
    base = experiments.base(experiment)
    if base:
        progress(f"{experiment.run_name} starts from {base.run_name}")
        if not results.finished(base.folder):  # a mistake is found before hours of training, not after
            models.refuse_other_shapes(experiment, base, dataset.image_shape, len(dataset.class_names))
        fit(base, dataset, progress)
    keras.utils.clear_session()  # layers are named the same, however many models the notebook has built before
    keras.utils.set_random_seed(experiment.seed)
    model = models.build(experiment, dataset.image_shape, len(dataset.class_names))
    made_from = identity.of(experiment, dataset.fingerprint)  # the build has fetched the pretrained weights, where there are any
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
        validation_inputs, validation_batch = kept.validation.__getitem__, batches.MOST_EVALUATED
    else:
        trained, validation_inputs, validation_batch = model, batches.pixels(dataset.validation), batches.evaluation_batch(dataset.image_shape)
    prepared_seconds = time.perf_counter() - started

    def inputs(epoch):
        if parts:
            return kept.pick(augment.mirrored(experiment.seed, epoch, len(dataset.train)) if augment else None)
        return batches.pixels(dataset.train, augment, experiment.seed, epoch)

    outputs = _names(model)
    _compile(trained, experiment, outputs)
    trained.optimizer.build(trained.trainable_variables)
    validation = batches.Batches(validation_inputs, dataset.validation.labels, validation_batch, outputs=outputs)
    early_stopping = experiment.early_stopping
    course = Course.begun(trained, folder, made_from, early_stopping["monitor"], backend.describe(), prepared_seconds, progress)
    if course.rows:  # what was saved may have come no further than the checkpoint
        results.write_csv(pd.DataFrame(course.rows), folder / results.HISTORY)
    with interruption.listening(lambda: progress("asked to stop: finishing this epoch and saving it; asked once more, it stops at once")) as asked:
        while len(course.rows) < experiment.epochs and not stopping.stops(course.watched, **early_stopping):
            started, epoch = time.perf_counter(), len(course.rows) + 1
            shown = batches.Batches(inputs(epoch), dataset.train.labels, experiment.batch_size, batches.order(experiment.seed, epoch, len(dataset.train)), outputs)
            # One call of Keras's fit an epoch: what an epoch sees can then depend on nothing but its number.
            logs = trained.fit(shown, validation_data=validation, initial_epoch=epoch - 1, epochs=epoch, shuffle=False, verbose=0).history
            row = {"epoch": epoch} | {_column(key, outputs): values[0] for key, values in logs.items()}
            if not all(math.isfinite(value) for value in row.values()):
                raise FloatingPointError(f"the loss is no longer finite in epoch {epoch} (loss {row['loss']}, val_loss {row['val_loss']}): "
                                         f"try a smaller learning rate than {experiment.optimizer_args.get('learning_rate')}")
            course.saw(row, time.perf_counter() - started)
            course.save()
            results.write_csv(pd.DataFrame(course.rows), folder / results.HISTORY)
            progress(_line(experiment.epochs, row, course.seconds))
            if asked():
                raise interruption.Interrupted(f"{experiment.run_name} was stopped after epoch {epoch} of at most {experiment.epochs}, which is saved; "
                                               f"run it again, or this cell, to go on from there")
    if len(course.rows) < experiment.epochs:
        progress(f"stopped early: {early_stopping['monitor']} has not improved for {count(early_stopping['patience'], 'epoch')}")

    trained.set_weights(course.best_weights)
    best = course.rows[course.best_epoch - 1]
    _write_down(experiment, dataset, model, made_from, folder, progress, course.sittings, {
        "validation_accuracy": best["val_accuracy"], "validation_loss": best["val_loss"], "train_accuracy": best["accuracy"], "train_loss": best["loss"],
        "best_epoch": course.best_epoch, "epochs": len(course.rows), "stopped_early": len(course.rows) < experiment.epochs, "features_once": bool(parts),
        "seconds": course.prepared_seconds + sum(course.seconds), "prepared_seconds": course.prepared_seconds, "seconds_per_epoch": course.seconds})


def _write_down(experiment, dataset, model, made_from, folder, progress, sittings: list[dict], course: dict) -> None:
    """Evaluate the trained model on the held-out split and write predictions, model, provenance and, last, metrics. course: what training says of itself."""
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
    loss = model.evaluate(batches.in_order(split, _names(model)), verbose=0, return_dict=True)["loss"]  # as in the history, penalties and all outputs included
    accuracy = float((table["label"] == table["predicted"]).mean())
    total, trainable = models.parameters(model)
    sittings[-1] |= {"ended": files.now(), "peak_memory_bytes": provenance.peak_memory_bytes()}
    files.write_json(folder / results.PROVENANCE, {
        "settings": experiment.settings(), "seed": experiment.seed, "data": dataset.fingerprint, "sittings": sittings,
        "versions": provenance.versions(keras.backend.backend(), "keras", "numpy", "opencv-python", "labreport"),
        "imported": provenance.imported()})
    files.write_json(folder / results.METRICS, {
        "experiment": experiment.name, "run": experiment.run_name, "data": experiment.data, "changes": experiment.changes,
        "evaluated_split": evaluated, "evaluated_accuracy": accuracy, "evaluated_loss": loss,
        "test_accuracy": accuracy if dataset.test else None, "test_loss": loss if dataset.test else None,
        **course, "total_parameters": total, "trainable_parameters": trainable, "finished": files.now(),
        "dataset": {"name": dataset.name, "class_names": dataset.class_names, "fingerprint": dataset.fingerprint, "notes": dataset.notes,
                    "images": {name: len(split) for name, split in dataset.splits.items()}},
        "identity": made_from})


def predict(model: keras.Model, split) -> np.ndarray:
    """Probabilities float32 (N, K) of a split's images; of a model with several outputs its first one's."""
    found = model.predict(batches.in_order(split), verbose=0)
    found = next(iter(found.values())) if isinstance(found, dict) else found
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def _names(model: keras.Model) -> tuple[str, ...]:
    """Names of the outputs of a model that has several."""
    return tuple(model.output) if isinstance(model.output, dict) else ()


def _compile(model: keras.Model, experiment, outputs: tuple[str, ...]) -> None:
    single = not outputs and model.output.shape[-1] == 1
    accuracy = keras.metrics.BinaryAccuracy(name="accuracy") if single else keras.metrics.SparseCategoricalAccuracy(name="accuracy")
    model.compile(optimizer=optimizers.build(experiment), loss={name: losses.build(experiment) for name in outputs} if outputs else losses.build(experiment),
                  metrics={outputs[0]: [accuracy]} if outputs else [accuracy])


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


def _line(epochs: int, row: dict, seconds: list[float]) -> str:
    left = (epochs - len(seconds)) * sum(seconds[-5:]) / len(seconds[-5:])
    values = "  ".join(f"{key} {value:.4f}" for key, value in row.items() if key in ("accuracy", "loss", "val_accuracy", "val_loss"))
    return f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {values}  {seconds[-1]:.1f} s" + (f"  at most {duration(left)} left" if left else "")


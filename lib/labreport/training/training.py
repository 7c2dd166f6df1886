"""Training: `fit` trains an experiment, goes on where an earlier call was stopped, evaluates its
best epoch on the held-out split, once, and writes down what came of it.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from .. import datasets, models
from ..config import experiments, registry
from ..core import files, signals
from ..core.i18n import count, duration
from ..runs import (
    fingerprint,
    manifest,
    model_file,
    provenance,
    records,
    results,
    state,
    validation,
)
from . import augmentation, backend, batches, loop, losses, optimizers, validation_record
from .training_state import TrainingState

LOCK = ".training.lock"


def fit(experiment, dataset, progress: Callable[[str], None] = print) -> results.Result:
    """Train as the experiment says; go on after the last saved epoch of a training that was
    stopped, however that came; or return the Result of the finished run with the same identity at
    once. A training that was stopped ends with the same bits as one that was not.

    Writes into the experiment's run folder: history.csv and a checkpoint after each epoch (below
    `unfinished/` until all is done), then predictions.csv, validation.npz, model.keras,
    provenance.json and, last, metrics.json. A finished run is replaced only by a finished one, and
    kept in `earlier/`. SIGINT and SIGTERM finish the epoch and raise Interrupted. Raises
    FloatingPointError when the loss is no longer finite.
    """
    folder, unfinished = experiment.folder, experiment.folder / state.UNFINISHED
    with (
        state.run_lock(folder, experiment.run_name),
        files.lock(folder / LOCK, experiment.run_name, wait=state.WAIT_SECONDS),
    ):
        _refuse_replaced(experiment)
        fingerprint.refuse_edited_source(experiment)
        made_from = fingerprint.of(experiment, dataset.fingerprint, imported=True)
        if (unfinished / results.METRICS).exists():  # complete, and stopped while moving into place
            results.publish(unfinished, folder)
        earlier = results.finished(folder)
        if earlier:
            reasons = fingerprint.differences(earlier.identity, made_from)
            if not reasons:
                manifest.refuse_changed(folder)
                # of a process that was killed when all was in place
                shutil.rmtree(unfinished, ignore_errors=True)
                progress(
                    f"{experiment.run_name} is already trained ({earlier.finished}): settings,"
                    " data, code and versions have not changed"
                )
                return results.load(folder)
            progress(f"training again: {'; '.join(reasons)}")
        unfinished.mkdir(exist_ok=True)
        files.sweep(unfinished)
        _train(experiment, dataset, unfinished, progress)
        results.publish(unfinished, folder)
        return results.load(folder)


def _refuse_replaced(experiment) -> None:
    """ValueError where this process put another function in a registry's place, which no digest of
    source would show.
    """
    for kind, entries in (
        ("model", models.MODELS),
        ("optimizer", optimizers.OPTIMIZERS),
        ("loss", losses.LOSSES),
    ):
        name = getattr(experiment, kind)
        function, expected = (
            entries[name],
            f"labreport.{registry.logical_name(kind, name, imported=True)}",
        )
        if f"{function.__module__}.{function.__qualname__}" != expected:
            raise ValueError(
                f"the {kind} {name!r} was replaced in this process by"
                f" {function.__module__}.{function.__qualname__}, so the run could not record what"
                " was trained: write the function into lib/labreport/ and restart the kernel"
            )


def augmented_examples(experiment, dataset, most: int = 10) -> tuple[np.ndarray, list[str]]:
    """Some training images as they are, then the same as epoch 1 augments them: images (2 * most,
    H, W, 3) and titles.
    """
    positions = datasets.evenly(len(dataset.train), most)
    plain = batches.pixels(dataset.train)(positions)
    augmented = batches.pixels(
        dataset.train, augmentation.build(experiment), experiment.seed, epoch=1
    )(positions)
    names = [dataset.class_names[label] for label in dataset.train.labels[positions]]
    return np.concatenate([plain, augmented]), names + ["augmented"] + [""] * (len(names) - 1)


def _train(experiment, dataset, folder, progress) -> None:
    backend.prepare()
    base = experiments.base(experiment)
    if base:
        progress(f"{experiment.run_name} starts from {base.run_name}")
        if not results.finished(base.folder):
            # a mistake is found before hours of training, not after
            models.refuse_other_shapes(
                experiment, base, dataset.image_shape, len(dataset.class_names)
            )
        fit(base, dataset, progress)
    model = loop.initial_model(experiment, dataset, base and base.folder / results.MODEL)
    # the build has fetched the pretrained weights, where there are any
    made_from = fingerprint.of(experiment, dataset.fingerprint, imported=True)
    progress(
        f"training {experiment.run_name}: {count(len(dataset.train), 'image')},"
        f" {count(models.parameters(model)[0], 'parameter')}, at most"
        f" {count(experiment.epochs, 'epoch')}"
    )
    started = time.perf_counter()
    network = loop.prepare(experiment, dataset, model, progress)
    early_stopping = experiment.early_stopping
    training_state = TrainingState.begun(
        network.trained,
        folder,
        made_from,
        early_stopping["monitor"],
        backend.describe(),
        time.perf_counter() - started,
        progress,
        validation_record.begun(dataset),
    )
    if training_state.rows:  # what was saved may have come no further than the checkpoint
        results.write_csv(_history(training_state.rows), folder / results.HISTORY)
    with signals.listening(
        lambda: progress(
            "stopping: this epoch is finished and saved; interrupt again to stop at once"
        )
    ) as asked:

        def ended(row):
            if training_state.validation is not None:
                training_state.validation = validation_record.extended(
                    training_state.validation, experiment, dataset, network
                )
            training_state.save()
            results.write_csv(_history(training_state.rows), folder / results.HISTORY)
            progress(_line(experiment.epochs, row, training_state.seconds))
            if asked():
                raise signals.Interrupted(
                    f"{experiment.run_name} was stopped after epoch {row['epoch']} of at most"
                    f" {experiment.epochs}, which is saved; run it, or this cell, again to"
                    " continue"
                )

        loop.train_epochs(training_state, experiment, dataset, network, ended)
    if len(training_state.rows) < experiment.epochs:
        progress(
            f"stopped early: {early_stopping['monitor']} has not improved for"
            f" {count(early_stopping['patience'], 'epoch')}"
        )
    _write_down(
        experiment,
        dataset,
        model,
        made_from,
        folder,
        progress,
        training_state,
        {
            "features_once": network.features_once,
            "seconds": training_state.prepared_seconds + sum(training_state.seconds),
            "prepared_seconds": training_state.prepared_seconds,
            "seconds_per_epoch": training_state.seconds,
        },
    )


def _write_down(
    experiment,
    dataset,
    model,
    made_from,
    folder,
    progress,
    training_state: TrainingState,
    course: dict,
) -> None:
    """Evaluate the trained model on the held-out split and write predictions, model, provenance
    and, last, metrics. course: what training says of itself.
    """
    probabilities, measured = loop.evaluate(experiment, dataset, model, training_state.rows)
    results.write_csv(
        results.prediction_table(dataset.evaluated[1], probabilities, dataset.class_names),
        folder / results.PREDICTIONS,
    )
    if training_state.validation is not None:
        validation.save(training_state.validation, folder)
    if dataset.unlabelled:
        progress(
            f"predicting {count(len(dataset.unlabelled), 'unlabelled image')} for"
            f" {results.SUBMISSION}"
        )
        unlabelled = loop.predict(model, dataset.unlabelled)
        results.write_csv(
            results.submission_table(dataset.unlabelled, unlabelled, dataset.class_names),
            folder / results.SUBMISSION,
        )
    # a third of the size
    without_optimizer = keras.Model(model.inputs, model.output, name=model.name)

    def write_model(path: Path) -> None:
        without_optimizer.save(path)
        model_file.normalize(path)

    files.replace(folder / results.MODEL, write_model)
    total, trainable = models.parameters(model)
    training_state.end_session()
    written = records.Provenance(
        settings=experiment.settings(),
        seed=experiment.seed,
        data=dataset.fingerprint,
        sessions=training_state.sessions,
        versions=provenance.versions(
            keras.backend.backend(), "keras", "numpy", "opencv-python", "labreport"
        ),
        imported=provenance.imported(),
    )
    files.write_json(folder / results.PROVENANCE, written.as_json())
    metrics = records.Metrics(
        experiment=experiment.name,
        run=experiment.run_name,
        data=experiment.data,
        changes=experiment.changes,
        **measured,
        **course,
        total_parameters=total,
        trainable_parameters=trainable,
        finished=files.now(),
        dataset=records.DataRecord(
            name=dataset.name,
            class_names=dataset.class_names,
            fingerprint=dataset.fingerprint,
            notes=dataset.notes,
            images={name: len(split) for name, split in dataset.splits.items()},
        ),
        identity=made_from,
    )
    files.write_json(folder / results.METRICS, metrics.as_json())


def _history(rows: list[dict]) -> pd.DataFrame:
    """The history as a table: what its first epoch measured, since that may be of an earlier
    version, which measured less.
    """
    return pd.DataFrame(rows, columns=list(rows[0]))


def _line(epochs: int, row: dict, seconds: list[float]) -> str:
    left = (epochs - len(seconds)) * sum(seconds[-5:]) / len(seconds[-5:])
    values = "  ".join(
        f"{key} {value:.4f}"
        for key, value in row.items()
        if key in ("accuracy", "loss", "val_accuracy", "val_loss")
    )
    return f"epoch {row['epoch']:>{len(str(epochs))}}/{epochs}  {values}  {seconds[-1]:.1f} s" + (
        f"  at most {duration(left)} left" if left else ""
    )

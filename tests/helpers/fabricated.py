"""Run folders and results with the files and numbers of a finished training, without one."""

import json

import numpy as np
import pandas as pd

from helpers.run_folders import ORIGIN
from labreport.config import experiments
from labreport.core import files
from labreport.runs import fingerprint, records, results
from labreport.runs.validation import Validation, save

TRAINED_ON = {"early_stopping": {"monitor": "val_loss"}, "model_args": {}, "augmentation": {}}


def ran_with(folder, **session):
    """Let a fabricated run have run otherwise: fields of its session, such as peak_memory_bytes."""
    [before] = ORIGIN["sittings"]
    files.write_json(folder / results.PROVENANCE, ORIGIN | {"sittings": [before | session]})


def fabricated(
    name,
    accuracy=0.7,
    images=400,
    seed=0,
    settings=None,
    split="test",
    ids="image",
    epochs=6,
    finished="2025-03-01T12:00:00+01:00",
    recorded=True,
):
    """A run folder as training leaves it, with numbers from a generator; returns its metrics.

    On as many validation images it is right as often as on the evaluated ones, in its best epoch;
    recorded: whether it says so of each image.
    """
    experiment = experiments.load(name, settings)
    random, names = np.random.default_rng(seed), ["cat", "dog", "frog"]
    # runs err on the same images, more or less
    difficulty, noise = (np.random.default_rng(99).random(images), random.normal(0, 0.15, images))
    correct = np.argsort(np.argsort(difficulty + noise)) < round(accuracy * images)
    labels = np.arange(images) % 3
    predicted = np.where(correct, labels, (labels + 1) % 3)
    probabilities = np.eye(3)[predicted] * 0.8 + 0.2 / 3
    table = pd.DataFrame(
        {
            "id": [f"{ids}-{number}" for number in range(images)],
            "label": np.array(names)[labels],
            "predicted": np.array(names)[predicted],
        }
    )
    validation = accuracy * (1 - np.exp(-np.arange(1, epochs + 1) / 2)) + random.normal(
        0, 0.01, epochs
    )
    history = pd.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "accuracy": np.linspace(0.4, 0.9, epochs),
            "loss": np.linspace(1.5, 0.3, epochs),
            "val_accuracy": validation,
            "val_loss": np.linspace(1.5, 1.0, epochs),
        }
    )
    best, measured = int(validation.argmax()) + 1, float(correct.mean())
    folder = experiment.folder
    folder.mkdir(parents=True)
    results.write_csv(history, folder / results.HISTORY)
    results.write_csv(
        pd.concat([table, pd.DataFrame(probabilities, columns=names)], axis=1),
        folder / results.PREDICTIONS,
    )
    (folder / results.MODEL).touch()
    if recorded:
        # no epoch but the best one is right nearly as often, so each half of the images chooses it
        right = np.tile(correct & (np.arange(images) % 2 == 0), (epochs, 1))
        right[best - 1] = correct
        validation_ids = table["id"] if split == "validation" else "val-" + table["id"]
        save(Validation(validation_ids.to_numpy(str), right, None), folder)
    files.write_json(folder / results.PROVENANCE, ORIGIN)
    metrics = {
        "experiment": name,
        "run": experiment.run_name,
        "data": experiment.data,
        "changes": experiment.changes,
        "evaluated_split": split,
        "evaluated_accuracy": measured,
        "evaluated_loss": 1.0,
        "test_accuracy": measured if split == "test" else None,
        "validation_accuracy": measured,
        "validation_loss": 1.0,
        "train_accuracy": 0.9,
        "train_loss": 0.3,
        "best_epoch": best,
        "epochs": epochs,
        "seconds": 100.0,
        "total_parameters": 12345,
        "trainable_parameters": 12345,
        "finished": finished,
        "dataset": {
            "class_names": names,
            "fingerprint": "0" * 64,
            "images": {"train": 1000, "validation": images, split: images},
        },
        "identity": json.loads(json.dumps(fingerprint.of(experiment, "0" * 64))),
    }
    files.write_json(folder / results.METRICS, metrics)
    return metrics


def history(val_accuracy, val_loss=None, accuracy=None, loss=None):
    """Of a training, a row an epoch."""
    count = len(val_accuracy)
    return pd.DataFrame(
        {
            "epoch": range(1, count + 1),
            "accuracy": accuracy or np.linspace(0.4, 0.9, count),
            "loss": loss or np.linspace(1.5, 0.3, count),
            "val_accuracy": val_accuracy,
            "val_loss": val_loss or np.linspace(1.5, 1.0, count),
        }
    )


def result(
    labels, predicted, names=("cat", "dog", "frog"), metrics=None, course=None, confidence=0.9
):
    """A finished training without files: true and predicted class of each evaluated image."""
    labels, predicted = np.array(labels), np.array(predicted)
    probabilities = np.full((len(labels), len(names)), (1 - confidence) / (len(names) - 1))
    probabilities[np.arange(len(labels)), predicted] = confidence
    table = pd.DataFrame(
        {
            "id": [str(i) for i in range(len(labels))],
            "label": np.array(names)[labels],
            "predicted": np.array(names)[predicted],
        }
    )
    table = pd.concat([table, pd.DataFrame(probabilities, columns=list(names))], axis=1)
    base = {
        "experiment": "cifar10_naive_adam",
        "run": "cifar10_naive_adam",
        "evaluated_loss": 1.0,
        "validation_loss": 1.0,
        "train_loss": 0.5,
        "finished": "2026-01-01T00:00:00+00:00",
        "evaluated_accuracy": float((labels == predicted).mean()),
        "dataset": {
            "class_names": list(names),
            "fingerprint": "0" * 64,
            "images": {"validation": 1000},
        },
        "best_epoch": 2,
        "epochs": 3,
        "stopped_early": False,
        "seconds": 5.0,
        "data": "real",
        "changes": {},
        "evaluated_split": "test",
        "test_accuracy": float((labels == predicted).mean()),
        "total_parameters": 10,
        "trainable_parameters": 10,
        "train_accuracy": 0.9,
        "validation_accuracy": 0.7,
        "identity": {"settings": dict(TRAINED_ON)},
    }
    return results.Result(
        history([0.5, 0.7, 0.6], [1.0, 0.8, 0.9]) if course is None else course,
        records.as_metrics(base | (metrics or {})),
        table,
        provenance=records.as_provenance(ORIGIN),
    )

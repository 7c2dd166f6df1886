"""Run folders as trainings and other processes leave them, without a training."""

import json
import shutil

import numpy as np
import pandas as pd

from labreport import assignments, experiments, files, identity, results, state

ORIGIN = {
    "sittings": [
        {
            "started": "2026-01-01T00:00:00+00:00",
            "device": "CPU",
            "threads": 1,
            "locks": {},
            "checkout": {},
        }
    ],
    "settings": {},
    "versions": {},
    "imported": {},
}


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
):
    """A run folder as training leaves it, with numbers from a generator; returns its metrics."""
    experiment = experiments.load(name, settings)
    random, names = np.random.default_rng(seed), ["cat", "dog", "frog"]
    difficulty, noise = (
        np.random.default_rng(99).random(images),
        random.normal(0, 0.15, images),
    )  # runs err on the same images, more or less
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
    files.write_json(folder / results.PROVENANCE, ORIGIN)
    metrics = {
        "experiment": name,
        "run": experiment.run_name,
        "data": experiment.data,
        "changes": experiment.changes,
        "evaluated_split": split,
        "evaluated_accuracy": measured,
        "test_accuracy": measured if split == "test" else None,
        "validation_accuracy": float(validation[best - 1]),
        "train_accuracy": 0.9,
        "best_epoch": best,
        "epochs": epochs,
        "seconds": 100.0,
        "total_parameters": 12345,
        "finished": finished,
        "dataset": {
            "class_names": names,
            "fingerprint": "0" * 64,
            "images": {"train": 1000, split: images},
        },
        "identity": json.loads(json.dumps(identity.of(experiment, "0" * 64))),
    }
    files.write_json(folder / results.METRICS, metrics)
    return metrics


def finish(experiment, /, accuracy=0.75, at="2026-11-24T12:00:00+00:00", **other):
    """A run folder as a finished training leaves it, with nothing in the files that the index does
    not read.
    """
    experiment.folder.mkdir(parents=True, exist_ok=True)
    for name in assignments.FINISHED:
        (experiment.folder / name).touch()
    (experiment.folder / "history.csv").write_text(
        "epoch,accuracy,val_accuracy\n1,0.4,0.5\n2,0.6,0.625\n"
    )
    metrics = {
        "experiment": experiment.name,
        "run": experiment.run_name,
        "data": experiment.data,
        "changes": experiment.changes,
        "evaluated_accuracy": accuracy,
        "evaluated_split": "test",
        "finished": at,
        "dataset": {"fingerprint": "of the data"},
        "identity": identity.of(experiment, "of the data"),
    }
    files.write_json(experiment.folder / "metrics.json", metrics | other)
    return experiment.folder


def ended(folder, name, **other):
    files.write_json(
        folder / state.FILE,
        {
            "state": name,
            "host": "another machine",
            "process": 1,
            "started": files.now(),
            "heartbeat": files.now(),
            "beats": 0,
            "ended": files.now(),
        }
        | other,
    )


def replaced(folder):
    """Delete a run folder and put that of another process in its place; what it holds."""
    shutil.rmtree(folder)
    theirs = {
        name: f"theirs: {name}"
        for name in (
            "run.json",
            ".run.lock",
            ".training.lock",
            "running.ipynb",
            "running.txt",
            "failed.ipynb",
            "metrics.json",
            "unfinished/history.csv",
            "unfinished/epoch-0001.00000000000000000000.npz",
            "earlier/x",
        )
    }
    for name, text in theirs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return theirs


def untouched(folder, theirs):
    """Whether the folder holds just these files, with this text."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    } == theirs

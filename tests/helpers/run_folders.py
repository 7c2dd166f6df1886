"""Run folders with just what the index and the commands read of them."""

from labreport.core import files
from labreport.runs import fingerprint, state
from labreport.studies import study

# What a run was made from and ran on, in short.
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
# What a training measures and the index does not read.
MEASURED = {
    "evaluated_loss": 0.9,
    "validation_accuracy": 0.625,
    "validation_loss": 0.9,
    "train_accuracy": 0.6,
    "train_loss": 1.0,
    "best_epoch": 2,
    "epochs": 2,
    "seconds": 10.0,
    "total_parameters": 1000,
    "trainable_parameters": 1000,
}


def finish(experiment, /, accuracy=0.75, at="2026-11-24T12:00:00+00:00", **other):
    """A run folder as a finished training leaves it, with nothing in the files that the index does
    not read.
    """
    experiment.folder.mkdir(parents=True, exist_ok=True)
    for name in study.FINISHED:
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
        **MEASURED,
        "finished": at,
        "dataset": {"fingerprint": "of the data"},
        "identity": fingerprint.of(experiment, "of the data"),
    }
    files.write_json(experiment.folder / "provenance.json", ORIGIN)
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

"""Kill trainings at random moments, start them again, and compare what they end with, bit for bit, with trainings that nobody disturbed.

    .venv/bin/python tests/soak.py --kills 20 --seed 1
"""

import argparse
import io
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "lib"))

# Tiny runs on drawn images, one for each kind of thing that a training has to remember.
KINDS = {
    "dropout and penalties": ("cifar10_l2_dropout", {"filters": [[4], [4]], "block_dropout": [0.2, 0.2], "dense": [16], "dense_dropout": [0.5],
                                                     "max_images": 600, "batch_size": 32, "epochs": 5}),
    "batch normalisation, augmented": ("cifar10_augmentation", {"max_images": 120, "batch_size": 16, "epochs": 3, "augmentation.rotation_degrees": 20}),
    "early stopping, an earlier epoch is the best": ("cifar10_l2", {"filters": [[4], [4], [4]], "dense": [8], "max_images": 600, "batch_size": 32, "epochs": 12,
                                                                    "learning_rate": 0.02, "patience": 2, "monitor": "val_accuracy"}),
    "one sigmoid, augmented": ("cats_dogs_sigmoid", {"image_size": 32, "max_images": 60, "epochs": 4}),
    "three outputs": ("flowers_googlenet_sgd", {"image_size": 128, "max_images": 40, "epochs": 3}),
    "features computed once": ("dog_breeds_mobilenetv2", {"image_size": 32, "alpha": 0.35, "weights": "random", "max_images": 480, "epochs": 5}),
    "fine-tuned, with batch statistics": ("dog_breeds_mobilenetv2_finetune", {"image_size": 32, "alpha": 0.35, "weights": "random", "max_images": 480, "epochs": 3}),
}
MEASURED_IN_SECONDS = {"seconds", "prepared_seconds", "seconds_per_epoch", "finished"}


def experiment(kind: str):
    """The experiment of a kind, with its settings."""
    from labreport import experiments

    name, settings = KINDS[kind]
    return experiments.load(name, {"data": "sample", "seed": 5} | settings)


def train(kind: str, reports: str, cache: str) -> None:
    """What a process that may be killed does."""
    os.environ |= {"LABREPORT_REPORTS": reports, "LABREPORT_CACHE": cache}
    log = os.open(Path(reports) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(ROOT)
    from labreport import backend, datasets, training

    backend.prepare()
    chosen = experiment(kind)
    training.fit(chosen, datasets.load(chosen))


def ended_with(reports: Path, kind: str) -> dict:
    """Everything that a training has ended with, but for how long it took."""
    import h5py

    from labreport import results

    [folder] = [path.parent for path in reports.glob("*/metrics.json")]
    result = results.load(folder)
    with zipfile.ZipFile(folder / results.MODEL) as archive, h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        weights = {}
        file.visititems(lambda name, found: weights.update({name: found[()].tobytes()}) if isinstance(found, h5py.Dataset) else None)
    assert weights
    return {"history": (folder / results.HISTORY).read_bytes(), "predictions": (folder / results.PREDICTIONS).read_bytes(), "weights": weights,
            "metrics": {key: value for key, value in result.metrics.items() if key not in MEASURED_IN_SECONDS}}


class Soak:
    """Trainings of one kind in processes that start warm: they are forked from a server that has imported Keras."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["labreport.training", "labreport.datasets"])

    def start(self, kind: str, reports: Path, cache: Path):
        """A process that trains."""
        reports.mkdir(parents=True, exist_ok=True)
        process = self.context.Process(target=train, args=(kind, str(reports), str(cache)))
        process.start()
        return process

    def undisturbed(self, kind: str, name: str = "undisturbed") -> tuple[Path, float]:
        """Folder and seconds of a training from beginning to end."""
        reports, started = self.folder / name, time.monotonic()
        process = self.start(kind, reports, self.folder / f"{name}-cache")
        process.join()
        assert process.exitcode == 0, (reports / "log.txt").read_text()
        return reports, time.monotonic() - started

    def disturbed(self, kind: str, name: str, moments: list[float], number=signal.SIGKILL) -> tuple[Path, list[str]]:
        """Folder of a training that got a signal so many seconds after each of its starts, and was started again; and where each signal met it."""
        reports, met = self.folder / name, []
        for moment in [*moments, None]:
            process = self.start(kind, reports, self.folder / f"{name}-cache")
            process.join(moment)
            if process.exitcode is None:
                os.kill(process.pid, number)
                process.join()
                met.append(where(reports))
            elif process.exitcode:
                raise AssertionError((reports / "log.txt").read_text())
        return reports, met


def where(reports: Path) -> str:
    """How far the training in a folder has come."""
    histories = list(reports.glob("*/unfinished/history.csv"))
    if list(reports.glob("*/unfinished/metrics.json")):
        return "moving its files into place"
    if list(reports.glob("*/metrics.json")):
        return "finished"
    return f"after epoch {len(histories[0].read_text().splitlines()) - 1}" if histories else "before its first epoch was saved"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=20, help="how many processes to kill (default 20)")
    arguments.add_argument("--seed", type=int, default=1, help="of the moments (default 1)")
    options = arguments.parse_args()
    random_moments, killed, wrong, trials = random.Random(options.seed), 0, 0, 0
    kinds = list(KINDS)
    references = {}
    with tempfile.TemporaryDirectory() as temporary:
        while killed < options.kills:
            kind = kinds[trials % len(kinds)]
            soak = Soak(Path(temporary) / str(kinds.index(kind)))
            if kind not in references:
                reports, seconds = soak.undisturbed(kind)
                references[kind] = ended_with(reports, kind), seconds
            expected, seconds = references[kind]
            moments = [random_moments.uniform(0.1, 1) * seconds for _ in range(min(random_moments.choice([1, 1, 2]), options.kills - killed))]
            reports, met = soak.disturbed(kind, f"trial-{trials}", moments)
            found = ended_with(reports, kind)
            other = [part for part in expected if found[part] != expected[part]]
            killed, wrong, trials = killed + len(met), wrong + bool(other), trials + 1
            if met:
                outcome = f"DIFFERENT {', '.join(other)}" if other else "the same bits"
                print(f"{killed:>3} of {options.kills}  {kind}: killed {', then '.join(met)}: {outcome}", flush=True)
    print(f"{killed} kills in {trials} trainings of {len(references)} kinds: {wrong} ended otherwise than an undisturbed one")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

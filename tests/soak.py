"""Kill runs, or close their terminals, at random moments, start them again, and compare what they
end with, bit for bit, with runs that nobody disturbed.

.venv/bin/python tests/soak.py --kills 20 --seed 1
"""

import argparse
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from helpers import processes

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "lib"))

# Tiny runs on drawn images, one for each kind of thing that a training has to remember.
KINDS = {
    "dropout and penalties": (
        "cifar10_l2_dropout",
        {
            "filters": [[4], [4]],
            "block_dropout": [0.2, 0.2],
            "dense": [16],
            "dense_dropout": [0.5],
            "max_images": 600,
            "batch_size": 32,
            "epochs": 5,
        },
    ),
    "batch normalisation, augmented": (
        "cifar10_augmentation",
        {"max_images": 120, "batch_size": 16, "epochs": 3, "augmentation.rotation_degrees": 20},
    ),
    "early stopping, an earlier epoch is the best": (
        "cifar10_l2",
        {
            "filters": [[4], [4], [4]],
            "dense": [8],
            "max_images": 600,
            "batch_size": 32,
            "epochs": 12,
            "learning_rate": 0.02,
            "patience": 2,
            "monitor": "val_accuracy",
        },
    ),
    "one sigmoid, augmented": (
        "cats_dogs_sigmoid",
        {"image_size": 32, "max_images": 60, "epochs": 4},
    ),
    "three outputs": ("flowers_googlenet_sgd", {"image_size": 128, "max_images": 40, "epochs": 3}),
    "features computed once": (
        "dog_breeds_mobilenetv2",
        {"image_size": 32, "alpha": 0.35, "weights": "random", "max_images": 480, "epochs": 5},
    ),
    "fine-tuned, with batch statistics": (
        "dog_breeds_mobilenetv2_finetune",
        {"image_size": 32, "alpha": 0.35, "weights": "random", "max_images": 480, "epochs": 3},
    ),
}
MEASURED_IN_SECONDS = {"seconds", "prepared_seconds", "seconds_per_epoch", "finished"}


def experiment(kind: str):
    """The experiment of a kind, with its settings."""
    from labreport.config import experiments

    name, settings = KINDS[kind]
    return experiments.load(name, {"data": "sample", "seed": 5} | settings)


def run(kind: str, through: str, reports: str, cache: str, terminal: str | None) -> None:
    """What a process that may be killed does. terminal: where it prints to, else to a log."""
    os.environ |= {"LABREPORT_REPORTS": reports, "LABREPORT_CACHE": cache}
    if terminal:
        log = os.open(terminal, os.O_RDWR | os.O_NOCTTY)
        processes.take_over(log)
    else:
        log = os.open(Path(reports) / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.chdir(ROOT)
    chosen = experiment(kind)
    if through != "training":
        settings = [
            f"{key}={json.dumps(value)}" for key, value in chosen.changes.items() if key != "data"
        ]
        os.execv(
            sys.executable,
            [
                sys.executable,
                "pipeline.py",
                "report",
                chosen.name,
                "--notebook-only",
                "--data",
                "sample",
                "--set",
                *settings,
            ],
        )
    from labreport import datasets
    from labreport.training import backend, training

    backend.prepare()
    training.fit(chosen, datasets.load(chosen))


def ended_with(reports: Path) -> dict:
    """Everything that a training has ended with, but for how long it took."""
    from labreport.runs import results, validation

    [folder] = [path.parent for path in reports.glob("*/metrics.json")]
    result = results.load(folder)
    return {
        "history": (folder / results.HISTORY).read_bytes(),
        "predictions": (folder / results.PREDICTIONS).read_bytes(),
        "validation": (folder / validation.FILE).read_bytes(),
        "model": (folder / results.MODEL).read_bytes(),
        "metrics": {
            key: value
            for key, value in result.metrics.as_json().items()
            if key not in MEASURED_IN_SECONDS
        },
    }


class Soak:
    """Runs of one kind in processes that may be killed, which are forked from a server that has
    imported Keras.

    through: `training`, a process that only trains; or `pipeline` and `kernel`, the two processes
    of `pipeline.py report --notebook-only`, by the one that is killed; or `terminal`, the pipeline
    in a window that is closed.
    """

    def __init__(self, folder: Path, kind: str, through: str = "training"):
        self.folder, self.kind, self.through = folder, kind, through
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload(["labreport.training.training", "labreport.datasets"])
        # seconds after which an undisturbed run had saved 0, 1, 2, ... epochs, and after which it
        # had ended
        self.reached = []

    def start(self, reports: Path):
        """A process that runs."""
        reports.mkdir(parents=True, exist_ok=True)
        self.window = processes.Window() if self.through == "terminal" else None
        terminal = self.window and self.window.name
        process = self.context.Process(
            target=run,
            args=(
                self.kind,
                self.through,
                str(reports),
                str(reports.with_name(f"{reports.name}-cache")),
                terminal,
            ),
        )
        process.start()
        return process

    def said(self, reports: Path) -> str:
        """What the last process said."""
        return self.window.read_text() if self.window else (reports / "log.txt").read_text()

    def undisturbed(self, name: str = "undisturbed") -> Path:
        """Folder of a run from beginning to end."""
        reports, started = self.folder / name, time.monotonic()
        process = self.start(reports)
        self.reached = [0.0]
        while process.exitcode is None:
            while saved(reports) >= len(self.reached):
                self.reached.append(time.monotonic() - started)
            process.join(0.005)
        assert process.exitcode == 0, self.said(reports)
        self.reached.append(time.monotonic() - started)
        return reports

    def disturbed(
        self,
        name: str,
        kills: int,
        draw: random.Random,
        number=signal.SIGKILL,
        latest: int | None = None,
    ) -> tuple[Path, list[str]]:
        """Folder of a run that was started again after each of so many signals, and where each met
        it.

        A signal comes at a random moment of a random epoch, or before the first one, or after the
        last one is saved. latest: the epoch that it comes after at the latest, of those saved.
        """
        last = len(self.reached) - 2
        reports, met = self.folder / name, []
        for left in range(kills, -1, -1):
            process = self.start(reports)
            if left:
                end = last if latest is None else min(latest, last)
                epoch = draw.randint(min(saved(reports), end), end)
                seconds = draw.random() * (self.reached[epoch + 1] - self.reached[epoch])
                while saved(reports) < epoch and process.exitcode is None:
                    process.join(0.002)
                # Where the machine has become quicker, the moment has passed with the epoch.
                until = time.monotonic() + seconds
                while time.monotonic() < until and process.exitcode is None:
                    if epoch < last and saved(reports) > epoch:
                        break
                    process.join(0.002)
                victim, family = self.victim(process)
                if victim and self.disturb(victim, number):
                    process.join()
                    assert not self.window or (
                        process.exitcode in (129, -signal.SIGHUP, 0)
                        and not list(reports.glob("*/failed.*"))
                    ), f"the run failed: {self.said(reports)}"
                    met.append(where(reports))
                    left_behind = psutil.wait_procs(family, timeout=30)[1]
                    assert not left_behind, f"still there after the kill: {left_behind}"
                    continue
            process.join()
            if process.exitcode:
                raise AssertionError(self.said(reports))
        return reports, met

    def disturb(self, victim: psutil.Process, number) -> bool:
        """Close the window or send the signal; False where the victim has ended by itself."""
        try:
            if self.window:
                self.window.close()
            else:
                victim.send_signal(number)
        except psutil.NoSuchProcess:
            return False
        return True

    def victim(self, process) -> tuple[psutil.Process | None, list[psutil.Process]]:
        """The process to be killed, as soon as there is one, and all that the run has started; None
        where the run has ended first.
        """
        while process.exitcode is None:
            try:
                shown = psutil.Process(process.pid)
                family = shown.children(recursive=True)
                found = (
                    [shown]
                    if self.through != "kernel"
                    else [
                        child
                        for child in shown.children()
                        if "ipykernel_launcher" in " ".join(child.cmdline())
                    ]
                )
            except psutil.NoSuchProcess:  # it has ended, and its exit code comes at once
                process.join(0.01)
                continue
            if found:
                return found[0], family
            process.join(0.01)
        return None, []


def saved(reports: Path) -> int:
    """Epochs that the run in a folder has saved and not yet put into place."""
    histories = list(reports.glob("*/unfinished/history.csv"))
    try:
        return len(histories[0].read_text().splitlines()) - 1 if histories else 0
    except FileNotFoundError:  # moved into place just now
        return 0


def where(reports: Path) -> str:
    """How far the run in a folder has come."""
    if list(reports.glob("*/unfinished/metrics.json")):
        return "moving its files into place"
    if list(reports.glob("*/metrics.json")):
        return "its training finished"
    return f"after epoch {saved(reports)}" if saved(reports) else "before its first epoch was saved"


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument(
        "--kills",
        type=int,
        default=20,
        help="how many processes to kill, or terminals to close (default 20)",
    )
    arguments.add_argument("--seed", type=int, default=1, help="of the moments (default 1)")
    options = arguments.parse_args()
    draw, killed, wrong, trials, early, soaks, expected = (
        random.Random(options.seed),
        0,
        0,
        0,
        0,
        {},
        {},
    )
    ways = [
        (kind, through)
        for through in ("training", "kernel", "pipeline", "terminal")
        for kind in KINDS
    ]
    # another kind and another victim each time
    ways = [ways[number * 9 % len(ways)] for number in range(len(ways))]
    with tempfile.TemporaryDirectory() as temporary:
        while killed < options.kills:
            kind, through = ways[trials % len(ways)]
            if (kind, through) not in soaks:
                soak = soaks[kind, through] = Soak(Path(temporary) / str(len(soaks)), kind, through)
                reports = soak.undisturbed()
                assert expected.setdefault(kind, ended_with(reports)) == ended_with(reports), (
                    f"{kind} is not repeatable through {through}"
                )
            reports, met = soaks[kind, through].disturbed(
                f"trial-{trials}", min(draw.choice([1, 1, 2]), options.kills - killed), draw
            )
            found = ended_with(reports)
            other = [part for part in expected[kind] if found[part] != expected[kind][part]]
            killed, wrong, trials = killed + len(met), wrong + bool(other), trials + 1
            early += sum("before" in moment for moment in met)
            if met:
                outcome = f"DIFFERENT {', '.join(other)}" if other else "the same bits"
                print(
                    f"{killed:>3} of {options.kills}  {kind}: {through}"
                    f" {'closed' if through == 'terminal' else 'killed'} {', then '.join(met)}:"
                    f" {outcome}",
                    flush=True,
                )
    print(
        f"{killed} kills and closed terminals in {trials} runs of {len(expected)} kinds ({early}"
        f" before the first epoch was saved): {wrong} ended otherwise than an undisturbed one"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""The memory that the plan expects of a run, beside the most that the run's processes had together.

One run of each kind is made as SLURM makes it, `pipeline.py report --notebook-only` in a process of
its own; and two runs of a sweep, which are forks. `memory.py --data FOLDER` makes those on real
images too.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tests")]

from helpers.processes import descendants, parent  # noqa: E402
from labreport.config import experiments  # noqa: E402
from labreport.executors import plan  # noqa: E402

LOOK_SECONDS = 0.05
# Kinds of runs: many small images in memory; images mapped from a file; features of a frozen
# network; weights that fill the memory; maps that do. Two epochs: the second one
# holds the best weights beside its own.
SAMPLES = {
    "CIFAR-10, drawn, few": ("cifar10_naive_adam", {"data": "sample", "max_images": 300}),
    "CIFAR-10, drawn": ("cifar10_naive_adam", {"data": "sample"}),
    "cats and dogs, drawn": ("cats_dogs_softmax", {"data": "sample"}),
    "flowers, drawn, AlexNet": ("flowers_alexnet_adam", {"data": "sample", "max_images": 200}),
    "dog breeds, drawn": ("dog_breeds_scratch_base", {"data": "sample", "max_images": 600}),
}
REAL = {
    "CIFAR-10": ("cifar10_naive_adam", {}),
    "CIFAR-10, augmented, few": ("cifar10_augmentation", {"max_images": 3000}),
    "cats and dogs": ("cats_dogs_softmax", {}),
    "flowers, few": ("flowers_tuned_base", {"max_images": 400}),
    "flowers, AlexNet, few": ("flowers_alexnet_adam", {"max_images": 200}),
    "flowers, VGG16, few": ("flowers_vgg16_adam", {"max_images": 100}),
    "flowers, GoogLeNet, few": ("flowers_googlenet_sgd", {"max_images": 100}),
    "dog breeds, frozen MobileNetV2, few": (
        "dog_breeds_mobilenetv2",
        {"model_args.weights": "random", "max_images": 600},
    ),
    "dog breeds, fine-tuned MobileNetV2, few": (
        "dog_breeds_mobilenetv2_finetune",
        {"model_args.weights": "random", "max_images": 400},
    ),
}


class Peak(threading.Thread):
    """Watches a process and all that it starts. rss, pss: the most bytes that they had together,
    shared pages counted once for each of them, or once in all."""

    def __init__(self, process: int):
        super().__init__(daemon=True)
        self.process, self.rss, self.pss, self.over = process, 0, 0, threading.Event()

    def run(self):
        while not self.over.wait(LOOK_SECONDS):
            found = [memory(one) for one in {self.process} | descendants(self.process)]
            self.rss = max(self.rss, sum(rss for rss, _ in found))
            self.pss = max(self.pss, sum(pss for _, pss in found))


def memory(process: int, kinds=("Rss", "Pss")) -> list[int]:
    """Bytes in memory of a process now, and the same where a shared page counts by its share."""
    try:
        lines = dict(
            line.split(":", 1)
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        )
        return [1024 * int(lines[kind].split()[0]) for kind in kinds]
    except (OSError, KeyError, ValueError):  # it has just ended
        return [0] * len(kinds)


def forked(name: str, settings: dict, folder: Path) -> int:
    """Make a sweep of two runs, which are forks; returns the most bytes that one had for itself."""
    for part in ("params", "notebooks"):
        shutil.copytree(ROOT / part, folder / part)
    sweep = (
        f"title: Two\nquestion: How much?\nbase: {name}\nseeds: [1]\nruns:\n  - {{patience: 99}}\n"
    )
    (folder / "params/sweeps/two.yaml").write_text(sweep)
    own = {key: value for key, value in settings.items() if key != "data"} | {"epochs": 2}
    command = [
        sys.executable,
        str(ROOT / "pipeline.py"),
        "sweep",
        "two",
        "--jobs",
        "2",
        "--data",
        "sample",
        "--set",
        *(f"{key}={value}" for key, value in own.items()),
    ]
    environment = os.environ | {
        "LABREPORT_REPORTS": str(folder / "reports"),
        "LABREPORT_CACHE": str(folder / "cache"),
    }
    process, most = (
        subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL),
        0,
    )
    while process.poll() is None:
        there = descendants(process.pid)
        for run in [one for one in there if parent_of(parent_of(one)) == process.pid]:
            family = {run} | descendants(run)
            most = max(
                most, sum(sum(memory(one, ("Private_Clean", "Private_Dirty"))) for one in family)
            )
        time.sleep(LOOK_SECONDS)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return most


def parent_of(process: int) -> int:
    """A process's parent; 0 where it has just ended."""
    try:
        return parent(process)
    except OSError:
        return 0


def peak(name: str, settings: dict, folder: Path) -> Peak:
    """Make a run in a process of its own, and watch it."""
    own = {key: value for key, value in settings.items() if key != "data"} | {"epochs": 2}
    command = [
        sys.executable,
        str(ROOT / "pipeline.py"),
        "report",
        name,
        "--notebook-only",
        *(["--data", "sample"] if settings.get("data") else []),
        "--set",
        *(f"{key}={value}" for key, value in own.items()),
    ]
    environment = os.environ | {
        "LABREPORT_REPORTS": str(folder / "reports"),
        "LABREPORT_CACHE": str(folder / "cache"),
        "LABREPORT_DATA_LOCK": str(folder / "data.lock"),
    }
    log = folder / "log.txt"
    with open(log, "w") as words:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=words, stderr=words)
        watch = Peak(process.pid)
        watch.start()
        code = process.wait()
        watch.over.set()
        watch.join()
    if code:
        sys.exit(f"{' '.join(command)} ended with {code}:\n{log.read_text()[-2000:]}")
    return watch


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--data", metavar="FOLDER", help="of the real images; without it only drawn ones are used"
    )
    options.add_argument(
        "--only", metavar="TEXT", default="", help="the kinds whose name contains this"
    )
    asked = options.parse_args()
    if asked.data:
        os.environ["LABREPORT_DATA"] = str(Path(asked.data).resolve())
    mib = 2**20
    print(
        "| run | expected, MiB | most, MiB | ratio | shared pages once, MiB"
        " |\n|---|---|---|---|---|",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as place:
        for kind, (name, settings) in (SAMPLES | (REAL if asked.data else {})).items():
            if asked.only not in kind:
                continue
            os.environ["LABREPORT_REPORTS"] = f"{place}/none"  # no earlier run tells of it
            experiment = experiments.load(name, settings | {"epochs": 2})
            [step] = plan.estimated([plan.step(experiment)], forked=False)
            most = peak(name, settings, Path(place))
            print(
                f"| {kind} | {step.memory / mib:.0f} | {most.rss / mib:.0f} |"
                f" {step.memory / most.rss:.2f} | {most.pss / mib:.0f} |",
                flush=True,
            )
    for kind in ("CIFAR-10, drawn, few", "cats and dogs, drawn"):
        if asked.only not in kind:
            continue
        name, settings = SAMPLES[kind]
        [step] = plan.estimated([plan.step(experiments.load(name, settings))], forked=True)
        with tempfile.TemporaryDirectory() as place:
            most = forked(name, settings, Path(place))
        print(
            f"| {kind}, forked | {step.memory / mib:.0f} | {most / mib:.0f} |"
            f" {step.memory / most:.2f} | |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What a run of a sweep costs beside its training: 24 runs of one epoch on 300 drawn images, as
`pipeline.py sweep` makes them, two at once and one at a time, beside a shell loop over papermill
that executes the same notebook with the same settings. `make bench` runs it.
"""

import argparse
import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPTIMIZERS = [("adam", 0.001), ("sgd", 0.01), ("rmsprop", 0.001), ("adagrad", 0.01)]
SETTINGS = {"epochs": 1, "max_images": 300}


def seconds(command: list[str], folder: Path, reports: Path) -> float:
    """How long a command takes in a project folder, with run folders of its own."""
    environment = os.environ | {
        "LABREPORT_REPORTS": str(reports),
        "LABREPORT_CACHE": str(folder / "cache"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(
            f"{shlex.join(command)[:200]} ended with"
            f" {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return time.perf_counter() - started


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--runs", type=int, default=24, help="a multiple of 4 (default 24)")
    count = options.parse_args().runs
    seeds = list(range(1, count // len(OPTIMIZERS) + 1))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name in ("params", "notebooks"):
            shutil.copytree(ROOT / name, folder / name)
        differences = "".join(
            f"  - {{optimizer: {name}, learning_rate: {rate}}}\n" for name, rate in OPTIMIZERS[1:]
        )
        (folder / "params/sweeps/tiny.yaml").write_text(
            "title: Tiny\nquestion: How long?\nbase: cifar10_naive_adam\nseeds:"
            f" {seeds}\nruns:\n{differences}"
        )
        sweep = [
            sys.executable,
            str(ROOT / "pipeline.py"),
            "sweep",
            "tiny",
            "--yes",
            "--data",
            "sample",
            "--set",
            *(f"{key}={value}" for key, value in SETTINGS.items()),
        ]
        parameters = [
            json.dumps(
                {
                    "experiment": "cifar10_naive_adam",
                    "settings": (
                        SETTINGS
                        | {
                            "data": "sample",
                            "optimizer": name,
                            "learning_rate": rate,
                            "seed": seed,
                        }
                    ),
                }
            )
            for seed, (name, rate) in itertools.product(seeds, OPTIMIZERS)
        ]
        papermill = shlex.join(
            [
                str(Path(sys.executable).with_name("papermill")),
                "notebooks/cifar10.ipynb",
                "out.ipynb",
                "--cwd",
                "notebooks",
                "--kernel",
                "python3",
                "--no-progress-bar",
            ]
        )
        loop = [
            "bash",
            "-ec",
            f'for parameters in {shlex.join(parameters)}; do {papermill} -y "$parameters"; done',
        ]
        # draws the images, which are kept
        seconds(
            ["bash", "-ec", f"{papermill} -y {shlex.quote(parameters[0])}"],
            folder,
            folder / "first",
        )
        found = {
            "a sweep, several at once": seconds(sweep, folder, folder / "several"),
            "a sweep, one at a time": seconds([*sweep, "--jobs", "1"], folder, folder / "one"),
            "a shell loop over papermill": seconds(loop, folder, folder / "loop"),
        }
        trained = {
            name: len(list((folder / name).glob("cifar10*/metrics.json")))
            for name in ("several", "one", "loop")
        }
    assert set(trained.values()) == {count}, trained
    print(
        f"{count} runs of one epoch, {SETTINGS['max_images']} images; the sweeps' seconds include"
        " their plan and their report"
    )
    slowest = found["a shell loop over papermill"]
    for name, took in found.items():
        print(
            f"  {name:<28}{took:>7.1f} s, {took / count:>5.2f} s a run, {slowest / took:.1f} times"
            " as fast as the loop"
        )


if __name__ == "__main__":
    main()

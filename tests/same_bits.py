"""Whether this checkout trains the same numbers as another one, bit for bit: what an entry in
lib/labreport/staleness/same_numbers.py has to prove.

git worktree add --detach /tmp/before HEAD && .venv/bin/python tests/same_bits.py /tmp/before
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import soak

KINDS = soak.KINDS | {
    "one softmax": ("cifar10_naive_adam", {"max_images": 300, "batch_size": 32, "epochs": 3}),
}
_TRAIN = """
import json, os, sys
sys.path.insert(0, "tests")
import labreport, soak
assert labreport.__file__.startswith(os.getcwd()), f"{labreport.__file__} is of another checkout"
soak.KINDS = json.loads(sys.argv[1])
soak.run(sys.argv[2], "training", sys.argv[3], sys.argv[4], None)
"""


def trained(checkout: Path, kind: str, place: Path) -> dict:
    """What a training of a kind ends with in a checkout, in parts that have names."""
    (place / "reports").mkdir(parents=True)
    folders = str(place / "reports"), str(place / "cache")
    done = subprocess.run(
        [sys.executable, "-c", _TRAIN, json.dumps(KINDS), kind, *folders],
        cwd=checkout,
        env=os.environ | {"PYTHONPATH": str(checkout / "lib")},
    )
    said = "".join(log.read_text() for log in place.glob("reports/log.txt"))
    assert done.returncode == 0, f"{kind} failed in {checkout}: {said}"
    [folder] = [path.parent for path in place.glob("reports/*/metrics.json")]
    return parts(folder)


def parts(folder: Path) -> dict:
    """What a training has left that a repetition must have too: columns of its history, metrics
    without times, and the bytes of other files.
    """
    rows = list(csv.reader((folder / "history.csv").read_text().splitlines()))
    found: dict = {f"history.csv, {column}": values for column, *values in zip(*rows)}
    for key, value in json.loads((folder / "metrics.json").read_text()).items():
        if key not in {*soak.MEASURED_IN_SECONDS, "identity"}:  # which names the code
            found[f"metrics.json, {key}"] = value
    files = ("predictions.csv", "validation.npz", "model.keras")
    return found | {name: (folder / name).read_bytes() for name in files}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    arguments.add_argument("before", type=Path, help="a checkout of the code as it was")
    arguments.add_argument("--kind", nargs="*", choices=KINDS, default=KINDS, help="of trainings")
    options, wrong = arguments.parse_args(), 0
    with tempfile.TemporaryDirectory() as temporary:
        for number, kind in enumerate(options.kind):
            before, now = (
                trained(checkout, kind, Path(temporary) / f"{number}-{place}")
                for place, checkout in enumerate((options.before.resolve(), soak.ROOT))
            )
            changed = [key for key in before if before[key] != now.get(key)]
            added = [key for key in now if key not in before]
            wrong += bool(changed)
            found = f"DIFFERENT {', '.join(changed)}" if changed else "the same bits"
            more = f"; new: {', '.join(added)}" if added else ""
            print(f"{kind}: {found}{more}", flush=True)
    print(f"{len(options.kind)} kinds, {wrong} of them with other numbers")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

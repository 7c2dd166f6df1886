"""Image folders as users have them, with small drawn pictures."""

import cv2
import numpy as np

from labreport import datasets
from labreport.config import experiments
from labreport.datasets import dog_breeds, flowers

SIDE = 16


def picture(seed, side=24):
    """The bytes of a small JPEG, different for every seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return cv2.imencode(".jpg", cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC))[
        1
    ].tobytes()


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def write_flowers(root, each=10):
    for label, name in enumerate(flowers.CLASS_NAMES):
        for i in range(each):
            write(root / name / f"{i:03}.jpg", picture(1000 * label + i))


def write_cats_dogs(root, each=10):
    for number, part in enumerate(
        ("train/cats", "train/dogs", "validation/cats", "validation/dogs")
    ):
        for i in range(each):
            write(root / part / f"{i:03}.jpg", picture(1000 * number + i))


def write_dogs(root, each=4, unlabelled=0):
    lines = ["id,breed"]
    for label, breed in enumerate(dog_breeds.CLASS_NAMES):
        for i in range(each):
            lines.append(f"{label:03}{i},{breed}")
            write(root / f"train/{label:03}{i}.jpg", picture(1000 * label + i))
    for i in range(unlabelled):
        write(root / f"test/t{i:03}.jpg", picture(9_000_000 + i))
    (root / "labels.csv").write_text("\n".join(lines) + "\n")


def load(name, **settings):
    return datasets.load(experiments.load(name, {"image_size": SIDE, **settings}))


def load_flowers(**settings):
    return load("flowers_basic", **settings)

"""Drawn cats and dogs: the shape of Kaggle's Dogs vs. Cats, to try everything with no download.

A picture is a scene out of focus, an animal in it, and a camera that is never perfect. Ears, eyes,
snout and tail tell the two classes apart; scenes, poses, coat colours and markings are drawn in the
same way for both. An animal is drawn facing right in coordinates of its own, x to the right and y
down, both within about -1..1, its feet at y = GROUND.
"""

from typing import Any

import numpy as np

from .animal_parts import PALE, Animal
from .animals import (
    CAT_EYES,
    DOG_EYES,
    OVERSAMPLING,
    lying,
    natural,
    portrait,
    pose,
    scene,
    sitting,
    standing,
)
from .drawing import COATS, Pen, mixed_labels, photograph, shade

CLASSES = ("cats", "dogs")


def draw(per_class: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `per_class` cats and as many dogs, mixed, each picture `side` x `side` pixels.

    Returns images uint8 (2 * per_class, side, side, 3) RGB and labels int32 (2 * per_class,), where
    label i is CLASSES[i]. Each two pictures in a row hold both classes; picture i depends on
    `seed`, i and `side` alone, so a longer draw begins with the shorter, and another side shows the
    same scene.
    """
    labels = mixed_labels(len(CLASSES), per_class, seed)
    images = np.empty((len(labels), side, side, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = _picture(CLASSES[label], side, np.random.default_rng([seed, i]))
    return images, labels


def _picture(class_name: str, side: int, rng: np.random.Generator) -> np.ndarray:
    canvas = scene(side * OVERSAMPLING, rng)
    pen = Pen(canvas, *pose(len(canvas), rng))
    animal = _cat(rng) if class_name == "cats" else _dog(rng)
    draw_posed = (portrait, portrait, sitting, sitting, standing, standing, lying)[rng.integers(7)]
    draw_posed(pen, animal, rng)
    return photograph(canvas, side, rng)


def _cat(rng: np.random.Generator) -> Animal:
    build: dict[str, Any] = {
        "leg": rng.uniform(0.36, 0.46),
        "depth": rng.uniform(0.2, 0.26),
        "length": rng.uniform(0.5, 0.6),
        "bone": rng.uniform(0.055, 0.07),
    }
    face: dict[str, Any] = {
        "head": rng.uniform(0.25, 0.3),
        "muzzle": rng.uniform(0.08, 0.18),
        "eyes": shade(CAT_EYES, rng),
    }
    return Animal(
        "cat", "pointed", ("raised", "hanging")[rng.integers(2)], **_coat(rng), **build, **face
    )


def _dog(rng: np.random.Generator) -> Animal:
    build: dict[str, Any] = {
        "leg": rng.uniform(0.36, 0.56),
        "depth": rng.uniform(0.23, 0.31),
        "length": rng.uniform(0.5, 0.62),
        "bone": rng.uniform(0.065, 0.09),
    }
    face: dict[str, Any] = {
        "head": rng.uniform(0.22, 0.29),
        "muzzle": rng.uniform(0.4, 0.75),
        "eyes": shade(DOG_EYES, rng),
    }
    ears = "folded" if rng.random() < 0.2 else "drooping"
    return Animal(
        "dog", ears, ("raised", "curled", "hanging")[rng.integers(3)], **_coat(rng), **build, **face
    )


def _coat(rng: np.random.Generator) -> dict:
    """Colours and markings, the same choice for cats and dogs."""
    coat = natural(COATS[rng.integers(len(COATS))], rng)
    markings = ("plain", "stripes", "stripes", "patches", "saddle", "mask")[rng.integers(6)]
    second = PALE if rng.random() < 0.4 and markings != "stripes" else coat * rng.uniform(0.45, 0.7)
    light = coat + (PALE - coat) * rng.uniform(0.25, 0.9)
    return {
        "coat": coat,
        "second": second,
        "light": light,
        "markings": markings,
        "shaggy": rng.uniform(0, 0.07),
    }

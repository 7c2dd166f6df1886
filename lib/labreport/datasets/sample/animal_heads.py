"""Heads of drawn cats and dogs, seen from ahead and in profile."""

from typing import Any

import numpy as np

from .animal_parts import DARK, PALE, PINK, TONGUE, Animal, curve, fur, hairs, limb, oval, part
from .drawing import Pen

UPRIGHT_EAR = np.array(
    (
        (0.12, -0.7),
        (0.12, -0.7),
        (0.35, -1.15),
        (0.72, -1.48),
        (0.72, -1.48),
        (0.72, -1.48),
        (1.02, -0.8),
        (0.98, -0.15),
        (0.98, -0.15),
    )
)
PROFILE_EAR = np.array(
    (
        (-0.75, -0.35),
        (-0.75, -0.35),
        (-0.7, -0.9),
        (-0.42, -1.5),
        (-0.42, -1.5),
        (-0.42, -1.5),
        (0.05, -0.9),
        (0.15, -0.6),
        (0.15, -0.6),
    )
)


def _mirrored(half: Any) -> np.ndarray:
    """A symmetric closed outline from the right half of its control points, top to bottom, the
    first and the last on the axis.
    """
    half = np.array(half)
    return np.concatenate([half, half[-2:0:-1] * (-1, 1)])


def head_from_ahead(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """A head within about -1..1, looking at the camera or a little past it."""
    turn = rng.uniform(-0.16, 0.16)
    coat, second, light = animal.coat, animal.second, animal.light
    cat = animal.species == "cat"
    ear_colour = second if animal.markings in ("mask", "saddle", "patches") else coat * 0.86
    droop, spread = rng.uniform(0.1, 0.55), rng.uniform(-0.08, 0.1)
    if animal.ears != "drooping":
        for side in (-1, 1):
            _upright_ear(pen, animal, side, spread + 0.5 * turn * side, ear_colour)
    if cat:
        skull = _mirrored(
            (
                (0, -0.86),
                (0.5, -0.86),
                (0.95, -0.45),
                (1.12, 0.15),
                (0.92, 0.65),
                (0.42, 0.9),
                (0, 0.98),
            )
        )
    else:
        skull = _mirrored(
            ((0, -0.98), (0.5, -0.95), (0.88, -0.55), (0.88, 0), (0.68, 0.5), (0.5, 1), (0, 1.12))
        )
    fur(pen, curve(skull), coat, animal.shaggy, rng)
    hairs(pen, 0, -0.2, (0.65, 0.5), coat * 0.86, rng)
    if animal.markings == "stripes":
        for x in (-0.26, 0, 0.26):
            limb(
                pen,
                ((x + turn, -0.72), (0.85 * x + turn, -0.5), (0.7 * x + turn, -0.32)),
                (0.05, 0.05, 0.01),
                second,
            )
        for side in (-1, 1):
            limb(
                pen,
                ((side * 0.84, 0.1), (side * 0.72, 0.16), (side * 0.55, 0.18)),
                (0.05, 0.05, 0.01),
                second,
            )
    elif animal.markings == "mask":
        pen.polygon(
            curve(
                _mirrored(((0, -0.8), (0.12, -0.7), (0.08, -0.2), (0.3, 0.4), (0.3, 0.8), (0, 0.9)))
                + (turn, 0)
            ),
            light,
        )
    elif animal.markings == "patches":
        oval(pen, 0.38 + turn, -0.15, 0.3, 0.34, second)
    if animal.ears == "drooping":
        ear = np.array(
            (
                (0.35, -0.9),
                (0.75, -0.95),
                (1.12, -0.5),
                (1.22, 0.1 + droop),
                (0.98, 0.5 + droop),
                (0.7, 0.2 + droop),
                (0.68, -0.4),
            )
        )
        for side in (-1, 1):
            fur(
                pen, curve(ear * (side, 1) + (0.4 * turn, 0)), ear_colour * 0.88, animal.shaggy, rng
            )
    face = part(pen, turn, 0.25 * abs(turn), 1)
    (_cat_face if cat else _dog_face)(face, animal, rng)


def _upright_ear(pen: Pen, animal: Animal, side: int, spread: float, colour: np.ndarray) -> None:
    if animal.ears == "folded":
        back = np.array(
            (
                (0.12, -0.7),
                (0.12, -0.7),
                (0.45, -1.25),
                (0.85 + spread, -1.2),
                (0.98, -0.15),
                (0.98, -0.15),
            )
        )
        pen.polygon(curve(back * (side, 1)), colour * 0.85)
        flap = np.array(
            (
                (0.4, -1.1),
                (0.4, -1.1),
                (0.9 + spread, -1.2),
                (1.02 + spread, -1),
                (0.98, -0.45),
                (0.98, -0.45),
            )
        )
        pen.polygon(curve(flap * (side, 1)), colour)
        return
    # the tip alone is spread
    ear = UPRIGHT_EAR + np.array((spread, 0)) * (UPRIGHT_EAR[:, 1:] == UPRIGHT_EAR[:, 1].min())
    pen.polygon(curve(ear * (side, 1)), colour)
    pen.polygon(curve((ear * 0.68 + (0.19, -0.24)) * (side, 1)), (PINK + animal.coat) / 2)


def _cat_face(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    wide, pupil = rng.uniform(0.16, 0.21), rng.uniform(0.04, 0.11)
    for side in (-1, 1):
        eye = part(pen, side * 0.42, -0.06, 1, -0.25 * side)
        oval(eye, 0, 0, wide + 0.05, 0.2, DARK)
        oval(eye, 0, 0, wide, 0.16, animal.eyes)
        oval(eye, 0, 0, pupil, 0.155, DARK)
        oval(pen, side * 0.42 + 0.05, -0.12, 0.04, 0.04, PALE)
    for side in (-1, 1):
        oval(pen, side * 0.17, 0.47, 0.24, 0.19, animal.light)
    oval(pen, 0, 0.66, 0.17, 0.12, animal.light * 0.95)
    pen.line(((-0.26, 0.56), (-0.12, 0.62), (0, 0.52), (0.12, 0.62), (0.26, 0.56)), 0.035, DARK)
    pen.line(((0, 0.36), (0, 0.52)), 0.035, DARK)
    pen.polygon(
        curve(((-0.16, 0.26), (-0.16, 0.26), (0.16, 0.26), (0.16, 0.26), (0, 0.44), (0, 0.44))),
        PINK * 0.92,
    )
    for side in (-1, 1):
        for rise in (-0.16, -0.02, 0.12):
            pen.line(
                (
                    (side * 0.25, 0.46 + 0.3 * rise),
                    (side * 0.8, 0.42 + rise),
                    (side * 1.25, 0.46 + 1.6 * rise),
                ),
                0.02,
                PALE,
            )


def _dog_face(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    broad, drop = rng.uniform(0.38, 0.5), 0.05 + 0.25 * animal.muzzle
    for side in (-1, 1):
        oval(pen, side * 0.38, -0.18, 0.15, 0.15, DARK)
        oval(pen, side * 0.38, -0.17, 0.12, 0.12, animal.eyes)
        oval(pen, side * 0.38, -0.18, 0.075, 0.075, DARK)
        oval(pen, side * 0.38 + 0.04, -0.23, 0.035, 0.035, PALE)
        pen.line(
            ((side * 0.24, -0.42), (side * 0.4, -0.46), (side * 0.52, -0.4)),
            0.05,
            animal.coat * 0.72,
        )
    if rng.random() < 0.45:
        pen.polygon(
            curve(
                (
                    (-0.14, 0.7),
                    (0.14, 0.7),
                    (0.17, 1.05 + drop),
                    (0, 1.2 + drop),
                    (-0.17, 1.05 + drop),
                )
            ),
            TONGUE,
        )
    snout = (
        (0, -0.05),
        (0.22, 0),
        (broad, 0.4),
        (broad + 0.06, 0.6 + drop),
        (0.25, 0.85 + drop),
        (0, 0.8 + drop),
    )
    pen.polygon(curve(_mirrored(snout)), animal.light)
    pen.line(
        np.array(((-0.8, 0.5), (-0.4, 0.66), (0, 0.5), (0.4, 0.66), (0.8, 0.5))) * (broad, 1)
        + (0, drop),
        0.045,
        DARK,
    )
    pen.line(((0, 0.3 + drop / 2), (0, 0.5 + drop)), 0.045, DARK)
    pen.polygon(
        curve(
            _mirrored(((0, 0.02), (0.22, 0.02), (0.3, 0.18), (0.14, 0.4), (0, 0.42)))
            + (0, drop / 2)
        ),
        DARK,
    )
    oval(pen, 0.06, 0.12 + drop / 2, 0.06, 0.03, DARK + 90)


def head_in_profile(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """A head looking right, the skull within about -1..1 and the snout beyond."""
    snout = animal.muzzle
    ear_colour = (
        animal.second if animal.markings in ("mask", "saddle", "patches") else animal.coat * 0.8
    )
    pen_ear = part(pen, rng.uniform(-0.05, 0.05), 0, 1, rng.normal(0, 0.08))
    if animal.ears != "drooping":
        pen_ear.polygon(curve(PROFILE_EAR + (0.35, -0.02)), ear_colour * 0.75)  # the far ear
    skull = (
        (0.5, 0.68),
        (-0.2, 0.95),
        (-0.95, 0.15),
        (-0.85, -0.65),
        (-0.15, -1),
        (0.55, -0.78),
        (0.78, -0.25),
    )
    nose = ((0.95 + snout, -0.18), (1.08 + snout, 0.15), (0.9 + snout, 0.52))
    fur(pen, curve(skull + nose), animal.coat, animal.shaggy, rng)
    oval(pen, 0.55 + 0.7 * snout, 0.28, 0.2 + 0.35 * snout, 0.2, animal.light)
    if animal.markings == "stripes":
        for x in (-0.35, -0.05):
            limb(
                pen,
                ((x, -0.75), (x + 0.08, -0.55), (x + 0.1, -0.4)),
                (0.05, 0.05, 0.01),
                animal.second,
            )
    pen.line(((0.86 + snout, 0.3), (0.6 + 0.5 * snout, 0.4), (0.42, 0.34)), 0.045, DARK)
    if animal.species == "cat":
        oval(pen, 0.35, -0.2, 0.19, 0.17, DARK)
        oval(pen, 0.37, -0.2, 0.14, 0.13, animal.eyes)
        oval(pen, 0.4, -0.2, 0.05, 0.13, DARK)
        oval(pen, 0.86 + snout, 0.02, 0.1, 0.08, PINK * 0.9)
        for rise in (-0.12, 0.02, 0.16):
            pen.line(((0.6, 0.25), (0.95, 0.3 + rise), (1.3, 0.36 + 2 * rise)), 0.02, PALE)
    else:
        oval(pen, 0.38, -0.3, 0.13, 0.13, DARK)
        oval(pen, 0.4, -0.3, 0.09, 0.09, animal.eyes * 0.8)
        oval(pen, 0.42, -0.34, 0.03, 0.03, PALE)
        oval(pen, 0.9 + snout, -0.02, 0.19, 0.16, DARK)
    if animal.ears == "drooping":
        droop = rng.uniform(0.5, 0.85)
        ear = np.array(
            (
                (-0.6, -0.75),
                (-0.2, -0.85),
                (0.08, -0.4),
                (-0.05, droop),
                (-0.4, droop + 0.2),
                (-0.75, droop - 0.2),
                (-0.75, -0.3),
            )
        )
        fur(pen_ear, curve(ear), ear_colour * 0.92, animal.shaggy, rng)
    elif animal.ears == "folded":
        pen_ear.polygon(
            curve(
                (
                    (-0.75, -0.4),
                    (-0.75, -0.4),
                    (-0.65, -1.15),
                    (-0.25, -1.2),
                    (0.05, -0.7),
                    (0.05, -0.7),
                )
            ),
            ear_colour * 0.85,
        )
        pen_ear.polygon(
            curve(
                (
                    (-0.6, -1.05),
                    (-0.6, -1.05),
                    (-0.2, -1.2),
                    (0.15, -0.9),
                    (0.22, -0.35),
                    (0.22, -0.35),
                )
            ),
            ear_colour,
        )
    else:
        pen_ear.polygon(curve(PROFILE_EAR), ear_colour)
        pen_ear.polygon(curve(PROFILE_EAR * 0.62 + (-0.1, -0.3)), (PINK + animal.coat) / 2)

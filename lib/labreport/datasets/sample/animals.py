"""Drawn animals in a scene out of focus: standing, sitting, lying or in a portrait."""

import cv2
import numpy as np

from .animal_heads import head_from_ahead, head_in_profile
from .animal_parts import GROUND, Animal, curve, fur, hairs, limb, oval, part, shadow
from .drawing import SCENES, Pen, background, clutter

# the canvas in units of the finished picture; drawing large and shrinking is what smooths the edges
OVERSAMPLING = 2
SCENE_SIDE = 96  # pixels of a scene before it is enlarged, which puts it out of focus
PLACES = ("room", "room", "grass", "grass", "road", "sand", "forest")
# a bib of lighter fur
CHEST = np.array(
    ((-0.9, -1), (0.9, -1), (1.2, -0.2), (0.6, 0.7), (0, 1.3), (-0.6, 0.7), (-1.2, -0.2))
)
TRUNK = np.array(  # from the rump over the back to the chest and along the belly
    (
        (-1.1, -0.55),
        (-0.8, -1.15),
        (0, -1),
        (0.6, -1.2),
        (1.05, -0.8),
        (1.12, 0.3),
        (0.75, 1.2),
        (0.1, 1),
        (-0.6, 0.75),
        (-1.1, 0.3),
    )
)
HAUNCH = np.array(
    ((-1, 0.5), (-0.8, -0.6), (0, -1.1), (0.9, -0.5), (1.2, 0.6), (0.9, 1.1), (-0.8, 1.1))
)
CAT_EYES = np.array(((150, 175, 70), (205, 165, 60), (110, 160, 170), (170, 150, 50)))
DOG_EYES = np.array(((90, 55, 30), (70, 45, 30), (120, 80, 40)))


def scene(size: int, rng: np.random.Generator) -> np.ndarray:
    """A place to stand in, out of focus: uint8 (size, size, 3)."""
    small = background(SCENES[PLACES[rng.integers(len(PLACES))]], SCENE_SIDE, rng)
    cluttered = small.copy()
    clutter(cluttered, 5, rng)
    small = cv2.addWeighted(small, 0.55, cluttered, 0.45, 0)  # far things are pale
    return cv2.resize(
        cv2.GaussianBlur(small, (5, 5), rng.uniform(0.7, 1.6)),
        (size, size),
        interpolation=cv2.INTER_CUBIC,
    )


def pose(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the animal is and which way it looks: the matrix (2, 2) and the origin (2,) of a pen,
    in pixels.
    """
    tilt = np.radians(rng.normal(0, 5))
    scale = rng.uniform(0.3, 0.5) * size
    # nearer 0: turned towards the camera or away
    facing = rng.uniform(0.85, 1.05) * (1 if rng.random() < 0.5 else -1)
    rotation = np.array(((np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))))
    return (
        scale * np.array(((facing, 0), (rng.normal(0, 0.04), 1))) @ rotation,
        rng.normal((0.5, 0.52), 0.05) * size,
    )


def natural(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fur colour near this one: brighter or darker, hardly off hue, RGB (3,)."""
    return (colour * rng.uniform(0.8, 1.2) + rng.normal(0, 5, 3)).clip(35, 235)


def standing(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """From the side, on four legs, the head from the side or turned to the camera."""
    pen = part(pen, -0.15, 0, 1)  # the head reaches further than the tail
    depth, length = animal.depth, animal.length
    middle = GROUND - animal.leg - 0.7 * depth
    step = rng.uniform(-0.12, 0.12)
    shadow(pen, 0, 1.35 * length)
    _tail(pen, animal, -0.9 * length, middle - 0.5 * depth, rng)
    _pair_of_legs(pen, animal, middle, -step - 0.04, 0.7)  # the far side, in shade
    _trunk(pen, animal, middle, rng)
    _pair_of_legs(pen, animal, middle, step, 0.93)
    reach = length + 0.12 + 0.3 * animal.head
    height = middle - depth - rng.uniform(0.3, 0.9) * animal.head
    neck = animal.head * (0.62 if animal.species == "cat" else 0.7)
    spine = (
        (0.55 * length, middle - 0.1 * depth),
        (0.85 * length, middle - 0.45 * depth),
        (reach - 0.04, height + 0.05),
    )
    limb(pen, spine, (depth * 0.75, depth * 0.72, neck), animal.coat * 0.95)
    if rng.random() < 0.5:
        head_in_profile(part(pen, reach, height, animal.head, rng.normal(0.1, 0.1)), animal, rng)
    else:
        head_from_ahead(
            part(pen, reach + 0.03, height, animal.head, rng.normal(0, 0.08)), animal, rng
        )


def _pair_of_legs(pen: Pen, animal: Animal, middle: float, step: float, light: float) -> None:
    """The hind and the front leg of one side, `step` nearer to each other than at rest, in coat
    colour times `light`.
    """
    bone, hind, front = animal.bone, step - 0.72 * animal.length, 0.62 * animal.length - step
    knee = GROUND - 0.45 * animal.leg
    thigh = (
        (hind, middle),
        (hind + 0.02, knee - 0.1),
        (hind - 0.1, knee + 0.03),
        (hind - 0.05, GROUND),
    )
    limb(pen, thigh, (0.16, 0.13, bone, bone * 0.9), animal.coat * light)
    limb(
        pen,
        ((front, middle), (front, knee), (front + 0.01, GROUND)),
        (0.11, bone, bone * 0.9),
        animal.coat * light,
    )
    paws = animal.light if animal.markings in ("patches", "mask") else animal.coat
    for x in (hind, front + 0.05):
        oval(pen, x, GROUND - 0.035, bone * 1.25, 0.05, paws * light)


def _trunk(pen: Pen, animal: Animal, middle: float, rng: np.random.Generator) -> None:
    depth, length = animal.depth, animal.length
    fur(pen, curve(TRUNK * (length, depth) + (0, middle)), animal.coat, animal.shaggy, rng)
    hairs(pen, -0.05, middle - 0.05, (0.75 * length, 0.7 * depth), animal.coat * 0.86, rng)
    hairs(
        pen, -0.05, middle - 0.3 * depth, (0.75 * length, 0.5 * depth), animal.coat * 1.07 + 4, rng
    )
    if animal.markings == "saddle":
        saddle = np.array(
            (
                (-0.95, -0.5),
                (-0.7, -0.95),
                (0, -0.9),
                (0.6, -1),
                (0.8, -0.5),
                (0.3, 0.1),
                (-0.4, 0.2),
            )
        )
        pen.polygon(curve(saddle * (length, depth) + (0, middle)), animal.second)
    elif animal.markings == "stripes":
        for x in np.linspace(-0.75, 0.65, 7) * length:
            stripe = (
                (x, middle - 0.85 * depth),
                (x + 0.04, middle - 0.4 * depth),
                (x, middle + rng.uniform(0, 0.4) * depth),
            )
            limb(pen, stripe, (0.03, 0.025, 0.008), animal.second)
    elif animal.markings == "patches":
        for x in rng.uniform((-0.7, -0.1, 0.4), (-0.4, 0.2, 0.7)) * length:
            oval(
                pen,
                x,
                middle - rng.uniform(0, 0.45) * depth,
                rng.uniform(0.08, 0.2),
                rng.uniform(0.25, 0.5) * depth,
                animal.second,
            )
    elif animal.markings == "mask":
        oval(pen, 0.8 * length, middle + 0.2 * depth, 0.16, 0.6 * depth, animal.light)


def _tail(pen: Pen, animal: Animal, x: float, y: float, rng: np.random.Generator) -> None:
    swing, thick = rng.uniform(-0.1, 0.1), 0.05 + animal.shaggy
    if animal.tail == "curled":
        path = (
            (x + 0.08, y),
            (x - 0.12, y - 0.15),
            (x - 0.12, y - 0.4),
            (x + 0.1, y - 0.47),
            (x + 0.2, y - 0.3),
        )
    elif animal.tail == "raised":
        path = (
            (x + 0.08, y),
            (x - 0.15, y - 0.05),
            (x - 0.25 + swing, y - 0.3),
            (x - 0.22 + swing, y - 0.55),
            (x - 0.3 + 2 * swing, y - 0.68),
        )
    else:
        path = (
            (x + 0.08, y),
            (x - 0.12, y + 0.03),
            (x - 0.22 + swing / 2, y + 0.2),
            (x - 0.25 + swing, y + 0.42),
            (x - 0.34 + swing, y + 0.5),
        )
    widths = (1.1, 1, 1, 0.9, 0.6) if animal.species == "cat" else (1.4, 1.3, 1.2, 0.9, 0.35)
    limb(pen, path, tuple(thick * width for width in widths), animal.coat * 0.8)


def sitting(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Facing the camera, upright on the haunches, the tail to one side."""
    broad = 1.15 * animal.depth + 0.1
    top = GROUND - rng.uniform(0.95, 1.1)
    shadow(pen, 0, 0.62)
    _tail(
        pen,
        animal._replace(tail="curled" if animal.tail == "curled" else "hanging"),
        -0.75 * broad,
        GROUND - 0.45,
        rng,
    )
    for side in (-1, 1):
        oval(pen, side * 0.8 * broad, GROUND - 0.2, 0.5 * broad, 0.22, animal.coat * 0.8)
        oval(pen, side * 0.95 * broad, GROUND - 0.03, 0.45 * broad, 0.06, animal.coat * 0.88)
    outline = np.array(
        (
            (-0.7, 0),
            (0, -0.15),
            (0.7, 0),
            (0.95, 0.4),
            (1.05, 0.8),
            (0.7, 1.05),
            (-0.7, 1.05),
            (-1.05, 0.8),
            (-0.95, 0.4),
        )
    )
    fur(
        pen,
        curve(outline * (broad, GROUND - 0.08 - top) + (0, top)),
        animal.coat,
        animal.shaggy,
        rng,
    )
    if animal.markings == "stripes":
        for y in np.linspace(top + 0.45, GROUND - 0.25, 4):
            for side in (-1, 1):
                stripe = np.array(((0.84, 0), (0.65, 0.04), (0.45, 0.03))) * (side * broad, 1) + (
                    0,
                    y,
                )
                limb(pen, stripe, (0.025, 0.025, 0.006), animal.second)
    elif animal.markings in ("patches", "saddle"):
        for side in (-1, 1):
            oval(
                pen,
                side * 0.55 * broad,
                rng.uniform(top + 0.5, GROUND - 0.3),
                0.3 * broad,
                rng.uniform(0.1, 0.2),
                animal.second,
            )
    hairs(pen, 0, top + 0.5, (0.75 * broad, 0.4), animal.coat * 0.86, rng)
    fur(
        pen,
        curve(CHEST * (0.5 * broad, 0.34) + (0, top + 0.4)),
        animal.light,
        0.15 + animal.shaggy,
        rng,
    )
    for side in (-1, 1):
        leg = np.array(
            ((0.4 * broad, top + 0.5), (0.38 * broad, GROUND - 0.25), (0.36 * broad, GROUND - 0.02))
        ) * (side, 1)
        limb(pen, leg, np.array((1.5, 1.2, 1.1)) * animal.bone, animal.coat * 0.95)
        oval(pen, side * 0.37 * broad, GROUND - 0.01, 1.5 * animal.bone, 0.055, animal.light)
    size = 1.25 * animal.head
    head_from_ahead(
        part(pen, rng.normal(0, 0.03), top - 0.25 * size, size, rng.normal(0, 0.08)), animal, rng
    )


def lying(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Down on the belly, front paws ahead, the head turned to the camera."""
    pen = part(pen, -0.12, 0, 1)
    middle = GROUND - 0.85 * animal.depth
    shadow(pen, 0.1, 0.95)
    _tail(
        pen,
        animal._replace(tail="curled" if animal.tail == "curled" else "hanging"),
        -animal.length,
        middle - 0.3,
        rng,
    )
    _trunk(pen, animal, middle, rng)
    haunch = HAUNCH * (0.26, 0.75 * animal.depth) + (-0.6 * animal.length, middle + 0.12)
    fur(pen, curve(haunch), animal.coat * 0.96, animal.shaggy, rng)
    oval(pen, -0.35 * animal.length, GROUND - 0.03, 0.18, 0.055, animal.light * 0.95)
    for y, colour in ((GROUND - 0.1, animal.coat * 0.8), (GROUND - 0.03, animal.coat * 0.95)):
        leg = (
            (0.5 * animal.length, y - 0.08),
            (0.9 * animal.length, y - 0.01),
            (animal.length + 0.3, y),
        )
        limb(pen, leg, (0.12, animal.bone, animal.bone), colour)
        oval(pen, animal.length + 0.32, y, 0.1, 0.055, animal.light * 0.95)
    x, y = animal.length * 0.95, middle - animal.depth - rng.uniform(0, 0.6) * animal.head
    spine = (
        (0.55 * animal.length, middle),
        (0.8 * animal.length, middle - 0.3 * animal.depth),
        (x, y),
    )
    limb(
        pen, spine, (animal.depth * 0.7, animal.depth * 0.7, animal.head * 0.65), animal.coat * 0.94
    )
    head_from_ahead(part(pen, x, y, 1.15 * animal.head, rng.normal(0, 0.1)), animal, rng)


def portrait(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Head and shoulders, looking into the camera."""
    size = rng.uniform(0.55, 0.75)
    broad = rng.uniform(0.7, 0.95)
    outline = np.array(
        (
            (-0.55, -0.2),
            (0, -0.4),
            (0.55, -0.2),
            (0.9, 0.6),
            (1.1, 1.6),
            (1.1, 3),
            (-1.1, 3),
            (-1.1, 1.6),
            (-0.9, 0.6),
        )
    )
    fur(pen, curve(outline * (broad, 0.75) + (0, 0.25)), animal.coat * 0.9, animal.shaggy / 2, rng)
    hairs(pen, 0, 0.8, (0.8 * broad, 0.55), animal.coat * 0.76, rng)
    fur(pen, curve(CHEST * (0.5 * broad, 0.5) + (0, 0.8)), animal.light, 0.15 + animal.shaggy, rng)
    head_from_ahead(part(pen, rng.normal(0, 0.05), -0.05, size, rng.normal(0, 0.1)), animal, rng)

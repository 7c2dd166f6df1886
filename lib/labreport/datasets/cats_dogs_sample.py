"""Drawn cats and dogs: the shape of Kaggle's Dogs vs. Cats, to try everything with no download.

A picture is a scene out of focus, an animal in it, and a camera that is never perfect. Ears, eyes, snout and tail tell the two classes
apart; scenes, poses, coat colours and markings are drawn in the same way for both. An animal is drawn facing right in coordinates of its
own, x to the right and y down, both within about -1..1, its feet at y = GROUND.
"""

from typing import NamedTuple

import cv2
import numpy as np

from .drawing import COATS, SCENES, SUBPIXEL_BITS, Pen, background, clutter, photograph, shade

CLASSES = ("cats", "dogs")

OVERSAMPLING = 2  # the canvas in units of the finished picture; drawing large and shrinking is what smooths the edges
SCENE_SIDE = 96  # pixels of a scene before it is enlarged, which puts it out of focus
GROUND = 0.8
PLACES = ("room", "room", "grass", "grass", "road", "sand", "forest")

DARK, PALE, PINK, TONGUE = np.array(((34, 30, 32), (236, 230, 220), (214, 150, 145), (218, 110, 115)))
CAT_EYES = np.array(((150, 175, 70), (205, 165, 60), (110, 160, 170), (170, 150, 50)))
DOG_EYES = np.array(((90, 55, 30), (70, 45, 30), (120, 80, 40)))

STEPS = np.linspace(0, 1, 4, endpoint=False)[:, None]
BASIS = np.hstack([(1 - STEPS) ** 3, 3 * STEPS**3 - 6 * STEPS**2 + 4, -3 * STEPS**3 + 3 * STEPS**2 + 3 * STEPS + 1, STEPS**3]) / 6
ROUND = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], axis=1)
CHEST = np.array(((-0.9, -1), (0.9, -1), (1.2, -0.2), (0.6, 0.7), (0, 1.3), (-0.6, 0.7), (-1.2, -0.2)))  # a bib of lighter fur
TRUNK = np.array(  # from the rump over the back to the chest and along the belly
    ((-1.1, -0.55), (-0.8, -1.15), (0, -1), (0.6, -1.2), (1.05, -0.8), (1.12, 0.3), (0.75, 1.2), (0.1, 1), (-0.6, 0.75), (-1.1, 0.3))
)
HAUNCH = np.array(((-1, 0.5), (-0.8, -0.6), (0, -1.1), (0.9, -0.5), (1.2, 0.6), (0.9, 1.1), (-0.8, 1.1)))
UPRIGHT_EAR = np.array(
    ((0.12, -0.7), (0.12, -0.7), (0.35, -1.15), (0.72, -1.48), (0.72, -1.48), (0.72, -1.48), (1.02, -0.8), (0.98, -0.15), (0.98, -0.15))
)
PROFILE_EAR = np.array(
    ((-0.75, -0.35), (-0.75, -0.35), (-0.7, -0.9), (-0.42, -1.5), (-0.42, -1.5), (-0.42, -1.5), (0.05, -0.9), (0.15, -0.6), (0.15, -0.6))
)
LOOPS = {n: (np.arange(n)[:, None] + np.arange(4)) % n for n in range(4, 24)}  # the four control points of each stretch of a closed curve


class Animal(NamedTuple):
    """What an animal looks like in any pose. Lengths are in its own coordinates; colours are RGB (3,)."""

    species: str  # cat or dog
    ears: str  # pointed, folded or drooping
    tail: str  # raised, curled or hanging
    markings: str  # plain, stripes, patches, saddle or mask
    coat: np.ndarray
    second: np.ndarray  # of the markings
    light: np.ndarray  # of muzzle and chest
    eyes: np.ndarray
    leg: float  # from the belly to the ground
    depth: float  # half the depth of the chest
    length: float  # half the length of the trunk
    bone: float  # half the width of a leg
    head: float  # half the width of the head
    muzzle: float  # how far the snout reaches out of the head, in half widths of the head
    shaggy: float  # how ragged the outline is, as a part of the shape's size


def draw(per_class: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `per_class` cats and as many dogs, mixed, each picture `side` x `side` pixels.

    Returns images uint8 (2 * per_class, side, side, 3) RGB and labels int32 (2 * per_class,), where label i is CLASSES[i]. Each two
    pictures in a row hold both classes; picture i depends on `seed`, i and `side` alone, so a longer draw begins with the shorter, and
    another side shows the same scene.
    """
    mixing = np.random.default_rng([seed, 0, 1])  # a third number, or it would be the generator of picture 0
    labels = mixing.permuted(np.tile(np.arange(len(CLASSES), dtype=np.int32), (per_class, 1)), axis=1).ravel()
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
    build = {"leg": rng.uniform(0.36, 0.46), "depth": rng.uniform(0.2, 0.26), "length": rng.uniform(0.5, 0.6), "bone": rng.uniform(0.055, 0.07)}
    face = {"head": rng.uniform(0.25, 0.3), "muzzle": rng.uniform(0.08, 0.18), "eyes": shade(CAT_EYES, rng)}
    return Animal("cat", "pointed", ("raised", "hanging")[rng.integers(2)], **_coat(rng), **build, **face)


def _dog(rng: np.random.Generator) -> Animal:
    build = {"leg": rng.uniform(0.36, 0.56), "depth": rng.uniform(0.23, 0.31), "length": rng.uniform(0.5, 0.62), "bone": rng.uniform(0.065, 0.09)}
    face = {"head": rng.uniform(0.22, 0.29), "muzzle": rng.uniform(0.4, 0.75), "eyes": shade(DOG_EYES, rng)}
    ears = "folded" if rng.random() < 0.2 else "drooping"
    return Animal("dog", ears, ("raised", "curled", "hanging")[rng.integers(3)], **_coat(rng), **build, **face)


def _coat(rng: np.random.Generator) -> dict:
    """Colours and markings, the same choice for cats and dogs."""
    coat = natural(COATS[rng.integers(len(COATS))], rng)
    markings = ("plain", "stripes", "stripes", "patches", "saddle", "mask")[rng.integers(6)]
    second = PALE if rng.random() < 0.4 and markings != "stripes" else coat * rng.uniform(0.45, 0.7)
    light = coat + (PALE - coat) * rng.uniform(0.25, 0.9)
    return {"coat": coat, "second": second, "light": light, "markings": markings, "shaggy": rng.uniform(0, 0.07)}


def natural(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A fur colour near this one: brighter or darker, hardly off hue, RGB (3,)."""
    return (colour * rng.uniform(0.8, 1.2) + rng.normal(0, 5, 3)).clip(35, 235)


def scene(size: int, rng: np.random.Generator) -> np.ndarray:
    """A place to stand in, out of focus: uint8 (size, size, 3)."""
    small = background(SCENES[PLACES[rng.integers(len(PLACES))]], SCENE_SIDE, rng)
    cluttered = small.copy()
    clutter(cluttered, 5, rng)
    small = cv2.addWeighted(small, 0.55, cluttered, 0.45, 0)  # far things are pale
    return cv2.resize(cv2.GaussianBlur(small, (5, 5), rng.uniform(0.7, 1.6)), (size, size), interpolation=cv2.INTER_CUBIC)


def pose(size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where the animal is and which way it looks: the matrix (2, 2) and the origin (2,) of a pen, in pixels."""
    tilt = np.radians(rng.normal(0, 5))
    scale = rng.uniform(0.3, 0.5) * size
    facing = rng.uniform(0.85, 1.05) * (1 if rng.random() < 0.5 else -1)  # nearer 0: turned towards the camera or away
    rotation = np.array(((np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))))
    return scale * np.array(((facing, 0), (rng.normal(0, 0.04), 1))) @ rotation, rng.normal((0.5, 0.52), 0.05) * size


def part(pen: Pen, x: float, y: float, scale: float, tilt: float = 0) -> Pen:
    """A pen for a part that stands at (x, y) of the whole, `scale` times as large, turned by `tilt` radians."""
    turned = scale * np.array(((np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))))
    return Pen(pen.canvas, turned @ pen.matrix / 2**SUBPIXEL_BITS, ((x, y) @ pen.matrix + pen.origin) / 2**SUBPIXEL_BITS)


def curve(points: np.typing.ArrayLike) -> np.ndarray:
    """The closed cubic B-spline of 4 to 23 control points, (4 N, 2). It runs inside them; a point named three times is a corner."""
    points = np.asarray(points, float)
    return (BASIS @ points[LOOPS[len(points)]]).reshape(-1, 2)


def fur(pen: Pen, points: np.ndarray, colour: np.ndarray, shaggy: float, rng: np.random.Generator) -> None:
    """A shape lit from above; the more `shaggy`, the more tufts stand out of its outline."""
    centre = points.mean(axis=0)
    pen.polygon(centre + (points - centre) * (1 + shaggy * rng.random((len(points), 1))), colour * 0.84)
    pen.polygon(centre + (points - centre) * (0.9 + shaggy * rng.random((len(points), 1))) - (0, 0.05 * np.ptp(points[:, 1])), colour)


def limb(pen: Pen, path: np.typing.ArrayLike, half_widths: np.typing.ArrayLike, colour: np.ndarray) -> None:
    """A leg, a neck or a tail along a path of points, as wide at each as `half_widths` says."""
    path = np.asarray(path, float)
    along = np.concatenate([path[1:], path[-1:]]) - np.concatenate([path[:1], path[:-1]])
    across = along[:, ::-1] * (-1, 1) * (np.asarray(half_widths) / np.hypot(along[:, 0], along[:, 1]))[:, None]
    left, right = path + across, (path - across)[::-1]
    pen.polygon(curve(np.concatenate([left[:1], left, left[-1:], right[:1], right, right[-1:]])), colour)


def oval(pen: Pen, x: float, y: float, x_radius: float, y_radius: float, colour: np.ndarray) -> None:
    """An ellipse round enough for large pictures."""
    pen.polygon(ROUND * (x_radius, y_radius) + (x, y), colour)


def hairs(pen: Pen, x: float, y: float, radii: tuple, colour: np.ndarray, rng: np.random.Generator) -> None:
    """Forty hairs inside an ellipse, combed backwards and down."""
    angle, radius = rng.uniform(0, 2 * np.pi, 40), np.sqrt(rng.random(40))
    roots = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None] * radii + (x, y)
    tips = roots + rng.normal((-0.05, 0.04), 0.02, (40, 2))
    strokes = np.rint(np.stack([roots, tips], axis=1) @ pen.matrix + pen.origin).astype(np.int32)
    width = max(1, round(0.009 * pen.pixels_per_unit))
    cv2.polylines(pen.canvas, list(strokes), False, colour.tolist(), width, cv2.LINE_8, SUBPIXEL_BITS)


def shadow(pen: Pen, x: float, x_radius: float) -> None:
    """The animal's shadow on the ground: the ground's own colour, darker."""
    column, row = ((x, GROUND) @ pen.matrix + pen.origin) / 2**SUBPIXEL_BITS
    last = len(pen.canvas) - 1
    ground = pen.canvas[int(np.clip(row, 0, last)), int(np.clip(column, 0, last))].astype(float)
    oval(pen, x, GROUND, x_radius, 0.09, ground * 0.82)
    oval(pen, x, GROUND, 0.85 * x_radius, 0.06, ground * 0.68)


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
    spine = ((0.55 * length, middle - 0.1 * depth), (0.85 * length, middle - 0.45 * depth), (reach - 0.04, height + 0.05))
    limb(pen, spine, (depth * 0.75, depth * 0.72, neck), animal.coat * 0.95)
    if rng.random() < 0.5:
        _head_in_profile(part(pen, reach, height, animal.head, rng.normal(0.1, 0.1)), animal, rng)
    else:
        _head_from_ahead(part(pen, reach + 0.03, height, animal.head, rng.normal(0, 0.08)), animal, rng)


def _pair_of_legs(pen: Pen, animal: Animal, middle: float, step: float, light: float) -> None:
    """The hind and the front leg of one side, `step` nearer to each other than at rest, in coat colour times `light`."""
    bone, hind, front = animal.bone, step - 0.72 * animal.length, 0.62 * animal.length - step
    knee = GROUND - 0.45 * animal.leg
    thigh = ((hind, middle), (hind + 0.02, knee - 0.1), (hind - 0.1, knee + 0.03), (hind - 0.05, GROUND))
    limb(pen, thigh, (0.16, 0.13, bone, bone * 0.9), animal.coat * light)
    limb(pen, ((front, middle), (front, knee), (front + 0.01, GROUND)), (0.11, bone, bone * 0.9), animal.coat * light)
    paws = animal.light if animal.markings in ("patches", "mask") else animal.coat
    for x in (hind, front + 0.05):
        oval(pen, x, GROUND - 0.035, bone * 1.25, 0.05, paws * light)


def _trunk(pen: Pen, animal: Animal, middle: float, rng: np.random.Generator) -> None:
    depth, length = animal.depth, animal.length
    fur(pen, curve(TRUNK * (length, depth) + (0, middle)), animal.coat, animal.shaggy, rng)
    hairs(pen, -0.05, middle - 0.05, (0.75 * length, 0.7 * depth), animal.coat * 0.86, rng)
    hairs(pen, -0.05, middle - 0.3 * depth, (0.75 * length, 0.5 * depth), animal.coat * 1.07 + 4, rng)
    if animal.markings == "saddle":
        saddle = np.array(((-0.95, -0.5), (-0.7, -0.95), (0, -0.9), (0.6, -1), (0.8, -0.5), (0.3, 0.1), (-0.4, 0.2)))
        pen.polygon(curve(saddle * (length, depth) + (0, middle)), animal.second)
    elif animal.markings == "stripes":
        for x in np.linspace(-0.75, 0.65, 7) * length:
            stripe = ((x, middle - 0.85 * depth), (x + 0.04, middle - 0.4 * depth), (x, middle + rng.uniform(0, 0.4) * depth))
            limb(pen, stripe, (0.03, 0.025, 0.008), animal.second)
    elif animal.markings == "patches":
        for x in rng.uniform((-0.7, -0.1, 0.4), (-0.4, 0.2, 0.7)) * length:
            oval(pen, x, middle - rng.uniform(0, 0.45) * depth, rng.uniform(0.08, 0.2), rng.uniform(0.25, 0.5) * depth, animal.second)
    elif animal.markings == "mask":
        oval(pen, 0.8 * length, middle + 0.2 * depth, 0.16, 0.6 * depth, animal.light)


def _tail(pen: Pen, animal: Animal, x: float, y: float, rng: np.random.Generator) -> None:
    swing, thick = rng.uniform(-0.1, 0.1), 0.05 + animal.shaggy
    if animal.tail == "curled":
        path = ((x + 0.08, y), (x - 0.12, y - 0.15), (x - 0.12, y - 0.4), (x + 0.1, y - 0.47), (x + 0.2, y - 0.3))
    elif animal.tail == "raised":
        path = ((x + 0.08, y), (x - 0.15, y - 0.05), (x - 0.25 + swing, y - 0.3), (x - 0.22 + swing, y - 0.55), (x - 0.3 + 2 * swing, y - 0.68))
    else:
        path = ((x + 0.08, y), (x - 0.12, y + 0.03), (x - 0.22 + swing / 2, y + 0.2), (x - 0.25 + swing, y + 0.42), (x - 0.34 + swing, y + 0.5))
    widths = (1.1, 1, 1, 0.9, 0.6) if animal.species == "cat" else (1.4, 1.3, 1.2, 0.9, 0.35)
    limb(pen, path, tuple(thick * width for width in widths), animal.coat * 0.8)


def sitting(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Facing the camera, upright on the haunches, the tail to one side."""
    broad = 1.15 * animal.depth + 0.1
    top = GROUND - rng.uniform(0.95, 1.1)
    shadow(pen, 0, 0.62)
    _tail(pen, animal._replace(tail="curled" if animal.tail == "curled" else "hanging"), -0.75 * broad, GROUND - 0.45, rng)
    for side in (-1, 1):
        oval(pen, side * 0.8 * broad, GROUND - 0.2, 0.5 * broad, 0.22, animal.coat * 0.8)
        oval(pen, side * 0.95 * broad, GROUND - 0.03, 0.45 * broad, 0.06, animal.coat * 0.88)
    outline = np.array(((-0.7, 0), (0, -0.15), (0.7, 0), (0.95, 0.4), (1.05, 0.8), (0.7, 1.05), (-0.7, 1.05), (-1.05, 0.8), (-0.95, 0.4)))
    fur(pen, curve(outline * (broad, GROUND - 0.08 - top) + (0, top)), animal.coat, animal.shaggy, rng)
    if animal.markings == "stripes":
        for y in np.linspace(top + 0.45, GROUND - 0.25, 4):
            for side in (-1, 1):
                stripe = np.array(((0.84, 0), (0.65, 0.04), (0.45, 0.03))) * (side * broad, 1) + (0, y)
                limb(pen, stripe, (0.025, 0.025, 0.006), animal.second)
    elif animal.markings in ("patches", "saddle"):
        for side in (-1, 1):
            oval(pen, side * 0.55 * broad, rng.uniform(top + 0.5, GROUND - 0.3), 0.3 * broad, rng.uniform(0.1, 0.2), animal.second)
    hairs(pen, 0, top + 0.5, (0.75 * broad, 0.4), animal.coat * 0.86, rng)
    fur(pen, curve(CHEST * (0.5 * broad, 0.34) + (0, top + 0.4)), animal.light, 0.15 + animal.shaggy, rng)
    for side in (-1, 1):
        leg = np.array(((0.4 * broad, top + 0.5), (0.38 * broad, GROUND - 0.25), (0.36 * broad, GROUND - 0.02))) * (side, 1)
        limb(pen, leg, np.array((1.5, 1.2, 1.1)) * animal.bone, animal.coat * 0.95)
        oval(pen, side * 0.37 * broad, GROUND - 0.01, 1.5 * animal.bone, 0.055, animal.light)
    size = 1.25 * animal.head
    _head_from_ahead(part(pen, rng.normal(0, 0.03), top - 0.25 * size, size, rng.normal(0, 0.08)), animal, rng)


def lying(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Down on the belly, front paws ahead, the head turned to the camera."""
    pen = part(pen, -0.12, 0, 1)
    middle = GROUND - 0.85 * animal.depth
    shadow(pen, 0.1, 0.95)
    _tail(pen, animal._replace(tail="curled" if animal.tail == "curled" else "hanging"), -animal.length, middle - 0.3, rng)
    _trunk(pen, animal, middle, rng)
    haunch = HAUNCH * (0.26, 0.75 * animal.depth) + (-0.6 * animal.length, middle + 0.12)
    fur(pen, curve(haunch), animal.coat * 0.96, animal.shaggy, rng)
    oval(pen, -0.35 * animal.length, GROUND - 0.03, 0.18, 0.055, animal.light * 0.95)
    for y, colour in ((GROUND - 0.1, animal.coat * 0.8), (GROUND - 0.03, animal.coat * 0.95)):
        leg = ((0.5 * animal.length, y - 0.08), (0.9 * animal.length, y - 0.01), (animal.length + 0.3, y))
        limb(pen, leg, (0.12, animal.bone, animal.bone), colour)
        oval(pen, animal.length + 0.32, y, 0.1, 0.055, animal.light * 0.95)
    x, y = animal.length * 0.95, middle - animal.depth - rng.uniform(0, 0.6) * animal.head
    spine = ((0.55 * animal.length, middle), (0.8 * animal.length, middle - 0.3 * animal.depth), (x, y))
    limb(pen, spine, (animal.depth * 0.7, animal.depth * 0.7, animal.head * 0.65), animal.coat * 0.94)
    _head_from_ahead(part(pen, x, y, 1.15 * animal.head, rng.normal(0, 0.1)), animal, rng)


def portrait(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """Head and shoulders, looking into the camera."""
    size = rng.uniform(0.55, 0.75)
    broad = rng.uniform(0.7, 0.95)
    outline = np.array(((-0.55, -0.2), (0, -0.4), (0.55, -0.2), (0.9, 0.6), (1.1, 1.6), (1.1, 3), (-1.1, 3), (-1.1, 1.6), (-0.9, 0.6)))
    fur(pen, curve(outline * (broad, 0.75) + (0, 0.25)), animal.coat * 0.9, animal.shaggy / 2, rng)
    hairs(pen, 0, 0.8, (0.8 * broad, 0.55), animal.coat * 0.76, rng)
    fur(pen, curve(CHEST * (0.5 * broad, 0.5) + (0, 0.8)), animal.light, 0.15 + animal.shaggy, rng)
    _head_from_ahead(part(pen, rng.normal(0, 0.05), -0.05, size, rng.normal(0, 0.1)), animal, rng)


def _mirrored(half: tuple) -> np.ndarray:
    """A symmetric closed outline from the right half of its control points, top to bottom, the first and the last on the axis."""
    half = np.array(half)
    return np.concatenate([half, half[-2:0:-1] * (-1, 1)])


def _head_from_ahead(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
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
        skull = _mirrored(((0, -0.86), (0.5, -0.86), (0.95, -0.45), (1.12, 0.15), (0.92, 0.65), (0.42, 0.9), (0, 0.98)))
    else:
        skull = _mirrored(((0, -0.98), (0.5, -0.95), (0.88, -0.55), (0.88, 0), (0.68, 0.5), (0.5, 1), (0, 1.12)))
    fur(pen, curve(skull), coat, animal.shaggy, rng)
    hairs(pen, 0, -0.2, (0.65, 0.5), coat * 0.86, rng)
    if animal.markings == "stripes":
        for x in (-0.26, 0, 0.26):
            limb(pen, ((x + turn, -0.72), (0.85 * x + turn, -0.5), (0.7 * x + turn, -0.32)), (0.05, 0.05, 0.01), second)
        for side in (-1, 1):
            limb(pen, ((side * 0.84, 0.1), (side * 0.72, 0.16), (side * 0.55, 0.18)), (0.05, 0.05, 0.01), second)
    elif animal.markings == "mask":
        pen.polygon(curve(_mirrored(((0, -0.8), (0.12, -0.7), (0.08, -0.2), (0.3, 0.4), (0.3, 0.8), (0, 0.9))) + (turn, 0)), light)
    elif animal.markings == "patches":
        oval(pen, 0.38 + turn, -0.15, 0.3, 0.34, second)
    if animal.ears == "drooping":
        ear = np.array(((0.35, -0.9), (0.75, -0.95), (1.12, -0.5), (1.22, 0.1 + droop), (0.98, 0.5 + droop), (0.7, 0.2 + droop), (0.68, -0.4)))
        for side in (-1, 1):
            fur(pen, curve(ear * (side, 1) + (0.4 * turn, 0)), ear_colour * 0.88, animal.shaggy, rng)
    face = part(pen, turn, 0.25 * abs(turn), 1)
    (_cat_face if cat else _dog_face)(face, animal, rng)


def _upright_ear(pen: Pen, animal: Animal, side: int, spread: float, colour: np.ndarray) -> None:
    if animal.ears == "folded":
        back = np.array(((0.12, -0.7), (0.12, -0.7), (0.45, -1.25), (0.85 + spread, -1.2), (0.98, -0.15), (0.98, -0.15)))
        pen.polygon(curve(back * (side, 1)), colour * 0.85)
        flap = np.array(((0.4, -1.1), (0.4, -1.1), (0.9 + spread, -1.2), (1.02 + spread, -1), (0.98, -0.45), (0.98, -0.45)))
        pen.polygon(curve(flap * (side, 1)), colour)
        return
    ear = UPRIGHT_EAR + np.array((spread, 0)) * (UPRIGHT_EAR[:, 1:] == UPRIGHT_EAR[:, 1].min())  # the tip alone is spread
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
    pen.polygon(curve(((-0.16, 0.26), (-0.16, 0.26), (0.16, 0.26), (0.16, 0.26), (0, 0.44), (0, 0.44))), PINK * 0.92)
    for side in (-1, 1):
        for rise in (-0.16, -0.02, 0.12):
            pen.line(((side * 0.25, 0.46 + 0.3 * rise), (side * 0.8, 0.42 + rise), (side * 1.25, 0.46 + 1.6 * rise)), 0.02, PALE)


def _dog_face(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    broad, drop = rng.uniform(0.38, 0.5), 0.05 + 0.25 * animal.muzzle
    for side in (-1, 1):
        oval(pen, side * 0.38, -0.18, 0.15, 0.15, DARK)
        oval(pen, side * 0.38, -0.17, 0.12, 0.12, animal.eyes)
        oval(pen, side * 0.38, -0.18, 0.075, 0.075, DARK)
        oval(pen, side * 0.38 + 0.04, -0.23, 0.035, 0.035, PALE)
        pen.line(((side * 0.24, -0.42), (side * 0.4, -0.46), (side * 0.52, -0.4)), 0.05, animal.coat * 0.72)
    if rng.random() < 0.45:
        pen.polygon(curve(((-0.14, 0.7), (0.14, 0.7), (0.17, 1.05 + drop), (0, 1.2 + drop), (-0.17, 1.05 + drop))), TONGUE)
    snout = ((0, -0.05), (0.22, 0), (broad, 0.4), (broad + 0.06, 0.6 + drop), (0.25, 0.85 + drop), (0, 0.8 + drop))
    pen.polygon(curve(_mirrored(snout)), animal.light)
    pen.line(np.array(((-0.8, 0.5), (-0.4, 0.66), (0, 0.5), (0.4, 0.66), (0.8, 0.5))) * (broad, 1) + (0, drop), 0.045, DARK)
    pen.line(((0, 0.3 + drop / 2), (0, 0.5 + drop)), 0.045, DARK)
    pen.polygon(curve(_mirrored(((0, 0.02), (0.22, 0.02), (0.3, 0.18), (0.14, 0.4), (0, 0.42))) + (0, drop / 2)), DARK)
    oval(pen, 0.06, 0.12 + drop / 2, 0.06, 0.03, DARK + 90)


def _head_in_profile(pen: Pen, animal: Animal, rng: np.random.Generator) -> None:
    """A head looking right, the skull within about -1..1 and the snout beyond."""
    snout = animal.muzzle
    ear_colour = animal.second if animal.markings in ("mask", "saddle", "patches") else animal.coat * 0.8
    pen_ear = part(pen, rng.uniform(-0.05, 0.05), 0, 1, rng.normal(0, 0.08))
    if animal.ears != "drooping":
        pen_ear.polygon(curve(PROFILE_EAR + (0.35, -0.02)), ear_colour * 0.75)  # the far ear
    skull = ((0.5, 0.68), (-0.2, 0.95), (-0.95, 0.15), (-0.85, -0.65), (-0.15, -1), (0.55, -0.78), (0.78, -0.25))
    nose = ((0.95 + snout, -0.18), (1.08 + snout, 0.15), (0.9 + snout, 0.52))
    fur(pen, curve(skull + nose), animal.coat, animal.shaggy, rng)
    oval(pen, 0.55 + 0.7 * snout, 0.28, 0.2 + 0.35 * snout, 0.2, animal.light)
    if animal.markings == "stripes":
        for x in (-0.35, -0.05):
            limb(pen, ((x, -0.75), (x + 0.08, -0.55), (x + 0.1, -0.4)), (0.05, 0.05, 0.01), animal.second)
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
        ear = np.array(((-0.6, -0.75), (-0.2, -0.85), (0.08, -0.4), (-0.05, droop), (-0.4, droop + 0.2), (-0.75, droop - 0.2), (-0.75, -0.3)))
        fur(pen_ear, curve(ear), ear_colour * 0.92, animal.shaggy, rng)
    elif animal.ears == "folded":
        pen_ear.polygon(curve(((-0.75, -0.4), (-0.75, -0.4), (-0.65, -1.15), (-0.25, -1.2), (0.05, -0.7), (0.05, -0.7))), ear_colour * 0.85)
        pen_ear.polygon(curve(((-0.6, -1.05), (-0.6, -1.05), (-0.2, -1.2), (0.15, -0.9), (0.22, -0.35), (0.22, -0.35))), ear_colour)
    else:
        pen_ear.polygon(curve(PROFILE_EAR), ear_colour)
        pen_ear.polygon(curve(PROFILE_EAR * 0.62 + (-0.1, -0.3)), (PINK + animal.coat) / 2)

"""Five kinds of flowers drawn by the program, as photographs in a garden: to try everything with no
download.

A flower is modelled in space: x and y across its face, h along its axis towards whoever looks into
it, about one unit from its centre to the tips of its petals. Tilting it and drawing the far petals
first gives every view, from straight above to the side.
"""

import cv2
import numpy as np

from .drawing import DISC, SCENES, SUBPIXEL_BITS, Pen, background, mixed_labels, photograph, shade

# canvas pixels a picture pixel: shrinking smooths the edges, and OpenCV shrinks by a whole number
# fastest
OVERSAMPLING = 2
GARDEN = 48  # pixels, of what is out of focus behind the flowers

# the same for every class
BACKDROPS = ("grass", "grass", "forest", "forest", "sky", "room", "sand")
LEAVES = np.array(((70, 110, 50), (95, 135, 60), (60, 95, 65), (110, 140, 75)))
WHITES = ((243, 241, 235), (236, 234, 240))
YELLOWS = ((246, 200, 50), (250, 215, 95))
PINKS = ((233, 130, 160), (240, 175, 190))
REDS = ((195, 30, 45), (220, 60, 50))
# of any flower out of focus
BLOSSOMS = np.array((*WHITES, *YELLOWS, *PINKS, *REDS, (150, 80, 160), (240, 140, 60)))
STRAW, EARTH, BARK, GOLD, DOWN = np.array(
    ((200, 200, 120), (62, 40, 28), (120, 78, 42), (232, 172, 40), (232, 232, 228))
)

# from the base of a petal to its tip (1), closer together where the tip is round
ALONG = np.sin(np.linspace(0.05, 0.5, 7) * np.pi)
# how wide a petal is along its length
ROUND, POINTED = (np.sqrt(1 - ALONG**8), np.sin(np.pi * (0.15 + 0.85 * ALONG)) ** 0.8)
EDGES = np.array((-1, 0, 1))[:, None]
GOLDEN_ANGLE = np.pi * (3 - np.sqrt(5))

# from the base of a leaf to its tip, and five outlines: half widths in lengths of the leaf
LEAF = np.linspace(0, 1, 19)[:, None]
SPOON = 0.3 * (LEAF**3 * np.sqrt(1 - LEAF**8)).ravel()
TEETH = np.append(0.02 + 0.16 * np.tile((0.15, 0.55, 1), 6) * np.linspace(0.4, 1, 18), 0)
SAW = 0.3 * np.sin(np.pi * LEAF.ravel()) ** 0.7 * np.resize((1, 0.85), 19)
HEART = 0.42 * np.sin(np.pi * LEAF.ravel() ** 0.6) ** 0.8
LANCE = 0.13 * np.sin(np.pi * LEAF.ravel() ** 0.8)
BOTH_SIDES = np.array(((-1, 1), (1, 1)))

DOME = np.stack(
    [
        np.column_stack((np.sqrt(1 - rise**2) * DISC, np.full(16, rise)))
        for rise in (0, 0.35, 0.7, 0.95)
    ]
)
# of a round of teeth: where one begins, reaches its full length, leaves it and ends
TOOTH = np.array((0, 0.2, 0.62, 0.8))
# evenly over a sphere
BALL = np.array(
    [
        (
            np.sqrt(1 - h**2) * np.cos(i * GOLDEN_ANGLE),
            np.sqrt(1 - h**2) * np.sin(i * GOLDEN_ANGLE),
            h,
        )
        for i, h in enumerate(np.linspace(-0.99, 0.99, 90))
    ]
)
STAMENS = np.array(
    [
        point
        for angle in np.arange(6) * np.pi / 3
        for point in ((0, 0, -0.3), (np.cos(angle), np.sin(angle), 0))
    ]
)
# from the middle out and back, eight times
RAYS = 0.17 * np.insert(DISC[::2], np.arange(9), 0, axis=0)
SPIRALS = np.array(
    [
        # out one way and back another
        (r**0.5 * np.cos(turn + way * 1.6 * r), r**0.5 * np.sin(turn + way * 1.6 * r), 1)
        for turn in np.arange(13) * 2 * np.pi / 13
        for way in (1, -1)
        for r in np.arange(5)[::way] / 4
    ]
)


def draw(per_class: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `per_class` pictures of each of the five classes, the classes mixed.

    Returns images uint8 (5 * per_class, side, side, 3) RGB and labels int32 (5 * per_class,), where
    label i is CLASSES[i]. Each five pictures in a row hold every class once; picture i depends on
    `seed`, i and `side` alone, and shows the same scene at every side.
    """
    labels = mixed_labels(len(CLASSES), per_class, seed)
    images = np.empty((len(labels), side, side, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = _picture(CLASSES[label], side, np.random.default_rng([seed, i]))
    return images, labels


def _picture(class_name: str, side: int, rng: np.random.Generator) -> np.ndarray:
    draw_flower, palette = SUBJECTS[class_name]
    canvas = _garden(OVERSAMPLING * side, rng)
    size = len(canvas)
    colour = shade(palette, rng)  # flowers that grow together are of one kind
    steepest = np.radians(rng.uniform(10, 80))  # from how far above the photograph was taken
    for radius, centre in _places(rng):
        lean = rng.normal(0, 0.22)
        rotation = np.array(((np.cos(lean), np.sin(lean)), (-np.sin(lean), np.cos(lean))))
        tilt = np.clip(steepest + rng.normal(0, 0.15), 0.05, 1.45)
        draw_flower(
            Pen(canvas, radius * size * rotation, centre * size),
            tilt,
            colour + rng.normal(0, 5, 3),
            rng,
        )
    return photograph(canvas, side, rng)


def _garden(size: int, rng: np.random.Generator) -> np.ndarray:
    """Leaves, stalks and blossoms out of focus: uint8 (size, size, 3)."""
    canvas = background(SCENES[BACKDROPS[rng.integers(len(BACKDROPS))]], GARDEN, rng)
    pen = Pen(canvas, np.eye(2) * GARDEN, np.zeros(2))
    for _ in range(rng.integers(2, 10)):
        x, y = rng.uniform(0, 1, 2)
        if rng.random() < 0.3:
            pen.ellipse(  # type: ignore[call-arg]  # a star of known length
                x,
                y,
                *np.tile(rng.uniform(0.03, 0.11), 2),
                shade(BLOSSOMS, rng) * rng.uniform(0.6, 1),
            )
        else:
            pen.line(
                ((x, y), (x + rng.normal(0, 0.3), y + 0.5)),
                rng.uniform(0.02, 0.14),
                shade(LEAVES, rng) * rng.uniform(0.4, 1.2),
            )
    canvas = cv2.GaussianBlur(canvas, (0, 0), rng.uniform(0.8, 2.5))
    return cv2.resize(canvas, (size, size), interpolation=cv2.INTER_LINEAR)


def _places(rng: np.random.Generator) -> list[tuple[float, np.ndarray]]:
    """Radius and centre of one flower or a few, in sides of the picture; the one in front comes
    last.
    """
    if rng.random() < 0.6:
        return [(rng.uniform(0.24, 0.42), rng.normal((0.5, 0.45), 0.05))]
    front, others = rng.uniform(0.18, 0.28), rng.integers(1, 3)
    centre, turn = rng.uniform((0.35, 0.45), (0.65, 0.65)), rng.uniform(np.pi, 2 * np.pi)
    places = [(front, centre)]
    for _ in range(others):
        smaller = front * rng.uniform(0.6, 0.9)
        away = (front + smaller) * rng.uniform(0.85, 1.15)
        places.append((smaller, centre + away * np.array((np.cos(turn), 0.8 * np.sin(turn)))))
        turn += rng.uniform(1.2, 2)
    return places[::-1]


def _seen(points: np.ndarray, tilt: float) -> np.ndarray:
    """Points (..., 3) of a flower as the camera sees them: x to the right, y down (..., 2)."""
    return points @ np.array(((1, 0), (0, np.cos(tilt)), (0, -np.sin(tilt))))


def _fill(pen: Pen, polygons: np.ndarray, colours: np.ndarray) -> None:
    """Many polygons (N, points, 2) in colours (N, 3), one over the other: three times as fast as
    one call of the pen for each.
    """
    pixels = np.rint(polygons @ pen.matrix + pen.origin).astype(np.int32)
    for outline, colour in zip(pixels, colours.tolist(), strict=True):
        cv2.fillPoly(pen.canvas, [outline], colour, cv2.LINE_8, SUBPIXEL_BITS)


def _around(count: int | np.integer, rng: np.random.Generator) -> np.ndarray:
    """Directions of petals that share a circle, not quite evenly."""
    return (np.arange(count) + rng.uniform(0, count) + rng.normal(0, 0.1, count)) * (
        2 * np.pi / count
    )


def _petals(
    azimuths: np.ndarray,
    radius: np.ndarray,
    height: np.ndarray,
    half_angle: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Petals around the axis, each as its edge, its midrib and its other edge: (N, 3, len(ALONG),
    3).

    radius, height and half_angle (half the width as seen from the axis, radians), (len(ALONG),) or
    (N, len(ALONG)), run from base to tip.
    """
    angles = azimuths[:, None, None] + EDGES * half_angle[..., None, :]
    size = rng.normal(1, 0.04, (len(azimuths), 1, 1))
    petals = np.empty((*angles.shape, 3))
    petals[..., 0] = size * radius[..., None, :] * np.cos(angles)
    petals[..., 1] = size * radius[..., None, :] * np.sin(angles)
    petals[..., 2] = size * height[..., None, :] + rng.normal(0, 0.02, (len(azimuths), 1, 1))
    return petals


def _paint(
    pen: Pen,
    tilt: float,
    petals: np.ndarray,
    colour: np.ndarray,
    bands: tuple,
    rng: np.random.Generator,
    folded: bool = False,
) -> None:
    """Petals as of `_petals`, the far ones first, lit from one side.

    bands: (share of the length, light), ... from the whole petal to what is near its base. folded:
    each half has a light of its own.
    """
    x, y, h = petals.mean(axis=(1, 2)).T
    depth = y * np.sin(tilt) + h * np.cos(tilt)
    sun = rng.uniform(0, 2 * np.pi)
    order = np.argsort(depth)
    light = (
        1 + 0.1 * (x * np.cos(sun) + y * np.sin(sun)) + 0.08 * depth + rng.normal(0, 0.035, len(x))
    )[order, None, None, None]
    shares, lights = np.array(bands).T[..., None, None]
    seen = _seen(petals[order], tilt)
    halves, half_lights = (((0, 1), (1, 2)), (1.03, 0.93)) if folded else (((0, 2),), (1,))
    outlines = np.stack(
        [np.concatenate((seen[:, one], seen[:, other, ::-1]), axis=1) for one, other in halves],
        axis=1,
    )[:, None]
    bases = seen[:, None, None, 1, :1]
    polygons = bases + shares[..., None] * (outlines - bases)
    colours = colour * (light * lights * np.array(half_lights)[:, None])
    _fill(pen, polygons.reshape(-1, *polygons.shape[-2:]), colours.reshape(-1, 3))


def _dome(
    pen: Pen, tilt: float, radius: float, height: float, rim: np.ndarray, top: np.ndarray
) -> None:
    """A bulge of the given radius and height, shaded from its rim to its top."""
    slices = _seen(DOME * (radius, radius, height), tilt)
    pen.polygon(cv2.convexHull(slices.reshape(-1, 2).astype(np.float32))[:, 0], rim)
    _fill(pen, slices, rim + DOME[:, 0, 2:] * (top - rim))


def _stem(
    pen: Pen,
    tilt: float,
    width: float,
    colour: np.ndarray,
    rng: np.random.Generator,
    base: float = 0,
) -> np.ndarray:
    """A stalk from under the flower (at the height `base`) to below the picture: its points (9, 2),
    to put leaves on.
    """
    down = np.arange(9) / 8
    points = np.column_stack((rng.normal(0, 0.5) * down**2, -base * np.sin(tilt) + 6 * down))
    pen.line(points, width, colour * 0.75)
    pen.line(points - (0.2 * width, 0), 0.45 * width, colour * 1.1)
    return points


def _leaves(
    pen: Pen,
    bases: np.ndarray,
    tips: np.ndarray,
    half_width: np.ndarray,
    bend: float,
    colour: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Leaves from bases to tips (N, 2), one half in the light; half_width from base to tip is in
    lengths of the leaf.

    The leaves on either side bend down alike where `bend` is positive.
    """
    span = (tips - bases)[:, None]
    across = span[..., ::-1] * (-1, 1)
    bends = bend * np.sign(span[..., :1])
    rib = bases[:, None] + LEAF * span - bends * LEAF * (1 - LEAF) * across
    edge = half_width[:, None] * across
    halves = np.stack(
        [np.concatenate((rib, (rib + side * edge)[:, ::-1]), axis=1) for side in (1, -1)], axis=1
    )
    tints = rng.uniform(0.85, 1.1, (len(bases), 1, 1)) * np.array(((0.8,), (1.1,)))
    _fill(pen, halves.reshape(-1, 2 * len(LEAF), 2), (colour * tints).reshape(-1, 3))


def _daisy(pen: Pen, tilt: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    green, eye, droop = shade(LEAVES, rng), rng.uniform(0.22, 0.34), rng.uniform(-0.25, 0.15)
    stem = _stem(pen, tilt, 0.09, green, rng)
    _leaves(
        pen,
        stem[[3, 4]],
        stem[[3, 4]] + BOTH_SIDES * rng.uniform((0.6, -0.6), (1.1, 0.2), (2, 2)),
        SPOON,
        0.2,
        green,
        rng,
    )
    _dome(pen, tilt, 0.9 * eye, -0.25, green, 0.7 * green)
    count = rng.integers(26, 40)  # two rounds of them
    lower = np.arange(count)[:, None] % 2
    radius = 0.7 * eye + (1 - 0.03 * lower - 0.7 * eye) * ALONG
    half_angle = (
        rng.uniform(3.2, 4.4) / count * (0.4 + 0.6 * ALONG) * np.sqrt(1 - ALONG**6) / radius
    )
    petals = _petals(_around(count, rng), radius, droop * ALONG**2 - 0.05 * lower, half_angle, rng)
    _paint(pen, tilt, petals, colour, ((1, 0.86), (0.9, 1)), rng)
    _dome(pen, tilt, eye, 0.5 * eye, 0.8 * GOLD, 1.08 * GOLD)


def _dandelion(pen: Pen, tilt: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    green = shade(LEAVES, rng)
    tips = BOTH_SIDES * rng.uniform((0.9, 0.6), (2.2, 2), (2, 2))
    _leaves(pen, np.tile((0, 2.6), (2, 1)), tips, TEETH, -0.4, green, rng)
    _stem(pen, tilt, 0.12, (green + STRAW) / 2, rng)
    if rng.random() < 0.4:
        _clock(pen, tilt, rng)
        return
    tilt = min(tilt, 1.2)  # from the very side the layers would part
    _dome(pen, tilt, 0.42, -0.5, green, 0.7 * green)
    # Narrow blunt florets, layer upon layer: each layer is one polygon with many teeth.
    layer = np.arange(8)[:, None, None] / 7
    count = 32  # florets in a layer
    turns = (
        np.arange(count)[:, None]
        + 0.4 * np.arange(8)[:, None, None]
        + TOOTH
        + rng.normal(0, 0.12, (8, count, 1))
    )
    reach = (1 - 0.88 * layer) * rng.normal(1, 0.06, (8, count, 1)) * (0.6, 1, 1, 0.6)
    height = 0.6 * np.sin(layer * np.pi / 2) + rng.uniform(0, 0.4) * reach
    angles = turns * 2 * np.pi / count
    florets = np.stack((reach * np.cos(angles), reach * np.sin(angles), height), axis=-1).reshape(
        8, -1, 3
    )
    lights = np.where(np.arange(8) % 2, 1.06, 0.88) + rng.normal(0, 0.02, 8)
    _fill(pen, _seen(florets, tilt), colour * lights[:, None])


def _clock(pen: Pen, tilt: float, rng: np.random.Generator) -> None:
    """The head of a dandelion gone to seed: a see-through ball of parachutes."""
    ball = BALL
    if rng.random() < 0.3:  # the wind has taken some
        ball = ball[ball @ rng.normal(0, 1, 3) < 0.7]
    behind = pen.canvas.copy()
    pen.ellipse(0, 0, 0.95, 0.95, DOWN)
    cv2.addWeighted(behind, 0.8, pen.canvas, 0.2, 0, dst=pen.canvas)
    near = ball[:, 1] * np.sin(tilt) + ball[:, 2] * np.cos(tilt) > 0
    for half, light in ((ball[~near], 0.82), (ball[near], 1.05)):
        tips = 0.84 * _seen(half, tilt)[:, None]
        # One line for all: from the centre out to each parachute, to and fro along its rays, and
        # back.
        path = np.concatenate((0.14 * tips, tips + RAYS, 0.14 * tips), axis=1)
        pen.line(path.reshape(-1, 2), 0.012, DOWN * light)
    pen.ellipse(0, 0, 0.15, 0.15, BARK)


def _rose(pen: Pen, tilt: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    green = shade(LEAVES, rng) * 0.8
    stem = _stem(pen, tilt, 0.13, green, rng, base=-0.3)
    reach: float
    if tilt > 0.6:
        turns, start, reach = np.array((-0.5, 0.1, 0.7)), stem[2], 1
    else:
        turns, start, reach = np.array((-1.1, -0.3, 0.5)), np.zeros(2), 1.5
    turns = turns + rng.normal(0, 0.15, 3)
    arms = reach * np.column_stack((np.cos(turns), np.sin(turns)))
    _leaves(
        pen,
        np.tile(start, (6, 1)),
        start + np.concatenate((arms, arms * (-1, 1))),
        SAW,
        0.2,
        green,
        rng,
    )
    _dome(pen, tilt, 0.5, -0.4, green, 0.8 * green)
    count, opened = rng.integers(18, 27), rng.uniform(0.5, 1)
    # one spiral from the outermost petal to the innermost
    inward = (np.arange(count) / (count - 1))[:, None]
    radius = (1 - 0.82 * inward) * (0.7 + 0.3 * opened) * ALONG ** (1 - 0.5 * inward)
    height = -0.35 + (0.3 + 0.7 * inward**0.6 + 0.25 * (1 - opened)) * ALONG**1.5
    petals = _petals(
        np.arange(count) * GOLDEN_ANGLE + rng.uniform(0, 7),
        radius,
        height,
        (0.75 + 0.5 * inward) * ROUND,
        rng,
    )
    _paint(pen, tilt, petals, colour, ((1, 1.12), (0.9, 0.93), (0.72, 0.78)), rng)


def _sunflower(pen: Pen, tilt: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    green, eye, cup = shade(LEAVES, rng), rng.uniform(0.38, 0.52), rng.uniform(-0.1, 0.25)
    stem = _stem(pen, tilt, 0.17, green, rng)
    _leaves(
        pen,
        stem[[2, 3]],
        stem[[2, 3]] + BOTH_SIDES * rng.uniform((1, -0.7), (1.6, 0.3), (2, 2)),
        HEART,
        0.25,
        green,
        rng,
    )
    count = rng.integers(30, 44)  # two rounds of them
    lower = np.arange(count)[:, None] % 2
    radius = 0.85 * eye + (1 - 0.85 * eye) * ALONG
    half_angle = POINTED / radius
    _paint(
        pen,
        tilt,
        _petals(_around(14, rng), 0.85 * radius, -0.1 - 0.1 * ALONG, 0.15 * half_angle, rng),
        green,
        ((1, 0.9),),
        rng,
    )
    petals = _petals(
        _around(count, rng),
        (1 - 0.1 * lower) * radius,
        cup * ALONG - 0.06 * lower,
        rng.uniform(4.6, 6) / count * half_angle,
        rng,
    )
    _paint(pen, tilt, petals, colour, ((1, 0.84), (0.9, 1)), rng)
    seeds = EARTH + rng.uniform(0, 0.5) * (BARK - EARTH)
    _dome(pen, tilt, eye, 0.3 * eye, BARK, seeds)
    pen.line(_seen(SPIRALS * (eye, eye, 0.2 * eye), tilt), 0.015, BARK * 1.25)


def _tulip(pen: Pen, tilt: float, colour: np.ndarray, rng: np.random.Generator) -> None:
    green = shade(LEAVES, rng) + (0, 5, 15)
    stem = _stem(pen, tilt, 0.13, green, rng, base=-0.7)
    _leaves(
        pen,
        stem[[5, 5]],
        BOTH_SIDES * rng.uniform((0.6, -0.2), (1.5, 1), (2, 2)),
        LANCE,
        0.3,
        green,
        rng,
    )
    mouth = rng.uniform(0.3, 0.6) + 0.4 * np.cos(tilt)  # those looked into are open
    inner = np.arange(6)[:, None] % 2
    radius = (
        0.62 * np.sin(np.pi * np.minimum(ALONG, 0.5)) ** 0.6
        + (mouth - 0.62) * np.maximum(0, 2 * ALONG - 1) ** 1.5
    )
    height = -0.75 + 1.5 * ALONG**1.4
    half_angle = rng.uniform(0.95, 1.1) * (1 - ALONG ** rng.uniform(2.5, 4.5)) ** 0.6
    # the bottom of the cup
    pen.polygon(
        _seen(DOME[0] * 0.4 - (0, 0, 0.6), tilt), 0.5 * STRAW if tilt < 0.6 else 0.7 * colour
    )
    petals = _petals(_around(6, rng), (1 - 0.1 * inner) * radius, height, half_angle, rng)
    _paint(pen, tilt, petals, colour, ((1, 0.88), (0.9, 1)), rng, folded=True)
    if tilt < 0.6:
        pen.line(_seen(STAMENS * (0.3, 0.3, 1), tilt), 0.07, EARTH)
        pen.ellipse(0, 0.1 * tilt, 0.09, 0.09, STRAW)


# How a class is drawn, and the colours of its petals: several classes share white, yellow and pink.
SUBJECTS = {
    "daisy": (_daisy, np.array((*WHITES, *WHITES, *PINKS, YELLOWS[1]))),
    "dandelion": (_dandelion, np.array(YELLOWS)),
    "rose": (_rose, np.array((*WHITES, *YELLOWS, *PINKS, *REDS, REDS[0]))),
    "sunflower": (_sunflower, np.array((YELLOWS[0], YELLOWS[0], (240, 165, 40)))),
    "tulip": (_tulip, np.array((*WHITES, *YELLOWS, *PINKS, *REDS, (150, 80, 160), (240, 140, 60)))),
}
CLASSES = tuple(SUBJECTS)

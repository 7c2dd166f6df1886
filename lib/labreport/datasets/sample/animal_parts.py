"""What drawn animals are made of: an `Animal`, its limbs and fur, and a pen for each part."""

from typing import NamedTuple

import cv2
import numpy as np

from .drawing import SUBPIXEL_BITS, Pen

GROUND = 0.8
DARK, PALE, PINK, TONGUE = np.array(
    ((34, 30, 32), (236, 230, 220), (214, 150, 145), (218, 110, 115))
)
STEPS = np.linspace(0, 1, 4, endpoint=False)[:, None]
BASIS = (
    np.hstack(
        [
            (1 - STEPS) ** 3,
            3 * STEPS**3 - 6 * STEPS**2 + 4,
            -3 * STEPS**3 + 3 * STEPS**2 + 3 * STEPS + 1,
            STEPS**3,
        ]
    )
    / 6
)
ROUND = np.stack([np.cos(np.arange(24) * np.pi / 12), np.sin(np.arange(24) * np.pi / 12)], axis=1)
# the four control points of each stretch of a closed curve
LOOPS = {n: (np.arange(n)[:, None] + np.arange(4)) % n for n in range(4, 24)}


class Animal(NamedTuple):
    """What an animal looks like in any pose.

    Lengths are in its own coordinates; colours are RGB (3,).
    """

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


def part(pen: Pen, x: float, y: float, scale: float, tilt: float = 0) -> Pen:
    """A pen for a part that stands at (x, y) of the whole, `scale` times as large, turned by `tilt`
    radians.
    """
    turned = scale * np.array(((np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))))
    return Pen(
        pen.canvas,
        turned @ pen.matrix / 2**SUBPIXEL_BITS,
        ((x, y) @ pen.matrix + pen.origin) / 2**SUBPIXEL_BITS,
    )


def curve(points: np.typing.ArrayLike) -> np.ndarray:
    """The closed cubic B-spline of 4 to 23 control points, (4 N, 2).

    It runs inside them; a point named three times is a corner.
    """
    points = np.asarray(points, float)
    return (BASIS @ points[LOOPS[len(points)]]).reshape(-1, 2)


def fur(
    pen: Pen, points: np.ndarray, colour: np.ndarray, shaggy: float, rng: np.random.Generator
) -> None:
    """A shape lit from above; the more `shaggy`, the more tufts stand out of its outline."""
    centre = points.mean(axis=0)
    pen.polygon(
        centre + (points - centre) * (1 + shaggy * rng.random((len(points), 1))), colour * 0.84
    )
    pen.polygon(
        centre
        + (points - centre) * (0.9 + shaggy * rng.random((len(points), 1)))
        - (0, 0.05 * np.ptp(points[:, 1])),
        colour,
    )


def limb(
    pen: Pen, path: np.typing.ArrayLike, half_widths: np.typing.ArrayLike, colour: np.ndarray
) -> None:
    """A leg, a neck or a tail along a path of points, as wide at each as `half_widths` says."""
    path = np.asarray(path, float)
    along = np.concatenate([path[1:], path[-1:]]) - np.concatenate([path[:1], path[:-1]])
    across = (
        along[:, ::-1]
        * (-1, 1)
        * (np.asarray(half_widths) / np.hypot(along[:, 0], along[:, 1]))[:, None]
    )
    left, right = path + across, (path - across)[::-1]
    pen.polygon(
        curve(np.concatenate([left[:1], left, left[-1:], right[:1], right, right[-1:]])), colour
    )


def oval(
    pen: Pen, x: float, y: float, x_radius: float, y_radius: float, colour: np.ndarray
) -> None:
    """An ellipse round enough for large pictures."""
    pen.polygon(ROUND * (x_radius, y_radius) + (x, y), colour)


def hairs(
    pen: Pen, x: float, y: float, radii: tuple, colour: np.ndarray, rng: np.random.Generator
) -> None:
    """Forty hairs inside an ellipse, combed backwards and down."""
    angle, radius = rng.uniform(0, 2 * np.pi, 40), np.sqrt(rng.random(40))
    roots = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None] * radii + (x, y)
    tips = roots + rng.normal((-0.05, 0.04), 0.02, (40, 2))
    strokes = np.rint(np.stack([roots, tips], axis=1) @ pen.matrix + pen.origin).astype(np.int32)
    width = max(1, round(0.009 * pen.pixels_per_unit))
    cv2.polylines(
        pen.canvas, list(strokes), False, colour.tolist(), width, cv2.LINE_8, SUBPIXEL_BITS
    )


def shadow(pen: Pen, x: float, x_radius: float) -> None:
    """The animal's shadow on the ground: the ground's own colour, darker."""
    column, row = ((x, GROUND) @ pen.matrix + pen.origin) / 2**SUBPIXEL_BITS
    last = len(pen.canvas) - 1
    ground = pen.canvas[int(np.clip(row, 0, last)), int(np.clip(column, 0, last))].astype(float)
    oval(pen, x, GROUND, x_radius, 0.09, ground * 0.82)
    oval(pen, x, GROUND, 0.85 * x_radius, 0.06, ground * 0.68)

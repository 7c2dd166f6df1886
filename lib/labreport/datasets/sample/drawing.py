"""What the drawn sample data share: a pen, scenes to stand in, clutter before and behind, and a
camera that is never perfect.
"""

import cv2
import numpy as np

SUBPIXEL_BITS = 4  # OpenCV takes fixed-point coordinates, here in 1/16 pixel

# RGB above and below the horizon. Every scene serves several classes, so that no background gives
# its class away.
SCENES = {
    "sky": ((95, 150, 220), (190, 212, 235)),
    "sea": ((165, 195, 225), (50, 95, 135)),
    "road": ((160, 175, 180), (110, 108, 108)),
    "grass": ((160, 190, 205), (90, 130, 60)),
    "forest": ((50, 75, 45), (105, 100, 60)),
    "sand": ((185, 200, 215), (195, 172, 130)),
    "room": ((190, 175, 155), (125, 90, 65)),
}
COATS = np.array(
    (
        (150, 100, 60),
        (110, 70, 45),
        (180, 135, 85),
        (70, 55, 45),
        (205, 190, 165),
        (130, 122, 115),
        (190, 120, 65),
    )
)

DISC = np.stack([np.cos(np.arange(16) * np.pi / 8), np.sin(np.arange(16) * np.pi / 8)], axis=1)


class Pen:
    """Draws on a canvas in the coordinates of a subject: matrix (2, 2) and origin (2,) take row
    vectors to pixels.
    """

    def __init__(self, canvas: np.ndarray, matrix: np.ndarray, origin: np.ndarray):
        self.canvas = canvas
        self.matrix = matrix * 2**SUBPIXEL_BITS
        self.origin = origin * 2**SUBPIXEL_BITS
        self.pixels_per_unit = np.hypot(*matrix[1])

    def polygon(self, points: np.typing.ArrayLike, colour: np.ndarray) -> None:
        cv2.fillPoly(
            self.canvas, [self._fixed_point(points)], colour.tolist(), cv2.LINE_8, SUBPIXEL_BITS
        )

    def ellipse(
        self, x: float, y: float, x_radius: float, y_radius: float, colour: np.ndarray
    ) -> None:
        self.polygon(DISC * (x_radius, y_radius) + (x, y), colour)

    def line(self, points: np.typing.ArrayLike, width: float, colour: np.ndarray) -> None:
        pixels = max(1, round(width * self.pixels_per_unit))
        cv2.polylines(
            self.canvas,
            [self._fixed_point(points)],
            False,
            colour.tolist(),
            pixels,
            cv2.LINE_8,
            SUBPIXEL_BITS,
        )

    def _fixed_point(self, points: np.typing.ArrayLike) -> np.ndarray:
        return np.rint(np.asarray(points) @ self.matrix + self.origin).astype(np.int32)


def mixed_labels(classes: int, per_class: int, seed: int) -> np.ndarray:
    """Labels 0 to classes - 1, `per_class` of each, int32: every `classes` in a row hold each of
    them once.
    """
    # a third number, or it would be the generator of picture 0
    mixing = np.random.default_rng([seed, 0, 1])
    return mixing.permuted(
        np.tile(np.arange(classes, dtype=np.int32), (per_class, 1)), axis=1
    ).ravel()


def background(scene: tuple, size: int, rng: np.random.Generator) -> np.ndarray:
    """Two halves, mottled like grass or cloud: uint8 (size, size, 3)."""
    # brighter or darker, and a little off colour
    above, below = scene + rng.normal(0, 14, (2, 1)) + rng.normal(0, 8, (2, 3))
    coarse = rng.normal(0, rng.uniform(3, 22), (12, 12, 1)) + above
    coarse[rng.integers(4, 10) :] += below - above
    return cv2.resize(
        coarse.clip(0, 255).astype(np.uint8), (size, size), interpolation=cv2.INTER_LINEAR
    )


def clutter(canvas: np.ndarray, most: int, rng: np.random.Generator) -> None:
    """Up to `most` bushes, stones, posts and branches, behind the subject or in front of it."""
    size = len(canvas)
    pen = Pen(canvas, np.eye(2), np.zeros(2))
    unit = size / 96  # the lengths below are in 96ths of the picture
    for _ in range(rng.integers(0, most + 1)):
        colour = rng.uniform(20, 210) + rng.normal(0, 18, 3)
        x, y = rng.uniform(0, size, 2)
        if rng.random() < 0.4:
            pen.line(
                ((x, 0), (x + rng.normal(0, 25) * unit, size)), rng.uniform(2, 9) * unit, colour
            )
        else:
            pen.ellipse(x, y, *(rng.uniform(4, 20, 2) * unit), colour)  # type: ignore[call-arg]  # a star of known length


def photograph(canvas: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """Shrink, blur, light from above or below, and add grain: uint8 (side, side, 3)."""
    picture = cv2.resize(canvas, (side, side), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture, (3, 3), rng.uniform(0.3, 0.9))
    # each RGB: a colour cast too
    top, bottom = (rng.uniform(0.7, 1.25, (2, 1)) * rng.normal(1, 0.05, 3)).astype(np.float32)
    # from the top row to the bottom one
    ramp = np.linspace(0, 1, side, dtype=np.float32)[:, None, None]
    grain = rng.standard_normal((side, side, 1), np.float32) * np.float32(rng.uniform(2, 11))
    return (picture * (top + ramp * (bottom - top)) + grain).clip(0, 255).astype(np.uint8)


def shade(palette: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A colour near one of the palette's, RGB (3,); OpenCV clips what leaves 0..255."""
    return palette[rng.integers(len(palette))] + rng.normal(0, 13, 3)

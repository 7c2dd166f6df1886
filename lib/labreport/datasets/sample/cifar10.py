"""Ten classes of small pictures drawn by the program: the shape of CIFAR-10, to try everything with
no download.

A picture is a scene, a subject standing in it, clutter behind and before, and a camera that is
never perfect. A subject is drawn facing right in coordinates of its own, x to the right and y down,
both within about -1..1; its pose takes them to pixels.
"""

import numpy as np

from .drawing import COATS, DISC, SCENES, Pen, background, clutter, mixed_labels, photograph, shade

SIDE = 32  # pixels, of a finished picture
CANVAS = 3 * SIDE  # pixels; drawing large and shrinking is what smooths the edges

FEATHERS = np.array(
    (
        (115, 90, 65),
        (70, 75, 85),
        (225, 222, 215),
        (60, 95, 160),
        (175, 65, 45),
        (45, 42, 42),
        (190, 160, 60),
    )
)
PAINTS = np.array(
    (
        (190, 40, 35),
        (35, 70, 150),
        (215, 215, 215),
        (50, 52, 58),
        (220, 180, 50),
        (60, 120, 80),
        (150, 155, 160),
    )
)
SKINS = np.array(((95, 135, 55), (65, 100, 50), (125, 105, 60), (150, 160, 60), (90, 75, 50)))
DARK, GLASS, PALE, BEAK = np.array(((30, 28, 30), (90, 110, 130), (225, 222, 215), (210, 150, 50)))


def draw(per_class: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw `per_class` pictures of each of the ten classes, the classes mixed.

    Returns images uint8 (10 * per_class, 32, 32, 3) RGB and labels int32 (10 * per_class,), where
    label i is CLASSES[i]. Each ten pictures in a row hold every class once; picture i depends on
    `seed` and i alone, so a longer draw begins with the shorter.
    """
    labels = mixed_labels(len(CLASSES), per_class, seed)
    images = np.empty((len(labels), SIDE, SIDE, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = _picture(CLASSES[label], np.random.default_rng([seed, i]))
    return images, labels


def _picture(class_name: str, rng: np.random.Generator) -> np.ndarray:
    draw_subject, tilt_degrees, scenes = SUBJECTS[class_name]
    canvas = background(SCENES[scenes[rng.integers(len(scenes))]], CANVAS, rng)
    clutter(canvas, 2, rng)
    draw_subject(Pen(canvas, *_pose(tilt_degrees, rng)), rng)
    clutter(canvas, 1, rng)
    return photograph(canvas, SIDE, rng)


def _pose(tilt_degrees: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Where and how the subject stands: matrix (2, 2) and origin (2,) of a pen, in pixels."""
    tilt = np.radians(rng.normal(0, tilt_degrees))
    scale = rng.uniform(0.28, 0.47) * CANVAS
    # nearer 0: turned towards the camera or away
    facing = rng.uniform(0.7, 1.1) * (1 if rng.random() < 0.5 else -1)
    upright = scale * np.array(((facing, 0), (rng.normal(0, 0.1), 1)))
    rotation = np.array(((np.cos(tilt), np.sin(tilt)), (-np.sin(tilt), np.cos(tilt))))
    return upright @ rotation, rng.normal(0.5, 0.05, 2) * CANVAS


def _airplane(pen: Pen, rng: np.random.Generator) -> None:
    body, trim = PALE * rng.uniform(0.35, 1), shade(PAINTS, rng)
    span, sweep = rng.uniform(0.45, 0.9), rng.uniform(0.15, 0.5)
    # where the far wing ends: level with the near one from above, hidden from the side
    far = rng.uniform(-1, 0.3) * span
    pen.polygon(((0.25, 0), (-0.15, 0), (-0.15 - sweep, far), (-sweep, far)), body * 0.75)
    pen.polygon(((-0.65, 0), (-0.9, 0), (-1.05, -0.42), (-0.88, -0.42)), trim)
    pen.polygon(
        ((1, 0.03), (0.85, -0.09), (-0.7, -0.1), (-1, -0.08), (-0.7, 0.1), (0.85, 0.12)), body
    )
    pen.polygon(
        ((0.25, 0.04), (-0.15, 0.04), (-0.2 - sweep, span), (-0.05 - sweep, span)), body * 0.75
    )


def _bird(pen: Pen, rng: np.random.Generator) -> None:
    feathers, breast = shade(FEATHERS, rng), shade(FEATHERS, rng)
    wing = feathers * rng.uniform(0.55, 0.9)
    flying, span = rng.random() < 0.4, rng.uniform(0.6, 1)
    # a perched bird holds its head above its tail
    raised = 0.1 if flying else rng.uniform(0.1, 0.45)
    pen.polygon(
        ((-0.3, raised - 0.12), (-0.3, raised + 0.12), (-1, raised + 0.28), (-1.05, raised + 0.08)),
        wing,
    )
    if flying:
        pen.polygon(((0.2, 0), (-0.3, 0), (-0.45, -span * 0.7), (-0.15, -span)), wing * 0.8)
    else:
        pen.line(((0.2, 0.8), (0, 0.8), (0, 0.3), (0.15, 0.3), (0.15, 0.8), (0.3, 0.8)), 0.05, DARK)
    pen.polygon(DISC * (0.5, 0.3) @ ((1, -raised), (raised, 1)), feathers)
    pen.ellipse(0.2, 0.1, 0.26, 0.2, breast)
    pen.polygon(
        ((0.6, -raised - 0.17), (0.6, -raised + 0.03), (rng.uniform(0.85, 1.1), -raised - 0.02)),
        BEAK,
    )
    pen.ellipse(0.48, -raised - 0.1, 0.22, 0.2, feathers)
    tip = ((-0.7, span * 0.8), (-0.35, span)) if flying else ((-0.75, raised + 0.15), (-0.3, -0.05))
    pen.polygon(((0.15, -0.08), (-0.15, 0.2), *tip), wing)


def _vehicle_front(pen: Pen, paint: np.ndarray, roof: float, shoulder: float) -> None:
    """A car or a truck from ahead: `roof` is the height of its top, `shoulder` the half width up
    there.
    """
    pen.line(((-0.5, 0.3), (-0.5, 0.6), (-0.5, 0.3), (0.5, 0.3), (0.5, 0.6)), 0.26, DARK)
    pen.polygon(
        (
            (-0.66, 0.5),
            (-0.66, -0.02),
            (-shoulder, -roof),
            (shoulder, -roof),
            (0.66, -0.02),
            (0.66, 0.5),
        ),
        paint,
    )
    pen.polygon(
        ((-0.52, -0.05), (0.1 - shoulder, 0.1 - roof), (shoulder - 0.1, 0.1 - roof), (0.52, -0.05)),
        GLASS,
    )
    pen.line(((-0.5, 0.22), (0.5, 0.22)), 0.16, PALE)


def _automobile(pen: Pen, rng: np.random.Generator) -> None:
    paint = shade(PAINTS, rng)
    if rng.random() < 0.3:
        _vehicle_front(pen, paint, roof=rng.uniform(0.4, 0.55), shoulder=rng.uniform(0.42, 0.55))
        return
    roof, back, bonnet = rng.uniform(0.42, 0.6), rng.uniform(0.45, 0.95), rng.uniform(0.35, 0.6)
    pen.polygon(
        ((-back, -0.05), (0.25 - back, -roof), (bonnet - 0.3, -roof), (bonnet, -0.05)), paint * 0.85
    )
    pen.polygon(
        (
            (0.1 - back, -0.05),
            (0.3 - back, 0.08 - roof),
            (bonnet - 0.34, 0.08 - roof),
            (bonnet - 0.1, -0.05),
        ),
        GLASS,
    )
    pen.polygon(((-1, 0.3), (-1, 0), (-0.9, -0.08), (bonnet, -0.08), (0.95, 0.04), (1, 0.3)), paint)
    for x in (-0.58, 0.6):
        pen.ellipse(x, 0.3, 0.21, 0.21, DARK)


def _truck(pen: Pen, rng: np.random.Generator) -> None:
    paint, load = shade(PAINTS, rng), shade(PAINTS, rng)
    if rng.random() < 0.3:
        top = rng.uniform(0.65, 0.95)
        pen.polygon(((-0.62, 0), (-0.62, -top - 0.1), (0.62, -top - 0.1), (0.62, 0)), load)
        _vehicle_front(pen, paint, roof=top - 0.15, shoulder=0.58)
        return
    # the lowest loads: pick-ups
    height, cabin, front = (rng.uniform(0.15, 0.8), rng.uniform(0.45, 0.7), rng.uniform(0.3, 0.5))
    pen.polygon(((-1, 0.25), (-1, -height), (front - 0.05, -height), (front - 0.05, 0.25)), load)
    pen.polygon(
        (
            (front, 0.3),
            (front, -cabin),
            (front + 0.28, -cabin),
            (front + 0.42, -0.1),
            (1, -0.02),
            (1, 0.3),
        ),
        paint,
    )
    pen.polygon(
        (
            (front + 0.08, -0.08),
            (front + 0.08, 0.1 - cabin),
            (front + 0.25, 0.1 - cabin),
            (front + 0.36, -0.08),
        ),
        GLASS,
    )
    pen.line(((-1, 0.28), (1, 0.28)), 0.1, DARK)
    for x in (-0.72, -0.35, 0.68) if rng.random() < 0.5 else (-0.6, 0.66):
        pen.ellipse(x, 0.38, 0.2, 0.2, DARK)


def _ship(pen: Pen, rng: np.random.Generator) -> None:
    hull, top, boom = shade(PAINTS, rng), rng.uniform(0.4, 1.1), rng.uniform(0.4, 0.75)
    if rng.random() < 0.35:
        pen.polygon(((-0.04, -top), (-0.04, 0.08), (-boom, 0.08)), PALE)
        pen.polygon(((0.05, 0.1 - top), (0.05, 0.08), (boom, 0.08)), PALE * 0.85)
    else:
        pen.line(((-0.3, 0), (-0.35, -0.8 * top)), rng.uniform(0.05, 0.22), shade(PAINTS, rng))
        for deck in range(rng.integers(1, 4)):
            left, right, y = (
                -0.75 + 0.12 * deck,
                rng.uniform(0, 0.5) - 0.12 * deck,
                0.05 - 0.2 * deck,
            )
            pen.line(((left, y), (right, y)), 0.22, PALE)
            pen.line(((left, y), (right, y)), 0.06, GLASS * 0.6)
    pen.polygon(((-0.95, 0.1), (1.05, 0.02), (0.75, 0.48), (-0.8, 0.48)), hull)
    pen.line(((-1.2, 0.5), (1.2, 0.5)), 0.08, GLASS * rng.uniform(0.6, 1.3))


def _frog(pen: Pen, rng: np.random.Generator) -> None:
    skin, squat = shade(SKINS, rng), rng.uniform(0.3, 0.45)
    pen.line(((0.35, 0.1), (0.5, 0.45), (0.75, 0.5)), 0.16, skin * 0.75)
    pen.polygon(DISC * (0.75, squat) @ ((1, -0.3), (0, 1)), skin)
    pen.ellipse(0.3, 0.22, 0.35, 0.17, PALE * rng.uniform(0.6, 0.95))
    pen.ellipse(-0.45, 0.25, 0.38, 0.24, skin * 0.75)
    pen.line(((-0.7, 0.42), (-0.05, 0.48)), 0.14, skin * 0.6)
    for x in (0.38, 0.62):
        pen.ellipse(x, -squat - 0.08, 0.14, 0.14, skin)
        pen.ellipse(x + 0.03, -squat - 0.08, 0.06, 0.07, DARK)


def _standing(
    pen: Pen,
    rng: np.random.Generator,
    coat: np.ndarray,
    head: tuple,
    legs: float,
    leg: float,
    muzzle: float,
) -> None:
    """A four-legged animal from its side: where its head is, how long its legs, how wide each
    `leg`, how long its muzzle.
    """
    x, y = head
    step = rng.uniform(-0.25, 0.25)
    pen.line(((-0.45 - step, legs), (-0.45, 0), (0.4, 0), (0.4 + step, legs)), leg, coat * 0.7)
    pen.line(((-0.55 + step, legs), (-0.55, 0), (0.5, 0), (0.5 - step, legs)), leg, coat)
    pen.ellipse(0, -0.05, 0.68, 0.26, coat)
    pen.line(((0.48, -0.08), (x - 0.04, y + 0.04)), 2.2 * leg, coat)
    pen.line(((x, y), (x + muzzle, y + muzzle / 2)), 0.2, coat)


def _face(pen: Pen, coat: np.ndarray, ear: np.ndarray, muzzle: float) -> None:
    """A pet looking into the camera: the outline (N, 2) of its right-hand ear, half the width of
    its muzzle.
    """
    pen.polygon(((-0.5, 1), (-0.35, 0.2), (0.35, 0.2), (0.5, 1)), coat * 0.85)
    pen.ellipse(0, -0.1, 0.52, 0.48, coat)
    for side in (-1, 1):
        pen.polygon(ear * (side, 1), coat * 0.6)
        pen.ellipse(side * 0.2, -0.18, 0.08, 0.08, DARK)
    pen.ellipse(0, 0.12, muzzle, 0.9 * muzzle, (coat + PALE) / 2)
    pen.ellipse(0, 0.03, 0.3 * muzzle, 0.2 * muzzle, DARK)


def _cat(pen: Pen, rng: np.random.Generator) -> None:
    coat, ear = shade(COATS, rng), rng.uniform(0.3, 0.45)
    if rng.random() < 0.5:
        _face(
            pen,
            coat,
            ear=np.array(((0.08, -0.5), (0.5, -0.25), (0.48, -0.5 - ear))),
            muzzle=rng.uniform(0.14, 0.22),
        )
        return
    pen.line(((-0.6, -0.1), (-0.9, -0.3), (rng.uniform(-1.1, -0.7), -0.8)), 0.11, coat)
    _standing(pen, rng, coat, head=(0.62, -0.3), legs=0.5, leg=0.14, muzzle=0.1)
    pen.line(
        ((-0.45, -0.25), (-0.4, 0), (-0.2, -0.25), (-0.1, 0), (0.1, -0.25), (0.2, 0)),
        0.06,
        coat * rng.uniform(0.4, 1),
    )
    pen.ellipse(0.66, -0.32, 0.26, 0.24, coat)
    pen.polygon(
        ((0.4, -0.4), (0.45, -0.5 - ear / 2), (0.65, -0.5), (0.83, -0.5 - ear / 2), (0.9, -0.4)),
        coat * 0.7,
    )


def _dog(pen: Pen, rng: np.random.Generator) -> None:
    coat, droop = shade(COATS, rng), rng.uniform(0.1, 0.4)
    patch = coat * rng.uniform(0.4, 0.9)
    if rng.random() < 0.5:
        ear = np.array(
            ((0.25, -0.52), (0.5, -0.45), (0.68, droop - 0.1), (0.55, droop), (0.42, -0.1))
        )
        _face(pen, coat, ear, muzzle=rng.uniform(0.22, 0.32))
        return
    pen.line(((-0.6, -0.15), (rng.uniform(-1, -0.7), rng.uniform(-0.6, -0.3))), 0.12, coat)
    _standing(pen, rng, coat, head=(0.65, -0.38), legs=0.6, leg=0.16, muzzle=rng.uniform(0.2, 0.42))
    pen.ellipse(rng.uniform(-0.4, 0.2), -0.12, 0.25, 0.18, patch)
    pen.ellipse(0.66, -0.4, 0.22, 0.2, coat)
    pen.polygon(((0.5, -0.55), (0.66, -0.55), (0.62, droop - 0.35), (0.48, droop - 0.4)), patch)


def _deer(pen: Pen, rng: np.random.Generator) -> None:
    coat, reach = shade(COATS, rng), rng.uniform(0.3, 0.55)
    x, y = rng.uniform((0.55, -0.75), (0.75, -0.5))
    _standing(
        pen,
        rng,
        coat,
        head=(x, y),
        legs=rng.uniform(0.7, 0.85),
        leg=0.09,
        muzzle=rng.uniform(0.2, 0.28),
    )
    pen.ellipse(-0.6, -0.1, 0.12, 0.18, PALE)
    if rng.random() < 0.75:
        for side in (-0.3, 0.25):
            fork = (x + side, y - reach / 2)
            pen.line(
                (
                    (x, y - 0.05),
                    fork,
                    (x + 1.1 * side, y - reach),
                    fork,
                    (x + 0.2 * side, y - reach),
                ),
                0.06,
                coat * 0.5,
            )


def _horse(pen: Pen, rng: np.random.Generator) -> None:
    coat, hair = shade(COATS, rng), PALE * rng.uniform(0.1, 1)
    x, y = rng.uniform((0.65, -0.7), (0.85, -0.35))
    pen.line(((-0.62, -0.15), (-0.82, 0.05), (-0.9, rng.uniform(0.3, 0.55))), 0.14, hair)
    _standing(
        pen,
        rng,
        coat,
        head=(x, y),
        legs=rng.uniform(0.65, 0.8),
        leg=0.13,
        muzzle=rng.uniform(0.25, 0.35),
    )
    pen.line(((0.32, -0.25), (x - 0.2, y - 0.02), (x - 0.02, y - 0.18)), 0.13, hair)


# How a class is drawn; how far it tilts, a standard deviation in degrees (what flies tilts more
# than what stands); the scenes it is found in, the one named twice being twice as likely.
SUBJECTS = {
    "airplane": (_airplane, 20, ("sky", "sky", "sea", "road", "grass")),
    "automobile": (_automobile, 7, ("road", "road", "grass", "sand", "forest")),
    "bird": (_bird, 14, ("sky", "sea", "grass", "forest", "sand")),
    "cat": (_cat, 8, ("room", "room", "grass", "road", "sand")),
    "deer": (_deer, 7, ("forest", "grass", "grass", "sand", "road")),
    "dog": (_dog, 8, ("room", "room", "grass", "road", "sand")),
    "frog": (_frog, 12, ("grass", "forest", "sea", "room", "sand")),
    "horse": (_horse, 7, ("grass", "grass", "forest", "sand", "road")),
    "ship": (_ship, 5, ("sea", "sea", "sky", "sand", "road")),
    "truck": (_truck, 7, ("road", "road", "grass", "sand", "forest")),
}
CLASSES = list(SUBJECTS)

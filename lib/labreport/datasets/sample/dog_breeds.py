"""Drawn dogs of 120 breeds: the shape of Kaggle's Dog Breed Identification, to try everything with
no download.

A breed is a build, markings, ears and a tail that no other breed has together, and a coat of its
own. They are not likenesses: a drawn beagle shares with the beagle nothing but its name. The dogs
are drawn by `animals`.
"""

import numpy as np

from .animal_parts import GROUND, PALE, Animal, part
from .animals import DOG_EYES, OVERSAMPLING, natural, portrait, pose, scene, sitting, standing
from .drawing import Pen, photograph

CLASSES = tuple(
    """
    affenpinscher afghan_hound african_hunting_dog airedale american_staffordshire_terrier appenzeller australian_terrier basenji basset beagle
    bedlington_terrier bernese_mountain_dog black-and-tan_coonhound blenheim_spaniel bloodhound bluetick border_collie border_terrier borzoi
    boston_bull bouvier_des_flandres boxer brabancon_griffon briard brittany_spaniel bull_mastiff cairn cardigan chesapeake_bay_retriever
    chihuahua chow clumber cocker_spaniel collie curly-coated_retriever dandie_dinmont dhole dingo doberman english_foxhound english_setter
    english_springer entlebucher eskimo_dog flat-coated_retriever french_bulldog german_shepherd german_short-haired_pointer giant_schnauzer
    golden_retriever gordon_setter great_dane great_pyrenees greater_swiss_mountain_dog groenendael ibizan_hound irish_setter irish_terrier
    irish_water_spaniel irish_wolfhound italian_greyhound japanese_spaniel keeshond kelpie kerry_blue_terrier komondor kuvasz labrador_retriever
    lakeland_terrier leonberg lhasa malamute malinois maltese_dog mexican_hairless miniature_pinscher miniature_poodle miniature_schnauzer
    newfoundland norfolk_terrier norwegian_elkhound norwich_terrier old_english_sheepdog otterhound papillon pekinese pembroke pomeranian pug
    redbone rhodesian_ridgeback rottweiler saint_bernard saluki samoyed schipperke scotch_terrier scottish_deerhound sealyham_terrier
    shetland_sheepdog shih-tzu siberian_husky silky_terrier soft-coated_wheaten_terrier staffordshire_bullterrier standard_poodle
    standard_schnauzer sussex_spaniel tibetan_mastiff tibetan_terrier toy_poodle toy_terrier vizsla walker_hound weimaraner
    welsh_springer_spaniel west_highland_white_terrier whippet wire-haired_fox_terrier yorkshire_terrier
    """.split()  # noqa: E501  wrapping the text would change the digest of the data
)

STANDARD = 120  # the seed of the breeds' looks and numbers: they are the same in every draw
MARKINGS = ("plain", "saddle", "patches", "mask")
EARS = ("pointed", "folded", "drooping")
TAILS = ("curled", "hanging")
BUILDS = (  # toy, low, terrier, hound, giant; the lengths of `Animal`, and the size of the whole
    {
        "leg": 0.30,
        "depth": 0.19,
        "length": 0.40,
        "bone": 0.05,
        "head": 0.29,
        "muzzle": 0.3,
        "size": 0.85,
    },
    {
        "leg": 0.21,
        "depth": 0.22,
        "length": 0.66,
        "bone": 0.07,
        "head": 0.25,
        "muzzle": 0.7,
        "size": 0.95,
    },
    {
        "leg": 0.42,
        "depth": 0.25,
        "length": 0.48,
        "bone": 0.08,
        "head": 0.26,
        "muzzle": 0.6,
        "size": 1,
    },
    {
        "leg": 0.62,
        "depth": 0.22,
        "length": 0.60,
        "bone": 0.055,
        "head": 0.2,
        "muzzle": 0.95,
        "size": 1,
    },
    {
        "leg": 0.46,
        "depth": 0.34,
        "length": 0.62,
        "bone": 0.11,
        "head": 0.28,
        "muzzle": 0.45,
        "size": 1.05,
    },
)
COATS = np.array(
    (
        (52, 46, 46),
        (88, 55, 40),
        (150, 78, 42),
        (190, 125, 65),
        (215, 175, 115),
        (228, 220, 205),
        (150, 148, 150),
        (95, 100, 112),
    )
)


def draw(per_class: int, seed: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw about `per_class` dogs of each of the 120 breeds, mixed, each picture `side` x `side`
    pixels.

    Returns images uint8 (N, side, side, 3) RGB and labels int32 (N,), where label i is CLASSES[i].
    As in the real data some breeds are rarer: `class_counts` says how many there are of each.
    Picture i depends on `seed`, i and `side` alone, so a longer draw begins with the shorter, and
    another side shows the same scene.
    """
    # a third number, or it would be the generator of picture 0
    mixing = np.random.default_rng([seed, 0, 1])
    # what each further picture per class adds
    rounds = [class_counts(n + 1) - class_counts(n) for n in range(per_class)]
    labels = np.concatenate(
        [
            mixing.permutation(np.repeat(np.arange(len(CLASSES), dtype=np.int32), added))
            for added in rounds
        ]
    )
    breeds = _breeds()
    images = np.empty((len(labels), side, side, 3), np.uint8)
    for i, label in enumerate(labels):
        images[i] = _picture(*breeds[label], side, np.random.default_rng([seed, i]))  # type: ignore[call-arg]  # a star of known length
    return images, labels


def class_counts(per_class: int) -> np.ndarray:
    """How many pictures of each breed a draw holds, int (120,): 0.75 to 1.4 times `per_class`,
    fixed for each breed, at least 1.
    """
    # leans to the rare, like the real counts
    share = 0.75 + 0.65 * np.random.default_rng([STANDARD, 1]).beta(1.3, 2, len(CLASSES))
    return np.rint(per_class * share).astype(int)


def _breeds() -> list[tuple[Animal, float]]:
    """The looks of each breed and its size."""
    rng = np.random.default_rng([STANDARD, 0])
    looks = [
        (build, markings, ears, tail)
        for build in BUILDS
        for markings in MARKINGS
        for ears in EARS
        for tail in TAILS
    ]
    return [_breed(*looks[index], rng) for index in rng.permutation(len(looks))]  # type: ignore[call-arg]  # a star of known length


def _breed(
    build: dict, markings: str, ears: str, tail: str, rng: np.random.Generator
) -> tuple[Animal, float]:
    coat = natural(COATS[rng.integers(len(COATS))], rng)
    second = (
        coat * rng.uniform(0.4, 0.6)
        if coat.mean() > 110
        else coat + (PALE - coat) * rng.uniform(0.35, 0.9)
    )
    light = coat + (PALE - coat) * rng.uniform(0.2, 0.9)
    lengths = {name: value for name, value in build.items() if name != "size"}
    return (
        Animal(
            "dog",
            ears,
            tail,
            markings,
            coat,
            second,
            light,
            eyes=DOG_EYES[0],
            shaggy=rng.uniform(0, 0.14),
            **lengths,
        ),
        build["size"],
    )


def _picture(breed: Animal, size: float, side: int, rng: np.random.Generator) -> np.ndarray:
    canvas = scene(side * OVERSAMPLING, rng)
    size *= rng.uniform(0.95, 1.05)
    pen = part(Pen(canvas, *pose(len(canvas), rng)), 0, GROUND * (1 - size), size)
    draw_posed = (standing, standing, standing, standing, sitting, sitting, portrait)[
        rng.integers(7)
    ]
    draw_posed(pen, _individual(breed, rng), rng)
    return photograph(canvas, side, rng)


def _individual(breed: Animal, rng: np.random.Generator) -> Animal:
    """A dog of this breed: a little other in its lengths and in the shade of its coat."""
    lengths = {
        name: getattr(breed, name) * rng.uniform(0.94, 1.06)
        for name in ("leg", "depth", "length", "bone", "head", "muzzle")
    }
    shade = rng.uniform(0.88, 1.1)
    return breed._replace(
        **lengths,
        coat=(breed.coat * shade).clip(30, 240),
        second=breed.second * shade,
        light=breed.light * shade,
    )

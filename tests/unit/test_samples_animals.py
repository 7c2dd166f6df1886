"""The drawn cats and dogs, and the drawn dogs of 120 breeds."""

import numpy as np
import pytest

from labreport.datasets.sample import cats_dogs as cats_dogs_sample
from labreport.datasets.sample import dog_breeds as dog_breeds_sample

SAMPLES = pytest.mark.parametrize(
    "sample", [cats_dogs_sample, dog_breeds_sample], ids=["cats_dogs", "dog_breeds"]
)
SIDE = 32  # small, so that the tests are quick


@pytest.fixture(scope="module")
def breeds():
    return dog_breeds_sample.draw(2, seed=0, side=SIDE)


@SAMPLES
def test_images_and_labels_have_the_promised_shapes_and_types(sample):
    images, labels = sample.draw(1, seed=0, side=48)
    assert images.shape == (len(labels), 48, 48, 3) and images.dtype == np.uint8
    assert labels.shape == (len(sample.CLASSES),) and labels.dtype == np.int32
    assert images.std(axis=(1, 2, 3)).min() > 3, "a picture is one flat colour"


@SAMPLES
def test_the_same_seed_draws_the_same_bytes_and_another_seed_draws_others(sample):
    images, labels = sample.draw(1, seed=3, side=SIDE)
    again, same_labels = sample.draw(1, seed=3, side=SIDE)
    other, _ = sample.draw(1, seed=4, side=SIDE)
    assert images.tobytes() == again.tobytes() and labels.tobytes() == same_labels.tobytes()
    assert not (images == other).all(axis=(1, 2, 3)).any()


@SAMPLES
def test_a_longer_draw_begins_with_the_shorter(sample, breeds):
    shorter, labels = sample.draw(1, seed=0, side=SIDE)
    longer, more_labels = (
        breeds if sample is dog_breeds_sample else sample.draw(4, seed=0, side=SIDE)
    )
    assert len(longer) > len(shorter)
    assert np.array_equal(shorter, longer[: len(shorter)]) and np.array_equal(
        labels, more_labels[: len(labels)]
    )


@SAMPLES
def test_another_side_shows_the_same_scenes(sample):
    """Shrunk to a few pixels, a picture is nearest to itself drawn larger."""
    per_class = 60 // len(sample.CLASSES) or 1
    small, labels = sample.draw(per_class, seed=0, side=SIDE)
    large, same_labels = sample.draw(per_class, seed=0, side=2 * SIDE)
    coarse = [
        images.reshape(len(labels), 8, images.shape[1] // 8, 8, -1, 3)
        .mean(axis=(2, 4))
        .reshape(len(labels), -1)
        for images in (small, large)
    ]
    distances = np.linalg.norm(coarse[0][:, None] - coarse[1][None], axis=2)
    assert np.array_equal(labels, same_labels) and np.array_equal(
        distances.argmin(axis=1), np.arange(len(small))
    )


def test_there_are_as_many_cats_as_dogs_and_they_are_mixed():
    images, labels = cats_dogs_sample.draw(30, seed=0, side=SIDE)
    assert cats_dogs_sample.CLASSES == ("cats", "dogs")
    assert np.bincount(labels).tolist() == [30, 30]
    assert 0 < labels[::2].sum() < 30, "cats and dogs take turns"
    assert len(np.unique(images.reshape(60, -1), axis=0)) == 60, "some images are equal"


def test_the_mean_colour_does_not_tell_cats_from_dogs():
    images, labels = cats_dogs_sample.draw(150, seed=0, side=16)
    colours = np.column_stack([images.mean(axis=(1, 2)), np.ones(300)])
    weights = np.linalg.lstsq(colours[:150], labels[:150] - 0.5, rcond=None)[0]
    right = (colours[150:] @ weights > 0) == labels[150:]
    assert right.mean() < 0.63, "a linear classifier of three numbers is far above chance"


def test_the_breeds_are_120_different_names_in_alphabetical_order():
    names = dog_breeds_sample.CLASSES
    assert len(set(names)) == 120 and list(names) == sorted(names)
    assert {"affenpinscher", "black-and-tan_coonhound", "shih-tzu", "yorkshire_terrier"} <= set(
        names
    )


def test_the_breeds_differ_in_number_and_the_numbers_are_fixed(breeds):
    images, labels = breeds
    counts = dog_breeds_sample.class_counts(2)
    assert np.array_equal(np.bincount(labels, minlength=120), counts) and len(set(counts)) > 1
    assert len(np.unique(images.reshape(len(images), -1), axis=0)) == len(images), (
        "some images are equal"
    )
    many = dog_breeds_sample.class_counts(100)
    assert 75 <= many.min() < 85 and 125 < many.max() <= 140
    assert dog_breeds_sample.class_counts(1).min() == 1
    assert (np.diff([dog_breeds_sample.class_counts(n) for n in range(1, 20)], axis=0) >= 0).all()


def test_no_two_breeds_share_build_markings_ears_and_tail():
    looks = {
        (animal.ears, animal.tail, animal.markings, animal.leg, animal.length)
        for animal, _ in dog_breeds_sample._breeds()
    }
    assert len(looks) == 120

"""The drawn flowers: of the promised shape, the same for the same seed, no two alike, the same
scenes at every size.
"""

import cv2
import numpy as np
import pytest

from labreport.datasets.sample import flowers as flowers_sample


@pytest.fixture(scope="module")
def drawn():
    return flowers_sample.draw(8, seed=0, side=48)


def test_every_class_is_drawn_as_often_and_every_five_pictures_hold_all(drawn):
    images, labels = drawn
    assert flowers_sample.CLASSES == ("daisy", "dandelion", "rose", "sunflower", "tulip")
    assert images.shape == (40, 48, 48, 3) and images.dtype == np.uint8
    assert labels.shape == (40,) and labels.dtype == np.int32
    assert (np.sort(labels.reshape(8, 5)) == np.arange(5)).all()
    assert not (labels.reshape(8, 5) == labels[:5]).all()


def test_the_same_seed_draws_the_same_bytes_and_another_seed_others(drawn):
    images, labels = drawn
    again, same_labels = flowers_sample.draw(8, seed=0, side=48)
    other, _ = flowers_sample.draw(8, seed=1, side=48)
    assert again.tobytes() == images.tobytes() and same_labels.tolist() == labels.tolist()
    assert not (other == images).all(axis=(1, 2, 3)).any()


def test_no_two_pictures_are_alike_and_none_is_empty(drawn):
    images, _ = drawn
    assert len({image.tobytes() for image in images}) == len(images)
    assert images.std(axis=(1, 2)).min() > 5


def test_a_longer_draw_begins_with_the_shorter(drawn):
    images, labels = flowers_sample.draw(3, seed=0, side=48)
    assert (images == drawn[0][:15]).all() and (labels == drawn[1][:15]).all()


@pytest.mark.parametrize("side", [75, 150])
def test_a_picture_shows_the_same_scene_at_another_size(drawn, side):
    larger, labels = flowers_sample.draw(3, seed=0, side=side)
    assert larger.shape == (15, side, side, 3) and labels.tolist() == drawn[1][:15].tolist()
    # Shrunk to 12 pixels, so that grain and edges count for little.
    small, large = (
        np.array(
            [cv2.resize(image, (12, 12), interpolation=cv2.INTER_AREA).ravel() for image in images]
        )
        for images in (drawn[0][:15], larger)
    )
    likeness = np.corrcoef(small, large)[:15, 15:]
    assert likeness.diagonal().min() > 0.9
    assert likeness.argmax(axis=1).tolist() == list(range(15))


def test_a_label_names_what_is_drawn(monkeypatch):
    seen = []
    monkeypatch.setattr(
        flowers_sample,
        "_picture",
        lambda class_name, side, rng: (
            seen.append(class_name) or np.zeros((side, side, 3), np.uint8)
        ),
    )
    _, labels = flowers_sample.draw(2, seed=3, side=8)
    assert seen == [flowers_sample.CLASSES[label] for label in labels]


def test_the_colour_of_a_picture_does_not_tell_its_class():
    """The nearest class mean, by mean colour, is right in about three of ten pictures; by chance in
    two.
    """
    images, labels = flowers_sample.draw(60, seed=0, side=24)
    colours = images.mean(axis=(1, 2))
    means = np.array([colours[:150][labels[:150] == label].mean(axis=0) for label in range(5)])
    guesses = np.linalg.norm(colours[150:, None] - means, axis=2).argmin(axis=1)
    assert (guesses == labels[150:]).mean() < 0.5

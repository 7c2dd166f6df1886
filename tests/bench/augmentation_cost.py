"""What augmentation costs: an epoch of cats_dogs (rotations, shifts and zooms at 256 x 256 pixels)
beside a plain one, as labreport augments, with Keras's random layers in the model, and with the
generator of the original. `make bench` runs it.
"""

import argparse
import statistics
import sys

from measure import ratio, seconds_in_turns

# short turns: a shared machine that halves its speed for seconds then slows whole turns, not parts
NAME, IMAGES = "cats_dogs_softmax", 100


def prepared():
    import keras
    import numpy as np

    from labreport import models
    from labreport.config import experiments
    from labreport.training import backend, losses, optimizers

    backend.prepare()
    # deterministic operations ask for it where a layer draws at random
    keras.utils.set_random_seed(1)
    experiment = experiments.load(NAME)
    rng = np.random.default_rng(0)
    images, labels = (
        rng.integers(0, 256, (IMAGES, 256, 256, 3), dtype=np.uint8),
        rng.integers(0, 2, IMAGES).astype(np.int32),
    )
    model = models.build(experiment, (256, 256, 3), 2)

    def compiled(model):
        model.compile(
            optimizers.build(experiment),
            losses.build(experiment),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        )
        return model

    return experiment, images, labels, model, compiled


def epoch(augmented):
    from labreport.datasets import Split
    from labreport.training import augmentation, batches

    experiment, images, labels, model, compiled = prepared()
    split, augment = (
        Split(images, labels, [""] * IMAGES),
        augmentation.build(experiment) if augmented else None,
    )
    compiled(model)
    return lambda turn: model.fit(
        batches.Batches(
            batches.pixels(split, augment, 1, turn),
            labels,
            experiment.batch_size,
            batches.order(1, turn, IMAGES),
        ),
        shuffle=False,
        verbose=0,
    )


def plain():
    """An epoch as training.fit trains it, without augmentation."""
    return epoch(augmented=False)


def labreport():
    """The same with the experiment's augmentation: one resampling an image."""
    return epoch(augmented=True)


def random_layers():
    """Keras's random layers in the model, each of which resamples."""
    import keras

    experiment, images, labels, model, compiled = prepared()
    x = inputs = keras.Input((256, 256, 3))
    x = keras.layers.RandomRotation(90 / 360, fill_mode="nearest")(x)
    x = keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest")(x)
    x = keras.layers.RandomZoom((-0.2, 0.2), (-0.2, 0.2), fill_mode="nearest")(x)
    compiled(whole := keras.Model(inputs, model(x)))
    return lambda turn: whole.fit(images, labels, batch_size=experiment.batch_size, verbose=0)


def generator():
    """The original's ImageDataGenerator, which Keras keeps among its legacy."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    experiment, images, labels, model, compiled = prepared()
    compiled(model)
    drawn = ImageDataGenerator(
        rotation_range=90,
        width_shift_range=0.1,
        height_shift_range=0.1,
        zoom_range=0.2,
        fill_mode="nearest",
    )
    return lambda turn: model.fit(
        drawn.flow(images, labels, batch_size=experiment.batch_size, seed=turn), verbose=0
    )


WAYS = (plain, labreport, random_layers, generator)


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--turns", type=int, default=15, help="counted turns (default 15)")
    turns = options.parse_args().turns
    seconds = seconds_in_turns(WAYS, (), turns)
    print(
        f"{NAME}, {IMAGES} images an epoch, {turns} turns: seconds of the fastest turn and the"
        " median one, and how many times a plain epoch:"
    )
    print("fastest by fastest, and turn by turn (median, lowest to highest)")
    for way in WAYS:
        fastest, middle = min(seconds[way]), statistics.median(seconds[way])
        beside = (
            ""
            if way is plain
            else f"   {fastest / min(seconds[plain]):.2f}   {ratio(seconds[way], seconds[plain])}"
        )
        print(
            f"  {way.__name__.replace('_', ' '):<15}{fastest:>6.2f} s {middle:>6.2f} s{beside}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())

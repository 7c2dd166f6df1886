"""Images a second: labreport's training beside plain Keras as a course document writes it, and
beside the same step on one batch that is already there, which no feeding can beat. `make bench`
runs it.

The three take turns, each in a process of its own, and the ratios are taken turn by turn: a machine
that slows down slows all.
"""

import argparse
import statistics
import sys

from measure import ratio, seconds_in_turns

BATCH = 64
CASES = [
    (model, augmented, images)
    for model, images in (("cifar10_naive_adam", 6_400), ("cifar10_batchnorm", 1_280))
    for augmented in (False, True)
]
# RandomFlip("horizontal"), RandomRotation(0.1)
AUGMENTATION = {"horizontal_flip": True, "rotation_degrees": 36.0}


def arrays(count):
    import numpy as np

    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8), rng.integers(
        0, 10, count
    ).astype(np.int32)


def labreport(name, augmented, count):
    """One epoch as training.fit trains it."""
    import keras

    from labreport import datasets, models
    from labreport.config import experiments
    from labreport.training import augmentation, backend, batches, losses, optimizers

    backend.prepare()
    experiment = experiments.load(name, {"augmentation": AUGMENTATION if augmented else {}})
    model = models.build(experiment, (32, 32, 3), 10)
    model.compile(
        optimizers.build(experiment),
        losses.build(experiment),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    split = datasets.Split(*arrays(count), ids=[])
    augment = augmentation.build(experiment)
    return lambda turn: model.fit(
        batches.Batches(
            batches.pixels(split, augment, 1, turn),
            split.labels,
            BATCH,
            batches.order(1, turn, count),
        ),
        shuffle=False,
        verbose=0,
    )


def plain_keras(name, augmented, count):
    """Float pixels and one-hot labels in memory, random layers in the model, model.fit."""
    import keras

    from labreport import models
    from labreport.config import experiments

    ours = models.build(experiments.load(name), (32, 32, 3), 10)
    x = inputs = keras.Input((32, 32, 3))
    if augmented:
        x = keras.Sequential(
            [keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.1)]
        )(x)
    for layer in ours.layers[2:]:
        # without the input and the rescaling: the document divides by 255 beforehand
        x = layer(x)
    model = keras.Model(inputs, x)
    model.compile(
        "adam",
        keras.losses.CategoricalCrossentropy(),
        metrics=[keras.metrics.CategoricalAccuracy()],
    )
    images, labels = arrays(count)
    images, labels = images.astype("float32") / 255, keras.utils.to_categorical(labels, 10)
    return lambda turn: model.fit(images, labels, batch_size=BATCH, verbose=0)


def resident(name, augmented, count):
    """labreport's own step, on the same batch again and again."""
    import keras
    import tensorflow as tf

    from labreport import models
    from labreport.config import experiments
    from labreport.training import backend, losses, optimizers

    backend.prepare()
    experiment = experiments.load(name)
    model = models.build(experiment, (32, 32, 3), 10)
    model.compile(
        optimizers.build(experiment),
        losses.build(experiment),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    batches = tf.data.Dataset.from_tensors(arrays(BATCH)).repeat()
    return lambda turn: model.fit(batches, steps_per_epoch=count // BATCH, shuffle=False, verbose=0)


WAYS = (labreport, plain_keras, resident)


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--turns", type=int, default=7, help="counted turns (default 7)")
    turns = options.parse_args().turns
    print(
        f"{'model':<20}{'augmented':<11}{'labreport':>10}{'plain Keras':>13}{'resident':>10}  "
        f" images/s, median of {turns}; ratios: median (lowest to highest)"
    )
    for case in CASES:
        counted = seconds_in_turns(WAYS, case, turns)
        speeds = [case[2] / statistics.median(counted[way]) for way in WAYS]
        ratios = [ratio(counted[way], counted[labreport]) for way in WAYS[1:]]
        print(
            f"{case[0]:<20}{'yes' if case[1] else 'no':<11}"
            f"{speeds[0]:>10,.0f}{speeds[1]:>13,.0f}{speeds[2]:>10,.0f}"
            f"   {ratios[0]} of plain Keras, {ratios[1]} of resident",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())

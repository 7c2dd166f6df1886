"""What computing a frozen backbone's features once saves: 30 epochs of dog_breeds_mobilenetv2 as
labreport trains them, beside fitting the whole model in every epoch. `make bench` runs it. Both are
`training.fit`; the weights are random, which changes nothing in the time.
"""

import argparse
import os
import sys
import tempfile
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
EPOCHS, MEASURED = 30, 2


def seconds(images: int, whole: bool) -> tuple[float, float, float]:
    """(before the first epoch, an epoch, all EPOCHS). whole: fit the whole model, for MEASURED
    epochs after the first, which compiles.
    """
    import numpy as np

    from labreport import datasets
    from labreport.config import experiments
    from labreport.training import features, training

    rng = np.random.default_rng(0)

    def split(count):
        return datasets.Split(
            rng.integers(0, 256, (count, 160, 160, 3), dtype=np.uint8),
            rng.integers(0, 120, count).astype(np.int32),
            [str(i) for i in range(count)],
        )

    data = datasets.Dataset(
        "dog_breeds",
        True,
        split(images),
        split(images // 12),
        split(10),
        [f"breed {i}" for i in range(120)],
    )
    if whole:
        features.applicable = lambda augment: False
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(LABREPORT_REPORTS=folder, LABREPORT_CACHE=f"{folder}/cache")
        experiment = experiments.load(
            "dog_breeds_mobilenetv2",
            {
                "weights": "random",
                "data": "sample",
                "epochs": MEASURED + 1 if whole else EPOCHS,
                "patience": EPOCHS,
            },
        )
        metrics = training.fit(experiment, data, lambda line: None).metrics
    epochs = metrics.seconds_per_epoch
    assert metrics.features_once is not whole
    if whole:
        epoch = sum(epochs[1:]) / MEASURED
        return 0.0, epoch, epochs[0] + epoch * (EPOCHS - 1)
    return metrics.prepared_seconds, sum(epochs[1:]) / (EPOCHS - 1), metrics.seconds


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--images",
        type=int,
        default=2000,
        help="training images (default 2000; the experiment has 8460)",
    )
    images = options.parse_args().images
    started = time.perf_counter()
    before, once_epoch, once = seconds(images, whole=False)
    _, whole_epoch, whole = seconds(images, whole=True)
    print(
        f"dog_breeds_mobilenetv2, {images:,} images, {EPOCHS} epochs ({MEASURED + 1} of the whole"
        " model measured, the others counted at their mean)"
    )
    print(
        f"  features once     {once:>7.1f} s: {before:.1f} s for the features of both views, then"
        f" {once_epoch:.2f} s an epoch"
    )
    print(f"  the whole model   {whole:>7.1f} s: {whole_epoch:.2f} s an epoch")
    print(f"  ratio {whole / once:.1f}   (measured in {time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    sys.exit(main())

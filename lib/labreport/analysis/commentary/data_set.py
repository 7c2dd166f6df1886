"""What a data set holds, and how its images are prepared."""

import numpy as np

from ...core.i18n import _, count, number, percent, plain, whole
from ...datasets import evenly
from ...runs import results

__all__ = ["loading", "seen_before", "inspection", "conditioning"]


_FROM_IMAGENET = {"dog_breeds"}  # data sets whose images are a part of it


def loading(dataset) -> str:
    """Where the images come from and how many there are."""
    descriptions = {
        "train": lambda size: _("{size} for training", size=size),
        "validation": lambda size: _("{size} for validation", size=size),
        "test": lambda size: _("{size} for testing", size=size),
    }
    sizes = ", ".join(
        descriptions[name](whole(len(split))) for name, split in dataset.splits.items()
    )
    origin = _("**Sample data**, drawn by the program") if dataset.sample else _("Real data")
    height, width, channels = dataset.image_shape
    text = _(
        "{origin}: {images} colour images of {width} x {height} pixels in {classes} classes"
        " ({sizes}).",
        origin=origin,
        images=whole(sum(map(len, dataset.splits.values()))),
        width=width,
        height=height,
        classes=len(dataset.class_names),
        sizes=sizes,
    )
    if not dataset.test:
        text += " " + _(
            "There is no test split: the images that choose the best epoch are evaluated too."
        )
    if dataset.unlabelled:
        text += " " + _(
            "The run also writes its predictions for {images}, {file}.",
            images=count(len(dataset.unlabelled), "unlabelled image"),
            file=f"`{results.SUBMISSION}`",
        )
    return text


def seen_before(experiment) -> str:
    """That the network was pretrained on the images of its data set, where it was."""
    pretrained = experiment.model_args.get("weights") == "imagenet"
    if not pretrained or experiment.dataset not in _FROM_IMAGENET:
        return ""
    return _(
        "The network was pretrained on ImageNet, so it may have seen these images before, and its"
        " accuracy may be optimistic."
    )


def inspection(dataset) -> str:
    """What is remarkable about the data."""
    return (
        "\n".join(f"- {note}" for note in dataset.notes)
        if dataset.notes
        else _("No image appears in two splits, and no image was excluded.")
    )


def conditioning(experiment, dataset) -> str:
    """Range and mean of the training pixels, and what augmentation does."""
    # enough for a mean, and quick where they lie on disk
    images = np.asarray(dataset.train.images[evenly(len(dataset.train), 1000)])
    means = ", ".join(number(mean, 1) for mean in images.mean(axis=(0, 1, 2)))
    parts = {
        "horizontal_flip": lambda value: _("half of the images flipped left to right"),
        "vertical_flip": lambda value: _("half of the images flipped upside down"),
        "rotation_degrees": lambda value: _(
            "rotations of up to {degrees} degrees in either direction", degrees=plain(value)
        ),
        "width_shift_fraction": lambda value: _(
            "shifts of up to {share} of the width", share=percent(value, 0)
        ),
        "height_shift_fraction": lambda value: _(
            "shifts of up to {share} of the height", share=percent(value, 0)
        ),
        "zoom_fraction": lambda value: _(
            "width and height each scaled up or down by up to {share}", share=percent(value, 0)
        ),
        "fill": lambda value: {
            "nearest": _("areas beyond the border filled with the nearest pixels"),
            "reflect": _("areas beyond the border filled with mirrored pixels"),
        }[value],
    }
    done = [parts[key](value) for key, value in experiment.augmentation.items() if value]
    text = _(
        "In {images}, pixel values range from {lowest} to {highest}; the means of red, green and"
        " blue are {means}.",
        images=count(len(images), "training image"),
        lowest=images.min(),
        highest=images.max(),
        means=means,
    )
    return f"{text} " + (
        _(
            "Augmentation changes the training images only, at random and anew in each epoch, in a"
            " single resampling: {done}.",
            done="; ".join(done),
        )
        if done
        else _("This experiment uses no augmentation.")
    )

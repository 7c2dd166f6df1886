"""What the numbers of one run say, in sentences: every number in a report's prose."""

import numpy as np
import pandas as pd
from scipy import stats

from ..core.i18n import _, count, duration, number, percent, plain, whole
from ..datasets import evenly
from ..runs.results import Result
from . import statistics

SHOWN_OF_DIFF = 120  # lines


def loading(dataset) -> str:
    """Where the images come from and how many there are."""
    told = {
        "train": lambda size: _("{size} for training", size=size),
        "validation": lambda size: _("{size} for validation", size=size),
        "test": lambda size: _("{size} for testing", size=size),
    }
    sizes = ", ".join(told[name](whole(len(split))) for name, split in dataset.splits.items())
    origin = _("**Sample data**, drawn by the program") if dataset.sample else _("Real data")
    height, width, channels = dataset.image_shape
    return _(
        "{origin}: {images} colour images of {width} x {height} pixels in {classes} classes:"
        " {sizes}.",
        origin=origin,
        images=whole(sum(map(len, dataset.splits.values()))),
        width=width,
        height=height,
        classes=len(dataset.class_names),
        sizes=sizes,
    )


def inspection(dataset) -> str:
    """What is remarkable about the data."""
    return (
        "\n".join(f"- {note}" for note in dataset.notes)
        if dataset.notes
        else _("No image stands in two splits, and none had to be left out.")
    )


def conditioning(experiment, dataset) -> str:
    """Range and mean of the training pixels, and what augmentation does."""
    # enough for a mean, and quick where they lie on disk
    images = np.asarray(dataset.train.images[evenly(len(dataset.train), 1000)])
    means = ", ".join(number(mean, 1) for mean in images.mean(axis=(0, 1, 2)))
    parts = {
        "horizontal_flip": lambda value: _("half of the images mirrored left to right"),
        "vertical_flip": lambda value: _("half of them upside down"),
        "rotation_degrees": lambda value: _(
            "rotated by up to {degrees} degrees either way", degrees=plain(value)
        ),
        "width_shift_fraction": lambda value: _(
            "shifted by up to {share} of the width", share=percent(value, 0)
        ),
        "height_shift_fraction": lambda value: _(
            "shifted by up to {share} of the height", share=percent(value, 0)
        ),
        "zoom_fraction": lambda value: _(
            "width and height each scaled by up to {share} either way", share=percent(value, 0)
        ),
        "fill": lambda value: {
            "nearest": _("what lies beyond the border filled in by the nearest pixels"),
            "reflect": _("what lies beyond the border filled in by mirrored pixels"),
        }[value],
    }
    done = [parts[key](value) for key, value in experiment.augmentation.items() if value]
    text = _(
        "In {images} pixels run from {lowest} to {highest}; the mean of red, green and blue is"
        " {means}.",
        images=count(len(images), "training image"),
        lowest=images.min(),
        highest=images.max(),
        means=means,
    )
    return f"{text} " + (
        _("Augmentation: {done}.", done="; ".join(done))
        if done
        else _("This experiment augments nothing.")
    )


def layers(parameters: int, trainable: int) -> str:
    """Caption of the table of a network's layers."""
    return _(
        "Layers of the network: {parameters} parameters, {trainable} of them trainable.",
        parameters=whole(parameters),
        trainable=whole(trainable),
    )


def training_settings(experiment) -> list[dict]:
    """How the experiment trains, as rows of a setting and its value."""
    stopping = experiment.early_stopping
    if stopping["patience"] is None:
        stops = _("none; best epoch by {monitor}", monitor=stopping["monitor"])
    else:
        stops = _(
            "after {epochs} without a better {monitor}",
            epochs=count(stopping["patience"], "epoch"),
            monitor=stopping["monitor"],
        )
        if stopping["min_delta"]:
            stops += _(" (by more than {least})", least=plain(stopping["min_delta"]))
        if stopping["start_from_epoch"]:
            stops += _(", counted from epoch {epoch} on", epoch=stopping["start_from_epoch"] + 1)
    losses = {
        "categorical_crossentropy": _("categorical crossentropy"),
        "sparse_categorical_crossentropy": _("sparse categorical crossentropy"),
        "binary_crossentropy": _("binary crossentropy"),
        "mean_squared_error": _("mean squared error"),
    }
    rows = {
        _("Optimizer"): f"{experiment.optimizer} ({_listed(experiment.optimizer_args)})",
        _("Loss"): losses.get(experiment.loss, experiment.loss.replace("_", " ")),
        _("Batch size"): experiment.batch_size,
        _("Epochs"): experiment.epochs,
        _("Early stopping"): stops,
        _("Augmentation"): _listed(experiment.augmentation) or _("none"),
        _("Starts from"): experiment.starts_from or _("new weights"),
        _("Seed"): experiment.seed,
    }
    return [{_("Setting"): key, _("Value"): value} for key, value in rows.items()]


def _listed(values: dict) -> str:
    """Settings in one line, by their own names."""
    known = {
        "learning_rate": _("learning rate"),
        "horizontal_flip": _("horizontal flip"),
        "vertical_flip": _("vertical flip"),
        "rotation_degrees": _("rotation"),
        "width_shift_fraction": _("width shift"),
        "height_shift_fraction": _("height shift"),
        "zoom_fraction": _("zoom"),
        "fill": _("fill"),
    }

    def words(key, value):
        name = known.get(key, key.replace("_", " "))
        for unit, sign in (("_degrees", "°"), ("_fraction", "")):
            if key.endswith(unit):
                return _("{name} up to {value}", name=name, value=f"{plain(value)}{sign}")
        return (
            name if value is True else f"{name} {value if isinstance(value, str) else plain(value)}"
        )

    return ", ".join(words(key, value) for key, value in values.items() if value)


def training(result: Result) -> str:
    """Where the best epoch is, what came after it, and how far training and validation lie apart
    there.
    """
    metrics, history = result.metrics, result.history
    epochs, best = metrics["epochs"], metrics["best_epoch"]
    monitor = metrics["identity"]["settings"]["early_stopping"]["monitor"]
    value = history[monitor].iloc[best - 1]
    took = {"time": duration(result.seconds), "epochs": count(epochs, "epoch")}
    sentences = [
        (
            _("Training took {time} for {epochs} and was stopped early.", **took)
            if metrics["stopped_early"]
            else _("Training took {time} for {epochs}.", **took)
        )
    ]
    if epochs > 1:
        sentences.append(
            _(
                "By {monitor}, epoch {best} is the best ({value}).",
                monitor=monitor,
                best=best,
                value=number(value, 4),
            )
        )
        if best == epochs:
            sentences.append(_("It is the last one: more epochs might still improve the model."))
        else:
            last = history.iloc[-1]
            then = history.iloc[best - 1]
            told = {
                "epochs": count(epochs - best, "epoch"),
                "loss": number(then["loss"], 3),
                "last_loss": number(last["loss"], 3),
                "val_loss": number(then["val_loss"], 3),
                "last_val_loss": number(last["val_loss"], 3),
            }
            sentences.append(
                (
                    _(
                        "In the epoch after it training loss went from {loss} to {last_loss} while"
                        " validation loss went from {val_loss} to {last_val_loss}",
                        **told,
                    )
                    if epochs - best == 1
                    else _(
                        "In the {epochs} after it training loss went from {loss} to {last_loss}"
                        " while validation loss went from {val_loss} to {last_val_loss}",
                        **told,
                    )
                )
                + (
                    _(": the network was learning its training images by heart.")
                    if _by_heart(result, best)
                    else "."
                )
            )
    gap = metrics["train_accuracy"] - metrics["validation_accuracy"]
    sentences.append(
        _(
            "At epoch {best} training accuracy is {training} and validation accuracy {validation},"
            " a gap of {gap} points",
            best=best,
            training=percent(metrics["train_accuracy"]),
            validation=percent(metrics["validation_accuracy"]),
            gap=number(100 * gap, 1, signed=True),
        )
        + _gap_says(gap, metrics)
    )
    return " ".join(sentences)


def evaluation(result: Result, confused: pd.DataFrame) -> str:
    """Accuracy on the evaluated split with its interval, and the pair of classes confused most.
    confused: as `evaluation.confused_pairs` gives it.
    """
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = statistics.wilson(correct, images)
    told = {
        "best": result.metrics["best_epoch"],
        "correct": whole(correct),
        "images": whole(images),
        "accuracy": percent(correct / images),
        "low": percent(low),
        "high": percent(high),
    }
    if result.evaluated == "validation":
        text = _(
            "With the weights of epoch {best}, {correct} of {images} validation images are"
            " classified correctly: **{accuracy}** (95 % interval {low} to {high}, Wilson). There"
            " is no test split; the same images chose the epoch, so that the figure is on the high"
            " side.",
            **told,
        )
    else:
        text = _(
            "With the weights of epoch {best}, {correct} of {images} test images are classified"
            " correctly: **{accuracy}** (95 % interval {low} to {high}, Wilson).",
            **told,
        )
    if len(confused):
        pair = confused.iloc[0]
        tied = len(confused) > 1 and confused["Mistakes"].iloc[1] == pair["Mistakes"]
        classes = {
            "one": pair["Class"],
            "other": pair["Other class"],
            "images": count(int(pair["Mistakes"]), "image"),
        }
        text += " " + (
            _(
                "One of the pairs confused most is {one} and {other}: {images} in one direction or"
                " the other.",
                **classes,
            )
            if tied
            else _(
                "The pair confused most is {one} and {other}: {images} in one direction or the"
                " other.",
                **classes,
            )
        )
    return text


def squared_error(table: pd.DataFrame) -> str:
    """What the two losses would teach the network about its worst mistakes. table:
    `evaluation.squared_error_beside_cross_entropy`.
    """
    worst, right = table.iloc[0], table.iloc[2]
    if not worst["Images"]:
        return _(
            "No image was given its true class with a probability below 0.01, so this run shows"
            " nothing of what sets the two losses apart: on answers that are very wrong the squared"
            " error has next to no gradient."
        )

    def times(row):
        longer = row["Gradient of the cross-entropy"] / max(
            row["Gradient of the squared error"], 1e-12
        )
        return (
            _("{factor} times", factor=plain(float(f"{longer:.3g}")))
            if longer < 1e6
            else _("more than a million times")
        )

    text = _(
        "Where the network gives the true class a probability below 0.01 ({images}), the gradient"
        " of the cross-entropy is {times} as long as that of the squared error",
        images=count(int(worst["Images"]), "image"),
        times=times(worst),
    )
    if right["Images"]:
        text += _(
            ", where it gives 0.5 and more ({images}) {times}",
            images=count(int(right["Images"]), "image"),
            times=times(right),
        )
    if worst["Gradient of the cross-entropy"] < 2 * worst["Gradient of the squared error"]:
        return text + "."
    return text + _(
        ": the squared error flattens out on answers that are very wrong, so that a network trained"
        " with it learns little from them."
    )


def imbalance(dataset, result: Result) -> str:
    """How unequal the classes are, and whether the larger ones are recognised more often."""
    sizes = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    shown = np.bincount(result.labels, minlength=len(sizes)) > 0
    recall = np.array(
        [
            (result.predicted[result.labels == label] == label).mean()
            for label in np.flatnonzero(shown)
        ]
    )
    sentences = [
        _(
            "The largest class has {most} ({largest}), the smallest {least} ({smallest}). Averaged"
            " over classes the recall is {recall}; averaged over images, which favours large"
            " classes, the accuracy is {accuracy}.",
            most=count(int(sizes.max()), "training image"),
            largest=dataset.class_names[sizes.argmax()],
            least=whole(int(sizes.min())),
            smallest=dataset.class_names[sizes.argmin()],
            recall=percent(recall.mean()),
            accuracy=percent((result.labels == result.predicted).mean()),
        )
    ]
    if len(set(sizes[shown])) > 1 and len(set(recall)) > 1:
        found = stats.spearmanr(sizes[shown], recall)
        says = (
            _("no sign that the larger classes gain from it")
            if found.pvalue >= 0.05
            else (
                _("larger classes are recognised more often")
                if found.statistic > 0
                else _("larger classes are recognised less often")
            )
        )
        sentences.append(
            _(
                "The rank correlation of a class's training images with its recall is {correlation}"
                " (p = {p}): {says}.",
                correlation=number(found.statistic, 2, signed=True),
                p=plain(float(f"{found.pvalue:.2g}")),
                says=says,
            )
        )
    return " ".join(sentences)


def differs(experiment) -> str:
    """What the original did that is done otherwise here."""
    if not experiment.differs:
        return _("The experiment is run as it was published.")
    return (
        _("What the original did, and is done otherwise here:")
        + "\n\n"
        + "\n".join(f"- {_(difference)}" for difference in experiment.differs)
    )


def verdict(result: Result, published: dict) -> str:
    """Whether the published accuracy lies inside the interval of the measured one, and how the
    published one was come by.
    """
    note = f"; {_(published['note'])}" if published.get("note") else ""
    return f"{_comparison(result, published)}\n\n" + _(
        "Published in: {source}.", source=_(published["source"]) + note
    )


def _comparison(result: Result, published: dict) -> str:
    if result.metrics["data"] == "sample":
        return _(
            "This run used sample data: it shows that the pipeline works, and nothing can be"
            " concluded about the published result."
        )
    value = published.get(f"{result.evaluated}_accuracy")
    if value is None:
        return (
            _(
                "No test accuracy was published for this experiment, so there is nothing to compare"
                " with."
            )
            if result.evaluated == "test"
            else _(
                "No validation accuracy was published for this experiment, so there is nothing to"
                " compare with."
            )
        )
    if result.metrics["changes"]:
        return _(
            "The settings of this run differ from the published experiment's, so the two results"
            " are not expected to agree."
        )
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = statistics.independent_difference(correct / images, value, images)
    apart = 100 * (correct / images - value)
    told = {
        "measured": percent(correct / images),
        "published": percent(value),
        "apart": number(abs(apart), 1),
    }
    on = result.evaluated == "test"
    if not round(apart, 1):
        text = (
            _("The measured test accuracy, {measured}, is equal to the published one.", **told)
            if on
            else _(
                "The measured validation accuracy, {measured}, is equal to the published one.",
                **told,
            )
        )
    elif apart > 0:
        text = (
            _(
                "The measured test accuracy, {measured}, is {apart} points above the published one,"
                " {published}.",
                **told,
            )
            if on
            else _(
                "The measured validation accuracy, {measured}, is {apart} points above the"
                " published one, {published}.",
                **told,
            )
        )
    else:
        text = (
            _(
                "The measured test accuracy, {measured}, is {apart} points below the published one,"
                " {published}.",
                **told,
            )
            if on
            else _(
                "The measured validation accuracy, {measured}, is {apart} points below the"
                " published one, {published}.",
                **told,
            )
        )
    text += " " + _(
        "Had that been measured on as many other images, the 95 % interval of the difference would"
        " be {low} to {high} points (Newcombe, 1998).",
        low=number(100 * low, 1, signed=True),
        high=number(100 * high, 1, signed=True),
    )
    return (
        text
        + " "
        + (
            _("The two agree within the uncertainty of the images.")
            if low <= 0 <= high
            else _(
                "The difference is larger than the images alone explain; the seed, the split and"
                " the choice of the epoch add to it."
            )
        )
    )


def _by_heart(result: Result, best: int) -> bool:
    """Whether several epochs show it: validation loss clearly higher than at its best, training
    loss lower, and training images known far better than the others.
    """
    then, last = result.history.iloc[best - 1], result.history.iloc[-1]
    return (
        len(result.history) - best > 1
        and last["loss"] < then["loss"]
        and last["val_loss"] > 1.05 * then["val_loss"]
        and _interval(last["val_accuracy"], result.metrics)[1] < last["accuracy"]
    )


def _interval(share: float, metrics: dict) -> tuple[float, float]:
    """95 % interval of a share of the validation images."""
    images = metrics["dataset"]["images"]["validation"]
    return statistics.wilson(round(share * images), images)


def _gap_says(gap: float, metrics: dict) -> str:
    low, high = _interval(metrics["validation_accuracy"], metrics)
    if low <= 1 / len(metrics["dataset"]["class_names"]):
        return _(": on the validation images it cannot be told from guessing.")
    if metrics["train_accuracy"] > high:  # further apart than so few validation images explain
        return _(": the network overfits.") if gap > 0.1 else _(": some overfitting.")
    if gap > 0.03:
        return _(": the validation images are too few to tell it from none.")
    if gap < -0.03:
        settings = metrics["identity"]["settings"]
        dropout = any(
            np.any(value) for key, value in settings["model_args"].items() if "dropout" in key
        )
        text = _("; training accuracy is averaged over the epoch, while the weights improve")
        if dropout and settings["augmentation"]:
            return text + _(", and measured under dropout and augmentation.")
        return text + (
            _(", and measured under dropout.")
            if dropout
            else _(", and measured under augmentation.")
            if settings["augmentation"]
            else "."
        )
    return _(": no sign of overfitting there.")


def changed_source(result) -> str:
    """How the source differed from the commit that the run names, as a diff in Markdown; empty
    where it did not.
    """
    lines = result.provenance.last.checkout["diff"].splitlines()
    if not lines:
        return ""
    more = (
        "\n"
        + _(
            "({lines} more lines stand in provenance.json)", lines=whole(len(lines) - SHOWN_OF_DIFF)
        )
        if len(lines) > SHOWN_OF_DIFF
        else ""
    )
    return (
        _("The run used source that differs from its commit:")
        + "\n\n"
        + "\n".join(["~~~~~~~~diff", *lines[:SHOWN_OF_DIFF], "~~~~~~~~", more])
    )

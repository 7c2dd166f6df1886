"""What the numbers of one run say, in sentences: every figure in a report's prose is computed here."""

import numpy as np
import pandas as pd
from scipy import stats

from . import proportions
from .datasets import evenly
from .results import Result
from .wording import count, duration, percent

SHOWN_OF_DIFF = 120  # lines

def loading(dataset) -> str:
    """Where the images come from and how many there are."""
    names = {"train": "training", "validation": "validation", "test": "testing"}
    sizes = ", ".join(f"{len(split):,} for {names[name]}" for name, split in dataset.splits.items())
    origin = "**Sample data**, drawn by the program" if dataset.sample else "Real data"
    height, width, _ = dataset.image_shape
    return f"{origin}: {sum(map(len, dataset.splits.values())):,} colour images of {width} x {height} pixels in {len(dataset.class_names)} classes: {sizes}."


def inspection(dataset) -> str:
    """What is remarkable about the data."""
    return "\n".join(f"- {note}" for note in dataset.notes) if dataset.notes else "No image stands in two splits, and none had to be left out."


def conditioning(experiment, dataset) -> str:
    """Range and mean of the training pixels, and what augmentation does."""
    images = np.asarray(dataset.train.images[evenly(len(dataset.train), 1000)])  # enough for a mean, and quick where they lie on disk
    means = ", ".join(f"{mean:.1f}" for mean in images.mean(axis=(0, 1, 2)))
    parts = {"horizontal_flip": "half of the images mirrored left to right", "vertical_flip": "half of them upside down",
             "rotation_degrees": "rotated by up to {:g} degrees either way", "width_shift_fraction": "shifted by up to {:.0%} of the width",
             "height_shift_fraction": "shifted by up to {:.0%} of the height", "zoom_fraction": "width and height each scaled by up to {:.0%} either way",
             "fill": "what lies beyond the border filled in by {} pixels"}
    words = {"nearest": "the nearest", "reflect": "mirrored"}
    done = [parts[key].format(words.get(value, value)) for key, value in experiment.augmentation.items() if value]
    return (f"In {count(len(images), 'training image')} pixels run from {images.min()} to {images.max()}; the mean of red, green and blue is {means}. "
            + (f"Augmentation: {'; '.join(done)}." if done else "This experiment augments nothing."))


def training_settings(experiment) -> list[dict]:
    """How the experiment trains, as rows of a setting and its value."""
    stopping = experiment.early_stopping
    def listed(values):
        def words(key, value):
            name = key.replace("_", " ")
            for unit, sign in (("_degrees", " degrees"), ("_fraction", "")):
                if key.endswith(unit):
                    return f"{name.removesuffix(unit.replace('_', ' '))} up to {value:g}{sign}"
            return f"{name} {value}" if isinstance(value, str) else f"{name} {value:g}" if isinstance(value, float) else name
        return ", ".join(words(key, value) for key, value in values.items() if value)
    rows = {"Optimizer": f"{experiment.optimizer} ({listed(experiment.optimizer_args)})", "Loss": experiment.loss.replace("_", " "),
            "Batch size": experiment.batch_size, "Epochs": experiment.epochs,
            "Early stopping": f"none; best epoch by {stopping['monitor']}" if stopping["patience"] is None else
            f"after {count(stopping['patience'], 'epoch')} without a better {stopping['monitor']}"
            + (f" (by more than {stopping['min_delta']:g})" if stopping["min_delta"] else "")
            + (f", counted from epoch {stopping['start_from_epoch'] + 1} on" if stopping["start_from_epoch"] else ""),
            "Augmentation": listed(experiment.augmentation) or "none", "Starts from": experiment.starts_from or "new weights", "Seed": experiment.seed}
    return [{"Setting": key, "Value": value} for key, value in rows.items()]


def training(result: Result) -> str:
    """Where the best epoch is, what came after it, and how far training and validation lie apart there."""
    metrics, history = result.metrics, result.history
    epochs, best = metrics["epochs"], metrics["best_epoch"]
    monitor = metrics["identity"]["settings"]["early_stopping"]["monitor"]
    value = history[monitor].iloc[best - 1]
    sentences = [f"Training took {duration(result.seconds)} for {count(epochs, 'epoch')}"
                 + (" and was stopped early." if metrics["stopped_early"] else ".")]
    if epochs > 1:
        sentences.append(f"By {monitor}, epoch {best} is the best ({value:.4f}).")
        if best == epochs:
            sentences.append("It is the last one: more epochs might still improve the model.")
        else:
            last = history.iloc[-1]
            sentences.append(f"In the {count(epochs - best, 'epoch')} after it, training loss went from {history['loss'].iloc[best - 1]:.3f} to {last['loss']:.3f} "
                             f"while validation loss went from {history['val_loss'].iloc[best - 1]:.3f} to {last['val_loss']:.3f}"
                             + (": the network was learning its training images by heart." if last["loss"] < history["loss"].iloc[best - 1]
                                and last["val_loss"] > history["val_loss"].iloc[best - 1] else "."))
    gap = metrics["train_accuracy"] - metrics["validation_accuracy"]
    sentences.append(f"At epoch {best} training accuracy is {percent(metrics['train_accuracy'])} and validation accuracy {percent(metrics['validation_accuracy'])}, "
                     f"a gap of {100 * gap:+.1f}".replace("-", "\u2212") + f" points{_gap_says(gap, metrics)}")
    return " ".join(sentences)


def evaluation(result: Result, confused: pd.DataFrame) -> str:
    """Accuracy on the evaluated split with its interval, and the pair of classes confused most. confused: as `evaluation.confused_pairs` gives it."""
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = proportions.wilson(correct, images)
    text = (f"With the weights of epoch {result.metrics['best_epoch']}, {correct:,} of {images:,} {result.evaluated} images are classified correctly: "
            f"**{percent(correct / images)}** (95 % interval {percent(low)} to {percent(high)}, Wilson).")
    if result.evaluated == "validation":
        text += " There is no test split; the same images chose the epoch, so that the figure is on the high side."
    if len(confused):
        pair = confused.iloc[0]
        tied = len(confused) > 1 and confused["Mistakes"].iloc[1] == pair["Mistakes"]
        text += f" {'One of the pairs' if tied else 'The pair'} confused most is {pair['Class']} and {pair['Other class']}: {count(int(pair['Mistakes']), 'image')} in one direction or the other."
    return text


def squared_error(table: pd.DataFrame) -> str:
    """What the two losses would teach the network about its worst mistakes. table: `evaluation.squared_error_beside_cross_entropy`."""
    worst, right = table.iloc[0], table.iloc[2]
    if not worst["Images"]:
        return ("No image was given its true class with a probability below 0.01, so this run shows nothing of what sets the two losses apart: on answers that are "
                "very wrong the squared error has next to no gradient.")

    def times(row):
        longer = row["Gradient of the cross-entropy"] / max(row["Gradient of the squared error"], 1e-12)
        return f"{longer:.3g} times" if longer < 1e6 else "more than a million times"
    text = (f"Where the network gives the true class a probability below 0.01 ({count(int(worst['Images']), 'image')}), the gradient of the cross-entropy is "
            f"{times(worst)} as long as that of the squared error")
    if right["Images"]:
        text += f", where it gives 0.5 and more ({count(int(right['Images']), 'image')}) {times(right)}"
    return text + ": the squared error flattens out on answers that are very wrong, so that a network trained with it learns little from them."


def imbalance(dataset, result: Result) -> str:
    """How unequal the classes are, and whether the larger ones are recognised more often."""
    sizes = np.bincount(dataset.train.labels, minlength=len(dataset.class_names))
    shown = np.bincount(result.labels, minlength=len(sizes)) > 0
    recall = np.array([(result.predicted[result.labels == label] == label).mean() for label in np.flatnonzero(shown)])
    sentences = [f"The largest class has {count(int(sizes.max()), 'training image')} ({dataset.class_names[sizes.argmax()]}), the smallest {sizes.min()} "
                 f"({dataset.class_names[sizes.argmin()]}). Averaged over classes the recall is {percent(recall.mean())}; averaged over images, which favours "
                 f"large classes, the accuracy is {percent((result.labels == result.predicted).mean())}."]
    if len(set(sizes[shown])) > 1 and len(set(recall)) > 1:
        found = stats.spearmanr(sizes[shown], recall)
        says = "larger classes are recognised more often" if found.statistic > 0 else "larger classes are recognised less often"
        sentences.append(f"The rank correlation of a class's training images with its recall is {found.statistic:+.2f}".replace("-", "\u2212")
                         + f" (p = {found.pvalue:.2g}): " + (f"{says}." if found.pvalue < 0.05 else "no sign that the larger classes gain from it."))
    return " ".join(sentences)


def differs(experiment) -> str:
    """What the original did that is done otherwise here."""
    if not experiment.differs:
        return "The experiment is run as it was published."
    return "What the original did, and is done otherwise here:\n\n" + "\n".join(f"- {difference}" for difference in experiment.differs)


def verdict(result: Result, published: dict) -> str:
    """Whether the published accuracy lies inside the interval of the measured one, and how the published one was come by."""
    note = f"; {published['note']}" if published.get("note") else ""
    return f"{_comparison(result, published)}\n\nPublished in: {published['source']}{note}."


def _comparison(result: Result, published: dict) -> str:
    if result.metrics["data"] == "sample":
        return "This run used sample data: it shows that the pipeline works, and nothing can be concluded about the published result."
    value = published.get(f"{result.evaluated}_accuracy")
    if value is None:
        return f"No {result.evaluated} accuracy was published for this experiment, so there is nothing to compare with."
    if result.metrics["changes"]:
        return "The settings of this run differ from the published experiment's, so the two results are not expected to agree."
    correct, images = int((result.labels == result.predicted).sum()), len(result.labels)
    low, high = proportions.independent_difference(correct / images, value, images)
    apart = 100 * (correct / images - value)
    place = f"{abs(apart):.1f} points {'above' if apart > 0 else 'below'}" if round(apart, 1) else "equal to"
    caution = ("The two agree within the uncertainty of the images." if low <= 0 <= high else
               "The difference is larger than the images alone explain; the seed, the split and the choice of the epoch add to it.")
    return (f"The measured {result.evaluated} accuracy, {percent(correct / images)}, is {place} the published one, {percent(value)}. Had that been measured on as "
            f"many other images, the 95 % interval of the difference would be {_points(low)} to {_points(high)} points (Newcombe, 1998). {caution}")


def _points(share: float) -> str:
    return f"{100 * share:+.1f}".replace("-", "\u2212")


def _gap_says(gap: float, metrics: dict) -> str:
    images = metrics["dataset"]["images"]["validation"]
    low, _ = proportions.wilson(round(metrics["validation_accuracy"] * images), images)
    if low <= 1 / len(metrics["dataset"]["class_names"]):
        return ": on the validation images it cannot be told from guessing."
    if gap > 0.1:
        return ": the network overfits."
    if gap > 0.03:
        return ": some overfitting."
    if gap < -0.03:
        settings = metrics["identity"]["settings"]
        dropout = any(np.any(value) for key, value in settings["model_args"].items() if "dropout" in key)
        under = " and ".join([*["dropout"] * dropout, *["augmentation"] * bool(settings["augmentation"])])
        return "; training accuracy is averaged over the epoch, while the weights improve" + (f", and measured under {under}." if under else ".")
    return ": no sign of overfitting there."


def changed_source(result) -> str:
    """How the source differed from the commit that the run names, as a diff in Markdown; empty where it did not."""
    lines = result.provenance["sittings"][-1]["checkout"]["diff"].splitlines()
    if not lines:
        return ""
    more = f"\n({len(lines) - SHOWN_OF_DIFF:,} more lines stand in provenance.json)" if len(lines) > SHOWN_OF_DIFF else ""
    return "The run used source that differs from its commit:\n\n" + "\n".join(["~~~~~~~~diff", *lines[:SHOWN_OF_DIFF], "~~~~~~~~", more])

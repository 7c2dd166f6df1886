"""What a classifier got right and wrong on the split it was evaluated on, as tables."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import metrics

from ..core.i18n import N_, _, number, percent, whole
from ..runs.results import Result
from . import statistics

_ROUNDING = 1e-5  # of a sum of losses in single precision


def confusion(result: Result) -> np.ndarray:
    """Images (K, K): true classes in rows, predicted ones in columns."""
    return metrics.confusion_matrix(
        result.labels, result.predicted, labels=range(len(result.class_names))
    )


def most_confused(result: Result, most: int = 16) -> tuple[np.ndarray, list[str]]:
    """The confusion matrix (k, k) of the classes with the most mistakes, by what they were and by
    what they were taken for; and their names.
    """
    matrix = confusion(result)
    mistakes = matrix.sum(axis=0) + matrix.sum(axis=1) - 2 * np.diag(matrix)
    chosen = np.sort(np.argsort(-mistakes, kind="stable")[:most])
    return matrix[np.ix_(chosen, chosen)], [result.class_names[i] for i in chosen]


def losses_of_one(p):
    """Squared error and cross-entropy of the true class's term, each with its slope, where that
    class has the probability p.
    """
    return ((1 - p) ** 2, -2 * (1 - p)), (-np.log(p), -1 / p)


def both_losses(result: Result) -> pd.DataFrame:
    """Both losses on the run's own predictions, and the length of their gradients in the scores
    before the softmax, by how right the answer was.

    Cross-entropy has the gradient p - y; the squared error, mean over the K classes, has 2/K
    (diag(p) - p p') (p - y).
    """
    p = result.probabilities
    y = np.eye(p.shape[1])[result.labels]
    true = _true_probabilities(result)
    gradient = p - y
    squared = 2 / p.shape[1] * (p * gradient - p * (p * gradient).sum(axis=1, keepdims=True))
    rows = []
    for name, chosen in (
        (_("below {bound}", bound=number(0.01, 2)), true < 0.01),
        (
            _("{low} to {high}", low=number(0.01, 2), high=number(0.5, 1)),
            (true >= 0.01) & (true < 0.5),
        ),
        (_("{bound} and above", bound=number(0.5, 1)), true >= 0.5),
        (_("all"), true >= 0),
    ):
        of = [
            _cross_entropies(true),
            (gradient**2).mean(axis=1),
            np.linalg.norm(gradient, axis=1),
            np.linalg.norm(squared, axis=1),
        ]
        means = [values[chosen].mean() if chosen.any() else None for values in of]
        rows.append(
            dict(
                zip(
                    (
                        N_("Probability of the true class"),
                        N_("Images"),
                        N_("Cross-entropy"),
                        N_("Squared error"),
                        N_("Gradient of the cross-entropy"),
                        N_("Gradient of the squared error"),
                    ),
                    (name, int(chosen.sum()), *means),
                )
            )
        )
    return pd.DataFrame(rows)


def classification_report(result: Result) -> pd.DataFrame:
    """Precision, recall with its 95 % interval, F1 and number of images by class, and their plain
    and weighted means, which have no interval.
    """
    report = metrics.classification_report(
        result.labels,
        result.predicted,
        labels=range(len(result.class_names)),
        target_names=result.class_names,
        output_dict=True,
        zero_division=0,
    )
    rows = {name: name for name in result.class_names} | {
        "macro avg": _("macro average"),
        "weighted avg": _("weighted average"),
    }
    right = np.diag(confusion(result))

    def interval(row: int) -> str | None:
        images = int(report[result.class_names[row]]["support"])
        if not images:
            return None
        low, high = statistics.wilson(int(right[row]), images)
        return f"{number(low, 2)}\u2013{number(high, 2)}"

    intervals: list[str | None] = [interval(row) for row in range(len(right))]
    return pd.DataFrame(
        [
            {
                N_("Class"): name,
                N_("Precision"): report[row]["precision"],
                N_("Recall"): report[row]["recall"],
                N_("Recall, 95 % interval"): of_recall,
                N_("F1"): report[row]["f1-score"],
                N_("Images"): int(report[row]["support"]),
            }
            for (row, name), of_recall in zip(rows.items(), [*intervals, None, None])
        ]
    )


def confused_pairs(result: Result, most: int = 5) -> pd.DataFrame:
    """Pairs of classes by their mistakes in either direction, most first; pairs never confused are
    left out.
    """
    matrix, names = confusion(result), result.class_names
    rows = [
        {
            N_("Class"): names[a],
            N_("Other class"): names[b],
            N_("First predicted as second"): int(matrix[a, b]),
            N_("Second predicted as first"): int(matrix[b, a]),
            N_("Mistakes"): int(matrix[a, b] + matrix[b, a]),
        }
        for a in range(len(names))
        for b in range(a + 1, len(names))
    ]
    columns = [
        "Class",
        "Other class",
        "First predicted as second",
        "Second predicted as first",
        "Mistakes",
    ]
    table = pd.DataFrame(rows, columns=columns)
    return (
        table[table["Mistakes"] > 0]
        .sort_values("Mistakes", ascending=False, kind="stable")
        .head(most)
        .reset_index(drop=True)
    )


def confident_mistakes(result: Result, most: int = 10) -> tuple[np.ndarray, list[str]]:
    """Positions in the evaluated split of the wrong answers given with the highest probability, and
    a title for each.
    """
    probability = result.probabilities.max(axis=1)
    wrong = np.flatnonzero(result.labels != result.predicted)
    wrong = wrong[np.argsort(-probability[wrong], kind="stable")][:most]
    return wrong, [
        _(
            "{predicted} {probability}\ntrue: {true}",
            predicted=result.class_names[result.predicted[i]],
            probability=percent(probability[i], 0),
            true=result.class_names[result.labels[i]],
        )
        for i in wrong
    ]


def outputs(result: Result) -> list[dict]:
    """Accuracy and loss of each output on the evaluated images, and the loss that they add up to;
    of test images with the interval of the accuracy. Empty where the network has one output, or the
    run is of an earlier version.
    """
    images, on_test = len(result.labels), result.evaluated == "test"
    measured, total = result.metrics.outputs, result.metrics.evaluated_loss
    if not measured:
        return []
    rows: list[dict] = [
        {N_("Output"): name, N_("Accuracy"): of_one["accuracy"]}
        | (
            {N_("Accuracy, 95 % interval"): _interval(of_one["accuracy"], images)}
            if on_test
            else {}
        )
        | {N_("Loss"): of_one["loss"]}
        for name, of_one in measured.items()
    ]
    penalty = total - sum(of_one["loss"] for of_one in measured.values())
    parts = (
        {_("penalties, and rounding of probabilities near 0"): penalty}
        if abs(penalty) > _ROUNDING * total
        else {}
    )
    more = [{"Output": name, "Loss": loss} for name, loss in (parts | {_("sum"): total}).items()]
    return [*rows, *(dict.fromkeys(rows[0]) | row for row in more)]


def _interval(share: float, images: int) -> str:
    low, high = statistics.wilson(share * images, images)
    return f"{number(low, 3)}\u2013{number(high, 3)}"


def cross_entropy(result: Result) -> float:
    """Mean over the evaluated images, whichever loss the network was trained with."""
    return float(_cross_entropies(_true_probabilities(result)).mean())


def top_3_accuracy(result: Result) -> float | None:
    """Share of the images whose true class is among the three most probable ones; None where there
    are so few classes that guessing would do well.
    """
    if len(result.class_names) < 6:
        return None
    better = (result.probabilities > _true_probabilities(result)[:, None]).sum(axis=1)
    return float((better < 3).mean())


# Measures of the evaluated images, beside accuracy, by their names in a report.
METRICS: dict[str, Callable[[Result], float | None]] = {
    N_("Cross-entropy of the evaluated images"): cross_entropy,
    N_("Top-3 accuracy on the evaluated images"): top_3_accuracy,
}


def _true_probabilities(result: Result) -> np.ndarray:
    """Of each evaluated image (N,), the probability of its true class."""
    return result.probabilities[np.arange(len(result.labels)), result.labels]


def _cross_entropies(true: np.ndarray) -> np.ndarray:
    """Of each image (N,), from the probability of its true class; finite, as in Keras."""
    return -np.log(np.maximum(true, 1e-7))


def published_and_measured(result: Result, published: dict) -> pd.DataFrame:
    """The published values beside the measured ones; one that was not published is empty."""
    measured = result.metrics
    rows = (
        [
            (_("Test accuracy"), published.get("test_accuracy"), measured.test_accuracy),
            (_("Test loss"), published.get("test_loss"), measured.test_loss),
        ]
        if measured.test_accuracy is not None
        else []
    )
    values = {name: metric(result) for name, metric in METRICS.items()}
    rows += [(_(name), None, value) for name, value in values.items() if value is not None]
    rows += [
        (
            _("Best validation accuracy"),
            published.get("validation_accuracy"),
            result.history["val_accuracy"].max(),
        ),
        (
            _("Epoch of the best validation accuracy"),
            published.get("best_epoch"),
            int(result.history["val_accuracy"].idxmax()) + 1,  # type: ignore[call-overload]
        ),
        (_("Parameters"), published.get("total_parameters"), measured.total_parameters),
        (
            _("Trainable parameters"),
            published.get("trainable_parameters"),
            measured.trainable_parameters,
        ),
    ]

    def text(value):
        return (
            None if value is None else whole(value) if isinstance(value, int) else number(value, 4)
        )

    return pd.DataFrame(
        [
            {"": name, N_("Published"): text(was), N_("Measured"): text(now)}
            for name, was, now in rows
        ]
    )

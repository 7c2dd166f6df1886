"""Commentary sees what a reader sees at once, and answers the question as far as the numbers go."""

import dataclasses

import numpy as np
import pytest

from helpers.fabricated import TRAINED_ON, history, result
from labreport.analysis import commentary, evaluation
from labreport.config import experiments
from labreport.core import i18n
from labreport.runs.validation import Validation

EXPERIMENT = "cifar10_naive_adam"


def evaluated(found):
    return commentary.evaluation(found, evaluation.confused_pairs(found))


def test_one_answer_for_all_images_is_said_and_no_pair_of_classes_is_named():
    says = evaluated(result([0, 0, 1, 2], [1, 1, 1, 1]))
    assert "**All images get the same answer, dog.**" in says
    assert "confused most often" not in says and "classified correctly" not in says.split("**")[-1]


def test_classes_that_are_never_recognised_are_named_with_their_images():
    assert "No image of frog (2 images) is classified correctly." in evaluated(
        result([0, 1, 2, 2], [0, 1, 0, 1])
    )
    assert (
        "Of 2 classes no image is classified correctly: dog (1 image), frog (2 images)."
        in evaluated(result([0, 1, 2, 2, 0], [0, 0, 0, 1, 0]))
    )
    absent = evaluated(result([0, 1], [0, 1]))
    assert "is classified correctly" not in absent, "no image of frog was evaluated"


@pytest.mark.parametrize(
    "accuracies, expected",
    [
        ([0.5, 0.7, 0.7], "Epoch 3 is as good; the first of the two counts."),
        ([0.5, 0.7, 0.7, 0.6, 0.7], "Epochs 3, 5 are as good; the first of all counts."),
        ([0.5] + [0.7] * 9, "8 later epochs are as good, the first of them 3, 4, 5, 6, 7, 8;"),
    ],
)
def test_epochs_as_good_as_the_best_one_are_named(accuracies, expected):
    metrics = {
        "epochs": len(accuracies),
        "identity": {"settings": TRAINED_ON | {"early_stopping": {"monitor": "val_accuracy"}}},
    }
    says = commentary.training(result([0], [0], metrics=metrics, course=history(accuracies)))
    assert expected in says
    assert "as good" not in commentary.training(result([0], [0]))


def test_losses_that_both_still_fall_are_no_overfitting():
    falling = history([0.5, 0.7, 0.6, 0.6], [1.0, 0.8, 0.7, 0.6])
    says = commentary.training(result([0], [0], metrics={"epochs": 4}, course=falling))
    assert ": both still fell, so the network was not overfitting." in says
    assert "but both losses were still falling." in says and "the network overfits" not in says
    last = commentary.training(
        result([0], [0], metrics={"best_epoch": 3}, course=history([0.5, 0.6, 0.7]))
    )
    assert "lower in it than in all epochs before: no sign of overfitting." in last
    assert "but both losses were still falling." in last
    turned = history([0.5, 0.7, 0.6, 0.6, 0.6], [1.2, 1.0, 0.6, 0.9, 0.95])
    says = commentary.training(result([0], [0], metrics={"epochs": 5}, course=turned))
    assert "still fell" not in says and "still falling" not in says, "it fell, and rose again"


def test_less_than_guessing_is_told_from_as_much_as_guessing():
    metrics = {"train_accuracy": 0.02, "validation_accuracy": 0.02}
    says = commentary.training(result([0], [0], metrics=metrics))
    assert "that is less than guessing each class equally often." in says


def test_after_a_single_epoch_there_was_no_choice_to_undo():
    metrics = {"epochs": 1, "best_epoch": 1, "evaluated_split": "validation"}
    found = result([0, 1, 2], [0, 1, 1], metrics=metrics, course=history([0.6]))
    says = evaluated(found) + commentary.answer(experiments.load(EXPERIMENT), found)
    assert "After one epoch" in says and "confidence interval" in says
    assert "optimistic" not in says and "chosen" not in says and "ross-fit" not in says


def test_a_gap_that_rounds_to_nothing_has_no_sign():
    metrics = {"train_accuracy": 0.6999, "validation_accuracy": 0.7}
    says = commentary.training(result([0], [0], metrics=metrics))
    assert "a gap of 0.0 percentage points" in says


def test_the_question_is_answered_with_an_interval_and_beside_one_answer_for_all():
    experiment = experiments.load(EXPERIMENT)
    says = commentary.answer(
        experiment, result([0] * 50 + [1] * 50, [0] * 50 + [1] * 40 + [0] * 10)
    )
    assert says.startswith(f"The question was: *{experiment.question}*\n\nOn 100 test images")
    assert (
        "the accuracy of the network is **90.0\u00a0%** (95 % confidence interval 82.6\u00a0% to"
        in says
    )
    assert "right for 50.0\u00a0%, which lies below this interval." in says
    assert (
        "Training accuracy at the best epoch is 90.0\u00a0%, 20.0 percentage points above" in says
    )
    assert "`make compare NAME=cifar10` compares" in says


def test_an_accuracy_that_one_answer_for_all_images_reaches_shows_nothing():
    labels = [0, 0, 0, 0, 1, 1]
    says = commentary.answer(experiments.load(EXPERIMENT), result(labels, [0] * 6))
    assert "within this interval: the run does not show that the network tells" in says
    wrong = commentary.answer(experiments.load(EXPERIMENT), result([0] * 30, [1] * 30))
    assert "right for 100.0\u00a0%, which lies above this interval." in wrong


def test_images_that_chose_the_epoch_are_cross_fitted_before_they_answer():
    found = result([0, 1] * 20, [0, 1] * 15 + [1, 0] * 5, metrics={"evaluated_split": "validation"})
    right = np.stack([found.labels == 9, found.labels == found.predicted, found.labels == 9])
    record = Validation([str(image) for image in range(40)], right, None)
    found = dataclasses.replace(found, validation=record)
    says = commentary.answer(experiments.load(EXPERIMENT), found)
    assert "by which the epoch was chosen too, the accuracy of" in says
    assert "is **75.0\u00a0%**. Without the" in says
    assert "by cross-fitting, it is 75.0\u00a0% (95 % confidence interval" in says


def test_sample_data_and_changed_settings_do_not_answer_the_question():
    drawn = commentary.answer(
        experiments.load(EXPERIMENT, {"data": "sample"}),
        result([0], [0], metrics={"data": "sample"}),
    )
    assert drawn.endswith("This run used sample data, so it does not answer it.")
    short = commentary.answer(experiments.load(EXPERIMENT, {"epochs": 3}), result([0], [0]))
    assert "The settings of this run differ from those of the experiment" in short


def test_the_abstract_says_what_was_trained_and_what_it_came_to():
    found = result(
        [0] * 60 + [1] * 40,
        [0] * 60 + [1] * 10 + [0] * 30,
        metrics={
            "trainable_parameters": 4,
            "dataset": {
                "class_names": ["cat", "dog", "frog"],
                "fingerprint": "0" * 64,
                "images": {"train": 300, "validation": 1000},
            },
        },
    )
    experiment = experiments.load(EXPERIMENT)
    bundle = commentary.abstract(experiment, found)._repr_mimebundle_()
    says = bundle["application/vnd.labreport.report+json"]["abstract"]
    assert says.startswith(
        "Of a network with 10 parameters, 4 parameters were trained with Adam on 300 training"
        " images in 3 classes for 3 epochs, of which epoch 2 is the best. On 100 test images"
    )
    assert "which lies below this interval. The measured test accuracy, 70.0\u00a0%, is" in says
    assert bundle["text/markdown"] == f"**Abstract.** {says}"
    with i18n.speaking("es"):
        assert (
            "**Resumen.** De una red"
            in (commentary.abstract(experiment, found)._repr_mimebundle_()["text/markdown"])
        )


def test_all_settings_stand_as_in_a_parameter_file_and_changed_ones_are_marked():
    rows = commentary.all_settings(experiments.load(EXPERIMENT, {"epochs": 3, "seed": 2026}))
    settings = {row["Setting"]: row["Value"] for row in rows}
    assert settings["epochs"] == "3 (not as in the parameter file)"
    assert settings["seed"] == "2026 (not as in the parameter file)"
    assert settings["optimizer_args.learning_rate"] == "0.001"
    assert settings["early_stopping.min_delta"] == "0.0" and settings["max_images"] == "null"
    assert "question" not in settings and not any("published" in name for name in settings)


def test_a_seed_has_no_thousands_separator():
    experiment = experiments.load(EXPERIMENT, {"seed": 1337, "dataset_args.split_seed": 2026})
    seeds = [row for row in commentary.training_settings(experiment) if "Seed" in row["Setting"]]
    assert [row["Value"] for row in seeds] == ["1337", "2026"]


def test_what_a_data_set_lacks_or_has_beside_its_splits_is_said():
    from labreport.datasets import Dataset, Split

    split = Split(np.zeros((2, 2, 2, 3), np.uint8), np.array([0, 1]), ["a", "b"])
    two, three = (Dataset("x", False, split, split, test, ["cat", "dog"]) for test in (None, split))
    assert "There is no test split" in commentary.loading(two)
    assert "There is no test split" not in commentary.loading(three)
    more = dataclasses.replace(three, unlabelled=split)
    assert "its predictions for 2 unlabelled images, `submission.csv`." in commentary.loading(more)


def test_only_a_pretrained_network_has_seen_the_images_before():
    pretrained, scratch, random = (
        commentary.seen_before(experiments.load(name, settings))
        for name, settings in (
            ("dog_breeds_mobilenetv2", {}),
            ("dog_breeds_scratch_base", {}),
            ("dog_breeds_mobilenetv2", {"weights": "random"}),
        )
    )
    assert "pretrained on ImageNet" in pretrained and scratch == random == ""

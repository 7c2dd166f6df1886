"""Figures, tables and sentences say what the data says."""

import re

import numpy as np
import pandas as pd
import pytest

from helpers.fabricated import history, result
from labreport.analysis import commentary, evaluation, figures, statistics
from labreport.analysis.figures import lettering
from labreport.analysis.figures.style import TRAINING
from labreport.config import experiments
from labreport.core import i18n
from labreport.reporting.typst_markup import TEXT_HEIGHT, TEXT_WIDTH


def test_the_alt_text_of_the_curves_tells_their_course():
    alt = figures.curves(history([0.5, 0.79, 0.76]), 2, "val_loss").alt
    assert (
        "Validation accuracy rises from 0.50 to 0.79 at epoch 2, then falls back to 0.76." in alt
        and "Training loss falls from 1.50 to 0.30." in alt
    )


def test_the_alt_text_of_a_single_epoch_is_not_a_course():
    assert "Validation accuracy is 0.50." in figures.curves(history([0.5]), 1, "val_loss").alt


def test_the_curves_hold_the_history_and_the_best_epoch():
    picture = figures.curves(history([0.5, 0.79, 0.76]), 2, "val_loss")
    lines = picture.figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["training", "validation", "best epoch (2)"]
    assert lines[1].get_ydata().tolist() == [0.5, 0.79, 0.76] and lines[2].get_xdata() == [2, 2]


def test_a_confusion_matrix_has_true_rows_and_predicted_columns():
    found = result([0, 0, 0, 1, 2], [1, 1, 0, 1, 2])
    matrix = evaluation.confusion(found)
    assert matrix.tolist() == [[1, 2, 0], [0, 1, 0], [0, 0, 1]]
    picture = figures.confusion_matrix(matrix, found.class_names)
    axes = picture.figure.axes[0]
    assert axes.get_ylabel() == "true class" and axes.get_xlabel() == "predicted class"
    assert [text.get_text() for text in axes.texts] == ["1", "2", "0", "0", "1", "0", "0", "0", "1"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["cat", "dog", "frog"]
    assert (
        "The most frequent mistake is cat predicted as dog (2 images)." in picture.alt
        and "dog is among those recognised most often" in picture.alt
    )


def test_confused_pairs_count_both_directions():
    pairs = evaluation.confused_pairs(result([0, 0, 1, 2, 2], [1, 1, 0, 2, 0]))
    assert pairs.iloc[0].to_dict() == {
        "Class": "cat",
        "Other class": "dog",
        "First predicted as second": 2,
        "Second predicted as first": 1,
        "Mistakes": 3,
    }
    assert len(pairs) == 2


def test_a_run_without_mistakes_has_no_pairs_and_no_mistaken_images():
    perfect = result([0, 1, 2], [0, 1, 2])
    assert (
        len(evaluation.confused_pairs(perfect)) == 0
        and len(evaluation.confident_mistakes(perfect)[0]) == 0
    )
    assert "confused most often" not in commentary.evaluation(
        perfect, evaluation.confused_pairs(perfect)
    )
    assert figures.image_grid(np.zeros((0, 32, 32, 3), np.uint8), [], "None.").alt == "No images."


def test_the_most_confident_mistake_comes_first():
    table = result([0, 0, 1], [1, 0, 2])
    table.predictions.loc[2, "frog"] = 0.99
    positions, titles = evaluation.confident_mistakes(table)
    assert positions.tolist() == [2, 0] and titles[0] == "frog 99\u00a0%\ntrue: dog"


def test_the_classification_report_agrees_with_counting():
    report = evaluation.classification_report(
        result([0, 0, 1, 1], [0, 1, 1, 1], names=("cat", "dog"))
    )
    dog = report[report["Class"] == "dog"].iloc[0]
    assert (round(dog["Precision"], 3), dog["Recall"], dog["Images"]) == (0.667, 1.0, 2)


def test_pictures_carry_alt_text_and_are_vectors_unless_they_are_photographs():
    data, metadata = figures.curves(history([0.5, 0.6]), 2, "val_loss")._repr_mimebundle_()
    assert data["image/svg+xml"].lstrip().startswith("<?xml") and metadata["image/svg+xml"][
        "alt"
    ].startswith("Two line charts")
    data, metadata = figures.image_grid(
        np.zeros((3, 8, 8, 3), np.uint8), ["a", "b", "c"], "Three."
    )._repr_mimebundle_()
    assert (
        "image/svg+xml" not in data
        and metadata["image/png"]["alt"] == "3 images of 8 by 8 pixels: a; b; c."
    )


def test_the_same_figure_is_drawn_with_the_same_bytes():
    one, two = (
        figures.curves(history([0.5, 0.6]), 2, "val_loss")._repr_mimebundle_()[0] for _ in range(2)
    )
    assert one == two


def test_a_table_writes_numbers_as_asked_and_escapes_text():
    data = figures.Table(
        [{"a": 1234, "b": 0.5, "c": "<x>", "d": None}], "A < B", {"b": "{:.3f}"}
    )._repr_mimebundle_()
    html = data["text/html"]
    assert (
        "1,234" in html
        and "0.500" in html
        and "&lt;x&gt;" in html
        and "<caption>A &lt; B</caption>" in html
        and "–" in html
    )


def headers(rows, **settings):
    html = figures.Table(rows, "C", **settings)._repr_mimebundle_()["text/html"]
    body = html[html.index("<tbody>") :]
    return re.findall("<th>(.*?)</th>", body)


def test_the_name_of_a_row_of_images_takes_the_room_beside_it():
    titles = [*["cat"] * 10, "augmented", *[""] * 9]
    with i18n.speaking("es"):
        grid = figures.image_grid(np.zeros((20, 4, 4, 3), np.uint8), titles, "C", columns=10)
    titles = [axes.get_title(loc="left") for axes in grid.figure.axes]
    assert "aumentadas" in titles


def test_a_long_class_name_is_broken_between_its_words():
    names = ["australian_terrier", "basenji", "greater_swiss_mountain_dog"] * 6
    axes = figures.confusion_matrix(np.eye(18, dtype=int), names).figure.axes[0]
    shown = {label.get_text() for label in axes.get_yticklabels()}
    assert {text.replace("\n", " ") for text in shown} == {name.replace("_", " ") for name in names}
    assert lettering.wrapped("australian_terrier", 0.6) == "australian_\nterrier"


def test_the_first_columns_that_tell_the_rows_of_a_table_apart_are_headers():
    assert headers([{"a": "x", "b": 1}, {"a": "y", "b": 1}]) == ["x", "y"]
    pairs = [{"a": "x", "b": "y", "c": 1}, {"a": "x", "b": "z", "c": 1}]
    assert headers(pairs) == ["x", "y", "x", "z"] and headers(pairs, names=1) == ["x", "x"]
    assert headers([{"a": 1, "b": 2}, {"a": 1, "b": 2}]) == [] == headers([{"a": 1}])


def test_the_interval_is_wilsons():
    low, high = statistics.wilson(8, 10)  # Wilson, 1927; values as in any table of it
    assert round(low, 3) == 0.490 and round(high, 3) == 0.943


def test_commentary_names_the_best_epoch_and_what_came_after():
    text = commentary.training(result([0], [0]))
    # one epoch is no course
    assert (
        "The best epoch by val_loss is epoch 2 (0.8000)." in text
        and "In the following epoch, training loss" in text
        and "overfitting" not in text
    )
    assert "a gap of +20.0 percentage points: the network overfits." in text


def test_commentary_says_that_the_network_was_overfitting_where_several_epochs_show_it():
    text = commentary.training(
        result(
            [0],
            [0],
            metrics={"epochs": 4},
            course=history([0.5, 0.7, 0.6, 0.6], [1.0, 0.8, 0.9, 1.0]),
        )
    )
    assert (
        "Over the following 2 epochs, training loss" in text
        and ": the network was overfitting." in text
    )
    barely = commentary.training(
        result(
            [0],
            [0],
            metrics={"epochs": 4},
            course=history([0.5, 0.7, 0.6, 0.6], [1.0, 0.8, 0.81, 0.81]),
        )
    )
    assert "was overfitting" not in barely  # a rise of one hundredth


def test_commentary_does_not_call_overfitting_what_few_images_explain():
    few = {
        "dataset": {
            "class_names": ["cat", "dog", "frog"],
            "fingerprint": "0" * 64,
            "images": {"validation": 40},
        },
        "train_accuracy": 0.75,
        "validation_accuracy": 0.70,
    }
    assert "with so few validation images, this gap cannot be distinguished" in commentary.training(
        result([0], [0], metrics=few)
    )


def test_alt_texts_tell_of_what_does_not_change_of_ties_and_of_no_mistake():
    assert (
        "Validation accuracy stays at about 0.50."
        in figures.curves(history([0.5, 0.502, 0.501]), 2, "val_loss").alt
    )
    perfect = figures.confusion_matrix(np.eye(3, dtype=int) * 4, ["cat", "dog", "frog"]).alt
    assert (
        "All classes are recognised equally often (100\u00a0%). There are no mistakes." in perfect
    )
    assert (
        "One of the most frequent mistakes is cat predicted as dog"
        in figures.confusion_matrix(
            np.array([[3, 1, 0], [0, 4, 0], [1, 0, 3]]), ["cat", "dog", "frog"]
        ).alt
    )


def test_the_published_curve_lies_behind_and_says_how_much_of_it_is_drawn():
    picture = figures.curves(history([0.5, 0.7]), 2, "val_loss", history([0.4, 0.6]), 50)
    assert (
        "the first 2 epochs of 50 of the published run, which used all images" in picture.caption
        and "In the first 2 epochs of 50 of the published run, validation accuracy rises"
        in picture.alt
    )
    assert [line.get_label() for line in picture.figure.axes[0].get_lines()][:2] == [
        "published, training",
        "published, validation",
    ]


def test_a_first_loss_of_hundreds_is_drawn_and_does_not_flatten_what_follows():
    picture = figures.curves(
        history([0.5, 0.6, 0.7, 0.7], loss=[216.0, 1.0, 0.9, 0.8]), 3, "val_loss"
    )
    axes = picture.figure.axes[1]
    low, high = axes.get_ylim()
    assert axes.get_yscale() == "log" and low < 0.8 and high > 216
    assert "The axis of the losses is logarithmic." in picture.caption


def test_no_line_of_the_curves_is_cut_at_the_edge_of_its_axes():
    run = history([0.0, 1.0], accuracy=[0.0, 1.0], loss=[2.0, 0.0], val_loss=[1.0, 0.0])
    [several] = figures.run_curves({"blocks": {"run": (run, 2)}})
    for picture in (figures.curves(run, 2, "val_loss"), several):
        for axes in picture.figure.axes:
            for line in axes.get_lines():
                if len(line.get_xdata()) == 2 and list(line.get_xdata()) == [1, 2]:
                    low, high = axes.get_ylim()
                    assert low <= min(line.get_ydata()) and max(line.get_ydata()) <= high
                    assert not line.get_clip_on()


def letter_sizes(picture):
    """Of a drawing, in points: matplotlib writes a text's paths at a hundredth of its size."""
    data, _ = picture._repr_mimebundle_()
    return set(re.findall(r"scale\((0\.\d+) -0\.\d+\)", data["image/svg+xml"]))


def test_all_figures_have_letters_of_one_size_and_fit_the_page_as_they_are():
    names = [f"a rather long name of class {i}" for i in range(120)]
    run = history([0.3, 0.5, 0.4], val_loss=[900.0, 2.0, 1.0])
    pictures = [
        figures.curves(run, 2, "val_loss"),
        *figures.run_curves({"blocks": {"run": (run, 2)}}),
        figures.class_counts(pd.DataFrame({"train": np.arange(120) + 60}, index=names)),
        figures.confusion_matrix(np.eye(3, dtype=int), ["a", "b", "c"]),
        figures.effects({"rate": pd.DataFrame({"value": ["1"], "accuracy": [0.5]})}),
    ]
    for picture in pictures:
        assert letter_sizes(picture) == {"0.075"}
        width, height = picture.figure.get_size_inches() * 72
        assert width <= TEXT_WIDTH and height <= TEXT_HEIGHT
    grid = figures.image_grid(np.zeros((2, 4, 4, 3), np.uint8), ["a", "b"], "C", columns=2)
    assert {axes.title.get_fontsize() for axes in grid.figure.axes} == {7.5}


def assert_apart(labels):
    """None of the texts covers another, or leaves the figure."""
    boxes = [label.get_window_extent() for label in labels if label.get_text()]
    for number, box in enumerate(boxes):
        assert not any(box.shrunk(0.98, 0.9).overlaps(other) for other in boxes[number + 1 :])
        assert box.x0 >= -1 and box.y0 >= -1


@pytest.mark.parametrize("classes", [2, 16, 120])
def test_long_names_beside_a_confusion_matrix_are_whole_and_apart(classes):
    names = [f"american staffordshire terrier {i}" for i in range(classes)]
    picture = figures.confusion_matrix(np.eye(classes, dtype=int), names)
    picture.figure.draw_without_rendering()
    axes, bar = picture.figure.axes
    for labels in (axes.get_yticklabels(), axes.get_xticklabels()):
        shown = [" ".join(label.get_text().split()) for label in labels if label.get_text()]
        assert set(shown) <= set(names) and (shown == names or classes == 120)
        assert_apart(labels)
    assert f"{len(shown)} of 120 classes are named" in picture.caption or shown == names
    assert bar.yaxis.label.get_window_extent().y1 <= picture.figure.bbox.y1
    assert bool(axes.texts) == (classes < 120) == ("numbers of images" in picture.caption)


def test_long_titles_of_images_are_broken_and_not_cut_or_drawn_over_each_other():
    title = "american_staffordshire_terrier 45\u00a0%\ntrue: soft-coated wheaten terrier"
    picture = figures.image_grid(np.zeros((8, 4, 4, 3), np.uint8), [title] * 8, "C", columns=4)
    picture.figure.draw_without_rendering()
    titles = [axes.title for axes in picture.figure.axes]
    assert_apart(titles)
    assert "".join(titles[0].get_text().split()) == "".join(title.replace("_", "").split())


def test_commentary_on_a_last_best_epoch_asks_for_more():
    text = commentary.training(
        result([0], [0], metrics={"best_epoch": 3}, course=history([0.5, 0.6, 0.7]))
    )
    assert "This is the last epoch" in text


@pytest.mark.parametrize(
    "published, metrics, expected",
    [
        (0.75, {}, "is equal to the published one"),
        (
            0.95,
            {},
            (
                "is 20.0 percentage points below the published one, 95.0\u00a0%. The parameter file"
                " does not say how many images the published accuracy was measured on, so the"
                " difference has no interval."
            ),
        ),
        (0.10, {}, "is 65.0 percentage points above the published one"),
        (0.75, {"data": "sample"}, "allows no conclusion about the published result"),
        (0.75, {"changes": {"epochs": 3}}, "not expected to agree"),
        (None, {}, "No test accuracy was published"),
    ],
)
def test_the_verdict_is_as_cautious_as_the_data(published, metrics, expected):
    found = result([0, 1, 2, 0] * 25, [0, 1, 2, 1] * 25, metrics=metrics)
    text = commentary.verdict(
        found,
        {"test_accuracy": published, "source": "A book", "note": "taken with the last weights"},
    )
    assert expected in text and text.endswith("Published in: A book; taken with the last weights.")


def compared(value, **facts):
    """What a report says of 75 of 100 test images beside a published accuracy."""
    found = result([0, 1, 2, 0] * 25, [0, 1, 2, 1] * 25)
    return commentary.verdict(
        found, {"test_accuracy": value, "source": "A book", "note": None} | facts
    )


def test_a_published_accuracy_on_the_same_images_is_not_taken_for_one_on_others():
    says = compared(0.65, images=100, same_images=True)
    low, high = (100 * bound for bound in statistics.widest_difference(0.75, 0.65, 100))
    assert (
        f"Both were measured on the same 100 test images. Which of them the published network"
        f" classified correctly is not known. Whichever they are, the 95 % confidence interval of"
        f" the difference lies within \u2212{-low:.1f} to +{high:.1f} percentage points" in says
    )
    assert "other images" not in says and "another split" not in says


def test_a_published_accuracy_on_fewer_images_has_a_wider_interval():
    few, many = (compared(0.65, images=images, same_images=False) for images in (40, 10_000))
    low, high = (100 * bound for bound in statistics.independent_difference(0.75, 0.65, 100, 40))
    assert (
        f"The published one was measured on 40 test images of another split. The 95 % confidence"
        f" interval of the difference is \u2212{-low:.1f} to +{high:.1f} percentage points" in few
    )
    assert "It contains zero: the sampling of the images alone may explain" in few
    assert "It does not contain zero: the sampling of the images alone does not explain" in many


@pytest.mark.parametrize("value", [0.75, 0.72, 0.2])
@pytest.mark.parametrize("same", [True, False])
def test_no_difference_from_a_published_accuracy_is_called_agreement(value, same):
    says = compared(value, images=100, same_images=same)
    assert "agree" not in says
    assert "Another seed gives another network, and the interval does not cover that." in says


def test_the_recall_of_a_class_has_wilsons_interval_and_a_mean_of_them_has_none():
    table = evaluation.classification_report(
        result([0] * 10 + [1], [0] * 8 + [1] * 3, names=("cat", "dog", "frog"))
    ).set_index("Class")
    intervals = table["Recall, 95 % interval"]
    assert intervals[:2].tolist() == ["0.49–0.94", "0.21–1.00"]
    assert intervals[2:].isna().all()  # no frog, and the two averages


def test_recalls_are_drawn_with_their_intervals():
    report = pd.DataFrame(
        {"Class": ["cat", "dog", "frog"], "Recall": [0.8, 0.5, 0.0], "Images": [10, 400, 0]}
    )
    picture = figures.class_recalls(report)
    [lines] = picture.figure.axes[0].collections
    assert np.round([path[:, 0] for path in lines.get_segments()], 2).tolist() == [
        [0.49, 0.94],
        [0.45, 0.55],
    ]
    assert "2 classes, from 0.80 (cat, 95 % interval 0.49–0.94) to 0.50 (dog, 0.45–" in picture.alt
    assert "so the order of classes may be chance" in picture.caption


def test_the_best_and_the_worst_class_are_named_with_their_intervals():
    matrix = np.array([[8, 2, 0], [0, 1, 1], [0, 0, 0]])
    alt = figures.confusion_matrix(matrix, ["cat", "dog", "frog"]).alt
    assert (
        "Of these images, those of cat are recognised most often (80\u00a0%, 49–94\u00a0%)."
        " Those of dog are recognised least often (50\u00a0%, 9–91\u00a0%). In brackets: the share"
        " and its 95 % interval (Wilson)." in alt
    )


def test_a_part_of_a_confusion_matrix_names_no_best_class():
    """Its rows lack the images that were taken for another class."""
    matrix = np.array([[8, 2], [0, 1]])
    picture = figures.confusion_matrix(matrix, ["cat", "dog"], of=" of two classes")
    assert "recognised" not in picture.alt
    assert picture.figure.axes[1].get_ylabel().split() == ["share", "of", "the", "row"]


@pytest.mark.parametrize(
    "train, validation, settings, expected",
    [
        (0.95, 0.80, {}, "a gap of +15.0 percentage points: the network overfits."),
        (0.85, 0.80, {}, "a gap of +5.0 percentage points: there is some overfitting."),
        (0.80, 0.80, {}, "no sign of overfitting at this epoch."),
        (
            0.70,
            0.80,
            {},
            (
                "a gap of \u221210.0 percentage points; training accuracy is an average over the"
                " epoch, during which the weights improve."
            ),
        ),
        (
            0.70,
            0.80,
            {
                "model_args": {"block_dropout": [0.0, 0.1]},
                "augmentation": {"horizontal_flip": True},
            },
            "and it is measured with dropout and augmentation.",
        ),
        (
            0.70,
            0.80,
            {"model_args": {"block_dropout": [0.0, 0.0]}},
            "during which the weights improve.",
        ),
        (0.34, 0.35, {}, "that of guessing each class equally often."),
    ],
)
def test_the_gap_is_explained_by_what_the_run_did(train, validation, settings, expected):
    found = result([0], [0], metrics={"train_accuracy": train, "validation_accuracy": validation})
    found.metrics.identity["settings"] |= settings
    assert expected in commentary.training(found)


def test_published_and_measured_stand_side_by_side():
    rows = evaluation.published_and_measured(
        result([0, 1, 2], [0, 1, 1]),
        {"test_accuracy": 0.685, "validation_accuracy": None, "best_epoch": 15},
    ).set_index("")
    assert rows.loc["Test accuracy"].tolist() == ["0.6850", "0.6667"]
    assert (
        pd.isna(rows.loc["Best validation accuracy", "Published"])
        and rows.loc["Best validation accuracy", "Measured"] == "0.7000"
    )
    assert rows.loc["Epoch of the best validation accuracy"].tolist() == ["15", "2"]


def test_cross_entropy_and_top_3_accuracy_are_those_of_their_formulas():
    names = tuple("abcdef")
    found = result([0, 1, 2, 3], [0, 1, 1, 0], names)
    table = found.predictions
    # of the two wrong answers: class c is the third most probable one, d the fourth
    table.loc[2, list(names)] = [0.30, 0.40, 0.20, 0.05, 0.03, 0.02]
    table.loc[3, list(names)] = [0.40, 0.25, 0.15, 0.10, 0.06, 0.04]
    rows = evaluation.published_and_measured(found, {}).set_index("")["Measured"]
    expected = -np.log([0.9, 0.9, 0.2, 0.1]).mean()
    assert rows["Cross-entropy of the evaluated images"] == f"{expected:.4f}"
    assert rows["Top-3 accuracy on the evaluated images"] == "0.7500"
    # three of three classes are always right
    assert evaluation.top_3_accuracy(result([0, 1, 2], [0, 1, 1])) is None


def test_pairs_that_tie_are_not_called_the_worst():
    found = result([0, 1, 2], [1, 2, 0])
    assert "One of the pairs of classes confused most often" in commentary.evaluation(
        found, evaluation.confused_pairs(found)
    )


def test_sample_data_are_called_so_wherever_they_are_shown():
    bundle = experiments.load("cifar10_naive_adam", {"data": "sample"})._repr_mimebundle_()
    assert (
        bundle["application/vnd.labreport.report+json"]["sample"] is True
        and "Sample data" in bundle["text/markdown"]
    )
    assert (
        experiments.load("cifar10_naive_adam")._repr_mimebundle_()[
            "application/vnd.labreport.report+json"
        ]["sample"]
        is False
    )


def test_curves_of_several_runs_are_told_apart_by_colour_and_line_style():
    panels = {
        "blocks": {f"run{number}": (history([0.3, 0.5 + number / 100]), 2) for number in range(8)},
        "models with one run": {"alone": (history([0.4]), 1)},
    }
    first, second = figures.run_curves(panels)
    axes = first.figure.axes
    lines = [line for line in axes[0].get_lines() if line.get_label().startswith("run")]
    assert (
        len({(line.get_color(), line.get_linestyle()) for line in lines}) == 8
        and len({line.get_color() for line in lines}) == 8
    )
    assert [one.get_title() for one in axes] == [
        "training accuracy",
        "validation accuracy",
        "training loss",
        "validation loss",
    ]
    assert axes[0].get_ylim() == axes[1].get_ylim() == second.figure.axes[0].get_ylim()
    assert axes[2].get_ylim() == axes[3].get_ylim()
    assert "run7 accuracy 0.57 and loss" in first.alt and "for 8 runs, blocks" in first.alt
    assert [text.get_text() for text in second.figure.legends[0].get_texts()] == ["alone"]


def test_a_loss_that_explodes_is_drawn_whole_on_a_logarithmic_axis():
    wild = history([0.3, 0.4, 0.5]).assign(val_loss=[900.0, 2.0, 1.0])
    [picture] = figures.run_curves({"blocks": {"calm": (history([0.3]), 1), "wild": (wild, 3)}})
    axes = picture.figure.axes[3]
    assert axes.get_yscale() == "log" and axes.get_ylim()[1] > 900
    assert "The axis of the losses is logarithmic." in picture.caption
    [plain] = figures.run_curves({"blocks": {"calm": (history([0.3]), 1)}})
    assert plain.figure.axes[3].get_yscale() == "linear" and "logarithmic" not in plain.caption


def test_legends_of_curves_cover_no_line():
    [picture] = figures.run_curves(
        {"blocks": {f"cifar10_run_{number}": (history([0.3, 0.5]), 2) for number in range(8)}}
    )
    picture.figure.draw_without_rendering()
    legend = picture.figure.legends[0].get_window_extent()
    for axes in picture.figure.axes:
        assert not legend.overlaps(axes.get_window_extent())
        assert not legend.overlaps(axes.xaxis.label.get_window_extent())
    assert legend.y0 >= 0 and axes.get_window_extent().height > 100


def test_leads_are_drawn_with_intervals_and_open_ones_hollow():
    table = pd.DataFrame(
        {
            "label": ["b", "c"],
            "difference": [0.10, 0.01],
            "low": [0.05, -0.02],
            "high": [0.15, 0.04],
            "verdict": ["supported", "open"],
        }
    )
    picture = figures.leads(table, "a", "400 test images")
    dots = [line for line in picture.figure.axes[0].get_lines() if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_markerfacecolor()) for dot in dots] == [
        (1.0, "white"),
        (10.0, TRAINING),
    ]
    assert "c 1.0 points (\u22122.0 to 4.0); b 10.0 points (5.0 to 15.0)" in picture.alt


def shown_names(picture):
    picture.figure.draw_without_rendering()
    return [label.get_text() for axes in picture.figure.axes for label in axes.get_yticklabels()]


def test_120_recalls_are_drawn_in_two_panels_with_every_name():
    names = [f"breed_{i:03}" for i in range(120)]
    picture = figures.class_recalls(
        pd.DataFrame({"Class": names, "Recall": np.linspace(0, 1, 120), "Images": 119})
    )
    assert sorted(shown_names(picture)) == names and len(picture.figure.axes) == 2
    assert picture.figure.get_figheight() < 9.5
    assert (
        "from 1.00 (breed_119, 95 % interval 0.97–1.00) to 0.00 (breed_000, 0.00–0.03)"
        in picture.alt
    )


def test_of_the_counts_of_120_classes_both_ends_are_drawn_and_the_caption_says_so():
    names = [f"breed_{i:03}" for i in range(120)]
    counts = pd.DataFrame({"train": np.arange(120) + 60, "validation": 5, "test": 7}, index=names)
    picture = figures.class_counts(counts.sample(frac=1, random_state=0))
    assert shown_names(picture) == [*names[:-13:-1], *names[11::-1]]
    assert "12 of the classes with the most images (left)" in picture.caption
    assert "from 72 (breed_000) to 191 (breed_119)" in picture.alt
    assert len(shown_names(figures.class_counts(counts.head(40)))) == 40


def test_the_most_confused_classes_are_those_with_the_most_mistakes():
    found = result([0, 0, 1, 1, 2, 3], [1, 1, 1, 1, 2, 3], names=("a", "b", "c", "d"))
    matrix, names = evaluation.most_confused(found, most=2)
    assert names == ["a", "b"] and matrix.tolist() == [[0, 2], [0, 2]]


def test_the_gradients_of_the_two_losses_are_those_of_their_formulas():
    found = result([0, 1], [0, 2], confidence=0.99)
    table = evaluation.both_losses(found)
    assert table["Images"].tolist() == [1, 0, 1, 2]

    def losses(z, y):
        p = np.exp(z) / np.exp(z).sum()
        return -np.log(p[y]), ((p - np.eye(3)[y]) ** 2).mean()

    z, step = np.log(found.probabilities[1]), 1e-6
    numeric = [
        np.linalg.norm(
            [
                (losses(z + step * np.eye(3)[k], 1)[i] - losses(z - step * np.eye(3)[k], 1)[i])
                / (2 * step)
                for k in range(3)
            ]
        )
        for i in range(2)
    ]
    assert np.allclose(table.iloc[0, 4:].astype(float), numeric, rtol=1e-4)
    assert np.allclose(table.iloc[0, 2:4].astype(float), losses(z, 1))
    says = commentary.squared_error(table)
    assert (
        "(1 image)" in says
        and f"{numeric[0] / numeric[1]:.3g} times that of the squared error;"
        " where the probability is 0.5 or more (1 image)"
        in says
    )


@pytest.mark.parametrize("p", [0.1, 0.6])
def test_the_slopes_of_both_losses_are_those_of_their_curves(p):
    step = 1e-6
    for (value, slope), (before, _), (after, _) in zip(
        *(evaluation.losses_of_one(p + shift) for shift in (0, -step, step))
    ):
        assert np.isclose(slope, (after - before) / (2 * step)) and value > 0


def test_the_worked_example_of_both_losses_has_its_values_and_slopes():
    says = commentary.two_losses(0.1, 5)
    assert "$p$ is 0.1" in says and "is 0.81" in says and "is 2.30" in says
    assert "differ more: \u22121.8 and \u221210." in says
    picture = figures.loss_curves(0.1)
    assert "0.81 with slope \u22121.8" in picture.alt and "2.30 with slope \u221210" in picture.alt
    drawn = [note.get_text() for note in picture.figure.axes[0].texts]
    assert drawn == ["0.81, slope \u22121.8", "2.30, slope \u221210"]


@pytest.mark.parametrize("classes", [2, 5])
def test_what_is_said_of_the_mean_squared_error_is_what_that_loss_computes(classes, keras):
    from labreport.training import losses

    p = 0.1
    rest = np.full(classes - 1, (1 - p) / (classes - 1))
    spread, alone = [p, *rest], [p, 1 - p, *[0.0] * (classes - 2)]
    shares = [
        float(losses.mean_squared_error()(np.array([0]), np.array([row]))) / (1 - p) ** 2
        for row in (spread, alone)
    ]
    assert np.allclose(shares, [1 / (classes - 1), 2 / classes])
    says = commentary.two_losses(p, classes)
    assert ("1/4 of" in says and "2/5 of" in says) if classes == 5 else "is $(1 - p)^2$ too" in says


def test_a_gradient_that_is_all_gone_is_no_division_by_zero():
    says = commentary.squared_error(evaluation.both_losses(result([0, 1], [0, 2], confidence=1.0)))
    assert (
        "more than a million times that of the squared error" in says
        and "where the probability is 0.5 or more (1 image)" in says
    )


def test_no_mistakes_leave_nothing_to_learn_from():
    table = evaluation.both_losses(result([0, 1], [0, 1]))
    assert (
        "The network gave no image's true class a probability below 0.01"
        in commentary.squared_error(table)
    )


def test_imbalance_is_told_with_both_averages():
    from labreport.datasets import Dataset, Split

    def split(labels):
        return Split(
            np.zeros((len(labels), 2, 2, 3), np.uint8),
            np.array(labels, np.int32),
            [str(i) for i in range(len(labels))],
        )

    found = result([0, 0, 0, 1, 2], [0, 0, 0, 0, 2])
    says = commentary.imbalance(
        Dataset(
            "x",
            False,
            split([0] * 9 + [1] * 2 + [2] * 4),
            split([0]),
            split([0]),
            ["cat", "dog", "frog"],
        ),
        found,
    )
    assert (
        "The largest class, cat, has 9 training images; the smallest, dog, has 2." in says
        and "66.7\u00a0%" in says
        and "80.0\u00a0%" in says
    )


def test_three_classes_in_order_are_no_evidence_that_size_and_recall_go_together():
    from labreport.datasets import Dataset, Split

    def split(labels):
        return Split(
            np.zeros((len(labels), 2, 2, 3), np.uint8), np.array(labels), list(map(str, labels))
        )

    train = split([0] * 9 + [1] * 4 + [2] * 2)
    data = Dataset("x", False, train, split([0]), split([0]), ["cat", "dog", "frog"])
    says = commentary.imbalance(data, result([0, 0, 1, 1, 2], [0, 0, 1, 0, 0]))
    assert "its recall is +1.00 (p = 0.3" in says
    assert says.endswith(", by permutation): no evidence that the two go together.")


def test_an_accuracy_on_the_images_that_selected_the_epoch_is_said_to_be_optimistic():
    found = result([0, 0, 1], [0, 1, 1], metrics={"evaluated_split": "validation"})
    says = commentary.evaluation(found, evaluation.confused_pairs(found))
    assert (
        "2 of 3 validation images" in says
        and "The same images were used to select the epoch" in says
    )
    verdict = commentary.verdict(
        found,
        {
            "test_accuracy": None,
            "validation_accuracy": 0.6,
            "images": 5,
            "best_epoch": 3,
            "source": "a document",
            "note": None,
        },
    )
    assert (
        "is 6.7 percentage points above the published one, 60.0" in verdict
        and "measured on 5 validation images of another split." in verdict
        and "Each epoch was chosen by the images that are counted here" in verdict
    )


def test_what_was_mended_is_listed():
    says = commentary.differs(experiments.load("flowers_googlenet_sgd"))
    assert says.count("\n- ") == 4 and "swapped precision and recall" in says


def test_effects_show_each_configuration_at_its_value_and_their_mean():
    table = pd.DataFrame(
        {"value": ["16", "16", "64", "64"], "label": list("abcd"), "accuracy": [0.5, 0.7, 0.8, 0.9]}
    )
    picture = figures.effects({"batch_size": table})
    assert (
        "batch_size: 16 60.0 % (50.0 % to 70.0 %), 64 85.0 % (80.0 % to 90.0 %)."
        in picture.alt.replace("\u00a0", " ")
    )
    lines = picture.figure.axes[0].get_lines()
    assert [line.get_ydata().tolist() for line in lines] == [
        pytest.approx([50, 70]),
        pytest.approx([60, 60]),
        pytest.approx([80, 90]),
        pytest.approx([85, 85]),
    ]
    assert [label.get_text() for label in picture.figure.axes[0].get_xticklabels()] == ["16", "64"]


def test_of_very_many_runs_the_best_are_drawn_and_the_others_counted():
    table = pd.DataFrame(
        {
            "label": [f"run {number}" for number in range(60)],
            "difference": np.linspace(-0.1, 0.1, 60),
            "low": np.linspace(-0.12, 0.08, 60),
            "high": np.linspace(-0.08, 0.12, 60),
            "p": 0.01,
            "pairs": 3,
            "verdict": "supported",
        }
    )
    picture = figures.leads(table, "base", "3 seeds", behind=True)
    shown = [label.get_text() for label in picture.figure.axes[0].get_yticklabels()]
    assert (
        shown == [f"run {number}" for number in reversed(range(10, 60))]
        and "the best 50 of 60 configurations" in picture.caption
        and "correction for 60 comparisons" in picture.caption
    )
    assert picture.figure.get_figheight() < 8

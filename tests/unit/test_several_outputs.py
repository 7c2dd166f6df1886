"""A network with several outputs: what is measured of each, drawn, and said."""

from dataclasses import replace

import pandas as pd
import pytest

from helpers.training import experiment, quiet, tiny_data
from labreport.analysis import commentary, evaluation, figures, statistics
from labreport.execution import differences
from labreport.runs import records, results
from labreport.training import batches, loop, training

NAMES = ("main", "helper")


def history(measured=True):
    columns = {"accuracy": [0.5, 0.7], "val_accuracy": [0.4, 0.6], "loss": [4.0, 2.0]}
    columns |= {"val_loss": [5.0, 3.0], "main_loss": [1.5, 0.5], "val_main_loss": [2.0, 1.0]}
    columns |= {"helper_loss": [2.5, 1.5], "val_helper_loss": [3.0, 2.0]}
    if measured:
        columns |= {"helper_accuracy": [0.3, 0.5], "val_helper_accuracy": [0.2, 0.35]}
    return pd.DataFrame({"epoch": [1, 2]} | columns)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Any finished run, to be changed."""
    return training.fit(experiment(epochs=1), tiny_data(), quiet)


@pytest.fixture
def result(trained):
    """A result of two outputs on ten images of a split."""

    def made(split="validation", loss=3.25):
        measured = {
            "main": {"accuracy": 0.6, "loss": 1.0, "joint_accuracy": 0.6},
            "helper": {"accuracy": 0.3, "loss": 2.0, "joint_accuracy": 0.2},
        }
        metrics = replace(
            trained.metrics, outputs=measured, evaluated_split=split, evaluated_loss=loss
        )
        return replace(trained, metrics=metrics)

    return made


def test_the_first_output_s_accuracy_is_called_as_if_it_were_the_only_one():
    outputs = ("a", "extra_a")
    assert loop._column("a_accuracy", outputs) == "accuracy"
    assert loop._column("val_a_accuracy", outputs) == "val_accuracy"
    assert loop._column("val_extra_a_accuracy", outputs) == "val_extra_a_accuracy"
    assert loop._column("val_a_loss", outputs) == "val_a_loss"
    assert loop._column("accuracy", ()) == "accuracy"


def test_the_losses_of_the_outputs_add_up_whatever_the_batches(keras, monkeypatch):
    data = tiny_data()
    images = keras.Input(data.image_shape)
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(images))
    classes = len(data.class_names)
    of_each = {
        name: keras.layers.Dense(classes, "softmax", name=name)(flat) for name in ("main", "helper")
    }
    count = len(data.evaluated[1])
    assert count % 7, "the last batch is smaller than the others"
    monkeypatch.setattr(batches, "MOST_EVALUATED", 7)
    row = {"epoch": 1} | dict.fromkeys(("accuracy", "loss", "val_accuracy", "val_loss"), 0.5)
    chosen = experiment(epochs=1)
    _, found = loop.evaluate(chosen, data, keras.Model(images, of_each), [row])
    losses = [one["loss"] for one in found["outputs"].values()]
    assert len(losses) == 2 and sum(losses) == pytest.approx(found["evaluated_loss"], rel=1e-5)


def test_each_output_has_a_line_in_all_four_panels():
    picture = figures.output_curves(history(), NAMES, 2)
    panels = {axes.get_title(): axes for axes in picture.figure.axes}
    assert list(panels) == [*map(str, figures.QUANTITIES.values())]
    drawn = {
        title: [list(line.get_ydata()) for line in axes.get_lines() if line.get_label() in NAMES]
        for title, axes in panels.items()
    }
    assert drawn["validation accuracy"] == [[0.4, 0.6], [0.2, 0.35]]
    assert drawn["validation loss"] == [[2.0, 1.0], [3.0, 2.0]]
    assert "main accuracy 0.60 and loss 1.00; helper accuracy 0.35 and loss 2.00" in picture.alt
    styles = {line.get_linestyle() for line in panels["training loss"].get_lines()[::2]}
    assert len(styles) == 2  # told apart in grey


def test_of_a_run_that_lacks_the_accuracies_only_losses_are_drawn():
    picture = figures.output_curves(history(measured=False), NAMES, 1)
    assert [axes.get_title() for axes in picture.figure.axes] == [
        "training loss",
        "validation loss",
    ]
    assert "accuracy" not in picture.alt + picture.caption and "main loss 2.00" in picture.alt


def test_the_published_log_is_beside_the_output_that_counts_and_not_beside_the_sum():
    published = history()[["epoch", "accuracy", "loss", "val_accuracy", "val_loss"]]
    picture = figures.output_curves(history(), NAMES, 2, published)
    labels = picture.figure.axes[0].get_legend_handles_labels()[1]
    assert labels == ["main", "helper", "main, as published"]
    course = figures.curves(history(), 2, "val_accuracy", published, 2)
    left, right = (
        [line.get_label() for line in axes.get_lines()] for axes in course.figure.axes[:2]
    )
    assert "published, training" in left and "published, training" not in right
    assert "Its loss is left out" in course.caption
    single = published.copy()
    assert "Its loss" not in figures.curves(single, 2, "val_loss", published, 2).caption


def test_the_table_shows_each_output_and_the_loss_they_add_up_to(result):
    rows = evaluation.outputs(result())
    assert [row["Output"] for row in rows] == [
        *NAMES,
        "penalties, and rounding of probabilities near 0",
        "sum",
    ]
    assert [row["Loss"] for row in rows] == [1.0, 2.0, 0.25, 3.25]
    assert [row["Output"] for row in evaluation.outputs(result(loss=3.0))] == [*NAMES, "sum"]
    assert "Accuracy, 95 % interval" not in rows[0]  # the images have chosen the epoch
    assert evaluation.outputs(result("test"))[0]["Accuracy, 95 % interval"] == "0.313–0.832"
    assert evaluation.outputs(replace(result(), metrics=older(result()))) == []


def older(of):
    return replace(of.metrics, outputs={})


def test_only_of_test_images_a_difference_has_an_interval(result):
    text = commentary.outputs(result("test"), NAMES)
    low, high = statistics.paired_difference(0.3, 0.6, 0.2, 10)
    assert f"-30.0 percentage points (95 % confidence interval {100 * low:+.1f} to" in text.replace(
        "\u2212", "-"
    )
    assert high < 1 and "10 test images" in text
    text = commentary.outputs(result(), NAMES)
    assert "newcombe" not in text and "used to select the epoch" in text
    assert "those of main." in text and "2 outputs" in text and "weight 1" in text
    text = commentary.outputs(replace(result(), metrics=older(result())), NAMES)
    assert "earlier version of labreport" in text and "[Table]" not in text


@pytest.mark.parametrize(
    "both, one, other, neither, interval",
    [
        (20, 12, 2, 16, (0.0562, 0.3292)),
        (36, 12, 2, 0, (0.0569, 0.3404)),
        (18, 14, 0, 18, (0.1441, 0.3963)),
    ],
)
def test_a_paired_interval_is_newcombe_s(both, one, other, neither, interval):
    """Statistics in Medicine 17, 2635-2650, table III, method 10."""
    n = both + one + other + neither
    found = statistics.paired_difference((both + one) / n, (both + other) / n, both / n, n)
    assert found == pytest.approx(interval, abs=5.1e-5)


def test_a_paired_interval_is_the_widest_where_the_overlap_is_the_least():
    assert statistics.paired_difference(0.7, 0.6, 0.3, 90) == pytest.approx(
        statistics.widest_difference(0.7, 0.6, 90)
    )
    assert statistics.paired_difference(1.0, 1.0, 1.0, 9)[0] < 0 < 1


def test_an_older_file_of_metrics_has_no_outputs(trained):
    values = trained.metrics.as_json()
    assert records.as_metrics({k: v for k, v in values.items() if k != "outputs"}).outputs == {}
    assert records.as_metrics(values | {"outputs": {"main": {"loss": "low"}}}) is None


def test_a_run_of_an_earlier_version_can_be_verified(result):
    now = replace(result(), history=history())
    before = replace(now, history=history(measured=False), metrics=older(now))
    assert differences.compare(before, now, 0) == ("identical", "")
    other = replace(now, history=history().assign(helper_accuracy=0.5))
    assert differences.compare(now, other, 0)[1].startswith("history, epoch 1, helper_accuracy")
    assert differences.compare(now, replace(now, history=history().drop(columns="accuracy")))[
        0
    ] == ("different")
    measured = now.metrics.outputs | {"helper": now.metrics.outputs["helper"] | {"loss": 2.0001}}
    near = replace(now, metrics=replace(now.metrics, outputs=measured))
    assert differences.compare(now, near) == (
        "within tolerance",
        "metrics, outputs.helper.loss: 2 then 2.0001",
    )


def test_epochs_of_an_earlier_version_leave_a_history_that_can_be_read(tmp_path):
    rows = [{"epoch": 1, "loss": 2.0}, {"epoch": 2, "helper_accuracy": 0.5, "loss": 1.0}]
    results.write_csv(training._history(rows), tmp_path / "history.csv")
    assert list(results.read_table(tmp_path / "history.csv")["loss"]) == [2.0, 1.0]

"""The report explains the layers that the network has, and no others."""

import re

import pytest

from labreport import models
from labreport.analysis import commentary
from labreport.config import experiments


def row(name, kind, shape, inputs="", output="", evaluated=False, **settings):
    return {
        "name": name,
        "kind": kind,
        "words": [kind],
        "shape": shape,
        "inputs": inputs.split(),
        "output": output,
        "evaluated": evaluated,
        "settings": settings,
    }


def windowed(name, kind, shape, inputs, side, stride=1, padding="valid", **settings):
    settings |= {"window": (side, side), "strides": (stride, stride), "padding": padding}
    return row(name, kind, shape, inputs, **settings)


SMALL = [
    row("in", "InputLayer", "12 x 12 x 3"),
    windowed("a", "Conv2D", "10 x 10 x 4", "in", 3, activation="relu"),
    windowed("b", "MaxPooling2D", "5 x 5 x 4", "a", 2, 2),
    row("flat", "Flatten", "100", "b"),
    row("scores", "Dense", "5", "flat", activation="softmax"),
]


def kinds(rows):
    return re.findall(r"^- \*\*(.+?)\*\*", commentary.made_of(rows), re.MULTILINE)


def test_each_kind_of_layer_has_one_line_and_no_other_has_one():
    assert kinds(SMALL) == [
        "A convolution",
        "ReLU",
        "Stride",
        "Padding `valid`",
        "Receptive field",
        "Max pooling",
        "Flatten",
        "A dense layer",
    ]
    dense = [SMALL[0], row("flat", "Flatten", "432", "in"), row("d", "Dense", "5", "flat")]
    assert kinds(dense) == ["Flatten", "A dense layer"]
    assert commentary.made_of(SMALL[:1]) == ""


def test_the_receptive_field_grows_with_windows_and_with_the_strides_before_them():
    def side(rows):
        return re.search(r"depends? on (\d+) x \1 pixels", commentary.made_of(rows))[1]

    assert side(SMALL) == "4"
    more = [*SMALL[:3], windowed("c", "Conv2D", "3 x 3 x 4", "b", 3), *SMALL[3:]]
    assert side(more) == "8" and "more than the image" not in commentary.made_of(more)
    wide = windowed("c", "Conv2D", "5 x 5 x 4", "b", 7, padding="same")
    assert side([*SMALL[:3], wide]) == "16"
    assert "more than the image has" in commentary.made_of([*SMALL[:3], wide])
    # the longer of two branches counts
    shortcut = row("sum", "Add", "5 x 5 x 4", "b c")
    assert side([*SMALL[:3], wide, shortcut]) == "16"


@pytest.mark.parametrize("kind", ["Model", "UpSampling2D", "Conv2DTranspose"])
def test_no_receptive_field_is_told_where_it_cannot_be_counted(kind):
    assert "Receptive field" not in kinds([*SMALL, row("x", kind, "9 x 9 x 2", "in")])


def test_pixels_are_said_to_be_scaled_as_they_are():
    rows = [
        *SMALL[:1],
        row("r", "Rescaling", "12 x 12 x 3", "in", scale=1 / 127.5, offset=-1.0),
    ]
    assert "to values from −1 to 1." in commentary.made_of(rows)


def test_a_backbone_is_frozen_or_fine_tuned():
    frozen, tuned = (
        commentary.made_of([row("in", "InputLayer", "8"), row("net", "Model", "9", "in", **about)])
        for about in ({}, {"trained": 3})
    )
    assert "It is frozen" in frozen and "fine-tuned" not in frozen
    assert "fine-tuned" in tuned and "frozen" not in tuned


def test_the_loss_and_its_formula_are_those_of_this_run():
    run = experiments.load("flowers_basic", {})
    text = commentary.objective(run, SMALL)
    assert "softmax" in text and r"\log p_{i, y_i}.$$" in text and "Omega" not in text
    assert "outputs" not in text
    penalised = [*SMALL, row("p", "Dense", "5", "flat", penalties=["L2"])]
    assert r"+ \Omega(w).$$" in commentary.objective(run, penalised)
    assert "The L2 penalty" in kinds(penalised) and "The L1 penalty" not in kinds(penalised)
    squared = experiments.load("flowers_basic", {"loss": "mean_squared_error"})
    assert "squared error" in commentary.objective(squared, SMALL)
    run = experiments.load("cats_dogs_sigmoid", {})
    text = commentary.objective(
        run, [*SMALL[:4], row("p", "Dense", "1", "flat", activation="sigmoid")]
    )
    assert "sigmoid" in text and "softmax" not in text and r"(1 - y_i) \log (1 - p_i)" in text


def test_several_outputs_are_named_where_there_are_several():
    rows = [
        *SMALL,
        row("helper", "Dense", "5", "flat", output="helper", activation="softmax"),
        row("main", "Dense", "5", "flat", output="main", evaluated=True, activation="softmax"),
    ]
    text = commentary.objective(experiments.load("flowers_basic", {}), rows)
    assert "has 2 outputs" in text and "that of the output main," in text


@pytest.mark.parametrize(
    "scale, told", [(1 / 255, "1/255"), (1 / 127.5, "1/127.5"), (0.5, "1/2"), (2.0, "2")]
)
def test_a_factor_is_told_as_it_was_written(scale, told):
    assert models._fraction(scale) == told


def test_trainable_parameters_are_told_only_where_some_are_not():
    assert commentary.layers(1200, 1200).endswith("1,200 parameters.")
    assert commentary.layers(1200, 200).endswith("1,200 parameters, 200 of them trainable.")

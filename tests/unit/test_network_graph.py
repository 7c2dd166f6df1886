"""A Keras model as plain data: what feeds what, and the words of the picture and the table."""

import keras
from keras import layers

from labreport import models
from labreport.analysis import commentary, figures


def residual():
    inputs = keras.Input((8, 8, 3), name="pixels")
    x = layers.Conv2D(4, 3, strides=2, padding="same", name="first")(inputs)
    y = layers.Conv2D(4, 3, padding="same", name="second")(x)
    x = layers.Add(name="sum")([y, x])
    x = layers.Flatten(name="flat")(x)
    return keras.Model(inputs, layers.Dense(2, activation="softmax", name="scores")(x))


def test_a_graph_says_which_layers_feed_each_layer_and_what_they_are():
    rows = {row["name"]: row for row in models.graph(residual())}
    assert rows["sum"]["inputs"] == ["second", "first"] and rows["pixels"]["inputs"] == []
    assert [row["words"] for row in rows.values()] == [
        ["Input"],
        ["Conv2D 3 x 3, 4, stride 2"],
        ["Conv2D 3 x 3, 4"],
        ["Add"],
        ["Flatten"],
        ["Dense 2, softmax"],
    ]
    assert rows["first"]["shape"] == "4 x 4 x 4" and not any(row["output"] for row in rows.values())


def test_the_table_says_where_inputs_come_from_only_where_there_are_branches():
    rows = models.summary(residual())
    assert [(row["No."], row["Input from"]) for row in rows] == [
        (1, "–"),
        (2, "1"),
        (3, "2"),
        (4, "3, 2"),
        (5, "4"),
        (6, "5"),
    ]
    inputs = keras.Input((4,))
    plain = keras.Model(inputs, layers.Dense(2)(inputs))
    assert list(models.summary(plain)[0]) == ["Layer", "Settings", "Output", "Parameters"]


def test_a_backbone_is_one_box_that_says_how_much_of_it_is_trained():
    inner = keras.Input((8, 8, 3))
    middle = layers.Conv2D(4, 3)(inner)
    backbone = keras.Model(inner, layers.Conv2D(4, 3)(middle), name="small_net")
    inputs = keras.Input((8, 8, 3), name="pixels")
    x = layers.GlobalAveragePooling2D()(backbone(inputs))
    model = keras.Model(inputs, layers.Dense(2)(x))
    row = models.graph(model)[1]
    assert (row["kind"], row["inputs"]) == ("Model", ["pixels"])
    assert row["words"] == ["small_net", "2 layers with weights", "2 of them trained"]
    backbone.trainable = False
    row = models.graph(model)[1]
    assert row["words"] == ["small_net", "2 layers with weights", "frozen"]


def test_several_outputs_have_their_names():
    inputs = keras.Input((4,))
    first = layers.Dense(2, name="main")(inputs)
    second = layers.Dense(2, name="auxiliary")(inputs)
    model = keras.Model(inputs, {"main": first, "auxiliary": second})
    assert {row["output"] for row in models.graph(model)} == {"", "main", "auxiliary"}
    assert [row["output"] for row in models.graph(model) if row["evaluated"]] == ["main"]


def test_a_sequential_model_is_drawn_too():
    model = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(2)])
    assert "Flatten; Dense 2 (2)" in figures.network(models.graph(model)).alt
    assert "**Flatten**" in commentary.made_of(models.graph(model))


def test_zero_padding_is_written_in_the_table():
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, layers.ZeroPadding2D(1)(inputs))
    assert models.summary(model)[1]["Settings"] == "((1, 1), (1, 1))"


def test_a_graph_holds_the_settings_that_the_report_explains():
    settings = {row["name"]: row["settings"] for row in models.graph(residual())}
    assert settings["first"] == {
        "padding": "same",
        "activation": "linear",
        "dilation_rate": (1, 1),
        "window": (3, 3),
        "strides": (2, 2),
    }
    inputs = keras.Input((4,))
    x = layers.Rescaling(1 / 127.5, offset=-1.0, name="scaled")(inputs)
    x = layers.Dense(2, kernel_regularizer="l2", name="penalised")(x)
    settings = {row["name"]: row["settings"] for row in models.graph(keras.Model(inputs, x))}
    assert settings["scaled"] == {"scale": 1 / 127.5, "offset": -1.0}
    assert settings["penalised"]["penalties"] == ["L2"]

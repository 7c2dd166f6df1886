"""The picture of a network shows its blocks and branches, and fits on a page."""

import itertools

import pytest
from matplotlib.patches import Rectangle

from labreport.analysis import figures


def row(name, words, shape, inputs, output=""):
    """A layer as `models.graph` describes it; its kind is the first word."""
    kind = {"Input": "InputLayer", "mobilenet_v2": "Model"}.get(words.split()[0], words.split()[0])
    return {
        "name": name,
        "kind": kind,
        "words": [words],
        "shape": shape,
        "inputs": inputs.split(),
        "output": output,
    }


def in_a_row(*layers):
    """Rows of layers that follow one another, from (words, shape)."""
    names = ["", *(f"layer {number}".replace(" ", "_") for number in range(len(layers)))]
    return [
        row(name, words, shape, before)
        for (words, shape), (before, name) in zip(layers, itertools.pairwise(names))
    ]


SMALL = in_a_row(
    ("Input", "32 x 32 x 3"),
    ("Rescaling", "32 x 32 x 3"),
    ("Conv2D 3 x 3, 8", "32 x 32 x 8"),
    ("Conv2D 3 x 3, 8", "32 x 32 x 8"),
    ("MaxPooling2D 2 x 2", "16 x 16 x 8"),
    ("Dropout 0.25", "16 x 16 x 8"),
    ("Conv2D 3 x 3, 16", "16 x 16 x 16"),
    ("Flatten", "4096"),
    ("Dense 10, softmax", "10"),
)


def module(number, before, widths=(4, 8)):
    """Two branches and where they meet; the layer that follows takes `joint<number>`."""
    return [
        row(f"left{number}", f"Conv2D 1 x 1, {widths[0]}", "9 x 9 x 4", before),
        row(f"right{number}", f"Conv2D 3 x 3, {widths[1]}", "9 x 9 x 8", before),
        row(f"joint{number}", "Concatenate", "9 x 9 x 12", f"left{number} right{number}"),
    ]


def branched(modules):
    rows = [row("in", "Input", "9 x 9 x 3", "")]
    for number in range(modules):
        rows += module(number, rows[-1]["name"], (4 + number, 8))
    flat = row("flat", "Flatten", "972", rows[-1]["name"])
    return [*rows, flat, row("main", "Dense 5, softmax", "5", "flat")]


def texts(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts if text.get_text()]


def boxes(picture):
    return [patch for patch in picture.figure.axes[0].patches if isinstance(patch, Rectangle)]


def test_a_picture_shows_each_layer_of_a_small_network_in_blocks_that_end_with_their_pooling():
    picture = figures.network(SMALL)
    assert texts(picture) == [
        *("Input", "Rescaling", "32 x 32 x 3"),
        *("Conv2D 3 x 3, 8", "Conv2D 3 x 3, 8", "MaxPooling2D 2 x 2", "Dropout 0.25"),
        "16 x 16 x 8",
        *("Conv2D 3 x 3, 16", "16 x 16 x 16"),
        *("Flatten", "Dense 10, softmax", "10"),
    ]
    assert len(boxes(picture)) == 4 and picture.vector


def test_the_words_of_a_picture_name_the_blocks_in_their_order_with_shapes():
    assert figures.network(SMALL).alt == (
        "Diagram of the network, from input to output. Block 1: Input; Rescaling (32 x 32 x 3)."
        " Block 2: Conv2D 3 x 3, 8; Conv2D 3 x 3, 8; MaxPooling2D 2 x 2; Dropout 0.25"
        " (16 x 16 x 8). Block 3: Conv2D 3 x 3, 16 (16 x 16 x 16). Block 4: Flatten;"
        " Dense 10, softmax (10)."
    )


def test_branches_stand_side_by_side_and_the_words_say_where_they_meet():
    picture = figures.network(branched(1))
    assert (
        "2 branches: (1) Conv2D 1 x 1, 4; (2) Conv2D 3 x 3, 8; joined by Concatenate (9 x 9 x 12)"
        in picture.alt
    )
    _, left, right, joint, _ = boxes(picture)
    assert left.get_x() == right.get_x() < joint.get_x() and left.get_y() < right.get_y()


def test_a_shortcut_without_layers_is_a_branch_that_passes_unchanged():
    rows = [
        row("in", "Input", "9 x 9 x 3", ""),
        row("a", "Conv2D 3 x 3, 3", "9 x 9 x 3", "in"),
        row("sum", "Add", "9 x 9 x 3", "a in"),
    ]
    assert "(1) Conv2D 3 x 3, 3; (2) unchanged; joined by Add" in figures.network(rows).alt


def test_another_output_hangs_below_the_layer_that_it_leaves():
    rows = branched(1)
    rows += [row("help", "Dense 5, softmax", "5", "joint0", output="auxiliary")]
    rows.insert(0, rows.pop())  # the order of the rows does not matter
    picture = figures.network([*rows, row("after", "Dense 5", "5", "main")])
    assert "from here a branch leads to: Output auxiliary; Dense 5, softmax (5)" in picture.alt
    joint, aside = boxes(picture)[3:5]
    assert aside.get_y() > joint.get_y() + joint.get_height()


def test_what_leaves_from_inside_of_a_branch_is_not_drawn_in_a_wrong_place():
    rows = [*branched(1), row("help", "Dense 5", "5", "left0", output="auxiliary")]
    rows += [row("after", "Dense 5", "5", "main")]
    assert "Block 2: 2 layers; Concatenate (9 x 9 x 12); from here" in figures.network(rows).alt


def test_many_modules_of_one_structure_are_drawn_once_and_then_named():
    few, many = figures.network(branched(3)), figures.network(branched(12))
    assert "Module A" not in few.alt
    assert texts(many).count("Module A") == 1 and "11 times Module A" in texts(many)
    assert "Module A are drawn where they come first" in many.caption


@pytest.mark.parametrize("blocks", [1, 7, 60, 400])
def test_a_picture_fits_on_a_page_whatever_the_number_of_layers(blocks):
    layers = [("Input", "9 x 9 x 3")]
    for number in range(blocks):
        layers += [(f"Conv2D 3 x 3, {number}", "9 x 9 x 7"), ("MaxPooling2D 2 x 2", "9 x 9 x 7")]
    picture = figures.network(in_a_row(*layers))
    width, height = picture.figure.get_size_inches()
    assert width <= figures.style.WIDTH_INCHES and height <= 8.5
    if blocks == 400:
        assert any(text.endswith("more layers") for text in texts(picture))


def test_boxes_neither_overlap_nor_leave_the_picture_and_hold_their_text():
    picture = figures.network(branched(8))
    figure = picture.figure
    figure.canvas.draw()
    found = [patch.get_window_extent() for patch in boxes(picture)]
    for one, other in itertools.combinations(found, 2):
        assert not one.overlaps(other)
    for box in found:
        assert figure.bbox.x0 <= box.x0 and box.x1 <= figure.bbox.x1
        assert figure.bbox.y0 <= box.y0 and box.y1 <= figure.bbox.y1
    for text in figure.axes[0].texts:
        place = text.get_window_extent()
        middle = (place.x0 + place.x1) / 2, (place.y0 + place.y1) / 2
        for box in found:
            if box.contains(*middle):
                assert box.x0 <= place.x0 and place.x1 <= box.x1


def test_all_letters_of_a_picture_have_one_size():
    sizes = {text.get_fontsize() for text in figures.network(branched(12)).figure.axes[0].texts}
    assert sizes == {figures.style.STYLE["font.size"]}


def test_a_network_whose_layers_feed_one_another_is_refused():
    rows = [row("a", "Add", "3", "b"), row("b", "Add", "3", "a")]
    with pytest.raises(ValueError, match="feed one another: a, b"):
        figures.network(rows)

"""What a person adds: an experiment is one file; a model is one function and one row."""

import pytest

from helpers.added import add_data_set, add_format, add_scheduler
from helpers.additions import Additions
from helpers.project import Project, copy_project
from labreport.config import registry


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, to be added to."""
    return copy_project(tmp_path / "home/project")


def pipeline(folder, *command):
    done = Project(folder).python("pipeline.py", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_an_experiment_is_one_file(copy):
    text = (copy / "params/flowers_tuned_gap.yaml").read_text()
    (copy / "params/flowers_tuned_gap_slow.yaml").write_text(
        text.replace("learning_rate: 0.001", "learning_rate: 0.0001")
    )
    assert "flowers_tuned_gap_slow" in pipeline(copy, "list")
    assert "OK: 1 experiment" in pipeline(copy, "show", "flowers_tuned_gap_slow", "--build")
    assert "flowers_tuned_gap_slow: missing" in pipeline(copy, "show", "flowers_comparison")


def test_a_setting_of_a_function_without_a_type_is_refused_with_its_line(tmp_path):
    module = tmp_path / "optimizers.py"
    module.write_text("def mine(*, rate): ...\n\n\nMINE = {'mine': mine}\n")
    (entry,) = registry._entries(module.read_text(), "MINE").values()
    with pytest.raises(ValueError, match="optimizers.py, line 1: rate has no type.*rate: float"):
        registry._choice(module, entry)


@pytest.mark.slow
def test_a_model_is_one_function_and_one_row_and_trains(copy):
    with open(copy / "lib/labreport/models/flowers.py", "a") as module:
        module.write(
            '\n\ndef tiny(image_shape, num_classes, *, filters: int) -> keras.Model:\n    """One'
            ' convolution."""\n    inputs = keras.Input(image_shape)\n    x ='
            ' layers.Conv2D(filters, 3, strides=4, activation="relu")(layers.Rescaling(1 /'
            " 255)(inputs))\n    return keras.Model(inputs, layers.Dense(num_classes,"
            ' activation="softmax")(layers.GlobalAveragePooling2D()(x)))\n'
        )
    names = copy / "lib/labreport/models/__init__.py"
    names.write_text(
        names.read_text().replace("MODELS = {\n", 'MODELS = {\n    "flowers_tiny": flowers.tiny,\n')
    )
    lines = (copy / "params/flowers_tuned_gap.yaml").read_text().splitlines()
    start, end = (
        lines.index("model: flowers_stacked"),
        next(i for i, line in enumerate(lines) if line.startswith("loss:")),
    )
    lines[start:end] = ["model: flowers_tiny", "model_args:", "  filters: 4"]
    (copy / "params/flowers_mine.yaml").write_text("\n".join(lines).replace("158309", "137") + "\n")
    assert "flowers_mine: 137 parameters" in pipeline(copy, "show", "flowers_mine", "--build")
    assert "epoch 1/1" in pipeline(
        copy,
        "report",
        "flowers_mine",
        "--notebook-only",
        "--data",
        "sample",
        "--set",
        "epochs=1",
        "max_images=60",
        "image_size=32",
    )


SWEEP = """\
title: T
question: Q?
base: shapes_small
seeds: [1]
runs:
  - {learning_rate: 0.01}
"""
SMALL = ["filters=[4]", "kernels=[3]", "pools=[2]", "block_dropout=[0.0]"]


@pytest.mark.slow
def test_an_added_scheduler_runs_an_added_data_set_s_notebook_and_an_added_format_is_written(
    tmp_path,
):
    """How many files each takes, tests/unit/test_additions.py counts."""
    copy = Additions(tmp_path / "home/project")
    for add in (add_data_set, add_format, add_scheduler):
        add(copy)
    (copy.folder / "params/sweeps/mine.yaml").write_text(SWEEP)
    text = copy.pipeline(
        *("sweep", "mine", "--executor", "serial", "--greeting", "hello"),
        *("--data", "sample", "--set", *SMALL),
    )
    assert "2 runs done, 0 failed" in text and "report.md" in text
    sweep = next(copy.folder.glob("reports/mine--*"))
    logs = sorted((sweep / "logs").glob("shapes_small--*.txt"))
    assert len(logs) == 2 and all(", hello\n" in log.read_text() for log in logs)
    for log in logs:
        run = copy.folder / "reports" / log.stem
        assert (run / "metrics.json").exists() and (run / "notebook.ipynb").exists()
    assert (sweep / "report.md").read_text().startswith("# T\n")
    assert (
        f'href="{sweep.name}/report.md">Markdown</a>'
        in (copy.folder / "reports/index.html").read_text()
    )

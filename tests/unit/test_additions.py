"""An optimizer, a loss, a data set and a report format are each added in few files, and work."""

import inspect

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.added import add_data_set, add_format, add_scheduler
from helpers.additions import Additions
from labreport import executors
from labreport.executors.base import Executor

OPTIMIZERS, LOSSES = "lib/labreport/training/optimizers.py", "lib/labreport/training/losses.py"
LION = """\
def lion(*, learning_rate: float, beta: float = 0.9):
    return keras.optimizers.Lion(learning_rate, beta_1=beta)
"""
FOCAL = """\
def focal():
    plain = keras.ops.sparse_categorical_crossentropy
    return _Loss(
        "focal",
        lambda labels, outputs: plain(labels, outputs)
        * keras.ops.square(1 - keras.ops.exp(-plain(labels, outputs))),
    )
"""
SETTINGS = {
    "data": "sample",
    "optimizer": "lion",
    "learning_rate": 0.003,
    "beta": 0.8,
    "loss": "focal",
    "filters": [4, 4],
    "kernels": [3, 3],
    "pools": [2, 2],
    "block_dropout": [0.0, 0.0],
}
TRAIN = f"""
import json
from labreport import datasets
from labreport.config import experiments
from labreport.training import backend, training

backend.prepare()
run = experiments.load("shapes_small", {SETTINGS!r})
data = datasets.load(run)
result = training.fit(run, data, lambda line: None)
used = result.metrics.identity["settings"]
print(json.dumps([data.name, used["optimizer"], used["loss"], list(result.history["loss"])]))
"""


@pytest.fixture
def copy(tmp_path):
    return Additions(tmp_path / "home/project")


def test_an_optimizer_a_loss_and_a_data_set_are_added_in_few_files_and_a_run_trains_with_them(copy):
    copy.add_row(OPTIMIZERS, "OPTIMIZERS", '"lion": lion,', LION)
    assert copy.changed() == [OPTIMIZERS]
    copy.add_row(LOSSES, "LOSSES", '"focal": focal,', FOCAL)
    assert copy.changed() == [LOSSES]
    add_data_set(copy)
    assert copy.changed() == [
        "lib/labreport/datasets/__init__.py",
        "lib/labreport/datasets/shapes.py",
        "notebooks/shapes.ipynb",
    ]
    dataset, optimizer, loss, losses = copy.python(TRAIN)
    assert (dataset, optimizer, loss) == ("shapes", "lion", "focal")
    assert len(losses) == 2 and losses[1] < losses[0]
    assert "shapes (sample) as in shapes_small: 96 train, 24 validation" in copy.pipeline(
        "data", "shapes", "--data", "sample"
    )
    refused = copy.project.python("pipeline.py", "data", "shapes")
    assert "shapes are only drawn: --data sample" in refused.stderr and refused.returncode == 1


def test_a_report_format_is_a_function_and_a_row(copy, tmp_path):
    add_format(copy)
    assert copy.changed() == [
        "lib/labreport/reporting/formats.py",
        "lib/labreport/reporting/markdown.py",
    ]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# A title\n\nWords.")]), tmp_path / "a")
    written = copy.python(
        "import json, pathlib\n"
        "from labreport import reporting\n"
        f"place = pathlib.Path({str(tmp_path)!r})\n"
        'written = reporting.render(place / "a", place / "out")\n'
        "print(json.dumps([path.name for path in written]))\n"
    )
    assert written == ["report.html", "report.pdf", "report.md"]
    text = (tmp_path / "out/report.md").read_text()
    assert text.startswith("# A title\n") and "Words." in text


def test_a_scheduler_is_a_class_and_a_row_and_its_option_is_there(copy):
    add_scheduler(copy)
    assert copy.changed() == [
        "lib/labreport/executors/__init__.py",
        "lib/labreport/executors/serial.py",
    ]
    text = " ".join(copy.pipeline("sweep", "--help").split())
    assert "--executor {local,dask,serial}" in text
    assert "--greeting TEXT what each log begins with" in text
    refused = copy.project.python(
        *("pipeline.py", "sweep", "cats_dogs_heads", "--executor", "dask", "--greeting", "x")
    )
    assert "--greeting is for --executor serial" in refused.stderr and refused.returncode == 1


@pytest.mark.parametrize("name", executors.EXECUTORS)
def test_an_executor_does_all_that_the_command_line_asks_of_it(name):
    """mypy holds what it has to the protocol, but lets a class through that lacks something."""
    executor = executors.load(name)
    assert Executor in executor.__mro__ and not inspect.isabstract(executor)

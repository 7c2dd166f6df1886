"""What a person adds to what a report says and shows: a figure and a metric, in two files each."""

import hashlib
import json

import pytest

from helpers.project import Project, copy_project


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, to be added to."""
    return copy_project(tmp_path / "home/project")


def digests(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }


def changed(before, folder):
    after = digests(folder)
    return sorted(name for name in before | after if before.get(name) != after.get(name))


def replace(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1, (path, old)
    path.write_text(text.replace(old, new))


def python(folder, program):
    done = Project(folder).python("-c", program)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# A result of six evaluated images in three classes, as a notebook has it.
RESULT = """
import json
import pandas as pd
from labreport.core import i18n
from labreport.runs import records
from labreport.runs.results import Result

names = ["cat", "dog", "frog"]
predictions = pd.DataFrame({
    "label": ["cat", "cat", "dog", "dog", "frog", "frog"],
    "predicted": ["cat", "dog", "dog", "dog", "frog", "cat"],
    "cat": [0.8, 0.3, 0.1, 0.1, 0.1, 0.6],
    "dog": [0.1, 0.6, 0.8, 0.8, 0.1, 0.1],
    "frog": [0.1, 0.1, 0.1, 0.1, 0.8, 0.3],
})
history = pd.DataFrame({"val_accuracy": [0.5, 0.6]})
metrics = records.Metrics(
    experiment="shapes_small",
    run="shapes_small",
    evaluated_loss=1.0,
    validation_accuracy=0.6,
    validation_loss=1.0,
    train_accuracy=0.7,
    train_loss=1.0,
    best_epoch=2,
    epochs=2,
    seconds=1.0,
    data="sample",
    changes={},
    finished="2026-01-01T00:00:00+00:00",
    identity={},
    dataset=records.DataRecord(class_names=names, fingerprint="0"),
    evaluated_split="test",
    evaluated_accuracy=4 / 6,
    test_accuracy=4 / 6,
    total_parameters=10,
    trainable_parameters=10,
)
"""


def test_a_figure_is_one_function_and_one_cell(copy):
    before = digests(copy)
    module = copy / "lib/labreport/analysis/figures/history.py"
    replace(module, '__all__ = ["curves"]', '__all__ = ["curves", "gap"]')
    with open(module, "a") as file:
        file.write(
            "\n\ndef gap(history: pd.DataFrame) -> Picture:\n"
            '    """How far training accuracy is ahead of validation accuracy, by epoch."""\n'
            "    figure, axes = new_figure(2)\n"
            '    axes.plot(history["epoch"], history["accuracy"] - history["val_accuracy"])\n'
            '    return Picture(figure, "A line chart of the gap.", "The gap.")\n'
        )
    path = copy / "notebooks/cifar10.ipynb"
    notebook = json.loads(path.read_text())
    place = [cell["id"] for cell in notebook["cells"]].index("curves")
    cell = dict(notebook["cells"][place], id="gap", source=["figures.gap(result.history)"])
    notebook["cells"].insert(place + 1, cell)
    path.write_text(json.dumps(notebook, indent=1))
    assert len(changed(before, copy)) == 2
    program = """
import json
from types import SimpleNamespace
import pandas as pd
from pathlib import Path
from labreport.config import experiments
from labreport.staleness import rules

cells = json.loads(Path("notebooks/cifar10.ipynb").read_text())["cells"]
names = {"result": SimpleNamespace(history=pd.DataFrame(
    {"epoch": [1, 2], "accuracy": [0.4, 0.8], "val_accuracy": [0.4, 0.5]}
))}
for cell in cells:
    if cell["id"] == "setup":
        exec(next(line for line in cell["source"] if "import" in line and "figures" in line), names)
    if cell["id"] == "gap":
        picture = eval("".join(cell["source"]), names)
data, described = picture._repr_mimebundle_()
code = rules.execution(Path("notebooks/cifar10.ipynb"), "en", experiments.load("cifar10_l2"))
counted = "analysis.figures.history.gap" in code
print(json.dumps([sorted(data), described["image/png"]["caption"], counted]))
"""
    assert python(copy, program) == [
        ["image/png", "image/svg+xml", "text/plain"],
        "The gap.",
        True,  # an edit of it will make the notebook stale
    ]


def test_a_metric_is_one_function_with_its_row_and_its_name_in_spanish(copy):
    before = digests(copy)
    module = copy / "lib/labreport/analysis/evaluation.py"
    replace(
        module,
        "METRICS: dict[str, Callable[[Result], float | None]] = {\n",
        "METRICS: dict[str, Callable[[Result], float | None]] = {\n"
        '    N_("Balanced accuracy"): balanced_accuracy,\n',
    )
    replace(
        module,
        "\n\ndef cross_entropy(",
        "\n\ndef balanced_accuracy(result: Result) -> float:\n"
        '    """Mean recall of the classes."""\n'
        "    return float(metrics.balanced_accuracy_score(result.labels, result.predicted))\n"
        "\n\ndef cross_entropy(",
    )
    with open(copy / "lib/labreport/languages/es.po", "a") as file:
        file.write('\nmsgid "Balanced accuracy"\nmsgstr "Exactitud equilibrada"\n')
    assert len(changed(before, copy)) == 2
    program = (
        RESULT
        + """
from labreport.analysis import evaluation
result = Result(**{field: globals().get(field) for field in Result.__dataclass_fields__})
found = []
for language in ("en", "es"):
    i18n.set_language(language)
    found += [evaluation.published_and_measured(result, {}).set_index("").iloc[:, 1].to_dict()]
print(json.dumps(found))
"""
    )
    english, spanish = python(copy, program)
    assert english["Balanced accuracy"] == "0.6667"
    assert spanish["Exactitud equilibrada"] == "0,6667"

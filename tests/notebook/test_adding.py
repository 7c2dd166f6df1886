"""What a person adds: an experiment is one file; a model is one function and one row."""

import pytest

from helpers.added import add_data_set, add_format, add_model, add_scheduler
from helpers.additions import Additions
from helpers.project import Project, copy_project
from labreport.config import registry
from labreport.core import files


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


SWEEP = """\
title: T
question: Q?
base: shapes_tiny
seeds: [1]
runs:
  - {learning_rate: 0.01}
"""


@pytest.mark.slow
def test_an_added_scheduler_trains_an_added_model_on_added_data_and_an_added_format_is_written(
    tmp_path,
):
    """A model is one function and one row; how many files the others take,
    tests/unit/test_additions.py counts.
    """
    copy = Additions(tmp_path / "home/project")
    add_data_set(copy)
    copy.changed()
    add_model(copy)
    assert copy.changed() == ["lib/labreport/models/__init__.py", "lib/labreport/models/flowers.py"]
    add_format(copy)
    add_scheduler(copy)
    (copy.folder / "params/sweeps/mine.yaml").write_text(SWEEP)
    text = copy.pipeline(
        *("sweep", "mine", "--executor", "serial", "--greeting", "hello", "--data", "sample")
    )
    assert "2 runs done, 0 failed" in text and "report.md" in text
    sweep = next(copy.folder.glob("reports/mine--*"))
    logs = sorted((sweep / "logs").glob("shapes_tiny--*.txt"))
    assert len(logs) == 2 and all(", hello\n" in log.read_text() for log in logs)
    for log in logs:
        assert "epoch 2/2" in log.read_text()
        run = copy.folder / "reports" / log.stem
        assert files.read_json(run / "metrics.json")["total_parameters"] == 122
        assert (run / "notebook.ipynb").exists()
    assert (sweep / "report.md").read_text().startswith("# T\n")
    assert (
        f'href="{sweep.name}/report.md">Markdown</a>'
        in (copy.folder / "reports/index.html").read_text()
    )

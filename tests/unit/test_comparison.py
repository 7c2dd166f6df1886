"""The comparison of an assignment: what stands beside each other, what the intervals support, and
what is missing.
"""

import json
import runpy
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.fabricated import fabricated
from helpers.project import ROOT
from labreport.analysis import comparison, figures, statistics
from labreport.analysis.comparison.groups import differences, groups
from labreport.analysis.comparison.runs import ComparedRun, load
from labreport.config import experiments
from labreport.core import files
from labreport.execution import due
from labreport.runs import results
from labreport.studies import assignments, study


def concluded(assignment):
    return comparison.of(assignment).conclusion()


@pytest.fixture
def three():
    """CIFAR-10 with three of its eight experiments run."""
    fabricated("cifar10_naive_adam", 0.60, seed=1)
    fabricated("cifar10_l2", 0.75, seed=2)
    fabricated("cifar10_l2_dropout", 0.76, seed=3, finished="2025-03-02T12:00:00+01:00")
    return assignments.load("cifar10")


def test_a_paired_interval_agrees_with_its_formula_and_has_its_coverage():
    first, second = (
        np.repeat([True, True, False, False], [50, 20, 8, 22]),
        np.repeat([True, False, True, False], [50, 20, 8, 22]),
    )
    difference, low, high = statistics.paired_difference(first, second)
    middle, reach = 12 / 102, 1.959964 * np.sqrt(29 - 144 / 102) / 102  # 20.5 and 8.5 of 102 images
    assert difference == pytest.approx(0.12) and (low, high) == pytest.approx(
        (middle - reach, middle + reach), abs=1e-6
    )
    random, covered = np.random.default_rng(0), 0
    for _ in range(1000):
        answers = random.choice(4, 200, p=[0.55, 0.2, 0.1, 0.15])  # true difference 0.1
        _, low, high = statistics.paired_difference(answers < 2, (answers == 0) | (answers == 2))
        covered += low <= 0.1 <= high
    assert 930 <= covered <= 970


def test_mcnemars_test_is_exact_and_holms_adjustment_keeps_the_order():
    first, second = (
        np.repeat([True, False, True], [9, 1, 30]),
        np.repeat([False, True, True], [9, 1, 30]),
    )
    assert statistics.mcnemar(first, second) == pytest.approx(2 * stats.binom.cdf(1, 10, 0.5))
    assert statistics.mcnemar(first, first) == 1
    assert statistics.holm([0.04, 0.01, 0.03, 0.9]) == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert len(statistics.holm([])) == 0


def test_every_experiment_is_in_the_table_and_missing_ones_are_named(three):
    table = comparison.of(three).overview().rows.set_index("Experiment")
    assert len(table) == 8 and list(table.columns) == [
        "Parameters",
        "Best epoch",
        "Training",
        "Validation",
        "Test",
        "95 % interval",
        "Published",
        "Seconds",
    ]
    low, high = statistics.wilson(300, 400)
    assert table.loc["l2", ["Test", "95 % interval", "Published", "Seconds"]].tolist() == [
        "75.0\u00a0%",
        f"{100 * low:.1f}–{100 * high:.1f}",
        "74.3\u00a0%",
        100,
    ]
    assert (
        table.loc["batchnorm (missing)", "Test"] is None
        and table.loc["batchnorm (missing)", "Parameters"] == 1030378
    )
    assert (
        "3 of 8 experiments have a finished run. **Missing:** augmentation, batchnorm"
        in comparison.of(three).standing()
    )


def test_without_a_test_split_validation_is_evaluated_and_said_so():
    fabricated("cats_dogs_softmax", 0.74, split="validation")
    fabricated("cats_dogs_sigmoid", 0.70, split="validation")
    runs = comparison.of(assignments.load("cats_dogs"))
    table = runs.overview().rows
    assert "Test" not in table and table["95 % interval"].notna().all()
    assert "the validation images were also used to select the epoch" in runs.conclusion()


def test_an_outdated_run_is_named_with_its_reason(three):
    metrics = files.read_json(three.finished[0].experiment.folder / results.METRICS)
    metrics["identity"]["settings"]["epochs"] = 3
    metrics["identity"]["code"]["training.loop.evaluate"] = "0"
    files.write_json(three.finished[0].experiment.folder / results.METRICS, metrics)
    changed = assignments.load("cifar10")
    assert (
        "**Outdated**, because settings, code, versions or files have changed since the run"
        " (changes of the data are not checked): l2." in comparison.of(changed).standing()
    )
    assert comparison.of(changed).exceptions().rows == [
        {
            "Experiment": "l2",
            "Changed settings": None,
            "Outdated because": "epochs: 3, now 50; training.loop.evaluate changed",
        }
    ]
    assert comparison.of(three).exceptions() is None


def test_a_run_with_settings_stands_in_only_where_the_full_one_is_missing():
    settings = {"data": "sample", "epochs": 2}
    fabricated("cifar10_l2", 0.75, seed=1)
    fabricated("cifar10_l2", 0.20, seed=2, settings=settings)
    fabricated("cifar10_naive_adam", 0.30, seed=3, settings=settings)
    assignment = assignments.load("cifar10", settings)
    assert {run.experiment.run_name: run.state for run in assignment.finished} == {
        "cifar10_l2": "complete",
        "cifar10_naive_adam--sample--epochs-2": "short",
    }
    assert assignment.run_name == "cifar10_comparison--sample--epochs-2"
    [row] = comparison.of(assignment).exceptions().rows
    assert row["Changed settings"] == "epochs = 2; data = sample"
    assert assignment._repr_mimebundle_()["application/vnd.labreport.report+json"]["sample"] is True
    assert [run.experiment.name for run in assignments.load("cifar10").finished] == ["cifar10_l2"]


def test_every_kind_of_study_has_a_comparison():
    assert set(comparison.COMPARISONS) == set(study.Study.__subclasses__())


def test_the_file_names_are_those_that_training_writes():
    assert set(study.FINISHED) == set(results.FILES)
    assert set(study.READ) == {results.METRICS, results.HISTORY, results.PREDICTIONS}


def test_the_conclusion_tells_supported_differences_from_the_others(three):
    found = comparison.of(three).conclusion()
    supported, open_ones = [line for line in found.splitlines() if line.startswith("- ")]
    assert "**l2_dropout** has the highest accuracy of 3 runs" in found
    assert (
        supported.startswith("- Supported")
        and "naive_adam (+16.0)" in supported
        and "l2 (" not in supported
    )
    assert open_ones.startswith("- Not supported") and "l2 (+1.0)" in open_ones
    assert "Each experiment was run once" in found


def test_a_difference_that_only_the_adjustment_takes_away_is_called_so():
    def entry(label, only_best, only_other):
        correct = np.repeat([False, True, True, False], [only_best, only_other, 50, 20])
        return ComparedRun(
            label, None, None, np.concatenate([correct, np.zeros(100 - len(correct), bool)])
        )

    best = ComparedRun("best", None, None, np.repeat([True, False, True, False], [12, 3, 50, 35]))
    alone = differences([best, entry("one", 12, 3)])
    assert alone["verdict"].tolist() == ["supported"] and alone["p"].tolist() == pytest.approx(
        [0.0352], abs=1e-4
    )
    few = differences(
        [
            ComparedRun("best", None, None, np.repeat([True, True, False], [5, 50, 45])),
            ComparedRun("other", None, None, np.repeat([False, True, False], [5, 50, 45])),
        ]
    )
    # the interval alone, where McNemar's exact p is 0.0625, is not enough
    assert few["verdict"].tolist() == ["open"] and few["low"].iloc[0] > 0
    three = differences([best, *(entry(label, 12, 3) for label in ("one", "two", "three"))])
    assert three["verdict"].tolist() == ["alone"] * 3 and three["p"].tolist() == pytest.approx(
        [0.1055] * 3, abs=1e-4
    )


def test_runs_on_other_images_or_sample_data_are_named_and_not_compared(three):
    fabricated("cifar10_rmsprop", 0.9, seed=4, ids="another")
    fabricated("cifar10_batchnorm", 0.95, seed=5, settings={"data": "sample"})
    found = groups(load(assignments.load("cifar10", {"data": "sample"})))
    assert [[entry.label for entry in group] for group in found] == [
        ["l2_dropout", "l2", "naive_adam"],
        ["rmsprop"],
        ["batchnorm (short)"],
    ]
    said = comparison.of(assignments.load("cifar10", {"data": "sample"})).conclusion()
    assert (
        "not compared with any other" in said.lower()
        and "batchnorm (short) (400 test images of the sample data, 95.0" in said
    )
    assert "**l2_dropout** has the highest accuracy of 3 runs" in said


def test_images_are_paired_by_their_names_and_not_by_their_order(three):
    before = differences(groups(load(three))[0])
    path = experiments.load("cifar10_l2").folder / results.PREDICTIONS
    shuffled = pd.read_csv(path, dtype=str).sample(frac=1, random_state=0)
    results.write_csv(shuffled, path)
    pd.testing.assert_frame_equal(differences(groups(load(three))[0]), before)


def test_only_sample_data_allow_no_conclusion():
    for name in ("cifar10_l2", "cifar10_rmsprop"):
        fabricated(name, 0.5, settings={"data": "sample"})
    assert "allows no conclusion about the real data set" in concluded(
        assignments.load("cifar10", {"data": "sample"})
    )


def test_one_run_alone_is_not_compared():
    fabricated("cifar10_l2")
    assert "Only one run is finished" in concluded(assignments.load("cifar10"))


def test_common_settings_and_each_experiments_own_make_up_its_parameter_file():
    assignment = assignments.load("cifar10")
    usual = {row["Setting"]: row for row in comparison.of(assignment).common_settings().rows}
    [table] = comparison.of(assignment).own_settings()
    own = {row["Experiment"]: row["Own settings"] for row in table.rows}
    assert (
        usual["loss"]
        == {
            "Setting": "loss",
            "Value": "categorical_crossentropy",
            "Experiments": "all",
        }
        and usual["optimizer"]["Experiments"] == "7 of 8"
    )
    assert "optimizer rmsprop" in own["rmsprop"] and "optimizer" not in own["l2"]
    assert "horizontal_flip true" in own["augmentation"] and not any(
        "title" in sets or "published" in sets for sets in own.values()
    )


def test_curves_stand_together_by_model_and_at_most_eight_in_a_panel():
    for number, experiment in enumerate(assignments.members("flowers")):
        fabricated(experiment.name, 0.3 + 0.02 * number, images=60, seed=number, split="validation")
    assignment = assignments.load("flowers")
    panels = comparison.of(assignment).panels()
    assert sum(map(len, panels.values())) == 23 and max(map(len, panels.values())) <= 8
    assert set(panels["alexnet"]) == {
        "alexnet_adadelta",
        "alexnet_adagrad",
        "alexnet_adam",
        "alexnet_sgd",
    }
    assert "23 runs in" in figures.validation_curves(panels).alt


def test_a_comparison_is_made_once_and_again_when_a_run_has_changed(three):
    pipeline = runpy.run_path(str(ROOT / "pipeline.py"))
    assert due.work(three).execute == ["not done yet"]
    folder = three.folder
    assert pipeline["main"](["compare", "cifar10"]) == 0
    html = (folder / "report.html").read_text()
    assert (
        "CIFAR-10: comparison of 8 experiments" in html
        and "Missing" in html
        and "Sample data" not in html
    )
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")
    notebook = json.loads((folder / "notebook.ipynb").read_text())
    own = notebook["metadata"]["labreport"]
    assert own.items() >= {
        "compared": "cifar10",
        "run": "cifar10_comparison",
        "finished": "2025-03-02T12:00:00+01:00",
        "language": "en",
    }.items() and own.keys() >= {"commit", "changed"}
    assert due.work(assignments.load("cifar10")) == due.Work()
    fabricated("cifar10_rmsprop", 0.66, seed=7)
    assert due.work(assignments.load("cifar10")).execute == [
        "cifar10_rmsprop: missing, now complete",
        "cifar10_rmsprop/history.csv changed",
        "cifar10_rmsprop/metrics.json changed",
        "cifar10_rmsprop/predictions.csv changed",
    ]


def test_resolving_an_assignment_imports_neither_pandas_nor_keras():
    program = (
        "import sys; from labreport.studies import assignments, study; assignments.load('flowers');"
        " heavy = {'pandas', 'numpy', 'keras', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_interval_of_independent_shares_is_newcombes():
    low, high = statistics.independent_difference(0.8, 0.6, 50)  # 40 and 30 of 50
    (l1, u1), (l2, u2) = statistics.wilson(40, 50), statistics.wilson(30, 50)
    assert low == pytest.approx(
        0.2 - np.sqrt((0.8 - l1) ** 2 + (u2 - 0.6) ** 2)
    ) and high == pytest.approx(0.2 + np.sqrt((u1 - 0.8) ** 2 + (0.6 - l2) ** 2))
    assert low < 0.2 < high and statistics.independent_difference(0.7, 0.7, 1000)[0] < 0

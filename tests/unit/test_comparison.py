"""The comparison of an assignment: what stands beside each other, what the intervals support, and
what is missing.
"""

import itertools
import json
import runpy
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.fabricated import fabricated
from helpers.project import ROOT
from labreport.analysis import comparison, evaluation, figures, statistics
from labreport.analysis.comparison.groups import differences, differences_table, groups
from labreport.analysis.comparison.runs import ComparedRun, load
from labreport.config import experiments
from labreport.core import files
from labreport.execution import due, execution
from labreport.runs import results, validation
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


def test_holms_adjustment_keeps_the_order():
    assert statistics.holm([0.04, 0.01, 0.03, 0.9]) == pytest.approx([0.09, 0.04, 0.09, 0.9])
    assert len(statistics.holm([])) == 0


def test_an_interval_of_scores_is_wilsons_where_they_are_whole():
    assert statistics.wilson_of_scores(np.repeat([0.0, 1.0], [100, 300])) == pytest.approx(
        statistics.wilson(300, 400)
    )


def test_every_experiment_is_in_the_table_and_missing_ones_are_named(three):
    table = comparison.of(three).overview().rows.set_index("Experiment")
    assert len(table) == 8 and list(table.columns) == [
        "Parameters",
        "Best epoch",
        "Training",
        "Validation",
        "Cross-fitted",
        "95 % interval",
        "Seconds",
    ]
    low, high = statistics.wilson(300, 400)
    interval = f"{100 * low:.1f}–{100 * high:.1f}"
    assert table.loc["l2", ["Cross-fitted", "95 % interval", "Seconds"]].tolist() == [
        "75.0\u00a0%",
        interval,
        100,
    ]
    assert (
        table.loc["batchnorm (missing)", "Validation"] is None
        and table.loc["batchnorm (missing)", "Parameters"] == 1030378
    )
    tests = comparison.of(three).test_table()
    assert "not to choose from" in tests.caption
    assert tests.rows.set_index("Experiment").loc["l2"].tolist() == [
        "75.0\u00a0%",
        interval,
        "74.3\u00a0%",
        "1.00",
    ]
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
    assert runs.test_table() is None and "have no test split" in runs.about_tests()
    assert "cross-fitted" in runs.overview().caption and "test image" not in runs.conclusion()


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
    read = {results.METRICS, results.HISTORY, results.PREDICTIONS, validation.FILE}
    assert set(study.READ) == read


def test_of_runs_with_one_seed_the_networks_are_compared_and_nothing_is_supported(three):
    found = comparison.of(three).conclusion()
    sure, open_ones = [line for line in found.splitlines() if line.startswith("- ")]
    assert "the network of l2_dropout has the highest accuracy of 3 runs" in found
    assert (
        sure.startswith("- On images like these it does better")
        and "naive_adam (+16.0)" in sure
        and "l2 (" not in sure
        and "Another seed may turn the order." in sure
    )
    assert open_ones.startswith("- Open is whether") and "l2 (+1.0)" in open_ones
    assert "Each experiment was run once" in found and "upported" not in found
    assert "On the 400 test images, which had no part in the choice, the network of" in found
    assert "**" not in found


def entry(label, right):
    """A run with one epoch that is right on these of a hundred images."""
    ids = np.array([f"{number:03}" for number in range(len(right))])
    result = SimpleNamespace(metrics=SimpleNamespace(data="real", best_epoch=1))
    return ComparedRun(label, None, result, right, validation.Validation(ids, right[None], None))


def test_p_is_adjusted_for_all_pairs_since_the_best_was_not_known_before():
    rng = np.random.default_rng(2)
    [group] = groups([entry(name, rng.random(400) < 0.6) for name in "abcd"])
    found = differences(group)
    right = {run.label: run.record.right[0].astype(float) for run in group}
    plain = {
        pair: stats.norm.sf(
            abs((right[pair[0]] - right[pair[1]]).mean())
            / stats.sem(right[pair[0]] - right[pair[1]])
        )
        * 2
        for pair in itertools.combinations(right, 2)
    }
    adjusted = dict(zip(plain, statistics.holm(list(plain.values()))))
    best = group[0].label
    assert found["p"].tolist() == pytest.approx([adjusted[best, row] for row in found["label"]])
    assert len(plain) == 6 and len(found) == 3


def test_networks_that_are_right_on_the_same_images_have_no_interval():
    right = np.arange(100) < 70
    [group] = groups([entry("a", right), entry("b", right)])
    [row] = differences(group).to_dict("records")
    assert row["difference"] == 0 and np.isnan([row["low"], row["high"], row["p"]]).all()
    assert row["verdict"] == "open"
    [told] = differences_table(group)
    assert told == {"Other network": "b", "Points behind": "0.0", "p (Holm)": "none"}


def test_a_longer_run_is_not_ahead_by_the_number_of_its_epochs():
    """Sixty epochs that are all as good as the ten of another run: the best of them is luckier."""
    rng = np.random.default_rng(5)
    ids = np.array([f"{number:04}" for number in range(1000)])
    result = SimpleNamespace(metrics=SimpleNamespace(data="real", best_epoch=1))
    runs = [
        ComparedRun(
            label,
            None,
            result,
            np.ones(1000, bool),
            validation.Validation(ids, rng.random((epochs, 1000)) < 0.7, None),
        )
        for label, epochs in (("long", 60), ("short", 10))
    ]
    best = [run.record.right.mean(axis=1).max() for run in runs]
    assert best[0] > best[1] + 0.01 and all(abs(run.chosen_by - 0.7) < 0.02 for run in runs)


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
        and "batchnorm (short) (400 validation images of the sample data, 95.0" in said
    )
    assert "the network of l2_dropout has the highest accuracy of 3 runs" in said


def test_images_are_paired_by_their_names_and_not_by_their_order(three):
    before = differences(groups(load(three))[0])
    folder = experiments.load("cifar10_l2").folder
    record = validation.load(folder)
    order = np.random.default_rng(0).permutation(len(record.ids))
    validation.save(replace(record, ids=record.ids[order], right=record.right[:, order]), folder)
    pd.testing.assert_frame_equal(differences(groups(load(three))[0]), before)


def test_a_run_of_an_earlier_version_is_not_compared_and_that_is_said(three):
    (experiments.load("cifar10_l2").folder / validation.FILE).unlink()
    said = comparison.of(three).conclusion()
    assert (
        "which kept no record of the single validation images: l2. Train them again." in said
        and "has the highest accuracy of 2 runs" in said
    )


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
    assert len(figures.run_curves(panels)) == len(panels)


def test_losses_that_are_no_plain_cross_entropies_are_named(three):
    runs = comparison.of(three)
    for run in runs.runs:  # as training leaves it, without penalties
        file = run.run.experiment.folder / "metrics.json"
        entropy = evaluation.cross_entropy(run.result)
        files.write_json(file, files.read_json(file) | {"evaluated_loss": entropy * 1.001})
    runs = comparison.of(assignments.load("cifar10"))
    assert runs.about_losses().startswith("All losses are cross-entropies without penalties")
    file = experiments.load("cifar10_l2").folder / "metrics.json"
    files.write_json(file, files.read_json(file) | {"evaluated_loss": 2.5})
    runs = comparison.of(assignments.load("cifar10"))
    assert "or another definition: l2 (categorical_crossentropy). The" in runs.about_losses()
    assert runs.test_table().rows.set_index("Experiment").loc["l2", "Loss"] == "2.50"


def test_a_published_test_loss_stands_beside_the_measured_one():
    fabricated("dog_breeds_mobilenetv2", 0.7)
    table = comparison.of(assignments.load("dog_breeds")).test_table().rows
    row = table.set_index("Experiment").loc["mobilenetv2"]
    assert (row["Loss"], row["Published loss"]) == ("1.00", "1.29")


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
    assert (
        own.items()
        >= {
            "compared": "cifar10",
            "run": "cifar10_comparison",
            "finished": "2025-03-02T12:00:00+01:00",
            "language": "en",
        }.items()
        and own.keys() >= {"commit", "changed"}
        and len(own["fingerprint"]) == 12
    )
    assert due.work(assignments.load("cifar10")) == due.Work()
    fabricated("cifar10_rmsprop", 0.66, seed=7)
    assert due.work(assignments.load("cifar10")).execute == [
        "cifar10_rmsprop: missing, now complete",
        "cifar10_rmsprop/history.csv changed",
        "cifar10_rmsprop/metrics.json changed",
        "cifar10_rmsprop/predictions.csv changed",
        "cifar10_rmsprop/validation.npz changed",
    ]


def test_resolving_an_assignment_imports_neither_pandas_nor_keras():
    program = (
        "import sys; from labreport.studies import assignments, study; assignments.load('flowers');"
        " heavy = {'pandas', 'numpy', 'keras', 'scipy'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_interval_of_independent_shares_is_newcombes():
    low, high = statistics.independent_difference(0.8, 0.6, 50, 20)  # 40 of 50 and 12 of 20
    (l1, u1), (l2, u2) = statistics.wilson(40, 50), statistics.wilson(12, 20)
    assert low == pytest.approx(
        0.2 - np.sqrt((0.8 - l1) ** 2 + (u2 - 0.6) ** 2)
    ) and high == pytest.approx(0.2 + np.sqrt((u1 - 0.8) ** 2 + (0.6 - l2) ** 2))
    assert low < 0.2 < high and statistics.independent_difference(0.7, 0.7, 1000, 1000)[0] < 0


@pytest.mark.parametrize("right, others", [(40, 30), (10, 15), (25, 25), (50, 30), (0, 30)])
def test_the_widest_interval_holds_that_of_each_overlap(right, others):
    n, (first, second) = 50, (right / 50, others / 50)
    (l1, u1), (l2, u2) = statistics.wilson(right, n), statistics.wilson(others, n)
    spread = np.sqrt(right * (n - right) * others * (n - others))
    both = np.arange(max(0, right + others - n), min(right, others) + 1)
    correlation = (both * n - right * others) / max(spread, 1)
    below, above = (
        np.sqrt(one**2 - 2 * correlation * one * other + other**2)
        for one, other in ((first - l1, u2 - second), (u1 - first, second - l2))
    )
    difference = first - second
    assert statistics.widest_difference(first, second, n) == pytest.approx(
        (min(difference - below), max(difference + above)), abs=1e-9
    )


@pytest.mark.parametrize("both", [0.4, 0.49, 0.7])
def test_the_widest_interval_covers_whatever_the_overlap(both):
    """Two networks with an accuracy of 70 % each, right on the same images seldom to always."""
    parts = [both, 0.7 - both, 0.7 - both, both - 0.4]
    counts = np.random.default_rng(1).multinomial(200, parts, 1000)
    first, second = (counts[:, 0] + counts[:, of] for of in (1, 2))
    bounds = [statistics.widest_difference(*of, 200) for of in zip(first / 200, second / 200)]
    assert np.mean([low <= 0 <= high for low, high in bounds]) > 0.93


def test_wilsons_interval_is_scipys():
    for correct, images in [(0, 1), (1, 1), (3, 7), (863, 863), (6_850, 10_000)]:
        known = stats.binomtest(correct, images).proportion_ci(0.95, method="wilson")
        assert statistics.wilson(correct, images) == pytest.approx(known, abs=1e-12)


def test_published_accuracies_are_differences_without_a_verdict(three):
    found = comparison.of(three).conclusion()
    # measured 0.60, 0.75 and 0.76, published 0.685, 0.743 and 0.755
    assert (
        "Measured minus published accuracy, in percentage points, over 3 experiments: from"
        " \u22128.5 (naive_adam) to +0.7 (l2), with a median of +0.5. One network is compared with"
        " one network, and another seed would change either accuracy, so there is no verdict."
        in found
    )
    assert "agree" not in found and "Newcombe" not in found


def test_one_published_accuracy_is_a_difference_too():
    fabricated("cifar10_rmsprop", 0.66)
    found = concluded(assignments.load("cifar10"))
    assert "Measured minus published accuracy, in percentage points: +0.2 (rmsprop). One" in found


def test_what_the_published_accuracies_were_measured_on_is_in_the_parameter_files():
    """Every log of validation accuracies is one of multiples of these (reference/histories)."""
    facts = {}
    for name in experiments.names():
        published = experiments.load(name).published
        evaluated = "validation" if name.startswith(("cats", "flowers")) else "test"
        known = published[f"{evaluated}_accuracy"] is not None
        assert known == ("images" in published) == ("same_images" in published), name
        if known:
            kind = "augmented" if "tuned_augment" in name else name.split("_")[0]
            facts.setdefault(kind, set()).add((published["images"], published["same_images"]))
    assert facts == {
        "cats": {(1_000, True)},
        "cifar10": {(10_000, True)},
        "dog": {(1_023, False)},
        "flowers": {(863, False)},
        "augmented": {(400, False)},
    }


def test_what_a_published_accuracy_was_measured_on_trains_nothing_again():
    found = experiments.load("cifar10_l2")
    facts = {"images": 1, "same_images": False}
    other = replace(found, published=found.published | facts)
    assert other.training_settings() == found.training_settings()


def test_a_printed_report_is_matched_with_its_run_by_the_sum_of_its_metrics(three):
    run = experiments.load("cifar10_l2")
    printed = execution._fingerprint(due.task(run))
    assert files.sha256(run.folder / "metrics.json").startswith(printed) and len(printed) == 12
    of_comparison = execution._fingerprint(due.task(three))
    fabricated("cifar10_batchnorm", 0.5)
    assert execution._fingerprint(due.task(assignments.load("cifar10"))) != of_comparison

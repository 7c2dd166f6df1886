"""What the report of a sweep compares, as its file asks: with the base, pairs, or within a setting;
and how often it has been looked at.
"""

import itertools
import json
import shutil
import zlib

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from helpers.fabricated import fabricated
from helpers.sweep_files import HEAD, project_without_sweeps, write
from labreport.analysis import comparison, crossed, crossfit, looks, power
from labreport.analysis.comparison.contrasts import differences
from labreport.execution import due
from labreport.executors import tasks
from labreport.runs import fingerprint, validation
from labreport.studies import sweeps
from labreport.studies.looks import Look

RUNS = """runs:
  - {label: B, batch_size: 32}
  - {label: C, batch_size: 16}
"""
GRID = """grid:
  batch_size:
    - {label: large, batch_size: 64}
    - {label: small, batch_size: 32}
  optimizer:
    - {label: adam, optimizer: adam}
    - {label: sgd, optimizer: sgd}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the parameter files and no sweep yet."""
    monkeypatch.chdir(folder := project_without_sweeps(tmp_path / "project"))
    return folder


def swept(project, text, accuracies, head="seeds: [1, 2, 3]\n"):
    """A sweep with a fabricated run for each configuration and seed; accuracies by configuration,
    in their order.
    """
    write(project, HEAD + head + text)
    sweep = sweeps.load("mine")
    for configuration, accuracy in zip(sweep.configurations, accuracies, strict=True):
        for place, experiment in enumerate(configuration.experiments):
            shutil.rmtree(experiment.folder, ignore_errors=True)
            seed = zlib.crc32(f"{configuration.label} {place}".encode())
            fabricated(
                experiment.name,
                accuracy + np.random.default_rng(seed).normal(0, 0.01),
                seed=seed,
                settings=experiment.training_settings(),
            )
    return sweeps.load("mine")


def seen(*sizes):
    """Looks with so many seeds, each with those of the one before."""
    return [Look(frozenset(range(size)), ()) for size in sizes]


def table_of(sweep):
    return differences(sweep, comparison.of(sweep).scores)


def right(sweep):
    """What each configuration's images came to, (R, N), by label."""
    return {
        configuration.label: np.array(
            [crossfit.scores(validation.load(one.folder)) for one in configuration.experiments]
        )
        for configuration in sweep.configurations
    }


def test_pairs_are_each_compared_and_p_is_adjusted_for_all_of_them(project):
    sweep = swept(project, "compare: pairs\n" + RUNS, (0.5, 0.7, 0.6))
    table, scores = table_of(sweep), right(sweep)
    assert list(zip(table["label"], table["other"])) == [
        ("B", "C"),
        ("B", "naive_adam"),
        ("C", "naive_adam"),
    ]
    plain = [
        crossed.estimate(scores[one] - scores[other])
        for one, other in zip(table["label"], table["other"])
    ]
    raw = np.array([one.p for one in plain]) / looks.SHARE
    order = np.argsort(raw)
    held = np.maximum.accumulate(raw[order] * [3, 2, 1])
    assert table["p"].to_numpy()[order] == pytest.approx(np.minimum(1, held))
    assert table["low"].tolist() == pytest.approx([one.low for one in plain])
    runs = comparison.of(sweep)
    picture, shown = runs.differences()
    assert "B over naive_adam" in picture.alt and "each other one" in shown.caption
    assert [*shown.rows[0]] == ["First", "Second", "Points ahead", "p (Holm)", "Verdict"]
    assert "**B over naive_adam (+1" in runs.conclusion()
    assert "compared with each other one." in runs.method()


def test_within_a_setting_pairs_that_share_it_are_compared_and_the_interaction(project):
    sweep = swept(project, "compare: {within: batch_size}\n" + GRID, [0.6, 0.5, 0.5, 0.7])
    assert {value: len(group) for value, group in sweep.groups.items()} == {"64": 2, "32": 2}
    table, scores = table_of(sweep), right(sweep)
    assert table["kind"].tolist() == ["difference", "difference", "interaction"]
    base, sgd, adam_32, sgd_32 = (one.label for one in sweep.configurations)
    assert set(zip(table["label"][:2], table["other"][:2])) == {(base, sgd), (sgd_32, adam_32)}
    expected = crossed.estimate(scores[base] - scores[sgd] - scores[adam_32] + scores[sgd_32])
    last = table.iloc[2]
    assert last["label"] == f"{base} \u2212 {sgd}"
    assert last["other"] == f"{adam_32} \u2212 {sgd_32}"
    assert (last["difference"], last["low"]) == pytest.approx((expected.value, expected.low))
    assert last["difference"] == pytest.approx(0.3, abs=0.05)
    runs = comparison.of(sweep)
    picture, pairs, interactions = runs.differences()
    assert "after correction for 3 comparisons" in picture.caption
    assert "with the same batch_size" in pairs.caption and len(pairs.rows) == 2
    assert [*interactions.rows[0]][:2] == ["First difference", "Second difference"]
    said = runs.conclusion()
    assert "The highest mean accuracy by batch_size: " in said
    assert ("the differences depend on batch_size" in said) == (last["verdict"] == "supported")


def test_an_interaction_names_the_larger_difference_first(project):
    sweep = swept(project, "compare: {within: batch_size}\n" + GRID, [0.5, 0.6, 0.7, 0.5])
    last = table_of(sweep).iloc[2]
    _base, sgd, adam_32, sgd_32 = (one.label for one in sweep.configurations)
    assert last["label"] == f"{adam_32} \u2212 {sgd_32}" and last["difference"] > 0.2
    said = comparison.of(sweep).conclusion()
    assert f"The best of the other groups: {sgd} 5" in said or f"{sgd} 6" in said


def test_where_no_pair_has_a_counterpart_no_interaction_is_promised(project):
    runs = """runs:
  - {label: B, optimizer: sgd}
  - {label: C, batch_size: 32, learning_rate: 0.01}
  - {label: D, batch_size: 32, learning_rate: 0.1}
"""
    sweep = swept(project, "compare: {within: batch_size}\n" + runs, [0.5, 0.6, 0.7, 0.5])
    assert set(table_of(sweep)["kind"]) == {"difference"}
    method = comparison.of(sweep).method()
    assert "that has the same batch_size." in method and "interaction" not in method


def test_one_seed_shows_networks_within_a_setting_and_no_interaction(project):
    sweep = swept(
        project,
        "compare: {within: batch_size}\n" + GRID,
        [0.6, 0.3, 0.5, 0.9],
        head="seeds: [1]\n",
    )
    table = table_of(sweep)
    assert set(table["kind"]) == {"difference"} and set(table["verdict"]) == {"network"}
    said = comparison.of(sweep).conclusion()
    assert "the first network of each of these pairs does better" in said
    assert "upported" not in said and "depend" not in said


def test_what_the_networks_of_the_flowers_have_in_common_is_the_optimizer():
    sweep = sweeps.load("flowers_optimizers")
    assert (sweep.compare, sweep.within) == ("within", "model")
    assert sweep.varied_inside == ["optimizer"]
    assert [len(group) for group in sweep.groups.values()] == [4, 4, 4, 2]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("compare: all\n", "compare must be base (all others with the base), pairs"),
        ("compare: {inside: batch_size}\n", "compare must be base"),
        ("compare: {within: batch}\n", "within must name one of the settings"),
        ("compare: {within: batch_size}\n", "no two configurations have the same batch_size"),
    ],
)
def test_a_comparison_that_makes_no_sense_is_refused(project, text, expected):
    write(project, HEAD + "seeds: [1]\n" + text + RUNS)
    with pytest.raises(ValueError, match=r"params/sweeps/mine\.yaml, line \d") as error:
        sweeps.load("mine")
    assert expected in str(error.value) and "\n" not in str(error.value)


def test_a_second_look_costs_what_the_first_one_has_spent_and_the_report_says_so(project):
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52))
    runs = comparison.of(sweep)
    first = runs.judged
    assert "this first one spends 80 % of the permitted error" in runs.method()
    record = sweep.folder / tasks.RECORD
    compared = ["base", "naive_adam", "naive_adam", "B", "C"]
    look = {"seeds": [1, 2, 3], "compared": compared}
    assert json.loads(record.read_text())["looks"] == [look]
    key = due.task(sweep).key()
    # the same seeds once more are not another look, and nothing is stale
    pd.testing.assert_frame_equal(comparison.of(sweeps.load("mine")).judged, first)
    assert fingerprint.differences(key, due.task(sweeps.load("mine")).key()) == []
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52), head="seeds: [1, 2, 3, 4, 5]\n")
    runs = comparison.of(sweep)
    scores = right(sweep)
    raw = [
        crossed.estimate(scores[label] - scores["naive_adam"]).p for label in runs.judged["label"]
    ]
    of_both = looks.adjusted(np.array(raw), seen(3, 5))
    assert runs.judged["p"].min() == pytest.approx(2 * of_both.min())
    assert of_both.min() > min(raw) / looks.SHARE
    assert "Verdicts on this sweep were given before, with 3 seeds." in runs.method()
    assert "number 2, spends 16.0 % of" in runs.method()
    tasks.record(sweep, 2, 1)
    later = {"seeds": [1, 2, 3, 4, 5], "compared": compared}
    assert json.loads(record.read_text())["looks"] == [look, later]


def test_another_comparison_after_a_verdict_is_a_look_of_its_own(project):
    """Else whoever leaves out what was not supported is rewarded."""
    sweep = swept(project, "compare: pairs\n" + RUNS, (0.5, 0.58, 0.52))
    assert len(comparison.of(sweep).judged) == 3
    write(project, HEAD + "seeds: [1, 2, 3]\nruns:\n  - {label: B, batch_size: 32}\n")
    runs = comparison.of(sweeps.load("mine"))
    scores = right(sweep)
    raw = crossed.estimate(scores["B"] - scores["naive_adam"]).p
    assert runs.judged["p"].tolist() == pytest.approx([raw / looks.spent(2)])
    assert "given before, with 3 seeds and other comparisons." in runs.method()


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"looks": {"a": 1}}',
        '{"looks": [[1, 2, 3]]}',
        '{"looks": [{"seeds": [], "compared": []}]}',
        '{"looks": [{"seeds": ["a", 1], "compared": []}]}',
        '{"looks": [{"seeds": [1, 2], "compared": []}, {"seeds": [2, 1], "compared": []}]}',
    ],
)
def test_a_damaged_record_of_looks_is_named_with_the_remedy(project, content):
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52))
    sweep.folder.mkdir()
    (sweep.folder / tasks.RECORD).write_text(content)
    with pytest.raises(ValueError, match=r"sweep\.json is damaged.*restore it, or delete it"):
        comparison.of(sweep).differences()


def test_a_report_without_a_verdict_is_no_look(project):
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52), head="seeds: [1, 2]\n")
    assert comparison.of(sweep).differences() and not (sweep.folder / tasks.RECORD).exists()
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52))
    (sweep.experiments[0].folder / "metrics.json").unlink()
    sweep = sweeps.load("mine")
    assert comparison.of(sweep).differences() == []
    assert not (sweep.folder / tasks.RECORD).exists()


def test_bounds_of_looks_hold_the_error_together():
    """Drawn: the p value of a normal mean over the seeds seen so far."""
    drawn = np.random.default_rng(3).standard_normal((20_000, 8))
    for sizes in ([3], [3, 5], [3, 4, 8]):
        found = np.zeros(len(drawn), bool)
        for place, size in enumerate(sizes):
            z = drawn[:, :size].mean(axis=1) * size**0.5
            found |= looks.adjusted(2 * stats.norm.sf(abs(z)), seen(*sizes[: place + 1])) < 0.05
        spent = 0.05 * sum(looks.spent(number) for number in range(1, len(sizes) + 1))
        assert found.mean() == pytest.approx(spent, abs=4 * (spent / len(drawn)) ** 0.5)


def test_p_values_of_a_later_look_grow_with_p_and_never_beyond_one():
    both = seen(3, 5)
    p = np.array([0.0, 1e-20, 1e-6, 0.01, 0.5, 1.0])
    adjusted = looks.adjusted(p, both)
    assert (np.diff(adjusted) >= 0).all() and adjusted[-1] == 1 and (adjusted >= p).all()
    for one, other in itertools.pairwise([both[:1], both]):
        assert (looks.adjusted(p, one) <= looks.adjusted(p, other)).all()
    with pytest.raises(ValueError, match="different looks"):
        looks.adjusted(p, [both[0], both[0]])


def test_single_runs_are_seen_beside_runs_that_differ_only_in_the_seed(project):
    """Also where these were made for something else; other images tell nothing."""
    sweep = swept(project, RUNS, (0.5, 0.58, 0.52), head="seeds: [1]\n")
    assert (
        "is not known here: no experiment was run with two seeds"
        in comparison.of(sweep).conclusion()
    )
    key = due.task(sweep).key()
    for seed, (accuracy, images) in enumerate([(0.50, 400), (0.56, 400), (0.9, 300)], 7):
        settings = {"seed": seed, "split_seed": 1, "optimizer": "rmsprop"}
        fabricated("cifar10_naive_adam", accuracy, images=images, settings=settings)
    file = project / "params/cifar10_naive_adam.yaml"
    shutil.copy(file, file.with_name("cifar10_twin.yaml"))  # the same run by another name
    settings = {"seed": 7, "split_seed": 1, "optimizer": "rmsprop"}
    fabricated("cifar10_twin", 0.50, settings=settings)
    said = comparison.of(sweeps.load("mine")).conclusion()
    assert (
        "on these images, 2 runs of cifar10_naive_adam that differ only in the seed were up to 6.0"
        " percentage points apart (standard deviation 4.2)."
    ) in said
    assert fingerprint.differences(key, due.task(sweeps.load("mine")).key()) == [
        "what is known of runs that differ only in the seed changed"
    ]


def test_before_it_runs_a_sweep_says_what_its_seeds_can_show_by_earlier_runs_or_a_guess(project):
    write(project, HEAD + "seeds: [1, 2, 3]\n" + RUNS)
    sweep = sweeps.load("mine")
    [shown, takes, basis] = power.ahead(sweep)
    level = 0.05 * looks.SHARE / 2
    of_images = (0.2 * 0.7 * 0.3 / 5000) ** 0.5
    expected = crossed.detectable(0.01 * (2 / 3) ** 0.5, of_images, 2, level)
    assert f"with 3 seeds, a difference of {100 * expected:.1f} points in four" in shown
    assert "for 2 comparisons, and a standard deviation over seeds of 1.0 points: a guess" in basis
    for seed, accuracy in enumerate((0.50, 0.52, 0.54), 7):
        settings = {"seed": seed, "split_seed": 1, "optimizer": "rmsprop"}
        fabricated("cifar10_naive_adam", accuracy, seed=seed, settings=settings)
        # a rehearsal tells nothing of a sweep with 50 epochs
        fabricated("cifar10_naive_adam", 0.1 * seed, settings=settings | {"epochs": 2})
    found = power.expected(sweep)
    assert (found.spread, found.runs) == (pytest.approx(0.02), 3)
    assert found.images_error == pytest.approx((0.2 * 0.52 * 0.48 / 400) ** 0.5)
    assert "from 3 earlier runs of as many epochs on this data" in power.ahead(sweep)[2]
    write(project, HEAD + "seeds: [1]\n" + RUNS)
    assert (
        "no difference between experiments: that takes 3 seeds"
        in power.ahead(sweeps.load("mine"))[0]
    )


def test_the_seeds_that_a_difference_takes_are_the_fewest_that_show_it():
    of_one, images_error, level = 0.014, 0.002, 0.01
    needed = power.seeds_for(0.02, of_one, images_error, level)
    shown = [
        crossed.detectable(of_one / seeds**0.5, images_error, seeds - 1, level)
        for seeds in (needed - 1, needed)
    ]
    assert shown[0] > 0.02 >= shown[1]
    assert power.seeds_for(0.005, of_one, 0.004, level) is None  # the images forbid it
    assert power.seeds_for(0.001, of_one, 0.0, level) == power.MOST_SEEDS + 1
    assert power.seeds_for(0.5, of_one, images_error, level) == 3


def test_pairs_with_long_names_leave_the_figure_its_room(project, recwarn):
    names = [f"{letter} with batch normalisation and augmentation" for letter in "BC"]
    text = RUNS.replace("B,", f"{names[0]},").replace("C,", f"{names[1]},")
    sweep = swept(project, "compare: pairs\n" + text, (0.5, 0.7, 0.6))
    picture, _table = comparison.of(sweep).differences()
    picture.figure.draw_without_rendering()
    assert not [one for one in recwarn if "constrained_layout" in str(one.message)]
    assert picture.figure.axes[0].get_window_extent().width > 150
    assert f"{names[0]} over {names[1]}" in picture.alt

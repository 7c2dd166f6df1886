"""The tables of one comparison and of one sweep, and what is tested, once more from the files of
the runs alone: what is imported of labreport only makes the runs and the report.
"""

import csv
import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize, stats

from helpers.fabricated import fabricated
from labreport.analysis import comparison
from labreport.runs import validation
from labreport.studies import assignments, sweeps

IMAGES = 400


def halves():
    """50 random halvings, the same for all runs; each half chooses in its turn."""
    random = np.random.default_rng(20)
    for _ in range(50):
        first = np.zeros(IMAGES, bool)
        first[random.permutation(IMAGES)[: IMAGES // 2]] = True
        yield from ((first, ~first), (~first, first))


def crossfitted(folder):
    """Each validation image, by id: how often it is right in epochs that others have chosen."""
    with np.load(folder / "validation.npz") as file:
        order = np.argsort(file["ids"])
        right = np.unpackbits(file["right"], axis=1, count=IMAGES)[:, order]
        # where the smallest loss decides about the epoch, it is in the file
        value = -file["loss"][:, order].astype(float) if "loss" in file else right
    counted, hits = np.zeros(IMAGES), np.zeros(IMAGES)
    for choosing, judged in halves():
        epoch = max(range(len(right)), key=lambda epoch: value[epoch, choosing].sum())
        counted += judged
        hits += judged * right[epoch]
    return hits / counted


def at_best(folder):
    """Whether each validation image is right in the best epoch, in the order of the ids."""
    with np.load(folder / "validation.npz") as file:
        right = np.unpackbits(file["right"], axis=1, count=IMAGES)[:, np.argsort(file["ids"])]
    metrics = json.loads((folder / "metrics.json").read_text())
    return right[metrics["best_epoch"] - 1].astype(float)


def answers(folder):
    """Whether each test image is right, in the order of the ids, from predictions.csv."""
    with open(folder / "predictions.csv", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["id"])
    return np.array([float(row["label"] == row["predicted"]) for row in rows])


def errors(scores):
    """Mean of (R, N), its standard error over seeds, and what the shared images add to it: by the
    covariance of two seeds over the images, as a mean over all pairs of seeds.
    """
    seeds = len(scores)
    pairs = [
        np.cov(scores[one], scores[other])[0, 1] / IMAGES
        for one, other in itertools.combinations(range(seeds), 2)
    ]
    of_seeds = scores.mean(axis=1)
    return of_seeds.mean(), stats.sem(of_seeds), max(0.0, np.mean(pairs)) ** 0.5


def beyond(value, over_seeds, over_images, degrees):
    """How likely over_seeds * t + over_images * z is at least as far from 0, on both sides: a mean
    over many equally likely values of t.
    """
    t = stats.t.ppf((np.arange(20_000) + 0.5) / 20_000, degrees)
    over_images = max(over_images, 1e-12)
    return np.mean(
        stats.norm.sf((abs(value) - over_seeds * t) / over_images)
        + stats.norm.cdf((-abs(value) - over_seeds * t) / over_images)
    )


def welch(over_seeds, over_images, degrees):
    """Welch's series (1947), written out for one estimated and one known variance."""
    z, whole = stats.norm.ppf(0.975), over_seeds**2 + over_images**2
    a, b, c = (over_seeds ** (2 * power) / whole**power for power in (2, 3, 4))
    series = (
        1
        + (1 + z**2) / 4 * a / degrees
        - (1 + z**2) / 2 * a / degrees**2
        + (3 + 5 * z**2 + z**4) / 3 * b / degrees**2
        - (15 + 32 * z**2 + 9 * z**4) / 32 * c / degrees**2
    )
    return z * series * whole**0.5


def wilson(share):
    z = stats.norm.ppf(0.975)
    ends = [
        optimize.brentq(lambda p: abs(share - p) - z * (p * (1 - p) / IMAGES) ** 0.5, *between)
        for between in ((1e-9, share), (share, 1 - 1e-9))
    ]
    return tuple(ends)


def holm(p_values):
    order = np.argsort(p_values)
    steps = [p_values[place] * (len(order) - step) for step, place in enumerate(order)]
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def numbers(text):
    """What a cell or a sentence shows."""
    plain = str(text).replace("\u2212", "-").replace("\u2013", " ")
    return [float(found) for found in re.findall(r"[+-]?\d+\.\d+", plain)]


def near(shown, expected, digits=1):
    """A number as it is printed is the rounded one, but for a tie."""
    assert np.isfinite(expected).all()
    assert shown == pytest.approx(expected, abs=0.5 * 10**-digits + 1e-6)


@pytest.fixture
def sweep():
    """cifar10_optimizers with drawn answers: experiments that differ, and seeds."""
    found = sweeps.load("cifar10_optimizers")
    for place, configuration in enumerate(found.configurations):
        for experiment in configuration.experiments:
            random = np.random.default_rng([place, experiment.seed])
            fabricated(
                experiment.name,
                (0.70, 0.69, 0.66, 0.71, 0.50)[place] + random.normal(0, 0.008),
                seed=10 * place + experiment.seed,
                settings=experiment.training_settings(),
            )
            record = validation.load(experiment.folder)
            loss = random.gamma(2, 0.5, record.right.shape) + 1 - record.right
            validation.save(replace(record, loss=loss.astype(np.float16)), experiment.folder)
    return sweeps.load("cifar10_optimizers")


def test_each_number_of_a_sweep_s_report_follows_from_the_files_of_its_runs(sweep):
    runs = comparison.of(sweep)
    scores, answers_of = {}, {}
    for configuration in sweep.configurations:
        folders = [experiment.folder for experiment in configuration.experiments]
        scores[configuration.label] = np.array([crossfitted(folder) for folder in folders])
        answers_of[configuration.label] = np.array([answers(folder) for folder in folders])
    assert list(scores) == ["Adam", "RMSprop", "Adagrad", "Adadelta", "SGD"]

    ranked = sorted(scores, key=lambda label: -scores[label].mean())
    overview = runs.overview().rows.to_dict("records")
    for row, label in zip(overview, ranked, strict=True):
        assert row["Configuration"].removesuffix(" (base)") == label
        mean, *parts = errors(scores[label])
        reach = welch(*parts, degrees=2)
        near(numbers(row["Mean"]), [100 * mean])
        near(numbers(row["SD"]), [100 * scores[label].mean(axis=1).std(ddof=1)])
        near(numbers(row["95 % interval"]), [100 * (mean - reach), 100 * (mean + reach)])

    _picture, table = runs.differences()
    others = [label for label in ranked if label != "Adam"]
    found = {label: errors(scores[label] - scores["Adam"]) for label in others}
    p_values = holm([beyond(*found[label], degrees=2) / 0.8 for label in others])
    for row, label, p in zip(table.rows, others, p_values, strict=True):
        value, *parts = found[label]
        reach = optimize.brentq(lambda x, parts=parts: beyond(x, *parts, 2) - 0.05, 0, 1, xtol=1e-6)
        assert row["Configuration"] == label
        shown = numbers(row["Points ahead of Adam"])
        near(shown, [100 * value, 100 * (value - reach), 100 * (value + reach)])
        if row["p (Holm)"].startswith("<"):
            assert p < 0.001
        else:
            near(numbers(row["p (Holm)"]), [p], digits=3)
        assert row["Verdict"] == ("supported" if p < 0.05 else "not supported")
    assert {row["Verdict"] for row in table.rows} == {"supported", "not supported"}

    for row in runs.test_table().rows.to_dict("records"):
        mean, *parts = errors(answers_of[row["Configuration"]])
        reach = welch(*parts, degrees=2)
        near(numbers(row["Test"]), [100 * mean])
        near(numbers(row["95 % interval"]), [100 * (mean - reach), 100 * (mean + reach)])

    said = runs.conclusion()
    best = ranked[0]
    # of the chosen networks, over images alone
    lead = (answers_of[best] - answers_of["Adam"]).mean(axis=0)
    reach = stats.norm.ppf(0.975) * stats.sem(lead)
    last = re.search(r"The difference is (.*) percentage points \((.*)\)\.", said)
    near(
        numbers(last[1]) + numbers(last[2]),
        [100 * lead.mean(), 100 * (lead.mean() - reach), 100 * (lead.mean() + reach)],
    )
    first = re.search(r"has an accuracy of (.*) \((.*)\), and the base", said)
    own = answers_of[best].mean(axis=0)
    reach = stats.norm.ppf(0.975) * stats.sem(own)
    near(
        numbers(first[1]) + numbers(first[2]),
        [100 * own.mean(), 100 * (own.mean() - reach), 100 * (own.mean() + reach)],
    )


def test_each_number_of_an_assignment_s_comparison_follows_from_the_files_of_its_runs():
    names = ["cifar10_naive_adam", "cifar10_l2", "cifar10_l2_dropout"]
    for place, name in enumerate(names):
        fabricated(name, (0.60, 0.72, 0.75)[place], seed=place)
    assignment = assignments.load("cifar10")
    runs = comparison.of(assignment)
    folders = {run.label: run.run.experiment.folder for run in runs.runs}
    scores = {label: crossfitted(folder) for label, folder in folders.items()}
    kept = {label: at_best(folder) for label, folder in folders.items()}

    table = runs.overview().rows.dropna(subset="Cross-fitted").set_index("Experiment")
    assert sorted(table.index) == sorted(folders)
    for label, folder in folders.items():
        metrics = json.loads((folder / "metrics.json").read_text())
        row = table.loc[label]
        near(numbers(row["Training"]), [100 * metrics["train_accuracy"]])
        near(numbers(row["Validation"]), [100 * metrics["validation_accuracy"]])
        near(numbers(row["Cross-fitted"]), [100 * scores[label].mean()])
        near(numbers(row["95 % interval"]), 100 * np.array(wilson(scores[label].mean())))
        assert row["Best epoch"] == metrics["best_epoch"]

    best, *others = sorted(scores, key=lambda label: -scores[label].mean())
    pairs = list(itertools.combinations([best, *others], 2))
    p_values = dict(
        zip(
            pairs,
            holm(
                [
                    2
                    * stats.norm.sf(
                        abs((scores[one] - scores[other]).mean())
                        / stats.sem(kept[one] - kept[other])
                    )
                    for one, other in pairs
                ]
            ),
        )
    )
    _picture, differences = runs.differences()
    for row in differences.rows:
        label = row["Other network"]
        apart = scores[best] - scores[label]
        reach = stats.norm.ppf(0.975) * stats.sem(kept[best] - kept[label])
        middle = apart.mean()
        near(
            numbers(row["Points behind"]),
            [100 * middle, 100 * (middle - reach), 100 * (middle + reach)],
        )
        p = p_values[best, label]
        if not row["p (Holm)"].startswith("<"):
            near(numbers(row["p (Holm)"]), [p], digits=3)
        else:
            assert p < 0.001
    for row in runs.test_table().rows.dropna(subset="Test").to_dict("records"):
        share = answers(folders[row["Experiment"]]).mean()
        near(numbers(row["Test"]), [100 * share])
        near(numbers(row["95 % interval"]), 100 * np.array(wilson(share)))

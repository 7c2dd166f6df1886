"""Seeds and images judged together: against the published formulas, written down a second time."""

import itertools

import numpy as np
import pytest
from scipy import stats

from labreport.analysis import crossed, crossfit
from labreport.runs.validation import Validation


@pytest.fixture
def answers():
    """Two experiments with four seeds each on sixty images: bool (2, 4, 60)."""
    random = np.random.default_rng(11)
    difficulty = random.normal(0, 1, 60)
    seeds = random.normal(0, 0.3, (2, 4, 1))
    return difficulty + seeds + random.normal(0.3, 0.7, (2, 4, 60)) > 0


def covariance(one, other):
    """Of the accuracies of two runs, over the images that they share."""
    return np.cov(one, other)[0, 1] / len(one)


def test_the_errors_are_those_of_obuchowski_and_rockette(answers):
    """MS(T*R) and Cov2 - Cov3 of two treatments, four readers and sixty cases."""
    accuracy = answers.mean(axis=2)
    of_treatments, of_readers = accuracy.mean(axis=1), accuracy.mean(axis=0)
    rest = accuracy - of_treatments[:, None] - of_readers + accuracy.mean()
    mean_square = (rest**2).sum() / (2 - 1) / (4 - 1)
    unlike = list(itertools.permutations(range(4), 2))
    same_treatment = np.mean(
        [covariance(answers[t, a], answers[t, b]) for t in (0, 1) for a, b in unlike]
    )
    both_differ = np.mean([covariance(answers[0, a], answers[1, b]) for a, b in unlike])
    found = crossed.estimate(answers[0].astype(float) - answers[1])
    assert found.value == pytest.approx(of_treatments[0] - of_treatments[1])
    assert found.seeds_error**2 == pytest.approx(2 / 4 * mean_square)
    assert found.images_error**2 == pytest.approx(2 * max(same_treatment - both_differ, 0))


def test_p_and_interval_are_those_of_the_sum_of_a_t_and_a_normal_variable():
    random = np.random.default_rng(4)
    drawn = np.abs(0.02 * random.standard_t(2, 10**6) + 0.03 * random.standard_normal(10**6))
    for value in (0.01, 0.05, 0.2):
        p = crossed.two_sided(np.float64(value), 0.02, 0.03, 2)
        assert p == pytest.approx((drawn > value).mean(), abs=0.001)
    reach = crossed.quantile(0.975, 0.02, 0.03, 2)
    assert crossed.two_sided(np.float64(reach), 0.02, 0.03, 2) == pytest.approx(0.05)
    assert crossed.quantile(0.975, 0.02, 0.0, 2) == pytest.approx(0.02 * stats.t.ppf(0.975, 2))
    assert crossed.quantile(0.975, 0.0, 0.03, 2) == pytest.approx(0.03 * stats.norm.ppf(0.975))


def test_of_one_seed_the_images_alone_are_a_sample(answers):
    ahead = answers[0, 0].astype(float) - answers[1, 0]
    found = crossed.estimate(ahead[None])
    assert found.seeds_error == 0 and found.images_error == pytest.approx(stats.sem(ahead))
    assert found.p == pytest.approx(2 * stats.norm.sf(abs(ahead.mean()) / stats.sem(ahead)))


def test_without_a_spread_over_seeds_there_is_nothing_to_judge_by():
    same = np.tile(np.arange(10) % 3 == 0, (3, 1)).astype(float)
    found = crossed.estimate(same)
    assert found.value == pytest.approx(0.4) and np.isnan([found.low, found.high, found.p]).all()


@pytest.mark.parametrize("shape", [(0, 5), (3, 1), (4,)])
def test_too_little_to_judge_by_is_refused(shape):
    with pytest.raises(ValueError, match=r"scores of one or more seeds and of two or more images"):
        crossed.estimate(np.zeros(shape))


def test_splits_of_their_own_widen_the_interval_as_nadeau_and_bengio_say():
    differences = np.array([0.01, 0.03, 0.02, 0.05])
    found = crossed.resampled(differences, trained=800, held_out=200)
    error = np.sqrt((1 / 4 + 200 / 800) * differences.var(ddof=1))
    assert found.low == pytest.approx(differences.mean() - stats.t.ppf(0.975, 3) * error)
    assert found.p == pytest.approx(2 * stats.t.sf(differences.mean() / error, 3))


@pytest.mark.parametrize("seeds, level", [(3, 0.05), (3, 0.001), (5, 0.01), (10, 0.05)])
def test_a_detectable_difference_is_found_in_four_of_five_cases(seeds, level):
    random, cases = np.random.default_rng(8), 20_000
    ahead = crossed.detectable(0.01, 0.004, seeds - 1, level)
    of_seeds = (
        ahead
        + random.normal(0, 0.01 * seeds**0.5, (cases, seeds))
        + random.normal(0, 0.004, (cases, 1))
    )
    value, error, _ = crossed.errors(of_seeds, np.zeros(cases))
    p = crossed.two_sided(value, error, np.full(cases, 0.004), seeds - 1)
    assert (p < level).mean() == pytest.approx(0.8, abs=0.02)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_of_an_accuracy_holds_whatever_part_the_seeds_have_in_its_error(seeds, share):
    """Drawn: the spread over seeds as it is found, and what the mean then is."""
    random = np.random.default_rng(5)
    found = np.sqrt(share * random.chisquare(seeds - 1, 40_000) / (seeds - 1))
    reach = crossed.welch(found, np.full_like(found, np.sqrt(1 - share)), seeds - 1)
    covered = (2 * stats.norm.cdf(reach) - 1).mean()
    assert 0.928 < covered < 0.952


def test_an_accuracy_takes_three_seeds():
    with pytest.raises(ValueError, match=r"three or more seeds.*got \(2, 5\)"):
        crossed.accuracy(np.ones((2, 5)))


def test_cross_fitting_is_what_its_words_say():
    """Each image counts in the epochs that halves without it have chosen."""
    random = np.random.default_rng(6)
    right = random.random((7, 31)) < 0.6
    ids = np.array([f"{number:02}" for number in range(31)])
    expected, seen = np.zeros(31), np.zeros(31)
    for chooses in crossfit._halves(31):
        accuracies = [epoch[chooses == 1].mean() for epoch in right]
        best = right[int(np.argmax(accuracies))]
        expected += np.where(chooses == 0, best, 0)
        seen += chooses == 0
    assert (seen == crossfit.REPEATED).all()
    assert crossfit.scores(Validation(ids, right, None)) == pytest.approx(expected / seen)

"""How often the verdicts of reports are wrong, how often they find what is there, and how often the
intervals cover the truth: experiments whose truth is known, judged as the reports judge them.

.venv/bin/python tests/simulate.py --repetitions 2000
"""

import argparse
import itertools
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # a process for each processor
    os.environ[variable] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

import numpy as np  # noqa: E402
from scipy import special, stats  # noqa: E402

from labreport.analysis import crossed, crossfit, looks, statistics  # noqa: E402
from labreport.runs.validation import Validation  # noqa: E402
from labreport.studies.looks import Look  # noqa: E402

IMAGES = (863, 1023, 10_000)
SEED_SD = (0.0, 0.3, 0.5, 0.8, 1.2)  # of the true accuracies, in points
SEEDS = (1, 3, 5, 10)
EXPERIMENTS = (2, 3, 5, 8, 10)
PLANTED = (1.0, 2.0, 5.0)  # points that the last of five experiments is ahead
ACCURACY = 0.7
SIGNIFICANT = 1 - statistics.CONFIDENCE
PAIRS = np.array(
    [
        np.eye(max(EXPERIMENTS))[one] - np.eye(max(EXPERIMENTS))[other]
        for one, other in itertools.combinations(range(max(EXPERIMENTS)), 2)
    ]
)
PAIRED = np.array([other for _, other in itertools.combinations(range(max(EXPERIMENTS)), 2)])
INTERACTION = np.array([[1, -1, -1, 1] + [0] * (max(EXPERIMENTS) - 4)])
# How much two runs have in common: the correlation of what decides whether an image is right. Runs
# of equal experiments either share as much as runs of one experiment, or each experiment also has
# images of its own that it is good at.
LIKENESS = {"alike": (0.6, 0.6), "own images": (0.6, 0.5)}


def look(seeds):
    return Look(frozenset(range(seeds)), ())


def per_point():
    """What a point of accuracy is in units of the threshold."""
    return 1 / (100 * stats.norm.pdf(stats.norm.ppf(ACCURACY)))


def answers(random, images, seed_sd, likeness):
    """What decides whether each image is right with each seed of each experiment: above 0 it is,
    float32 (E, R, N); and the true accuracies of the networks (E, R).
    """
    experiments, seeds = max(EXPERIMENTS), max(SEEDS)
    within, between = LIKENESS[likeness]
    level = stats.norm.ppf(ACCURACY) + (
        random.standard_normal((experiments, seeds)) * seed_sd * per_point()
    )
    found = random.standard_normal((experiments, seeds, images), np.float32)
    found *= np.float32((1 - within) ** 0.5)
    found += level[:, :, None].astype(np.float32)
    found += random.standard_normal(images, np.float32) * np.float32(between**0.5)
    if within > between:
        own = random.standard_normal((experiments, 1, images), np.float32)
        found += own * np.float32((within - between) ** 0.5)
    return found, stats.norm.cdf(level)


class Moments:
    """Accuracies and their covariances over images, from which all is judged that the reports judge
    from single images.
    """

    def __init__(self, right):
        self.experiments, self.seeds, images = right.shape
        flat = right.reshape(-1, images)
        self.accuracy = flat.mean(axis=1, dtype=float)
        self.images, both = images, (flat @ flat.T).astype(float)
        covariance = (both / images - np.outer(self.accuracy, self.accuracy)) / (images - 1)
        places = 2 * (self.experiments, self.seeds)
        self.both_right, self.covariance = both.reshape(places), covariance.reshape(places)
        self.accuracy = self.accuracy.reshape(self.experiments, self.seeds)

    def against_base(self, seeds):
        """Value, p and errors of each other experiment less the first one, (E - 1,) each, as
        `crossed.estimate` gives them.
        """
        others = np.arange(1, self.experiments)
        signs = np.zeros((len(others), self.experiments))
        signs[:, 0], signs[others - 1, others] = -1, 1
        if seeds == 1:
            own = self.covariance[:, 0, :, 0]
            error = np.sqrt(np.maximum(np.diag(own)[1:] + own[0, 0] - 2 * own[1:, 0], 0))
            lead = self.accuracy[1:, 0] - self.accuracy[0, 0]
            return self._judged(lead, np.zeros_like(error), error, 1, error)
        return self.contrasts(signs, seeds)

    def contrasts(self, signs, seeds):
        """The same of sums of experiments, (M, E) with how each counts."""
        blocks = self.covariance[:, :seeds, :, :seeds]
        unlike = 1 - np.eye(seeds)
        shared = np.einsum("iajb,ab->ij", blocks, unlike) / (seeds * (seeds - 1))
        whole = np.einsum("mi,ij,mj->m", signs, shared, signs)
        value, seeds_error, images_error = crossed.errors(signs @ self.accuracy[:, :seeds], whole)
        return self._judged(value, seeds_error, images_error, seeds - 1, seeds_error)

    def mean_of_base(self, seeds):
        """The first experiment's accuracy, and how far its interval reaches."""
        block = self.covariance[0, :seeds, 0, :seeds]
        shared = (block.sum() - np.trace(block)) / (seeds * (seeds - 1))
        value, *errors = crossed.errors(self.accuracy[0, :seeds], shared)
        return value, crossed.welch(*errors, seeds - 1)

    @staticmethod
    def _judged(value, seeds_error, images_error, degrees, needed):
        """needed: the spread without which no verdict is given."""
        p = crossed.two_sided(value, seeds_error, images_error, degrees)
        return value, np.where(needed > 1e-12, p, 1), (seeds_error, images_error, degrees)


def covers(value, errors, truth):
    """Whether the 95 % intervals cover the truth."""
    seeds_error, images_error, degrees = errors
    return crossed.two_sided(value - truth, seeds_error, images_error, degrees) > SIGNIFICANT


def by_hillis(value, errors):
    """p with one t variable for seeds and images together, its degrees of freedom after Hillis."""
    seeds_error, images_error, degrees = errors
    whole = seeds_error**2 + images_error**2
    known = seeds_error > 1e-12
    many = degrees * (whole[known] / seeds_error[known] ** 2) ** 2
    p = np.ones_like(value)
    p[known] = 2 * special.stdtr(many, -np.abs(value[known]) / whole[known] ** 0.5)
    return p


def before(moments, seeds):
    """For each number of experiments whether the reports of labreport 0.1.0 called a difference
    supported: over one seed, the best against the others by McNemar's test; over several, each
    against the base by the t test.
    """
    if seeds > 1:
        p = by_t_test(moments.accuracy[1:, :seeds] - moments.accuracy[0, :seeds])
        return [p[: number - 1].min() * (number - 1) < SIGNIFICANT for number in EXPERIMENTS]
    said = []
    right = np.round(moments.accuracy[:, 0] * moments.images)
    for number in EXPERIMENTS:
        best = right[:number].argmax()
        both = moments.both_right[best, 0, :number, 0]
        fewer, apart = right[:number] - both, right[best] + right[:number] - 2 * both
        p = np.minimum(1, 2 * special.bdtr(np.minimum(fewer, apart - fewer), apart, 0.5))
        said.append(np.delete(p, best).min() * (number - 1) < SIGNIFICANT)
    return said


def by_t_test(lead):
    """p of each lead over the base, (E, R) -> (E,)."""
    seeds = lead.shape[1]
    error = lead.std(axis=1, ddof=1) / seeds**0.5
    t = np.abs(lead.mean(axis=1)) / np.where(error > 0, error, np.inf)
    return 2 * special.stdtr(seeds - 1, -t)


def cell(arguments):
    """Shares of one cell: what is said of equal experiments, what is found, what is covered."""
    images, seed_sd, likeness, repetitions, seed = arguments
    random = np.random.default_rng(seed)
    counted = defaultdict(list)
    for _ in range(repetitions):
        latent, truth = answers(random, images, seed_sd, likeness)
        right = (latent > 0).astype(np.float32)
        moments = Moments(right)
        at_looks = {}
        for seeds in SEEDS:
            value, p, errors = moments.against_base(seeds)
            if seeds == 1:
                # of two networks, whatever other seeds would give
                covered = covers(value, errors, truth[1:, 0] - truth[0, 0])
                counted["networks covered", seeds].append(covered[0])
                low, high = statistics.wilson_of_scores(right[0, 0])
                counted["network covered", seeds].append(low <= truth[0, 0] <= high)
            else:
                counted["difference covered", seeds].append(covers(value, errors, 0.0)[0])
                mean, reach = moments.mean_of_base(seeds)
                expected = stats.norm.cdf(
                    stats.norm.ppf(ACCURACY) / np.hypot(1, seed_sd * per_point())
                )
                counted["mean covered", seeds].append(abs(mean - expected) <= reach)
                interaction, _, of_interaction = moments.contrasts(INTERACTION, seeds)
                counted["interaction covered", seeds].append(
                    covers(interaction, of_interaction, 0.0)[0]
                )
            if seeds > 1:
                at_looks[seeds] = p
                p = looks.adjusted(p, [look(seeds)])  # at the first look
                of_pairs = looks.adjusted(moments.contrasts(PAIRS, seeds)[1], [look(seeds)])
                for experiments in EXPERIMENTS:
                    among = experiments > PAIRED
                    counted["pairs", seeds, experiments].append(
                        of_pairs[among].min() * among.sum() < SIGNIFICANT
                    )
            of_one_t = by_hillis(value, errors)
            for experiments, said_before in zip(EXPERIMENTS, before(moments, seeds)):
                hillis = of_one_t[: experiments - 1].min() * (experiments - 1) < SIGNIFICANT
                counted["hillis", seeds, experiments].append(hillis)
                counted["before", seeds, experiments].append(said_before)
                said = p[: experiments - 1].min() * (experiments - 1) < SIGNIFICANT
                # with one seed the reports call nothing supported, but one network better
                what = "networks" if seeds == 1 else "said"
                counted[what, seeds, experiments].append(said)
        for experiments in EXPERIMENTS:
            counted["looks", experiments].append(said_at_a_look(at_looks, experiments))
            counted["looks before", experiments].append(
                said_at_a_look(at_looks, experiments, allowed_for=False)
            )
        for points in PLANTED:
            ahead = (latent[4:5] > -points * per_point()).astype(np.float32)
            two = Moments(np.concatenate([right[:1], ahead]))
            for seeds in SEEDS[1:]:
                # the smallest of four p values, which is the one that is looked for, times four
                counted["found", seeds, points].append(
                    two.against_base(seeds)[1][0] * 4 / looks.SHARE < SIGNIFICANT
                )
                lead = (two.accuracy[1] - two.accuracy[0])[:seeds]
                counted["found before", seeds, points].append(
                    by_t_test(lead[None])[0] * 4 < SIGNIFICANT
                )
    return {key: float(np.mean(values)) for key, values in counted.items()}


def said_at_a_look(at_looks, experiments, allowed_for=True):
    """Whether a difference is called supported at one of the looks: with 3 seeds, with 5, with 10.

    at_looks: by seeds, p of each other experiment less the first one.
    """
    seen = []
    for seeds, p in at_looks.items():
        seen.append(look(seeds))
        p = p[: experiments - 1]
        if allowed_for:
            p = looks.adjusted(p, seen)
        if p.min() * (experiments - 1) < SIGNIFICANT:
            return True
    return False


def epochs_of_a_run(random, images, epochs, common, spread=0.8, last=ACCURACY):
    """A record of a run whose later epochs are equally good, but for their spread in points: and
    the true accuracies of its epochs.

    common: what runs share of what decides about an image, (N,), 0.6 of its variance; a run has
    0.15 of its own, and each epoch the rest.
    """
    threshold = stats.norm.ppf(last)
    points = stats.norm.pdf(threshold) * 100
    rise = 40 * np.exp(-np.arange(epochs) * 8 / epochs)  # points below the last ones
    level = threshold + (random.standard_normal(epochs) * spread - rise) / points
    own = random.standard_normal(images) * 0.15**0.5
    noise = random.standard_normal((epochs, images)) * 0.25**0.5
    right = common * 0.6**0.5 + own + noise + level[:, None] > 0
    ids = np.array([f"{number:06}" for number in range(images)])
    return Validation(ids, right, None), stats.norm.cdf(level)


def crossfitted(arguments):
    """Coverage of the interval beside the best epoch, as it was and cross-fitted."""
    images, epochs, repetitions, seed = arguments
    random = np.random.default_rng(seed)
    counted = defaultdict(list)
    for _ in range(repetitions):
        record, truth = epochs_of_a_run(random, images, epochs, random.standard_normal(images))
        accuracy = record.right.mean(axis=1)
        best = accuracy.argmax()
        scores = crossfit.scores(record)
        for name, (low, high) in {
            "best epoch": statistics.wilson(int(record.right[best].sum()), images),
            "cross-fitted": statistics.wilson_of_scores(scores),
        }.items():
            counted[name].append(low <= truth[best] <= high)
        counted["too high"].append(accuracy[best] - truth[best])
        counted["cross-fitted too high"].append(scores.mean() - truth[best])
    return {key: float(np.mean(values)) for key, values in counted.items()}


def of_unlike_length(arguments):
    """Two experiments of so many epochs, three seeds each: coverage of the difference of two
    networks, and how often one is called better or a difference is supported. Without a spread of
    the epochs all networks are equal.
    """
    images, lengths, spread, repetitions, seed = arguments
    random = np.random.default_rng(seed)
    counted = defaultdict(list)
    for _ in range(repetitions):
        common = random.standard_normal(images)
        scores, at_best, truth = [], [], []
        for epochs in lengths:
            runs = [epochs_of_a_run(random, images, epochs, common, spread) for _ in range(3)]
            best = [record.right.mean(axis=1).argmax() for record, _ in runs]
            scores.append(np.array([crossfit.scores(record) for record, _ in runs]))
            at_best.append(runs[0][0].right[best[0]].astype(float))
            truth.append(runs[0][1][best[0]])
        of_networks = crossed.networks(scores[0][0] - scores[1][0], at_best[0] - at_best[1])
        counted["covered"].append(of_networks.low <= truth[0] - truth[1] <= of_networks.high)
        counted["better"].append(of_networks.p < SIGNIFICANT)
        found = crossed.estimate(scores[0] - scores[1])
        counted["supported"].append(found.p / looks.SHARE < SIGNIFICANT)
        plain = [table.mean() for table in at_best]
        counted["ahead at the best epoch"].append(plain[0] - plain[1])
        counted["ahead"].append(of_networks.value)
    return {key: float(np.mean(values)) for key, values in counted.items()}


def percent(share):
    return f"{100 * share:5.1f}"


def table(title, header, rows):
    print(f"\n{title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join(map(str, row))} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--repetitions", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began, repetitions = time.monotonic(), options.repetitions
    error = (0.05 * 0.95 / repetitions) ** 0.5
    print(f"{repetitions} repetitions; standard error of a share of 5 %: {100 * error:.2f} points")
    cells = list(itertools.product(LIKENESS, IMAGES, SEED_SD))
    with multiprocessing.get_context("spawn").Pool() as pool:
        order = sorted(range(len(cells)), key=lambda place: -cells[place][1])
        work = [
            (images, sd, likeness, repetitions, [options.seed, place])
            for place, (likeness, images, sd) in enumerate(cells)
        ]
        shares = {}
        for place, share in zip(order, pool.imap(cell, [work[place] for place in order])):
            shares[place] = share
            # a cell takes as long as its images are many
            done = sum(cells[place][1] for place in shares) / sum(images for _, images, _ in cells)
            left = (time.monotonic() - began) * (1 / done - 1) / 60
            print(f"{len(shares)} of {len(cells)} cells, {left:.0f} min left", file=sys.stderr)
        fitted = [
            (images, epochs, repetitions, [options.seed, images, epochs])
            for images, epochs in itertools.product((863, 1023, 5000), (10, 20, 60))
        ]
        of_epochs = pool.map(crossfitted, fitted)
        unlike = [
            (images, lengths, spread, max(1, repetitions // 2), [options.seed, place])
            for place, (images, lengths, spread) in enumerate(
                itertools.product((863, 5000), ((20, 20), (60, 60), (60, 10)), (0.0, 0.8))
            )
        ]
        of_lengths = pool.map(of_unlike_length, unlike)
    found = {cells[place]: shares[place] for place in range(len(cells))}

    def rows(what, keys, chosen=SEEDS):
        return [
            [likeness, images, sd, seeds]
            + [percent(found[likeness, images, sd][what, seeds, key]) for key in keys]
            for (likeness, images, sd), seeds in itertools.product(cells, chosen)
        ]

    place = ["experiments are", "images", "seed SD", "seeds"]
    named = [f"k = {number}" for number in EXPERIMENTS]
    table(
        "Reports on equal experiments that call a difference supported, in %",
        place + named,
        rows("said", EXPERIMENTS, SEEDS[1:]),
    )
    table(
        "The same where each is compared with each",
        place + named,
        rows("pairs", EXPERIMENTS, SEEDS[1:]),
    )
    table(
        "Reports with 3 seeds, then 5, then 10: that call a difference supported once, in % (in"
        " brackets: if p did not allow for the looks)",
        place[:3] + named,
        [
            [
                *key,
                *(
                    f"{percent(found[key]['looks', number])}"
                    f" ({percent(found[key]['looks before', number]).strip()})"
                    for number in EXPERIMENTS
                ),
            ]
            for key in cells
        ],
    )
    table("The same by the rule of labreport 0.1.0", place + named, rows("before", EXPERIMENTS))
    table(
        "The same with Hillis's degrees of freedom",
        place + named,
        rows("hillis", EXPERIMENTS, SEEDS[1:]),
    )
    table(
        "Reports on one run each that call a network better, in % (with a seed SD of 0 none is)",
        place + named,
        rows("networks", EXPERIMENTS, SEEDS[:1]),
    )
    table(
        "Planted differences of one of five experiments that are found, in % (in brackets: by the"
        " rule before)",
        place + [f"{points:g} points" for points in PLANTED],
        [
            [likeness, images, sd, seeds]
            + [
                f"{percent(found[likeness, images, sd]['found', seeds, points])}"
                f" ({percent(found[likeness, images, sd]['found before', seeds, points]).strip()})"
                for points in PLANTED
            ]
            for (likeness, images, sd), seeds in itertools.product(cells, SEEDS[1:])
        ],
    )
    kinds = ("difference covered", "interaction covered", "mean covered")
    table(
        "95 % intervals over seeds and images that cover the truth, in %",
        [*place, "difference", "interaction", "mean"],
        [
            [likeness, images, sd, seeds]
            + [percent(found[likeness, images, sd][kind, seeds]) for kind in kinds]
            for (likeness, images, sd), seeds in itertools.product(cells, SEEDS[1:])
        ],
    )
    table(
        "95 % intervals of networks, over images alone, that cover the truth, in %",
        [*place[:3], "difference of two", "one"],
        [
            [
                *key,
                percent(found[key]["networks covered", 1]),
                percent(found[key]["network covered", 1]),
            ]
            for key in cells
        ],
    )
    table(
        "95 % intervals beside the best epoch that cover its true accuracy, in %, and by how many"
        " points the estimate is too high",
        ["images", "epochs", "best epoch", "cross-fitted", "too high", "too high, cross-fitted"],
        [
            [images, epochs, percent(one["best epoch"]), percent(one["cross-fitted"])]
            + [f"{100 * one[key]:.2f}" for key in ("too high", "cross-fitted too high")]
            for (images, epochs, _, _), one in zip(fitted, of_epochs)
        ],
    )
    table(
        "Two experiments of so many epochs, by cross-fitted accuracies, in %: intervals of two"
        " networks that cover the true difference; and where all epochs are equal, reports that"
        " call one of two networks better, and those that call a difference supported (3 seeds"
        " each), and by how many points the first is ahead at its best epoch, and cross-fitted",
        ["images", "epochs", "SD", "covered", "better", "supported", "ahead", "cross-fitted"],
        [
            [images, " and ".join(map(str, lengths)), spread, percent(one["covered"])]
            + (
                ["", "", "", ""]
                if spread
                else [
                    percent(one["better"]),
                    percent(one["supported"]),
                    f"{100 * one['ahead at the best epoch']:.2f}",
                    f"{100 * one['ahead']:.2f}",
                ]
            )
            for (images, lengths, spread, _, _), one in zip(unlike, of_lengths)
        ],
    )
    worst = max(
        share
        for one in found.values()
        for (what, *_), share in one.items()
        if what in ("said", "pairs", "looks")
    )
    print(f"\nmost reports that are wrong, in a cell: {percent(worst).strip()} %")
    print(f"took {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()

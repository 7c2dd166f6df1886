"""Real processes, killed at random moments, end with the same bits once they are started again."""

import random
import signal

import pytest

import soak


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, through, number",
    [
        *(
            (kind, "training", (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL)[place % 3])
            for place, kind in enumerate(soak.KINDS)
        ),
        ("dropout and penalties", "kernel", signal.SIGKILL),
        ("batch normalisation, augmented", "pipeline", signal.SIGKILL),
        ("one sigmoid, augmented", "terminal", signal.SIGHUP),
    ],
)
def test_a_run_killed_at_a_random_moment_ends_with_the_same_bits(kind, through, number, tmp_path):
    """`make soak` does it oftener."""
    runs, seed = soak.Soak(tmp_path, kind, through), random.randrange(10**6)
    expected = soak.ended_with(runs.undisturbed())
    met = []
    # A run may be through before the signal, but hardly before one that comes ever earlier.
    for attempt, latest in enumerate((None, 1, 0, 0, 0)):
        reports, met = runs.disturbed(
            f"disturbed-{attempt}", 1, random.Random(seed + attempt), number, latest
        )
        assert soak.ended_with(reports) == expected, f"stopped {met} (seed {seed})"
        if met:
            return
    raise AssertionError("no signal came in time")

"""Real processes, killed at random moments, end with the same bits once they are started again."""

import random
import signal

import pytest

import soak

# Left to `make soak`: the first remembers what "batch normalisation, augmented" does, the second is
# killed after each of its epochs by unit/test_reliability.
LEFT = ("one sigmoid, augmented", "early stopping, an earlier epoch is the best")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind, number",
    [
        (kind, (signal.SIGTERM, signal.SIGKILL, signal.SIGKILL)[place % 3])
        for place, kind in enumerate(soak.KINDS)
        if kind not in LEFT
    ],
)
def test_a_run_killed_at_a_random_moment_ends_with_the_same_bits(kind, number, tmp_path):
    """`make soak` does it oftener, and to pipelines, kernels and terminals too. Here these end in
    test_dask (pipelines), host/test_hosts (a kernel) and test_terminal, and the bits are compared.
    """
    runs, seed = soak.Soak(tmp_path, kind), random.randrange(10**6)
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

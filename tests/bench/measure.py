"""Ways of doing the same thing, timed in turns: each way in a process of its own, so that a machine
that slows down slows all alike.
"""

import multiprocessing
import os
import statistics
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def seconds_in_turns(ways, case: tuple, turns: int) -> dict:
    """Seconds of each counted turn, by way. ways: functions of the case that prepare and return a
    function of the turn's number.
    """
    spawn = multiprocessing.get_context("spawn")
    pipes, processes = [], []
    for way in ways:
        ours, theirs = spawn.Pipe()
        processes.append(spawn.Process(target=_serve, args=(way, case, theirs), daemon=True))
        processes[-1].start()
        theirs.close()  # or the end of that process would not be seen here
        pipes.append(ours)
    seconds = {way: [] for way in ways}
    for turn in range(turns + 1):
        for way, pipe in zip(ways, pipes):
            pipe.send(turn)
            seconds[way].append(pipe.recv())
    for pipe, process in zip(pipes, processes):
        pipe.send(None)
        process.join()
    return {way: values[1:] for way, values in seconds.items()}  # the first turn compiles


def ratio(numerator: list[float], denominator: list[float]) -> str:
    """Median of the ratios turn by turn, and their range."""
    found = [one / other for one, other in zip(numerator, denominator)]
    return f"{statistics.median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def _serve(way, case, pipe):
    # Python's own errors are seen, TensorFlow's greetings are not
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    once = way(*case)
    while (turn := pipe.recv()) is not None:
        started = time.perf_counter()
        once(turn)
        pipe.send(time.perf_counter() - started)

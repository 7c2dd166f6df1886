"""How far the runs of a sweep are, read from their folders: for the live table, for plain lines,
and for another shell.
"""

import contextlib
import sys
import time
from dataclasses import dataclass

from ..core.i18n import count, duration, percent
from ..core.progress_log import log
from ..runs import records, state
from .plan import Step

BAR = 20  # characters
LONGEST_NOTE = 40  # characters
MOST_LINES = 30  # of runs in the live table


@dataclass(frozen=True)
class Progress:
    """One run. epochs: complete ones. left: seconds, None where nothing tells. note: what came of
    it, or why it is not running.
    """

    label: str
    seed: int
    name: str
    epochs: int
    most: int
    left: float | None
    note: str

    @property
    def bar(self) -> str:
        full = round(BAR * self.epochs / self.most) if self.name != "done" else BAR
        return "#" * full + "." * (BAR - full)


def look(step: Step) -> Progress:
    """What a run's folder says now."""
    experiment = step.experiment
    now, metrics = state.read(experiment.folder), records.metrics(experiment.folder)
    if metrics and now.name != "running" and not now.epochs:
        accuracy = f"{percent(metrics.evaluated_accuracy)} ({metrics.evaluated_split})"
        return Progress(
            step.label,
            step.seed,
            "done",
            metrics.epochs or experiment.epochs,
            experiment.epochs,
            0.0,
            accuracy,
        )
    epochs, left = now.epochs or 0, step.seconds
    if now.name == "running" and epochs:
        left = _left(experiment, epochs)
    elif left is not None and epochs > step.epochs_done:
        left *= (experiment.epochs - epochs) / max(1, experiment.epochs - step.epochs_done)
    never_started = now.name in ("none", "queued") or (
        now.name == "interrupted" and now.record and now.record["state"] == "queued"
    )
    return Progress(
        step.label,
        step.seed,
        "waiting" if never_started else now.name,
        epochs,
        experiment.epochs,
        left,
        "" if never_started else now.why,
    )


def _left(experiment, epochs: int) -> float | None:
    """By the times at which its checkpoints were written."""
    saved = sorted(
        path.stat().st_mtime for path in (experiment.folder / state.UNFINISHED).glob("epoch-*.npz")
    )
    if not saved:
        return None
    pace = (
        saved[-1] - saved[0]
        if len(saved) > 1
        else time.time() - (experiment.folder / state.FILE).stat().st_mtime
    )
    return max(0.0, (experiment.epochs - epochs) * pace - (time.time() - saved[-1]))


def whole(runs: list[Progress], at_once: int) -> str:
    """The sweep in one line."""
    states = [run.name for run in runs]
    parts = [
        f"{states.count('done')} of {count(len(runs), 'run')} done",
        *(
            f"{states.count(name)} {name}"
            for name in ("running", "failed", "interrupted", "waiting")
            if name in states
        ),
    ]
    waiting = [run for run in runs if run.name != "done"]
    known = [run.left for run in waiting if run.left]
    if known:
        # of those that nothing tells of, as much as of the others
        left = max(max(known), sum(known) * len(waiting) / len(known) / at_once)
        parts.append(f"about {duration(left)} left")
    return ", ".join(parts)


def line(run: Progress) -> str:
    """A run in one line of plain text."""
    left = f", at most {duration(run.left)} left" if run.left and run.name == "running" else ""
    return f"{run.label}, seed {run.seed}: {run.name}, epoch {run.epochs} of {run.most}{left}" + (
        f": {run.note}" if run.note else ""
    )


def table(runs: list[Progress], at_once: int):
    """A rich table: those that run, failed or were stopped first; of the others as many as fit."""
    from rich.table import Table
    from rich.text import Text

    order = {"running": 0, "failed": 1, "interrupted": 2, "done": 3, "waiting": 4}
    shown = sorted(runs, key=lambda run: order.get(run.name, 3))[:MOST_LINES]
    drawn = Table(
        title=whole(runs, at_once),
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    for heading in ("run", "seed", "state", "progress", "epoch", "left", ""):
        drawn.add_column(
            heading,
            justify="right" if heading in ("seed", "epoch", "left") else "left",
            no_wrap=True,
        )
    for run in shown:
        left = duration(run.left) if run.left and run.name != "done" else ""
        # the log has the rest
        note = run.note if len(run.note) <= LONGEST_NOTE else f"{run.note[:LONGEST_NOTE]}..."
        row = (
            run.label,
            str(run.seed),
            run.name,
            run.bar,
            f"{run.epochs}/{run.most}",
            left,
            note if run.name in ("done", "failed") else "",
        )
        drawn.add_row(*map(Text, row))  # as it stands: brackets in a label are no markup
    if len(runs) > len(shown):
        drawn.caption, drawn.caption_justify = f"and {len(runs) - len(shown)} more", "left"
    return drawn


@contextlib.contextmanager
def shown(steps: list[Step], at_once: int):
    """Show a sweep while it runs: a table that moves in a terminal, else a line for each run that
    starts or ends. Yields what `Pool.run` is to call.
    """
    if not sys.stdout.isatty():

        def print_line(task):
            if not task:
                return
            if task.outcome == "done":
                text = line(look(task.step))
            else:
                text = f"{task.step.label}, seed {task.step.seed}: {task.outcome}"
                if task.outcome == "failed":
                    text += f": {task.why}"
            log.info(text)

        yield print_line
        return
    from rich.live import Live

    last, terminal = 0.0, sys.stdout

    def changed(task):
        nonlocal last
        if task or time.monotonic() - last > 1:
            last = time.monotonic()
            if not terminal.isatty():
                # its window was closed: rich stops writing then, and only writing notices
                print(file=terminal, flush=True)
            live.update(table([look(step) for step in steps], at_once), refresh=True)

    with Live(table([look(step) for step in steps], at_once), auto_refresh=False) as live:
        yield changed
        live.update(table([look(step) for step in steps], at_once), refresh=True)

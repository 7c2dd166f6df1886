"""What a notebook does that was sent to Kaggle: it goes through a list of runs until they are done
or its time is up, and says what came of each.

Its record, errand.json in the output, is what the sender believes: the service's own status says
nothing of runs, and the files of a notebook that failed look like those of one that did not.
"""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core import files, i18n, paths, signals
from ...core.progress_log import log
from ...execution import due
from ...runs import results, state
from .. import tasks

RECORD = "errand.json"
RESERVE_SECONDS = 180  # at most, for evaluating, saving and what the service itself does at the end
LOOK_SECONDS = 1.0


@dataclass
class Clock:
    """The time a notebook has.

    A run is asked to stop while the longest epoch so far, and the reserve, still fit into it.
    """

    seconds: float
    began: float
    longest_epoch: float = 0.0

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.began)

    @property
    def short(self) -> bool:
        """Whether another epoch could be one too many."""
        return self.left < reserve(self.seconds) + 1.5 * self.longest_epoch

    @property
    def over(self) -> bool:
        """Whether an epoch that is still not done has to be given up, or the service would end the
        notebook and keep nothing of any run.
        """
        return self.left < reserve(self.seconds) / 3


def reserve(seconds: float) -> float:
    """Seconds of a notebook's that are not for training."""
    return min(RESERVE_SECONDS, 0.1 * seconds)


def do(errand: str, runs: dict[str, dict], language: str, seconds: float) -> None:
    """Run `pipeline.py` for each of the runs, one after the other, for at most so many seconds.

    runs: by name, the arguments of each, and the run that it starts from (base), None where it
    starts anew. errand: a text that the record repeats, so that an earlier notebook's output is not
    taken for this one's. What a run prints is printed here too. A run that fails does not stop the
    others.
    """
    clock = Clock(seconds, time.monotonic())
    record: dict[str, Any] = {
        "errand": errand,
        "runs": {
            run: {"outcome": "waiting", "epochs": _epochs(run, settings["base"])}
            for run, settings in runs.items()
        },
        "files": {},
    }
    _write(record)
    for number, (run, settings) in enumerate(runs.items(), 1):
        if clock.short:
            break
        if len(runs) > 1:
            log.info(f"run {number} of {len(runs)}: {run}")
        record["runs"][run]["outcome"] = "running"
        _write(record)
        record["runs"][run] = _done(
            run, settings["base"], [*settings["arguments"], "--language", language], clock, record
        )
        record["files"] |= _left(run, record["runs"][run]["outcome"])
        _write(record)
    outcomes = [result["outcome"] for result in record["runs"].values()]
    log.info(
        f"runs: {outcomes.count('finished')} finished, {outcomes.count('failed')} failed,"
        f" {len(outcomes) - outcomes.count('finished') - outcomes.count('failed')} to continue"
    )


def show(run: str, language: str) -> None:
    """Show the executed notebook of a finished run, in this one: for those who look at it on
    Kaggle.
    """
    import nbformat
    from IPython.display import Markdown, display, publish_display_data

    notebook = paths.reports() / run / i18n.file(due.NOTEBOOK, language)
    if not notebook.exists():
        log.info(f"{run} is not finished")
        return
    for cell in nbformat.read(notebook, 4).cells:
        if cell.cell_type == "markdown":
            display(Markdown(cell.source))
        for output in cell.get("outputs", []):
            if output.output_type in (
                "display_data",
                "execute_result",
            ) and "remove-output" not in cell.metadata.get("tags", []):
                publish_display_data(output.data, output.metadata)


def _done(run: str, base: str | None, arguments: list[str], clock: Clock, record: dict) -> dict:
    """What came of a run: finished, stopped or failed; its epochs, and why it failed."""
    log_file = record_folder() / tasks.LOGS / f"{run}.txt"
    tasks.head(log_file, run, "on Kaggle")
    process = tasks.start(
        tasks.PIPELINE, arguments, log_file, paths.root(), os.environ | {"PYTHONUNBUFFERED": "1"}
    )
    # since: an epoch was seen to end, so that what comes before the first is not taken for one
    shown, epochs, since, asked = (log_file.stat().st_size, _epochs(run, base), None, False)
    try:
        while (code := process.poll()) is None:
            shown = _shown(log_file, shown)
            if since is not None:
                clock.longest_epoch = max(clock.longest_epoch, time.monotonic() - since)
            if (now := _epochs(run, base)) != epochs:
                since, epochs = time.monotonic() if now == epochs + 1 else None, now
                record["runs"][run]["epochs"] = now
                _write(record)
            if clock.short and not asked:
                asked = True
                log.info(f"the time is nearly up: {run} finishes its epoch and saves it")
                process.terminate()
            if clock.over:
                signals.kill_group(process.pid)
            time.sleep(LOOK_SECONDS)
    except BaseException:  # the notebook was stopped by hand
        process.terminate()
        process.wait()
        raise
    _shown(log_file, shown)
    outcome = (
        "finished"
        if code == 0
        else "stopped"
        if asked and code in (143, -signal.SIGKILL)
        else "failed"
    )
    return {"outcome": outcome, "epochs": _epochs(run, base)} | (
        {"why": tasks.reason_in_log(log_file, code)} if outcome == "failed" else {}
    )


def _shown(log_file: Path, position: int) -> int:
    """Print what a log holds from a position on; returns the position after it."""
    with open(log_file, "rb") as stream:
        stream.seek(position)
        text = stream.read()
    if text:
        print(text.decode("utf-8", errors="replace"), end="", flush=True)
    return position + len(text)


def _epochs(run: str, base: str | None) -> int:
    """Epochs that were trained for a run so far, those of the run it starts from included."""

    def trained(folder: Path) -> int:
        metrics = files.read_json(folder / "metrics.json")
        epochs = metrics.get("epochs") if isinstance(metrics, dict) else None
        return epochs if type(epochs) is int else 0

    return sum(
        trained(paths.reports() / name) or state.read(paths.reports() / name).epochs or 0
        for name in (base, run)
        if name
    )


def record_folder() -> Path:
    """The folder whose content the service keeps."""
    return paths.reports().parent


def _left(run: str, outcome: str) -> dict[str, str]:
    """sha256 of the files that a run leaves to its sender, by their path in the output: all of a
    finished one, what shows why of one that failed.
    """
    folder, left = paths.reports() / run, [record_folder() / tasks.LOGS / f"{run}.txt"]
    if outcome == "finished":
        left += results.files_of_a_run(folder)
    elif outcome == "failed":
        names = (due.FAILED, due.FAILED_LOG)
        left += [folder / name for name in names if (folder / name).exists()]
    return {path.relative_to(record_folder()).as_posix(): files.sha256(path) for path in left}


def _write(record: dict) -> None:
    files.write_json(record_folder() / RECORD, record)

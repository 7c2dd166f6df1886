"""What a notebook does on Kaggle: one run after the other, until all are done or time is up."""

import json
import textwrap

import pytest

from helpers.processes import until
from labreport.core import files, paths
from labreport.executors import tasks
from labreport.executors.kaggle import worker

PIPELINE = textwrap.dedent("""
    import os, pathlib, signal, sys, time
    _, command, run, epochs, seconds = sys.argv[:5]
    clock, seen = (pathlib.Path(__file__).with_name(name) for name in ("clock", "seen"))
    folder = pathlib.Path(os.environ["LABREPORT_REPORTS"]) / run
    (folder / "unfinished").mkdir(parents=True, exist_ok=True)
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    if run == "broken":
        sys.exit("error: the loss is not finite in epoch 1")
    epochs, seconds, epoch = int(epochs), float(seconds), 0
    end = float(clock.read_text()) + seconds
    with open(folder / "unfinished/history.csv", "w") as history:
        print("epoch,loss", file=history, flush=True)
        while epoch < epochs:
            now = float(clock.read_text())
            while epoch < epochs and now >= end:
                epoch, end = epoch + 1, end + seconds
                print(f"epoch {epoch}/{epochs}", flush=True)
                print(f"{epoch},1", file=history, flush=True)
                if asked:
                    sys.exit(143)
            seen.with_name("part").write_text(str(now))
            seen.with_name("part").replace(seen)
            time.sleep(0.001)
    (folder / "metrics.json").write_text('{"epochs": %s}' % epochs)
""")


class Clock:
    """The notebook's time. It goes on with each look at the run, whose epochs go by it too: how
    fast this machine is plays no part.
    """

    def __init__(self, folder):
        self.folder, self.now, self.process = folder, 0.0, None
        self._show("clock", 0.0)

    def _show(self, name, seconds):
        (self.folder / "part-of-clock").write_text(str(seconds))
        (self.folder / "part-of-clock").replace(self.folder / name)

    def monotonic(self):
        return self.now

    def start(self, *arguments, start=tasks.start):
        self._show("seen", -1.0)
        self.process = start(*arguments)
        self._wait()
        return self.process

    def sleep(self, seconds):
        self.now += seconds
        self._show("clock", self.now)
        self._wait()

    def _wait(self):
        until(
            lambda: (
                self.process.poll() is not None
                or float((self.folder / "seen").read_text()) == self.now
            ),
            "the run has seen how late it is",
            every=0.002,
        )


@pytest.fixture(autouse=True)
def clock(tmp_path, monkeypatch):
    script = tmp_path / "pipeline.py"
    script.write_text(PIPELINE)
    monkeypatch.setattr(tasks, "PIPELINE", script)
    found = Clock(tmp_path)
    monkeypatch.setattr(worker, "time", found)
    monkeypatch.setattr(tasks, "start", found.start)
    return found


def done(runs, seconds):
    worker.do(
        "key",
        {
            name: {"arguments": ["report", name, *map(str, told)], "base": None}
            for name, told in runs.items()
        },
        "en",
        seconds,
    )
    return json.loads((paths.reports().parent / worker.RECORD).read_text())


def test_runs_are_done_one_after_the_other_and_their_files_told_with_their_digests(capsys):
    record = done({"one": (2, 3), "two": (1, 3)}, seconds=60)
    assert [record["runs"][name]["outcome"] for name in ("one", "two")] == [
        "finished",
        "finished",
    ] and record["errand"] == "key"
    metrics = paths.reports() / "two/metrics.json"
    assert record["files"]["reports/two/metrics.json"] == files.sha256(metrics)
    assert capsys.readouterr().out.splitlines() == [
        "run 1 of 2: one",
        "epoch 1/2",
        "epoch 2/2",
        "run 2 of 2: two",
        "epoch 1/1",
        "runs: 2 finished, 0 failed, 0 to continue",
    ]


def test_when_its_time_is_nearly_up_a_run_saves_its_epoch_and_the_next_ones_wait(capsys, clock):
    """A tenth of the time is not for training; with it, one and a half epochs have to fit."""
    record = done({"long": (1000, 4), "next": (1, 4)}, seconds=120)
    assert record["runs"]["long"] == {"outcome": "stopped", "epochs": 26} and clock.now < 108
    assert (
        record["runs"]["next"] == {"outcome": "waiting", "epochs": 0}
        and "reports/long/metrics.json" not in record["files"]
    )
    assert "the time is nearly up: long finishes its epoch and saves it" in capsys.readouterr().out


def test_the_longer_an_epoch_the_earlier_it_is_asked_to_stop(clock):
    record = done({"slow": (1000, 16)}, seconds=120)
    assert record["runs"]["slow"] == {"outcome": "stopped", "epochs": 6} and clock.now < 108


def test_an_epoch_that_would_outlast_the_notebook_is_given_up_so_that_the_others_are_kept(clock):
    record = done({"one": (1, 3), "endless": (10, 600)}, seconds=120)
    assert clock.now < 120
    assert record["runs"]["one"]["outcome"] == "finished" and record["runs"]["endless"] == {
        "outcome": "stopped",
        "epochs": 0,
    }


def test_epochs_of_the_run_that_one_starts_from_count_as_its_own(tmp_path):
    (paths.reports() / "base/unfinished").mkdir(parents=True)
    (paths.reports() / "base/unfinished/history.csv").write_text("epoch,loss\n1,1\n2,1\n3,1\n")
    worker.do(
        "key", {"head": {"arguments": ["report", "head", "2", "3"], "base": "base"}}, "en", 60
    )
    assert (
        json.loads((paths.reports().parent / worker.RECORD).read_text())["runs"]["head"]["epochs"]
        == 5
    )


def test_a_run_that_fails_is_told_with_its_reason_and_the_others_are_done():
    record = done({"broken": (1, 1), "one": (1, 3)}, seconds=60)
    assert (
        record["runs"]["broken"]
        == {
            "outcome": "failed",
            "epochs": 0,
            "why": "the loss is not finite in epoch 1",
        }
        and record["runs"]["one"]["outcome"] == "finished"
    )


def test_the_record_is_written_while_a_run_is_at_work(monkeypatch):
    seen = []
    write = worker.files.write_json
    monkeypatch.setattr(
        worker.files,
        "write_json",
        lambda path, values: (seen.append(json.dumps(values["runs"])), write(path, values)),
    )
    done({"one": (3, 3)}, seconds=60)
    assert json.dumps({"one": {"outcome": "running", "epochs": 2}}) in seen

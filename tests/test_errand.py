"""What a notebook does on Kaggle: one run after the other, until all are done or time is up."""

import json
import textwrap

import pytest

from labreport.core import files, paths
from labreport.executors import tasks
from labreport.executors.kaggle import worker

PIPELINE = textwrap.dedent("""
    import os, pathlib, signal, sys, time
    _, command, run, epochs, seconds = sys.argv[:5]
    folder = pathlib.Path(os.environ["LABREPORT_REPORTS"]) / run
    (folder / "unfinished").mkdir(parents=True, exist_ok=True)
    asked = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    if run == "broken":
        sys.exit("error: the loss is not finite in epoch 1")
    with open(folder / "unfinished/history.csv", "w") as history:
        print("epoch,loss", file=history, flush=True)
        for epoch in range(1, int(epochs) + 1):
            end = time.monotonic() + float(seconds)
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(left, 0.02))
            print(f"epoch {epoch}/{epochs}", flush=True)
            print(f"{epoch},1", file=history, flush=True)
            if asked:
                sys.exit(143)
    (folder / "metrics.json").write_text('{"epochs": %s}' % epochs)
""")


@pytest.fixture(autouse=True)
def pipeline(tmp_path, monkeypatch):
    script = tmp_path / "pipeline.py"
    script.write_text(PIPELINE)
    monkeypatch.setattr(tasks, "PIPELINE", script)
    monkeypatch.setattr(worker, "LOOK_SECONDS", 0.02)
    return script


def done(runs, seconds):
    worker.do(
        "key",
        {
            name: {"arguments": ["run", name, *map(str, told)], "base": None}
            for name, told in runs.items()
        },
        "en",
        seconds,
    )
    return json.loads((paths.reports().parent / worker.RECORD).read_text())


def test_runs_are_done_one_after_the_other_and_their_files_told_with_their_digests(capsys):
    record = done({"one": (2, 0.05), "two": (1, 0.05)}, seconds=60)
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
        "errand: 2 finished, 0 failed, 0 to go on with",
    ]


def test_when_its_time_is_nearly_up_a_run_saves_its_epoch_and_the_next_ones_wait(capsys):
    record = done({"long": (1000, 0.2), "next": (1, 0.1)}, seconds=3)
    assert (
        record["runs"]["long"]["outcome"] == "stopped"
        and 3 <= record["runs"]["long"]["epochs"] <= 13
    )
    assert (
        record["runs"]["next"] == {"outcome": "waiting", "epochs": 0}
        and "reports/long/metrics.json" not in record["files"]
    )
    assert "the time is nearly up: long finishes its epoch and saves it" in capsys.readouterr().out


def test_the_longer_an_epoch_the_earlier_it_is_asked_to_stop():
    record = done({"slow": (1000, 0.8)}, seconds=5)
    assert record["runs"]["slow"]["outcome"] == "stopped" and record["runs"]["slow"]["epochs"] <= 5


def test_an_epoch_that_would_outlast_the_notebook_is_given_up_so_that_the_others_are_kept():
    record = done({"one": (1, 0.05), "endless": (10, 60)}, seconds=3)
    assert record["runs"]["one"]["outcome"] == "finished" and record["runs"]["endless"] == {
        "outcome": "stopped",
        "epochs": 0,
    }


def test_epochs_of_the_run_that_one_starts_from_count_as_its_own(tmp_path):
    (paths.reports() / "base/unfinished").mkdir(parents=True)
    (paths.reports() / "base/unfinished/history.csv").write_text("epoch,loss\n1,1\n2,1\n3,1\n")
    worker.do(
        "key", {"head": {"arguments": ["run", "head", "2", "0.05"], "base": "base"}}, "en", 60
    )
    assert (
        json.loads((paths.reports().parent / worker.RECORD).read_text())["runs"]["head"]["epochs"]
        == 5
    )


def test_a_run_that_fails_is_told_with_its_reason_and_the_others_are_done():
    record = done({"broken": (1, 1), "one": (1, 0.05)}, seconds=60)
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
    done({"one": (3, 0.1)}, seconds=60)
    assert json.dumps({"one": {"outcome": "running", "epochs": 2}}) in seen

"""The index of the reports folder: it lists what is there, says how each stands, and costs no run
anything.
"""

import builtins
import collections
import errno
import io
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
import threading
import time

import pytest
from bs4 import BeautifulSoup

from helpers import wrong_types
from helpers.processes import PATIENCE
from helpers.project import ROOT
from helpers.run_folders import ended, finish
from labreport.cli import inspection
from labreport.config import experiments
from labreport.core import files, paths
from labreport.executors import plan, progress
from labreport.reporting import index_page
from labreport.runs import fingerprint, results, state
from labreport.studies import assignments, index, study, sweeps

pipeline = runpy.run_path(str(ROOT / "pipeline.py"))
QUICK = {"data": "sample", "epochs": 2}


def listed():
    return {entry.name: entry for entry in index.entries()}


def row(name):
    """Words and links of a run in the page."""
    page = BeautifulSoup(index.write().read_text("utf-8"), "html.parser")
    (found,) = (line for line in page.select("tbody tr") if line.th["data-value"] == name)
    return (
        " ".join(found.get_text(" ").replace("\u200b", "").split()),
        {link.get_text(): link["href"] for link in found.find_all("a")},
        found,
    )


def test_a_finished_run_shows_accuracy_split_curve_date_and_what_there_is_to_open():
    folder = finish(experiments.load("cifar10_l2", QUICK))
    for name in ("report.html", "report.es.pdf", "notebook.ipynb"):
        (folder / name).touch()
    words, links, found = row(folder.name)
    for part in (
        "cifar10_l2",
        "sample data",
        "cifar10",
        "finished",
        "75.0 %",
        "test",
        "24 November 2026, 12:00 UTC",
        "epochs-2",
    ):
        assert part in words
    assert links == {
        "HTML": "cifar10_l2--sample--epochs-2/report.html",
        "PDF (es)": "cifar10_l2--sample--epochs-2/report.es.pdf",
        "notebook": "cifar10_l2--sample--epochs-2/notebook.ipynb",
    }
    assert found.svg["aria-label"] == "from 0.500 to 0.625 in 2 epochs, best 0.625"


def test_the_index_is_in_the_language_it_was_last_asked_for_in():
    folder = finish(experiments.load("cifar10_l2"))
    assert 'lang="en"' in index.write().read_text()
    assert 'lang="es"' in index.write("es").read_text()
    page = index.write().read_text()
    assert 'lang="es"' in page and "75,0\u00a0%" in page and folder.name in page


@pytest.mark.parametrize(
    "name", ["cifar10_l2", "flowers_tuned_gap_conv5", "dog_breeds_mobilenetv2_finetune"]
)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        QUICK,
        QUICK
        | {
            "optimizer": "sgd",
            "optimizer_args": {"learning_rate": 0.01},
            "seed": 7,
            "batch_size": 16,
        },
    ],
)
def test_what_is_outdated_is_what_a_comparison_calls_so(name, settings):
    experiment = experiments.load(name, settings)
    folder = finish(experiment)
    assert listed()[folder.name].status == "finished" and study.run_of(experiment).outdated == []
    before = fingerprint.of(experiment, "of the data")
    finish(
        experiment,
        identity=before
        | {
            "versions": before["versions"] | {"keras": "0.1"},
            "settings": before["settings"] | {"epochs": 99},
        },
    )
    found = listed()[folder.name]
    assert (
        found.status == "outdated"
        and found.why == study.run_of(experiment).outdated
        and len(found.why) == 2
    )


def test_statuses_are_what_the_folders_say():
    names = iter(experiments.names())
    failed, interrupted, gone, queued, damaged, begun, running = (
        experiments.load(next(names)).folder for _ in range(7)
    )
    for folder in (failed, interrupted, gone, queued, begun, running):
        folder.mkdir(parents=True)
    ended(failed, "failed", why="a cell failed")
    (failed / "failed.ipynb").touch()
    ended(interrupted, "interrupted", why="it was stopped")
    ended(gone, "running", host=files.redaction.host())
    ended(queued, "queued")
    ended(finish(experiments.load(damaged.name)), "finished")
    (damaged / "model.keras").unlink()
    (begun / "unfinished").mkdir()
    (begun / "unfinished/history.csv").write_text("epoch,val_accuracy\n1,0.25\n")
    (paths.reports() / "no run").mkdir()
    with state.run_lock(running, running.name):
        found = listed()
    assert {
        folder: found[folder.name].status
        for folder in (failed, interrupted, gone, queued, damaged, begun, running)
    } == {
        failed: "failed",
        interrupted: "interrupted",
        gone: "interrupted",
        queued: "queued",
        damaged: "damaged",
        begun: "interrupted",
        running: "running",
    }
    assert len(found) == 7 and {entry.status for entry in list(found.values())[:2]} == {
        "running",
        "queued",
    }
    assert found[failed.name].why == ["a cell failed"] and found[failed.name].files == [
        "failed.ipynb"
    ]
    assert found[damaged.name].why == ["model.keras is missing"] and found[begun.name].curve == [
        0.25
    ]
    assert "failed a cell failed" in row(failed.name)[0]


def test_a_new_try_that_failed_leaves_the_accuracy_of_the_finished_run():
    folder = finish(experiments.load("cifar10_l2"))
    ended(folder, "failed", why="no more memory")
    assert (listed()[folder.name].status, listed()[folder.name].accuracy) == ("failed", 0.75)


@pytest.mark.parametrize(
    "name, content",
    [
        ("metrics.json", ""),
        ("metrics.json", "[]"),
        ("metrics.json", "{}"),
        ("metrics.json", '{"experiment": "cifar10_l2", "changes": 3}'),
        ("metrics.json", b"\xff"),
        ("run.json", '{"state": "running", "host": 1, "process": 2}'),
        ("run.json", "nonsense"),
        ("history.csv", "epoch,val_accuracy\n1,high\n"),
        ("history.csv", b"\xff\xfe"),
        ("history.csv", "epoch,val_accuracy\n1\n"),
        ("history.csv", "epoch,val_accuracy\n1,nan\n"),
        ("history.csv", ""),
    ],
)
def test_a_damaged_file_costs_the_others_nothing(name, content):
    good, bad = finish(experiments.load("cifar10_l2")), finish(experiments.load("cifar10_rmsprop"))
    (bad / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert "75.0 %" in row(good.name)[0]
    assert ("damaged" in row(bad.name)[0]) == (name == "metrics.json") and (
        row(bad.name)[2].svg is None
    ) == (name != "run.json")


def test_a_run_whose_parameter_file_is_gone_is_listed_and_outdated():
    folder = finish(experiments.load("cifar10_l2"), experiment="no_such_thing").rename(
        paths.reports() / "no_such_thing"
    )
    assert listed()[folder.name].status == "outdated" and listed()[folder.name].why == [
        "params/no_such_thing.yaml does not exist or cannot be read"
    ]


def test_a_comparison_is_outdated_once_one_of_its_runs_is_done_again_or_another_is_finished():
    one, other = finish(experiments.load("cifar10_l2")), experiments.load("cifar10_rmsprop")
    folder = paths.reports() / "cifar10_comparison"
    folder.mkdir()
    ended(folder, "finished")
    files.write_json(
        folder / "made_from.json",
        {
            "executed": {
                "settings": {"cifar10_l2": "complete", "cifar10_rmsprop": "missing"},
                "code": {"cifar10_l2/metrics.json": files.sha256(one / "metrics.json")},
            }
        },
    )
    assert (
        listed()[folder.name].kind,
        listed()[folder.name].status,
        listed()[folder.name].assignment,
    ) == ("comparison", "finished", "cifar10")
    finish(other)
    assert listed()[folder.name].why == ["cifar10_rmsprop has finished since"]
    finish(experiments.load("cifar10_l2"), accuracy=0.5)
    finish(experiments.load("cifar10_naive_adam"))
    assert listed()[folder.name].status == "outdated"
    assert listed()[folder.name].why == [
        "cifar10_l2 has been repeated since",
        "cifar10_rmsprop has finished since",
        "cifar10_naive_adam has finished since",
    ]


def test_a_sweep_is_running_while_its_lock_is_held():
    folder = paths.reports() / "cifar10_optimizers--sample"
    folder.mkdir(parents=True)
    ended(folder, "finished")
    assert (
        listed()[folder.name].kind,
        listed()[folder.name].status,
        listed()[folder.name].sample,
        listed()[folder.name].assignment,
    ) == ("sweep", "finished", True, "cifar10")
    with files.lock(folder / sweeps.LOCK, "the sweep"):
        assert listed()[folder.name].status == "running"


def test_several_processes_that_finish_at_once_leave_an_index_of_all_of_them():
    paths.reports().mkdir()
    program = (
        "import sys, time; from labreport.config import experiments;"
        " from labreport.studies import index;"
        " from helpers.run_folders import finish\nprint('ready', flush=True); sys.stdin.readline();"
        " finish(experiments.load(sys.argv[1])); index.write()"
    )
    names = experiments.names()[:4]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "lib"), str(ROOT / "tests")])
    }
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", program, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for name in names
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    assert [writer.wait() for writer in writers] == [0] * len(writers)
    for writer in writers:
        writer.stdin.close()
        writer.stdout.close()
    page = (paths.reports() / "index.html").read_text("utf-8")
    assert sorted(re.findall(r'<th scope="row" data-value="(\w+)"', page)) == names
    assert not list(paths.reports().glob(".*.part*"))


def test_the_last_writer_has_seen_what_another_finished_while_it_waited(monkeypatch):
    """The first one has looked and is slow to write; the second must not be overwritten by it."""
    looked, waits, go_on = (threading.Event() for _ in range(3))
    slow = index_page.index_page

    def page(*arguments):
        if not looked.is_set():
            looked.set()
            go_on.wait(PATIENCE)
        return slow(*arguments)

    monkeypatch.setattr(index_page, "index_page", page)
    monkeypatch.setattr(
        files.time, "sleep", lambda seconds, sleep=time.sleep: (waits.set(), sleep(seconds))
    )
    finish(experiments.load("cifar10_l2"))
    writers = [threading.Thread(target=index.write) for _ in range(2)]
    writers[0].start()
    assert looked.wait(PATIENCE)
    finish(experiments.load("cifar10_rmsprop"))
    writers[1].start()
    assert waits.wait(PATIENCE)  # for the lock that the first one holds
    go_on.set()
    for writer in writers:
        writer.join()
    assert "cifar10_rmsprop" in (paths.reports() / "index.html").read_text("utf-8")


def test_each_file_of_a_run_is_read_once_and_what_runs_have_in_common_once_for_all(monkeypatch):
    """Which is why two hundred runs take less than a second."""
    for seed in range(20):
        finish(experiments.load("cifar10_naive_adam", QUICK | {"seed": seed + 10}))
    assert len(listed()) == 20
    opened, worked_out = collections.Counter(), []

    def watched(file, *arguments, open=open, **named):
        opened[os.fspath(file)] += 1
        return open(file, *arguments, **named)

    for module in (builtins, io):
        monkeypatch.setattr(module, "open", watched)
    for module, name in ((experiments, "load"), (fingerprint, "of")):
        call = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *given, call=call: (worked_out.append(given), call(*given))[1]
        )
    index.write()
    of_runs = {file: times for file, times in opened.items() if "cifar10_naive_adam--" in file}
    assert len(of_runs) >= 40 and set(of_runs.values()) == {1}
    assert len(worked_out) == 2  # the experiment, and what it would be made from now


@pytest.mark.parametrize(
    "error, told",
    [
        (
            OSError(errno.ENOSPC, "No space left on device", "index.html"),
            "the disk is full (index.html)",
        ),
        (RuntimeError("broken"), "RuntimeError: broken"),
    ],
)
def test_an_index_that_cannot_be_written_is_said_in_a_line_and_fails_nothing(
    monkeypatch, capsys, error, told
):
    def fails(language):
        raise error

    monkeypatch.setattr(index, "write", fails)
    folder = finish(experiments.load("cifar10_l2"))
    (folder / "failed.ipynb").touch()
    assert pipeline["main"](["clean", "--yes"]) == 0
    said = capsys.readouterr().err
    assert (
        said.startswith("the index of the reports could not be written: ")
        and told in said
        and said.count("\n") == 1
    )


def test_the_index_is_rewritten_after_a_run_that_failed_and_by_hand(monkeypatch, capsys):
    from labreport.execution import due, execution, notebook_process

    experiment = experiments.load("cifar10_l2", QUICK)
    monkeypatch.setattr(
        due,
        "work",
        lambda subject, language: due.Work(["it has not been trained"], ["not done yet"], []),
    )

    def fails(subject, language):
        with state.run_lock(subject.folder, subject.run_name):
            raise notebook_process.NotebookError("cell 'data' failed")

    monkeypatch.setattr(execution, "run", fails)
    assert (
        pipeline["main"](
            ["report", "cifar10_l2", "--notebook-only", "--data", "sample", "--set", "epochs=2"]
        )
        == 1
    )
    page = paths.reports() / "index.html"
    assert "cell &#39;data&#39; failed" in page.read_text("utf-8")
    page.unlink()
    capsys.readouterr()
    assert pipeline["main"](["list"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"all runs, with curves and links: {page}"
    assert experiment.folder.name in page.read_text("utf-8")


def test_no_word_of_a_run_is_taken_for_html():
    folder = finish(experiments.load("cifar10_l2"))
    ended(folder, "failed", why="<script>alert(1)</script>")
    assert (
        "<script>alert(1)" in row(folder.name)[0]
        and len(BeautifulSoup(index.write().read_text("utf-8"), "html.parser").find_all("script"))
        == 1
    )


@pytest.mark.parametrize("text", ['{"state": "running", "since": 5}', "[]", "{"])
def test_a_run_whose_run_json_is_damaged_stays_in_the_index(text):
    folder = paths.reports() / "cifar10_naive_adam"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(text)
    page = index.write("en").read_text()
    assert "cifar10_naive_adam" in page and "run.json cannot be read" in page


# What a file of a run folder can be damaged to; or a folder stands in its place, or a link that
# leads to itself.
DAMAGE = [
    "",
    "[]",
    '{"state": ["x"]}',
    '{"a":' * 100_000,
    b"\xff\xfe\x00",
    '"\\ud800"',
    "epoch,val_accuracy\n1,x\n",
    "folder",
    "loop",
]


def damage(file, how):
    file.unlink()
    if how == "folder":
        file.mkdir()
    elif how == "loop":
        file.symlink_to(file)
    else:
        file.write_bytes(how if isinstance(how, bytes) else how.encode())


@pytest.fixture
def beside(tmp_path, monkeypatch):
    """A finished run, and a whole one beside it, in a project of few experiments: these are read
    again and again.
    """
    for file in (*(ROOT / "params").glob("cifar10_*.yaml"), ROOT / "notebooks/cifar10.ipynb"):
        copy = tmp_path / "project" / file.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, copy)
    monkeypatch.chdir(tmp_path / "project")
    whole, folder = (
        finish(experiments.load("cifar10_l2")),
        finish(experiments.load("cifar10_l2_dropout")),
    )
    ended(folder, "finished")
    (folder / ".run.lock").touch()
    (folder / "unfinished").mkdir()
    (folder / "unfinished/history.csv").write_text("epoch\n1\n")
    for name in ("made_from.json", "verification.json", "sent.json"):
        (folder / name).write_text("{}")
    return whole, folder


@pytest.mark.parametrize("how", DAMAGE, ids=lambda how: repr(how)[:20])
def test_a_damaged_file_costs_the_row_of_its_own_run_only(how, beside, capsys):
    whole, folder = beside
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        kept = file.read_bytes()
        damage(file, how)
        rows = listed()
        assert rows[whole.name].status == "finished" and rows[whole.name].accuracy == 0.75, (
            file.name
        )
        assert set(rows) == {
            whole.name,
            folder.name,
        } and f'data-value="{whole.name}"' in index.write().read_text("utf-8"), file.name
        assert pipeline["main"](["list"]) == 0 and pipeline["main"](["show", "cifar10_l2"]) == 0, (
            file.name
        )
        now = plan.step(experiments.load("cifar10_l2_dropout"))
        progress.look(now)
        plan._earlier_runs()
        assert assignments.load("cifar10").finished, file.name
        said = capsys.readouterr()
        assert not said.err and "cifar10_l2 " in said.out, file.name
        file.rmdir() if how == "folder" else file.unlink()
        file.write_bytes(kept)


@pytest.mark.parametrize("name", ["metrics.json", "run.json", "provenance.json"])
def test_a_wrong_type_at_any_place_of_a_file_costs_the_row_of_its_own_run_only(
    name, beside, capsys
):
    whole, folder = beside
    values = files.read_json(folder / name) or {
        "sittings": [
            {"started": files.now(), "device": "CPU", "threads": 1, "locks": {}, "checkout": {}}
        ],
        "settings": {},
        "versions": {},
        "imported": {},
    }
    for path, other, changed in wrong_types.changes(values, each=1):
        (folder / name).write_text(json.dumps(changed))
        rows = listed()
        assert rows[whole.name].status == "finished" and set(rows) == {whole.name, folder.name}, (
            path,
            other,
        )
        index_page.index_page(list(rows.values()), files.now())
        status = inspection.run_status(experiments.load("cifar10_l2_dropout"))
        assert status and "Error" not in status
        progress.look(plan.step(experiments.load("cifar10_l2_dropout")))
        plan._earlier_runs()


def test_a_damaged_metrics_file_is_said_to_be_damaged_and_what_it_stood_for_is_not_lost(
    beside, capsys
):
    _, folder = beside
    (folder / "metrics.json").write_text("{")
    (folder / "model.keras").write_text("trained for hours")
    assert listed()[folder.name].status == "damaged" and listed()[folder.name].why == [
        "metrics.json cannot be read"
    ]
    assert (
        pipeline["main"](["show", "cifar10_l2_dropout"]) == 0
        and "(metrics.json is damaged" in capsys.readouterr().out
    )
    (folder / "unfinished/metrics.json").write_text("{}")
    results.publish(folder / "unfinished", folder)
    [earlier] = folder.glob("earlier/*-damaged")
    assert (earlier / "model.keras").read_text() == "trained for hours"


def test_words_of_a_foreign_run_cannot_move_the_terminal_s_cursor(beside, capsys):
    _, folder = beside
    ended(folder, "failed", why="\x1b[2J\x07", host="\x1b]0;x")
    pipeline["main"](["list"])
    said = capsys.readouterr().out
    assert (
        "failed after 1 epoch: \\x1b[2J\\x07" in said
        and "\x1b" not in said
        and "\x1b" not in index.write().read_text("utf-8")
    )

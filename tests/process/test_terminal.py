"""A terminal window that is closed, or a reader of the output that goes away, stops a command as a
signal does: in order, with its epoch saved.
"""

import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from helpers import kaggle_notebooks, kaggle_stand_in
from helpers.clusters import Cluster, epochs, made, surroundings, train
from helpers.processes import PATIENCE, Processes, Terminal, alive, descendants, until
from helpers.project import ROOT
from labreport.config import experiments
from labreport.executors.kaggle import chain_state
from labreport.studies import sweeps

COMMAND = [sys.executable, ROOT / "pipeline.py"]
SMALL = [
    "--data",
    "sample",
    "--set",
    "epochs=5",
    "max_images=600",
    "filters=[[4], [4]]",
    "dense=[8]",
]

# A training in small: it holds a run folder, is asked to stop between two lines, and saves.
WORK = """
import pathlib, signal, sys, time
from labreport.core import signals; from labreport.runs import state

def main():
    with signals.terminable(), state.run_lock(pathlib.Path(sys.argv[1]), "a_run"):
        with signals.listening(lambda: print("asked to stop", flush=True)) as asked:
            for epoch in range(int(sys.argv[2])):
                for _ in range(20):
                    time.sleep(0.01)
                print(f"epoch {epoch}", flush=True)
                if asked():
                    stop = signals.Interrupted(f"stopped after {epoch}")
                    stop.signal = asked()
                    raise stop

signals.outlive_terminal()
try:
    main()
except (KeyboardInterrupt, signals.Interrupted) as stop:
    print(f"interrupted: {stop}", flush=True)
    sys.exit(signals.exit_code(stop))
"""


@pytest.fixture
def environment(tmp_path, gate):
    ordinary = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return gate.before(
        ordinary
        | {
            "LABREPORT_REPORTS": str(tmp_path / "reports"),
            "LABREPORT_CACHE": str(tmp_path / "cache"),
            "LABREPORT_THREADS": "1",
            "PYTHONPATH": os.pathsep.join(
                filter(None, [str(ROOT / "lib"), os.environ.get("PYTHONPATH")])
            ),
        }
    )


@pytest.fixture
def opened(environment):
    """Opens terminals, and leaves nothing of them behind."""
    terminals = []

    def open_one(*command, folder=ROOT, **more):
        terminals.append(Terminal(command, folder, environment, **more))
        return terminals[-1]

    yield open_one
    for terminal in terminals:
        terminal.end()


def run_of(experiment, words):
    """A run with the settings of a command."""
    settings = experiments.parse_settings(words[words.index("--set") + 1 :])
    return experiments.load(experiment, settings | {"data": "sample"})


def states(folder):
    return {
        file.parent.name: json.loads(file.read_text())["state"]
        for file in folder.glob("*/run.json")
    }


def worked(opened, tmp_path, *shell, epochs=500, **more):
    """Exit code of WORK, whose window is closed after its first line; and what run.json says."""
    (tmp_path / "work.py").write_text(WORK)
    words = [
        sys.executable,
        str(tmp_path / "work.py"),
        str(tmp_path / "reports/a_run"),
        str(epochs),
    ]
    terminal = opened(
        *(["bash", "-c", shell[0].replace("WORK", " ".join(words))] if shell else words), **more
    )
    until(lambda: "epoch 0" in terminal.read_text(), "it works", of=terminal)
    terminal.close()
    code = terminal.process.wait(PATIENCE)
    until(lambda: states(tmp_path / "reports")["a_run"] != "running", "it has ended")
    return code, json.loads((tmp_path / "reports/a_run/run.json").read_text())


def test_work_whose_window_is_closed_saves_and_is_interrupted(opened, tmp_path):
    code, record = worked(opened, tmp_path)
    assert (
        code == 129
        and record["state"] == "interrupted"
        and record["why"].startswith("stopped after ")
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_so_does_work_that_gets_no_signal_and_only_fails_to_print(
    opened, environment, tmp_path, unbuffered
):
    environment["PYTHONUNBUFFERED"] = unbuffered
    code, record = worked(opened, tmp_path, handed_on=False)
    assert (
        code == 129
        and record["state"] == "interrupted"
        and record["why"].startswith("stopped after ")
    )


def test_so_does_work_whose_reader_dies_with_the_window(opened, tmp_path):
    _, record = worked(opened, tmp_path, "WORK 2>&1 | tee words.txt", folder=tmp_path)
    assert record["state"] == "interrupted" and record["why"].startswith("stopped after ")


def test_work_after_nohup_goes_on_when_its_window_is_closed(opened, tmp_path):
    code, record = worked(opened, tmp_path, "trap '' HUP; exec WORK", epochs=5)
    assert code == 0 and record["state"] == "finished"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_window_that_is_closed_after_the_first_signal_asks_for_nothing_new(
    opened, tmp_path, number
):
    """A write fails, and then SIGHUP comes; a session is ended with SIGTERM, and then its terminal
    is closed.
    """
    (tmp_path / "work.py").write_text(WORK)
    terminal = opened(sys.executable, tmp_path / "work.py", tmp_path / "reports/a_run", 500)
    until(lambda: "epoch 0" in terminal.read_text(), "it works", of=terminal)
    terminal.process.send_signal(number)
    if number == signal.SIGTERM:  # of two signals at once Python takes the smaller one first
        until(lambda: "asked to stop" in terminal.read_text(), "the first one is taken")
    terminal.close()
    terminal.process.send_signal(signal.SIGHUP)
    assert terminal.process.wait(PATIENCE) == 128 + number
    assert json.loads((tmp_path / "reports/a_run/run.json").read_text())["why"].startswith(
        "stopped after "
    )


def test_a_reader_that_has_seen_enough_ends_a_command_without_a_word():
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)  # less than it says
    process = subprocess.Popen(
        [*COMMAND, "list"], stdout=writing, stderr=subprocess.PIPE, text=True
    )
    os.close(writing)
    assert os.read(reading, 10) == b"experiment"
    os.close(reading)
    assert process.communicate(timeout=PATIENCE)[1] == "" and process.returncode == 1


RUN = [
    "cifar10_l2_dropout",
    "--notebook-only",
    *SMALL,
    "block_dropout=[0.2, 0.2]",
    "dense_dropout=[0.5]",
]


def bits(reports):
    """What the only finished run of a folder has ended with."""
    [folder] = [path.parent for path in reports.glob("*/metrics.json")]
    return [
        (folder / name).read_bytes() for name in ("history.csv", "predictions.csv", "model.keras")
    ]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The bits of that run where no window is closed, in a process that only trains."""
    folder = tmp_path_factory.mktemp("undisturbed")
    train(run_of(RUN[0], RUN), environment=surroundings(folder))
    return bits(folder / "reports")


@pytest.mark.slow
@pytest.mark.parametrize("handed_on", [False, True])
def test_a_run_whose_window_is_closed_goes_on_with_the_same_bits(
    opened, environment, gate, tmp_path, undisturbed, handed_on
):
    words = [*COMMAND, "report", *RUN]
    run = run_of(RUN[0], RUN).run_name
    gate.hold(run)
    terminal = opened(*words, handed_on=handed_on)
    until(
        lambda: list(tmp_path.glob("reports/*/unfinished/epoch-*.npz")),
        "an epoch is saved",
        of=terminal,
    )
    there = descendants(terminal.pid)
    terminal.close()
    if (
        not handed_on
    ):  # that it is gone is noticed when something is written: the first epoch's line
        gate.hold(run, after=2)
    assert terminal.process.wait(PATIENCE) == 129
    assert states(tmp_path / "reports") == {run: "interrupted"} and not {
        path.name for path in (tmp_path / "reports" / run).iterdir()
    } & {"failed.ipynb", "failed.txt", "running.ipynb", "running.txt"}
    until(lambda: not any(map(alive, there)), "nothing is left behind")

    gate.release()
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "resuming after epoch" in done.stdout, done.stdout + done.stderr
    assert bits(tmp_path / "reports") == undisturbed


@pytest.mark.slow
def test_a_run_whose_window_is_closed_while_its_kernel_starts_has_not_failed(
    opened, gate, tmp_path
):
    """The kernel is told with SIGINT, which ends it as long as it imports."""
    words = SMALL[:-2]
    gate.hold(run_of("cifar10_naive_adam", words).run_name)
    terminal = opened(*COMMAND, "report", "cifar10_naive_adam", "--notebook-only", *words)

    def kernels():
        return [
            one
            for one in descendants(terminal.pid)
            if b"ipykernel_launcher" in Path(f"/proc/{one}/cmdline").read_bytes()
        ]

    until(kernels, "there is a kernel", of=terminal)
    time.sleep(0.1)
    terminal.close()
    assert terminal.process.wait(PATIENCE) == 129
    [found] = states(tmp_path / "reports").values()
    assert found == "interrupted" and not list(tmp_path.glob("reports/*/failed.*"))


def closed_in_a_sweep(opened, gate, tmp_path, *more):
    """A sweep of three runs, closed while two are running; all that it has started is gone."""
    project = made(tmp_path / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        sweep = sweeps.load("mine", {"data": "sample", "epochs": 300, "max_images": 200})
    gate.hold(*(experiment.run_name for experiment in sweep.experiments))
    terminal = opened(
        *COMMAND,
        "sweep",
        "mine",
        "--data",
        "sample",
        "--set",
        "epochs=300",
        "max_images=200",
        *more,
        folder=project,
        handed_on=False,
    )
    until(
        lambda: len(epochs(tmp_path / "reports")) == 2,
        "two runs have saved an epoch",
        of=terminal,
    )
    there = descendants(terminal.pid)
    terminal.close()
    assert terminal.process.wait(PATIENCE) == 129
    until(lambda: not any(map(alive, there)), "nothing is left behind")
    found = states(tmp_path / "reports")
    assert len(found) == 2 and set(found.values()) == {"interrupted"}, found
    assert not list(tmp_path.glob("reports/*/failed.*")) and not list(
        tmp_path.glob("reports/*/running.*")
    )


@pytest.mark.slow
def test_the_runs_of_a_sweep_whose_window_is_closed_save_their_epochs(opened, gate, tmp_path):
    """It shows a live table, which stops to be written at a terminal that is gone. No signal says
    so; with one, a single run is stopped above.
    """
    closed_in_a_sweep(opened, gate, tmp_path, "--jobs", "2")


@pytest.mark.slow
def test_so_do_those_on_a_cluster(opened, environment, gate, tmp_path):
    (tmp_path / "lab").mkdir()
    processes = Processes(tmp_path / "lab", environment)
    try:
        closed_in_a_sweep(opened, gate, tmp_path, "--scheduler-file", Cluster(processes).file)
    finally:
        processes.end()


@pytest.mark.slow
def test_a_command_whose_window_is_closed_finds_its_notebook_on_kaggle_again(
    service, opened, environment, tmp_path
):
    notebooks = kaggle_notebooks.Notebooks(tmp_path / "service")
    notebooks.join(service)
    speaking, over = [], threading.Event()

    def speak(session):
        speaking.append(session)
        for line in itertools.count():
            session.say(f"line {line}\n")
            if over.wait(0.05):
                return

    notebooks.scripted["*"] = speak
    environment |= {
        name: os.environ[name] for name in ("HOME", "PYTHONPATH", kaggle_stand_in.ADDRESS)
    }
    environment |= {"KAGGLE_USERNAME": kaggle_stand_in.USER, "KAGGLE_KEY": kaggle_stand_in.KEY}
    terminal = opened(
        *COMMAND,
        "kaggle",
        "cifar10_naive_adam",
        "--data",
        "sample",
        "--set",
        "epochs=3",
        handed_on=False,
    )
    until(
        lambda: "| line 3" in terminal.read_text(), "it prints what the notebook says", of=terminal
    )
    terminal.close()
    assert terminal.process.wait(PATIENCE) == 129
    over.set()
    [file] = tmp_path.glob("reports/*/sent.json")
    [part] = json.loads(file.read_text())["lanes"][0]["parts"]
    assert (part["arrived"], part["over"]) == (True, False) and part["kernel"].endswith(
        speaking[0].slug
    )
    [words] = chain_state.submitted(file.parent).values()
    assert words.endswith(part["kernel"])
    notebooks.close()

"""Each notebook opens and runs on Colab, on Kaggle without internet and at home from a checkout
that is not installed; a lost runtime is a pause.
"""

import functools
import http.server
import json
import re
import threading

import pandas as pd
import pipeline
import pytest

import soak
from helpers import simulated
from helpers.gate import Gate
from helpers.processes import PATIENCE
from helpers.project import ROOT, copy_project
from labreport.config import experiments

pytestmark = pytest.mark.slow
NOTEBOOKS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
QUICK = {"data": "sample", "epochs": 1}
CHOSEN = {
    "cats_dogs": ("cats_dogs_sigmoid", {"image_size": 32, "max_images": 60}),
    "flowers": ("flowers_tuned_gap", {"max_images": 60}),
    "cifar10": ("cifar10_naive_adam", {"max_images": 300}),
    "dog_breeds": (
        "dog_breeds_mobilenetv2",
        {"image_size": 32, "alpha": 0.35, "weights": "random", "max_images": 480},
    ),
}
# All notebooks on one host, Kaggle, where least is to be had; on each of the others the first.
OPENED = {"kaggle": (*CHOSEN, "comparison"), "colab": ("cats_dogs",), "home": ("cats_dogs",)}


def said(notebook, cell):
    """What a cell of an executed notebook has printed."""
    (found,) = [one for one in notebook["cells"] if one["id"] == cell]
    return "".join(
        text
        for output in found["outputs"]
        if output["output_type"] == "stream"
        for text in output["text"]
    )


def written(folder, *names):
    """The notebooks as a person opens them; the comparison last, when there is something to
    compare.
    """
    for name in names:
        experiment, settings = CHOSEN.get(name, (None, CHOSEN["cifar10"][1]))
        simulated.notebook(
            name,
            folder / f"{name}.ipynb",
            **({"experiment": experiment} if experiment else {"compared": "cifar10"}),
            settings=QUICK | settings,
        )
    return [f"/test/{name}.ipynb" for name in names]


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """The repository's archive on a server of this machine: its address."""
    folder = tmp_path_factory.mktemp("served")
    simulated.zip_project(folder / "labreport.zip")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=folder)
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/labreport.zip"
    server.shutdown()


@pytest.fixture(scope="module")
def opened(tmp_path_factory, served):
    """{host: (folder of the test, its executed notebooks, the environment's packages before and
    after)}: all three at once, each opening its notebooks in turn.
    """
    folders = {host: tmp_path_factory.mktemp(host) for host in OPENED}
    environments = {
        host: simulated.environment("colab" if host == "home" else host) for host in OPENED
    }
    before = {host: simulated.packages(environments[host]) for host in OPENED}
    copy_project(folders["home"])
    attached = folders["kaggle"] / "input/datasets/teacher/course/labreport-0.1.0"
    attached.mkdir(parents=True)
    copy_project(attached)
    (folders["kaggle"] / "working").mkdir()
    processes = {}
    for host, folder in folders.items():
        notebooks = written(folder, *OPENED[host])
        program = [
            "/environment/bin/python",
            "/test/open_notebook.py",
            simulated.STARTS_IN.get(host, "/test/notebooks"),
            "/test/out",
            *notebooks,
        ]
        processes[host] = simulated.start(
            host,
            folder,
            program,
            environments[host],
            network=host != "kaggle",
            **({"LABREPORT_SOURCE": served} if host == "colab" else {}),
        )
    found = {}
    for host, process in processes.items():
        words = process.communicate(timeout=PATIENCE)[0]
        assert process.returncode == 0, words
        executed = {
            name: json.loads((folders[host] / f"out/{name}.ipynb").read_text())
            for name in OPENED[host]
        }
        found[host] = (
            folders[host],
            executed,
            (before[host], simulated.packages(environments[host])),
        )
    return found


def runs(host, folder):
    """The run folders that a host has left where they outlive it."""
    return {
        (
            path.parent.name.split("--")[0]
            if host != "colab"
            else path.parent.parent.name.split("--")[0]
        ): path.parent
        for path in folder.glob(
            {
                "colab": "drive/MyDrive/labreport/reports/*/*/metrics.json",
                "kaggle": "working/reports/*/metrics.json",
                "home": "reports/*/metrics.json",
            }[host]
        )
    }


@pytest.mark.parametrize(
    "host, name", [(host, name) for host, names in OPENED.items() for name in names]
)
def test_a_notebook_opens_and_runs(host, name, opened):
    folder, executed, _ = opened[host]
    notebook = executed[name]
    assert all(cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code")
    expected = {
        "colab": "labreport 0.1.0 from http://127.0.0.1:",
        "kaggle": (
            "labreport 0.1.0 from /kaggle/input/datasets/teacher/course/labreport-0.1.0 is in"
            " /tmp/labreport"
        ),
        "home": "",
    }[host]
    # the other notebooks find it there
    assert said(notebook, "bootstrap").startswith(expected if name == "cats_dogs" else "")
    assert said(notebook, "bootstrap").count("labreport 0.1.0") == (
        host != "home" and name == "cats_dogs"
    )
    if name == "comparison":
        assert "naive_adam" in json.dumps(
            [cell["outputs"] for cell in notebook["cells"] if cell["id"] == "overview"]
        )
        return
    run = runs(host, folder)[CHOSEN[name][0]]
    metrics, history, predictions = (
        json.loads((run / "metrics.json").read_text()),
        pd.read_csv(run / "history.csv"),
        pd.read_csv(run / "predictions.csv"),
    )
    assert metrics["epochs"] == len(history) == 1 and metrics["seconds"] > 0
    assert metrics["evaluated_accuracy"] == pytest.approx(
        (predictions["label"] == predictions["predicted"]).mean()
    )
    assert predictions.iloc[:, 3:].sum(axis=1).round(4).eq(1).all()
    if name in OPENED["home"]:
        at_home = runs("home", opened["home"][0])[CHOSEN[name][0]]
        theirs = json.loads((at_home / "metrics.json").read_text())
        # the same images and draws; OpenCV 4 and 5 augment a little differently
        assert metrics["train_loss"] == pytest.approx(theirs["train_loss"], rel=0.1)


def test_all_notebooks_are_opened():
    assert sorted(OPENED["kaggle"]) == sorted(NOTEBOOKS)


@pytest.mark.parametrize("host", OPENED)
def test_nothing_preinstalled_is_moved(host, opened):
    before, after = opened[host][2]
    assert before == after and "tensorflow" in before and "'labreport'" not in before


def test_on_kaggle_only_runs_become_the_output(opened):
    assert [path.name for path in (opened["kaggle"][0] / "working").iterdir()] == ["reports"]


def test_on_kaggle_a_notebook_can_carry_the_package(tmp_path):
    assert (
        pipeline.main(
            [
                "pack",
                "cifar10_naive_adam",
                "--data",
                "sample",
                "--set",
                "epochs=1",
                "max_images=300",
                "--out",
                str(tmp_path / "cifar10.ipynb"),
            ]
        )
        == 0
    )
    program = [
        "/environment/bin/python",
        "/test/open_notebook.py",
        "/kaggle/working",
        "/test/out",
        "/test/cifar10.ipynb",
    ]
    simulated.run("kaggle", tmp_path, program, simulated.environment("kaggle"), network=False)
    notebook = json.loads((tmp_path / "out/cifar10.ipynb").read_text())
    assert (
        said(notebook, "bootstrap")
        == "labreport 0.1.0 from LABREPORT_PACKAGE is in /tmp/labreport\n"
    )
    assert "epoch 1/1" in said(notebook, "train")


def test_a_killed_kernel_and_a_lost_runtime_are_a_pause(tmp_path, served):
    """Killed with kill -9 after epoch 3, /content gone, the notebook opened again
    with the same Drive: it ends with the bits of a run that nobody disturbed.
    """
    environment, processes = simulated.environment("colab"), {}
    settings = {"data": "sample", "epochs": 5, "max_images": 300} | {
        "filters": [[4], [4]],
        "block_dropout": [0.2, 0.2],
        "dense": [16],
        "dense_dropout": [0.5],
    }
    gate = Gate(tmp_path / "disturbed/gate")  # which is /test/gate there
    gate.hold(experiments.load("cifar10_l2_dropout", settings).run_name, after=3)
    killed = {
        "KILL_WHEN": "/content/labreport/reports/*/unfinished/epoch-0003.*.npz",
        "PYTHONPATH": "/test/gate/site:/test/fake",
        "TESTS_HOLD": "/test/gate/held",
    }
    for name, more in (("disturbed", killed), ("undisturbed", {})):
        (tmp_path / name).mkdir(exist_ok=True)
        simulated.notebook(
            "cifar10",
            tmp_path / name / "cifar10.ipynb",
            experiment="cifar10_l2_dropout",
            settings=settings,
        )
        program = [
            "/environment/bin/python",
            "/test/open_notebook.py",
            "/content",
            "/test/out",
            "/test/cifar10.ipynb",
        ]
        start = functools.partial(
            simulated.start, "colab", tmp_path / name, program, environment, LABREPORT_SOURCE=served
        )
        processes[name] = start(**more)
        if name == "disturbed":
            again = start
    words = processes["disturbed"].communicate(timeout=PATIENCE)[0]
    assert processes["disturbed"].returncode and "DeadKernelError" in words
    assert not list(tmp_path.glob("disturbed/drive/MyDrive/labreport/reports/*/*/metrics.json"))
    second = again()
    words = second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 0, words
    assert processes["undisturbed"].wait(timeout=PATIENCE) == 0
    told = said(json.loads((tmp_path / "disturbed/out/cifar10.ipynb").read_text()), "train")
    brought = re.search(
        r": epoch (\d) restored from /content/drive/MyDrive/labreport/reports/.*/runtime-",
        told,
    )
    assert brought and f"resuming after epoch {brought[1]}, saved" in told and int(brought[1]) >= 2
    ended = [
        soak.ended_with(next((tmp_path / name / "drive/MyDrive/labreport/reports").iterdir()))
        for name in ("disturbed", "undisturbed")
    ]
    assert ended[0] == ended[1]
    # the copy of the lost runtime is gone
    assert len(list(tmp_path.glob("disturbed/drive/MyDrive/labreport/reports/*/*"))) == 1


def test_a_declined_drive_is_said_and_the_run_goes_on(tmp_path, served):
    (tmp_path / "declines").touch()
    (tmp_path / "cell.py").write_text(simulated.bootstrap())
    words = simulated.run("colab", tmp_path, ["python3", "/test/cell.py"], LABREPORT_SOURCE=served)
    assert (
        words.splitlines()[1]
        == "Google Drive was not mounted (mount failed): trained epochs are lost when this"
        " runtime ends. Run this cell again to retry."
    )

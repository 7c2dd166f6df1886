"""The whole road: parameter file, notebook, reports; done once, done again only as far as something
changed, and honest when it fails.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import pytest

from conftest import ROOT
from labreport.core import files
from labreport.core.i18n import percent
from test_image_folders import picture, write_cats_dogs

pytestmark = pytest.mark.slow
QUICK = ["--data", "sample", "--set", "epochs=2", "max_images=600"]
SECRET = "KGAT_0123456789abcdef"
RUN = "cifar10_naive_adam--sample--epochs-2--max_images-600"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the checkout, to be edited, with one finished report in it."""
    copy = tmp_path_factory.mktemp("zaphodb") / "checkout"  # the home folder of one who runs it
    copy.mkdir()
    for name in ("lib", "notebooks", "params"):
        shutil.copytree(
            ROOT / name,
            copy / name,
            ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints"),
        )
    shutil.copy(ROOT / "pipeline.py", copy)
    assert pipeline(copy, "report").returncode == 0
    return copy


def surroundings(folder):
    """An environment without our own variables, but with a user, a home folder and a secret."""
    others = {key: value for key, value in os.environ.items() if not key.startswith("LABREPORT_")}
    return others | {
        "HOME": str(folder.parent),
        "USER": "zaphodb",
        "LOGNAME": "zaphodb",
        "KAGGLE_API_TOKEN": SECRET,
    }


def pipeline(folder, *command, options=QUICK, experiment="cifar10_naive_adam", **settings):
    environment = surroundings(folder)
    done = subprocess.run(
        [sys.executable, "pipeline.py", *command, experiment, *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        **settings,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@contextlib.contextmanager
def edited(folder, name, before, after):
    """The file with other words in it, for as long as the block lasts."""
    text = (folder / name).read_text()
    assert before in text
    (folder / name).write_text(text.replace(before, after))
    try:
        yield
    finally:
        (folder / name).write_text(text)


def state(folder):
    return json.loads((folder / "reports" / RUN / "run.json").read_text())


def times(folder):
    return {
        name: (folder / "reports" / RUN / name).stat().st_mtime_ns
        for name in ("metrics.json", "notebook.ipynb", "report.pdf", "report.html")
    }


def test_a_report_holds_all_that_it_should(project):
    folder = project / "reports" / RUN
    assert {path.name for path in folder.iterdir()} == {
        "history.csv",
        "predictions.csv",
        "model.keras",
        "metrics.json",
        "provenance.json",
        "notebook.ipynb",
        "run.json",
        "manifest.json",
        "made_from.json",
        "log.txt",
        "report.html",
        "report.pdf",
        ".training.lock",
        ".run.lock",
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    html = (folder / "report.html").read_text()
    assert metrics["data"] == "sample" and "Sample data" in html
    correct = percent(metrics["test_accuracy"])
    assert (
        correct in html
        and "Confusion matrix: true classes in rows" in html
        and "most confident mistakes" in html
    )
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_executed_notebook_says_what_it_ran_and_names_no_folder_of_this_machine(project):
    text = (project / "reports" / RUN / "notebook.ipynb").read_text()
    cells = {cell["id"]: cell for cell in json.loads(text)["cells"]}
    assert "'epochs': 2" in "".join(cells["injected-parameters"]["source"])
    assert str(project) not in text


def test_no_secret_no_home_folder_and_no_user_name_is_written_even_where_a_cell_shows_them(project):
    shows = (
        "import os; print(os.environ['KAGGLE_API_TOKEN'], os.path.expanduser('~/data'),"
        " os.environ['USER'] + '@host'); raise OSError(os.getcwd() + SECRET); figures.class_counts("
    )
    with edited(
        project,
        "notebooks/cifar10.ipynb",
        "figures.class_counts(",
        shows.replace("SECRET", "os.environ['KAGGLE_API_TOKEN']"),
    ):
        assert pipeline(project, "report").returncode == 1
    assert (
        "[KAGGLE_API_TOKEN] ~/data user@host"
        in (project / "reports" / RUN / "failed.ipynb").read_text()
    )
    written = {path: path.read_bytes() for path in project.rglob("reports/**/*") if path.is_file()}
    written |= {path: path.read_bytes() for path in project.rglob("data/**/*.json")}
    assert len(written) > 10
    for path, content in written.items():
        for planted in (SECRET, str(project.parent), "zaphodb"):
            assert planted.encode() not in content, (path, planted)


def test_a_second_report_does_nothing_and_says_why(project):
    before = times(project)
    done = pipeline(project, "report")
    assert (
        "nothing to do: settings, data, code and versions are those that" in done.stdout
        and done.returncode == 0
    )
    assert times(project) == before


def test_a_changed_figure_runs_the_notebook_again_without_training(project):
    before = times(project)
    with edited(
        project,
        "lib/labreport/analysis/figures.py",
        "Accuracy and loss by epoch;",
        "Loss and accuracy by epoch;",
    ):
        done = pipeline(project, "report")
        after = times(project)
        assert (
            "running the notebook again, without training (analysis.figures.curves changed)"
            in done.stdout
        )
        assert (
            after["metrics.json"] == before["metrics.json"]
            and after["report.pdf"] != before["report.pdf"]
        )
        assert (
            "Loss and accuracy by epoch" in (project / "reports" / RUN / "report.html").read_text()
        )
    assert pipeline(project, "report").returncode == 0


def test_a_changed_stylesheet_only_renders_again(project):
    before = times(project)
    with edited(project, "lib/labreport/reporting/report.css", "body {", "/* edited */ body {"):
        done = pipeline(project, "report")
    after = times(project)
    assert "rendering again (report.css changed)" in done.stdout
    assert (
        after["notebook.ipynb"] == before["notebook.ipynb"]
        and after["report.html"] != before["report.html"]
    )


def test_a_changed_model_trains_again_and_names_the_reason(project):
    before = times(project)
    with edited(
        project,
        "lib/labreport/models/cifar10.py",
        "Conv2D(32, 3, activation",
        "Conv2D(31, 3, activation",
    ):
        done = pipeline(project, "report")
    assert "training (models.cifar10.naive changed)" in done.stdout and "epoch 2/2" in done.stdout
    assert times(project)["metrics.json"] != before["metrics.json"]


def test_a_failing_cell_is_named_and_the_last_good_report_stays(project):
    before = times(project)
    with edited(
        project, "notebooks/cifar10.ipynb", "figures.class_counts(", "figures.class_count("
    ):
        done = pipeline(project, "report")
    folder = project / "reports" / RUN
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert (
        "cell 'class-counts' of cifar10.ipynb failed: AttributeError" in done.stderr
        and "failed.ipynb" in done.stderr
    )
    assert times(project) == before and (folder / "failed.ipynb").exists()


def test_a_kernel_that_dies_is_not_a_finished_run(project):
    before = times(project)
    with edited(
        project,
        "notebooks/cifar10.ipynb",
        "figures.class_counts(",
        "import os; os.kill(os.getpid(), 9); figures.class_counts(",
    ):
        done = pipeline(project, "report")
    assert done.returncode == 1 and "the kernel of cifar10.ipynb died" in done.stderr
    assert times(project) == before


def test_a_loss_that_is_not_finite_is_explained_in_one_line(project):
    done = pipeline(project, "report", options=[*QUICK, "optimizer=sgd", "learning_rate=1e38"])
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert (
        "the loss is no longer finite in epoch 1" in done.stderr
        and "try a smaller learning rate" in done.stderr
    )


def test_ctrl_c_ends_the_run_and_its_kernel_and_keeps_the_last_good_report(project):
    before = times(project)
    environment = surroundings(project)
    with edited(
        project,
        "lib/labreport/models/cifar10.py",
        "Conv2D(64, 4, activation",
        "Conv2D(64, 4,  activation",
    ):
        running = subprocess.Popen(
            [sys.executable, "pipeline.py", "report", "cifar10_naive_adam", *QUICK],
            cwd=project,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        while "epoch 1/2" not in running.stdout.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        output, errors = running.communicate(timeout=60)
        assert (
            running.returncode == 130
            and "Traceback" not in errors
            and "asked to stop: finishing this epoch" in output
        )
        assert f"interrupted: {RUN} was stopped after epoch " in errors and "run it again" in errors
        assert (
            times(project) == before
            and state(project)["state"] == "interrupted"
            and state(project)["epoch"] in (1, 2)
        )
        assert (
            "its training was stopped after" not in pipeline(project, "why").stdout
        )  # there is a finished run still
        again = pipeline(project, "report")
        assert "going on after epoch" in again.stdout
        assert (
            state(project)["state"] == "finished"
            and len(list((project / "reports" / RUN / "earlier").iterdir())) == 2
        )
    time.sleep(1)
    alive = subprocess.run(["ps", "-eo", "pid,args"], capture_output=True, text=True).stdout
    kernels = [line.split()[0] for line in alive.splitlines() if "ipykernel" in line]
    assert not [
        pid
        for pid in kernels
        if str(project) in pathlib.Path(f"/proc/{pid}/cwd").resolve().as_posix()
    ]


def test_plain_papermill_gives_the_same_result(project, tmp_path):
    environment = os.environ | {
        "LABREPORT_REPORTS": str(tmp_path / "reports"),
        "PYTHONPATH": str(project / "lib"),
    }
    subprocess.run(
        [
            sys.executable,
            "-m",
            "papermill",
            "cifar10.ipynb",
            str(tmp_path / "out.ipynb"),
            "-p",
            "experiment",
            "cifar10_naive_adam",
            "-y",
            "{settings: {data: sample, epochs: 2, max_images: 600}}",
        ],
        cwd=project / "notebooks",
        env=environment,
        check=True,
        capture_output=True,
    )
    for name in ("history.csv", "predictions.csv"):
        assert (tmp_path / "reports" / RUN / name).read_bytes() == (
            project / "reports" / RUN / name
        ).read_bytes()


def test_a_second_pipeline_is_told_who_is_at_work_and_sigterm_ends_the_first(project):
    options = [*QUICK[:-2], "epochs=500", "max_images=600"]
    environment = surroundings(project)
    first = subprocess.Popen(
        [sys.executable, "pipeline.py", "report", "cifar10_naive_adam", *options],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while " 1/500 " not in first.stdout.readline():
        assert first.poll() is None
    second = pipeline(project, "report", options=options)
    assert (
        second.returncode == files.RUN_LOCKED
        and f"is at work already, as process {first.pid} on" in second.stderr
    )
    first.terminate()
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 143 and "of at most 500, which is saved" in errors


def test_verify_passes_on_a_real_run_and_fails_at_the_right_place_where_data_seed_or_code_changed(
    project,
):
    """Image files in a folder, which count as real ones."""
    root, run = (
        project / "data/cats_and_dogs_filtered",
        {"experiment": "cats_dogs_sigmoid", "options": ["--set", "epochs=2", "image_size=32"]},
    )
    write_cats_dogs(root)
    assert pipeline(project, "report", **run).returncode == 0
    done = pipeline(project, "verify", **(run | {"options": ["--stamp", *run["options"]]}))
    assert (
        "identical, run again "
        in next(project.glob("reports/cats_dogs_sigmoid--*/report.html")).read_text()
    )
    assert (
        done.returncode == 0
        and ": identical: history, predictions and metrics are the same, bit for bit" in done.stdout
    )

    def fails(reason):
        done = pipeline(project, "verify", **run)
        assert (
            done.returncode == 1
            and f"made from other things than the finished run: {reason}" in done.stdout
        )
        return done.stdout.split(": different: first in ")[1]

    with edited(project, "params/cats_dogs_sigmoid.yaml", "seed: 1", "seed: 2"):
        assert fails("seed: 1, now 2").startswith("history, epoch 1, accuracy: ")
    with edited(
        project, "lib/labreport/models/cats_dogs.py", "layers.Dense(128", "layers.Dense(64"
    ):
        assert fails("models.cats_dogs.three_convolutions changed").startswith(
            "history, epoch 1, accuracy: "
        )
    image = root / "train/cats/003.jpg"
    image.write_bytes(picture(77))
    done = pipeline(project, "verify", **run)
    assert (
        done.returncode == 1
        and "data.lock says: 1 file changed (train/cats/003.jpg)" in done.stderr
    )
    assert (
        subprocess.run(
            [sys.executable, "pipeline.py", "data", "--accept", "cats_dogs"],
            cwd=project,
            env=surroundings(project),
        ).returncode
        == 0
    )
    assert fails("the data changed").startswith("history, epoch 1, ")
    shutil.rmtree(project / "data")  # with its lock, which real images would not agree with


def test_a_quick_try_never_takes_the_place_of_the_full_run(project):
    assert not (project / "reports/cifar10_naive_adam").exists()


@pytest.mark.parametrize(
    "experiment, settings",
    [
        ("cifar10_batchnorm", ["max_images=600"]),
        ("cats_dogs_sigmoid", ["max_images=60"]),
        ("flowers_googlenet_sgd", ["max_images=60", "image_size=128"]),
        ("dog_breeds_mobilenetv2", ["max_images=500", "image_size=64", "alpha=0.35"]),
    ],
)
def test_real_images_go_through_each_notebook(project, real_data, experiment, settings):
    done = pipeline(
        project,
        "report",
        experiment=experiment,
        options=["--data", str(real_data), "--set", "epochs=1", *settings],
    )
    assert done.returncode == 0, done.stderr
    html = next(project.glob(f"reports/{experiment}--*/report.html")).read_text()
    assert (
        "Sample data" not in html
        and "is done otherwise here" in html
        and "Random weights" not in html
    )

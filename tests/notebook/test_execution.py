"""The whole road: parameter file, notebook, reports; done once, done again only as far as something
changed, and honest when it fails.
"""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from helpers.gate import Gate
from helpers.processes import PATIENCE, alive, descendants, until
from helpers.project import EXPERIMENT, OPTIONS, RUN, SECRET, Project, copy_project
from labreport.core import files

pytestmark = pytest.mark.slow


@pytest.fixture
def gate(tmp_path):
    return Gate(tmp_path / "gate")


def test_verify_passes_on_a_real_run_and_says_so_in_the_report(project):
    done = project.pipeline("verify", "--stamp")
    assert (
        done.returncode == 0
        and ": identical: history, predictions and metrics are the same, bit for bit" in done.stdout
    )
    assert "identical, repeated on " in (project.run / "report.html").read_text()


def test_no_secret_no_home_folder_and_no_user_name_is_written_even_where_a_cell_shows_them(project):
    shows = (
        "import os; print(os.environ['KAGGLE_API_TOKEN'], os.path.expanduser('~/data'),"
        " os.environ['USER'] + '@host'); raise OSError(os.getcwd() + SECRET); figures.class_counts("
    )
    with project.edited(
        "notebooks/cifar10.ipynb",
        "figures.class_counts(",
        shows.replace("SECRET", "os.environ['KAGGLE_API_TOKEN']"),
    ):
        assert project.pipeline("report").returncode == 1
    assert "[KAGGLE_API_TOKEN] ~/data user@host" in (project.run / "failed.ipynb").read_text()
    written = {
        path: path.read_bytes() for path in project.folder.rglob("reports/**/*") if path.is_file()
    }
    written |= {path: path.read_bytes() for path in project.folder.rglob("data/**/*.json")}
    assert len(written) > 10
    for path, content in written.items():
        for planted in (SECRET, str(project.folder.parent), "zaphodb"):
            assert planted.encode() not in content, (path, planted)


def test_a_changed_figure_runs_the_notebook_again_without_training(project):
    before = project.times()
    with project.edited(
        "lib/labreport/analysis/figures/history.py",
        "Accuracy and loss by epoch;",
        "Loss and accuracy by epoch;",
    ):
        done = project.pipeline("report")
        after = project.times()
        assert (
            "running the notebook again, without training (analysis.figures.history.curves changed)"
            in done.stdout
        )
        assert (
            after["metrics.json"] == before["metrics.json"]
            and after["report.pdf"] != before["report.pdf"]
        )
        assert "Loss and accuracy by epoch" in (project.run / "report.html").read_text()


def test_a_changed_model_trains_again_and_names_the_reason(project):
    before = project.times()
    with project.edited(
        "lib/labreport/models/cifar10.py",
        "Conv2D(32, 3, activation",
        "Conv2D(31, 3, activation",
    ):
        done = project.pipeline("report")
    assert "training (models.cifar10.naive changed)" in done.stdout and "epoch 2/2" in done.stdout
    assert project.times()["metrics.json"] != before["metrics.json"]


def test_a_failing_cell_is_named_and_the_last_good_report_stays(project):
    before = project.times()
    with project.edited("notebooks/cifar10.ipynb", "figures.class_counts(", "figures.class_count("):
        done = project.pipeline("report")
    folder = project.run
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1
    assert (
        "cell 'class-counts' of cifar10.ipynb failed: AttributeError" in done.stderr
        and "failed.ipynb" in done.stderr
    )
    assert project.times() == before and (folder / "failed.ipynb").exists()


def test_a_kernel_that_dies_is_not_a_finished_run(project):
    before = project.times()
    with project.edited(
        "notebooks/cifar10.ipynb",
        "figures.class_counts(",
        "import os; os.kill(os.getpid(), 9); figures.class_counts(",
    ):
        done = project.pipeline("report")
    assert done.returncode == 1 and "the kernel of cifar10.ipynb died" in done.stderr
    assert project.times() == before


def test_a_run_that_is_asked_to_stop_saves_its_epoch_and_goes_on_and_the_last_good_report_stays(
    project, gate
):
    before, earlier = project.times(), len(list(project.run.glob("earlier/*")))
    command = [sys.executable, "pipeline.py", "report", EXPERIMENT, *OPTIONS]

    def stopped(number, after):
        """Exit code and output of a report that gets a signal after an epoch, once its run is in
        use: a second one is refused.
        """
        running = subprocess.Popen(
            command,
            cwd=project.folder,
            env=gate.before(project.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        until(lambda: list(project.run.glob(f"unfinished/epoch-{after:04}.*")), "an epoch is saved")
        kernels = descendants(running.pid)
        second = project.pipeline("report")
        assert second.returncode == files.RUN_LOCKED
        assert f"is already running (process {running.pid} on" in second.stderr
        running.send_signal(number)
        output, errors = running.communicate(timeout=PATIENCE)
        until(lambda: not any(map(alive, kernels)), "nothing is left behind")
        assert "Traceback" not in errors and "stopping: this epoch is finished and saved" in output
        assert f"interrupted: {RUN} was stopped after epoch {after}" in errors
        assert "which is saved" in errors and "again to continue" in errors
        assert project.times() == before
        state = project.state()
        assert (state["state"], state["epoch"]) == ("interrupted", after)
        # there is a finished run still
        assert "its training was stopped after" not in project.pipeline("why").stdout
        return running.returncode, output

    gate.hold(RUN)
    with project.edited(
        "lib/labreport/models/cifar10.py",
        "Conv2D(64, 4, activation",
        "Conv2D(63, 4, activation",
    ):
        code, _ = stopped(signal.SIGINT, 1)
        assert code == 130
        code, output = stopped(signal.SIGTERM, 2)
        assert code == 143 and "resuming after epoch 1" in output
        again = project.pipeline("report")
    assert "resuming after epoch 2" in again.stdout
    assert project.state()["state"] == "finished"
    assert len(list(project.run.glob("earlier/*"))) == earlier + 1


def test_plain_papermill_gives_the_same_result(finished, tmp_path):
    environment = os.environ | {
        "LABREPORT_REPORTS": str(tmp_path / "reports"),
        "PYTHONPATH": str(finished.folder / "lib"),
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
            EXPERIMENT,
            "-y",
            "{settings: {data: sample, epochs: 2, max_images: 200}}",
        ],
        cwd=finished.folder / "notebooks",
        env=environment,
        check=True,
        capture_output=True,
    )
    for name in ("history.csv", "predictions.csv", "validation.npz"):
        assert (tmp_path / "reports" / RUN / name).read_bytes() == (
            finished.run / name
        ).read_bytes()


def test_a_report_is_reproduced_from_its_pdf_alone(finished, tmp_path):
    """By another copy of the project, which has no run folder."""
    project = Project(copy_project(tmp_path / "home/checkout"))
    shutil.copy(finished.run / "report.pdf", project.folder / "mine.pdf")
    done = project.python("pipeline.py", "verify", "mine.pdf")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine.pdf: identical: history and metrics are the same, bit for bit" in done.stdout
    assert not list(project.folder.glob("reports/cifar10*"))


def test_a_quick_try_never_takes_the_place_of_the_full_run(project):
    assert not (project.folder / "reports/cifar10_naive_adam").exists()


def test_real_images_and_weights_go_through_a_notebook(project, real_dogs):
    experiment = "dog_breeds_mobilenetv2"
    settings = ["epochs=1", "max_images=500", "image_size=64", "alpha=0.35"]
    done = project.pipeline(
        "report",
        experiment=experiment,
        options=["--data", str(real_dogs), "--set", *settings],
    )
    assert done.returncode == 0, done.stderr
    html = next(project.folder.glob(f"reports/{experiment}--*/report.html")).read_text()
    assert (
        "Sample data" not in html
        and "Differences from the published experiment:" in html
        and "Random weights" not in html
    )

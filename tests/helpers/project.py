"""Where the project lies; copies of it that a test may edit, one of them with a finished report."""

import contextlib
import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE = dict(os.environ)  # for what a test may fetch: packages, through their ordinary client
PARTS = ("lib", "notebooks", "params", "pipeline.py", "pyproject.toml", "requirements.lock")
EXPERIMENT = "cifar10_naive_adam"
OPTIONS = ["--data", "sample", "--set", "epochs=2", "max_images=200"]
RUN = f"{EXPERIMENT}--sample--epochs-2--max_images-200"
SECRET = "KGAT_0123456789abcdef"


class Project:
    """A copy of the project in the home folder of a user `zaphodb`, and commands in it."""

    def __init__(self, folder: Path):
        self.folder, self.run = folder, folder / "reports" / RUN
        self.package = folder / "lib/labreport"
        ours = {name for name in os.environ if name.startswith("LABREPORT_")}
        self.environment = {key: value for key, value in os.environ.items() if key not in ours} | {
            "HOME": str(folder.parent),
            "USER": "zaphodb",
            "LOGNAME": "zaphodb",
            "KAGGLE_API_TOKEN": SECRET,
            "PYTHONPATH": str(folder / "lib"),
        }

    def copied(self, folder: Path) -> "Project":
        """A copy of it, run folders included."""
        shutil.copytree(self.folder, folder)
        return Project(folder)

    def python(self, *arguments, **more):
        """A Python process of this project, when it has ended."""
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=self.folder,
            env=self.environment | more,
            capture_output=True,
            text=True,
        )

    def pipeline(self, command, *more, experiment=EXPERIMENT, options=OPTIONS):
        """A command on an experiment, when it has ended; no traceback is shown."""
        done = self.python("pipeline.py", command, experiment, *options, *more)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    @contextlib.contextmanager
    def edited(self, name: str, before: str, after: str):
        """Other words in a file, for as long as the block lasts."""
        text = (self.folder / name).read_text()
        assert before in text
        (self.folder / name).write_text(text.replace(before, after))
        try:
            yield
        finally:
            (self.folder / name).write_text(text)

    def times(self) -> dict[str, int]:
        """When files of the run were written."""
        names = ("metrics.json", "notebook.ipynb", "report.pdf", "report.html")
        return {name: (self.run / name).stat().st_mtime_ns for name in names}

    def state(self) -> dict:
        """What the run says of itself."""
        return json.loads((self.run / "run.json").read_text())

    def report(self):
        """What the command prints that makes the report."""
        done = self.pipeline("report")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stale(self):
        """What `why` says is to be done: nothing, render, execute or train; and its words."""
        done = self.pipeline("why")
        assert done.returncode == 0, done.stdout + done.stderr
        told = re.findall(r"^(train|execute|make)[^:]*:\s+(yes|no)", done.stdout, re.MULTILINE)
        assert len(told) == 3, done.stdout
        yes = [what for what, answer in told if answer == "yes"]
        return {"make": "render"}.get(yes[0], yes[0]) if yes else "nothing", done.stdout


def copy_project(folder: Path) -> Path:
    """The project, as the repository's archive has it, in a folder; returns that."""
    ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.egg-info")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


@contextlib.contextmanager
def made_once(tmp_path_factory, name: str):
    """A folder for all worker processes of a test run, and whether it is there already: else the
    block makes it, while the other processes wait.
    """
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    with open(base / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = base / f"{name}.made"
        yield base / name, made.exists()
        made.touch()


def finished_project(tmp_path_factory) -> Project:
    """A project with one finished report, made once for all worker processes of a test run."""
    with made_once(tmp_path_factory, "zaphodb") as (home, there):
        project = Project(home / "checkout")
        if not there:
            copy_project(project.folder)
            project.report()
    return project

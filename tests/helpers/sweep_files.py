"""Projects whose sweeps a test writes itself."""

import shutil
from pathlib import Path

from helpers.project import ROOT

HEAD = "title: T\nquestion: Q?\nbase: cifar10_naive_adam\n"


def project_without_sweeps(folder: Path) -> Path:
    """A project folder with the parameter files and no sweep yet; returns it."""
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.rmtree(folder / "params/sweeps")
    (folder / "params/sweeps").mkdir()
    return folder


def write(project, text, name="mine"):
    (project / f"params/sweeps/{name}.yaml").write_text(text)

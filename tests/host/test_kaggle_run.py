"""A run that is really executed on a stand-in of Kaggle."""

import os

import pipeline
import pytest

from helpers import kaggle_notebooks
from helpers.clusters import train
from helpers.gate import Gate
from labreport.config import experiments
from labreport.core import files
from labreport.executors import plan

pytestmark = pytest.mark.slow
EXPERIMENT = "cifar10_naive_adam"


def test_a_run_that_the_service_ends_is_finished_in_a_second_notebook_with_the_bits_of_one_here(
    notebooks, tmp_path, capsys
):
    notebooks.python, notebooks.end_first_after = (
        kaggle_notebooks.bare_python(tmp_path / "python"),
        3,
    )
    chosen = experiments.load(EXPERIMENT, {"data": "sample", "epochs": 6, "max_images": 400})
    notebooks.gate = Gate(tmp_path / "gate")
    notebooks.gate.hold(chosen.run_name, after=4)
    run = [EXPERIMENT, "--data", "sample", "--set", "epochs=6", "max_images=400"]
    assert pipeline.main(["kaggle", *run]) == 0, capsys.readouterr()
    [there] = (tmp_path / "reports").glob(f"{EXPERIMENT}--*")
    assert [session.status for session in notebooks.pushed] == [
        "CANCEL_ACKNOWLEDGED",
        "COMPLETE",
    ] and (there / "report.pdf").exists()
    origin = files.read_json(there / "provenance.json")
    assert origin["sittings"][1]["first_epoch"] >= 3 and origin["sittings"][0]["checkout"]["packed"]
    train(chosen, environment=os.environ | {"LABREPORT_REPORTS": str(tmp_path / "here")})
    for name in ("history.csv", "predictions.csv", "validation.npz"):
        assert (there / name).read_bytes() == (tmp_path / "here" / there.name / name).read_bytes()
    assert plan.step(chosen).action == "done"

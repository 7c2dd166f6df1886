"""A run that is really executed on a stand-in of Kaggle."""

import pipeline
import pytest

from helpers import kaggle_notebooks, kaggle_stand_in
from helpers.gate import Gate
from labreport.config import experiments
from labreport.core import files
from labreport.executors import plan
from labreport.executors.kaggle import job_chain

pytestmark = pytest.mark.slow
EXPERIMENT = "cifar10_naive_adam"


@pytest.fixture
def notebooks(service, tmp_path, monkeypatch):
    """Those of the service; looked at often."""
    monkeypatch.setattr(job_chain, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(job_chain, "FULL_SECONDS", 0.2)
    monkeypatch.setenv("KAGGLE_USERNAME", kaggle_stand_in.USER)
    monkeypatch.setenv("KAGGLE_KEY", kaggle_stand_in.KEY)
    found = kaggle_notebooks.Notebooks(tmp_path / "service")
    found.join(service)
    yield found
    found.close()


def test_a_run_that_the_service_ends_is_finished_in_a_second_notebook_with_the_bits_of_one_here(
    notebooks, tmp_path, capsys, monkeypatch
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
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "here"))
    assert pipeline.main(["report", *run, "--notebook-only"]) == 0
    for name in ("history.csv", "predictions.csv"):
        assert (there / name).read_bytes() == (tmp_path / "here" / there.name / name).read_bytes()
    monkeypatch.setenv("LABREPORT_REPORTS", str(there.parent))
    assert plan.step(chosen).action == "done"

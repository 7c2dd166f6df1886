"""A model is built once to be measured; its size counts until code or versions change."""

import json
import subprocess
import sys

import pytest

from helpers.project import ROOT
from labreport.config import experiments
from labreport.core import paths
from labreport.executors import model_sizes
from labreport.executors.model_sizes import Size
from labreport.runs import provenance
from labreport.staleness import code_digest

SIZE = Size(400.0, 300.0, 2000.0, 64.0, 0.0, 256)


@pytest.fixture
def built(monkeypatch):
    """Models are not built but noted, in a list of lists."""
    found = []

    def build(models, context):
        found.append([experiment.run_name for experiment in models.values()])
        return dict.fromkeys(models, SIZE)

    monkeypatch.setattr(model_sizes, "_built", build)
    monkeypatch.setattr(code_digest, "whole", lambda: "code")
    return found


def test_runs_of_one_model_share_its_size_and_a_later_look_builds_nothing(built):
    runs = [experiments.load("cifar10_l2", {"seed": seed}) for seed in (1, 2)]
    other = experiments.load("cifar10_l2", {"filters": [[8], [8], [8]]})
    assert model_sizes.of([*runs, other]) == {run.run_name: SIZE for run in (*runs, other)}
    assert built == [["cifar10_l2--seed-2", other.run_name]]
    assert model_sizes.of(runs) == {run.run_name: SIZE for run in runs}
    assert built[1:] == [[]] and model_sizes.of([]) == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(code_digest, "whole", lambda: "other code"),
        lambda patch: patch.setattr(provenance, "versions", lambda *names: {"keras": "2"}),
    ],
)
def test_other_code_or_another_keras_measures_again(built, change, monkeypatch):
    run = experiments.load("cifar10_l2")
    model_sizes.of([run])
    change(monkeypatch)
    model_sizes.of([run])
    model_sizes.of([run])
    assert built == [["cifar10_l2"], ["cifar10_l2"], []]


@pytest.mark.parametrize(
    "damage",
    [
        lambda record: "{",
        lambda record: "[]",
        lambda record: json.dumps(record | {"size": record["size"] | {"weights": "400"}}),
        lambda record: json.dumps(record | {"size": {"weights": 400}}),
        lambda record: json.dumps({"size": record["size"]}),
    ],
)
def test_a_damaged_size_is_measured_again(built, damage):
    run = experiments.load("cifar10_l2")
    model_sizes.of([run])
    [file] = (paths.cache() / model_sizes.FOLDER).iterdir()
    file.write_text(damage(json.loads(file.read_text())))
    assert model_sizes.of([run]) == {"cifar10_l2": SIZE}
    assert built == [["cifar10_l2"], ["cifar10_l2"]]


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(built):
    (paths.cache() / model_sizes.FOLDER).touch()
    run = experiments.load("cifar10_l2")
    for _ in range(2):
        assert model_sizes.of([run]) == {"cifar10_l2": SIZE}
    assert built == [["cifar10_l2"], ["cifar10_l2"]]


def test_the_process_that_plans_never_imports_tensorflow():
    """It may live all night beside the runs."""
    program = (
        "import sys\nfrom labreport.config import experiments\n"
        "from labreport.executors import model_sizes, plan\n"
        "def estimate(): return plan.estimated([plan.step(experiments.load('cifar10_l2'))])\n"
        "if __name__ == '__main__':\n"
        "    first = estimate()\n"
        "    model_sizes._built = lambda models, context: {} if not models else 1 / 0\n"
        "    assert estimate() == first and first[0].memory > plan.PROCESSES_BYTES, first\n"
        "    assert not {'tensorflow', 'keras', 'pandas'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "", done.stderr

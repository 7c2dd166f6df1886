"""A run is repeated and compared: identical, within tolerance, or different, and where first."""

import json
import runpy
from dataclasses import replace

import pytest

from conftest import ROOT
from labreport import models
from labreport.execution import execution, verification
from labreport.runs import results
from labreport.training import training
from test_training import experiment, quiet


@pytest.fixture
def repeated(tiny, monkeypatch):
    """A finished run of the tiny data; the notebook is not executed again but its training is.

    What it is repeated with can be changed.
    """
    what = {"data": tiny}
    training.fit(experiment(), tiny, quiet)
    monkeypatch.setattr(
        execution, "run", lambda chosen, output: training.fit(chosen, what["data"], quiet)
    )
    return what


def test_a_run_that_is_repeated_gives_the_same_bits(repeated):
    before = {
        path.name: path.read_bytes() for path in experiment().folder.iterdir() if path.is_file()
    }
    verdict = verification.verify(experiment())
    assert verdict.verdict == "identical" and verdict.reasons == []
    assert str(verdict) == "identical: history, predictions and metrics are the same, bit for bit"
    assert {
        path.name: path.read_bytes() for path in experiment().folder.iterdir() if path.is_file()
    } == before


def test_another_seed_is_found_in_the_first_epoch(repeated):
    verdict = verification.verify(
        replace(experiment(), seed=2)
    )  # as after an edit of the parameter file: the run folder is the same
    assert (
        verdict.verdict == "different"
        and verdict.reasons == ["seed: 1, now 2"]
        and verdict.where.startswith("history, epoch 1, ")
    )


def test_other_data_are_found(repeated, tiny):
    repeated["data"] = replace(
        tiny, test=replace(tiny.test, images=255 - tiny.test.images, digests=None)
    )
    verdict = verification.verify(experiment())
    assert verdict.reasons == ["the data changed"] and verdict.where.startswith(
        "predictions, image test-0, airplane: 0."
    )  # training saw the same


def test_other_code_is_found(repeated, monkeypatch):
    build = models.build

    def with_other_weights(*arguments):
        model = build(*arguments)
        model.layers[-1].kernel.assign(model.layers[-1].kernel * 2)
        return model

    monkeypatch.setattr(models, "build", with_other_weights)
    verdict = verification.verify(experiment())
    assert verdict.verdict == "different" and verdict.where.startswith("history, epoch 1, ")


def test_a_small_difference_is_within_tolerance_and_a_large_one_is_not(tiny):
    one = training.fit(experiment(), tiny, quiet)
    history = one.history.copy()
    history.loc[1, "val_loss"] += 1e-5
    other = replace(one, history=history)
    assert verification.compare(one, other)[0] == "within tolerance" and verification.compare(
        one, other
    )[1].startswith("history, epoch 2, val_loss: 2.")
    assert verification.compare(one, other, tolerance=1e-6)[0] == "different"
    assert verification.compare(
        one, replace(one, metrics=one.metrics | {"evaluated_loss": float("nan")})
    ) == ("different", f"metrics, evaluated_loss: {one.metrics['evaluated_loss']:.9g} then nan")
    assert (
        verification.compare(
            one,
            replace(
                one, metrics=one.metrics | {"total_parameters": one.metrics["total_parameters"] + 1}
            ),
        )[0]
        == "different"
    )
    assert verification.compare(
        one, replace(one, predictions=one.predictions.assign(predicted="cat"))
    )[1].startswith("predictions, image test-0, predicted: ")
    assert verification.compare(one, replace(one, history=history[:2])) == (
        "different",
        "history, epoch 2, val_loss: "
        + " then ".join(f"{table['val_loss'][1]:.9g}" for table in (one.history, history)),
    )


def test_without_a_finished_run_there_is_nothing_to_verify():
    with pytest.raises(FileNotFoundError, match="holds no finished training"):
        verification.verify(experiment())


def test_a_stamped_verdict_stands_in_the_report_until_the_run_is_replaced(repeated, tiny):
    verification.stamp(experiment(), verification.verify(experiment()))
    told = results.provenance_table(results.load(experiment().folder))[0]
    assert told["Item"] == "Verified" and told["Value"].startswith("identical, run again ")
    verdict = verification.verify(experiment())
    with pytest.raises(
        ValueError, match="not stamped: what .* was made from is no longer here .seed: 1, now 2."
    ):
        verification.stamp(experiment(), verification.verify(replace(experiment(), seed=2)))
    training.fit(replace(experiment(), batch_size=20), tiny, quiet)
    assert results.load(experiment().folder).verification is None
    with pytest.raises(ValueError, match="has been replaced since it was verified"):
        verification.stamp(experiment(), verdict)


def test_diff_shows_what_two_runs_do_not_share(tiny, capsys):
    main = runpy.run_path(str(ROOT / "pipeline.py"))["main"]
    runs = [experiment(), experiment(batch_size=20)]
    for run in runs:
        training.fit(run, tiny, quiet)
    assert main(["diff", *(run.run_name for run in runs)]) == 0
    shown = capsys.readouterr().out
    lines = {line.split()[0]: line.split() for line in shown.splitlines() if line.strip()}
    assert (
        lines["batch_size"][1:] == ["16", "20"]
        and lines["evaluated_loss"]
        and "Environment" not in shown
        and "fingerprint" not in shown
    )
    assert lines["compared"][1] == "different" and "history, epoch 1" in shown
    assert main(["diff", runs[0].run_name, "cifar10_l2"]) == 1
    assert "holds no finished training" in capsys.readouterr().err


def test_why_tells_of_a_training_that_would_go_on(capsys):
    main = runpy.run_path(str(ROOT / "pipeline.py"))["main"]
    assert main(["why", "cifar10_l2", "--data", "sample"]) == 0
    assert (
        capsys.readouterr().out.splitlines()[0]
        == "train:                yes: it has not been trained"
    )
    from labreport.config import experiments

    unfinished = experiments.load("cifar10_l2", {"data": "sample"}).folder / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "history.csv").write_text("epoch\n1\n2\n")
    assert main(["why", "cifar10_l2", "--data", "sample"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown == [
        "cifar10_l2--sample: interrupted after 2 epochs",
        *(
            f"{what + ':':<22}yes: its training was stopped after 2 epochs"
            for what in ("train", "execute the notebook", "make the reports")
        ),
    ]


def test_the_record_of_a_run_names_what_it_was_made_from_and_ran_on(tiny):
    result = training.fit(experiment(), tiny, quiet)
    record = json.loads((experiment().folder / "provenance.json").read_text())
    assert (
        record["settings"] == json.loads(json.dumps(experiment().settings()))
        and record["data"] == tiny.fingerprint
        and record["seed"] == 1
    )
    assert (
        {"tensorflow", "keras", "numpy"} <= set(record["versions"])
        and len(record["imported"]) > 20
        and len(record["sittings"]) == 1
    )
    [sitting] = record["sittings"]
    assert set(sitting["locks"]) == {"requirements.lock", "requirements-cuda.lock"} and {
        "commit",
        "changes",
        "diff",
    } <= set(sitting["checkout"])
    assert sitting["peak_memory_bytes"] > 10**8 and {
        "python",
        "system",
        "processor",
        "threads",
        "device",
        "started",
        "ended",
        "environment",
    } <= set(sitting)
    items = [row["Item"] for row in results.provenance_table(result)]
    assert [
        item
        for item in (
            "Started",
            "Finished",
            "Computing time",
            "Peak memory",
            "Lock files (sha256)",
            "Versions",
            "Processor",
            "Seed",
        )
        if item not in items
    ] == []

"""A run is repeated and compared: identical, within tolerance, or different, and where first."""

import json
import runpy
import shutil
from dataclasses import replace

import pipeline
import pytest

from helpers.pictures import picture, write_cats_dogs
from helpers.project import ROOT
from helpers.training import experiment, quiet, tiny_data
from labreport import datasets, models
from labreport.config import experiments
from labreport.core import paths
from labreport.execution import differences, execution, verification
from labreport.executors import tasks
from labreport.runs import manifest, results
from labreport.staleness import rules
from labreport.training import training


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run of the tiny data; trained once for all tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABREPORT_REPORTS", str(tmp_path_factory.mktemp("finished")))
        training.fit(experiment(), tiny_data(), quiet)
        return experiment().folder


@pytest.fixture
def repeated(finished, tiny, monkeypatch):
    """A finished run of the tiny data; the notebook is not executed again but its training is.

    What it is repeated with can be changed.
    """
    what = {"data": tiny}
    shutil.copytree(finished, experiment().folder)
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
    # as after an edit of the parameter file: the run folder is the same
    verdict = verification.verify(replace(experiment(), seed=2))
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
    # training saw the same
    assert verdict.reasons == ["the data changed"] and verdict.where.startswith(
        "predictions, image test-0, airplane: 0."
    )


def doubled(model):
    """The model with a last layer of twice the weights."""
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 2)
    return model


def test_other_code_is_found(repeated, monkeypatch):
    build = models.build
    monkeypatch.setattr(models, "build", lambda *arguments: doubled(build(*arguments)))
    verdict = verification.verify(experiment())
    assert verdict.verdict == "different" and verdict.where.startswith("history, epoch 1, ")


def test_a_small_difference_is_within_tolerance_and_a_large_one_is_not(tiny):
    one = training.fit(experiment(), tiny, quiet)
    history = one.history.copy()
    history.loc[1, "val_loss"] += 1e-5
    other = replace(one, history=history)
    assert differences.compare(one, other)[0] == "within tolerance" and differences.compare(
        one, other
    )[1].startswith("history, epoch 2, val_loss: 2.")
    assert differences.compare(one, other, tolerance=1e-6)[0] == "different"
    assert differences.compare(
        one, replace(one, metrics=replace(one.metrics, evaluated_loss=float("nan")))
    ) == ("different", f"metrics, evaluated_loss: {one.metrics.evaluated_loss:.9g} then nan")
    assert (
        differences.compare(
            one,
            replace(
                one,
                metrics=replace(one.metrics, total_parameters=one.metrics.total_parameters + 1),
            ),
        )[0]
        == "different"
    )
    assert differences.compare(
        one, replace(one, predictions=one.predictions.assign(predicted="cat"))
    )[1].startswith("predictions, image test-0, predicted: ")
    assert differences.compare(one, replace(one, history=history[:2])) == (
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
    assert told["Item"] == "Verified" and told["Value"].startswith("identical, repeated on ")
    verdict = verification.verify(experiment())
    with pytest.raises(
        ValueError, match="not stamped: the inputs of .* have changed .seed: 1, now 2."
    ):
        verification.stamp(experiment(), verification.verify(replace(experiment(), seed=2)))
    training.fit(replace(experiment(), batch_size=20), tiny, quiet)
    assert results.load(experiment().folder).verification is None
    with pytest.raises(ValueError, match="has been replaced since it was verified"):
        verification.stamp(experiment(), verdict)


def test_verify_says_that_what_it_compares_was_changed(repeated, capsys):
    folder = experiment().folder
    (folder / "notebook.ipynb").write_text("{}")
    manifest.start(folder, folder)
    manifest.add(folder, "notebook.ipynb")
    history = folder / "history.csv"
    history.write_text(history.read_text().replace("0.", "0.9", 1))
    _, name, _, *settings = tasks.command(experiment())
    assert pipeline.main(["verify", "--stamp", name, *settings]) == 1
    told = capsys.readouterr()
    assert (
        "history.csv changed after the notebook was executed, so the changed files are compared"
        in told.out
    )
    assert "different: first in history, epoch 1" in told.out
    assert "not stamped: history.csv of" in told.err


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
            "Versions",
            "Other packages",
            "Processor",
            "Seed",
        )
        if item not in items
    ] == []


def test_verify_names_what_was_changed_and_where_the_numbers_differ_first(
    tmp_path, monkeypatch, capsys
):
    """Image files in a folder, which count as real ones. The notebook is not executed again but its
    training is.
    """
    root, settings = paths.data() / "cats_and_dogs_filtered", {"epochs": 2, "image_size": 32}
    words = ["verify", "cats_dogs_sigmoid", "--set", "epochs=2", "image_size=32"]

    def run(chosen, output=None):
        return training.fit(chosen, datasets.load(chosen), quiet)

    monkeypatch.setattr(execution, "run", run)
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / "project" / name)
    monkeypatch.chdir(tmp_path / "project")
    write_cats_dogs(root)
    run(experiments.load("cats_dogs_sigmoid", settings))
    assert pipeline.main(words) == 0
    same = ": identical: history, predictions and metrics are the same, bit for bit"
    assert same in capsys.readouterr().out

    def fails(reason):
        assert pipeline.main(words) == 1
        told = capsys.readouterr().out
        assert f"its inputs differ from those of the finished run: {reason}" in told
        return told.split(": different: first in ")[1]

    recorded, build = rules.training, models.build
    with monkeypatch.context() as patch:  # as if the file of the model had been edited
        layer = {"models.cats_dogs.three_convolutions": "0" * 64}
        patch.setattr(rules, "training", lambda *arguments: recorded(*arguments) | layer)
        patch.setattr(models, "build", lambda *arguments: doubled(build(*arguments)))
        reason = "models.cats_dogs.three_convolutions changed"
        assert fails(reason).startswith("history, epoch 1, loss: ")
    file = paths.params() / "cats_dogs_sigmoid.yaml"
    file.write_text(file.read_text().replace("seed: 1", "seed: 2"))
    assert fails("seed: 1, now 2").startswith("history, epoch 1, accuracy: ")
    file.write_text(file.read_text().replace("seed: 2", "seed: 1"))
    (root / "train/cats/003.jpg").write_bytes(picture(77))
    assert pipeline.main(words) == 1
    assert "data.lock: 1 file changed (train/cats/003.jpg)" in capsys.readouterr().err
    assert pipeline.main(["data", "--accept", "cats_dogs"]) == 0
    assert fails("the data changed").startswith("history, epoch 1, ")

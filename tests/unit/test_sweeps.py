"""A sweep: read strictly, planned before it runs, many runs at once, and no more said than its
seeds support.
"""

import io
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from helpers.fabricated import fabricated, ran_with
from helpers.sweep_files import HEAD, project_without_sweeps, write
from labreport.analysis import comparison, crossed, crossfit, looks
from labreport.analysis.comparison.contrasts import differences
from labreport.analysis.comparison.runs import panels_by_model
from labreport.cli.main import main
from labreport.config import experiments
from labreport.core import files
from labreport.execution import due
from labreport.executors import forkserver, model_sizes, plan, progress, tasks
from labreport.runs import fingerprint, provenance, validation
from labreport.studies import sweeps


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with the parameter files and no sweep yet."""
    monkeypatch.chdir(folder := project_without_sweeps(tmp_path / "project"))
    return folder


def differences_of(sweep):
    return differences(sweep, comparison.of(sweep).scores)


@pytest.mark.parametrize(
    "name, configurations, seeds",
    [
        ("flowers_optimizers", 14, 5),
        ("flowers_tuning", 7, 3),
        ("cifar10_regularization", 6, 3),
        ("cifar10_optimizers", 5, 3),
        ("dog_breeds_finetuning", 4, 3),
        ("cats_dogs_heads", 2, 3),
    ],
)
def test_the_sweeps_there_are_can_be_read_and_each_run_is_what_its_command_runs(
    name, configurations, seeds
):
    sweep = sweeps.load(name)
    assert (len(sweep.configurations), len(sweep.seeds)) == (configurations, seeds)
    for experiment in sweep.experiments:
        _, again, _, *rest = tasks.command(experiment)
        assert experiments.load(again, experiments.parse_settings(rest[1:])) == experiment


def test_a_run_that_has_a_parameter_file_of_its_own_goes_by_that_name(project):
    write(
        project,
        HEAD
        + "seeds: [1, 7]\nruns:\n  - {model: cifar10_five_convolutions, optimizer: rmsprop, epochs:"
        " 20}\n",
    )
    assert [one.run_name for one in sweeps.load("mine").configurations[1].experiments] == [
        "cifar10_rmsprop",
        "cifar10_rmsprop--seed-7",
    ]


def test_a_grid_is_every_combination_and_holds_the_base(project):
    write(
        project,
        HEAD
        + "seeds: [1]\ngrid:\n  batch_size: [32, 64]\n  optimizer:\n    - {optimizer: adam}\n    -"
        " {optimizer: sgd, learning_rate: 0.01}\n",
    )
    sweep = sweeps.load("mine")
    assert [one.label for one in sweep.configurations] == [
        "naive_adam",
        "batch_size 32, optimizer adam",
        "batch_size 32, optimizer sgd, learning_rate 0.01",
        "batch_size 64, optimizer sgd, learning_rate 0.01",
    ]
    assert (
        sweep.base == "naive_adam"
        and sweep.base_configuration.experiments[0].name == "cifar10_naive_adam"
    )


@pytest.mark.parametrize(
    "text, expected",
    [
        ("seeds: [1]\nrun: []\n", "line 5: unknown key 'run' .did you mean 'runs'"),
        ("runs: [cifar10_l2]\n", "missing seeds"),
        ("seeds: [1]\n", "either runs .a list. or a grid"),
        (
            "seeds: [1, 1]\nruns: [cifar10_l2]\n",
            "line 4: seeds must be a list of different whole numbers",
        ),
        ("seeds: [1]\nruns: [cifar10_l3]\n", "line 5: run 1: there is no experiment 'cifar10_l3'"),
        (
            "seeds: [1]\nruns:\n  - {learning_rat: 0.1}\n",
            "run 1: settings: there is no setting 'learning_rat' .did you mean",
        ),
        (
            "seeds: [1]\nruns:\n  - {batch_size: 32}\n  - {batch_size: 32}\n",
            "run 2 .batch_size 32. is the same as batch_size 32",
        ),
        ("seeds: [1]\nruns:\n  - {seed: 2}\n", "run 1: runs cannot set the seed"),
        (
            "seeds: [1]\ngrid:\n  batch_size: 32\n",
            "line 6: batch_size of a grid must be a list of values",
        ),
        (
            (
                "seeds: [1]\ngrid:\n  batch_size: [{batch_size: 32, learning_rate: 0.1}]\n "
                " learning_rate: [0.2]\n"
            ),
            "two axes of the grid set learning_rate; remove it from one of them",
        ),
        (
            "seeds: [1]\nruns: [{learning_rate: 0.001}]\n",
            "the base, cifar10_naive_adam",
        ),
        (
            "seeds: [1]\nruns: [{label: fewer, max_images: 200}]\n",
            (
                "fewer has max_images 200, the base None; runs that are compared must use the"
                " same images"
            ),
        ),
        ("seeds: [1]\nruns: [flowers_alexnet_adam]\n", "has notebook flowers, the base cifar10"),
        (
            'seeds: [1]\nruns: [{label: "a\\nb", batch_size: 32}]\n',
            "run 1: label must be text in one line, without",
        ),
        (
            'seeds: [1]\nruns: [{label: "$x", batch_size: 32}]\n',
            "run 1: label must be text in one line, without",
        ),
        ('seeds: [1]\nruns: [{label: "", batch_size: 32}]\n', "run 1: label is empty"),
    ],
)
def test_a_sweep_that_is_wrong_says_what_came_and_what_was_expected(project, text, expected):
    write(project, HEAD + text)
    with pytest.raises(ValueError, match=expected):
        sweeps.load("mine")


def test_what_a_sweep_varies_cannot_be_set_for_all_its_runs():
    for settings in (
        {"learning_rate": 0.1},
        {"optimizer_args": {"learning_rate": 0.5}},
        {"seed": 4},
    ):
        with pytest.raises(
            ValueError,
            match=(
                f"--set {next(iter(settings))}: the sweep varies this setting; edit"
                " .*cifar10_optimizers.yaml"
            ),
        ):
            sweeps.load("cifar10_optimizers", settings)
    assert (
        sweeps.load("cifar10_optimizers", {"epochs": 1}).run_name == "cifar10_optimizers--epochs-1"
    )


def test_a_plan_expects_the_memory_that_runs_take_whatever_a_small_trial_took():
    """Real CIFAR-10 takes 1,505 MiB; after a trial on drawn images it got what that had taken, and
    was killed before its first epoch.
    """
    small = {"data": "sample", "max_images": 300}
    trial = fabricated("cifar10_naive_adam", settings=small)
    folder = experiments.load("cifar10_naive_adam", small).folder
    files.write_json(folder / "metrics.json", trial | {"seconds_per_epoch": [0.1]})
    ran_with(folder, peak_memory_bytes=700 * 2**20)
    tried = [{}, {"data": "sample"}, small | {"batch_size": 1024}, small | {"seed": 2}]
    # docs/sweeps.md
    measured = {
        ("cats_dogs_softmax", None): 1914,
        ("flowers_alexnet_adam", 200): 2302,
        ("dog_breeds_mobilenetv2_finetune", 400): 1859,
    }
    subjects = [experiments.load("cifar10_naive_adam", settings) for settings in tried] + [
        experiments.load(name, {"max_images": most}) for name, most in measured
    ]
    real, drawn, large, again, *others = [
        round(step.memory / 2**20)
        for step in plan.estimated(list(map(plan.step, subjects)), forked=False)
    ]
    assert all(1 <= expected / most <= 1.5 for expected, most in zip(others, measured.values()))
    assert real > 1505 and 985 < drawn < large and again == 930  # 1.1 * 700 + 160


def test_a_plan_knows_what_is_done_what_goes_on_and_how_long_the_rest_takes(monkeypatch):
    monkeypatch.setattr(forkserver, "possible", lambda: False)
    metrics = fabricated("cifar10_naive_adam")
    folder = experiments.load("cifar10_naive_adam").folder
    files.write_json(folder / "metrics.json", metrics | {"seconds_per_epoch": [2.0, 1.0, 1.0]})
    ran_with(folder, peak_memory_bytes=2**31)
    sweep = sweeps.load("cifar10_optimizers")
    unfinished = sweep.configurations[1].experiments[0].folder / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "history.csv").write_text("epoch\n" + "1\n" * 10)
    found = plan.estimated(plan.steps(sweep))
    assert [step.action for step in found] == ["done", "go on", *["train"] * 13] and found[
        1
    ].why == "stopped after 10 epochs"
    assert found[1].seconds == pytest.approx(60) and found[2].seconds == pytest.approx(70)
    [again] = [step for step in found if step.experiment.run_name == "cifar10_naive_adam--seed-2"]
    # as the same took, with another seed
    assert again.memory == pytest.approx(1.1 * 2**31 + plan.PIPELINE_BYTES)
    found = [replace(step, memory=2**31) for step in found]
    here = plan.Resources(4, [], 2**33, 2**40)
    assert plan.jobs(found, here) == 4 and plan.threads(here, 4) == 1
    # so much memory and no more
    assert plan.jobs(found, plan.Resources(8, [], 2**32, 2**40)) == 2
    assert plan.jobs(found, plan.Resources(8, ["0", "1"], 2**40, 2**40)) == 2  # one run a GPU
    assert plan.jobs(found, here, asked=3) == 3
    assert plan.summary(found, here, 4, 1)[1].startswith("time: at most 4 min 02 s for 14 runs")


def test_gpus_are_those_that_the_driver_names_or_the_environment_allows(tmp_path, monkeypatch):
    stand_in = tmp_path / "nvidia-smi"
    stand_in.write_text("#!/bin/sh\necho 0\necho 1\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert provenance.gpus() == ["0", "1"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert provenance.gpus() == ["3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert provenance.gpus() == []


def test_every_model_is_built_before_anything_trains(project, capsys):
    # three rates for two blocks
    write(
        project, HEAD.replace("naive_adam", "l2") + "seeds: [1]\nruns:\n  - {filters: [[4], [4]]}\n"
    )
    assert main(["sweep", "mine", "--data", "sample"]) == 1
    error = capsys.readouterr().err
    assert "block_dropout" in error and not list(
        sweeps.load("mine", {"data": "sample"})
        .configurations[0]
        .experiments[0]
        .folder.parent.glob("cifar10*")
    )


@pytest.fixture
def repeated(monkeypatch):
    """The runs of cifar10_optimizers: SGD far behind with every seed, RMSprop a little, the others
    by chance. Accuracies by label.
    """
    sweep, accuracies = (
        sweeps.load("cifar10_optimizers"),
        {
            "Adam": (0.70, 0.72, 0.71),
            "RMSprop": (0.69, 0.70, 0.70),
            "Adagrad": (0.71, 0.71, 0.72),
            "Adadelta": (0.70, 0.73, 0.70),
            "SGD": (0.50, 0.52, 0.515),
        },
    )
    for configuration in sweep.configurations:
        for place, experiment in enumerate(configuration.experiments):
            settings = {key: value for key, value in experiment.training_settings().items()}
            fabricated(
                experiment.name,
                accuracies[configuration.label][place],
                seed=place,
                settings=settings,
            )
    return accuracies


def test_seeds_and_images_are_compared_together_and_adjusted_after_holm(repeated):
    sweep = sweeps.load("cifar10_optimizers")
    table = differences_of(sweep).set_index("label")
    right = {
        configuration.label: np.array(
            [
                crossfit.scores(validation.load(experiment.folder))
                for experiment in configuration.experiments
            ]
        )
        for configuration in sweep.configurations
    }
    plain = {
        label: crossed.estimate(right[label] - right["Adam"]) for label in right if label != "Adam"
    }
    ordered = sorted(plain, key=lambda label: plain[label].p)
    assert ordered[0] == "SGD" and table["verdict"].value_counts().to_dict() == {
        "supported": 1,
        "open": 3,
    }
    assert table.loc["SGD", "verdict"] == "supported"
    assert table.loc["SGD", "p"] == pytest.approx(4 * plain["SGD"].p / looks.SHARE)
    for label, expected in plain.items():
        assert table.loc[label, ["difference", "low", "high"]].tolist() == pytest.approx(
            [expected.value, expected.low, expected.high]
        )
    said = comparison.of(sweep).conclusion()
    assert (
        "- Supported, also after correction for 4 comparisons: worse than Adam, by percentage"
        " points: **SGD (19."
        in said
        and "with 3 seeds and these images, a sweep like this one finds a difference of"
        in said.lower()
    )


def test_the_test_images_are_for_what_the_validation_images_chose(repeated):
    sweep = sweeps.load("cifar10_optimizers")
    said = comparison.of(sweep).conclusion()
    assert (
        "On the 400 test images, which had no part in the choice, Adagrad has an accuracy of 71.3"
        in said
        and "and the base, Adam, of 71.0" in said
        and "lucky on the test images too. Only new seeds tell." in said
    )


def test_seeds_with_splits_of_their_own_take_the_corrected_resampled_test(repeated):
    for configuration in sweeps.load("cifar10_optimizers").configurations:
        for experiment in configuration.experiments:
            record = validation.load(experiment.folder)
            ids = np.char.add(record.ids, f"-{experiment.seed}")
            validation.save(replace(record, ids=ids), experiment.folder)
    sweep = sweeps.load("cifar10_optimizers")
    row = differences_of(sweep).set_index("label").loc["SGD"]
    differences = (
        np.round(400 * np.array(repeated["SGD"])) / 400
        - np.round(400 * np.array(repeated["Adam"])) / 400
    )
    error = differences.std(ddof=1) * np.sqrt(1 / 3 + 400 / 1000)
    assert row["low"] == pytest.approx(differences.mean() - stats.t.ppf(0.975, 2) * error)
    assert row["p"] == pytest.approx(
        4 * 2 * stats.t.sf(abs(differences.mean()) / error, 2) / looks.SHARE, rel=1e-6
    )
    assert "[@nadeau2003]" in comparison.of(sweep).method()


def test_runs_that_kept_no_record_get_no_verdict_and_the_reason(repeated):
    sweep = sweeps.load("cifar10_optimizers")
    (sweep.experiments[4].folder / validation.FILE).unlink()
    runs = comparison.of(sweep)
    assert differences_of(sweep).empty and runs.differences() == []
    assert "kept no record of the single validation images" in runs.method()
    assert "Supported" not in runs.conclusion()


def test_seeds_that_all_give_the_same_difference_are_no_evidence(repeated):
    """With few images accuracies are coarse, and a t test over seeds would call such a difference
    certain.
    """
    sweep = sweeps.load("cifar10_optimizers")
    for configuration in sweep.configurations:
        for place, experiment in enumerate(configuration.experiments):
            shutil.rmtree(experiment.folder)
            settings = {key: value for key, value in experiment.training_settings().items()}
            fabricated(
                experiment.name,
                {"Adam": 0.5, "SGD": 0.6}.get(configuration.label, 0.5 + 0.02 * place),
                images=50,
                seed=place,
                settings=settings,
            )
    sweep = sweeps.load("cifar10_optimizers")
    row = differences_of(sweep).set_index("label").loc["SGD"]
    assert (
        row["difference"] == pytest.approx(0.1)
        and np.isnan([row["low"], row["high"], row["p"]]).all()
        and row["verdict"] == "open"
    )
    _, table = comparison.of(sweep).differences()
    [told] = [one for one in table.rows if one["Configuration"] == "SGD"]
    assert (
        told["Points ahead of Adam"] == "+10.0 (no spread)"
        and told["p (Holm)"] == "none"
        and told["Verdict"] == "not supported"
    )


def test_an_outdated_run_takes_the_verdict_back(repeated):
    folder = sweeps.load("cifar10_optimizers").configurations[1].experiments[0].folder
    metrics = files.read_json(folder / "metrics.json")
    metrics["identity"]["code"]["training.loop.evaluate"] = "another"
    files.write_json(folder / "metrics.json", metrics)
    sweep = sweeps.load("cifar10_optimizers")
    runs = comparison.of(sweep)
    assert (
        "**No verdict yet.** Missing or outdated: 1 of 15 runs (RMSprop, seed 1)"
        in runs.conclusion()
        and runs.differences() == []
    )
    assert runs.exceptions().rows == [
        {"Run": "RMSprop, seed 1", "Outdated because": "training.loop.evaluate changed"}
    ]


@pytest.mark.parametrize(
    "old, new",
    [
        ("title: T", "title: U"),
        ("label: ahead", "label: first"),
        ("seeds: [1]", "seeds: [1]\ncompare: pairs"),
    ],
)
def test_what_a_report_quotes_of_a_sweep_s_file_executes_it_again(project, old, new):
    text = HEAD + "seeds: [1]\nruns:\n  - {label: ahead, batch_size: 32}\n"
    write(project, text)
    sweep = sweeps.load("mine")
    fabricated(sweep.experiments[0].name, settings=sweep.experiments[0].training_settings())
    keys = [due.task(sweep).key()]
    write(project, text.replace(old, new))
    keys.append(due.task(sweeps.load("mine")).key())
    assert fingerprint.differences(*keys) == [
        "the question, labels, comparisons or looks of mine changed"
    ]


def test_two_seeds_support_nothing_and_a_tie_is_told(project):
    write(
        project,
        HEAD + "seeds: [1, 2]\nruns:\n  - {label: ahead, batch_size: 32}\n  - {label: as far ahead,"
        " batch_size: 16}\n",
    )
    for configuration, accuracies in zip(
        sweeps.load("mine").configurations, ((0.5, 0.5), (0.60, 0.61), (0.60, 0.61))
    ):
        for seed, (experiment, accuracy) in enumerate(zip(configuration.experiments, accuracies)):
            fabricated(
                experiment.name, accuracy, seed=seed, settings=experiment.training_settings()
            )
    sweep = sweeps.load("mine")
    said = comparison.of(sweep).conclusion()
    assert (
        "ahead, as far ahead have the highest mean accuracy over 2 seeds and 400 validation images:"
        " 60.5"
        in said
        and "Two seeds are too few for a verdict" in said
    )
    table = differences_of(sweep)
    assert set(table["verdict"]) == {"open"} and table[["low", "high", "p"]].isna().all().all()
    assert "upported" not in said and comparison.of(sweep).scores[0].interval() is None
    _, shown = comparison.of(sweep).differences()
    assert [(row["Points ahead of naive_adam"], row["Verdict"]) for row in shown.rows] == [
        ("+10.5", "too few seeds"),
        ("+10.5", "too few seeds"),
    ]


def test_what_was_evaluated_on_other_images_is_not_compared_and_that_is_said(project):
    write(
        project,
        HEAD
        + "seeds: [1]\nruns:\n  - {label: same, batch_size: 32}\n  - {label: others, batch_size:"
        " 16}\n",
    )
    for configuration, ids in zip(sweeps.load("mine").configurations, ("image", "image", "other")):
        fabricated(
            configuration.experiments[0].name,
            0.6,
            settings=configuration.experiments[0].training_settings(),
            ids=ids,
        )
    sweep = sweeps.load("mine")
    assert differences_of(sweep)["label"].tolist() == ["same"]
    assert (
        "Not compared, because they were not evaluated on the same images as the base: others."
        in comparison.of(sweep).conclusion()
    )


@pytest.mark.parametrize(
    "words, expected",
    [
        (["--jobs", "-1"], "at least 1, got -1"),
        (["--jobs", "two"], "at least 1, got two"),
        (["--retry", "-1"], "at least 0, got -1"),
    ],
)
def test_numbers_of_runs_and_tries_are_checked(capsys, words, expected):
    with pytest.raises(SystemExit):
        main(["sweep", "cifar10_optimizers", *words])
    assert expected in capsys.readouterr().err


def test_a_huge_grid_is_asked_about_before_a_model_is_built(project, capsys, monkeypatch):
    write(
        project,
        HEAD
        + "seeds: [1, 2, 3]\ngrid:\n  batch_size: [1, 2, 3, 4, 5, 6, 7, 8]\n  learning_rate: [0.1,"
        " 0.2, 0.3]\n",
    )
    monkeypatch.setattr(plan, "estimated", None)
    assert main(["sweep", "mine", "--data", "sample"]) == 1
    assert (
        "error: not started: 75 runs need a confirmation; answer y, or pass --yes"
        in capsys.readouterr().err
    )


@pytest.fixture
def many(project):
    """A grid of 20 configurations with three seeds, made."""
    write(
        project,
        HEAD
        + "seeds: [1, 2, 3]\ngrid:\n  batch_size: [16, 32, 64, 128]\n  optimizer:\n"
        + "".join(
            f"    - {{optimizer: {name}, learning_rate: {rate}}}\n"
            for name, rate in (
                ("adam", 0.001),
                ("rmsprop", 0.001),
                ("sgd", 0.01),
                ("adagrad", 0.01),
                ("adadelta", 1.0),
            )
        ),
    )
    sweep = sweeps.load("mine")
    for number, configuration in enumerate(sweep.configurations):
        for place, experiment in enumerate(configuration.experiments):
            fabricated(
                experiment.name,
                0.4 + 0.02 * number + 0.005 * place * (number % 3),
                seed=3 * number + place,
                settings=experiment.training_settings(),
                epochs=6 + place,
            )
    return sweeps.load("mine")


def test_a_report_on_many_configurations_draws_the_best_and_counts_in_its_sentences(many):
    runs = comparison.of(many)
    [(title, lines)] = runs.panels().items()
    best = [score.label for score in runs.scores][:7]
    assert title == "mean over seeds: the best 7 of 20, and the base" and list(lines) == [
        *best,
        "naive_adam",
    ]
    assert len(lines[best[0]][0]) == 6  # as far as all seeds went
    said = runs.conclusion()
    assert " of 19, from " in said and len(said) < 2000
    effects = runs.effects()
    assert list(effects) == ["optimizer", "batch_size"] and effects["batch_size"][
        "value"
    ].tolist() == [value for value in ("16", "32", "64", "128") for _ in range(5)]


def test_what_one_configuration_alone_has_or_follows_from_another_setting_has_no_effect_of_its_own(
    repeated,
):
    """The learning rate of a grid above goes with the optimizer."""
    sweep = sweeps.load("cifar10_optimizers")
    assert comparison.of(sweep).effects() == {}


def test_an_incomplete_sweep_gets_no_verdict_but_what_is_missing(repeated):
    (
        sweeps.load("cifar10_optimizers").configurations[4].experiments[2].folder / "metrics.json"
    ).unlink()
    sweep = sweeps.load("cifar10_optimizers")
    runs = comparison.of(sweep)
    assert (
        runs.conclusion()
        == "**No verdict yet.** Missing or outdated: 1 of 15 runs (SGD, seed 3). `make sweep"
        " NAME=cifar10_optimizers`, with the same SET and DATA, runs them."
    )
    assert runs.differences() == [] and "2 of 3" in runs.overview().rows["Runs"].tolist()


def test_of_runs_with_one_seed_the_networks_are_compared_and_nothing_is_supported(project):
    text = HEAD.replace("cifar10_naive_adam", "flowers_alexnet_adam")
    write(project, text + "seeds: [1337]\nruns:\n  - flowers_alexnet_sgd\n")
    for name, accuracy in (("flowers_alexnet_adam", 0.6), ("flowers_alexnet_sgd", 0.8)):
        fabricated(name, accuracy, split="validation")
    sweep = sweeps.load("mine")
    runs = comparison.of(sweep)
    [row] = differences_of(sweep).to_dict("records")
    first, second = (
        validation.load(experiments.load(name).folder).right[-1].astype(float)
        for name in ("flowers_alexnet_adam", "flowers_alexnet_sgd")
    )
    test = stats.ttest_rel(second, first)
    assert (
        row["label"] == "alexnet_sgd"
        and row["seeds"] == 1
        and row["difference"] == pytest.approx(0.2)
        and row["verdict"] == "network"
        and row["low"] == pytest.approx(test.confidence_interval().low, abs=1e-3)
    )
    said = runs.conclusion()
    assert "Another seed may turn the order." in said and "upported" not in said
    assert "trained once" in runs.method() and list(runs.panels()) == list(
        panels_by_model(sweep.name, runs.runs)
    )


def test_the_live_table_shows_what_runs_before_what_waits_and_counts_the_rest(repeated):
    from rich.console import Console

    steps = plan.steps(sweeps.load("cifar10_optimizers"))
    (steps[3].experiment.folder / "metrics.json").unlink()
    found = [
        progress.look(replace(step, label="[/b] Adam") if step.label == "Adam" else step)
        for step in steps
    ]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(progress.table(found, 2))
    shown = console.export_text()
    assert "14 of 15 runs done, 1 waiting" in shown and "####################" in shown
    assert (
        "[/b] Adam" in shown
        and progress.line(found[0]) == "[/b] Adam, seed 1: done, epoch 6 of 50: 70.0\u00a0% (test)"
    )


SIZE = model_sizes.Size(400e6, 300e6, 2000.0, 64.0, 0.0, 256)


def test_the_status_of_a_sweep_says_what_is_done_what_is_left_and_what_the_rest_takes(
    project, capsys, monkeypatch
):
    write(project, HEAD + "seeds: [1, 2]\nruns:\n  - {label: RMSprop, optimizer: rmsprop}\n")
    monkeypatch.setattr(forkserver, "possible", lambda: True)
    monkeypatch.setattr(
        model_sizes, "of", lambda runs, context: {run.run_name: SIZE for run in runs}
    )
    sweep = sweeps.load("mine")
    for run in sweep.experiments[:2]:  # of the first seed
        metrics = fabricated(run.name, settings=run.training_settings())
        files.write_json(run.folder / "metrics.json", metrics | {"seconds_per_epoch": [1.0, 1.0]})
    third = sweep.experiments[2].folder / "unfinished"
    third.mkdir(parents=True)
    (third / "history.csv").write_text("epoch\n" + "1\n" * 10)
    assert main(["status", "mine", "--jobs", "2"]) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    assert lines[2] == ("2 configurations with 2 seeds each: 4 runs; the base is naive_adam")
    rows = [line.split(maxsplit=5) for line in lines[5:9]]
    assert [row[:4] for row in rows] == [
        ["naive_adam", "1", "done", "6/50"],
        ["RMSprop", "1", "done", "6/50"],
        ["naive_adam", "2", "interrupted", "10/50"],
        ["RMSprop", "2", "waiting", "0/50"],
    ]
    assert lines[8].endswith("it has not been trained")
    assert lines[10] == "mine: 2 of 4 runs done, 1 interrupted, 1 waiting, about 56 s left"
    assert lines[11].startswith("time: at most 56 s for 2 runs, estimated from earlier runs")
    assert lines[12].startswith("at once: 2 runs, ")
    assert re.match(r"memory: about \d+\.\d GiB of \d+\.\d GiB free", lines[13])
    assert re.match(r"disk: about \d+\.\d GiB of \d+\.\d GiB free", lines[14])
    assert lines[15].startswith("can show: no difference between experiments: that takes 3 seeds")
    assert len(lines) == 18 and not output.err

    sweep.folder.mkdir()
    with files.lock(sweep.folder / sweeps.LOCK, "mine"):  # another process runs it
        assert main(["status", "mine"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[11].startswith("at once: ") and " for the largest run; disk: about" in lines[12]
    assert len(lines) == 16

    monkeypatch.setattr(model_sizes, "of", None)
    for run in sweep.experiments[2:]:
        shutil.rmtree(run.folder, ignore_errors=True)
        fabricated(run.name, settings=run.training_settings())
    assert main(["status", "mine"]) == 0
    assert capsys.readouterr().out.endswith("\n\nmine: 4 of 4 runs done\n")


def test_the_status_of_a_sweep_shows_its_runs_before_a_model_that_cannot_be_built(
    project, capsys, monkeypatch
):
    def refuse(runs, context):
        raise ValueError("this model cannot be built")

    write(project, HEAD + "seeds: [1]\nruns:\n  - {label: RMSprop, optimizer: rmsprop}\n")
    monkeypatch.setattr(model_sizes, "of", refuse)
    assert main(["status", "mine"]) == 1
    output = capsys.readouterr()
    assert output.out.endswith("\n\nmine: 0 of 2 runs done, 2 waiting\n")
    assert output.err == "error: this model cannot be built\n"

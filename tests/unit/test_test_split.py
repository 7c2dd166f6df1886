"""A test split for data sets that have none: asked for with `test_fraction`, drawn without leaks,
and evaluated on.
"""

import numpy as np
import pytest

from helpers.fabricated import fabricated
from helpers.pictures import load, picture, write, write_cats_dogs, write_flowers
from helpers.sweep_files import project_without_sweeps
from helpers.sweep_files import write as write_sweep
from helpers.training import quiet
from labreport import datasets
from labreport.analysis import commentary, comparison, evaluation
from labreport.cli.main import main
from labreport.config import experiments
from labreport.core import paths
from labreport.studies import assignments, sweeps
from labreport.training import training

WITHOUT = ("flowers_basic", "cats_dogs_softmax")
SWEEP = "title: T\nquestion: Q?\nbase: flowers_basic\nseeds: [1]\n"


def pixels(split):
    return set(split.digests.tolist())


@pytest.fixture
def folders():
    """Flowers, and cats and dogs, 20 pictures in each folder; some stand in two folders."""
    flowers, animals = paths.data() / "flowers", paths.data() / "cats_and_dogs_filtered"
    write_flowers(flowers, each=20)
    write_cats_dogs(animals, each=20)
    for i in range(4):
        write(flowers / f"tulip/copy{i}.jpg", picture(2000 + i))  # rose/00i.jpg
        write(
            animals / f"validation/dogs/copy{i}.jpg", picture(2000 + i)
        )  # validation/cats/00i.jpg
        write(animals / f"train/dogs/leak{i}.jpg", picture(3000 + i))  # validation/dogs/00i.jpg


@pytest.mark.parametrize("name", WITHOUT)
def test_a_test_fraction_of_0_is_what_leaving_it_out_is(name, folders):
    none = experiments.load(name, {"test_fraction": 0})
    assert none == experiments.load(name) and "test_fraction" not in none.dataset_args
    absent, zero = load(name), load(name, test_fraction=0)
    assert absent.fingerprint == zero.fingerprint and absent.notes == zero.notes
    assert list(zero.splits) == ["train", "validation"] and zero.evaluated[0] == "validation"


def test_a_file_that_says_0_means_the_same_run_and_one_that_says_more_can_be_set_to_0(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(project := project_without_sweeps(tmp_path / "project"))
    file, before = project / "params/flowers_basic.yaml", experiments.load("flowers_basic")
    text = file.read_text()
    for value in ("0", "0.2"):
        file.write_text(
            text.replace("  on_unreadable:", f"  test_fraction: {value}\n  on_unreadable:")
        )
        said = experiments.load("flowers_basic", {"test_fraction": 0})
        same = said.training_settings() == before.training_settings()
        assert same == (value == "0") and said.dataset_args.get("test_fraction", 0) == 0
        assert experiments.load("flowers_basic", said.changes) == said


@pytest.mark.parametrize("name", WITHOUT)
def test_no_image_is_in_two_of_three_splits_and_every_class_gives_its_share(name, folders):
    whole = sum(map(len, load(name, test_fraction=0.0).splits.values()))
    drawn = set()
    for seed in range(5):
        data = load(name, test_fraction=0.25, split_seed=seed)
        train, validation, test = map(pixels, data.splits.values())
        assert not train & validation and not train & test and not validation & test
        assert sum(map(len, data.splits.values())) == whole
        # of the images that the test split is held out of: all, or those in validation/
        rest = data.validation.labels
        if name == "flowers_basic":
            rest = np.concatenate([data.train.labels, rest])
        held, left = np.bincount(data.test.labels), np.bincount(rest)
        assert (abs(held / (held + left) - 0.25) < 0.07).all()
        drawn.add(tuple(data.test.ids))
    assert data.evaluated == ("test", data.test) and len(drawn) == 5


def test_cats_and_dogs_keep_their_training_images_and_test_on_images_of_the_validation_folder(
    folders,
):
    plain, data = load("cats_dogs_softmax"), load("cats_dogs_softmax", test_fraction=0.5)
    assert data.train.ids == plain.train.ids
    assert sorted(data.test.ids + data.validation.ids) == sorted(plain.validation.ids)
    named = " ".join(note for note in data.notes if "left out" in note)
    assert "identical to a test image" in named and "identical to a validation image" in named
    assert all(named.count(f"train/dogs/leak{i}.jpg") == 1 for i in range(4))


@pytest.mark.parametrize("name", WITHOUT)
def test_sample_data_get_a_test_split_too(name):
    data = load(name, data="sample", image_size=16, test_fraction=0.2, max_images=200)
    held = np.bincount(data.test.labels, minlength=len(data.class_names))
    assert len(data.splits) == 3 and (held > 0).all() and np.ptp(held) <= 2


@pytest.mark.parametrize("value", [-0.1, 1, 1.5])
def test_a_test_fraction_that_is_none_is_refused(value):
    for name in WITHOUT:
        with pytest.raises(ValueError, match="test_fraction must be at least 0 and below 1, got"):
            experiments.load(name, {"dataset_args.test_fraction": value})
    with pytest.raises(ValueError, match="there is no setting 'test_fraction'"):
        experiments.load("cifar10_naive_adam", {"test_fraction": 0.2})


def test_a_test_fraction_that_leaves_no_image_is_refused(folders):
    with pytest.raises(ValueError, match="too few images for 3 splits: .*; use other fractions"):
        load("flowers_basic", test_fraction=0.99)
    with pytest.raises(ValueError, match="max_images 3: .* at least 100, or other fractions"):
        load("flowers_basic", test_fraction=0.2, max_images=3)


def test_a_run_with_a_test_split_is_evaluated_on_it_and_its_report_says_so():
    small = experiments.load(
        "cats_dogs_softmax",
        {
            "data": "sample",
            "image_size": 32,
            "max_images": 120,
            "epochs": 1,
            "augmentation": {},
            "dataset_args.test_fraction": 0.4,
        },
    )
    assert "--test_fraction-0.4" in small.run_name
    data = datasets.load(small)
    result = training.fit(small, data, quiet)
    metrics = result.metrics
    assert result.evaluated == "test" and list(result.predictions["id"]) == data.test.ids
    assert metrics.test_accuracy == metrics.evaluated_accuracy
    assert metrics.test_accuracy == (result.predicted == data.test.labels).mean()
    assert metrics.dataset.images == {name: len(split) for name, split in data.splits.items()}
    said = commentary.evaluation(result, evaluation.confused_pairs(result))
    assert f"of {len(data.test)} test images" in said and "no test split" not in said
    assert "for testing" in commentary.loading(data)
    table = evaluation.published_and_measured(result, small.published).set_index("")
    assert table["Published"].isna()["Test accuracy"]
    assert table.loc["Best validation accuracy", "Published"] == "0.7370"


def test_a_test_accuracy_is_not_judged_by_a_published_validation_accuracy():
    fabricated("cats_dogs_softmax", 0.74)
    fabricated("cats_dogs_sigmoid", 0.70)
    runs = comparison.of(assignments.load("cats_dogs"))
    assert all(text.endswith(" (val.)") for text in runs.test_table().rows["Published"])
    assert "table" in runs.about_tests() and "published" not in runs.conclusion()


def test_the_list_says_which_accuracy_was_published_and_which_was_measured(capsys):
    fabricated("cats_dogs_softmax", 0.74)
    main(["list"])
    rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line}
    assert " 0.737 (validation)  0.740 (test)" in rows["cats_dogs_softmax"]
    assert " 0.755 (test) " in rows["cifar10_l2_dropout"]


@pytest.mark.parametrize(
    "key, value, of_base", [("test_fraction", 0.3, "0"), ("validation_fraction", 0.3, "0.2")]
)
def test_a_sweep_over_what_is_held_out_is_refused(tmp_path, monkeypatch, key, value, of_base):
    monkeypatch.chdir(project := project_without_sweeps(tmp_path / "project"))
    write_sweep(project, SWEEP + f"runs:\n  - {{label: more, {key}: {value}}}\n")
    with pytest.raises(
        ValueError, match=f"more has {key} 0.3, the base {of_base}; .*: set {key} to {of_base} for"
    ):
        sweeps.load("mine")


def test_all_runs_of_a_sweep_can_be_given_a_test_split():
    sweep = sweeps.load("flowers_tuning", {"data": "sample", "test_fraction": 0.2})
    assert {run.dataset_args["test_fraction"] for run in sweep.experiments} == {0.2}
    plain = sweeps.load("flowers_tuning", {"data": "sample"})
    assert sweeps.load("flowers_tuning", {"data": "sample", "test_fraction": 0}).experiments == (
        plain.experiments
    )

"""Parameter files: complete, strict, and clear about what is wrong."""

import shutil

import pytest
import yaml

from labreport.config import experiments, yaml_reader
from labreport.core import paths


def edited(tmp_path, monkeypatch, *replacements, name="cifar10_naive_adam"):
    """A project whose one parameter file is an edited copy of ours; returns the message of its
    error.
    """
    project = tmp_path / "project"
    shutil.copytree(paths.notebooks(), project / "notebooks")
    (project / "params").mkdir()
    text = (paths.params() / f"{name}.yaml").read_text()
    for before, after in replacements:
        assert before in text
        text = text.replace(before, after)
    (project / "params/mine.yaml").write_text(text)
    monkeypatch.chdir(project)
    with pytest.raises(ValueError) as error:
        experiments.load("mine")
    return str(error.value)


def test_every_parameter_file_is_sound():
    assert len([name for name in experiments.names() if name.startswith("cifar10_")]) == 8
    for name in experiments.names():
        assert experiments.load(name).changes == {}


def test_an_exponent_without_a_point_is_a_number():
    assert experiments.parse_settings(["learning_rate=1e-3"]) == {"learning_rate": 0.001}
    assert experiments.load("cifar10_naive_adam", {"learning_rate": 1e-3}).changes == {}


@pytest.mark.parametrize(
    "text, value",
    [
        ("no", "no"),
        ("on", "on"),
        ("012", "012"),
        ("1_000", "1_000"),
        ("1e3", 1000.0),
        ("true", True),
        ("null", None),
        ("2024-01-01", "2024-01-01"),
        ("[1, 2.5]", [1, 2.5]),
        ("'3'", "3"),
        ("-.5", -0.5),
        ("12:30", "12:30"),
    ],
)
def test_yaml_values_mean_what_they_look_like(text, value):
    assert yaml_reader.read(text, "here")[0] == value


def test_what_a_caller_changes_of_a_text_that_was_read_is_its_own():
    text = "a: [1, {b: 2}]"
    values, lines = yaml_reader.read(text, "here")
    values["a"][1]["b"] = 3
    lines.clear()
    assert yaml_reader.read(text, "here") == ({"a": [1, {"b": 2}]}, {("a",): 1, ("a", 1, "b"): 1})


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path, monkeypatch):
    message = edited(tmp_path, monkeypatch, ("seed: 1", "seed: 1\nepochs: 3"))
    assert (
        "params/mine.yaml, line" in message and "'epochs' is given twice (first in line" in message
    )


def test_an_unknown_key_names_the_nearest_one_and_its_line(tmp_path, monkeypatch):
    message = edited(tmp_path, monkeypatch, ("batch_size:", "batchsize:"))
    assert "unknown key 'batchsize' (did you mean 'batch_size'?)" in message and "line " in message


def test_an_unknown_nested_key_says_what_its_owner_takes(tmp_path, monkeypatch):
    message = edited(tmp_path, monkeypatch, ("learning_rate:", "learning_rat:"))
    assert (
        "unknown key 'learning_rat' in optimizer_args (did you mean 'learning_rate'?); adam takes"
        " learning_rate, beta_1" in message
    )


def test_a_missing_key_is_named(tmp_path, monkeypatch):
    assert "missing seed; a parameter file needs every key" in edited(
        tmp_path, monkeypatch, ("seed: 1\n", "")
    )


@pytest.mark.parametrize(
    "before, after, expected",
    [
        ("epochs: 50", "epochs: fifty", "epochs must be a whole number, got 'fifty'"),
        ("epochs: 50", "epochs: 0", "epochs must be at least 1, got 0"),
        ("epochs: 50", "epochs: 2.5", "epochs must be a whole number, got 2.5"),
        (
            "learning_rate: 0.001",
            "learning_rate: fast",
            "optimizer_args.learning_rate must be a finite number, got 'fast'",
        ),
        (
            "optimizer: adam",
            "optimizer: adm",
            "there is no optimizer 'adm' (did you mean 'adam'?); there are adam, rmsprop",
        ),
        (
            "model: cifar10_naive",
            "model: cifar10_naif",
            "there is no model 'cifar10_naif' (did you mean 'cifar10_naive'?)",
        ),
        (
            "monitor: val_loss",
            "monitor: loss",
            "monitor must be val_loss or val_accuracy, got 'loss'",
        ),
        (
            "augmentation: {}",
            "augmentation: {horizontal_flip: yes}",
            "augmentation.horizontal_flip must be true or false, got 'yes'",
        ),
        (
            "notebook: cifar10",
            "notebook: cifar",
            "there is no notebook 'cifar' (did you mean 'cifar10'?)",
        ),
        ("seed: 1", "seed: 1\ndata: sample", "unknown key 'data'"),
        ("title:", "title: [", "not valid YAML"),
        ("seed: 1", "seed: 4294967296", "seed must be at least 0 and below"),
        ("seed: 1", f"seed: {'9' * 5000}", "a number of 5,000 digits"),
        ("learning_rate: 0.001", "learning_rate: 1e400", "must be a finite number"),
        ("learning_rate: 0.001", "learning_rate: -0.1", "learning_rate must be above 0, got -0.1"),
        (
            "test_accuracy: 0.685",
            "test_accuracy: 68.5",
            "published.test_accuracy must be a number from 0 to 1, got 68.5",
        ),
        ("  images: 10000\n", "  images: 0\n", "published.images must be at least 1, got 0"),
        ("  same_images: true\n", "  same_images: 1\n", "published.same_images must be true or"),
        ("  total_parameters: 128074\n", "", "published lacks 'total_parameters' (int)"),
        (
            "notebook: cifar10",
            "notebook: ../notebooks/cifar10",
            "there is no notebook '../notebooks/cifar10'",
        ),
        ("seed: 1", "seed: !!python/name:os.system 1", "tag"),
    ],
)
def test_a_wrong_value_is_refused_with_its_line(tmp_path, monkeypatch, before, after, expected):
    message = edited(tmp_path, monkeypatch, (before, after))
    assert expected in message and "params/mine.yaml, line" in message


def test_an_unknown_experiment_names_the_nearest_one():
    with pytest.raises(
        ValueError,
        match=r"no experiment 'cifar10_naiv_adam' \(did you mean 'cifar10_naive_adam'\?\)",
    ):
        experiments.load("cifar10_naiv_adam")


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"epoch": 3}, "no setting 'epoch' (did you mean 'epochs'?)"),
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": "many"}, "epochs must be a whole number, got 'many'"),
        ({"data": "smaple"}, "data must be real or sample, got 'smaple'"),
        ({"momentum": 0.9}, "no setting 'momentum'"),
        (
            {"title": "x"},
            (
                "title describes the experiment and cannot be set for one run; change it in"
                " params/cifar10_naive_adam.yaml"
            ),
        ),
        ({"test_accuracy": 0.99}, "published.test_accuracy describes the experiment"),
    ],
)
def test_a_wrong_setting_is_refused(settings, expected):
    with pytest.raises(ValueError) as error:
        experiments.load("cifar10_naive_adam", settings)
    assert expected in str(error.value)


def test_a_setting_without_a_value_is_refused():
    with pytest.raises(ValueError, match="expected key=value, such as epochs=3"):
        experiments.parse_settings(["epochs"])


def test_a_setting_may_be_named_by_its_last_word():
    experiment = experiments.load(
        "cifar10_naive_adam", {"learning_rate": 0.01, "optimizer_args.beta_1": 0.8}
    )
    assert experiment.optimizer_args == {"learning_rate": 0.01, "beta_1": 0.8}


def test_the_resolved_settings_load_the_same_experiment_again():
    experiment = experiments.load(
        "cifar10_l2_dropout", {"epochs": 3, "data": "sample", "block_dropout": [0, 0.1, 0.2]}
    )
    assert experiments.load("cifar10_l2_dropout", experiment.settings()) == experiment
    assert experiments.load("cifar10_l2_dropout", experiment.training_settings()) == experiment


def test_the_run_folder_spells_out_what_differs():
    assert experiments.load("cifar10_l2_dropout").run_name == "cifar10_l2_dropout"
    assert (
        experiments.load("cifar10_l2_dropout", {"epochs": 3, "data": "sample"}).run_name
        == "cifar10_l2_dropout--sample--epochs-3"
    )
    assert experiments.load("cifar10_l2_dropout", {"epochs": 75}).run_name == "cifar10_l2_dropout"


def test_two_different_settings_never_share_a_run_folder():
    settings = [
        {"filters": [[32], [64], [8]]},
        {"filters": [[32, 64], [8], [8]]},
        {"filters": [[32], [64, 8], [8]]},
        {"block_dropout": [0.1] * 40},
        {"block_dropout": [0.1] * 41},
        {"learning_rate": 0.01},
        {"learning_rate": 0.1},
    ]
    names = [experiments.load("cifar10_l2_dropout", each).run_name for each in settings]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 160 and "/" not in name and " " not in name for name in names)


def test_several_settings_may_stand_in_one_text_and_values_may_hold_spaces():
    assert experiments.parse_settings(["epochs=3  filters=[[8], [8, 16]] ", "data=sample"]) == {
        "epochs": 3,
        "filters": [[8], [8, 16]],
        "data": "sample",
    }
    assert experiments.parse_settings([""]) == {}


@pytest.mark.parametrize("name", ["cifar10_l2--sample", "Cifar", "a b", ".hidden", "-x"])
def test_a_file_whose_name_could_be_taken_for_a_runs_is_refused(tmp_path, monkeypatch, name):
    shutil.copytree(paths.notebooks(), tmp_path / "project/notebooks")
    (tmp_path / "project/params").mkdir()
    shutil.copy(paths.params() / "cifar10_l2.yaml", tmp_path / f"project/params/{name}.yaml")
    monkeypatch.chdir(tmp_path / "project")
    with pytest.raises(
        ValueError,
        match="lower-case words and numbers joined by single underscores|there is no experiment",
    ):
        experiments.load(name)


def test_a_file_that_is_not_text_is_named(tmp_path, monkeypatch):
    shutil.copytree(paths.notebooks(), tmp_path / "project/notebooks")
    (tmp_path / "project/params").mkdir()
    (tmp_path / "project/params/x.yaml").write_bytes(bytes(range(128, 256)))
    monkeypatch.chdir(tmp_path / "project")
    with pytest.raises(ValueError, match="params/x.yaml: cannot be read as text"):
        experiments.load("x")


def test_a_shown_experiment_is_yaml_again():
    experiment = experiments.load("cifar10_augmentation")
    assert yaml.safe_load(yaml.safe_dump(experiment.settings())) == experiment.settings()

"""A file of a user's that is damaged, or holds values of wrong types, is named in one line with
what to do; it never ends in an error of Python's.
"""

import json
import pickle
import shutil

import numpy as np
import pytest

from helpers import wrong_types
from helpers.project import ROOT
from labreport import models
from labreport.config import authors, experiments, yaml_reader
from labreport.core import paths
from labreport.datasets import cifar10, data_lock, dog_breeds
from labreport.executors import plan, tasks
from labreport.platforms import kaggle_client
from labreport.runs import results
from labreport.studies import assignments, sweeps

RAW = {
    "empty": b"",
    "no text": b"\xff\xfe\x00",
    "control characters": b"\x00\x1b[2J",
    "open": b"{",
    "deep": b"[" * 100_000,
    "deep mapping": b'{"a":' * 100_000,
    "a list": b"[1]",
    "a number": b"7",
    "null": b"null",
    "long": b'"' + b"x" * 200_000 + b'"',
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name in ("params", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path


def refusal(read, *arguments):
    """What a reader says of a damaged file, None where it takes it."""
    try:
        read(*arguments)
    except (ValueError, FileNotFoundError) as error:
        assert "\n" not in str(error) and len(str(error)) < 1000, str(error)
        return str(error)
    return None


def batches(project):
    """A CIFAR-10 folder with ten images a file."""
    folder = project / "data" / cifar10.FOLDER
    folder.mkdir(parents=True)
    batch = {
        b"data": np.arange(30720, dtype=np.uint8).reshape(10, 3072),
        b"labels": list(range(10)),
    }
    for name in (*cifar10.TRAIN_FILES, cifar10.TEST_FILE):
        (folder / name).write_bytes(pickle.dumps(batch))
    (folder / cifar10.NAMES_FILE).write_bytes(
        pickle.dumps({b"label_names": [name.encode() for name in cifar10.CLASS_NAMES]})
    )
    return folder


# A file of the project or of its user, the words that name it, and what reads it. None: it may be
# left out without a word.
READERS = {
    "params/cifar10_l2.yaml": lambda: experiments.load("cifar10_l2"),
    "params/sweeps/cifar10_optimizers.yaml": lambda: sweeps.load("cifar10_optimizers"),
    "report.yaml": authors.load,
    "notebooks/cifar10.ipynb": lambda: assignments.load("cifar10").heading,
    "params/published/cifar10_l2.csv": lambda: results.published_history(
        experiments.load("cifar10_l2")
    ),
    "data.lock": lambda: data_lock.knows("flowers"),
    "labels.csv": lambda: dog_breeds._labels(paths.root() / "labels.csv"),
    "home/.kaggle/kaggle.json": kaggle_client._credentials,
    f"data/{cifar10.FOLDER}/data_batch_2": lambda: cifar10._official(paths.root() / "data"),
    f"data/{cifar10.FOLDER}/batches.meta": lambda: cifar10._official(paths.root() / "data"),
}
HARMLESS = {("report.yaml", "empty"), ("report.yaml", "null")}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("how", RAW)
def test_a_file_that_holds_something_else_is_named_in_one_line(project, name, how):
    batches(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_bytes(RAW[how])
    said = refusal(READERS[name])
    assert said is None if (name, how) in HARMLESS else said and name.rsplit("/", 1)[-1] in said, (
        said
    )


@pytest.mark.parametrize(
    "name",
    [
        "params/cifar10_l2.yaml",
        "params/dog_breeds_mobilenetv2.yaml",
        "params/sweeps/cifar10_optimizers.yaml",
    ],
)
def test_a_wrong_type_at_any_place_of_a_parameter_file_is_named_in_one_line(project, name):
    values, _ = yaml_reader.read((ROOT / name).read_text(), name)
    read = (
        (lambda: sweeps.load("cifar10_optimizers"))
        if "sweeps" in name
        else lambda: experiments.load(name.split("/")[1][:-5])
    )
    for path in wrong_types.places(values):
        for other in (*wrong_types.WRONG, ...):
            (project / name).write_text(
                yaml_reader.write(wrong_types.replaced(values, path, other))
            )
            said = refusal(read)
            assert (
                said is None
                or any(part in said for part in (name, "data.lock"))
                or "there is no experiment" in said
            ), (path, other, said)


@pytest.mark.parametrize(
    "text",
    [
        "grid: {}",
        "grid: {l2: []}",
        "grid: {l2: 3}",
        "grid: {l2: [{label: 3, l2: 0.1}], dense: [{label: [x], dense: [8]}]}",
        "grid: [l2]",
        "runs: [3]",
        "runs: []",
        "runs: [{experiment: 3}]",
        "runs: [{experiment: [x]}]",
        "runs: [{label: 3, l2: 0.1}]",
        "runs: {l2: 3}",
        "runs: [{seed: 3}]",
        "runs: [{l2: {}}]",
    ],
)
def test_a_sweep_that_varies_nothing_sound_is_named_in_one_line(project, text):
    file = project / "params/sweeps/mine.yaml"
    file.write_text(f"title: t\nquestion: q\nbase: cifar10_l2\nseeds: [1]\n{text}\n")
    said = refusal(sweeps.load, "mine")
    assert said and "params/sweeps/mine.yaml" in said
    if text == "grid: {}":
        assert (
            said
            == "params/sweeps/mine.yaml, line 5: a grid needs at least one setting and its values,"
            " such as learning_rate: [0.1, 0.01]"
        )


def test_a_wrong_type_at_any_place_of_report_yaml_is_named_in_one_line(project):
    values = {
        "authors": ["Ada", {"name": "Grace", "id": "42", "email": "g@x"}],
        "course": "c",
        "institution": "i",
        "language": "es",
    }
    for path in wrong_types.places(values):
        for other in wrong_types.WRONG:
            (project / "report.yaml").write_text(
                yaml_reader.write(wrong_types.replaced(values, path, other))
            )
            said = refusal(authors.load)
            assert said is None and other in ("x", ["x"]) or said and "report.yaml" in said, (
                path,
                other,
            )


def test_a_wrong_type_at_any_place_of_data_lock_is_refused_or_makes_a_difference(project):
    folder = project / "data/flowers"
    folder.mkdir(parents=True)
    (folder / "a.jpg").write_bytes(b"x")

    def look():
        return data_lock.look("flowers", folder, [folder / "a.jpg"])

    look().enter()
    [memory] = (paths.cache() / "digests").glob("*.json")
    for file in (paths.data_lock(), memory):
        values = json.loads(file.read_text())
        for path in wrong_types.places(values):
            for other in (*wrong_types.WRONG, ...):
                file.write_text(json.dumps(wrong_types.replaced(values, path, other)))
                said = refusal(look)
                assert said is None or "data.lock" in said, (path, other, said)
        file.write_text(json.dumps(values))
    assert refusal(look) is None


@pytest.mark.parametrize(
    "content",
    [
        {"username": 3, "key": 4},
        {"username": "ada", "key": ["x"]},
        {"username": None, "key": None},
        {"username": {}, "key": "x"},
    ],
)
def test_numbers_in_kaggle_json_are_named_and_new_ones_asked_for(project, content):
    file = project / "home/.kaggle/kaggle.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(content))
    assert (
        "kaggle.json cannot be read as Kaggle's credentials, a username and a key; get it again"
        " from https" in refusal(kaggle_client._credentials)
    )


LABELS = [
    None,
    3,
    "0123456789",
    [None] * 10,
    [[1]] * 10,
    [1.5] * 10,
    [True] * 10,
    [-1] * 10,
    [10] * 10,
    [10**400] * 10,
    [1] * 9,
    [],
    {},
    np.zeros((10, 2), int),
    np.zeros(10),
]


@pytest.mark.parametrize(
    "batch",
    [{b"data": np.zeros((10, 3072), np.uint8), b"labels": labels} for labels in LABELS]
    + [
        {b"data": data, b"labels": [0] * 10}
        for data in (
            None,
            [[0]],
            np.zeros((10, 3071), np.uint8),
            np.zeros((10, 3072), int),
            np.zeros((0, 3072), np.uint8),
        )
    ]
    + [None, [1], {}, {b"data": 1}],
    ids=lambda batch: str(batch)[:40],
)
def test_a_cifar_file_of_another_content_is_named_with_what_to_do(project, batch):
    folder = batches(project)
    (folder / "data_batch_2").write_bytes(pickle.dumps(batch))
    said = refusal(cifar10._official, project / "data")
    assert (
        said.startswith(f"{folder / 'data_batch_2'}: ")
        and f"delete {folder} to download it" in said
    )


@pytest.mark.parametrize("names", [None, 3, ["airplane"] * 10, [b"airplane"] * 10, [None] * 10, {}])
def test_class_names_of_another_kind_are_named_with_what_to_do(project, names):
    folder = batches(project)
    (folder / cifar10.NAMES_FILE).write_bytes(pickle.dumps({b"label_names": names}))
    assert f"delete {folder} to download it" in refusal(cifar10._official, project / "data")


@pytest.mark.parametrize(
    "text, says",
    [
        ("a: &x 1", "line 1: the anchor &x is not supported; leave it out"),
        ("a: 1\nb: [&x 1]", "line 2: the anchor &x"),
        ("a: &x {b: 1}", "the anchor &x"),
        ("&x a: 1", "the anchor &x"),
        ("a: *x", "aliases (*) are not supported"),
        ("a: !!str 3", "the tag tag:yaml.org,2002:str is not supported; write the plain value"),
        ("a: !!int '3'", "the tag tag:yaml.org,2002:int"),
        (
            "a: !!python/object/apply:os.getpid []",
            "the tag tag:yaml.org,2002:python/object/apply:os.getpid",
        ),
        ("a: !!set {x, y}", "the tag tag:yaml.org,2002:set"),
        ("a: !mine [1]", "the tag !mine"),
        ("!!map {a: 1}", "the tag tag:yaml.org,2002:map"),
        ("a: ! 3", "the tag !"),
    ],
)
def test_tags_and_anchors_are_refused_wherever_they_stand(text, says):
    with pytest.raises(ValueError) as raised:
        yaml_reader.read(text, "a file")
    assert (
        str(raised.value).startswith("a file, line ")
        and says in str(raised.value)
        and "not valid YAML" not in str(raised.value)
    )


@pytest.mark.parametrize("side", [1, 7, 1025, 100_000, -3, 2**63])
def test_images_of_no_sensible_size_are_refused_before_anything_is_made_of_them(side):
    with pytest.raises(
        ValueError,
        match="settings: .*image_size must (lie between 8 and 1024 pixels|be a whole number), got",
    ):
        experiments.load("flowers_pilot", {"image_size": side})


@pytest.mark.parametrize(
    "name, settings",
    [
        ("flowers_basic", {"image_size": 8}),
        ("flowers_vgg16_keras_adam", {"image_size": 16}),
        ("cifar10_l2_dropout", {"filters": [[2**62]], "block_dropout": [0.1]}),
    ],
)
def test_a_model_that_cannot_be_built_is_named_in_one_line_with_where_to_look(name, settings):
    from labreport import datasets

    experiment = experiments.load(name, settings)
    said = refusal(lambda: models.build(experiment, *datasets.shape(experiment)))
    assert (
        said.startswith(
            f"model_args: {experiment.model} cannot be built with these settings for images of "
        )
        and f"show {name}" in said
    )


@pytest.mark.parametrize(
    "content", ["[]", '{"at_once": "x", "threads": 1}', '{"at_once": 0, "threads": 1}', "{"]
)
def test_a_damaged_record_of_a_sweep_counts_as_none(content):
    sweep = sweeps.load("cifar10_optimizers", {"data": "sample"})
    sweep.folder.mkdir(parents=True)
    (sweep.folder / tasks.RECORD).write_text(content)
    assert tasks.recorded(sweep) == {} and plan.steps(sweep)

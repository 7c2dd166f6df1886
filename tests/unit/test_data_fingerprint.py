"""The fingerprint of unchanged data is known without loading them, that of changed data is not."""

import shutil
import zipfile

import pytest

from helpers.pictures import picture, write_cats_dogs
from labreport import datasets
from labreport.config import experiments
from labreport.core import files, i18n, imported_source, paths
from labreport.runs import data_fingerprint
from labreport.staleness import code_digest


def experiment(**settings):
    return experiments.load("cats_dogs_sigmoid", {"image_size": 32, **settings})


@pytest.fixture
def root():
    """Image files of cats and dogs that were loaded once."""
    folder = paths.data() / "cats_and_dogs_filtered"
    write_cats_dogs(folder)
    datasets.load(experiment())
    datasets.load(experiment())  # the first use has written data.lock meanwhile
    assert data_fingerprint.known(experiment()) is not None
    return folder


def test_what_is_known_is_what_loading_gives(root):
    loaded = datasets.load(experiment())
    assert data_fingerprint.known(experiment()) == (loaded.fingerprint, loaded.notes)
    assert data_fingerprint.known(experiment(seed=2)) is not None  # of the same splits
    assert data_fingerprint.known(experiment(split_seed=2)) is None
    assert data_fingerprint.known(experiment(max_images=20)) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "train/cats/003.jpg").write_bytes(picture(77)),
        lambda root: (root / "train/cats/003.jpg").unlink(),
        lambda root: (root / "train/cats/new.jpg").write_bytes(picture(78)),
        lambda root: (root.parent / "nearer").mkdir(),
        lambda root: shutil.rmtree(root),
        lambda root: paths.data_lock().unlink(),
        lambda root: files.write_json(paths.data_lock(), {}),
    ],
)
def test_a_file_or_folder_that_changed_has_the_data_loaded_again(root, change):
    change(root)
    assert data_fingerprint.known(experiment()) is None


def test_another_lock_file_or_data_folder_has_them_loaded_again(root, monkeypatch, tmp_path):
    monkeypatch.setenv("LABREPORT_DATA_LOCK", str(tmp_path / "other.lock"))
    assert data_fingerprint.known(experiment()) is None
    monkeypatch.undo()


def test_a_zip_that_was_replaced_has_the_data_loaded_again(root):
    archive = paths.data() / "cats.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for path in root.rglob("*.jpg"):
            packed.write(path, path.relative_to(root.parent))
    shutil.rmtree(root)
    paths.data_lock().unlink()
    for _ in range(2):
        datasets.load(experiment())
    assert data_fingerprint.known(experiment()) is not None
    content = archive.read_bytes()
    archive.write_bytes(content + b" ")
    assert data_fingerprint.known(experiment()) is None


def test_code_of_the_data_set_counts_as_it_was_imported(root, monkeypatch):
    """A process that imported other code writes nothing under the name of what lies on the disk."""
    on_disk = code_digest._on_disk
    monkeypatch.setattr(
        code_digest,
        "_on_disk",
        lambda module: (
            on_disk(module).replace("% len(CLASS_NAMES)", "% 2 % len(CLASS_NAMES)")
            if module == "labreport.datasets.cats_dogs"
            else on_disk(module)
        ),
    )
    assert data_fingerprint.known(experiment()) is None
    datasets.load(experiment())
    assert data_fingerprint.known(experiment()) is None


def test_decoded_images_are_made_anew_by_other_code(root, monkeypatch):
    decoded = paths.cache() / "decoded"
    before = set(decoded.iterdir())
    name = "labreport.datasets.decoding"
    text = imported_source.texts[name]
    assert "INTER_AREA" in text
    monkeypatch.setitem(imported_source.texts, name, text.replace("INTER_AREA", "INTER_CUBIC"))
    datasets.load(experiment())
    assert len([path for path in set(decoded.iterdir()) - before if path.suffix == ".npy"]) == 2


def test_notes_are_remembered_in_one_language(root):
    shutil.rmtree(paths.cache() / "fingerprints")
    with i18n.speaking("es"):
        datasets.load(experiment())
    assert data_fingerprint.known(experiment()) is None


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '{"stamps": 5}', '{"stamps": {}}', '{"stamps": {}, "fingerprint": 1, "notes": []}'],
)
def test_a_damaged_record_is_none(root, text):
    for path in (paths.cache() / "fingerprints").iterdir():
        path.write_text(text)
    assert data_fingerprint.known(experiment()) is None

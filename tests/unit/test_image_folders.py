"""Image folders as users have them: found, unzipped, decoded once, split without leaks; and what is
wrong with them is said.
"""

import multiprocessing
import os
import stat
import zipfile

import cv2
import numpy as np
import pytest

from helpers.pictures import (
    SIDE,
    load,
    load_flowers,
    picture,
    write,
    write_cats_dogs,
    write_dogs,
    write_flowers,
)
from helpers.processes import PATIENCE
from labreport import datasets
from labreport.config import experiments
from labreport.core import array_cache, files, host, paths
from labreport.datasets import data_lock, decoding


def pixels(split):
    return {digest for digest in split.digests.tolist()}


def test_flowers_are_read_with_their_colours_and_labels_right():
    write_flowers(paths.data() / "flowers")
    red = np.zeros((20, 30, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes blue, green, red
    write(paths.data() / "flowers/rose/red.png", cv2.imencode(".png", red)[1].tobytes())
    data = load_flowers()
    assert (
        data.test is None
        and data.evaluated[0] == "validation"
        and data.image_shape == (SIDE, SIDE, 3)
    )
    assert len(data.train) + len(data.validation) == 51
    for split in data.splits.values():
        assert [data.class_names[label] for label in split.labels] == [
            name.split("/")[0] for name in split.ids
        ]
        if "rose/red.png" in split.ids:
            assert (np.asarray(split.images)[split.ids.index("rose/red.png")] == (255, 0, 0)).all()


@pytest.mark.parametrize("where", ["flowers", "flowers-recognition/flowers", ".", "a/b/c/d"])
def test_the_folder_is_found_wherever_a_user_puts_it(where):
    write_flowers(paths.data() / where)
    assert len(load_flowers().train) == 40


def test_kaggle_s_input_folder_is_looked_into(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "kaggle/input")
    write_dogs(tmp_path / "kaggle/input/dog-breed-identification")
    write_cats_dogs(tmp_path / "kaggle/input/cats-and-dogs/cats_and_dogs_filtered")
    write_flowers(tmp_path / "kaggle/input/flowers-recognition/flowers")
    for part in (tmp_path / "kaggle").rglob("*"):
        part.chmod(0o555 if part.is_dir() else 0o444)  # it is read-only there
    assert len(load_flowers().train) == 40
    assert len(load("dog_breeds_mobilenetv2").test) == 120
    assert len(load("cats_dogs_softmax").train) == 20


def zipped(root, archive):
    with zipfile.ZipFile(archive, "w") as target:
        for path in sorted(root.rglob("*")):
            if path.is_file():
                target.write(path, path.relative_to(root.parent))


def test_a_zip_that_is_attached_on_kaggle_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "input")
    write_flowers(tmp_path / "flowers")
    (tmp_path / "input/datasets/ada/flowers").mkdir(parents=True)
    zipped(tmp_path / "flowers", tmp_path / "input/datasets/ada/flowers/archive.zip")
    assert len(load_flowers().train) == 40


def test_a_zip_is_unpacked_once_and_left_as_it_is(tmp_path):
    write_flowers(tmp_path / "flowers")
    paths.data().mkdir()
    zipped(tmp_path / "flowers", paths.data() / "archive.zip")
    before = (paths.data() / "archive.zip").read_bytes()
    first, again = load_flowers(), load_flowers()
    assert len(first.train) == 40 and first.fingerprint == again.fingerprint
    assert (paths.data() / "archive.zip").read_bytes() == before and os.listdir(paths.data()) == [
        "archive.zip"
    ]
    assert len(list((paths.cache() / "unpacked").glob("archive-*"))) == 1


def test_the_competition_s_zip_with_its_files_at_the_top_is_read(tmp_path):
    write_dogs(tmp_path / "dogs")
    paths.data().mkdir()
    with zipfile.ZipFile(paths.data() / "dog-breed-identification.zip", "w") as target:
        for path in sorted((tmp_path / "dogs").rglob("*")):
            if path.is_file():
                target.write(path, path.relative_to(tmp_path / "dogs"))
    assert len(load("dog_breeds_mobilenetv2").test) == 120


@pytest.mark.parametrize(
    "member",
    [
        "../outside.jpg",
        "/tmp/outside.jpg",
        "flowers/../../outside.jpg",
        "..\\outside.jpg",
        "C:\\outside.jpg",
    ],
)
def test_a_zip_that_writes_outside_its_folder_is_refused_and_nothing_is_written(tmp_path, member):
    write_flowers(tmp_path / "flowers", each=2)
    paths.data().mkdir()
    zipped(tmp_path / "flowers", paths.data() / "flowers.zip")
    with zipfile.ZipFile(paths.data() / "flowers.zip", "a") as target:
        target.writestr(zipfile.ZipInfo(member), b"out")
    with pytest.raises(
        ValueError,
        match=(
            "flowers.zip: its member .* would be written outside its folder; nothing was unpacked"
        ),
    ):
        load_flowers()
    assert not list(tmp_path.rglob("outside.jpg")) and not [
        path for path in (paths.cache() / "unpacked").iterdir() if path.is_dir()
    ]


def test_a_zip_with_a_link_inside_is_refused(tmp_path):
    write_flowers(tmp_path / "flowers", each=2)
    paths.data().mkdir()
    zipped(tmp_path / "flowers", paths.data() / "flowers.zip")
    link = zipfile.ZipInfo("flowers/rose/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(paths.data() / "flowers.zip", "a") as target:
        target.writestr(link, "/etc")
    with pytest.raises(ValueError, match="'flowers/rose/link' would be written outside"):
        load_flowers()


def test_a_damaged_zip_is_named(tmp_path):
    write_flowers(tmp_path / "flowers", each=2)
    paths.data().mkdir()
    zipped(tmp_path / "flowers", paths.data() / "flowers.zip")
    damaged = bytearray((paths.data() / "flowers.zip").read_bytes())
    damaged[200] ^= 255
    (paths.data() / "flowers.zip").write_bytes(damaged)
    with pytest.raises(
        ValueError, match="flowers.zip: a damaged zip .*nothing was unpacked, download it again"
    ):
        load_flowers()


@pytest.mark.parametrize(
    "name, how",
    [
        ("flowers_basic", "kaggle.com/datasets/alxmamaev/flowers-recognition"),
        ("cats_dogs_softmax", "cats_and_dogs_filtered.zip: no network connection"),
        ("dog_breeds_mobilenetv2", "kaggle.com/competitions/dog-breed-identification"),
    ],
)
def test_data_that_is_not_there_and_cannot_be_fetched_says_how_to_get_it(name, how, service):
    with pytest.raises(
        (FileNotFoundError, ConnectionError),
        match=(
            f"is not in .* and could not be downloaded.*{how}.*\nOr put .* in the data folder; or"
            " use --data sample"
        ),
    ):
        load(name)


def test_a_folder_that_only_looks_like_it_does_not_hide_the_data_set():
    write_flowers(paths.data() / "pictures/flowers")
    write(paths.data() / "rose/mine.jpg", picture(1))
    assert len(load_flowers().train) == 40
    write_dogs(paths.data() / "pictures/dogs")
    write(paths.data() / "another/labels.csv", b"image,label\n")
    assert len(load("dog_breeds_mobilenetv2").test) == 120


def test_a_zip_that_broke_off_is_named(tmp_path, service):
    write_flowers(tmp_path / "flowers", each=2)
    paths.data().mkdir()
    zipped(tmp_path / "flowers", paths.data() / "flowers.zip")
    (paths.data() / "flowers.zip").write_bytes((paths.data() / "flowers.zip").read_bytes()[:-500])
    with pytest.raises(
        FileNotFoundError,
        match="flowers.zip .*cannot be read as a zip and may be a broken download",
    ):
        load_flowers()


def test_labels_that_excel_has_saved_are_read():
    root = paths.data() / "dog-breed-identification"
    write_dogs(root)
    (root / "labels.csv").write_bytes(b"\xef\xbb\xbf" + (root / "labels.csv").read_bytes())
    assert len(load("dog_breeds_mobilenetv2").test) == 120


def test_a_cache_file_that_was_cut_off_says_what_to_do():
    write_flowers(paths.data() / "flowers")
    load_flowers()
    kept = next((paths.cache() / "decoded").glob("flowers-16-*[0-9a-f].npy"))
    kept.write_bytes(kept.read_bytes()[:-1000])
    with pytest.raises(
        ValueError, match="flowers-16-.*npy is damaged .*; delete it, and it will be computed again"
    ):
        load_flowers()


def test_a_missing_class_folder_is_named():
    write_flowers(paths.data() / "flowers")
    (paths.data() / "flowers/tulip").rename(paths.data() / "flowers/tulips")
    with pytest.raises(
        FileNotFoundError,
        match=(
            "flowers lacks the class folder tulip; it holds daisy, dandelion, rose, sunflower,"
            " tulips"
        ),
    ):
        load_flowers()


def test_an_empty_class_folder_and_files_that_are_no_images_are_listed():
    write_flowers(paths.data() / "flowers")
    for path in (paths.data() / "flowers/daisy").iterdir():
        path.unlink()
    write(paths.data() / "flowers/rose/flickr.py", b"print()")
    data = load_flowers()
    assert "The class folder daisy holds no image." in data.notes
    assert "Files that are no images were passed over: rose/flickr.py." in data.notes


@pytest.mark.parametrize(
    "damage", [lambda data: b"", lambda data: b"no image", lambda data: data[: len(data) // 2]]
)
def test_an_unreadable_file_stops_the_run_unless_it_may_be_skipped(damage):
    write_flowers(paths.data() / "flowers")
    write(paths.data() / "flowers/rose/bad.jpg", damage(picture(7)))
    with pytest.raises(
        ValueError,
        match=(
            "flowers: 1 of 51 files cannot be read as images: rose/bad.jpg; replace or remove"
            " them.*on_unreadable=skip"
        ),
    ):
        load_flowers()
    data = load_flowers(on_unreadable="skip")
    assert "1 of 51 files cannot be read as images and were left out: rose/bad.jpg." in data.notes
    assert len(data.train) + len(data.validation) == 50 and not any(
        "bad" in name for split in data.splits.values() for name in split.ids
    )


def test_a_black_image_is_an_image():
    write_flowers(paths.data() / "flowers")
    write(
        paths.data() / "flowers/rose/night.png",
        cv2.imencode(".png", np.zeros((20, 20, 3), np.uint8))[1].tobytes(),
    )
    assert sum(len(split) for split in load_flowers().splits.values()) == 51


def test_images_under_two_labels_are_listed_and_stay_in_one_split():
    write_flowers(paths.data() / "flowers")
    write(paths.data() / "flowers/tulip/copy.jpg", picture(2000))  # rose/000.jpg
    for seed in range(6):
        data = load_flowers(split_seed=seed)
        assert not pixels(data.train) & pixels(data.validation)
    assert "1 image repeats another one; equal images stay in the same split." in data.notes
    assert (
        "The same image under different labels: rose/000.jpg (rose), tulip/copy.jpg (tulip)."
        in data.notes
    )


def test_a_training_image_that_is_a_validation_image_too_is_left_out():
    write_cats_dogs(paths.data() / "cats_and_dogs_filtered")
    # validation/cats/003.jpg
    write(paths.data() / "cats_and_dogs_filtered/train/dogs/leak.jpg", picture(2003))
    data = load("cats_dogs_softmax")
    assert (
        not pixels(data.train) & pixels(data.validation)
        and len(data.train) == 20
        and len(data.validation) == 20
    )
    assert (
        "1 training image identical to a validation image left out: train/dogs/leak.jpg."
        in data.notes
    )
    assert (
        "The same image under different labels: train/dogs/leak.jpg (dogs), validation/cats/003.jpg"
        " (cats)." in data.notes
    )
    assert data.class_names == ["cats", "dogs"] and all(
        (name.split("/")[1] == "dogs") == label
        for name, label in zip(data.train.ids, data.train.labels)
    )


def test_dogs_are_split_three_ways_by_seed():
    write_dogs(paths.data() / "dog-breed-identification", each=20)
    data, other = load("dog_breeds_mobilenetv2"), load("dog_breeds_mobilenetv2", split_seed=1)
    assert [len(split) for split in data.splits.values()] == [120 * 17, 120, 120 * 2]
    assert (
        not pixels(data.train) & pixels(data.test)
        and not pixels(data.train) & pixels(data.validation)
        and not pixels(data.validation) & pixels(data.test)
    )
    assert data.test.ids != other.test.ids and data.evaluated[0] == "test"


def test_labels_without_a_file_and_files_without_a_label_are_listed():
    root = paths.data() / "dog-breed-identification"
    write_dogs(root)
    (root / "train/0003.jpg").unlink()
    write(root / "train/stray.jpg", picture(77))
    notes = load("dog_breeds_mobilenetv2").notes
    assert "1 label without a file left out: 0003." in notes
    assert "1 file in train/ without a label left out: stray." in notes


def test_a_breed_without_images_is_listed():
    root = paths.data() / "dog-breed-identification"
    write_dogs(root)
    lines = (root / "labels.csv").read_text().splitlines()
    (root / "labels.csv").write_text(
        "\n".join(line for line in lines if not line.endswith(",whippet")) + "\n"
    )
    assert "No image of whippet." in load("dog_breeds_mobilenetv2").notes


@pytest.mark.parametrize(
    "line, expected",
    [
        ("x,poodle", "labels.csv, line 482: 'poodle' is not one of the competition's 120 breeds"),
        (
            "0000,whippet",
            "labels.csv, line 482: 0000 is affenpinscher in an earlier line and whippet in",
        ),
    ],
)
def test_a_wrong_line_in_the_labels_is_named(line, expected):
    root = paths.data() / "dog-breed-identification"
    write_dogs(root)
    with open(root / "labels.csv", "a") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match=expected):
        load("dog_breeds_mobilenetv2")


def test_the_unlabelled_test_set_is_read_where_it_is_there_and_the_run_is_a_full_one():
    write_dogs(paths.data() / "dog-breed-identification", unlabelled=5)
    data = load("dog_breeds_mobilenetv2")
    assert (
        data.unlabelled.ids == [f"t00{i}" for i in range(5)]
        and (data.unlabelled.labels == -1).all()
    )
    assert load("dog_breeds_mobilenetv2", max_images=400).unlabelled is None


def test_images_are_decoded_once_and_memory_mapped(monkeypatch):
    write_flowers(paths.data() / "flowers")
    first = load_flowers()
    monkeypatch.setattr(decoding, "_pixels", lambda file, side: pytest.fail("decoded again"))
    again = load_flowers()
    assert first.fingerprint == again.fingerprint
    assert (
        isinstance(again.train.images.array, np.memmap)
        and not again.train.images.array.flags.writeable
    )


def test_another_size_or_a_changed_file_is_decoded_anew():
    write_flowers(paths.data() / "flowers")
    one = load_flowers()
    other = load_flowers(image_size=20)
    write(paths.data() / "flowers/rose/003.jpg", picture(55))
    data_lock.forget("flowers")
    changed = load_flowers()
    assert len(
        {one.fingerprint, other.fingerprint, changed.fingerprint}
    ) == 3 and other.image_shape == (20, 20, 3)


def _decode_elsewhere(folder, queue):
    os.environ.update(LABREPORT_DATA=str(folder / "data"), LABREPORT_CACHE=str(folder / "cache"))
    queue.put(load_flowers().fingerprint)


def test_two_processes_decode_to_the_same_bytes(tmp_path):
    write_flowers(paths.data() / "flowers", each=60)
    spawn = multiprocessing.get_context("spawn")
    queue = spawn.Queue()
    processes = [spawn.Process(target=_decode_elsewhere, args=(tmp_path, queue)) for _ in range(3)]
    for process in processes:
        process.start()
    found = {queue.get(timeout=PATIENCE) for _ in processes}
    for process in processes:
        process.join()
    assert found == {load_flowers().fingerprint}
    assert not list((paths.cache() / "decoded").glob("*.part*"))


def test_a_writer_that_breaks_off_leaves_nothing_behind(tmp_path):
    def chunks():
        yield np.zeros((2, 3), np.float32)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        array_cache.kept(tmp_path / "a.npy", (4, 3), np.float32, chunks)
    assert [
        path.name
        for path in tmp_path.iterdir()
        if not path.name.endswith(".lock") and path.is_file()
    ] == []
    assert (
        array_cache.kept(
            tmp_path / "a.npy", (2, 3), np.float32, lambda: [np.ones((2, 3), np.float32)]
        ).tolist()
        == [[1, 1, 1]] * 2
    )


def test_a_full_disk_is_an_error_not_a_crash(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "replace", lambda path, write: write("/dev/full"))
    with pytest.raises(OSError, match="No space left"):
        array_cache.kept(
            tmp_path / "a.npy", (400, 300), np.float32, lambda: [np.zeros((400, 300), np.float32)]
        )


@pytest.mark.parametrize(
    "name, classes, splits",
    [("cats_dogs_softmax", 2, 2), ("flowers_basic", 5, 2), ("dog_breeds_mobilenetv2", 120, 3)],
)
def test_sample_data_needs_no_folder_and_is_the_same_every_time(name, classes, splits):
    one, again = load(name, data="sample", image_size=24), load(name, data="sample", image_size=24)
    assert (
        one.fingerprint == again.fingerprint
        and one.sample
        and len(one.class_names) == classes
        and len(one.splits) == splits
    )
    assert all(
        (np.bincount(split.labels, minlength=classes) > 0).all() for split in one.splits.values()
    )


@pytest.mark.parametrize("name", ["cats_dogs_softmax", "flowers_basic", "dog_breeds_mobilenetv2"])
def test_the_shape_is_known_without_the_data(name):
    experiment = experiments.load(name, {"data": "sample", "image_size": 24})
    data = datasets.load(experiment)
    assert datasets.shape(experiment) == (data.image_shape, len(data.class_names))


@pytest.mark.parametrize(
    "settings, expected",
    [
        ({"image_size": 4}, "image_size must lie between 8 and 1024"),
        ({"on_unreadable": "ignore"}, "on_unreadable must be stop or skip"),
        ({"validation_fraction": 1.5}, "validation_fraction must lie between 0 and 1"),
    ],
)
def test_impossible_settings_are_refused(settings, expected):
    write_flowers(paths.data() / "flowers")
    with pytest.raises(ValueError, match=expected):
        load_flowers(**settings)


def test_the_real_flowers_duplicates_are_found(real_data, monkeypatch):
    monkeypatch.setenv("LABREPORT_DATA", str(real_data))
    data = load_flowers()
    assert sum(map(len, data.splits.values())) == 4317 and data.notes[0].startswith(
        "6 images repeat another one"
    )
    assert sum("(rose), tulip/" in note for note in data.notes) == 4


def test_the_real_cats_dogs_and_breeds_are_read(real_data, monkeypatch):
    monkeypatch.setenv("LABREPORT_DATA", str(real_data))
    assert [len(split) for split in load("cats_dogs_softmax").splits.values()] == [2000, 1000]
    dogs = load("dog_breeds_mobilenetv2")
    assert (
        sum(map(len, dogs.splits.values())) == 10_222
        and abs(len(dogs.test) - 1022) < 20
        and not [note for note in dogs.notes if "No image" in note]
    )

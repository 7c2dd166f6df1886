"""Images of a person's own: found, prepared as the data set's are, classified by the saved network
alone, and named where they cannot be read.
"""

import csv
import dataclasses
import os
import re

import cv2
import keras
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.training import experiment, quiet, tiny_data
from labreport import datasets, models
from labreport.analysis import commentary, figures, prediction
from labreport.cli import predict
from labreport.cli.main import main
from labreport.config import experiments
from labreport.core import files, i18n
from labreport.datasets import folders, photographs
from labreport.execution import due
from labreport.models import backbones
from labreport.runs import manifest, model_file, records, results
from labreport.staleness import rules
from labreport.training import loop, trained_model, training

RUN = ["--data", "sample"]  # names the run of `finished`


def drawn(width=48, height=32):
    """An image whose four corners differ: red, green, blue, white."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (255, 0, 0)
    pixels[: height // 2, width // 2 :] = (0, 255, 0)
    pixels[height // 2 :, : width // 2] = (0, 0, 255)
    return Image.fromarray(pixels)


def network(run, side=16, classes=10):
    """A model of the kind that the run has, or of another: one dense layer on pixels."""
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 255)(inputs)
    outputs = keras.layers.Dense(classes, "softmax")(keras.layers.Flatten()(x))
    return keras.Model(inputs, outputs)


def finish(run, model, class_names, **other):
    """The run folder that a finished training leaves, as far as predicting reads it."""
    run.folder.mkdir(parents=True, exist_ok=True)
    model.save(run.folder / results.MODEL)
    model_file.normalize(run.folder / results.MODEL)
    record = records.DataRecord(class_names=class_names, fingerprint="x")
    measured = dict.fromkeys(
        ("evaluated_loss", "validation_accuracy", "validation_loss", "train_accuracy"), 0.5
    )
    metrics = records.Metrics(
        experiment=run.name,
        run=run.run_name,
        data=run.data,
        changes=run.changes,
        evaluated_split="validation",
        evaluated_accuracy=0.75,
        train_loss=1.0,
        best_epoch=1,
        epochs=1,
        seconds=1.0,
        total_parameters=1,
        trainable_parameters=1,
        finished=files.now(),
        dataset=record,
        identity={},
        **(measured | other),
    )
    files.write_json(run.folder / records.METRICS, metrics.as_json())
    return run


@pytest.fixture
def finished():
    """A finished run of cifar10_l2 on sample data, whose network takes 16 x 16 pixels."""
    run = experiments.load("cifar10_l2", {"data": "sample"})
    return finish(run, network(run), [f"class_{number}" for number in range(10)])


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """An empty folder, which is the working directory too."""
    folder = tmp_path / "photos"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def answers(run, given):
    return prediction.of(trained_model.load(run.folder), given)


def table(folder):
    return pd.read_csv(folder / predict.FOLDER / predict.TABLE, dtype={"image": str})


def test_a_run_answers_for_its_own_test_images_as_when_it_was_evaluated(photos):
    run, data = experiment(epochs=1), tiny_data()
    training.fit(run, data, quiet)
    for number, image in zip(range(10), data.test.images):
        Image.fromarray(image).save(f"test-{number}.png")
    before = {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()}
    found = answers(run, ["."])
    assert found.names == [f"test-{number}.png" for number in range(10)]
    measured = results.load(run.folder)
    assert np.allclose(found.probabilities, measured.probabilities, atol=1e-6)
    assert {path: path.read_bytes() for path in run.folder.iterdir() if path.is_file()} == before


def small_backbone(model_args, image_shape, weights):
    inputs = keras.Input(image_shape)
    x = keras.layers.Conv2D(6, 5, strides=4, activation="relu")(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, x, name=model_args["backbone"])


@pytest.mark.parametrize(
    "name, side",
    [
        ("cats_dogs_sigmoid", 32),
        ("cats_dogs_softmax", 32),
        ("cifar10_l2_dropout", 32),
        ("cifar10_batchnorm", 32),
        ("flowers_tuned_gap", 64),
        ("flowers_googlenet_sgd", 112),
        ("dog_breeds_scratch_residual", 96),
        ("dog_breeds_mobilenetv2", 32),
    ],
)
def test_every_kind_of_network_answers_from_its_file_as_it_did_in_memory(
    name, side, photos, monkeypatch
):
    monkeypatch.setattr(backbones, "_architecture", small_backbone)
    settings = {} if side == 32 and name.startswith("cifar10") else {"image_size": side}
    random = {"weights": "random"} if "mobilenet" in name else {}
    run = experiments.load(name, {"data": "sample", **settings, **random})
    shape, classes = datasets.shape(run)
    assert shape == (side, side, 3)
    model = models.build(run, shape, classes)
    without_optimizer = keras.Model(model.inputs, model.output, name=model.name)
    finish(run, without_optimizer, [f"class {number}" for number in range(classes)])
    drawn().save("a.png")
    drawn(20, 90).save("b.jpg")
    found = answers(run, ["a.png", "b.jpg"])
    images = np.stack(found.seen)
    split = datasets.Split(images, np.zeros(2, np.int32), ["a", "b"])
    expected = loop.predict(model, split)
    assert found.probabilities.shape == (2, classes)
    assert np.allclose(found.probabilities, expected, atol=1e-6)
    assert np.allclose(found.probabilities.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_upright_as_a_phone_s_note_says(kind, orientation, photos):
    turned = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    image, note = drawn(64, 32), Image.Exif()
    note[0x112] = orientation
    stored = image.transpose(turned[orientation]) if orientation > 1 else image
    lossless = {"quality": 95} if kind == "jpg" else {"lossless": True} if kind == "webp" else {}
    stored.save(f"photo.{kind}", exif=note, **lossless)
    file = photos / f"photo.{kind}"
    seen, taken = photographs.prepared(file, 16), photographs.as_taken(file, 32)
    assert seen.shape == (16, 16, 3) and taken.shape == (16, 32, 3)
    for pixels in (seen, taken):
        corners = pixels[[2, 2, -3, -3], [2, -3, 2, -3]].astype(int)
        expected = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
        assert np.abs(corners - expected).max() < 40, orientation


def test_images_of_any_colours_and_depth_are_prepared_as_the_data_sets_are(photos):
    image = drawn()
    image.save("plain.png")
    image.convert("L").save("grey.jpg")
    image.convert("CMYK").save("cmyk.jpg")
    image.convert("RGBA").save("alpha.png")
    image.convert("P").save("palette.gif")
    cv2.imwrite("sixteen.png", np.array(image)[..., ::-1].astype(np.uint16) * 257)
    plain = photographs.prepared(photos / "plain.png", 16)
    for name in ("cmyk.jpg", "alpha.png", "palette.gif", "sixteen.png"):
        other = photographs.prepared(photos / name, 16)
        assert np.abs(other.astype(int) - plain)[2, 2].max() < 12, name
    grey = photographs.prepared(photos / "grey.jpg", 16)
    assert grey.shape == (16, 16, 3) and (grey[..., 0] == grey[..., 2]).all()
    folder = photos / "of a data set"
    folder.mkdir()
    image.save(folder / "plain.png")
    from labreport.datasets import data_lock, decoding

    look = data_lock.look("flowers", folder, folders.images(folder)[0])
    assert (decoding.decode(look, 16).images[0] == plain).all()


def test_what_is_no_image_is_named_with_the_reason_and_the_others_are_classified(
    finished, photos, capsys
):
    drawn().save("good.jpg")
    whole = (photos / "good.jpg").read_bytes()
    (photos / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (photos / "text.jpg").write_text("I am not an image")
    (photos / "empty.png").touch()
    (photos / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    os.mkfifo(photos / "pipe.png")
    assert main(["predict", "cifar10_l2", ".", "gone.jpg", *RUN]) == 1
    said = capsys.readouterr()
    for line in (
        "not read: cut.jpg: the image breaks off: the file is incomplete",
        "not read: text.jpg: this is not an image, or a damaged one",
        "not read: empty.png: the file is empty",
        "not read: IMG_1.HEIC: this is HEIC, which cannot be read here",
        "not read: pipe.png: this is not a file",
        "not read: gone.jpg: there is no such file",
        "6 files not read",
    ):
        assert line in said.err
    assert re.search(r"^good\.jpg  class_\d  \d+\.\d.% +class_\d  ", said.out, re.M)
    assert "not a certainty: it always chooses one of its 10 classes" in said.out
    assert "trained on images that the program draws" in said.out
    assert list(table(finished.folder)["image"]) == ["good.jpg"]


def test_a_file_that_is_unreadable_for_its_size_is_said_to_be_too_large(photos, monkeypatch):
    drawn().save("large.png")
    monkeypatch.setattr(photographs.decoding, "_pixels", lambda file, side: None)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match="too many pixels"):
        photographs.prepared(photos / "large.png", 16)


def test_a_folder_means_its_image_files_in_order_and_none_of_its_sub_folders(photos):
    for name in ("b.PNG", "a.jpg", "inner/c.png", "only/folders/d.png"):
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).touch()
    for name in ("notes.txt", ".hidden.jpg"):
        (photos / name).touch()
    found, remarks = photographs.found([photos, photos / "a.jpg", "a.jpg"])
    assert [path.name for path in found] == ["a.jpg", "b.PNG"], "each once"
    assert remarks == [(photos, "not looked into: inner, only; files that are no images: 1")]
    found, remarks = photographs.found(["only"])
    assert not found
    [(folder, remark)] = remarks
    assert folder == photographs.Path("only")
    assert remark == "there is no image file in this folder; not looked into: folders"
    assert photographs.found(["*.jpg", "i*/*.png"])[0] == [
        photographs.Path("a.jpg"),
        photographs.Path("inner/c.png"),
    ]


def test_a_notebook_finds_paths_of_the_project_from_wherever_it_is_executed(photos, tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project/a.jpg").touch()
    assert photographs.found(["a.jpg"])[0] == [photographs.Path("a.jpg")]
    assert photographs.found(["a.jpg"], tmp_path / "project")[0] == [tmp_path / "project/a.jpg"]


def test_several_paths_in_one_word_are_taken_apart_and_a_name_with_blanks_is_not(photos):
    for name in ("a.jpg", "my photo.jpg", "c.png"):
        (photos / name).touch()
    for given, meant in (
        (["a.jpg c.png"], ["a.jpg", "c.png"]),
        (["my photo.jpg"], ["my photo.jpg"]),
        (["'my photo.jpg' a.jpg"], ["my photo.jpg", "a.jpg"]),
        (["a.jpg gone.jpg"], ["a.jpg", "gone.jpg"]),
        (["no such photo.jpg"], ["no such photo.jpg"]),
        (["it's"], ["it's"]),
        (["*.jpg c.png"], ["*.jpg", "c.png"]),
    ):
        assert predict._words(given) == meant


def test_the_table_holds_all_probabilities_and_the_run_stays_what_it_was(finished, photos, capsys):
    manifest.start(finished.folder, finished.folder)
    for number in range(prediction.MOST_SHOWN + 2):
        drawn(20 + number, 30).save(f"{number:02}.png")
    before = due.work(finished, "en")
    assert main(["predict", "cifar10_l2", "00.png", ".", *RUN]) == 0
    found = table(finished.folder)
    assert list(found["image"]) == [f"{number:02}.png" for number in range(17)]
    shares = found[[f"class_{number}" for number in range(10)]]
    assert np.allclose(shares.sum(axis=1), 1) and (shares.idxmax(axis=1) == found.predicted).all()
    assert "(the first 15 of 17 images)" in capsys.readouterr().out
    picture = Image.open(finished.folder / predict.FOLDER / predict.PICTURE)
    assert picture.text["Description"].startswith("15 images with their two most probable classes")
    assert due.work(finished, "en") == before and not manifest.changed(finished.folder)
    assert not [path for path in results.files_of_a_run(finished.folder) if "own" in str(path)]
    assert main(["clean", "cifar10_l2", "--yes", *RUN]) == 0 and not finished.folder.exists()


def test_a_given_folder_gets_the_files_and_the_picture_speaks_the_chosen_language(finished, photos):
    drawn().save("a.png")
    words = ["--output", "new/place", "--language", "es"]
    assert main(["predict", "cifar10_l2", "a.png", *RUN, *words]) == 0
    assert sorted(os.listdir("new/place")) == ["predictions.csv", "predictions.png"]
    assert not (finished.folder / predict.FOLDER).exists()
    text = Image.open("new/place/predictions.png").text["Description"]
    assert text.startswith("1 imagen con sus dos clases más probables: a.png: class ")
    assert i18n.current_language() == "en"


def test_names_of_files_do_no_harm_in_table_picture_and_terminal(finished, photos, capsys):
    names = [
        "=1+1.png",
        "a$b$c_{.png",
        "猫.png",
        "line\nend.png",
        "\x1b[31mred.png",
        f"{'l' * 80}.png",
    ]
    for name in [*names, os.fsdecode(b"\xff.png")]:
        drawn().save(os.fsencode(name) if name.startswith("\udcff") else name, "png")
    assert main(["predict", "cifar10_l2", ".", *RUN]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said and "line\\nend.png" in said
    with open(finished.folder / predict.FOLDER / predict.TABLE, encoding="utf-8") as file:
        rows = [row["image"] for row in csv.DictReader(file)]
    assert len(rows) == len(names) + 1 and "./=1+1.png" in rows and "猫.png" in rows


def test_two_images_of_one_name_are_told_apart(finished, photos):
    for folder in ("one", "two"):
        (photos / folder).mkdir()
        drawn().save(f"{folder}/a.png")
    drawn().save("b.png")
    found = answers(finished, ["one", "two", "b.png"])
    assert found.names == ["one/a.png", "two/a.png", "b.png"]


def test_without_a_finished_run_it_says_what_to_run(photos, capsys):
    drawn().save("a.png")
    words = ["--data", "sample", "--set", "epochs=2", "filters=[[8], [8], [8]]"]
    assert main(["predict", "cifar10_l2", "a.png", *words]) == 1
    assert (
        "train it first: python pipeline.py report cifar10_l2 --data sample --set"
        " 'model_args.filters=[[8], [8], [8]]' epochs=2" in capsys.readouterr().err
    )


def test_images_may_stand_before_and_behind_the_settings(finished, photos, capsys):
    drawn().save("a.png")
    run = experiments.load("cifar10_l2", {"data": "sample", "epochs": 2})
    finish(run, network(run), [f"class_{number}" for number in range(10)])
    for words in (
        ["a.png", "--data", "sample", "--set", "epochs=2"],
        ["--data", "sample", "--set", "epochs=2", "a.png"],
        ["--set", "epochs=2", "--data", "sample", "a.png"],
    ):
        assert main(["predict", "cifar10_l2", *words]) == 0, words
    assert main(["predict", "cifar10_l2", *RUN]) == 1
    assert "name image files, or a folder of them" in capsys.readouterr().err


def test_without_any_image_nothing_is_written(finished, photos, capsys):
    (photos / "notes.txt").touch()
    assert main(["predict", "cifar10_l2", ".", *RUN]) == 1
    error = capsys.readouterr().err
    assert ".: there is no image file in this folder" in error and "no image to classify" in error
    assert not (finished.folder / predict.FOLDER).exists()


@pytest.mark.parametrize(
    "change, expected",
    [
        (lambda run: finish(run, network(run, classes=7), list("abcdefghij")), "has outputs of"),
        (
            lambda run: keras.Sequential([keras.Input((4,)), keras.layers.Dense(10)]).save(
                run.folder / results.MODEL
            ),
            "takes inputs of shape (4,), not square colour images",
        ),
        (lambda run: (run.folder / results.MODEL).write_text("no zip"), "cannot be loaded"),
        (
            lambda run: (
                manifest.start(run.folder, run.folder),
                network(run).save(run.folder / results.MODEL),
            ),
            "model.keras in",
        ),
    ],
)
def test_a_model_file_that_is_not_the_run_s_is_refused(change, expected, finished, photos, capsys):
    change(finished)
    drawn().save("a.png")
    assert main(["predict", "cifar10_l2", "a.png", *RUN]) == 1
    error = capsys.readouterr().err
    assert expected in error and "Traceback" not in error


def test_the_data_set_is_neither_needed_nor_read(photos, monkeypatch):
    run = experiments.load("flowers_tuned_gap")
    finish(run, network(run, classes=5), list("abcde"))
    monkeypatch.setattr(datasets, "load", None)
    drawn().save("a.png")
    assert main(["predict", "flowers_tuned_gap", "a.png"]) == 0


def test_a_report_says_how_far_the_answers_can_be_trusted(finished, photos):
    drawn().save("a.png")
    found = answers(finished, ["a.png", "gone.png"])
    real = dataclasses.replace(found, metrics=dataclasses.replace(found.metrics, data="real"))
    text = commentary.own_images(real)
    assert text.startswith(
        "### Images from outside the data set\n\nThe trained network classified 1"
    )
    assert "resized to 16 x 16 pixels" in text
    assert "Of the validation images of its data set it classified 75.0\u00a0% correctly." in text
    assert text.endswith("Not read:\n\n- `gone.png`: there is no such file")
    nothing = commentary.own_images(answers(finished, ["gone.png"]))
    assert "classified" not in nothing and "gone.png" in nothing
    picture = figures.predicted_images(prediction.panels(found))
    assert picture.alt.startswith("1 image with their two most probable classes: a.png: class ")
    assert (
        "with 16 x 16 pixels" in picture.caption and "image/png" in picture._repr_mimebundle_()[0]
    )


@pytest.mark.parametrize(
    "probability, text",
    [(1, "over 99.9 %"), (0.99951, "over 99.9 %"), (0.9994, "99.9 %"), (0.5, "50.0 %")]
    + [(0.0006, "0.1 %"), (0.0004, "below 0.1 %"), (0, "below 0.1 %")],
)
def test_no_probability_is_called_certain(probability, text):
    assert prediction.share(probability).replace("\u00a0", " ") == text


def test_more_images_than_a_chunk_keep_their_order(finished, photos, monkeypatch):
    monkeypatch.setattr(trained_model, "CHUNK", 2)
    for number in range(5):
        Image.new("RGB", (20, 20), (50 * number, 0, 255 - 50 * number)).save(f"{number}.png")
    together = answers(finished, ["."])
    alone = [answers(finished, [name]).probabilities[0] for name in together.names]
    assert np.allclose(together.probabilities, alone, atol=1e-6)


@pytest.mark.parametrize("name", ["cats_dogs", "flowers", "cifar10", "dog_breeds"])
def test_paths_in_a_notebook_execute_it_again_and_train_nothing(name, tmp_path):
    from helpers.project import ROOT

    run = next(
        found for stem in experiments.names() if (found := experiments.load(stem)).notebook == name
    )
    original = ROOT / f"notebooks/{name}.ipynb"
    edited = tmp_path / original.name
    text = original.read_text()
    assert text.count("own_images = []") == 1
    edited.write_text(text.replace("own_images = []", "own_images = ['a.jpg']"))
    was, now = (rules.execution(path, "en", run) for path in (original, edited))
    assert {key for key in was if was[key] != now.get(key)} == {f"the cells of {original.name}"}

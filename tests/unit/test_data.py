"""CIFAR-10 from the archive, from a folder, or drawn; refused where it is damaged, and split so
that nothing leaks.
"""

import functools
import hashlib
import http.server
import io
import os
import pickle
import tarfile
import threading
from dataclasses import replace

import numpy as np
import pytest

from labreport import datasets
from labreport.config import experiments
from labreport.core import host, paths
from labreport.datasets import cifar10, download, fetching
from labreport.datasets.dataset import contents
from labreport.datasets.sample import cifar10 as cifar10_sample
from labreport.datasets.splitting import split_off

NAMES = [name.encode() for name in cifar10.CLASS_NAMES]


def batches(count=20, seed=0):
    """The files of a tiny CIFAR-10 in the official layout: {name: bytes}."""
    rng = np.random.default_rng(seed)
    found = {"batches.meta": pickle.dumps({b"label_names": NAMES}, protocol=2)}
    for name in (*cifar10.TRAIN_FILES, cifar10.TEST_FILE):
        found[name] = pickle.dumps(
            {
                b"data": rng.integers(0, 256, (count, 3072), dtype=np.uint8),
                b"labels": [i % 10 for i in range(count)],
            },
            protocol=2,
        )
    return found


def write(folder, content):
    (folder / cifar10.FOLDER).mkdir(parents=True)
    for name, data in content.items():
        (folder / cifar10.FOLDER / name).write_bytes(data)


def load(**settings):
    return datasets.load(experiments.load("cifar10_naive_adam", settings))


def test_a_local_folder_is_read_with_its_colours_and_labels_right():
    content = batches()
    write(paths.data(), content)
    batch = cifar10._batch(paths.data() / cifar10.FOLDER / "data_batch_1")
    raw = pickle.loads(content["data_batch_1"])
    assert batch.images.shape == (20, 32, 32, 3) and batch.images.dtype == np.uint8
    assert batch.images[3, 0, 5].tolist() == [
        raw[b"data"][3][5],
        raw[b"data"][3][1024 + 5],
        raw[b"data"][3][2048 + 5],
    ]
    assert batch.labels.tolist() == raw[b"labels"]
    data = load()
    assert [len(split) for split in data.splits.values()] == [90, 10, 20]


@pytest.mark.parametrize("where", ["cifar10-python", "datasets/ada/cifar10-python"])
def test_what_is_attached_on_kaggle_is_read_there(where, tmp_path, monkeypatch):
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "input")
    write(tmp_path / "input" / where, batches())
    assert len(load().test) == 20 and not paths.data().exists()


class Touch:
    def __reduce__(self):
        return os.mkdir, ("hacked",)


@pytest.mark.parametrize(
    "evil",
    [
        Touch(),
        {b"data": Touch()},
        {b"data": np.array([Touch()], dtype=object)},
        functools.partial(print),
    ],
)
def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(evil, tmp_path, monkeypatch):
    write(paths.data(), batches() | {"data_batch_3": pickle.dumps(evil, protocol=2)})
    with pytest.raises(ValueError, match="data_batch_3: not a CIFAR-10 batch.*it loads"):
        load()
    assert not (tmp_path / "hacked").exists() and not os.path.exists("hacked")


@pytest.mark.parametrize(
    "name, damage, expected",
    [
        (
            "data_batch_2",
            lambda data: data[:1000],
            "data_batch_2: not a CIFAR-10 batch, or a truncated one",
        ),
        ("test_batch", lambda data: b"", "test_batch: not a CIFAR-10 batch, or a truncated one"),
        (
            "test_batch",
            lambda data: pickle.dumps({b"data": np.zeros((4, 9), np.uint8), b"labels": [0] * 4}),
            "expected uint8 pixels of shape",
        ),
        (
            "test_batch",
            lambda data: pickle.dumps({b"data": np.zeros((1, 3072), np.uint8), b"labels": [11]}),
            "labels must be whole numbers from 0 to 9",
        ),
        (
            "batches.meta",
            lambda data: pickle.dumps({b"label_names": NAMES[::-1]}),
            "expected the ten classes of CIFAR-10",
        ),
    ],
)
def test_a_damaged_batch_is_named(name, damage, expected):
    content = batches()
    write(paths.data(), content | {name: damage(content[name])})
    with pytest.raises(ValueError, match=expected):
        load()


def test_a_missing_batch_is_named():
    content = batches()
    del content["data_batch_4"]
    write(paths.data(), content)
    with pytest.raises(FileNotFoundError, match="data_batch_4 is missing"):
        load()


@pytest.fixture
def server():
    """A web server on this machine that knows ranges, and breaks the first connections off after
    `cut` bytes.
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        content, cuts, ranges, status = b"", [], [], 200

        def do_GET(self):
            if Handler.status != 200:
                return self.send_error(Handler.status)
            start = int(self.headers.get("Range", "bytes=0-")[6:-1])
            Handler.ranges.append(start)
            if start and start >= len(Handler.content):
                return self.send_error(416)
            body = Handler.content[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: Handler.cuts.pop(0)] if Handler.cuts else body)

        def log_message(self, *_):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    Handler.url = f"http://127.0.0.1:{running.server_port}/cifar-10-python.tar.gz"
    yield Handler
    running.shutdown()


@pytest.fixture(scope="module")
def packed():
    """The bytes of a small CIFAR-10 archive; noise does not get smaller, however long one tries."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, data in batches(count=2000).items():
            member = tarfile.TarInfo(f"{cifar10.FOLDER}/{name}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture
def archive(server, packed, monkeypatch):
    """That archive behind the server, in the place of the official one."""
    server.content = packed
    server.digest = hashlib.sha256(server.content).hexdigest()
    come_from(server.url, server.digest, monkeypatch)
    monkeypatch.setattr(download.time, "sleep", lambda seconds: None)
    return server


def come_from(url, digest, monkeypatch):
    spec = datasets.DATASETS["cifar10"]
    receive = functools.partial(fetching.from_storage, digest)
    source = replace(spec.source, page=url, receive=receive)
    monkeypatch.setitem(datasets.DATASETS, "cifar10", replace(spec, source=source))


def test_the_archive_is_downloaded_verified_and_unpacked(archive, capfd):
    assert len(load().test) == 2000
    assert sorted(path.name for path in paths.data().iterdir()) == [
        ".download",
        "cifar-10-batches-py",
    ] and os.listdir(paths.data() / ".download") == ["cifar10.lock"]
    assert "cifar-10-python.tar.gz: 100%" in capfd.readouterr().err
    assert archive.ranges == [0]


def test_a_broken_connection_is_resumed_where_it_broke(archive):
    archive.cuts = [1_000_000, 300_000]
    assert len(load().test) == 2000
    first, second, third = archive.ranges
    assert first == 0 and 500_000 < second <= 1_000_000 and second < third <= second + 300_000


def test_a_download_goes_on_from_what_an_earlier_one_left(archive):
    (paths.data() / ".download/cifar10").mkdir(parents=True)
    (paths.data() / ".download/cifar10/cifar-10-python.tar.gz.part").write_bytes(
        archive.content[:777_777]
    )
    load()
    assert archive.ranges == [777_777]


def test_an_altered_download_is_refused_and_not_kept(archive, monkeypatch):
    come_from(archive.url, "0" * 64, monkeypatch)
    with pytest.raises(
        FileNotFoundError,
        match="expected 0000000000000000...: it was altered on the way; run the same command again",
    ):
        load()
    assert (
        list((paths.data() / ".download/cifar10").iterdir()) == []
        and not (paths.data() / cifar10.FOLDER).exists()
    )


def test_an_archive_that_a_person_has_put_there_is_used_and_left_where_it_is(archive):
    paths.data().mkdir()
    (paths.data() / "cifar-10-python.tar.gz").write_bytes(archive.content)
    assert (
        len(load().test) == 2000
        and archive.ranges == []
        and (paths.data() / "cifar-10-python.tar.gz").exists()
    )


def test_a_truncated_archive_on_disk_is_refused(archive):
    paths.data().mkdir()
    (paths.data() / "cifar-10-python.tar.gz").write_bytes(archive.content[:-1])
    with pytest.raises(
        FileNotFoundError, match="a truncated or altered file; delete it and run again"
    ):
        load()


def test_no_network_and_no_data_says_what_to_do(archive):
    archive.cuts = [10] * 99
    with pytest.raises(
        ConnectionError,
        match=(
            "CIFAR-10 is not in .* and could not be downloaded: .*no answer after 4 tries.*\nOr put"
            " the folder cifar-10-batches-py/ into the data folder; or use --data sample"
        ),
    ):
        load()


def test_a_server_that_has_it_not_is_quoted(archive):
    archive.status = 404
    with pytest.raises(ConnectionError, match="the server answers 404"):
        load()


def test_two_processes_download_once(archive):
    results = []
    threads = [
        threading.Thread(
            target=lambda: results.append(download.fetch(server_url, digest, paths.data() / "file"))
        )
        for _ in range(4)
    ]
    server_url, digest = archive.url, archive.digest
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and archive.ranges == [0]


def test_no_image_stands_in_two_splits(tiny):
    content = batches(count=40)
    first = pickle.loads(content["data_batch_1"])
    second = pickle.loads(content["data_batch_2"])
    test = pickle.loads(content["test_batch"])
    second[b"data"][5] = first[b"data"][7]  # the same picture under two labels
    second[b"data"][6] = test[b"data"][0]  # a test picture among the training ones
    write(paths.data(), content | {"data_batch_2": pickle.dumps(second, protocol=2)})
    for seed in range(5):
        data = load(split_seed=seed)
        seen = [set(contents(split.images).tolist()) for split in data.splits.values()]
        assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])
        assert (
            "1 training image identical to a test image left out: data_batch_2-00006." in data.notes
        )
        assert len(data.train) + len(data.validation) == 199


def test_a_split_is_stratified_and_drawn_by_seed():
    labels = np.repeat(np.arange(3), [100, 50, 10])
    digests = contents(np.arange(160, dtype=np.uint8).reshape(160, 1, 1, 1))
    chosen = split_off(labels, digests, 0.1, seed=1)
    assert np.bincount(labels[chosen]).tolist() == [10, 5, 1]
    assert (chosen == split_off(labels, digests, 0.1, seed=1)).all()
    assert (chosen != split_off(labels, digests, 0.1, seed=2)).any()


def test_max_images_shortens_every_class_alike():
    data = load(data="sample", max_images=600)
    assert sum(map(len, data.splits.values())) == 600
    assert set(np.bincount(data.test.labels)) == {10}
    assert "Shortened to 600 of 6,000 images" in data.notes[-1]


@pytest.mark.parametrize("most", [1, 10])
def test_too_few_images_for_three_splits_are_refused(most):
    with pytest.raises(
        ValueError, match="too few images for 3 splits with max_images .* use at least 100"
    ):
        load(data="sample", max_images=most)


def test_the_fingerprint_follows_pixels_labels_and_split():
    one, same = load(data="sample", max_images=300), load(data="sample", max_images=300)
    other = load(data="sample", max_images=300, split_seed=2)
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_sample_images_are_the_same_for_the_same_seed_and_all_different():
    images, labels = cifar10_sample.draw(20, seed=0)
    again, _ = cifar10_sample.draw(20, seed=0)
    other, _ = cifar10_sample.draw(20, seed=1)
    assert (
        images.shape == (200, 32, 32, 3) and images.dtype == np.uint8 and labels.dtype == np.int32
    )
    assert (images == again).all() and (images != other).any()
    assert np.bincount(labels).tolist() == [20] * 10
    assert len(np.unique(contents(images))) == 200


def test_real_images_are_read(real_data, monkeypatch):
    monkeypatch.setenv("LABREPORT_DATA", str(real_data))
    data = load()
    assert len(data.test) == 10_000 and abs(len(data.validation) - 5_000) <= 10
    assert (
        len(data.train)
        + len(data.validation)
        + sum(int(note.split()[0]) for note in data.notes if "left out" in note)
        == 50_000
    )

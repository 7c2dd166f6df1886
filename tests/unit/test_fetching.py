"""Data sets from a stand-in of Kaggle's service and of a storage, through the official client:
whatever goes wrong is said, and nothing half is left.
"""

import base64
import hashlib
import io
import json
import os
import runpy
import shutil
import signal
import subprocess
import sys
import time
import types
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from helpers.kaggle_stand_in import KEY, SIGNATURE, TOKEN, USER, Answer, refusal
from helpers.pictures import (
    load,
    load_flowers,
    picture,
    write,
    write_cats_dogs,
    write_dogs,
    write_flowers,
)
from helpers.processes import PATIENCE, Processes, until
from helpers.project import ROOT
from labreport import datasets
from labreport.core import files, host, paths, redaction
from labreport.datasets import download, fetching, folders
from labreport.platforms import kaggle_client

main = runpy.run_path(str(ROOT / "pipeline.py"))["main"]

FLOWERS, DOGS = "alxmamaev/flowers-recognition", "dog-breed-identification"
DOWNLOAD, COMPETITION, INTROSPECT = (
    "datasets.DatasetApiService/DownloadDataset",
    "competitions.CompetitionApiService/DownloadDataFiles",
    "security.OAuthService/IntrospectToken",
)


def packed(root, filler=0, **more):
    """A zip of what a folder holds, as bytes; beside it so many bytes that do not compress, and
    more members by name.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("filler", np.random.default_rng(0).bytes(filler))
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            archive.write(path, path.relative_to(root))
        for name, data in more.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def flowers(service, tmp_path, monkeypatch):
    """The service with a small data set of flowers, and a token that it knows; `path` of the
    archive in the storage.
    """
    write_flowers(tmp_path / "source/flowers", each=4)
    service.path = service.hand_out(FLOWERS, packed(tmp_path / "source", filler=3_000_000))
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    return service


@pytest.fixture
def storage(service, monkeypatch, tmp_path):
    """The service as the public storage of the cats and dogs; `path` of the archive."""
    write_cats_dogs(tmp_path / "source/cats_and_dogs_filtered")
    service.path = "/mledu-datasets/cats_and_dogs_filtered.zip"
    service.files[service.path] = data = packed(tmp_path / "source", filler=600_000)
    service.hashes[service.path] = (
        f"crc32c=AAAAAA==, md5={base64.b64encode(hashlib.md5(data).digest()).decode()}"
    )
    change_source(monkeypatch, "cats_dogs", page=service.url + service.path)
    monkeypatch.setattr(fetching.download.time, "sleep", lambda seconds: None)
    return service


def change_source(monkeypatch, name, **fields):
    spec = datasets.DATASETS[name]
    changed = replace(spec, source=replace(spec.source, **fields))
    monkeypatch.setitem(datasets.DATASETS, name, changed)


def left():
    """The files in the data folder, but the lock files and the flowers."""
    return (
        sorted(
            path.relative_to(paths.data()).as_posix()
            for path in paths.data().rglob("*")
            if path.is_file()
            and path.suffix != ".lock"
            and not path.is_relative_to(paths.data() / "flowers")
        )
        if paths.data().exists()
        else []
    )


def refused(kind=FileNotFoundError, fetch=load_flowers):
    """The message of an error that holds none of the secrets."""
    with pytest.raises(kind) as caught:
        fetch()
    message = str(caught.value)
    assert len(message.splitlines()) <= 2 and not [
        secret for secret in (TOKEN, KEY, SIGNATURE) if secret in message
    ]
    assert not (paths.data() / "flowers").exists() and not list(paths.data().glob(".*.part"))
    return message


def test_a_data_set_of_kaggle_s_is_fetched_and_in_place_whole_with_a_progress_bar(flowers, capfd):
    data = load_flowers()
    assert (
        len(data.train) + len(data.validation) == 20
        and left() == []
        and sorted(os.listdir(paths.data())) == [".download", "flowers"]
    )
    assert (
        "100%|" in (told := capfd.readouterr()).err
        and "Downloading flowers-recognition.zip" in told.err
        and told.out == ""
    )
    # the storage is another host
    assert not [seen for seen in flowers.asked(flowers.path) if "Authorization" in seen.headers]
    assert "flowers" in files.read_json(paths.data_lock())
    load_flowers()
    assert len(flowers.asked(DOWNLOAD)) == 1


def test_a_competition_s_data_are_fetched(service, tmp_path, monkeypatch):
    write_dogs(tmp_path / "source", each=3, unlabelled=2)
    service.hand_out(DOGS, packed(tmp_path / "source"))
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert len(load("dog_breeds_mobilenetv2").unlabelled) == 2
    assert sorted(os.listdir(paths.data() / DOGS)) == ["filler", "labels.csv", "test", "train"]


def test_an_archive_of_a_public_storage_is_fetched(storage, capfd, monkeypatch):
    monkeypatch.setattr(download, "SMALL_BYTES", 1)
    assert (
        len(load("cats_dogs_softmax").train) == 20
        and storage.asked(DOWNLOAD) == []
        and left()
        == sorted(
            path.relative_to(paths.data()).as_posix()
            for path in (paths.data() / "cats_and_dogs_filtered").rglob("*.jpg")
        )
    )
    assert "cats_and_dogs_filtered.zip: 100%" in capfd.readouterr().err


def test_a_connection_that_breaks_is_taken_up_where_it_broke(flowers):
    flowers.misbehave(flowers.path, Answer(cut=1_500_000))
    load_flowers()
    first, second = flowers.asked(flowers.path)
    # the client writes a MiB at a time
    assert (first.start, second.start) == (0, 1 << 20) and second.headers["If-Range"]


def test_a_busy_storage_is_asked_again_and_the_download_goes_on(storage, monkeypatch):
    waits = []
    monkeypatch.setattr(fetching.download.time, "sleep", waits.append)
    storage.misbehave(
        storage.path, Answer(cut=400_000), refusal(503), refusal(429, Retry_After="7")
    )
    load("cats_dogs_softmax")
    first, *others = [seen.start for seen in storage.asked(storage.path)]
    assert (
        first == 0 and len(others) == 3 and min(others) == max(others) >= 1 << 18 and waits[-1] == 7
    )


def test_a_storage_that_asks_for_too_long_a_wait_is_quoted(storage):
    storage.misbehave(storage.path, refusal(429, Retry_After="3600"))
    assert (
        "the server answers 429 Too Many Requests and asks to wait 3600 s"
        in refused(ConnectionError, lambda: load("cats_dogs_softmax"))
        and left() == []
    )


def test_an_archive_that_had_arrived_whole_is_not_asked_for_again(storage):
    write(
        paths.data() / ".download/cats_dogs/cats_and_dogs_filtered.zip.part",
        storage.files[storage.path],
    )
    assert len(load("cats_dogs_softmax").train) == 20
    # nothing is missing, says the storage; and what the checksum is
    assert [seen.start for seen in storage.asked(storage.path)] == [
        len(storage.files[storage.path]),
        0,
    ]


def pipeline(tmp_path, *arguments, **more):
    """A process of the pipeline."""
    group = Processes(tmp_path, dict(os.environ))
    return group, group.start(ROOT / "pipeline.py", *arguments, **more)


def test_a_process_that_was_killed_while_downloading_is_taken_up_by_the_next(flowers, tmp_path):
    flowers.misbehave(flowers.path, Answer(held=2_500_000))
    group, process = pipeline(tmp_path, "data", "flowers")
    partial = paths.data() / ".download/flowers/arriving/flowers-recognition.zip"
    until(
        lambda: partial.exists() and partial.stat().st_size == 2 << 20,
        "2 MiB on the disk",
        of=process,
    )
    os.kill(process.pid, signal.SIGKILL)
    group.end()
    assert main(["data", "flowers"]) == 0
    # looked at from its start, and the rest asked for
    assert [seen.start for seen in flowers.asked(flowers.path)] == [0, 0, 2 << 20] and left() == []


def test_a_process_that_was_killed_while_fetching_a_public_archive_is_taken_up_by_the_next(
    storage, tmp_path
):
    storage.misbehave(storage.path, Answer(held=500_000))
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'lib')!r}); from pathlib import Path; from"
        f" labreport.datasets import download; download.fetch({storage.url + storage.path!r}, None,"
        f" Path({str(paths.data() / '.download/cats_dogs/cats_and_dogs_filtered.zip')!r}))"
    )
    group = Processes(tmp_path, dict(os.environ))
    process = group.start("-c", program)
    partial = paths.data() / ".download/cats_dogs/cats_and_dogs_filtered.zip.part"
    until(
        lambda: partial.exists() and partial.stat().st_size >= 1 << 18,
        "the first chunk on the disk",
        of=process,
    )
    os.kill(process.pid, signal.SIGKILL)
    group.end()
    had = partial.stat().st_size
    load("cats_dogs_softmax")
    assert [seen.start for seen in storage.asked(storage.path)] == [0, had]


def test_two_processes_fetch_once_and_the_second_waits(flowers, tmp_path):
    flowers.misbehave(flowers.path, Answer(held=2_500_000))
    group, first = pipeline(tmp_path, "data", "flowers")
    until(lambda: flowers.asked(flowers.path), "the first one downloads", of=first)
    second = group.start(ROOT / "pipeline.py", "data", "flowers")
    until(
        lambda: (
            "flowers: another process is downloading it; waiting for it to finish"
            in second.log.read_text()
        ),
        "the second one waits",
        of=second,
    )
    os.kill(first.pid, signal.SIGKILL)  # and where the first one dies the second takes it up
    assert second.wait(PATIENCE) == 0, second.log.read_text()
    group.end()
    assert (
        flowers.asked(flowers.path)[-1].start == 2 << 20
        and "flowers as in" in second.log.read_text()
    )


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:2_000_000] + bytes([data[2_000_000] ^ 1]) + data[2_000_001:],
        lambda data: b"<html>" + data[6:-100] + bytes(100),
    ],
)
def test_other_bytes_than_were_packed_are_refused_and_not_kept(flowers, damage):
    flowers.files[flowers.path] = damage(flowers.files[flowers.path])
    assert (
        "cannot be used, and was deleted: " in (message := refused(ValueError))
        and "a damaged zip" in message
        and f"kaggle.com/datasets/{FLOWERS}" in message
    )
    assert left() == []


def test_a_public_archive_is_compared_with_the_checksum_that_the_storage_sends(storage):
    storage.hashes[storage.path] = "md5=" + base64.b64encode(b"0" * 16).decode()
    assert (
        "it was altered on the way; run the same command again"
        in refused(fetch=lambda: load("cats_dogs_softmax"))
        and left() == []
    )


def test_what_is_not_as_data_lock_says_is_not_put_in_place_nor_downloaded_again_once_accepted(
    flowers, tmp_path
):
    load_flowers()
    shutil.rmtree(paths.data() / "flowers")
    write(tmp_path / "source/flowers/rose/000.jpg", picture(77))
    flowers.files[flowers.path] = packed(tmp_path / "source")
    message = refused(ValueError)
    assert (
        "is not used. flowers in " in message
        and "1 file changed (rose/000.jpg)" in message
        and "data --accept flowers" in message
    )
    assert left() == [".download/flowers/flowers-recognition.zip"]
    assert (
        main(["data", "--accept", "flowers"]) == 0
        and len(flowers.asked(DOWNLOAD)) == 2
        and left() == []
    )


@pytest.mark.parametrize(
    "source",
    [
        "the environment variable KAGGLE_API_TOKEN",
        "the file that KAGGLE_API_TOKEN names",
        "~/.kaggle/access_token",
        "KAGGLE_USERNAME and KAGGLE_KEY",
        "~/.kaggle/kaggle.json",
    ],
)
@pytest.mark.parametrize("inactive", [True, False])
def test_credentials_that_kaggle_refuses_are_named_by_where_they_stand(
    flowers, tmp_path, monkeypatch, source, inactive, capfd
):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    place_credentials(source, tmp_path, monkeypatch)
    flowers.tokens, flowers.keys = {}, set()
    if not inactive:
        flowers.misbehave(INTROSPECT, refusal(401, "Unauthenticated"), always=True)
    message = refused()
    assert (
        f"Kaggle refuses the {'key' if 'KEY' in source or 'json' in source else 'access token'} in "
        in message
        and source in message
    )
    assert (
        "https://www.kaggle.com/settings" in message and "--data sample" in message and left() == []
    )
    assert "kaggle auth login" not in "".join(capfd.readouterr())  # the client's own page of help


def place_credentials(source, tmp_path, monkeypatch):
    folder = tmp_path / "home/.kaggle"
    folder.mkdir(exist_ok=True)
    if source == "the environment variable KAGGLE_API_TOKEN":
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    elif source == "the file that KAGGLE_API_TOKEN names":
        (tmp_path / "named").write_text(TOKEN + "\n")
        monkeypatch.setenv("KAGGLE_API_TOKEN", str(tmp_path / "named"))
    elif source == "~/.kaggle/access_token":
        (folder / "access_token").write_text(TOKEN + "\n")
    elif source == "KAGGLE_USERNAME and KAGGLE_KEY":
        monkeypatch.setenv("KAGGLE_USERNAME", USER)
        monkeypatch.setenv("KAGGLE_KEY", KEY)
    elif source == "~/.kaggle/kaggle.json":
        (folder / "kaggle.json").write_text(json.dumps({"username": USER, "key": KEY}))
        (folder / "kaggle.json").chmod(0o600)
    else:
        (folder / "credentials.json").write_text(
            json.dumps({"refresh_token": KEY, "username": USER})
        )


def test_the_first_credentials_in_the_client_s_order_are_sent(service, tmp_path, monkeypatch):
    basic = "Basic " + base64.b64encode(f"{USER}:{KEY}".encode()).decode()
    service.tokens |= {
        "KGAT_environment0000": USER,
        "KGAT_named000000000": USER,
        "KGAT_home0000000000": USER,
    }
    service.hand_out(FLOWERS, b"")
    expected = []
    for source, sent in (
        ("oauth", f"Bearer {TOKEN}"),
        ("~/.kaggle/kaggle.json", basic),
        ("KAGGLE_USERNAME and KAGGLE_KEY", basic),
        ("~/.kaggle/access_token", f"Bearer {TOKEN}"),
    ):
        place_credentials(source, tmp_path, monkeypatch)
        api = kaggle_client.connected()
        api.with_retry(api.dataset_download_files)(
            FLOWERS, path=str(tmp_path / "there"), force=True
        )
        expected.append(sent)
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_environment0000")
    api = kaggle_client.connected()
    api.with_retry(api.dataset_download_files)(FLOWERS, path=str(tmp_path / "there"), force=True)
    assert [seen.headers["Authorization"] for seen in service.asked(DOWNLOAD)] == [
        *expected,
        "Bearer KGAT_environment0000",
    ]


def test_a_token_that_has_expired_does_not_hide_behind_an_older_key(flowers, tmp_path, monkeypatch):
    """The client goes on with the key then, in silence, and yet sends the token."""
    place_credentials("~/.kaggle/kaggle.json", tmp_path, monkeypatch)
    flowers.tokens = {}
    assert (
        "Kaggle refuses the access token in the environment variable KAGGLE_API_TOKEN" in refused()
    )
    assert flowers.asked(DOWNLOAD) == []


@pytest.mark.parametrize("value", [TOKEN + "\n", TOKEN * 10, f"{TOKEN} {TOKEN}"])
def test_a_token_that_was_copied_badly_is_not_quoted(flowers, monkeypatch, value, capfd):
    monkeypatch.setenv("KAGGLE_API_TOKEN", value)
    assert (
        "copy it again from https://www.kaggle.com/settings" in refused()
        or "Kaggle refuses" in refused()
    )
    assert TOKEN not in "".join(capfd.readouterr())


def test_no_credentials_are_answered_with_where_to_make_and_put_them(service, capfd):
    message = refused()
    assert (
        f"could not be downloaded (https://www.kaggle.com/datasets/{FLOWERS}): Kaggle needs an"
        " access token, and none was found: make one at https://www.kaggle.com/settings" in message
    )
    assert (
        "~/.kaggle/access_token" in message
        and "put the five class folders, or a zip of them, into flowers/" in message
        and "--data sample" in message
    )
    assert service.seen == [] and capfd.readouterr() == ("", "")


def test_a_file_of_credentials_that_cannot_be_read_is_named(service, tmp_path):
    write(tmp_path / "home/.kaggle/kaggle.json", b'{"username": "ada"')
    assert "~/.kaggle/kaggle.json cannot be read as Kaggle's credentials" in refused()


def test_rules_that_nobody_has_accepted_are_named_with_their_page(service, monkeypatch):
    service.hand_out(DOGS, b"")
    service.unaccepted.add(DOGS)
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    message = refused(fetch=lambda: load("dog_breeds_mobilenetv2"))
    assert (
        f"do so at https://www.kaggle.com/competitions/{DOGS}/rules and run again" in message
        and "You must accept this competition's rules" in message
    )


@pytest.mark.parametrize(
    "fault, kind, expected",
    [
        (
            refusal(403, f"not for {TOKEN}"),
            FileNotFoundError,
            (
                f"denies access to this account; see https://www.kaggle.com/datasets/{FLOWERS}"
                " (Kaggle says: not for [KAGGLE_API_TOKEN])"
            ),
        ),
        (
            refusal(404, "gone"),
            FileNotFoundError,
            (
                f"it may have been deleted; see https://www.kaggle.com/datasets/{FLOWERS}"
                " (Kaggle says: gone)"
            ),
        ),
        (
            refusal(500, "oh"),
            ConnectionError,
            "Kaggle does not answer (500 Internal Server Error); try again later",
        ),
        (
            refusal(429, "slow down", Retry_After="0.1"),
            ConnectionError,
            "Kaggle received too many requests from this network (429); try again later",
        ),
    ],
)
def test_what_kaggle_answers_is_said_in_words_that_help(
    flowers, monkeypatch, fault, kind, expected
):
    monkeypatch.setattr(kaggle_client, "ATTEMPTS", 2)
    flowers.misbehave(DOWNLOAD, fault, always=True)
    message = refused(kind)
    assert expected in message and left() == []
    assert len(flowers.asked(DOWNLOAD)) == (1 if fault.status < 429 else 2)


def test_a_service_that_is_busy_is_asked_again_when_it_says(flowers, capfd, monkeypatch):
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    flowers.misbehave(DOWNLOAD, refusal(429, "slow down", Retry_After="1.5"), refusal(500))
    load_flowers()
    assert waited[0] == 1.5 and len(waited) == 2 and len(flowers.asked(DOWNLOAD)) == 3
    assert (
        "Request failed: 429 Too Many Requests. Will retry in 1.5 seconds"
        in (told := capfd.readouterr().err)
        and "Request failed: 500 Internal Server Error" in told
    )


def test_a_login_page_of_a_network_is_not_taken_for_kaggle(flowers):
    flowers.misbehave(
        INTROSPECT, Answer(200, b"<html>log in</html>", {"Content-Type": "text/html"}), always=True
    )
    assert "the answer came from another web page, not from Kaggle" in refused(ConnectionError)


@pytest.mark.parametrize(
    "credentials", ["the environment variable KAGGLE_API_TOKEN", "KAGGLE_USERNAME and KAGGLE_KEY"]
)
def test_without_a_network_nothing_is_waited_for(service, tmp_path, monkeypatch, credentials):
    from kagglesdk.kaggle_env import KaggleEnv, _env_to_endpoint

    monkeypatch.setitem(_env_to_endpoint, KaggleEnv.PROD, "https://api.kaggle.com")
    place_credentials(credentials, tmp_path, monkeypatch)
    waited = []
    monkeypatch.setattr(time, "sleep", waited.append)
    assert "no network connection" in refused(ConnectionError)
    assert "no network connection" in refused(ConnectionError, lambda: load("cats_dogs_softmax"))
    assert waited == []


def evil(name, mode=0, data=b"out"):
    member = zipfile.ZipInfo(name)
    member.external_attr = mode << 16
    return member, data


@pytest.mark.parametrize(
    "member, expected",
    [
        (evil("../outside.jpg"), "'../outside.jpg' would be written outside its folder"),
        (evil("/tmp/outside.jpg"), "written outside its folder"),
        (
            evil("flowers/rose/link", 0o120777, b"/etc"),
            "written outside its folder, or is not a file",
        ),
        (evil("flowers/rose/pipe", 0o010777, b""), "written outside its folder, or is not a file"),
        (evil("flowers/rose/000.jpg"), "two members in one place"),
        (evil("flowers/rose/000.jpg/x"), "two members in one place"),
        (evil("flowers/bomb", 0, bytes(60_000_000)), "would become 22 files of 60,"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_would_do_harm_is_refused_and_deleted(flowers, tmp_path, member, expected):
    buffer = io.BytesIO(packed(tmp_path / "source"))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(*member, zipfile.ZIP_DEFLATED)
    flowers.files[flowers.path] = buffer.getvalue()
    assert expected in (message := refused(ValueError)) and "nothing was unpacked" in message
    assert (
        left() == []
        and not list(tmp_path.rglob("outside.jpg"))
        and not Path("/tmp/outside.jpg").exists()
    )


def test_more_files_than_a_data_set_has_are_refused(flowers, monkeypatch):
    monkeypatch.setattr(folders, "MOST_FILES", 20)
    assert "would become 21 files" in refused(ValueError) and left() == []


def test_an_archive_that_the_disk_has_no_room_for_is_not_downloaded_again(flowers, monkeypatch):
    free = shutil.disk_usage(paths.data().parent)
    change_source(monkeypatch, "flowers", size=10)
    with monkeypatch.context() as full:
        full.setattr(folders.shutil, "disk_usage", lambda folder: free._replace(free=10_000))
        assert "flowers-recognition.zip unpacked takes 0.0 GB" in refused(OSError) and left() == [
            ".download/flowers/flowers-recognition.zip"
        ]
    with monkeypatch.context() as full:
        full.setattr(
            folders.shutil,
            "copyfileobj",
            lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        assert "No space left" in refused(OSError) and left() == [
            ".download/flowers/flowers-recognition.zip"
        ]
    load_flowers()
    assert len(flowers.asked(DOWNLOAD)) == 1 and left() == []


def test_a_disk_without_room_is_told_before_anything_is_downloaded(flowers, monkeypatch, capsys):
    free = shutil.disk_usage(paths.data().parent)
    monkeypatch.setattr(
        folders.shutil, "disk_usage", lambda folder: free._replace(free=100_000_000)
    )
    assert main(["data", "flowers"]) == 1
    assert (
        "the disk is full (flowers, packed and unpacked, takes 0.5 GB, 0.1 GB are free in "
        in capsys.readouterr().err
        and flowers.asked(DOWNLOAD) == []
    )


def test_a_folder_that_is_there_but_not_whole_is_left_as_it_is(flowers):
    write(paths.data() / "flowers/rose/mine.jpg", picture(1))
    with pytest.raises(
        FileNotFoundError,
        match=(
            "flowers is in the way of the download: move it away, or put the five class folders"
        ),
    ):
        load_flowers()
    write_flowers(paths.data() / "flowers", each=2)
    shutil.rmtree(paths.data() / "flowers/tulip")
    with pytest.raises(FileNotFoundError, match="flowers lacks the class folder tulip"):
        load_flowers()
    assert (paths.data() / "flowers/rose/mine.jpg").read_bytes() == picture(
        1
    ) and flowers.seen == []


def test_a_folder_that_cannot_be_written_to_is_named(flowers, monkeypatch):
    monkeypatch.setattr(
        fetching.Path,
        "mkdir",
        lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    assert (
        "it cannot be downloaded there (Permission denied): name a folder" in refused()
        and flowers.seen == []
    )


def test_on_kaggle_the_data_set_is_to_be_attached(flowers, tmp_path, monkeypatch):
    (tmp_path / "kaggle/input").mkdir(parents=True)
    monkeypatch.setattr(host, "KAGGLE_INPUT", tmp_path / "kaggle/input")
    assert (
        f"attach it to the notebook (Add Input, https://www.kaggle.com/datasets/{FLOWERS})"
        in refused()
        and flowers.seen == []
    )
    assert "Or switch Internet on in the notebook's settings, or attach a data set" in refused(
        ConnectionError, lambda: load("cats_dogs_softmax")
    )


class Missing(Exception):
    pass


class Forbidden(Exception):
    pass


@pytest.fixture
def colab(service, monkeypatch):
    """A cell of Colab's; the dict that its secret store tells from."""
    import IPython

    secrets = {}

    def get(name):
        if secrets.get(name) == "forbidden":
            raise Forbidden
        if name not in secrets:
            raise Missing
        return secrets[name]

    userdata = types.SimpleNamespace(
        get=get, SecretNotFoundError=Missing, NotebookAccessError=Forbidden
    )
    for name, module in {
        "google": types.SimpleNamespace(),
        "google.colab": types.SimpleNamespace(userdata=userdata),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(
        IPython,
        "get_ipython",
        lambda: types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=True)),
    )
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab-external")
    monkeypatch.setattr(redaction, "_learned", {})
    return secrets


@pytest.fixture
def kaggle(service, monkeypatch):
    """A notebook of Kaggle's; the dict that its secret store tells from."""
    secrets = {}

    def get_secret(client, name):
        if name not in secrets:
            raise Missing
        return secrets[name]

    monkeypatch.setitem(
        sys.modules,
        "kaggle_secrets",
        types.SimpleNamespace(
            UserSecretsClient=type("Client", (), {"get_secret": get_secret}),
            BackendError=Missing,
            CredentialError=Forbidden,
        ),
    )
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    monkeypatch.setattr(redaction, "_learned", {})
    return secrets


@pytest.mark.parametrize("host", ["colab", "kaggle"])
@pytest.mark.parametrize(
    "stored", [{"KAGGLE_API_TOKEN": TOKEN + "\n"}, {"KAGGLE_USERNAME": USER, "KAGGLE_KEY": KEY}]
)
def test_a_secret_store_is_read_when_needed_and_its_answer_is_struck_out_and_not_left_about(
    request, service, host, stored, tmp_path
):
    request.getfixturevalue(host).update(stored)
    write_flowers(tmp_path / "source/flowers", each=4)
    service.hand_out(FLOWERS, packed(tmp_path / "source"))
    load_flowers()
    secret = list(stored.values())[-1].strip()
    assert (
        secret not in "".join(os.environ.values())
        and redaction.cleaned(f"it is {secret}.") == f"it is [{list(stored)[-1]}]."
    )
    assert (
        service.asked(DOWNLOAD)[0]
        .headers["Authorization"]
        .startswith("Bearer KGAT" if len(stored) == 1 else "Basic ")
    )


def test_a_secret_that_kaggle_refuses_is_named(colab, service):
    colab["KAGGLE_API_TOKEN"] = "KGAT_ffffffffffffffffffffffff"
    message = refused()
    assert (
        "Kaggle refuses the access token in Colab's secret KAGGLE_API_TOKEN" in message
        and "ffff" not in message
    )


def test_colab_is_told_where_a_secret_is_put_and_let_be_seen(colab, service, monkeypatch):
    assert (
        "store it as a secret KAGGLE_API_TOKEN (the key symbol at the left) and give this"
        " notebook access to it" in refused()
    )
    colab["KAGGLE_API_TOKEN"] = "forbidden"
    assert (
        "this notebook has no access to the secret KAGGLE_API_TOKEN: switch it on (the"
        " key symbol at the left)" in refused()
    )


def test_kaggle_is_told_where_a_secret_is_put(kaggle, service):
    with pytest.raises(
        ValueError, match=r"store it as a secret KAGGLE_API_TOKEN \(Add-ons, Secrets\)"
    ):
        kaggle_client.connected()


def test_colab_s_secrets_are_not_asked_for_where_nobody_would_answer(colab, service, monkeypatch):
    import IPython

    colab["KAGGLE_API_TOKEN"] = TOKEN
    # a command; a kernel of papermill's
    for outside in (None, types.SimpleNamespace(kernel=types.SimpleNamespace(_allow_stdin=False))):
        monkeypatch.setattr(IPython, "get_ipython", lambda outside=outside: outside)
        assert (
            "only a cell of the notebook can read Colab's secrets" in refused()
            and "os.environ['KAGGLE_API_TOKEN'] = userdata.get('KAGGLE_API_TOKEN')" in refused()
        )


def test_a_secret_store_is_asked_for_nothing_where_there_are_credentials_or_on_another_host(
    colab, flowers, monkeypatch
):
    colab["KAGGLE_API_TOKEN"] = "forbidden"
    load_flowers()
    shutil.rmtree(paths.data())
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    monkeypatch.delenv("COLAB_RELEASE_TAG")
    assert "put it into ~/.kaggle/access_token" in refused()


def in_words_and_files(tmp_path, *arguments):
    """All that a process of the pipeline, asked to be verbose, prints and leaves, as texts; it
    fails, and this is its error first.
    """
    done = subprocess.run(
        [sys.executable, str(ROOT / "pipeline.py"), *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"VERBOSE": "1"},
    )
    assert done.returncode == 1
    return [
        done.stderr,
        done.stdout,
        *(
            path.read_bytes().decode("latin-1")
            for path in tmp_path.rglob("*")
            if path.is_file() and not path.is_relative_to(tmp_path / "home")
        ),
    ]


def secrets_in(texts):
    return {
        secret
        for secret in (TOKEN, KEY, SIGNATURE, base64.b64encode(f"{USER}:{KEY}".encode()).decode())
        if any(secret in text for text in texts)
    }


@pytest.mark.parametrize(
    "source", ["the environment variable KAGGLE_API_TOKEN", "~/.kaggle/kaggle.json", "oauth"]
)
def test_no_secret_is_in_anything_that_is_printed_or_written(
    flowers, tmp_path, monkeypatch, source
):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    place_credentials(source, tmp_path, monkeypatch)
    flowers.misbehave(DOWNLOAD, refusal(403, f"not for {TOKEN if 'TOKEN' in source else KEY}"))
    texts = in_words_and_files(tmp_path, "report", "flowers_basic", "--set", "epochs=1")
    assert "Kaggle denies access to this account" in texts[0] and secrets_in(texts) == set()


def test_a_download_that_fails_leaves_no_error_s_page_as_an_archive_and_does_not_tell_its_address(
    flowers, tmp_path
):
    flowers.misbehave(flowers.path, Answer(cut=1_500_000), refusal(500), refusal(500))
    texts = in_words_and_files(tmp_path, "data", "flowers")
    assert (
        "the archive is incomplete" in texts[0]
        and "\nConnection error\nRetrying in " in texts[0]
        and secrets_in(texts) == set()
    )
    assert left() == []  # the client has taken the page of an error for the archive


def test_make_data_says_what_came_and_when_there_is_nothing_to_fetch(flowers, capsys):
    assert main(["data", "flowers"]) == 0
    assert capsys.readouterr().out.startswith("flowers as in flowers_")
    assert main(["data", "flowers"]) == 0
    told = capsys.readouterr()
    assert (
        told.out.startswith("flowers: nothing to download\nflowers as in flowers_")
        and ": 15 train, 5 validation; sha256 " in told.out
        and told.err == ""
    )


@pytest.mark.parametrize(
    "name, expected",
    [
        (
            "flower",
            (
                "no data set and no experiment 'flower' (did you mean 'flowers'?); the data sets"
                " are cats_dogs, cifar10, dog_breeds, flowers"
            ),
        ),
        ("flowers_basik", "(did you mean 'flowers_basic'?)"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest(capsys, name, expected):
    assert main(["data", name]) == 1
    assert expected in capsys.readouterr().err


def test_an_address_with_a_signature_is_struck_out():
    start = "https://storage.googleapis.com/x/archive.zip?X-Goog-Algorithm=GOOG4"
    address = f"{start}&X-Goog-Credential=kaggle%40x&X-Goog-Signature={SIGNATURE}&y=1"
    assert redaction.cleaned(address) == f"{start}&[secret]&[secret]&y=1"


def test_a_key_that_others_can_read_is_warned_of(service, tmp_path, monkeypatch, capfd):
    place_credentials("~/.kaggle/kaggle.json", tmp_path, monkeypatch)
    (tmp_path / "home/.kaggle/kaggle.json").chmod(0o644)
    kaggle_client.connected()
    assert "Your Kaggle API key is readable by other users" in capfd.readouterr().err

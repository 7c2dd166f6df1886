"""data.lock notices every change of the data, and names it file by file."""

import os
import runpy

import pytest

from helpers.pictures import load_flowers, picture, write, write_flowers
from helpers.project import ROOT
from labreport.core import files, paths
from labreport.datasets import data_lock


@pytest.fixture
def flowers():
    """A folder of flowers that has been used once."""
    root = paths.data() / "flowers"
    write_flowers(root)
    load_flowers()
    return root


def test_the_first_use_enters_every_file_with_its_digest_and_size(flowers):
    entry = files.read_json(paths.data_lock())["flowers"]
    file = flowers / "rose/003.jpg"
    digest = os.popen(f"sha256sum {file}").read().split()[0]
    assert (
        len(entry["files"]) == len(list(flowers.glob("*/*")))
        and entry["files"]["rose/003.jpg"] == f"{digest} {file.stat().st_size}"
    )
    assert entry["tree"] == data_lock.tree(entry["files"])
    before = paths.data_lock().read_bytes()
    load_flowers()
    assert paths.data_lock().read_bytes() == before


def test_a_difference_is_named_file_by_file_until_it_is_accepted(flowers):
    write(flowers / "rose/003.jpg", picture(77))
    write(flowers / "tulip/new.jpg", picture(78))
    (flowers / "daisy/001.jpg").unlink()
    with pytest.raises(
        ValueError,
        match=(
            r"flowers in .* differs from .*data.lock: 1 file changed \(rose/003.jpg\); 1 file"
            r" missing \(daisy/001.jpg\); "
            r"1 file new \(tulip/new.jpg\). Restore the files, .* python pipeline.py data --accept"
            r" flowers"
        ),
    ):
        load_flowers()
    assert list(data_lock.forget("flowers")) == ["flowers"]
    load_flowers()


def test_differences_are_accepted_by_the_name_of_the_data_set_and_only_where_the_data_can_be_used(
    flowers, capsys
):
    main = runpy.run_path(str(ROOT / "pipeline.py"))["main"]
    before = paths.data_lock().read_bytes()
    (flowers / "rose/003.jpg").write_bytes(b"no image")
    for arguments, expected in (
        (["flowers", "nonsense"], "there is no data set 'nonsense'"),
        (["flowers", "--data", "sample"], "leave out the experiment"),
        (["flowers"], "1 of 50 files cannot be read as images: rose/003.jpg"),
    ):
        assert main(["data", "--accept", *arguments]) == 1
        assert expected in capsys.readouterr().err and paths.data_lock().read_bytes() == before
    write(flowers / "rose/003.jpg", picture(78))
    assert main(["data", "--accept", "flowers"]) == 0
    assert paths.data_lock().read_bytes() != before
    load_flowers()


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n{}", "[]", '{"flowers": {}}'])
def test_a_damaged_lock_lets_nothing_pass(flowers, content):
    paths.data_lock().write_text(content)
    with pytest.raises(
        ValueError,
        match="data.lock is damaged or not a data.lock file; restore it, or delete it",
    ):
        load_flowers()


def test_a_place_that_cannot_be_written_is_named_with_a_way_out(flowers, monkeypatch):
    monkeypatch.setattr(
        data_lock.files,
        "write_json",
        lambda *_: (_ for _ in ()).throw(PermissionError(13, "Permission denied")),
    )
    paths.data_lock().unlink()
    with pytest.raises(
        ValueError,
        match=(
            "data.lock cannot be written .Permission denied.; choose a writable place for it:"
            " LABREPORT_DATA_LOCK"
        ),
    ):
        data_lock.look("flowers", flowers, sorted(flowers.glob("*/*.jpg"))[:0]).enter()


def test_a_change_that_hides_behind_size_and_time_is_found(flowers):
    file = flowers / "rose/003.jpg"
    state, content = file.stat(), bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (state.st_size, state.st_mtime_ns)
    with pytest.raises(ValueError, match=r"1 file changed \(rose/003.jpg\)"):
        load_flowers()


def test_a_file_that_was_only_touched_is_read_again_and_is_the_same(flowers):
    os.utime(flowers / "rose/003.jpg", (0, 0))  # a clock set back
    load_flowers()


def test_files_are_not_read_again_where_size_and_times_are_the_same(flowers, monkeypatch):
    monkeypatch.setattr(data_lock.files, "sha256", None)
    load_flowers()


def test_data_that_cannot_be_used_are_not_entered():
    root = paths.data() / "flowers"
    write_flowers(root)
    whole = (root / "rose/003.jpg").read_bytes()
    (root / "rose/003.jpg").write_bytes(whole[:100])
    with pytest.raises(ValueError, match="cannot be read as images"):
        load_flowers()
    (root / "rose/003.jpg").write_bytes(whole)
    load_flowers()

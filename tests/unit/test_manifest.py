"""A run's manifest notices what was changed, and forgets nothing that was."""

import pytest

from labreport.runs import manifest


@pytest.fixture
def run(tmp_path):
    """A folder with the files of a training and an executed notebook, all in the manifest."""
    for name in (*manifest.TRAINED, "notebook.ipynb"):
        (tmp_path / name).write_text(f"{name} 9.5")
    manifest.start(tmp_path, tmp_path)
    manifest.add(tmp_path, "notebook.ipynb")
    assert manifest.changed(tmp_path) == []
    return tmp_path


@pytest.mark.parametrize("name", [*manifest.TRAINED, "notebook.ipynb"])
def test_each_file_that_is_changed_or_deleted_is_named(run, name):
    (run / name).write_text(f"{name} 8.9")
    assert manifest.changed(run) == [name] == manifest.changed(run)
    assert manifest.changed(run, ("another.csv",)) == []
    (run / name).write_text(f"{name} 9.5")
    assert manifest.changed(run) == []
    (run / name).unlink()
    assert manifest.changed(run) == [name]


def test_the_notebook_of_a_second_language_does_not_hide_a_change_of_the_first(run):
    (run / "notebook.ipynb").write_text("89.5")
    manifest.forget(run, "notebook.es.ipynb")
    (run / "notebook.es.ipynb").write_text("es")
    manifest.add(run, "notebook.es.ipynb")
    assert manifest.changed(run) == ["notebook.ipynb"]


def test_a_process_that_is_killed_between_a_notebook_and_its_record_accuses_nobody(run):
    manifest.forget(run, "notebook.ipynb")
    (run / "notebook.ipynb").write_text("executed again")
    assert manifest.changed(run) == [] and manifest.lacks(run, "notebook.ipynb")


def test_changed_results_are_refused_and_deleted_ones_are_not(run):
    (run / "model.keras").unlink()
    manifest.refuse_changed(run)  # it is trained again
    (run / "metrics.json").write_text("{}")
    with pytest.raises(
        ValueError, match=r"metrics.json in .* changed after the training: restore it"
    ):
        manifest.refuse_changed(run)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": []}', '{"files": {"metrics.json": 1}}'])
def test_a_damaged_manifest_is_named_and_refuses_no_training(run, text):
    (run / manifest.FILE).write_text(text)
    assert manifest.changed(run) == [manifest.FILE]
    manifest.refuse_changed(run)
    assert manifest.lacks(run, "notebook.ipynb")


def test_a_folder_without_a_manifest_has_nothing_changed(tmp_path):
    assert manifest.changed(tmp_path) == [] and manifest.lacks(tmp_path, "notebook.ipynb")

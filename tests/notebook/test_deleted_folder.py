"""A run folder that is deleted while its notebook is executed."""

import io

import nbformat
import pytest

from helpers.deletion import replaced, untouched
from helpers.project import ROOT
from labreport.core import files
from labreport.execution import due, execution

DELETES = """
import shutil, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from helpers.deletion import replaced
replaced(Path({folder!r}))
{then}
"""


@pytest.mark.slow
@pytest.mark.parametrize("then", ["raise OSError('no such file')", "", "import os; os._exit(1)"])
def test_a_notebook_whose_run_folder_is_deleted_stops_and_leaves_alone_what_is_there_now(
    tmp_path, monkeypatch, then
):
    folder, notebook = tmp_path / "reports/a_run", tmp_path / "deletes.ipynb"
    code = [
        DELETES.format(tests=str(ROOT / "tests"), folder=str(folder), then=then),
        "print('a second cell')",
    ]
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in code]),
        notebook,
    )
    task = due.NotebookTask(
        "a_run", folder, notebook, "en", {}, {}, lambda: [], lambda: None, dict, lambda imported: {}
    )
    monkeypatch.setattr(execution, "task", lambda subject, language: task)
    with pytest.raises(
        files.Deleted, match="the folder .*/a_run was deleted while this process was using it"
    ):
        execution.run(None, io.StringIO())
    (tmp_path / "b").mkdir()
    assert untouched(folder, replaced(tmp_path / "b"))

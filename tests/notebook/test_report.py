"""One whole report, from the parameter file to the PDF: it holds all that it should, and is made
again only as far as something changed.
"""

import json

from labreport.core.i18n import percent


def test_a_report_holds_all_that_it_should(project):
    folder = project.run
    assert {path.name for path in folder.iterdir()} == {
        "history.csv",
        "predictions.csv",
        "model.keras",
        "metrics.json",
        "provenance.json",
        "notebook.ipynb",
        "run.json",
        "validation.npz",
        "manifest.json",
        "made_from.json",
        "log.txt",
        "report.html",
        "report.pdf",
        ".training.lock",
        ".run.lock",
    }
    metrics = json.loads((folder / "metrics.json").read_text())
    html = (folder / "report.html").read_text()
    assert metrics["data"] == "sample" and "Sample data" in html
    correct = percent(metrics["test_accuracy"])
    assert (
        correct in html
        and "Confusion matrix: true classes in rows" in html
        and "most confident mistakes" in html
    )
    assert (folder / "report.pdf").read_bytes().startswith(b"%PDF")


def test_the_executed_notebook_says_what_it_ran_and_names_no_folder_of_this_machine(project):
    text = (project.run / "notebook.ipynb").read_text()
    cells = {cell["id"]: cell for cell in json.loads(text)["cells"]}
    assert "'epochs': 2" in "".join(cells["injected-parameters"]["source"])
    assert str(project.folder) not in text


def test_a_second_report_does_nothing_and_says_why(project):
    before = project.times()
    done = project.pipeline("report")
    assert (
        "nothing to do: settings, data, code and versions have not changed since" in done.stdout
        and done.returncode == 0
    )
    assert project.times() == before


def test_a_changed_stylesheet_only_renders_again(project):
    before = project.times()
    with project.edited("lib/labreport/reporting/report.css", "body {", "/* edited */ body {"):
        done = project.pipeline("report")
    after = project.times()
    assert "rendering again (report.css changed)" in done.stdout
    assert (
        after["notebook.ipynb"] == before["notebook.ipynb"]
        and after["report.html"] != before["report.html"]
    )

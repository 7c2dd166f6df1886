"""What an edit makes stale, on a finished run; and no run ever holds the numbers of two codes."""

import ast
import json
import queue
import re
import shutil

import pytest

from helpers.processes import PATIENCE
from helpers.project import EXPERIMENT, OPTIONS, ROOT, RUN


def edit(file, old, new, count=1):
    """A function that replaces a text in a file of a project."""

    def done(project):
        path = project.folder / file
        text = path.read_text()
        assert old in text, (file, old)
        path.write_text(text.replace(old, new, count))

    return done


def package(file, old, new, count=1):
    [path] = (ROOT / "lib/labreport").rglob(file)
    return edit(path.relative_to(ROOT), old, new, count)


def append(file, text):
    def done(project):
        path = project.folder / file
        path.write_text(path.read_text() + text)

    return done


def both(*edits):
    def done(project):
        for one in edits:
            one(project)

    return done


def cell(name, old, new):
    def done(project):
        path = project.folder / "notebooks/cifar10.ipynb"
        notebook = json.loads(path.read_text())
        [found] = [each for each in notebook["cells"] if each["id"] == name]
        text = "".join(found["source"])
        assert old in text
        found["source"] = text.replace(old, new)
        path.write_text(json.dumps(notebook))

    return done


def reformatted(project):
    for path in project.package.rglob("*.py"):
        path.write_text(ast.unparse(ast.parse(path.read_text())))


def moved(project):
    folder = project.package / "training"
    (folder / "stopping.py").rename(folder / "stop_rules.py")
    for name in ("training/loop.py", "training_state.py"):
        package(name, "stopping\n", "stop_rules as stopping\n")(project)


# The rows of the table in docs/reliability.md, in words, and each as an edit of the project.
EDITS = {
    "a comment": append("lib/labreport/training/loop.py", "# a comment\n"),
    "a docstring": package(
        "models/cifar10.py", "Three convolutions and nothing else", "A first try"
    ),
    "blank lines": package("models/cifar10.py", "\ndef naive", "\n\n\n\ndef naive"),
    "the layout of all files (a formatter)": reformatted,
    "the lock file": append("requirements.lock", "# another one\n"),
    "a type annotation": package(
        "batches.py", "def order(seed: int,", "def order(seed: 'int | None',"
    ),
    "a file that is moved, its imports following": moved,
    "the name of a private function": package("models/cifar10.py", "_classifier", "_head", 9),
    "the name of a local variable": package("training/loop.py", "found", "outcome", 99),
    "the text of an error or a progress line": both(
        package("training/loop.py", "try a smaller learning rate", "lower the learning rate"),
        package("training.py", "stopped early: ", "ended early: "),
    ),
    "an added model": both(
        append(
            "lib/labreport/models/cifar10.py",
            "\n\ndef mine(image_shape, num_classes):\n    return 1\n",
        ),
        package(
            "models/__init__.py",
            '    "cifar10_blocks"',
            '    "mine": cifar10.mine,\n    "cifar10_blocks"',
        ),
    ),
    "an added optimizer": both(
        package(
            "optimizers.py",
            "\n\nOPTIMIZERS",
            "\n\ndef mine(*, learning_rate: float):\n    return 1\n\n\nOPTIMIZERS",
        ),
        package("optimizers.py", '    "sgd": sgd,\n', '    "sgd": sgd,\n    "mine": mine,\n'),
    ),
    "an added loss": both(
        package("training/losses.py", "\n\nLOSSES", "\n\ndef mine():\n    return 1\n\n\nLOSSES"),
        package("training/losses.py", "LOSSES = {\n", 'LOSSES = {\n    "mine": mine,\n'),
    ),
    "an added data set": package(
        "datasets/__init__.py",
        "DATASETS = {\n",
        'DATASETS = {\n    "mine": DatasetSpec(\n        load=flowers.flowers, shape=flowers.shape,'
        " sample_images=500\n    ),\n",
    ),
    "an added figure": both(
        append("lib/labreport/analysis/figures/classes.py", "\n\ndef mine(x):\n    return x\n"),
        package("figures/classes.py", "__all__ = [", '__all__ = ["mine", '),
    ),
    "another model, optimizer or loss than the experiment's": both(
        package("models/cifar10.py", "layers.Conv2D(10, 3", "layers.Conv2D(11, 3"),
        package("optimizers.py", "rho=rho, momentum=momentum", "rho=rho, momentum=0"),
        package(
            "training/losses.py",
            ")[:, 0],\n        sigmoid=True",
            ")[:, 0] * 2,\n        sigmoid=True",
        ),
    ),
    "a figure that the notebook does not draw": package(
        "figures/runs.py", "def effects(", "def effects(more=1, *, "
    ),
    "how sweeps, schedulers or Kaggle are dealt with": both(
        package("plan.py", "MANY = 50", "MANY = 60"),
        package("slurm.py", "THREADS = 4", "THREADS = 8"),
    ),
    "prose in another language": cell("loading-es", "CIFAR-10", "El conjunto CIFAR-10"),
    "a translation, for a report in English": package(
        "languages/es.po", 'msgstr "modificada"', 'msgstr "cambiada"'
    ),
    "code of the data set that leaves images, labels and splits as they are": package(
        "datasets/cifar10.py", "CLASS_NAMES = [", "CLASS_NAMES = [] + ["
    ),
    "code of the data set that changes them": package(
        "datasets/sample/cifar10.py",
        "def draw(",
        "def draw(per_class, seed):\n    images, labels = "
        "_draw(per_class, seed)\n    return 255 - images, labels\n\n\ndef _draw(",
    ),
    "the experiment's model": package(
        "models/cifar10.py", "layers.Conv2D(32, 3", "layers.Conv2D(33, 3"
    ),
    "a private function that the model uses": package("models/cifar10.py", "1 / 255", "1 / 256"),
    "a constant that decides numbers": package(
        "batches.py", "MOST_EVALUATED = 250", "MOST_EVALUATED = 100"
    ),
    "a default of its optimizer": package(
        "optimizers.py", "beta_1: float = 0.9", "beta_1: float = 0.8"
    ),
    "its loss": package(
        "training/losses.py",
        "sparse_categorical_crossentropy(labels, outputs),",
        "sparse_categorical_crossentropy(labels, outputs) * 2,",
    ),
    "when a training stops, which epoch counts, the order of images": package(
        "stopping.py", "waited >= patience", "waited > patience"
    ),
    "augmentation, for an experiment without it": package(
        "augmentation.py", "AUGMENTATION = 1", "AUGMENTATION = 2"
    ),
    "a setting in its parameter file": edit(
        f"params/{EXPERIMENT}.yaml", "batch_size: ", "batch_size: 1"
    ),
    "its title": edit(f"params/{EXPERIMENT}.yaml", "three convolutions", "3 convolutions", 2),
    "a figure that the notebook draws": package(
        "figures/classes.py", "def class_counts(", "def class_counts(*more, x=0, "
    ),
    "the style of all figures": package(
        "figures/style.py", '"axes.grid": True', '"axes.grid": False'
    ),
    "a sentence of the commentary": package("commentary/history.py", '_("', '_("So: ', 99),
    "prose or code of the notebook": cell("loading", "CIFAR-10", "The set CIFAR-10"),
    "how the report looks: its styles": package("reporting/template.typ", "26mm", "27mm"),
    "a sentence of the report's frame": package(
        "reporting/html.py", '"Unfold all code"', '"Show all code"'
    ),
}


def table():
    """(edit, what becomes stale) of each row in docs/reliability.md."""
    text = (ROOT / "docs/reliability.md").read_text()
    section = text.partition("## What an edit costs\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+?) \| (nothing|render|execute|train) \|", section, re.MULTILINE)
    return dict(rows)


@pytest.fixture
def project(project, tmp_path):
    """The finished project of these tests; what a test edits is put back."""
    parts = [project.folder / name for name in ("lib", "notebooks", "params")]

    def sources():
        files = [path for part in parts for path in part.rglob("*") if path.is_file()]
        files.append(project.folder / "requirements.lock")
        return {path for path in files if path.suffix != ".pyc"}

    kept = {path: path.read_bytes() for path in sources()}
    shutil.copytree(project.run, tmp_path / "run")
    yield project
    for path in sources() - set(kept):
        path.unlink()
    for path, content in kept.items():
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    shutil.rmtree(project.run)
    shutil.copytree(tmp_path / "run", project.run)


def test_the_table_in_the_docs_names_every_edit_that_is_tried_here():
    assert list(table()) == list(EDITS)


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_makes_stale_what_the_table_says(project, name):
    EDITS[name](project)
    assert project.stale()[0] == table()[name], project.stale()[1]


def test_a_report_that_is_up_to_date_imports_neither_numpy_nor_pandas_nor_opencv(project):
    program = (
        "import runpy, sys; sys.argv = ['pipeline.py', 'report', *sys.argv[1:]]\n"
        "try: runpy.run_path('pipeline.py', run_name='__main__')\n"
        "except SystemExit as end: assert not end.code\n"
        "print({'numpy', 'pandas', 'cv2', 'IPython', 'nbformat'} & set(sys.modules))"
    )
    done = project.python("-c", program, EXPERIMENT, *OPTIONS)
    assert "nothing to do" in done.stdout and done.stdout.splitlines()[-1] == "set()", done


class Kernel:
    """A Jupyter kernel in a project, as a person has it open."""

    def __init__(self, project):
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager(
            kernel_name="python3", transport="ipc", ip=str(project.folder / "kernel")
        )
        self.manager.start_kernel(env=project.environment, cwd=str(project.folder / "notebooks"))
        self.client = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=PATIENCE)

    def run(self, code):
        """What a cell prints, and the error it ends with, or ''."""
        request, printed = self.client.execute(code, stop_on_error=False), ""
        while True:
            try:
                message = self.client.get_iopub_msg(timeout=PATIENCE)
            except queue.Empty:
                raise AssertionError(f"no answer to {code!r}; printed so far: {printed}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            content = message["content"]
            printed += content.get("text", "") if message["msg_type"] == "stream" else ""
            if message["msg_type"] == "error":
                return printed, f"{content['ename']}: {content['evalue']}"
            if message["msg_type"] == "status" and content["execution_state"] == "idle":
                return printed, ""

    def end(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(project):
    started = Kernel(project)
    yield started
    started.end()


SETUP = f"""
from labreport import datasets
from labreport.config import experiments
from labreport.training import backend, training
backend.prepare()
run = experiments.load("{EXPERIMENT}", {{"data": "sample", "epochs": EPOCHS, "max_images": 200}})
data = datasets.load(run)
"""
REFUSED = "ValueError: restart the kernel: models/cifar10.py changed after it was imported"


@pytest.mark.slow
def test_a_kernel_does_not_train_a_model_that_was_edited_since_it_was_imported(project, kernel):
    assert kernel.run(SETUP.replace("EPOCHS", "2"))[1] == ""
    assert "is already trained" in kernel.run("result = training.fit(run, data)")[0]
    before = {
        path.name: path.read_bytes()
        for path in project.run.iterdir()
        if path.suffix in (".csv", ".keras")
    }
    metrics = (project.run / "metrics.json").read_text()
    EDITS["the experiment's model"](project)
    printed, error = kernel.run("result = training.fit(run, data)")
    assert error.startswith(REFUSED) and "training" not in printed
    assert before == {
        path.name: path.read_bytes()
        for path in project.run.iterdir()
        if path.suffix in (".csv", ".keras")
    }
    assert (project.run / "metrics.json").read_text() == metrics
    assert project.stale()[0] == "train" and "models.cifar10.naive changed" in project.stale()[1]


@pytest.mark.slow
def test_an_edit_while_a_training_is_stopped_never_gives_one_history_of_two_codes(project, kernel):
    run = project.folder / f"reports/{RUN.replace('epochs-2', 'epochs-4')}"
    assert kernel.run(SETUP.replace("EPOCHS", "4"))[1] == ""
    stop = "def stop(line):\n    if line.startswith('epoch 2'):\n        raise KeyboardInterrupt\n"
    assert kernel.run(f"{stop}training.fit(run, data, stop)")[1].startswith("KeyboardInterrupt")
    package("models/cifar10.py", 'activation="relu"', 'activation="tanh"', 9)(project)
    printed, error = kernel.run("training.fit(run, data)")
    assert error.startswith(REFUSED), printed
    assert not (run / "metrics.json").exists()
    program = SETUP.replace("EPOCHS", "4") + "training.fit(run, data)"
    printed = project.python("-c", program).stdout
    assert "the saved epochs cannot be continued (models.cifar10.naive changed)" in printed
    assert "epoch 1/4" in printed and "epoch 4/4" in printed
    assert len(list(run.glob("earlier/*-unfinished/history.csv"))) == 1


@pytest.mark.slow
def test_an_edit_between_the_start_of_a_kernel_and_fit_is_refused_in_the_pipeline(project):
    change = (
        f"import pathlib\npath = pathlib.Path({str(project.package / 'models/cifar10.py')!r})\n"
        "path.write_text(path.read_text().replace('relu', 'tanh'))\n"
    )
    cell("model", "model = ", change + "model = ")(project)
    edit(f"params/{EXPERIMENT}.yaml", "batch_size: ", "batch_size: 1")(project)
    before = (project.run / "metrics.json").read_text()
    done = project.pipeline("report", "--notebook-only")
    assert done.returncode == 1 and REFUSED.partition(": ")[2] in done.stderr
    assert (project.run / "metrics.json").read_text() == before


@pytest.mark.slow
def test_code_that_was_edited_while_the_notebook_ran_makes_it_run_again(project):
    path = project.package / "analysis/figures/history.py"
    change = (
        f"import pathlib\npath = pathlib.Path({str(path)!r})\n"
        "path.write_text(path.read_text().replace('def curves(', 'def curves(*more, x=1, '))\n"
    )
    cell("differs", "Markdown", change + "Markdown")(project)
    done = project.pipeline("report", "--notebook-only")
    assert done.returncode == 0, done.stderr
    assert "the code was edited while the notebook ran" in done.stdout
    assert project.stale()[0] == "execute"


@pytest.mark.slow
def test_a_run_of_an_earlier_version_is_said_to_be_one_and_nothing_of_it_is_lost(project):
    metrics = json.loads((project.run / "metrics.json").read_text())
    metrics["identity"]["source"] = {"training.py": "0" * 64}
    del metrics["identity"]["code"]
    (project.run / "metrics.json").write_text(json.dumps(metrics))
    (project.run / "manifest.json").unlink()
    stale, told = project.stale()
    assert stale == "train" and told.count("\n") == 3
    assert (
        "made by an earlier version of labreport, whose record of the code cannot be compared"
        in told
    )
    project.report()
    [kept] = (project.run / "earlier").iterdir()
    assert json.loads((kept / "metrics.json").read_text()) == metrics
    assert {"history.csv", "model.keras", "notebook.ipynb", "report.pdf"} <= {
        path.name for path in kept.iterdir()
    }


@pytest.mark.slow
def test_a_notebook_that_was_changed_after_its_execution_is_noticed_everywhere(project):
    notebook = project.run / "notebook.ipynb"
    text = notebook.read_text()
    accuracy = re.search(r"The network classifies ([\d.]+)", text) or re.search(
        r"(\d+\.\d)\xa0%", text
    )
    notebook.write_text(text.replace(accuracy[1], "89.5"))
    pdf = (project.run / "report.pdf").read_bytes()
    done = project.pipeline("render")
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "notebook.ipynb in reports" in done.stderr and "--force" in done.stderr
    assert (project.run / "report.pdf").read_bytes() == pdf
    stale, told = project.stale()
    assert stale == "execute" and "notebook.ipynb was changed after it was executed" in told
    done = project.python("pipeline.py", "list")
    assert done.returncode == 0, done.stderr
    assert (
        "notebook.ipynb was changed after it was executed"
        in (project.run.parent / "index.html").read_text()
    )

    done = project.pipeline("render", "--force")
    assert done.returncode == 0
    import pypdf

    page = pypdf.PdfReader(project.run / "report.pdf").pages[0].extract_text()
    for report in (page, (project.run / "report.html").read_text()):
        assert "Changed after execution: notebook.ipynb." in " ".join(report.split())

    told = project.report()
    assert "the changed file is now edited-notebook.ipynb" in told
    assert "89.5" in (project.run / "edited-notebook.ipynb").read_text()
    assert project.stale()[0] == "nothing" and "89.5" not in notebook.read_text()
    assert "Changed after" not in (project.run / "report.html").read_text()


@pytest.mark.parametrize("name", ["metrics.json", "history.csv", "predictions.csv", "model.keras"])
def test_results_that_were_changed_after_the_execution_are_not_presented(project, name):
    file = project.run / name
    file.write_bytes(file.read_bytes().replace(b"0.", b"0.9", 1) + b" ")
    for command, since in (("render", "the notebook was executed"), ("report", "the training")):
        done = project.pipeline(command)
        told = f"{name} in reports/{RUN} changed after {since}"
        assert done.returncode == 1 and told in done.stderr, done.stderr
    from labreport.runs import manifest

    assert manifest.changed(project.run) == [name]
    program = (
        "from labreport.studies import study; from labreport.config import experiments;"
        f" print(study.run_of(experiments.load('{EXPERIMENT}', {{'data': 'sample', 'epochs':"
        " 2, 'max_images': 200})).outdated)"
    )
    assert project.python("-c", program).stdout == f"['{name} was changed after it was executed']\n"

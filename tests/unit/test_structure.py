"""The house is built as docs/architecture.md says."""

import ast
import json
import re
import subprocess
import sys

import pytest

from helpers.project import ROOT

PACKAGE = ROOT / "lib/labreport"

# A package imports from itself and from those before it.
FLOORS = (
    "core",
    "config",
    "staleness",
    "runs",
    "platforms",
    "reporting",
    "studies",
    "datasets",
    "models",
    "training",
    "analysis",
    "execution",
    "executors",
    "cli",
)
KERAS = {"models", "training"}


def imports(path):
    """(modules of this package, other top-level modules) that a file imports, wherever in it."""
    own, other = set(), set()
    depth = len(path.relative_to(PACKAGE).parts) - 1
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level > depth:
            own |= (
                {node.module.split(".")[0]} if node.module else {alias.name for alias in node.names}
            )
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            parts = node.module.split(".")
            if parts[0] == "labreport":
                own |= {parts[1]} if parts[1:] else {alias.name for alias in node.names}
            other.add(parts[0])
        elif isinstance(node, ast.Import):
            other |= {alias.name.split(".")[0] for alias in node.names}
    return own, other


def package_files():
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts != ("__init__",):
            yield parts[0], path


def test_imports_point_down():
    for package, path in package_files():
        assert package in FLOORS, f"{path.relative_to(ROOT)} lies in no package"
        below = {*FLOORS[: FLOORS.index(package) + 1], "__version__"}
        assert imports(path)[0] <= below, f"{path.relative_to(ROOT)} imports from above"


def test_keras_and_tensorflow_stay_in_their_packages():
    for package, path in package_files():
        other = imports(path)[1]
        assert "keras" not in other or package in KERAS, path
        assert not other & {"tensorflow", "jax"} or path.stem == "backend", path


@pytest.mark.parametrize(
    "path",
    [
        *sorted((ROOT / "tests/bench").glob("*.py")),
        ROOT / "tests/soak.py",
        ROOT / "docs/gallery.py",
    ],
    ids=lambda path: path.stem,
)
def test_programs_that_no_test_runs_import_what_there_is(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("labreport"):
            continue
        place = PACKAGE.parent.joinpath(*node.module.split("."))
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        assert file.exists(), f"line {node.lineno}: there is no {node.module}"
        named = ast.walk(ast.parse(file.read_text()))
        names = {getattr(each, "name", None) or getattr(each, "id", None) for each in named}
        for alias in node.names:
            module = (place / alias.name).is_dir() or (place / f"{alias.name}.py").exists()
            assert module or alias.name in names, f"{node.module} has no {alias.name}"


@pytest.mark.parametrize("command", [["--help"], ["list"], ["show", "cifar10_l2_dropout"]])
def test_listing_and_showing_and_the_index_import_neither_tensorflow_nor_pandas(command):
    program = (
        f"import sys; sys.argv[1:] = {command}; import runpy\ntry: runpy.run_path('pipeline.py',"
        " run_name='__main__')\nexcept SystemExit as end: assert not end.code\nheavy ="
        " {'tensorflow', 'keras', 'jax', 'pandas', 'numpy', 'matplotlib', 'papermill',"
        " 'nbconvert'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)


def test_no_file_of_the_package_has_more_than_400_lines():
    long = {
        path.relative_to(PACKAGE).as_posix(): lines
        for path in PACKAGE.rglob("*.py")
        if (lines := len(path.read_text().splitlines())) > 400
        and path.parent.name != "sample"  # tables of what is drawn
    }
    assert not long


def test_importing_a_module_does_nothing():
    """No seed is set, no style, no folder made, no file read from the network: matplotlib and NumPy
    are as they were.
    """
    modules = [
        "labreport." + path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        for _, path in package_files()
        if path.stem not in ("__init__", "forkserver_session", "dask")
    ]
    program = f"""if True:
        import importlib, os, random
        import distributed, keras, matplotlib, numpy, scipy.stats, sklearn
        def state():
            numbers = numpy.random.get_state()[1].tolist()
            return dict(matplotlib.rcParams), numbers, random.getstate()
        os.makedirs = os.mkdir = None
        before = state()
        for module in {modules}:
            importlib.import_module(module)
        assert state() == before
    """
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem
)
def test_a_notebook_is_committed_without_outputs_and_with_named_cells(path):
    notebook = json.loads(path.read_text())
    names = [cell["id"] for cell in notebook["cells"]]
    assert len(set(names)) == len(names) and all(
        re.fullmatch(r"[a-z][a-z-]+", name) for name in names
    )
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert [cell["id"] for cell in code if "parameters" in cell["metadata"].get("tags", [])] == [
        "parameters"
    ]
    prose = [
        cell
        for cell in notebook["cells"]
        if cell["cell_type"] == "markdown" and cell["id"] != "badges"
    ]
    for cell, translation in zip(prose[::2], prose[1::2], strict=True):
        # what is said to whoever runs the notebook, and to no reader of a report
        hidden = ["remove-cell"] if cell["id"].endswith("-how") else []
        assert (cell["metadata"]["tags"], translation["metadata"]["tags"], translation["id"]) == (
            ["en", *hidden],
            ["es", *hidden],
            f"{cell['id']}-es",
        )
    headings = [
        line[3:]
        for cell in prose[::2]
        for line in "".join(cell["source"]).splitlines()
        if line.startswith("## ")
    ]
    if path.stem == "comparison":  # it has no data and no network of its own
        return
    order = [
        "Loading",
        "Inspecti",
        "Conditioning",
        "Architecture",
        "Monitoring",
        "Evaluation",
        "Conclusions",
        "Settings and provenance",
    ]
    assert [
        next((word for word in order if heading.startswith(word)), heading) for heading in headings
    ] == order


def test_no_committed_file_names_a_package_index_or_a_private_folder():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    hosts = re.compile(
        "|".join(
            (
                "pypi" + r"\.org",
                "python" + "hosted",
                "ana" + r"conda\.org",
                "/" + "root/",
                "/" + "home/[a-z]",
            )
        )
    )
    for name in filter(None, tracked):
        if (ROOT / name).is_file():
            found = hosts.search((ROOT / name).read_bytes().decode("utf-8", "replace"))
            assert not found, f"{name} holds {found.group()}"

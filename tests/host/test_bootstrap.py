"""The bootstrap cell, the same in all notebooks, finds the project wherever it is to be found, and
says what to do where it is not.
"""

import base64
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from helpers import simulated
from helpers.project import ROOT, copy_project
from labreport.core import host, paths

pytestmark = pytest.mark.slow

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
REPOSITORY, VERSION = PROJECT["urls"]["Repository"], PROJECT["version"]
# The cell runs in a Python without labreport; what it ends with is printed.
OPEN = """
import sys
from pathlib import Path
names = {}
if Path("/test/package.txt").exists():
    names["LABREPORT_PACKAGE"] = Path("/test/package.txt").read_text()
try:
    exec(Path("/test/cell.py").read_text(), names)
except Exception as error:
    print(*error._render_traceback_())
else:
    import labreport
    print("imported from", labreport.__file__)
"""


@pytest.fixture
def opened(tmp_path):
    """Runs the cell on a host; returns the lines it prints. before: what is done on the host first,
    in Python.
    """
    (tmp_path / "cell.py").write_text(simulated.bootstrap())
    (tmp_path / "declines").touch()

    def opened(host, before="", folder=None, times=1, **variables):
        folder = folder or simulated.STARTS_IN[host]
        (tmp_path / "open.py").write_text(
            f"import os\n{before}\nos.chdir({folder!r})\n{OPEN * times}"
        )
        python = Path(sys.base_prefix) / "bin/python3"
        return simulated.run(
            host, tmp_path, [python, "/test/open.py"], network=False, **variables
        ).splitlines()

    return opened


def zipped(tmp_path, name="labreport.zip", **more):
    return simulated.zip_project(tmp_path / name, **more)


def test_it_is_the_same_cell_in_all_notebooks_the_first_that_runs_and_left_out_of_reports():
    cells = [json.loads(path.read_text())["cells"] for path in NOTEBOOKS]
    first = [next(cell for cell in found if cell["cell_type"] == "code") for found in cells]
    assert len(cells) == 5 and all(cell == first[0] for cell in first)
    assert first[0]["id"] == "bootstrap" and first[0]["metadata"]["tags"] == ["remove-cell"]
    assert all(
        [cell["id"] for cell in found if cell["cell_type"] == "code"][:3]
        == ["bootstrap", "parameters", "setup"]
        for found in cells
    )


def addresses(text):
    """(repository, version, notebook) of the badges in a text, by service."""
    notebook = r"([^/]+/[^/]+)/blob/v([^/]+)/notebooks/(\w+)\.ipynb\)"
    colab = r"\]\(https://colab\.research\.google\.com/github/"
    kaggle = r"\]\(https://kaggle\.com/kernels/welcome\?src=https://github\.com/"
    return re.findall(colab + notebook, text), re.findall(kaggle + notebook, text)


def test_badges_cell_and_package_name_the_repository_and_version_of_pyproject():
    name = REPOSITORY.removeprefix("https://github.com/")
    for path in NOTEBOOKS:
        (badges,) = [
            cell for cell in json.loads(path.read_text())["cells"] if cell["id"] == "badges"
        ]
        assert badges["metadata"]["tags"] == ["remove-cell"]
        assert addresses("".join(badges["source"])) == (
            [(name, VERSION, path.stem)],
            [(name, VERSION, path.stem)],
        )
        assert f'REPOSITORY = "{REPOSITORY}"\nVERSION = "{VERSION}"\n' in simulated.bootstrap(
            path.stem
        )
    for found in addresses((ROOT / "README.md").read_text()):
        assert sorted(found) == [(name, VERSION, path.stem) for path in NOTEBOOKS]
    for found in addresses((ROOT / "docs/colab-kaggle.md").read_text()):
        assert sorted(found) == [
            (name, VERSION, path.stem) for path in NOTEBOOKS if path.stem != "comparison"
        ]
    assert f'__version__ = "{VERSION}"' in (ROOT / "lib/labreport/__init__.py").read_text()


def test_make_address_rewrites_all_of_them_and_the_version(tmp_path):
    copy = copy_project(tmp_path)
    (copy / "docs").mkdir()
    for name in ("Makefile", "README.md", "CITATION.cff", "docs/colab-kaggle.md"):
        (copy / name).write_bytes((ROOT / name).read_bytes())
    (copy / "pyproject.toml").write_text(
        (ROOT / "pyproject.toml").read_text().replace(f'version = "{VERSION}"', 'version = "9.8.7"')
    )
    subprocess.run(
        ["make", "--silent", "address", "REPOSITORY=https://github.com/me/my.fork"],
        cwd=copy,
        check=True,
    )
    assert (
        'Repository = "https://github.com/me/my.fork"' in (copy / "pyproject.toml").read_text()
        and '__version__ = "9.8.7"' in (copy / "lib/labreport/__init__.py").read_text()
        and "\nversion: 9.8.7\n" in (copy / "CITATION.cff").read_text()
        and "\nrepository-code: https://github.com/me/my.fork\n"
        in (copy / "CITATION.cff").read_text()
    )
    for path in [
        *copy.glob("notebooks/*.ipynb"),
        copy / "README.md",
        copy / "docs/colab-kaggle.md",
    ]:
        text = path.read_text()
        assert (
            f"/{REPOSITORY.split('/', 3)[3]}/" not in text
            and f"/v{VERSION}/" not in text
            and "me/my.fork/blob/v9.8.7/notebooks/" in text
        )
        assert (
            path.suffix == ".md"
            or 'REPOSITORY = \\"https://github.com/me/my.fork\\"\\n' in text
            and 'VERSION = \\"9.8.7\\"\\n' in text
        )
    wrong = subprocess.run(
        ["make", "--silent", "address", "REPOSITORY=me/fork"],
        cwd=copy,
        capture_output=True,
        text=True,
    )
    assert (
        wrong.returncode
        and "such as https://github.com/me/labreport, got me/fork" in wrong.stdout + wrong.stderr
    )


@pytest.mark.parametrize("below", [".", "notebooks", "params/sweeps"])
def test_in_a_checkout_that_is_not_installed_its_lib_is_taken(below, opened, tmp_path):
    copy_project(tmp_path)
    assert opened("home", folder=f"/test/{below}") == [
        "imported from /test/lib/labreport/__init__.py"
    ]


def test_at_home_outside_a_checkout_it_says_where_the_notebook_belongs(opened):
    assert opened("home", folder="/test") == [
        f"This notebook belongs to a project: git clone {REPOSITORY}, and open it in its folder"
        " notebooks/."
    ]


@pytest.mark.parametrize("top", ["", "labreport-0.1.0/"])
def test_on_colab_it_is_unpacked_once(top, opened, tmp_path):
    zipped(tmp_path, top=top)
    lines = opened("colab", times=2, LABREPORT_SOURCE="/test/labreport.zip")
    assert lines[0] == f"labreport {VERSION} from /test/labreport.zip is in /content/labreport"
    assert (
        lines.count("imported from /content/labreport/lib/labreport/__init__.py") == 2
        and sum(line.startswith("labreport") for line in lines) == 1
    )


@pytest.mark.parametrize(
    "place", ["course", "datasets/ada/course", "datasets/ada/course/v1/labreport-main"]
)
def test_on_kaggle_an_attached_data_set_is_found_unpacked(place, opened, tmp_path):
    (tmp_path / "input" / place).mkdir(parents=True)
    copy_project(tmp_path / "input" / place)
    assert opened("kaggle") == [
        f"labreport {VERSION} from /kaggle/input/{place} is in /tmp/labreport",
        "imported from /tmp/labreport/lib/labreport/__init__.py",
    ]


def test_on_kaggle_an_attached_data_set_is_found_zipped(opened, tmp_path):
    (tmp_path / "input/datasets/ada/course").mkdir(parents=True)
    (tmp_path / "input/other.zip").write_bytes(b"no zip at all")
    zipped(tmp_path, "input/datasets/ada/course/labreport.zip")
    assert (
        opened("kaggle")[0]
        == f"labreport {VERSION} from /kaggle/input/datasets/ada/course/labreport.zip is in"
        " /tmp/labreport"
    )


def test_a_package_in_the_notebook_comes_before_what_is_attached(opened, tmp_path):
    (tmp_path / "input").mkdir()
    copy_project(tmp_path / "input")
    (tmp_path / "package.txt").write_text(
        base64.b64encode(zipped(tmp_path, top="").read_bytes()).decode()
    )
    assert opened("kaggle")[0] == f"labreport {VERSION} from LABREPORT_PACKAGE is in /tmp/labreport"


def test_what_a_killed_cell_has_left_is_not_taken_and_another_version_is_set_aside(
    opened, tmp_path
):
    zipped(tmp_path)
    left = (
        "os.makedirs('/content/.labreport-x/lib/labreport');"
        " os.makedirs('/content/labreport/lib/labreport');"
        " os.makedirs('/content/labreport/reports/a_run')\n"
        "open('/content/labreport/lib/labreport/__init__.py', 'w').write('__version__ = \"0.0.9\"')"
    )
    lines = opened(
        "colab",
        left + "\nimport atexit, glob; atexit.register(lambda:"
        " print(*glob.glob('/content/*/reports/a_run')))",
        LABREPORT_SOURCE="/test/labreport.zip",
    )
    assert lines[0].endswith("is in /content/labreport") and re.fullmatch(
        r"/content/labreport-before-\w+/reports/a_run", lines[-1]
    )


@pytest.mark.parametrize(
    "host, way",
    [
        (
            "kaggle",
            (
                "turn on Internet in the notebook's settings, or attach a data set that holds the"
                " project (Add Input); then run this cell again."
            ),
        ),
        (
            "colab",
            (
                "look whether that address is there; LABREPORT_SOURCE names the address or path of"
                " another zip; then run this cell again."
            ),
        ),
    ],
)
def test_without_a_network_it_says_what_it_asked_for_and_the_ways_out(host, way, opened):
    said, ways = opened(host)
    assert (
        said.startswith(
            f"labreport could not be had from {REPOSITORY}/archive/refs/tags/v{VERSION}.zip ("
        )
        and ways == f"To go on, {way}"
    )


@pytest.mark.parametrize(
    "change, what",
    [
        (
            lambda text: text[: len(text) // 2],
            "could not be had from /test/labreport.zip (File is not a zip file)",
        ),
        (None, "holds no labreport, and this notebook is of labreport"),
        ("9.9.9", "holds labreport 9.9.9, and this notebook is of labreport"),
    ],
)
def test_what_is_no_package_of_this_version_is_refused(change, what, opened, tmp_path):
    import zipfile

    file = zipped(tmp_path)
    if callable(change):
        file.write_bytes(change(file.read_bytes()))
    else:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(
                "labreport-9/lib/labreport/__init__.py" if change else "README",
                f'__version__ = "{change}"\n',
            )
    assert what in opened("colab", LABREPORT_SOURCE="/test/labreport.zip")[0]


def test_a_host_has_places_of_its_own_that_the_environment_overrides(monkeypatch, tmp_path):
    for name in ("LABREPORT_REPORTS", "LABREPORT_DATA", "LABREPORT_CACHE"):
        monkeypatch.delenv(name)
    assert host.here() == "home" and paths.data() == ROOT / "data"
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    assert host.here() == "colab" and paths.reports() == ROOT / "reports"
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Interactive")
    assert host.here() == "kaggle" and [
        str(found) for found in (paths.reports(), paths.data(), paths.cache())
    ] == ["/kaggle/working/reports", "/tmp/labreport/data", "/tmp/labreport/data/cache"]
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path))
    assert paths.reports() == tmp_path


def test_an_interactive_session_on_kaggle_is_told_what_outlives_it(monkeypatch, capsys):
    for kind, told in (("Interactive", True), ("Batch", False)):
        monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", kind)
        host.prepare()
        assert (
            "it deletes the runs in /kaggle/working when it ends" in capsys.readouterr().out
        ) == told


def test_of_two_notebooks_that_are_opened_at_once_the_slower_takes_what_the_quicker_has_unpacked(
    opened, tmp_path
):
    zipped(tmp_path)
    slow = (
        "import pathlib\nrename = pathlib.Path.rename\ndef late(path, target):\n   "
        " __import__('shutil').copytree(path, target)\n    rename(path,"
        " target)\npathlib.Path.rename = late\n"
    )
    lines = opened("colab", before=slow, LABREPORT_SOURCE="/test/labreport.zip")
    assert lines[-1] == "imported from /content/labreport/lib/labreport/__init__.py"

"""What the tests share: run folders of their own, a tiny data set, and real images where they are
to be had.
"""

import functools
import gc
import os
import signal
import subprocess
import sys

import pytest

pytest.register_assert_rewrite("helpers")
from helpers.project import ROOT, made_once  # noqa: E402

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def pytest_xdist_make_scheduler(config, log):
    """The tests of a file stay together, and all of notebook/, which share a finished report."""
    from xdist.scheduler import LoadScopeScheduling

    class Together(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::", 1)[0]
            return "tests/notebook" if file.startswith("tests/notebook/") else file

    return Together(config, log)


# They take longest, so they come first; the others fill the processors beside them.
LONGEST = (
    "test_slurm",
    "notebook",
    "test_hosts",
    "test_terminal",
    "test_kills",
    "test_dask",
    "test_sweep_killed",
    "test_forkserver",
    "test_kaggle_run",
)


def pytest_collection_modifyitems(items):
    def turn(item):
        names = (item.path.stem, item.path.parent.name)
        return next((i for i, name in enumerate(LONGEST) if name in names), len(LONGEST))

    items.sort(key=turn)


def pytest_xdist_auto_num_workers(config):
    """A process for each processor, four at most. Of slow tests one more: they often wait, for
    SLURM or for a process to end.
    """
    return min(os.cpu_count() or 1, 4) + (config.option.markexpr == "slow")


@pytest.fixture(scope="session", autouse=True)
def signals_arrive():
    """After nohup a process ignores SIGHUP, in the background of a script SIGINT, and so would all
    that it starts; a handler is not handed down.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def offline():
    """No test, and no process of one, reaches beyond this machine: the way out leads through a host
    that does not exist.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("http_proxy", "http://offline.invalid")
        patch.setenv("https_proxy", "http://offline.invalid")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        yield


def pin():
    """Pin TensorFlow's threads, where it has been imported; RuntimeError where it is too late."""
    if "tensorflow" in sys.modules:
        from labreport.training import backend

        backend.prepare()
        keep_for_good()


@functools.cache
def keep_for_good():
    """Let the garbage collector leave alone what is there: each training calls it, and it would
    walk through all that was imported.
    """
    gc.freeze()


@pytest.fixture
def keras():
    """Keras with TensorFlow, for a test that imports it only while it runs."""
    import keras

    pin()
    return keras


@pytest.fixture(autouse=True)
def pinned():
    """Threads are pinned before the first tensor of any test, and TensorFlow is imported only where
    a test needs it. An error here: the test has to ask for `keras`.
    """
    pin()
    yield
    pin()


@pytest.fixture(scope="session")
def sample_pictures(tmp_path_factory):
    """Where drawn sample data are kept, for all tests."""
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(scope="session")
def code_summaries(tmp_path_factory):
    """Where summaries of the package's modules are kept, for all tests."""
    return tmp_path_factory.mktemp("summaries")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, sample_pictures, code_summaries):
    """Run folders and data below the test's own folder; nothing is read from or written to the
    checkout's.
    """
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/samples").symlink_to(sample_pictures)
    for kept in code_summaries.iterdir():
        os.link(kept, tmp_path / "cache" / kept.name)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("LABREPORT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LABREPORT_DATA_LOCK", str(tmp_path / "data.lock"))
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    yield
    for made in (tmp_path / "cache").glob("code-*.json"):
        kept = code_summaries / made.name
        if not kept.exists() or kept.stat().st_size < made.stat().st_size:
            kept.unlink(missing_ok=True)
            os.link(made, kept)


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A stand-in of Kaggle's service, which the official client of this process and of those that
    it starts talks to; and a home folder without credentials.
    """
    from kagglesdk.kaggle_env import KaggleEnv, _env_to_endpoint

    from helpers import kaggle_stand_in

    for folder in ("home", "site"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "site/sitecustomize.py").write_text(kaggle_stand_in.SITECUSTOMIZE)
    monkeypatch.setenv(
        "PYTHONPATH",
        os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")])),
    )
    with kaggle_stand_in.running() as running:
        monkeypatch.setitem(_env_to_endpoint, KaggleEnv.PROD, running.url)
        monkeypatch.setenv(kaggle_stand_in.ADDRESS, running.url)
        yield running


@pytest.fixture
def notebooks(service, tmp_path, monkeypatch):
    """Those of the service; looked at often."""
    from helpers import kaggle_notebooks, kaggle_stand_in
    from labreport.executors.kaggle import job_chain, notebook_log

    monkeypatch.setattr(job_chain, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(job_chain, "FULL_SECONDS", 0.2)
    monkeypatch.setattr(notebook_log, "LOOK_SECONDS", 0.05)
    monkeypatch.setenv("KAGGLE_USERNAME", kaggle_stand_in.USER)
    monkeypatch.setenv("KAGGLE_KEY", kaggle_stand_in.KEY)
    found = kaggle_notebooks.Notebooks(tmp_path / "service")
    found.join(service)
    yield found
    found.close()


@pytest.fixture
def machine(tmp_path):
    """A project to set up, on a machine whose interpreters, pip and uv are stand-ins."""
    from helpers.setup_stand_ins import Machine

    return Machine(tmp_path)


@pytest.fixture
def tiny():
    """A data set of 60 images of 32 x 32 pixels in ten classes."""
    from helpers.training import tiny_data

    return tiny_data()


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """The folder with real images: the checkout's data/, or unpacked from test data that lie beside
    the checkout, once for all worker processes of a test run.
    """
    if (ROOT / "data/cifar-10-batches-py/batches.meta").exists():
        return ROOT / "data"
    prepare = ROOT.parent / "shared/data/prepare"
    if not prepare.exists():
        pytest.skip("no real images here: put cifar-10-batches-py/ into data/ to run this test")
    with made_once(tmp_path_factory, "real") as (folder, there):
        if not there:
            subprocess.run(
                [sys.executable, str(prepare), str(folder)], check=True, stdout=subprocess.DEVNULL
            )
    return folder


@pytest.fixture(scope="session")
def real_dogs(tmp_path_factory):
    """A folder with real images of dogs, and weights. Where they lie beside the checkout, no other
    images are unpacked for them.
    """
    names = ("dog-breed-identification", "weights")
    if (ROOT / "data" / names[0]).exists():
        return ROOT / "data"
    beside = ROOT.parent / "shared/data"
    if not (beside / names[0]).exists():
        pytest.skip(f"no real images here: put {names[0]}/ into data/ to run this test")
    folder = tmp_path_factory.mktemp("dogs")
    for name in names:
        (folder / name).symlink_to(beside / name)
    return folder

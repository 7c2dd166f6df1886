"""What the tests share: run folders of their own, a tiny data set, and real images where they are
to be had.
"""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
OUTSIDE = dict(os.environ)  # for what a test may fetch: packages, through their ordinary client
# No test, and no process of one, reaches beyond this machine: the way out leads through a host that
# does not exist.
os.environ.update(
    http_proxy="http://offline.invalid",
    https_proxy="http://offline.invalid",
    no_proxy="127.0.0.1,localhost",
)


@pytest.fixture(scope="session", autouse=True)
def prepared():
    """Threads are pinned before the first tensor of any test."""
    from labreport.training import backend

    backend.prepare()


@pytest.fixture(scope="session")
def sample_pictures(tmp_path_factory):
    """Where drawn sample data are kept, for all tests."""
    return tmp_path_factory.mktemp("samples")


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch, sample_pictures):
    """Run folders and data below the test's own folder; nothing is read from or written to the
    checkout's.
    """
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/samples").symlink_to(sample_pictures)
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("LABREPORT_REPORTS", str(tmp_path / "reports"))
    monkeypatch.setenv("LABREPORT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("LABREPORT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("LABREPORT_DATA_LOCK", str(tmp_path / "data.lock"))
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def service(tmp_path, monkeypatch):
    """A stand-in of Kaggle's service, which the official client of this process and of those that
    it starts talks to; and a home folder without credentials.
    """
    from kagglesdk.kaggle_env import KaggleEnv, _env_to_endpoint

    import kaggle_stand_in

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
def tiny():
    """A data set of 60 images of 32 x 32 pixels in ten classes: dark to bright, so that it can be
    learnt.
    """
    from labreport.datasets import Dataset, Split

    def split(name, count, seed):
        labels = np.arange(count, dtype=np.int32) % 10
        noise = np.random.default_rng(seed).integers(0, 24, (count, 32, 32, 3))
        return Split(
            (labels[:, None, None, None] * 23 + noise).astype(np.uint8),
            labels,
            [f"{name}-{index}" for index in range(count)],
        )

    names = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ]
    return Dataset(
        "cifar10",
        True,
        split("train", 40, 0),
        split("validation", 10, 1),
        split("test", 10, 2),
        names,
    )


@pytest.fixture(scope="session")
def real_data(tmp_path_factory):
    """The folder with real CIFAR-10 images: the checkout's data/, or unpacked from test data that
    lie beside the checkout.
    """
    if (ROOT / "data/cifar-10-batches-py/batches.meta").exists():
        return ROOT / "data"
    prepare = ROOT.parent / "shared/data/prepare"
    if not prepare.exists():
        pytest.skip("no real images here: put cifar-10-batches-py/ into data/ to run this test")
    folder = tmp_path_factory.mktemp("real")
    subprocess.run(
        [sys.executable, str(prepare), str(folder)], check=True, stdout=subprocess.DEVNULL
    )
    return folder

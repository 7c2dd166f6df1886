"""The command that fetches and verifies data sets: data."""

import argparse
import sys

from ..config import experiments
from ..config.schema import nearest
from ..core import paths
from . import options as opt
from .errors import explain
from .output import print
from .reports import loaded


def add_to(commands: opt.Commands) -> None:
    """Add the command of this module."""
    parser = commands.add("data", data)
    parser.add_argument(
        "what", nargs="?", metavar="NAME", help="a data set, such as flowers, or an experiment"
    )
    parser.add_argument(
        "--accept",
        nargs="+",
        default=[],
        metavar="DATASET",
        help="update data.lock to the present files of these data sets",
    )
    opt.add_settings(parser)


def data(options: argparse.Namespace) -> None:
    """Download and verify a data set, the data of an experiment, or all data sets."""
    if options.accept:
        _accept(options)
    else:
        _verify(_experiments(options), opt.settings(options))


def _experiments(options: argparse.Namespace) -> list[str]:
    """Names of experiments whose data are what is asked for; a data set by name is fetched here."""
    from .. import datasets
    from ..datasets import fetching

    known, existing = sorted(datasets.DATASETS), experiments.names()
    if not options.what:
        return existing
    if options.what in known:
        names = _using(options.what)[:1]
        source = datasets.DATASETS[options.what].source
        if options.data == "sample":
            return names
        if source is None or not fetching.fetch(options.what, source, paths.data()):
            print(f"{options.what}: nothing to download", flush=True)
        return names
    if options.what not in existing:
        raise ValueError(
            "there is no data set and no experiment"
            f" {options.what!r}{nearest(options.what, known + existing)}; the data sets are"
            f" {', '.join(known)}"
        )
    return [options.what]


def _using(dataset: str) -> list[str]:
    """Names of the experiments that use a data set. ValueError where there is none."""
    names = [
        name
        for name in experiments.names()
        if (experiment := loaded(name)) and experiment.dataset == dataset
    ]
    if not names:
        raise ValueError(
            f"no file in {paths.display(paths.params())}/ has `dataset: {dataset}`, so its split"
            " is unknown; add one"
        )
    return names


def _accept(options: argparse.Namespace) -> None:
    """Let data.lock say what the data sets hold now; it stays as it was where that fails."""
    from .. import datasets
    from ..datasets import data_lock

    known = sorted(datasets.DATASETS)
    for name in options.accept:
        if name not in known:
            raise ValueError(
                f"--accept {name}: there is no data set {name!r}{nearest(name, known)}; there are"
                f" {', '.join(known)}"
            )
    if options.data == "sample" or options.what or options.set:
        raise ValueError(
            "--accept is for the files of whole data sets; leave out the experiment, --set and"
            " --data sample"
        )
    names = [name for dataset in options.accept for name in _using(dataset)]
    before: dict = {}
    for name in options.accept:
        before |= data_lock.forget(name)
    try:
        _verify(names, {})
    except BaseException:
        data_lock.restore(before)
        raise


def _verify(names: list[str], settings: dict) -> None:
    """Load each different data of these experiments, and print what it holds."""
    from .. import datasets

    different: dict[tuple, experiments.Experiment] = {}
    for name in names:
        experiment = experiments.load(name, settings)
        key = (experiment.dataset, str(experiment.dataset_args))
        different.setdefault(key, experiment)
    missing = []
    for experiment in different.values():
        if experiment.dataset in missing:
            continue
        try:
            dataset = datasets.load(experiment)
        except (ConnectionError, FileNotFoundError) as error:
            if len(different) == 1:
                raise
            missing.append(experiment.dataset)  # it must not hide the others
            print(f"error: {explain(error)}", file=sys.stderr)
            continue
        sizes = ", ".join(f"{len(split):,} {name}" for name, split in dataset.splits.items())
        print(
            f"{dataset.name}{' (sample)' if dataset.sample else ''} as in {experiment.name}:"
            f" {sizes}; sha256 {dataset.fingerprint[:16]}"
        )
    if missing:
        raise FileNotFoundError(f"missing: {', '.join(missing)}")

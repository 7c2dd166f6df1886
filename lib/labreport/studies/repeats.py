"""Runs that differ only in the seed: how far those are apart is what one seed may be worth."""

import json
from pathlib import Path

from ..core import paths
from ..runs import records, results, validation
from .study import Study


def beside(study: Study) -> list[list[Path]]:
    """Those on the data of a study's finished runs, of runs with a record of their images."""
    found = on({_data(run.metrics) for run in study.finished if run.metrics})
    recorded = [
        [folder for folder in folders if (folder / validation.FILE).exists()] for folders in found
    ]
    return [folders for folders in recorded if len(folders) > 1]


def on(data: set[tuple]) -> list[list[Path]]:
    """Folders of finished runs, those together that differ only in the seed: two or more, of each
    seed one.

    Args:
        data: the runs' data (sample or real), data set and max_images.
    """
    found: dict[str, dict[int, Path]] = {}
    for folder in sorted(paths.reports().glob("*/")):
        metrics = records.metrics(folder)
        if metrics is None or _data(metrics) not in data:
            continue
        if records.provenance(folder) and all((folder / file).exists() for file in results.FILES):
            seed = metrics.identity["settings"]["seed"]
            found.setdefault(_without_seed(metrics), {}).setdefault(seed, folder)
    return [[*folders.values()] for folders in found.values() if len(folders) > 1]


def _data(metrics: records.Metrics) -> tuple:
    settings = metrics.identity.get("settings", {})
    return metrics.data, settings.get("dataset"), settings.get("max_images")


def _without_seed(metrics: records.Metrics) -> str:
    """What decides a training, but for its seed, as text."""
    identity = metrics.identity
    settings = {key: value for key, value in identity["settings"].items() if key != "seed"}
    # with a split of its own a run has other data, which count by themselves
    arguments = dict(settings.get("dataset_args", {}))
    arguments.pop("split_seed", None)
    return json.dumps(
        identity | {"settings": settings | {"dataset_args": arguments}}, sort_keys=True
    )

"""How large models are, in bytes: a plan asks, and a status from another shell.

A model has to be built for that, which takes seconds and memory. Its size is kept in the cache
folder, with the code and the versions that it was measured with.
"""

import concurrent.futures
import contextlib
import gc
import hashlib
import json
import math
import multiprocessing
import os
import sys
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from ..config.experiments import Experiment
from ..core import files, paths
from ..runs import provenance
from ..staleness import code_digest

FOLDER = "model-sizes"  # in the cache folder


@dataclass(frozen=True)
class Size:
    """Bytes of a model's weights, and of those that are trained; of what it keeps of one image
    while it trains; of its largest output; of an image's features, where they are computed once
    (else 0). passing: how many images pass through it at once where it is evaluated, or where
    features are computed.
    """

    weights: float
    trained: float
    activations: float
    largest: float
    features: float
    passing: int


def of(experiments: list[Experiment], context=None) -> dict[str, Size]:
    """The sizes of the models of experiments, by their run names.

    A process apart builds those that are not known: this one may live all night, and shall hold
    neither TensorFlow nor a GPU.

    Args:
        context: of multiprocessing, how that process is started.

    Raises:
        ValueError: a model cannot be built.
    """
    if not experiments:
        return {}
    made_from = {"code": code_digest.whole()} | provenance.versions("keras", "tensorflow", "jax")
    models = {_file(experiment): experiment for experiment in experiments}
    sizes = {file: size for file in models if (size := _known(file, made_from))}
    built = _built({file: models[file] for file in models if file not in sizes}, context)
    for file, size in built.items():
        with contextlib.suppress(OSError):  # a read-only or full disk: it is built each time
            file.parent.mkdir(parents=True, exist_ok=True)
            files.write_json(file, {"made_from": made_from, "size": asdict(size)})
    sizes |= built
    return {experiment.run_name: sizes[_file(experiment)] for experiment in experiments}


def _file(experiment: Experiment) -> Path:
    """Where the size of an experiment's model is kept; experiments of one model share it."""
    decisive = ("model", "model_args", "dataset", "dataset_args", "augmentation")
    text = json.dumps([getattr(experiment, name) for name in decisive])
    digest = hashlib.sha256(text.encode()).hexdigest()[:20]
    return paths.cache() / FOLDER / f"{experiment.model}-{digest}.json"


def _known(file: Path, made_from: dict) -> Size | None:
    """None where there is no size that was measured with this code, or the file is damaged."""
    record = files.read_json(file)
    if not isinstance(record, dict) or record.get("made_from") != made_from:
        return None
    size = record.get("size")
    names = {field.name for field in fields(Size)}
    if not isinstance(size, dict) or set(size) != names:
        return None
    if not all(type(value) in (int, float) for value in size.values()):
        return None
    return Size(**size)


def _built(models: dict[Path, Experiment], context) -> dict[Path, Size]:
    from .. import datasets

    if not models:
        return {}
    shapes = [datasets.shape(experiment) for experiment in models.values()]
    with concurrent.futures.ProcessPoolExecutor(
        1, context or multiprocessing.get_context("spawn"), initializer=_without_gpu_and_greetings
    ) as pool:
        try:
            sizes = list(pool.map(measured, models.values(), shapes))
        except concurrent.futures.process.BrokenProcessPool:
            raise ValueError(
                "the process that builds the models of the runs was killed: probably one of them"
                " needs more memory than is free"
            ) from None
    return dict(zip(models, sizes, strict=True))


def _without_gpu_and_greetings() -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    # Python's own errors are seen, TensorFlow's greetings are not.
    sys.stderr = os.fdopen(os.dup(2), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def measured(experiment: Experiment, shape: tuple) -> Size:
    """The size of an experiment's model, which is built.

    Args:
        shape: of an image, and the number of classes.
    """
    from .. import models
    from ..training import augmentation, batches, features

    random = replace(
        experiment,
        model_args=experiment.model_args
        | ({"weights": "random"} if "weights" in experiment.model_args else {}),
    )
    model = models.build(random, *shape)
    augment = augmentation.build(experiment)
    parts = models.frozen_part(model) if features.applicable(augment) else None
    trained, views = parts[1] if parts else model, 1 if augment is None else 2
    whole, learning = _bytes_of_outputs(model), _bytes_of_outputs(trained)
    # What is frozen before the first layer that learns is passed through: no gradient goes there.
    first = next((place for place, (_, learns) in enumerate(learning) if learns), 0)
    size = Size(
        weights=4.0 * models.parameters(model)[0],
        trained=4.0 * models.parameters(trained)[1],
        activations=2 * sum(size for size, _ in learning[first:]),  # each with its gradient
        largest=max(size for size, _ in whole),
        features=4.0 * views * math.prod(parts[0].output.shape[1:]) if parts else 0.0,
        passing=features.CHUNK if parts else batches.evaluation_batch(shape[0]),
    )
    del model, trained, parts
    gc.collect()  # a Keras model refers to itself, and the large ones take half a gigabyte
    return size


def _bytes_of_outputs(layer) -> list[tuple[float, bool]]:
    """Bytes of each output of a layer, or of a model's layers; and whether the layer learns."""
    parts = [part for inner in getattr(layer, "layers", []) for part in _bytes_of_outputs(inner)]
    outputs = layer.output if isinstance(layer.output, (list, tuple)) else [layer.output]
    learns = bool(layer.trainable_weights)
    return parts or [(4.0 * math.prod(output.shape[1:]), learns) for output in outputs]

"""What a training is made from, in parts, so that it can be told what is different: settings, data, source, versions, weights."""

import ast
import os
from pathlib import Path

from . import choices, experiments, pretrained, provenance
from .provenance import PACKAGE, sha256

BACKENDS = ("tensorflow", "jax")
# A change in one of these trains again; the model's own module comes on top.
TRAINING_SOURCE = ("training.py", "batches.py", "stopping.py", "features.py", "backend.py", "augmentation.py", "optimizers.py", "losses.py")


def of(experiment, fingerprint: str) -> dict:
    """Everything that decides what is trained, in parts, so that a difference can be named: settings, data, source, versions, and
    where there are any the pretrained weights and the identity of the experiment it starts from.

    Two runs of equal identity end with the same numbers (on one kind of device with one number of threads).
    """
    model = choices.of("model")[experiment.model]
    sources = [PACKAGE / name for name in TRAINING_SOURCE] + _with_siblings(model.source)
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise ValueError(f"KERAS_BACKEND is {backend!r}; labreport runs on {' and '.join(BACKENDS)}")
    identity = {"settings": experiment.training_settings(), "data": fingerprint, "source": _digests(sources) | {f"model {experiment.model}": model.function},
                "versions": {"backend": backend} | provenance.versions(backend, "keras", "numpy", "opencv-python")}
    weights = pretrained.fingerprint(experiment.model_args, experiment.dataset_args.get("image_size"))
    base = experiments.base(experiment)
    return identity | ({"weights": weights} if weights else {}) | ({"starts_from": of(base, fingerprint)} if base else {})


def source_of(*patterns: str) -> dict[str, str]:
    """sha256 of the package's source files that match the patterns, by their path in the package."""
    return _digests(sorted({file for pattern in patterns for file in PACKAGE.glob(pattern) if file.suffix != ".pyc"}))


def differences(before: dict, now: dict) -> list[str]:
    """In words, what is different between two identities: `epochs: 3, now 5`, `models/cifar10.py changed`."""
    earlier, later = experiments.flatten(before.get("settings", {})), experiments.flatten(now.get("settings", {}))
    found = [f"{key}: {earlier.get(key)}, now {later.get(key)}" for key in earlier | later if earlier.get(key) != later.get(key)]
    if before.get("data") != now.get("data"):
        found.append("the data changed")
    if before.get("weights") != now.get("weights"):
        found.append(f"pretrained weights: {(before.get('weights') or {}).get('file')}, now {(now.get('weights') or {}).get('file')}, of other content")
    if before.get("starts_from") or now.get("starts_from"):
        found += [f"{now['settings'].get('starts_from')}: {reason}" for reason in differences(before.get("starts_from") or {}, now.get("starts_from") or {})]
    found += [f"{name} changed" for name in sorted(before.get("source", {}).keys() | now.get("source", {}).keys())
              if before.get("source", {}).get(name) != now.get("source", {}).get(name)]
    found += [f"{name}: {before.get('versions', {}).get(name)}, now {now['versions'][name]}" for name in sorted(now.get("versions", {}))
              if before.get("versions", {}).get(name) != now["versions"][name]]
    return found


def _with_siblings(module: Path) -> list[Path]:
    """A model's module and the modules beside it that it imports, since they make the model too."""
    found, waiting = [], [module]
    while waiting:
        file = waiting.pop()
        found.append(file)
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 1:
                names = [node.module.split(".")[0]] if node.module else [alias.name for alias in node.names]
                waiting += [path for path in (file.with_name(f"{name}.py") for name in names) if path.is_file() and path not in found + waiting]
    return found


def _digests(files) -> dict[str, str]:
    return {file.relative_to(PACKAGE).as_posix(): sha256(file) for file in files if file.is_file()}

"""What a training is made from, in parts, so that it can be told what is different: settings, data, source, versions, weights."""

import os

from . import experiments, hosts, pretrained, provenance, sources
from .plain_types import printable
from .wording import say

BACKENDS = ("tensorflow", "jax")
# A change in one of these trains again; what the model's function uses comes on top.
TRAINING_SOURCE = ("training.py", "batches.py", "stopping.py", "features.py", "backend.py", "augmentation.py", "optimizers.py", "losses.py")


def of(experiment, fingerprint: str) -> dict:
    """Everything that decides what is trained, in parts, so that a difference can be named: settings, data, source, versions, and
    where there are any the pretrained weights and the identity of the experiment it starts from.

    Two runs of equal identity end with the same numbers (on one kind of device with one number of threads). host: Colab or Kaggle, where it is one of them.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise ValueError(f"KERAS_BACKEND is {backend!r}; labreport runs on {' and '.join(BACKENDS)}")
    identity = {"settings": experiment.training_settings(), "data": fingerprint, "source": sources.matching(*TRAINING_SOURCE) | sources.of_model(experiment.model),
                "versions": {"backend": backend} | provenance.versions(backend, "keras", "numpy", "opencv-python")} | of_host()
    weights = pretrained.fingerprint(experiment.model_args, experiment.dataset_args.get("image_size"))
    base = experiments.base(experiment)
    return identity | ({"weights": weights} if weights else {}) | ({"starts_from": of(base, fingerprint)} if base else {})


def of_host() -> dict:
    """The host of a notebook, where it is Colab or Kaggle."""
    return {} if hosts.here() == "home" else {"host": hosts.here()}


def differences(before: dict, now: dict, everywhere: bool = False) -> list[str]:
    """In words, what is different between two identities: `epochs: 3, now 5`, `models/cifar10.py changed`.

    A run that was made on Kaggle is not made again because the packages there are others than here, nor because its pretrained weights are not here: these count
    between runs of one host only, unless `everywhere`.
    """
    elsewhere = before.get("host") != now.get("host") and not everywhere
    earlier, later = experiments.flatten(before.get("settings", {})), experiments.flatten(now.get("settings", {}))
    found = [say("{key}: {before}, now {now}", key=key, before=earlier.get(key), now=later.get(key)) for key in earlier | later if earlier.get(key) != later.get(key)]
    if before.get("data") != now.get("data"):
        found.append(say("the data changed"))
    if before.get("weights") != now.get("weights") and not (elsewhere and (now.get("weights") or {}).get("file") is None):
        found.append(say("pretrained weights: {before}, now {now}, of other content", before=(before.get("weights") or {}).get("file"), now=(now.get("weights") or {}).get("file")))
    if before.get("starts_from") or now.get("starts_from"):
        found += [f"{now['settings'].get('starts_from')}: {reason}" for reason in differences(before.get("starts_from") or {}, now.get("starts_from") or {}, everywhere)]
    found += [say("{name} changed", name=name) for name in sorted(before.get("source", {}).keys() | now.get("source", {}).keys())
              if before.get("source", {}).get(name) != now.get("source", {}).get(name)]
    versions = {} if elsewhere else now.get("versions", {})
    found += [say("{key}: {before}, now {now}", key=name, before=before.get("versions", {}).get(name), now=versions[name]) for name in sorted(versions)
              if before.get("versions", {}).get(name) != versions[name]]
    return [printable(reason) for reason in found]  # what a run was made from may come from another machine

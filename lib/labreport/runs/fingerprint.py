"""What a training is made from, in parts, so that it can be told what is different: settings, data,
code, versions, weights.
"""

import os

from ..config import experiments, pretrained
from ..core import host
from ..core.i18n import _, listed
from ..core.text import printable
from ..staleness import code_digest
from ..staleness import rules as staleness
from . import provenance

BACKENDS = ("tensorflow", "jax")


def of(experiment, fingerprint: str, imported: bool = False) -> dict:
    """Everything that decides what is trained, in parts, so that a difference can be named:
    settings, data, code, versions, and where there are any the pretrained weights and the identity
    of the experiment it starts from.

    Two runs of equal identity end with the same numbers (on one kind of device with one number of
    threads). host: Colab or Kaggle, where it is one of them. imported: the code is that which this
    process imported, and not what lies on the disk now.
    """
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"
    if backend not in BACKENDS:
        raise ValueError(
            f"KERAS_BACKEND is {backend!r}; labreport runs on {' and '.join(BACKENDS)}"
        )
    identity = {
        "settings": experiment.training_settings(),
        "data": fingerprint,
        "code": staleness.training(experiment, imported),
        "versions": (
            {"backend": backend} | provenance.versions(backend, "keras", "numpy", "opencv-python")
        ),
    } | of_host()
    weights = pretrained.fingerprint(
        experiment.model_args,
        experiment.dataset_args.get("image_size"),
    )
    base = experiments.base(experiment)
    return (
        identity
        | ({"weights": weights} if weights else {})
        | ({"starts_from": of(base, fingerprint, imported)} if base else {})
    )


def refuse_edited_source(experiment) -> None:
    """Raise ValueError where a file that decides the numbers of a training was edited after this
    process imported it.

    The process would train the code that it has in memory, and a person would take it for the
    edited one. A comment or a new docstring changes nothing.
    """
    for one in filter(None, (experiment, experiments.base(experiment))):
        imported, on_disk = (
            [staleness.training(one, place), staleness.dataset(one, place)]
            for place in (True, False)
        )
        if imported != on_disk:
            edited = code_digest.changed_since_import(staleness.training_modules(one))
            changed = (
                f"{listed(edited)} changed after it was imported"
                if len(edited) == 1
                else f"{listed(edited)} changed after they were imported"
            )
            raise ValueError(
                f"restart the kernel: {changed}; nothing was trained, and finished runs are kept"
            )


def of_host() -> dict:
    """The host of a notebook, where it is Colab or Kaggle."""
    return {} if host.here() == "home" else {"host": host.here()}


def differences(before: dict, now: dict, everywhere: bool = False) -> list[str]:
    """In words, what is different between two identities: `epochs: 3, now 5`, `models.cifar10.naive
    changed`.

    A run that was made on Kaggle is not made again because the packages there are others than here,
    nor because its pretrained weights are not here: these count between runs of one host only,
    unless `everywhere`.
    """
    if "source" in before:
        return [
            _(
                "made by an earlier version of labreport, whose record of the code cannot be"
                " compared with the current one"
            )
        ]
    elsewhere = before.get("host") != now.get("host") and not everywhere
    earlier, later = (
        experiments.flatten(before.get("settings", {})),
        experiments.flatten(now.get("settings", {})),
    )
    found = [
        _("{key}: {before}, now {now}", key=key, before=earlier.get(key), now=later.get(key))
        for key in earlier | later
        if earlier.get(key) != later.get(key)
    ]
    if before.get("data") != now.get("data"):
        found.append(_("the data changed"))
    if before.get("weights") != now.get("weights") and not (
        elsewhere and (now.get("weights") or {}).get("file") is None
    ):
        found.append(
            _(
                "pretrained weights: {before}, now {now} with different content",
                before=(before.get("weights") or {}).get("file"),
                now=(now.get("weights") or {}).get("file"),
            )
        )
    if before.get("starts_from") or now.get("starts_from"):
        found += [
            f"{now['settings'].get('starts_from')}: {reason}"
            for reason in differences(
                before.get("starts_from") or {}, now.get("starts_from") or {}, everywhere
            )
        ]
    found += [
        _("{name} changed", name=name)
        for name in _changed(before.get("code", {}), now.get("code", {}), explained=bool(found))
    ]
    versions = {} if elsewhere else now.get("versions", {})
    found += [
        _(
            "{key}: {before}, now {now}",
            key=name,
            before=before.get("versions", {}).get(name),
            now=versions[name],
        )
        for name in sorted(versions)
        if before.get("versions", {}).get(name) != versions[name]
    ]
    # what a run was made from may come from another machine
    return [printable(reason) for reason in found]


def _changed(before: dict[str, str], now: dict[str, str], explained: bool) -> list[str]:
    """Names of what has another digest than anything before.

    What only has another name is the same.

    Where nothing has one, names of what is gone or has changed places. explained: another
    difference is known, which may be the reason; then there are none.
    """
    new = [name for name, digest in now.items() if digest not in before.values()]
    if new or explained or list(before.values()) == list(now.values()):
        return sorted(new)
    gone = [name for name, digest in before.items() if digest not in now.values()]
    return sorted(gone or [name for name in now if before.get(name) != now[name]])

"""Where the ImageNet weights of a backbone lie: in the data folder, or in Keras's own cache."""

import functools
import hashlib
import os
import re
from pathlib import Path

from ..core import paths
from ..core.i18n import _

BACKBONES = ("mobilenet_v2", "inception_v3")
# Released widths and image sides of MobileNetV2; InceptionV3 has one file.
ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
SIDES = (96, 128, 160, 192, 224)


def check(model_args: dict) -> None:
    """ValueError where backbone, alpha and weights name nothing that exists."""
    backbone, alpha, weights = (model_args[key] for key in ("backbone", "alpha", "weights"))
    if backbone not in BACKBONES:
        raise ValueError(
            f"model_args.backbone must be one of {', '.join(BACKBONES)}, got {backbone!r}"
        )
    if weights not in ("imagenet", "random"):
        raise ValueError(f"model_args.weights must be imagenet or random, got {weights!r}")
    if backbone == "inception_v3" and alpha != 1:
        raise ValueError(
            "model_args.alpha is the width of mobilenet_v2; inception_v3 has only one width:"
            f" write 1.0, got {alpha}"
        )
    if alpha <= 0:
        raise ValueError(f"model_args.alpha must be above 0, got {alpha}")
    if weights == "imagenet" and alpha not in ALPHAS:
        raise ValueError(
            f"model_args.alpha must be one of {', '.join(map(str, ALPHAS))} with weights imagenet,"
            f" got {alpha}"
        )


def folder() -> Path:
    """Where weights are put by hand."""
    return paths.data() / "weights"


def file_name(model_args: dict, image_side: int | None) -> str:
    """The file that Keras would download for square images of this side in pixels; 224 stands in
    for sides that were not released.
    """
    check(model_args)
    if model_args["backbone"] == "inception_v3":
        return "inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5"
    side = image_side if image_side in SIDES else 224
    return (
        "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_"
        f"{float(model_args['alpha'])}_{side}_no_top.h5"
    )


def find(model_args: dict, image_side: int | None) -> Path | None:
    """The backbone's weights without its classifier: by name in the data folder, else of any image
    side there, else from Keras's cache.

    All sides fit, since the weights of convolutions do not depend on the image's side. Among them
    released files come before others (`..._approximate.h5`), then the nearest side. A file of
    another alpha is never taken.
    """
    name = file_name(model_args, image_side)
    if (folder() / name).is_file():
        return folder() / name
    others = sorted(
        (rank, path)
        for path in folder().glob("*.h5")
        if path.is_file() and (rank := _rank(path.name, model_args, image_side)) is not None
    )
    if others:
        return others[0][1]
    cached = keras_cache() / name
    return cached if cached.is_file() else None


def fingerprint(model_args: dict, image_side: int | None) -> dict:
    """What is known of the weights a model starts from: {} where they are random, else file name
    and sha256; file None where there is none yet.
    """
    if model_args.get("weights", "random") == "random":
        return {}
    path = find(model_args, image_side)
    if path is None:
        return {"file": None}
    state = path.stat()
    return {"file": path.name, "sha256": _sha256(path, state.st_size, state.st_mtime_ns)}


def remark(model_args: dict, image_side: int | None) -> str | None:
    """What a reader must know of the weights a model starts from: that they are random, or not from
    a file as Keras releases it; else None.
    """
    if "weights" not in model_args:
        return None
    if model_args["weights"] == "random":
        return _("The pretrained part starts from random weights, as requested (weights = random).")
    path = find(model_args, image_side)
    if path is None or any(
        path.name == file_name(model_args, side) for side in (image_side, *SIDES)
    ):
        return None
    return _(
        "The pretrained part starts from {file}, which is not a file released by Keras. Its"
        " weights may differ from the released ones.",
        file=path.name,
    )


def keras_cache() -> Path:
    """The folder that Keras downloads weights into, found by its own rule (importing it takes four
    seconds).
    """
    home = Path.home() if os.access(Path.home(), os.W_OK) else Path("/tmp")
    return Path(os.environ.get("KERAS_HOME") or home / ".keras").expanduser() / "models"


def _rank(name: str, model_args: dict, image_side: int | None) -> tuple | None:
    """Smaller is better, None is unfit."""
    if model_args["backbone"] == "inception_v3":
        fits = re.fullmatch(r"inception_v3_.*no_?top(?P<rest>.*)\.h5", name)
        return (fits["rest"] != "", 0) if fits else None
    fits = re.fullmatch(
        r"mobilenet_v2_(?:.*_)?(?P<alpha>\d+(?:\.\d+)?)_(?P<side>\d+)_no_?top(?P<rest>.*)\.h5", name
    )
    if not fits or float(fits["alpha"]) != model_args["alpha"]:
        return None
    return fits["rest"] != "", abs(int(fits["side"]) - (image_side or 224))


@functools.cache
def _sha256(path: Path, size: int, modified: int) -> str:
    """size and modified are there for the cache: a file that changed is read again."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()

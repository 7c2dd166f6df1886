"""The command that classifies images of a person's own: predict."""

import argparse
import contextlib
import glob
import json
import os
import shlex
import sys
from pathlib import Path

from ..config import experiments
from ..core import files, i18n, paths
from ..core.i18n import count
from ..runs import records, results
from . import options as opt
from .output import print, print_table

FOLDER = "own-images"  # in the run folder; no part of the run
TABLE, PICTURE = "predictions.csv", "predictions.png"


def add_to(commands: opt.Commands) -> None:
    """Add the command of this module."""
    parser = commands.add("predict", predict)
    opt.add_experiment(parser)
    images = parser.add_argument(
        "images",
        nargs="+",
        default=[],
        metavar="IMAGE",
        help="an image file, or a folder of them (without its sub-folders)",
    )
    images.required = False  # --set may have taken them, as `predict` knows
    parser.add_argument(
        "--output",
        metavar="FOLDER",
        help=f"where {TABLE} and {PICTURE} are written (default: {FOLDER}/ in the run folder)",
    )
    parser.add_argument(
        "--language",
        choices=i18n.LANGUAGES,
        help="language of the picture (default: report.yaml's, else en)",
    )
    opt.add_settings(parser)


def predict(options: argparse.Namespace) -> int:
    """Classify images of your own with the network of a finished run; the data set is not needed.
    --data and --set name the run, as they did for `report`.
    """
    # Behind --set stand as many words as there are, the images too.
    images = options.images + [word for word in options.set if "=" not in word]
    options.set = [word for word in options.set if "=" in word]
    run = opt.one_experiment(options)
    if not images:
        raise ValueError(f"name image files, or a folder of them: predict {run.name} photo.jpg")
    _refuse_unfinished(run)
    given = _words(images)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from ..analysis import commentary, prediction
    from ..training import trained_model

    found = prediction.of(trained_model.load(run.folder), given, base=Path.cwd())
    for name, remark in found.remarks:
        print(f"{name}: {remark}", file=sys.stderr)
    for name, reason in found.failures:
        print(f"not read: {name}: {reason}", file=sys.stderr)
    if not found.names:
        raise ValueError("no image to classify: name image files, or a folder that holds some")
    folder = Path(options.output).expanduser() if options.output else run.folder / FOLDER
    # A run folder that was deleted meanwhile is not made anew.
    folder.mkdir(parents=bool(options.output), exist_ok=True)
    rows = prediction.likeliest(found)
    print_table([tuple(rows.columns), *rows.itertuples(index=False, name=None)])
    print(" ".join(commentary.what_a_probability_is(found)))
    results.write_csv(prediction.table(found), folder / TABLE)
    _draw(run, found, options.language, folder / PICTURE)
    shown = len(found.seen)
    part = f" (the first {shown} of {count(len(found.names), 'image')})"
    print(
        f"{paths.display(folder / TABLE)}, {paths.display(folder / PICTURE)}"
        + (part if shown < len(found.names) else "")
    )
    if found.failures:
        print(f"{count(len(found.failures), 'file')} not read", file=sys.stderr)
    return 1 if found.failures else 0


def _refuse_unfinished(run: experiments.Experiment) -> None:
    """FileNotFoundError, which says what to run, where a run has no network yet."""
    if records.metrics(run.folder) is None or not (run.folder / results.MODEL).exists():
        raise FileNotFoundError(
            f"{run.run_name} has no finished run in {paths.display(run.folder)}; train it first:"
            f" python pipeline.py report {run.name}{_settings(run)}"
        )


def _settings(run: experiments.Experiment) -> str:
    """The options that name a run."""
    changes = {key: value for key, value in run.changes.items() if key != "data"}
    words = [shlex.quote(f"{key}={json.dumps(value)}") for key, value in changes.items()]
    return (" --data sample" if run.data == "sample" else "") + (
        f" --set {' '.join(words)}" if words else ""
    )


def _words(given: list[str]) -> list[str]:
    """The paths that were given; several in one word, as make hands them on, are taken apart as a
    shell would, if there is nothing of that name.
    """
    apart: list[str] = []
    for word in given:
        parts = [word]
        if not os.path.lexists(os.path.expanduser(word)):
            with contextlib.suppress(ValueError):  # a quotation mark without its other half
                parts = shlex.split(word)
        several = any(_leads_somewhere(part) for part in parts)
        apart += parts if several else [word]
    return apart


def _leads_somewhere(path: str) -> bool:
    path = os.path.expanduser(path)
    return os.path.lexists(path) or (glob.has_magic(path) and bool(glob.glob(path)))


def _draw(run: experiments.Experiment, found, language: str, path: Path) -> None:
    """Write the picture, in a language."""
    import matplotlib

    from ..analysis import commentary, figures, prediction
    from ..analysis.figures.style import STYLE

    with i18n.speaking(language), matplotlib.rc_context(STYLE):
        origin = f"{run.run_name}, {i18n.date(found.metrics.finished)}."
        note = " ".join([origin, *commentary.what_a_probability_is(found)])
        picture = figures.predicted_images(prediction.panels(found), note)
        described = {"Description": f"{picture.alt} {picture.caption}"}
        files.replace(
            path,
            lambda temporary: picture.figure.savefig(temporary, dpi=160, metadata=described),
        )

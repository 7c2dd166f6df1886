"""What a finished training left behind: history, metrics and predictions, on disk and in memory."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..core import files, i18n, paths
from ..core.i18n import N_, _, count, date, duration, listed, number
from . import manifest, records, state, validation
from .records import METRICS, PROVENANCE, VERIFICATION

if TYPE_CHECKING:  # the command line asks what is finished, and does without them
    import numpy as np
    import pandas as pd

HISTORY = "history.csv"
PREDICTIONS = "predictions.csv"
MODEL = "model.keras"
SUBMISSION = "submission.csv"  # only where a competition's unlabelled images were there
SOMETIMES = (SUBMISSION, validation.FILE)  # runs of earlier versions have no validation.npz
FILES = (HISTORY, PREDICTIONS, MODEL, PROVENANCE, METRICS)
# The notebook and the reports come after the training.
NOTEBOOK = re.compile(rf"notebook(\.({'|'.join(i18n.LANGUAGES)}))?\.ipynb")
REPORT = re.compile(rf"report(\.({'|'.join(i18n.LANGUAGES)}))?\.[a-z0-9]+")
PUBLISHED_COLUMNS = ("epoch", "accuracy", "loss", "val_accuracy", "val_loss")
HOSTS = {"colab": "Google Colab", "kaggle": "Kaggle"}
# with other values of these a run is still to be looked at beside the published one
NEAR = {"seed", "epochs", "max_images"}


@dataclass(frozen=True)
class Result:
    """One finished training.

    history: a row an epoch, the first column `epoch` counting from 1, then Keras's names (accuracy,
    loss, val_accuracy, val_loss). metrics: what metrics.json holds. predictions: the evaluated
    split (test, or validation where there is no test), a row an image: id, label, predicted, and
    one probability column a class, named as the class; None where only a report is left.
    provenance: what it was made from and ran on, in which sessions. verification: what came of
    repeating it, None where nobody has. validation: what each epoch made of each validation image,
    None where the run kept no record of it.
    """

    history: pd.DataFrame
    metrics: records.Metrics
    predictions: pd.DataFrame | None
    provenance: records.Provenance
    verification: dict | None = None
    validation: validation.Validation | None = None

    @property
    def seconds(self) -> float:
        """How long the training took."""
        return self.metrics.seconds

    @property
    def evaluated(self) -> str:
        """The split that was evaluated: test, or validation where there is no test split."""
        return self.metrics.evaluated_split

    @property
    def class_names(self) -> list[str]:
        """In label order."""
        return self.metrics.dataset.class_names

    @property
    def labels(self) -> np.ndarray:
        """True class of each evaluated image as a number, (N,)."""
        return self._numbers("label")

    @property
    def predicted(self) -> np.ndarray:
        """Most probable class of each evaluated image as a number, (N,)."""
        return self._numbers("predicted")

    @property
    def probabilities(self) -> np.ndarray:
        """Of each evaluated image and class, (N, K)."""
        return self.predictions[self.class_names].to_numpy()  # type: ignore[index]

    def _numbers(self, column: str) -> np.ndarray:
        number = {name: index for index, name in enumerate(self.class_names)}
        return self.predictions[column].map(number).to_numpy()  # type: ignore[index]


def finished(folder: Path) -> records.Metrics | None:
    """The metrics of a finished training in this folder, or None."""
    metrics = records.metrics(folder)
    return metrics if metrics and all((folder / name).exists() for name in FILES) else None


def load(folder: Path) -> Result:
    """Read a finished training back; FileNotFoundError where there is none."""
    metrics = finished(folder)
    if metrics is None:
        raise FileNotFoundError(
            f"{folder} holds no finished training ({METRICS} is missing); run the experiment first"
        )
    verification, provenance = records.verification(folder), records.provenance(folder)
    if provenance is None:
        raise ValueError(
            f"{paths.display(folder / PROVENANCE)} is damaged; restore it, or delete {METRICS}"
            " beside it and run the experiment again"
        )
    if verification and verification["of"] != metrics.finished:
        # of the run that was here before
        verification = None
    return Result(
        read_table(folder / HISTORY),
        metrics,
        read_table(folder / PREDICTIONS, text=("id", "label", "predicted")),
        provenance,
        verification,
        validation.load(folder),
    )


def published_file(experiment) -> Path:
    """Where the published log of an experiment lies, if there is one."""
    return paths.params() / "published" / f"{experiment.name}.csv"


def published_history(experiment) -> tuple[pd.DataFrame | None, int | None]:
    """The published log of an experiment, epoch by epoch, as far as this run may go, and how many
    epochs it has; None where there is none, or where the run is of another kind.
    """
    file = published_file(experiment)
    if experiment.data == "sample" or not experiment.changes.keys() <= NEAR or not file.exists():
        return None, None
    whole = read_table(file)
    lacking = [column for column in PUBLISHED_COLUMNS if column not in whole]
    if lacking:
        raise ValueError(
            f"{paths.display(file)} lacks the column {lacking[0]}; a published log has"
            f" {', '.join(PUBLISHED_COLUMNS)}"
        )
    return whole.head(experiment.epochs), len(whole)


def read_table(source, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """A CSV table as it was written: pandas's own reading of numbers loses the last bit in some
    versions. source: path or open file; text: columns that hold no numbers.
    """
    import pandas as pd

    try:
        table = pd.read_csv(source, dtype=str, keep_default_na=False)
        return table.astype(
            {column: int if column == "epoch" else float for column in table if column not in text}
        )
    except (ValueError, OverflowError, IsADirectoryError) as error:
        named = (
            f"{paths.display(source)} is not a table of numbers"
            if isinstance(source, Path)
            else "not a table of numbers"
        )
        raise ValueError(f"{named} ({error}); restore it") from None


def prediction_table(split, probabilities: np.ndarray, class_names: list[str]) -> pd.DataFrame:
    """The predictions of a split as a table. probabilities: (N, K)."""
    import numpy as np
    import pandas as pd

    names = np.array(class_names)
    table = pd.DataFrame(
        {
            "id": split.ids,
            "label": names[split.labels],
            "predicted": names[probabilities.argmax(axis=1)],
        }
    )
    return pd.concat([table, pd.DataFrame(probabilities, columns=class_names)], axis=1)


def submission_table(split, probabilities: np.ndarray, class_names: list[str]) -> pd.DataFrame:
    """A competition's answer: id and one probability column a class, each row summing to 1.
    probabilities: (N, K).
    """
    import pandas as pd

    exact = probabilities.astype("float64")
    return pd.concat(
        [
            pd.DataFrame({"id": split.ids}),
            pd.DataFrame(exact / exact.sum(axis=1, keepdims=True), columns=class_names),
        ],
        axis=1,
    )


def is_of_a_run(name: str) -> bool:
    """Whether a file of this name is among those that a run leaves to a reader."""
    return (
        name in (*FILES, *SOMETIMES, VERIFICATION, manifest.FILE, "log.txt", "made_from.json")
        or NOTEBOOK.fullmatch(name) is not None
        or REPORT.fullmatch(name) is not None
    )


def files_of_a_run(folder: Path) -> list[Path]:
    """The files in a run folder that a run leaves to a reader; none where there is no folder."""
    files = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in files if path.is_file() and is_of_a_run(path.name))


def publish(unfinished: Path, folder: Path, more: tuple[str, ...] = ()) -> None:
    """Move a complete training into place, the one before into `earlier/`; stopped half-way, the
    next call goes on. metrics.json comes last.

    more: other files to be moved, such as an executed notebook.
    """
    files.refuse_deleted(folder)
    _keep_earlier(folder)
    (folder / METRICS).unlink(missing_ok=True)
    if (unfinished / HISTORY).exists():
        # nothing has moved yet, so what answer there is is an earlier run's
        for name in (*SOMETIMES, VERIFICATION):
            (folder / name).unlink(missing_ok=True)
        if not (unfinished / manifest.FILE).exists():
            manifest.start(folder, unfinished)
    for name in (HISTORY, *SOMETIMES, *more, *FILES):
        if (unfinished / name).exists():
            (unfinished / name).replace(folder / name)
    files.bring_to_disk(folder)
    shutil.rmtree(unfinished)


def _keep_earlier(folder: Path) -> None:
    """Give the files of the finished run in a folder, reports included, a second name in
    `earlier/<when it was finished>/`.
    """
    if not (folder / METRICS).exists():
        return
    metrics = records.metrics(folder)
    kept = (
        folder
        / state.EARLIER
        / (
            metrics.finished[:19].replace(":", "-")
            if metrics
            else f"{files.now()[:19].replace(':', '-')}-damaged"
        )
    )
    if metrics and records.metrics(kept) == metrics:  # stopped after this step
        return
    kept = files.free(kept)
    making = kept.with_name(f".{kept.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for path in files_of_a_run(folder):
        try:
            (making / path.name).hardlink_to(path)
        except OSError:  # a file system without second names
            shutil.copy2(path, making / path.name)
    making.rename(kept)


def provenance_table(result: Result) -> list[dict]:
    """What a result was made from and ran on, as rows of an item and its value."""
    origin, last = result.provenance, result.provenance.last
    main = ", ".join(f"{name} {version}" for name, version in origin.versions.items())
    others = len(set(origin.imported) - set(origin.versions))
    checkout = last.checkout
    changes = (
        _(
            ", with changes in {files}: {named}",
            files=count(len(checkout.changes), "file"),
            named=listed(checkout.changes, 20),
        )
        if checkout.changes
        else (_(", as packed into an archive") if checkout.packed else _(", without changes"))
    )
    rows = {
        _("Verified"): result.verification and _verified(result.verification),
        _("Started"): date(origin.sessions[0].started),
        _("Finished"): date(result.metrics.finished),
        _("Computing time"): duration(result.seconds),
        _("Peak memory"): (
            f"{number(max(s.peak_memory_bytes for s in origin.sessions) / 2**30, 1)} GiB"
        ),
        _("Sessions"): _sessions(origin.sessions),
        _("Commit"): (
            checkout.commit + changes
            if checkout.commit
            else _("unknown: {error}", error=checkout.error)
        ),
        _("Versions"): f"Python {last.python}, {main}",
        _("Other packages"): _(
            "{packages}; their versions and the sums of the lock files are in {file}, which the PDF"
            " carries",
            packages=count(others, "package"),
            file=PROVENANCE,
        ),
        _("Host"): HOSTS.get(result.metrics.identity.get("host", "")),
        _("System"): last.system,
        _("Processor"): _("{processor}, {cores} cores", processor=last.processor, cores=last.cores),
        _("Computing"): _(
            "{backend} on {device}, {threads}",
            backend=last.backend,
            device=last.device,
            threads=count(last.threads, "thread"),
        ),
        _("Environment"): ", ".join(f"{name}={value}" for name, value in last.environment.items()),
        _("Seed"): str(origin.seed),
        _("Pretrained weights"): _weights(result),
        _("Data (sha256)"): origin.data,
    }
    return [{N_("Item"): key, N_("Value"): value} for key, value in rows.items() if value]


def _verified(verified: dict) -> str:
    verdicts = {
        "identical": _("identical"),
        "within tolerance": _("within tolerance"),
        "different": _("different"),
    }
    verdict = _(
        "{verdict}, repeated on {when} ({where})",
        verdict=verdicts.get(verified["verdict"], verified["verdict"]),
        when=date(verified["verified"]),
        where=verified["ran_on"],
    )
    return verdict + (f": {verified['where']}" if verified["where"] else "")


def _sessions(sessions: list[records.Session]) -> str | None:
    """Which epochs were trained when and on what, where a training was stopped in between."""
    if len(sessions) == 1:
        return None
    parts = [
        (
            _("epochs {first} to {last}", first=one.first_epoch, last=one.last_epoch)
            if one.last_epoch
            else _("evaluation")
        )
        for one in sessions
    ]
    descriptions = [
        _(
            "{part} from {started} ({device}, {threads})",
            part=part,
            started=date(one.started),
            device=one.device,
            threads=count(one.threads, "thread"),
        )
        for part, one in zip(parts, sessions)
    ]
    return f"{len(sessions)}: {'; '.join(descriptions)}"


def _weights(result: Result) -> str | None:
    identity = result.metrics.identity
    if identity["settings"]["model_args"].get("weights") == "random":
        return _("none (random weights, as requested)")
    weights = identity.get("weights")
    return f"{weights['file']} (sha256 {weights['sha256']})" if weights else None


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Replace a CSV file; nine digits bring every float32 back exactly."""
    files.replace(path, lambda temporary: table.to_csv(temporary, index=False, float_format="%.9g"))

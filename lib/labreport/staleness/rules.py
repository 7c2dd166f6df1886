"""Which code decides a training's numbers, an executed notebook's words and a report's look.

This is the one place that says which change makes what stale. Each function gives digests of
meanings (`code_digest`) by logical names. What they reach is followed through the whole package,
except for the modules and definitions below, which decide nothing of what is asked.
"""

import ast
import hashlib
import json
from pathlib import Path

from ..config import registry
from ..core import i18n, paths
from . import same_numbers
from .code_digest import Code, Scope
from .code_syntax import sha256

# Registries of which an experiment uses one entry; that entry has a digest of its own.
_CHOSEN = frozenset(
    {
        "models.MODELS",
        "training.optimizers.OPTIMIZERS",
        "training.losses.LOSSES",
        "datasets.DATASETS",
    }
)
# How files, folders, processes and other machines are dealt with.
_PLUMBING = frozenset(
    {
        "core.array_cache",
        "studies.assignments.load",
        "runs.backups",
        "runs.checkpoints",
        "config.registry",
        "staleness",
        "runs.data_fingerprint",
        "config.experiments.load",
        "core.files",
        "core.host",
        "runs.fingerprint",
        "core.imported_source",
        "core.signals",
        "platforms.drive_backup",
        "core.logs",
        "core.progress_log",
        "core.text",
        "runs.model_file",
        "core.paths",
        "config.schema",
        "config.pretrained.check",
        "config.pretrained.file_name",
        "config.pretrained.find",
        "config.pretrained.fingerprint",
        "config.pretrained.folder",
        "config.pretrained.keras_cache",
        "core.redaction",
        "runs.provenance",
        "runs.records",
        "runs.state",
        "config.yaml_reader",
        "studies.load",
        "studies.sweeps.load",
        "__version__",
    }
)

# Names in code that decides numbers. To write the new one there would train every model again.
_MOVED = {"features.computed": "training.features.computed"}

_TRAINING = (
    "training.loop.initial_model",
    "training.loop.take_weights",
    "training.loop.prepare",
    "training.loop.train_epochs",
    "training.loop.evaluate",
    "training.backend.prepare",
    "datasets.dataset.Dataset",
    "datasets.dataset.Split",
    "datasets.dataset.Rows",
    "runs.results.prediction_table",
    "runs.results.submission_table",
    "runs.results.write_csv",
)
# The pretrained weights and the augmentation have digests of their own; sentences and settings
# decide no number.
_TRAINING_SCOPE = Scope(
    _PLUMBING | {"core.i18n", "config.experiments", "training.augmentation"}, _CHOSEN
)
_PLAIN_SCOPE = Scope(_PLUMBING)
_BUILD_SCOPE = Scope(_PLUMBING | {"training.augmentation.augmentation"})

# Classes of what a notebook is handed: it uses their methods, and names none of them.
_HANDED = (
    "config.experiments.Experiment",
    "runs.results.Result",
    "runs.results.load",
    "datasets.dataset.Dataset",
    "datasets.dataset.Split",
    "datasets.dataset.Rows",
    "analysis.figures.Table",
)
_HANDED_COMPARED = (
    "studies.study.Run",
    "studies.assignments.Assignment",
    "studies.sweeps.Sweep",
    "studies.sweeps.Configuration",
    "config.experiments.Experiment",
    "runs.results.Result",
    "analysis.figures.Table",
)
# A training and its data count by their own identity, which the run folder records.
_EXECUTION_IGNORED = _PLUMBING | {
    "training.training.fit",
    "datasets.load",
    "training.backend.prepare",
    "training.training_state",
    "core.i18n.catalogue",
}
_DATASET_SCOPE = Scope(
    _PLUMBING | {"core.i18n", "datasets.fetching", "datasets.download", "datasets.data_lock"}
)
_RENDERING = ("reporting.exporters.render",)
_RENDERING_SCOPE = Scope(_PLUMBING | {"core.i18n.catalogue"})
_OF_THE_HOST = ("bootstrap",)  # the cell that finds labreport; no report shows it
_STYLES = ("*.typ", "*.css", "*.js", "*.j2", "*.bib", "*.csl")
_REPORTING = paths.PACKAGE / "reporting"


def training(experiment, imported: bool = False) -> dict[str, str]:
    """What decides the numbers of an experiment's training. Code that is proved to lead to the same
    numbers as before has the digest that it had (`same_numbers`).

    imported: as this process imported it, else as it lies on the disk. Raises ValueError for a
    module that is not Python.
    """
    code, roots = Code(imported), _training_roots(experiment, imported)
    found = {name: code.digest(name, scope) for name, scope in roots.items()}
    code.save()
    return {name: same_numbers.canonical(name, digest) for name, digest in found.items()}


def training_modules(experiment) -> list[str]:
    """The modules whose code decides the numbers of an experiment's training, and its data."""
    code, roots = Code(imported=True), _training_roots(experiment, True)
    roots |= {registry.logical_name("dataset", experiment.dataset, True): _DATASET_SCOPE}
    return sorted({module for name in roots for module in code.modules([name], roots[name])})


def _training_roots(experiment, imported: bool) -> dict[str, Scope]:
    chosen = {kind: getattr(experiment, kind) for kind in ("model", "optimizer", "loss")}
    names = [registry.logical_name(kind, name, imported) for kind, name in chosen.items()]
    roots = dict.fromkeys([*_TRAINING, *names], _TRAINING_SCOPE) | {
        "training.augmentation.build": _BUILD_SCOPE
    }
    return roots | (
        {"training.augmentation.augmentation": _PLAIN_SCOPE} if experiment.augmentation else {}
    )


def execution(
    notebook: Path, language: str, experiment=None, imported: bool = False
) -> dict[str, str]:
    """What decides what an executed notebook says: its cells, and what they use of this package.

    experiment: None for a comparison. imported: as this process imported it, else as it lies on
    the disk. Raises ValueError for a file that is no notebook.
    """
    cells = _cells(notebook, language)
    scope, names, texts = Scope(_EXECUTION_IGNORED), list(_HANDED_COMPARED), set()
    code = Code(imported)
    if experiment:
        unused = set() if experiment.augmentation else {"training.training.augmented_examples"}
        scope = Scope(_EXECUTION_IGNORED | unused, _CHOSEN)
        names = [*_HANDED, registry.logical_name("model", experiment.model, imported)]
        data = registry.logical_name("dataset", experiment.dataset, imported)
        published = filter(None, (experiment.published["source"], experiment.published["note"]))
        texts = {experiment.title, experiment.question, *experiment.differs, *published}
        texts |= code.texts([data], _DATASET_SCOPE)  # it takes notes
    found = code.digest_of_cells([source for kind, source, _ in cells if kind == "code"], scope)
    shown = [_shown_text(*cell) for cell in cells]
    digests = {f"the cells of {notebook.name}": _sha256([found.digest, shown])}
    digests |= found.uses | {name: code.digest(name, scope) for name in names}
    if language != "en":
        texts |= code.texts([*found.uses, *names], scope) | set(found.texts)
        digests[f"sentences in {language}"] = _sentences(language, texts)
    code.save()
    return digests


def rendering(language: str) -> dict[str, str]:
    """What decides how a report of an executed notebook looks: code, styles, sentences."""
    code = Code()
    found = {name: code.digest(name, _RENDERING_SCOPE) for name in _RENDERING}
    styles = sorted(path for pattern in _STYLES for path in _REPORTING.glob(pattern))
    found |= {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in styles}
    if language != "en":
        found[f"sentences in {language}"] = _sentences(
            language, code.texts(_RENDERING, _RENDERING_SCOPE)
        )
    code.save()
    return found


def dataset(experiment, imported: bool = False) -> str:
    """What decides the images, labels and splits of an experiment's data, their files aside."""
    code = Code(imported)
    name = registry.logical_name("dataset", experiment.dataset, imported)
    found = code.digest(name, _DATASET_SCOPE)
    code.save()
    return found


def code_of(name: str) -> str:
    """What decides a result that is kept in the cache folder: a definition as it was imported."""
    code = Code(imported=True)
    found = code.digest(_MOVED.get(name, name), _DATASET_SCOPE)
    code.save()
    return found


def _cells(notebook: Path, language: str) -> list[tuple[str, str, bool]]:
    """Kind and source of the cells of a report in a language, and whether it shows the source."""
    try:
        found = json.loads(notebook.read_text("utf-8"))["cells"]
        cells = [
            (
                cell["cell_type"],
                "".join(cell["source"]),
                cell.get("id"),
                set(cell["metadata"].get("tags") or ()),
            )
            for cell in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError(
            f"{notebook.name} is not a notebook; restore it from the repository"
        ) from None
    others = set(i18n.LANGUAGES) - {language}
    hidden = {"remove-cell", "remove-input"}
    return [
        (kind, source, not hidden & tags)
        for kind, source, name, tags in cells
        if not others & tags
        and name not in _OF_THE_HOST
        and "parameters" not in tags
        and not (kind == "markdown" and "remove-cell" in tags)
    ]


def _shown_text(kind: str, source: str, is_shown: bool) -> str:
    """What a report shows of a cell's source; of code without imports, whose form means nothing."""
    if kind != "code":
        return source
    if not is_shown:
        return ""
    try:
        statements = ast.parse(source).body
    except (SyntaxError, ValueError):  # IPython's own syntax
        return source
    lines = source.splitlines()
    for statement in statements:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            for number in range(statement.lineno - 1, statement.end_lineno or 0):
                lines[number] = ""
    return "\n".join(filter(str.strip, lines))


def _sentences(language: str, texts: set[str]) -> str:
    """Digest of what a language's catalogue says for those of the texts that it has."""
    catalogue = i18n.catalogue(language)
    found = {
        text: message.string
        for text in sorted(texts)
        if (message := catalogue.get(text)) is not None
    }
    return _sha256(list(found.items()))


def _sha256(values) -> str:
    return sha256(json.dumps(values, ensure_ascii=False))

"""Which code decides a training's numbers, an executed notebook's words and a report's look.

This is the one place that says which change makes what stale. Each function gives digests of
meanings (`code_digest`) by logical names. What they reach is followed through the whole package,
except for the modules and definitions below, which decide nothing of what is asked.
"""

import hashlib
import io
import json
import tokenize
from pathlib import Path

from . import choices, wording
from .code_digest import Code, Scope

# Registries of which an experiment uses one entry; that entry has a digest of its own.
_CHOSEN = frozenset(
    {
        "models.MODELS",
        "optimizers.OPTIMIZERS",
        "losses.LOSSES",
        "datasets.DATASETS",
        "datasets.SHAPES",
    }
)
# How files, folders, processes and other machines are dealt with.
_PLUMBING = frozenset(
    {
        "arrays",
        "assignments.load",
        "checkpoints",
        "choices",
        "code_digest",
        "code_summary",
        "data_fingerprint",
        "experiments.load",
        "files",
        "hosts",
        "identity",
        "imported_source",
        "interruption",
        "keeping",
        "logs",
        "model_file",
        "paths",
        "plain_types",
        "pretrained",
        "privacy",
        "provenance",
        "records",
        "staleness",
        "state",
        "strict_yaml",
        "sweeps.load",
        "__version__",
    }
)

_TRAINING = (
    "training_loop.initial_model",
    "training_loop.take_weights",
    "training_loop.prepare",
    "training_loop.train_epochs",
    "training_loop.evaluate",
    "backend.prepare",
    "datasets.dataset.Dataset",
    "datasets.dataset.Split",
    "datasets.dataset.Rows",
    "results.prediction_table",
    "results.submission_table",
    "results.write_csv",
)
# The pretrained weights and the augmentation have digests of their own; sentences and settings
# decide no number.
_TRAINING_SCOPE = Scope(_PLUMBING | {"wording", "experiments", "augmentation"}, _CHOSEN)
_PLAIN_SCOPE = Scope(_PLUMBING)

# Classes of what a notebook is handed: it uses their methods, and names none of them.
_HANDED = (
    "experiments.Experiment",
    "results.Result",
    "datasets.dataset.Dataset",
    "datasets.dataset.Split",
    "datasets.dataset.Rows",
    "figures.Table",
)
_HANDED_COMPARED = (
    "assignments.Assignment",
    "assignments.Run",
    "sweeps.Sweep",
    "sweeps.Configuration",
    "experiments.Experiment",
    "results.Result",
    "figures.Table",
)
# A training and its data count by their own identity, which the run folder records.
_EXECUTION_IGNORED = _PLUMBING | {
    "training.fit",
    "datasets.load",
    "backend.prepare",
    "training_state",
    "wording.catalogue",
}
_DATASET_SCOPE = Scope(_PLUMBING | {"datasets.fetching", "datasets.download", "datasets.locking"})
_RENDERING = ("reporting.exporters.render",)
_RENDERING_SCOPE = Scope(_PLUMBING | {"wording.catalogue"})
_STYLES = ("*.typ", "*.css", "*.js", "*.j2")
_REPORTING = Path(__file__).parent / "reporting"


def training(experiment, imported: bool = False) -> dict[str, str]:
    """What decides the numbers of an experiment's training.

    imported: as this process imported it, else as it lies on the disk. Raises ValueError for a
    module that is not Python.
    """
    code = Code(imported)
    found = {name: code.digest(name, scope) for name, scope in _training_roots(experiment).items()}
    code.save()
    return found


def training_modules(experiment) -> list[str]:
    """The modules whose code decides the numbers of an experiment's training."""
    code = Code(imported=True)
    roots = _training_roots(experiment).items()
    return sorted({module for name, scope in roots for module in code.modules([name], scope)})


def _training_roots(experiment) -> dict[str, Scope]:
    rooms = ("model", "optimizer", "loss")
    chosen = [choices.of(room)[getattr(experiment, room)].logical_name for room in rooms]
    roots = dict.fromkeys([*_TRAINING, *chosen], _TRAINING_SCOPE)
    return roots | ({"augmentation.build": _PLAIN_SCOPE} if experiment.augmentation else {})


def execution(notebook: Path, language: str, experiment=None) -> dict[str, str]:
    """What decides what an executed notebook says: its cells, and what they use of this package.

    experiment: None for a comparison. Raises ValueError for a file that is no notebook.
    """
    cells = _cells(notebook, language)
    scope = Scope(_EXECUTION_IGNORED)
    if experiment:
        unused = set() if experiment.augmentation else {"training.augmented_examples"}
        scope = Scope(_EXECUTION_IGNORED | unused, _CHOSEN)
    code = Code()
    found = code.digest_of_cells([source for kind, source in cells if kind == "code"], scope)
    names = _HANDED_COMPARED
    if experiment:
        names = [*_HANDED, choices.of("model")[experiment.model].logical_name]
    digests = {f"the cells of {notebook.name}": _sha256([found.digest, _shown_text(cells)])}
    digests |= found.uses | {name: code.digest(name, scope) for name in names}
    if language != "en":
        texts = code.texts([*found.uses, *names], scope) | set(found.texts)
        texts |= (
            {experiment.title, experiment.question, *experiment.differs} if experiment else set()
        )
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


def dataset(experiment) -> str:
    """What decides the images, labels and splits of an experiment's data, their files aside."""
    code = Code()
    found = code.digest(choices.of("dataset")[experiment.dataset].logical_name, _DATASET_SCOPE)
    code.save()
    return found


def drawing(module: str) -> str:
    """What decides the images that a module of `datasets` draws (`datasets.flowers_sample`)."""
    code = Code(imported=True)
    found = code.digest(f"{module}.draw", _PLAIN_SCOPE)
    code.save()
    return found


def _cells(notebook: Path, language: str) -> list[tuple[str, str]]:
    """Kind and source of the cells that a report in a language is made from."""
    try:
        found = json.loads(notebook.read_text("utf-8"))["cells"]
        cells = [
            (
                cell["cell_type"],
                "".join(cell["source"]),
                cell["metadata"].get("tags", []),
                cell.get("id"),
            )
            for cell in found
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError(
            f"{notebook.name} is not a notebook; restore it from the repository"
        ) from None
    others = set(wording.LANGUAGES) - {language}
    return [
        (kind, source)
        for kind, source, tags, name in cells
        if not others & set(tags)
        and name != "bootstrap"  # which says where labreport is
        and not (kind == "markdown" and "remove-cell" in tags)
    ]


def _shown_text(cells: list[tuple[str, str]]) -> list:
    """What a report shows of cells beside their meaning: prose, and the comments of code."""
    return [source if kind != "code" else _comments(source) for kind, source in cells]


def _comments(source: str) -> list[str]:
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):  # IPython's own syntax: the whole cell counts
        return [source]
    return [token.string for token in tokens if token.type == tokenize.COMMENT]


def _sentences(language: str, texts: set[str]) -> str:
    """Digest of what a language's catalogue says for those of the texts that it has."""
    catalogue = wording.catalogue(language)
    found = {
        text: message.string
        for text in sorted(texts)
        if (message := catalogue.get(text)) is not None
    }
    return _sha256(list(found.items()))


def _sha256(values) -> str:
    text = json.dumps(values, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

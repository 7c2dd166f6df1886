"""The names a parameter file may choose from, and the settings each takes: read from the source, so
that Keras is not imported.

A package that offers a choice ends with a dict literal (`MODELS = {"cifar10_naive": cifar10.naive,
...}`, or rows that name the function: `DatasetSpec(load=cifar10.cifar10, ...)`); what may be set
from a parameter file are the keyword-only arguments of the function named there.
"""

import ast
import functools
from dataclasses import dataclass
from pathlib import Path

from ..core import imported_source, paths

# what is chosen -> the file and the dict literal that lists the names
REGISTRIES = {
    "dataset": ("datasets/__init__.py", "DATASETS"),
    "model": ("models/__init__.py", "MODELS"),
    "loss": ("training/losses.py", "LOSSES"),
    "optimizer": ("training/optimizers.py", "OPTIMIZERS"),
}


@dataclass(frozen=True)
class Choice:
    """One name: the source file and the name of its function, and setting name -> (annotation as
    text, has a default).
    """

    source: Path
    function: str
    settings: dict[str, tuple[str, bool]]


def logical_name(kind: str, name: str, imported: bool = False) -> str:
    """Name in the package of the function that a choice stands for, as `code_digest` knows it:
    `models.cifar10.naive`.

    imported: by the registry that this process imported, else by the one on the disk. Raises
    ValueError where that has no such choice.
    """
    file, variable = REGISTRIES[kind]
    parts = Path(file).with_suffix("").parts
    module = ".".join((__name__.partition(".")[0], *parts)).removesuffix(".__init__")
    text = imported_source.texts.get(module) if imported else None
    entries = _entries(text or (paths.PACKAGE / file).read_text("utf-8"), variable)
    if name not in entries:
        raise ValueError(
            f"{file} no longer has the {kind} {name!r}; choose another one, or restore it"
        )
    function = ast.unparse(entries[name])
    # module.function, or a function of this very file
    inside = parts[:-1] if "." in function else parts
    return ".".join((*inside, function))


@functools.cache
def _entries(text: str, variable: str) -> dict[str, ast.expr]:
    """The entries of a registry in the source of its module: name -> what stands for the function.

    Empty where there is no such dict literal.
    """
    for statement in ast.parse(text).body:
        if (
            isinstance(statement, ast.Assign)
            and getattr(statement.targets[0], "id", None) == variable
            and isinstance(statement.value, ast.Dict)
        ):
            return {
                ast.literal_eval(key): _loader(value)
                for key, value in zip(statement.value.keys, statement.value.values)
                if key is not None
            }
    return {}


def _loader(value: ast.expr) -> ast.expr:
    """What stands for the function in a row: the row itself, or what it calls `load`."""
    keywords = value.keywords if isinstance(value, ast.Call) else []
    return next((keyword.value for keyword in keywords if keyword.arg == "load"), value)


@functools.cache
def of(kind: str) -> dict[str, Choice]:
    """All names of a kind (`dataset`, `model`, `loss`, `optimizer`), in the order of its dict
    literal.
    """
    file, variable = REGISTRIES[kind]
    path = paths.PACKAGE / file
    entries = _entries(path.read_text("utf-8"), variable)
    if not entries:
        raise AssertionError(f"{path} has no {variable} = {{...}}")
    return {name: _choice(path, value) for name, value in entries.items()}


@functools.cache
def augmentation() -> Choice:
    """The settings of `augmentation.Augmentation`."""
    return _function(paths.PACKAGE / "training/augmentation.py", "augmentation")


def _choice(path: Path, value: ast.expr) -> Choice:
    # module.function, the module lying beside the file
    if isinstance(value, ast.Attribute) and isinstance(value.value, ast.Name):
        return _function(path.parent / f"{value.value.id}.py", value.attr)
    if isinstance(value, ast.Name):
        return _function(path, value.id)
    raise ValueError(
        f"{path.name}, line {value.lineno}: write a function's name here, such as cifar10.naive,"
        f" not {ast.unparse(value)}"
    )


def _function(path: Path, name: str) -> Choice:
    for statement in _parse(path).body:
        if isinstance(statement, ast.FunctionDef) and statement.name == name:
            arguments = statement.args
            return Choice(
                path,
                name,
                {
                    argument.arg: (_annotation(path, argument), default is not None)
                    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults)
                },
            )
    raise ValueError(f"{path.name} has no function {name}, which a dict of names refers to")


def _annotation(path: Path, argument: ast.arg) -> str:
    if argument.annotation is None:
        raise ValueError(
            f"{path.name}, line {argument.lineno}: {argument.arg} has no type, and a parameter"
            f" file may set it; write {argument.arg}: float, or its type"
        )
    return ast.unparse(argument.annotation)


@functools.cache
def _parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))

"""Which source a result depends on, as digests by file, or by function where a file holds several models."""

import ast
import hashlib
from pathlib import Path

from . import choices
from .provenance import PACKAGE, sha256


def matching(*patterns: str) -> dict[str, str]:
    """sha256 of the package's source files that match the patterns, by their path in the package."""
    return _digests(sorted({file for pattern in patterns for file in PACKAGE.glob(pattern) if file.suffix != ".pyc"}))


def of_model(name: str) -> dict[str, str]:
    """sha256 of what makes a model: its function with all that uses of its module, and the modules beside it.

    Another model in the same module, or a new one, changes nothing here.
    """
    model = choices.of("model")[name]
    text, beside = used(model.source, model.function)
    return {f"models/{model.source.name}, {model.function}": hashlib.sha256(text.encode()).hexdigest()} | _digests(beside)


def used(module: Path, function: str) -> tuple[str, list[Path]]:
    """The text of a function and of all that it uses of its module, however indirectly; and the modules beside it that those parts import, and so on."""
    text = module.read_text("utf-8")
    defined, always = {}, []
    for statement in ast.parse(text).body:
        names = _defines(statement)
        defined |= {name: statement for name in names}
        always += [] if names or _is_docstring(statement) else [statement]
    found = _reached([defined[function], *always], lambda part: [defined[node.id] for node in ast.walk(part) if isinstance(node, ast.Name) and node.id in defined])
    lines = text.splitlines()
    spans = sorted((min([part.lineno, *(decorator.lineno for decorator in getattr(part, "decorator_list", []))]), part.end_lineno) for part in found)
    beside = _reached(_imported(module, found), lambda file: _imported(file, ast.parse(file.read_text("utf-8")).body))
    return "\n".join(line for first, last in spans for line in lines[first - 1:last]), beside


def _reached(first: list, following) -> list:
    """The first ones and all that follow from them, each once."""
    found, waiting = [], list(first)
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.append(one)
            waiting += following(one)
    return found


def _imported(module: Path, statements: list[ast.stmt]) -> list[Path]:
    """The modules beside a module that some of its statements import."""
    nodes = [node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.ImportFrom) and node.level == 1]
    names = [name for node in nodes for name in ([node.module.split(".")[0]] if node.module else [alias.name for alias in node.names])]
    return [path for path in (module.with_name(f"{name}.py") for name in names) if path.is_file()]


def _defines(statement: ast.stmt) -> list[str]:
    """Names to which a statement of a module gives a meaning."""
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).split(".")[0] for alias in statement.names]
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
    return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _digests(files) -> dict[str, str]:
    return {file.relative_to(PACKAGE).as_posix(): sha256(file) for file in files if file.is_file()}

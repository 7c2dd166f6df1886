"""What can be seen of Python's syntax alone: names that are bound, imports, texts."""

import ast
import hashlib
from collections.abc import Iterable, Iterator

_PACKAGE = __name__.partition(".")[0]


def sha256(text: str) -> str:
    """Digest of a text as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def own_nodes(nodes: Iterable[ast.AST], classes: bool = False) -> Iterator[ast.AST]:
    """Nodes in the order of the source, but those of other scopes: bodies of functions and (but
    for classes=True) of classes, and the targets of comprehensions."""
    waiting = list(nodes)[::-1]
    inside: list[ast.AST]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            inside = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            inside += getattr(node, "decorator_list", [])
        elif isinstance(node, ast.ClassDef) and not classes:
            inside = [*node.decorator_list, *node.bases, *node.keywords]
        elif isinstance(node, ast.comprehension):
            inside = [node.iter, *node.ifs]
        else:
            inside = list(ast.iter_child_nodes(node))
        waiting += inside[::-1]


def bound(nodes: Iterable[ast.AST]) -> dict[str, None]:
    """The names that these nodes of one scope bind, in order; those of imports left out."""
    names: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, ast.Name):
            names |= {node.id: None} if not isinstance(node.ctx, ast.Load) else {}
        elif not isinstance(node, ast.alias):  # functions, classes, and of `except` and `match`
            name = getattr(node, "name", None) or getattr(node, "rest", None)
            names |= {name: None} if isinstance(name, str) else {}
    return names


def imported_names(statement: ast.AST, base: list[str]):
    """(name, (module, attribute or None)) for all that an import statement binds. base: the package
    that a relative import starts from, in parts."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            first = alias.name.split(".")[0]
            yield (alias.asname, (alias.name, None)) if alias.asname else (first, (first, None))
    elif isinstance(statement, ast.ImportFrom):
        parts = base[: len(base) - statement.level + 1] if statement.level else []
        module = ".".join([*parts, *(statement.module.split(".") if statement.module else [])])
        for alias in statement.names:
            yield alias.asname or alias.name, (module, None if alias.name == "*" else alias.name)


def imports(nodes: Iterable[ast.AST], base: list[str]) -> dict[str, list[tuple]]:
    """What the imports among these nodes bind, and "*"."""
    found: dict[str, list[tuple]] = {}
    for node in nodes:
        for name, target in imported_names(node, base):
            known = found.setdefault(name, [])
            known += [target] if target not in known else []
    return found


def modules(node: ast.AST, base: list[str]) -> set[str]:
    """The package's modules that an import statement may execute."""
    if isinstance(node, ast.Import):
        found = {alias.name for alias in node.names}
    else:
        sources = [source for _, source in imported_names(node, base)]
        found = {".".join(filter(None, source[:end])) for source in sources for end in (1, 2)}
    return {name for name in found if name.split(".")[0] == _PACKAGE}


def says_nothing(statement: ast.stmt) -> bool:
    """A docstring, another bare constant, or `pass`."""
    bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return bare or isinstance(statement, ast.Pass)


def is_bare_annotation(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AnnAssign) and statement.value is None


def is_text(node: ast.expr) -> bool:
    """Whether an expression is a text in all its branches, and binds no name."""
    if any(isinstance(each, ast.NamedExpr) for each in ast.walk(node)):
        return False
    if isinstance(node, ast.BinOp):
        added = isinstance(node.op, ast.Add) and is_text(node.right)
        return added or isinstance(node.op, (ast.Add, ast.Mod)) and is_text(node.left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return node.func.attr in ("format", "join") and is_text(node.func.value)
    if isinstance(node, ast.IfExp):
        return is_text(node.body) and is_text(node.orelse)
    constant = isinstance(node, ast.Constant) and isinstance(node.value, str)
    return constant or isinstance(node, ast.JoinedStr)

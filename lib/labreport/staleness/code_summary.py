"""A module's source as a summary of what it means: what it defines, uses and does when imported.

Each definition is a digest of its syntax tree without what means nothing, with a place left open
for every other thing that it uses, and the names of these things in their order. `code_digest`
looks the names up and puts the digests together.
"""

import ast
import warnings
from collections.abc import Iterable

from .code_form import Emitter
from .code_syntax import bound, imports, is_bare_annotation, modules, own_nodes, says_nothing

# What may be called while a module is imported, or decorate, and only makes a value.
_HARMLESS = {
    "a module": "collections contextvars dataclasses enum pathlib re types typing",
    "abc": "abstractmethod",
    "builtins": (
        """abs all any bool bytes classmethod complex dict enumerate float frozenset getattr
        hasattr int isinstance issubclass len list max min object property range repr reversed round
        set slice sorted staticmethod str sum tuple type zip"""
    ),
    "contextlib": "contextmanager suppress",
    "functools": "cache cached_property lru_cache partial singledispatch total_ordering wraps",
    "json": "dumps loads",
    "labreport.config.authors": "Authorship",
    "labreport.staleness.code_digest": "Scope",
    "labreport.datasets.spec": "DatasetSpec Source",
    "labreport.core.i18n": "file N_",
    "logging": "getLogger",
    "numpy": (
        """append arange array asarray column_stack concatenate cos dtype exp eye float32 full
        hstack insert linspace log ones resize sin sqrt stack tile uint8 vstack zeros"""
    ),
    "threading": "Condition Event Lock RLock local",
    "a method": (
        """astype copy deleter encode endswith format fromkeys get getter items join
        joinpath keys lower lstrip partition ravel replace reshape resolve rpartition rsplit rstrip
        setter split splitlines startswith strip title upper values with_name with_suffix"""
    ),
}


def summarised(text: str, module: str, package: bool) -> dict:
    """What a module defines, imports and does, ready for JSON.

    Raises ValueError, which names the file, for what is not Python or nested too deeply.
    """
    file = module.partition(".")[2].replace(".", "/") + ".py"
    try:
        reader = _Module(module, package)
        tree = parsed(text)
        if "TYPE_CHECKING" in text or "__main__" in text:
            tree = _WhatRuns().visit(tree)
        for statement in tree.body:
            reader.read(statement)
        return reader.summary()
    except (RecursionError, MemoryError):
        raise ValueError(f"{file}: an expression is nested too deeply; split it") from None
    except (SyntaxError, ValueError) as error:
        number = getattr(error, "lineno", None)
        line = f", line {number}" if number else ""
        message = getattr(error, "msg", error)
        raise ValueError(f"{file}{line}: this is not Python: {message}") from None


def summarised_cells(cells: Iterable[list[ast.stmt]]) -> dict:
    """The same for the code cells of a notebook, whose names are one scope."""
    cells = list(cells)
    reader = _Module("", False)
    reader.bindings = imports(own_nodes(statement for cell in cells for statement in cell), [])
    reader.stars = [source for source, _ in reader.bindings.pop("*", [])]
    emitter = Emitter(reader)
    for cell in cells:
        emitter.emit(cell)
    return {"definitions": {}, "imports": {}, "stars": reader.stars, **emitter.result()}


def parsed(text: str) -> ast.Module:
    """A text's syntax tree, without warnings of its spelling."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


class _WhatRuns(ast.NodeTransformer):
    """Replaces `if TYPE_CHECKING` and `if __name__ == "__main__"` by what they have under else."""

    def visit_If(self, node):
        self.generic_visit(node)
        never = ast.unparse(node.test).split(".")[-1]
        return node.orelse if never in ("TYPE_CHECKING", "__name__ == '__main__'") else node


class _Module:
    """Reads a module's statements: which names they bind, and what they do besides.

    bindings: of each name, in order: statements, and (module, attribute or None) of imports.
    """

    def __init__(self, name: str, package: bool):
        self.name = name
        self.base = name.split(".") if package or not name else name.split(".")[:-1]
        self.bindings: dict[str, list] = {}
        self.stars: list[str] = []
        self.imported: set[str] = set()
        self.statements: list[ast.stmt] = []

    def read(self, statement: ast.stmt) -> None:
        if says_nothing(statement) or is_bare_annotation(statement):
            return
        nodes, inside = (list(own_nodes([statement], classes)) for classes in (False, True))
        self.imported |= {name for node in inside for name in modules(node, self.base)}
        found: dict[str, list] = imports(nodes, self.base)
        self.stars += [source for source, _ in found.pop("*", [])]
        if not isinstance(statement, (ast.Import, ast.ImportFrom)):
            declared = (node.names for node in inside if isinstance(node, ast.Global))
            names = [*found, *bound(nodes), *sum(declared, [])]
            found = {name: [statement] for name in names}
            self.statements.append(statement)
        for name, bindings in found.items():
            known = self.bindings.setdefault(name, [])
            known += [one for one in bindings if one not in known]

    def import_of(self, name: str) -> tuple[str, str | None] | None:
        """What a name is, where one import binds it, and nothing else does."""
        found = self.bindings.get(name, [])
        return found[0] if len(found) == 1 and isinstance(found[0], tuple) else None

    def summary(self) -> dict:
        plain = {name: found for name in self.bindings if (found := self.import_of(name))}
        return {
            "imports": plain,
            "stars": self.stars,
            "imported": sorted(self.imported),
            "definitions": {
                name: self._part(found, name)
                for name, found in self.bindings.items()
                if name not in plain
            },
            "loose": [self._part([one]) for one in self.statements if self._acts(one)],
        }

    def _part(self, bindings: list, name: str = "") -> dict:
        emitter = Emitter(self)
        for binding in bindings:
            emitter.definition(binding, name)
        return emitter.result()

    def _acts(self, statement: ast.stmt) -> bool:
        """Whether it does more than bind names, as far as can be seen."""
        for node in own_nodes([statement], classes=True):
            acts = (ast.AugAssign, ast.Delete, ast.Raise, ast.Assert)
            stores = isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(
                node.ctx, ast.Load
            )
            if isinstance(node, acts) or stores:
                return True
            if isinstance(node, ast.Expr) and not says_nothing(node):
                return True
            called = [node] if isinstance(node, ast.Call) else getattr(node, "decorator_list", [])
            if not all(map(self._is_harmless, called)):
                return True
        return False

    def _is_harmless(self, called: ast.expr) -> bool:
        """Whether a call or a decorator makes a value, and nothing else."""
        function = called.func if isinstance(called, ast.Call) else called
        attributes: list[str] = []
        while isinstance(function, ast.Attribute):
            attributes.insert(0, function.attr)
            function = function.value
        if attributes and attributes[-1] in _HARMLESS["a method"].split():
            return True
        if not isinstance(function, ast.Name):
            return False
        source = self.import_of(function.id)
        own = self.name if function.id in self.bindings else "builtins"
        path = ".".join([*filter(None, source or (own, function.id)), *attributes])
        module, _, name = path.rpartition(".")
        return module in _HARMLESS["a module"].split() or name in _HARMLESS.get(module, "").split()

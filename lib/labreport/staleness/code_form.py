"""The form of a definition: its syntax without what means nothing, and what it uses by name."""

import ast
from collections.abc import Collection, Iterable, Sequence

from .code_syntax import (
    bound,
    imported_names,
    imports,
    is_bare_annotation,
    is_text,
    modules,
    own_nodes,
    says_nothing,
    sha256,
)

_PACKAGE = __name__.partition(".")[0]
_LONGEST_TEXT = 1000  # characters of a string that may be a sentence in a catalogue
# A call of a parameter of this name says something to a person, and no more.
_SAYS = {"progress"}


class _Frame:
    """The names of one function, class or comprehension. numbers: of local ones, as they come.

    parameters: those that nothing in the body binds again. kind: "function", "class", or "fields"
    for a class whose annotations may mean something.
    """

    def __init__(self, names: Collection[str], body: Iterable = (), base=(), kind="function"):
        nodes = list(own_nodes(body))
        declared = [node for node in nodes if isinstance(node, (ast.Global, ast.Nonlocal))]
        outside = {name for node in declared for name in node.names}
        self.imports = imports(nodes, base)
        here = bound(nodes)
        self.names = {*names, *here} - outside
        self.parameters = set(names) - here.keys() - self.imports.keys()
        self.globals = {n for node in declared if isinstance(node, ast.Global) for n in node.names}
        self.kind = kind
        self.numbers: dict[str, int] = {}


class Emitter:
    """Writes syntax trees without what means nothing; what is defined elsewhere is a reference."""

    def __init__(self, module):
        """module: with its name ("" for a notebook's cells), base, bindings and stars."""
        self.module = module
        self.out: list[str] = []
        self.refs: list[list] = []
        self.texts: dict[str, None] = {}
        self.frames: list[_Frame] = []
        self.imported: set[str] = set()
        self.count = 0

    def result(self) -> dict:
        return {
            "form": sha256("".join(self.out)),
            "refs": self.refs,
            "texts": list(self.texts),
            "imported": sorted(self.imported),
        }

    def definition(self, statement, name: str) -> None:
        """A statement or import that gives a name its meaning; the name itself means nothing."""
        if isinstance(statement, tuple):
            self.out.append("import ")
            self._refer(statement, [])
        elif isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.emit(statement, named=False)
        elif (
            isinstance(statement, ast.AnnAssign)
            and isinstance(statement.target, ast.Name)
            or (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            )
        ):
            self.emit(statement.value)
        else:
            self.out.append(f"<{name}>")
            self.emit(statement)

    def emit(self, node, named: bool = True) -> None:
        if isinstance(node, list):
            self.out.append("[")
            for each in node:
                self.emit(each)
            self.out.append("]")
        elif not isinstance(node, ast.AST):
            self.out.append(f"{node!r};")
        else:
            getattr(self, f"_{type(node).__name__}", self._other)(node, *([] if named else [False]))

    def _other(self, node: ast.AST) -> None:
        self.out.append(f"({type(node).__name__}")
        for name, value in ast.iter_fields(node):
            if name in ("ctx", "type_comment", "kind") or value is None or value == []:
                continue
            if name in ("body", "orelse", "finalbody"):
                value = self._block(value)
            if value or name == "body" or not isinstance(value, list):
                self.out.append(f" {name}=")
                self.emit(value)
        self.out.append(")")

    def _block(self, statements):
        """Statements without those that say nothing; a lambda's body is an expression."""
        if not isinstance(statements, list):
            return statements
        fields = self.frames and self.frames[-1].kind == "fields"
        return [
            each
            for each in statements
            if not says_nothing(each)
            and not self._only_says(each)
            and (fields or not is_bare_annotation(each))
        ]

    def _only_says(self, statement: ast.stmt) -> bool:
        call = statement.value if isinstance(statement, ast.Expr) else None
        if not (
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and self.module.name
        ):
            return False
        name = call.func.id
        scope = next((frame for frame in self.frames[::-1] if name in frame.names), None)
        does = (ast.NamedExpr, ast.Await, ast.Yield, ast.YieldFrom)
        return (
            name in _SAYS
            and scope is not None
            and name in scope.parameters
            and not any(isinstance(node, does) for node in ast.walk(call))
        )

    def _Import(self, node) -> None:
        """In a function or a cell, the only import of a name shows where the name is used."""
        for name, target in imported_names(node, self.module.base):
            frame = self.frames[-1] if self.frames else None
            known = (frame.imports if frame else self.module.bindings).get(name, [])
            if not frame and self.module.name or frame and frame.kind != "function":
                self.out.append(f"import {name}" if name == "*" or frame else "import ")
                if name != "*" and not frame:
                    self._named(name, [])
                self._refer(target, [])
            elif len(known) > 1 or frame and name in frame.names:
                self.out.append(f"import {known.index(target)} ")
                self.out.append(f"%{self._number(frame, name)};" if frame else f"!{name};")
        if self.frames:
            self.imported |= modules(node, self.module.base)

    _ImportFrom = _Import

    def _Global(self, node) -> None:
        """Which names are global shows where they are used."""

    _Nonlocal = _Global

    def _Raise(self, node) -> None:
        """Which error; what it says to a person means nothing, but a number or a thing may."""
        call = node.exc if isinstance(node.exc, ast.Call) else None
        self.out.append("(Raise ")
        self.emit(call.func if call else node.exc)
        for number, argument in enumerate(call.args if call else []):
            if not is_text(argument):
                self.out.append(f"{number}:")
                self.emit(argument)
        self.emit([one for one in call.keywords if not is_text(one.value)] if call else [])
        self.out.append(")")

    def _AugAssign(self, node) -> None:
        if isinstance(node.target, ast.Name):  # which is read as well
            self._named(node.target.id, [], read=True)
        self._other(node)

    def _Assert(self, node) -> None:
        self.out.append("(Assert ")
        self.emit(node.test)
        self.out.append(")")

    def _MatchAs(self, node) -> None:
        self.out.append(f"({type(node).__name__} ")
        for part in ("keys", "patterns", "pattern"):
            self.emit(getattr(node, part, None))
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self._named(name, [])
        self.out.append(")")

    _MatchStar = _MatchMapping = _MatchAs

    def _Constant(self, node) -> None:
        if isinstance(node.value, str) and 1 < len(node.value) <= _LONGEST_TEXT:
            self.texts[node.value] = None
        value = hex(node.value) if type(node.value) is int else repr(node.value)  # of any length
        self.out.append(f"{type(node.value).__name__} {value};")

    def _JoinedStr(self, node) -> None:
        joined: list = []
        for part in node.values:  # how a string was broken into pieces differs between Pythons
            text = isinstance(part, ast.Constant)
            if text and not part.value:
                continue
            if text and joined and isinstance(joined[-1], str):
                joined[-1] += part.value
            else:
                joined.append(part.value if text else part)
        self.out.append("(JoinedStr ")
        self.emit(joined)
        self.out.append(")")

    def _AnnAssign(self, node) -> None:
        if self.frames and self.frames[-1].kind == "fields":
            kind = ast.unparse(node.annotation)
            special = [word for word in ("ClassVar", "InitVar", "KW_ONLY") if word in kind]
            self.out.append(f"(field {special}")
            self.emit(node.target)
            self.emit(node.value)
            self.out.append(")")
        elif node.value is not None:
            self._other(ast.Assign(targets=[node.target], value=node.value))

    def _Name(self, node) -> None:
        self._named(node.id, [], isinstance(node.ctx, ast.Load))

    def _Attribute(self, node) -> None:
        attributes, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            attributes.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            self._named(base.id, attributes, read=True)
        else:
            self.emit(base)
            self.out.append("".join(f".{name}" for name in attributes) + ";")

    def _named(self, name: str, attributes: list[str], read: bool = False) -> None:
        path = "".join(f".{each}" for each in attributes)
        for depth, frame in enumerate(reversed(self.frames)):
            a_class = frame.kind != "function"
            if a_class and depth:
                continue
            bindings = frame.imports.get(name, [])
            if name in frame.names or len(bindings) > 1:
                local = name if a_class else f"%{self._number(frame, name)}"
                self.out.append(f"{local}{path};")
            for target in bindings:
                self._refer(target, attributes)
            if name in frame.globals:
                break
            if (name in frame.names or bindings) and not (a_class and read):
                return  # else Python looks further while the class has not bound it
        bindings = self.module.bindings.get(name, [])
        if len(bindings) == 1 and isinstance(bindings[0], tuple):
            self._refer(bindings[0], attributes)
        elif self.module.name and (bindings or self.module.stars):
            self.out.append("@")
            self.refs.append(["name", name, attributes])
        else:
            self.out.append(f"!{name}{path};")
            for target in bindings:  # of a notebook's cells
                self._refer(target, attributes)
            if self.module.stars:
                self.refs.append(["name", name, attributes])

    def _refer(self, target: tuple[str, str | None], attributes: list[str]) -> None:
        source, attribute = target
        self.out.append("@")
        self.refs.append(["path", source, [*([attribute] if attribute else []), *attributes]])

    def _number(self, frame: _Frame, name: str) -> int:
        if name not in frame.numbers:
            frame.numbers[name] = self.count
            self.count += 1
        return frame.numbers[name]

    def _FunctionDef(self, node, named: bool = True) -> None:
        self.out.append(f"({type(node).__name__} ")
        if named:
            self._named(node.name, [])
        self.emit(node.decorator_list)
        self._function(node.args, node.body)
        self.out.append(")")

    _AsyncFunctionDef = _FunctionDef

    def _Lambda(self, node) -> None:
        self.out.append("(Lambda ")
        self._function(node.args, [node.body])
        self.out.append(")")

    def _function(self, arguments: ast.arguments, body: list) -> None:
        """Defaults in the scope around it; then names of parameters, which callers may use."""
        self.emit(arguments.defaults)
        self.emit(arguments.kw_defaults)
        kinds: list[Sequence[ast.arg | None]] = [
            arguments.posonlyargs,
            arguments.args,
            [arguments.vararg],
            arguments.kwonlyargs,
            [arguments.kwarg],
        ]
        named = [[one.arg for one in kind if one] for kind in kinds]
        self.out.append(f"{named}")
        parameters = [name for kind in named for name in kind]
        self.frames.append(_Frame(parameters, body, self.module.base))
        for name in parameters:
            self._number(self.frames[-1], name)
        self.emit(self._block(body))
        self.frames.pop()

    def _ClassDef(self, node, named: bool = True) -> None:
        self.out.append("(ClassDef ")
        if named:
            self._named(node.name, [])
        if node.bases:  # Keras names a layer after its class
            self.out.append(f"{node.name};")
        for part in (node.decorator_list, node.bases, node.keywords):
            self.emit(part)
        special = node.decorator_list or node.bases or node.keywords
        kind = "fields" if special else "class"
        self.frames.append(_Frame([], node.body, self.module.base, kind))
        self.emit(self._block(node.body))
        self.frames.pop()
        self.out.append(")")

    def _comprehension(self, node) -> None:
        self.out.append(f"({type(node).__name__} ")
        self.emit(node.generators[0].iter)
        targets = bound(own_nodes(generator.target for generator in node.generators))
        self.frames.append(_Frame(targets))
        for number, generator in enumerate(node.generators):
            self.emit(generator.target)
            if number:
                self.emit(generator.iter)
            self.emit(generator.ifs)
            self.out.append(f"{generator.is_async};")
        for part in ("key", "value", "elt"):
            if hasattr(node, part):
                self.emit(getattr(node, part))
        self.frames.pop()
        self.out.append(")")

    _ListComp = _SetComp = _DictComp = _GeneratorExp = _comprehension

    def _ExceptHandler(self, node) -> None:
        self.out.append("(ExceptHandler ")
        self.emit(node.type)
        if node.name:
            self._named(node.name, [])
        self.emit(self._block(node.body))
        self.out.append(")")

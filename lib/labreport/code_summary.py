"""A module's source as a summary of what it means: what it defines, uses and does when imported.

Each definition is a digest of its syntax tree without what means nothing, with a place left open
for every other thing that it uses, and the names of these things in their order. `code_digest`
looks the names up and puts the digests together.
"""

import ast
import hashlib
from collections.abc import Collection, Iterable

_PACKAGE = __name__.rpartition(".")[0]
_LONGEST_TEXT = 1000  # characters of a string that may be a sentence in a catalogue
# A call of one of these whose value is not used says something to a person, and no more.
_SAYS = {"progress"}


def sha256(text: str) -> str:
    """Digest of a text as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def without_magics(cell: str) -> str:
    """A cell with IPython's own lines (`%matplotlib inline`, `!pip`) as comments that count."""
    lines = cell.splitlines()
    return "\n".join(
        f"{line!r}" if line.lstrip().startswith(("%", "!")) else line for line in lines
    )


def summarised(text: str, module: str, package: bool) -> dict:
    """What a module defines, imports and does, ready for JSON. module: "" for a notebook's cells,
    whose names are one scope."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        where = module.partition(".")[2].replace(".", "/") + ".py" if module else "a cell"
        raise ValueError(f"{where}, line {error.lineno}: this is not Python: {error.msg}") from None
    reader = _Module(module, package)
    for statement in tree.body:
        reader.imports_of(statement)
    if not module:
        emitter = _Emitter(reader, keep_texts=True)
        for statement in tree.body:
            emitter.emit(statement)
        return emitter.result()
    for statement in tree.body:
        reader.read(statement)
    return reader.summary()


class _Module:
    """Reads a module's statements: which names they define, and what they do besides."""

    def __init__(self, name: str, package: bool):
        self.name = name
        self.base = name.split(".") if package or not name else name.split(".")[:-1]
        self.imports: dict[str, tuple[str, str | None]] = {}
        self.stars: list[str] = []
        self.imported: set[str] = set()
        self.statements: dict[str, list[ast.stmt]] = {}
        self.loose: list[ast.stmt] = []

    def imports_of(self, statement: ast.stmt) -> None:
        """Note the names that an import statement of the module's top level binds."""
        for name, (source, attribute) in _imported_names(statement, self.base):
            if name == "*":
                self.stars.append(source)
            else:
                self.imports[name] = source, attribute
            if source.split(".")[0] == _PACKAGE:
                self.imported |= {source, f"{source}.{attribute}"} if attribute else {source}

    def read(self, statement: ast.stmt) -> None:
        if isinstance(statement, (ast.Import, ast.ImportFrom)) or _says_nothing(statement):
            return
        if isinstance(statement, ast.If) and _is_never_run(statement.test):
            return
        names = _bound([statement])
        for name in names:
            self.statements.setdefault(name, []).append(statement)
        defines = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.AnnAssign)
        plain = isinstance(statement, ast.Assign) and all(map(_binds_names_only, statement.targets))
        if not plain and not isinstance(statement, defines):
            self.loose.append(statement)

    def summary(self) -> dict:
        definitions = {name: self._part(found, name) for name, found in self.statements.items()}
        return {
            "imports": self.imports,
            "stars": self.stars,
            "imported": sorted(self.imported),
            "definitions": definitions,
            "loose": [self._part([one]) for one in self.loose],
        }

    def _part(self, statements: list[ast.stmt], name: str = "") -> dict:
        emitter = _Emitter(self)
        for statement in statements:
            emitter.definition(statement, name)
        return emitter.result()


def _imported_names(statement: ast.stmt, base: list[str]):
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


def _says_nothing(statement: ast.stmt) -> bool:
    """A docstring, another bare constant, `pass`, or a bare annotation."""
    bare = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return bare or isinstance(statement, ast.Pass)


def _is_never_run(test: ast.expr) -> bool:
    """`TYPE_CHECKING`, or `__name__ == "__main__"`."""
    return ast.unparse(test).split(".")[-1] in ("TYPE_CHECKING", "__name__ == '__main__'")


def _binds_names_only(target: ast.expr) -> bool:
    if isinstance(target, (ast.Tuple, ast.List)):
        return all(map(_binds_names_only, target.elts))
    return isinstance(target, ast.Name)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _bound(statements: Iterable[ast.AST]) -> dict[str, None]:
    """The names that statements bind in their own scope, in order; those of imports left out."""
    names, waiting = {}, list(statements)[::-1]
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names[node.name] = None
        elif isinstance(node, ast.Lambda):
            continue
        elif isinstance(node, _COMPREHENSIONS):  # its own names stay inside, but for `:=`
            walrus = (each for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
            names |= dict.fromkeys(each.target.id for each in walrus)
        elif isinstance(node, ast.Name):
            names |= {node.id: None} if not isinstance(node.ctx, ast.Load) else {}
        elif not isinstance(node, (ast.Import, ast.ImportFrom)):
            caught = getattr(node, "name", None) or getattr(node, "rest", None)
            if isinstance(caught, str) and not isinstance(node, ast.alias):
                names[caught] = None  # of `except` and `match`
            waiting += list(ast.iter_child_nodes(node))[::-1]
    return names


class _Frame:
    """The names of one function, class or comprehension. numbers: of local ones, as they come."""

    def __init__(self, names: Collection[str], imports: dict, is_class: bool = False):
        self.names, self.imports, self.is_class = names, imports, is_class
        self.numbers: dict[str, int] = {}


class _Emitter:
    """Writes syntax trees without what means nothing; what is defined elsewhere is a reference."""

    def __init__(self, module: _Module, keep_texts: bool = False):
        self.module, self.keep_texts = module, keep_texts
        self.out: list[str] = []
        self.refs: list[list] = []
        self.texts: dict[str, None] = {}
        self.frames: list[_Frame] = []
        self.count = 0

    def result(self) -> dict:
        return {"form": sha256("".join(self.out)), "refs": self.refs, "texts": list(self.texts)}

    def definition(self, statement: ast.stmt, name: str) -> None:
        """A statement that gives a name its meaning; the name itself means nothing."""
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.emit(statement, named=False)
        elif isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) or (
            isinstance(statement, ast.Assign)
            and len(statement.targets) == 1
            and isinstance(statement.targets[0], ast.Name)
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
            self.out.append(f" {name}=")
            self.emit(value if name not in ("body", "orelse", "finalbody") else self._block(value))
        self.out.append(")")

    def _block(self, statements):
        """Statements without those that say nothing; a lambda's body is an expression."""
        if not isinstance(statements, list):
            return statements
        return [
            each for each in statements if not _says_nothing(each) and not self._only_says(each)
        ]

    def _only_says(self, statement: ast.stmt) -> bool:
        call = statement.value if isinstance(statement, ast.Expr) else None
        return (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Name)
            and call.func.id in _SAYS
            and not self.keep_texts
        )

    def _Import(self, node) -> None:
        if self.frames:
            self.frames[-1].imports |= dict(_imported_names(node, self.module.base))

    _ImportFrom = _Import

    def _Global(self, node) -> None:
        """Which names are global shows where they are used."""

    _Nonlocal = _Global

    def _Raise(self, node) -> None:
        kind = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        self.out.append("(Raise ")
        self.emit(kind)
        self.out.append(")")

    def _Constant(self, node) -> None:
        if isinstance(node.value, str) and 1 < len(node.value) <= _LONGEST_TEXT:
            self.texts[node.value] = None
        self.out.append(f"{type(node.value).__name__} {node.value!r};")

    def _JoinedStr(self, node) -> None:
        joined = []
        for part in node.values:  # how a string was broken into pieces differs between Pythons
            text = isinstance(part, ast.Constant)
            if text and joined and isinstance(joined[-1], str):
                joined[-1] += part.value
            else:
                joined.append(part.value if text else part)
        self.out.append("(JoinedStr ")
        self.emit(joined)
        self.out.append(")")

    def _AnnAssign(self, node) -> None:
        if self.frames and self.frames[-1].is_class:  # a field of a dataclass
            kind = ast.unparse(node.annotation)
            special = [word for word in ("ClassVar", "InitVar", "KW_ONLY") if word in kind]
            self.out.append(f"(field {special}")
        elif node.value is None:
            return
        else:
            self.out.append("(Assign ")
        self.emit(node.target)
        self.emit(node.value)
        self.out.append(")")

    def _Name(self, node) -> None:
        self._named(node.id, [])

    def _Attribute(self, node) -> None:
        attributes, base = [node.attr], node.value
        while isinstance(base, ast.Attribute):
            attributes.insert(0, base.attr)
            base = base.value
        if isinstance(base, ast.Name):
            self._named(base.id, attributes)
        else:
            self.emit(base)
            self.out.append("".join(f".{name}" for name in attributes) + ";")

    def _named(self, name: str, attributes: list[str]) -> None:
        for depth, frame in enumerate(reversed(self.frames)):
            if frame.is_class and depth:
                continue
            if name in frame.imports:
                return self._refer("path", frame.imports[name], attributes)
            if name in frame.names:
                local = name if frame.is_class else f"%{self._number(frame, name)}"
                self.out.append("".join([local, *(f".{each}" for each in attributes), ";"]))
                return None
        if name in self.module.imports:
            return self._refer("path", self.module.imports[name], attributes)
        if name in self.module.statements or self.module.stars:
            self.out.append("@")
            self.refs.append(["name", name, attributes])
            return None
        self.out.append("".join([f"!{name}", *(f".{each}" for each in attributes), ";"]))
        return None

    def _refer(self, kind: str, target, attributes: list[str]) -> None:
        source, attribute = target
        self.out.append("@")
        self.refs.append([kind, source, [*([attribute] if attribute else []), *attributes]])

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
        self._function(node.args, self._block(node.body))
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
        kinds = [
            arguments.posonlyargs,
            arguments.args,
            [arguments.vararg],
            arguments.kwonlyargs,
            [arguments.kwarg],
        ]
        named = [[one.arg for one in kind if one] for kind in kinds]
        self.out.append(f"{named}")
        outside = {
            name
            for statement in body
            for node in _own_nodes(statement)
            if isinstance(node, (ast.Global, ast.Nonlocal))
            for name in node.names
        }
        names = [name for kind in named for name in kind] + list(_bound(body))
        self.frames.append(_Frame({name for name in names if name not in outside}, {}))
        for name in (name for kind in named for name in kind):
            self._number(self.frames[-1], name)
        self.emit(body)
        self.frames.pop()

    def _ClassDef(self, node, named: bool = True) -> None:
        self.out.append("(ClassDef ")
        if named:
            self._named(node.name, [])
        for part in (node.decorator_list, node.bases, node.keywords):
            self.emit(part)
        self.frames.append(_Frame(set(_bound(node.body)), {}, is_class=True))
        self.emit(self._block(node.body))
        self.frames.pop()
        self.out.append(")")

    def _comprehension(self, node) -> None:
        self.out.append(f"({type(node).__name__} ")
        self.emit(node.generators[0].iter)
        targets = _bound([generator.target for generator in node.generators])
        self.frames.append(_Frame(set(targets), {}))
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


def _own_nodes(statement: ast.AST):
    """A statement's nodes, without those of functions and classes inside it."""
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            waiting += ast.iter_child_nodes(node)

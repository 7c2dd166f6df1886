"""Digests of what code means: equal for two sources that do the same by construction.

The digest of a definition covers its syntax tree and, however they are imported, all definitions of
this package that it uses. What does not change a meaning does not count: comments, docstrings,
layout, annotations, the text of errors and of progress lines, the names of local variables, the
names of functions and of classes without bases (Keras names layers after classes), and the files
that they lie in. Other packages count by name. What a module does when it is imported, beside
binding names, counts for all that imports it.

Limits:
- What is looked up by a name in a string (`getattr(module, name)`) is not followed.
- Of an object that is handed in, the methods do not count, unless its class is asked for as well.
- Of a module that is passed as a value, all that it defines counts, but not what it imports.
- A name counts with all statements that bind it, whatever their order: of `A = 1; B = A; A = 2`
  B's value is not known. What a function assigns to a `global` counts where it is called.
- `__all__` is not read: a star import brings all names. One that hides an imported name is not
  seen.
- What a base class or a metaclass does when a class is made is not followed.
"""

import contextlib
import functools
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from importlib.util import decode_source
from pathlib import Path
from typing import Any

from ..core import imported_source, paths
from .code_cache import cache
from .code_cells import statements
from .code_summary import summarised_cells
from .code_syntax import sha256

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Scope:
    """Where following what a definition uses ends.

    ignored: modules (`files`, `datasets.fetching`, with all below them) and definitions
    (`training.fit`) that decide nothing of what is asked. registries: dicts by name
    (`models.MODELS`) of whose entries one counts; it has a digest of its own.
    """

    ignored: frozenset[str] = frozenset()
    registries: frozenset[str] = frozenset()

    def ignores(self, name: str) -> bool:
        """Whether a definition (`files.replace`) is ignored, by its own name or its module's."""
        return _ignored(self.ignored, name)


@functools.cache  # thousands of names are asked for again and again
def _ignored(ignored: frozenset[str], name: str) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in ignored for length in range(1, len(parts) + 1))


class Code:
    """The source of the package, looked at once: as it lies on the disk or as it was imported."""

    def __init__(self, imported: bool = False):
        """imported: of modules that this process has imported, their source at that time."""
        self._imported = imported
        self._summaries: dict[str, dict | None] = {}
        self._cache = cache(paths.cache())
        self._loose: dict = {}

    def digest(self, name: str, scope: Scope) -> str:
        """Digest of a definition, or of a whole module, by its name (`models.cifar10.naive`).

        Raises ValueError where there is none of this name.
        """
        return self._walk([self._target(name)], scope)[0]

    def digest_of_cells(self, cells: Iterable[str], scope: Scope) -> "Cells":
        """What code cells of a notebook mean, and the definitions that they use.

        A cell that neither Python nor IPython can read counts as a text, and uses nothing.
        """
        found = self._summaries[""] = summarised_cells(map(statements, cells))
        parts = [found["form"]]
        uses = {}
        for reference in found["refs"]:
            target, rest = self._reference("", reference)
            token, name = self._token(target, rest, scope)
            if token is None:
                uses[name] = target
                token = f"uses {'.'.join(['', *rest])}"  # the definition has a digest of its own
            parts.append(token)
        named = {name: self._walk([target], scope)[0] for name, target in uses.items()}
        return Cells(sha256("\n".join(parts)), named, found["texts"])

    def texts(self, names: Iterable[str], scope: Scope) -> set[str]:
        """All strings in these definitions and in what they use."""
        return self._walk([self._target(name) for name in names], scope)[1]

    def modules(self, names: Iterable[str], scope: Scope) -> list[str]:
        """The modules that hold these definitions and what they use (`labreport.training.loop`)."""
        return sorted(self._walk([self._target(name) for name in names], scope)[2])

    def used(self, name: str, package: str) -> list[tuple[str, str]]:
        """A definition and all that it uses of one package (`models`), in order of use, as module
        and name. Raises ValueError where there is none of this name.
        """
        inside = f"{_PACKAGE}.{package}"
        found = [self._target(name)]
        for target in found:  # grows meanwhile
            for reference in self._part(target)["refs"]:
                used, _ = self._reference(target[0], reference)
                own = not isinstance(used, str) and f"{used[0]}.".startswith(f"{inside}.")
                if own and used[1] and used not in found:
                    found.append(used)
        return found

    def save(self) -> None:
        """Keep the summaries of the modules for the next process."""
        self._cache.save()

    def _target(self, name: str) -> tuple[str, str]:
        target, rest = self._resolve(_PACKAGE, name.split("."))
        if isinstance(target, str) or rest:
            raise ValueError(f"there is no {name} in {_PACKAGE}")
        return target

    def _walk(self, roots: list, scope: Scope, loose: bool = True):
        """Digest, strings and modules of definitions and all that they use, in order of use.

        loose: with what modules do when they are imported; else modules are those that functions
        import.
        """
        number: dict[tuple, int] = {}
        waiting: list[tuple] = []
        parts: list[str] = []
        texts: set[str] = set()
        modules: set[str] = set()
        inside: set[str] = set()  # modules that functions import

        def place(target) -> int:
            if target not in number:
                number[target] = len(number)
                waiting.append(target)
            return number[target]

        for root in roots:
            place(root)
        for target in waiting:  # grows meanwhile
            module = target[0]
            modules.add(module)
            part = self._part(target)
            parts.append(part["form"])
            texts |= set(part["texts"])
            inside |= set(part["imported"])
            for reference in part["refs"]:
                used, rest = self._reference(module, reference)
                token, _ = self._token(used, rest, scope)
                parts.append(token or f"{place(used)} {'.'.join(rest)}")
        if loose:
            modules = self._executed(modules, inside, scope)
            statements = {self._import_effects(module, scope)[0] for module in modules}
            parts += sorted(filter(None, statements))
        return sha256("\n".join(parts)), texts, modules if loose else inside

    def _token(self, target, rest: list[str], scope: Scope) -> tuple[str | None, str]:
        """How a used thing is written where it is not followed, else None; and its name."""
        if isinstance(target, str):
            return f"other {'.'.join([target, *rest])}", target
        module, name = target
        logical = ".".join(filter(None, (module.removeprefix(_PACKAGE).strip("."), name)))
        if scope.ignores(logical):
            return f"ignored {'.'.join(rest)}", logical
        if logical in scope.registries:
            return f"registry {'.'.join(rest)}", logical
        return None, logical

    def _part(self, target) -> dict:
        module, name = target
        summary: Any = self._summary(module)
        if name:  # what a star import brings may hide it
            stars = [star for star in summary["stars"] if self._defines(star, name)]
            part = summary["definitions"][name]
            return part | {"refs": part["refs"] + [["path", star, [name]] for star in stars]}
        names = sorted(summary["definitions"])  # of a module that is used as a value
        refs = [["name", each, []] for each in names]
        return {"form": "module " + " ".join(names), "refs": refs, "texts": [], "imported": []}

    def _executed(self, modules: Collection[str], inside: Collection[str], scope: Scope):
        """These modules and all that Python imports with them, their packages included.

        inside: what functions import, which is left out where it is ignored.
        """
        found, waiting = set(), [*modules, *inside]
        while waiting:
            module = waiting.pop()
            if "." in module:
                waiting.append(module.rpartition(".")[0])
            ignored = (
                scope.ignores(module.removeprefix(_PACKAGE).strip(".")) and module not in modules
            )
            if module not in found and not ignored and (summary := self._summary(module)):
                found.add(module)
                waiting += [*summary["imported"], *self._import_effects(module, scope)[1]]
        return found

    def _import_effects(self, module: str, scope: Scope) -> tuple[str, set[str]]:
        """Digest of what a module does when it is imported, beside binding names, or "" for
        nothing; and the modules that functions import meanwhile."""
        key = module, scope
        if key not in self._loose:
            parts: list[str] = []
            inside: set[str] = set()
            summary: Any = self._summary(module)
            for part in summary["loose"]:
                parts.append(part["form"])
                inside |= set(part["imported"])
                for reference in part["refs"]:
                    used, rest = self._reference(module, reference)
                    token, _ = self._token(used, rest, scope)
                    if token is None:
                        digest, _, imported = self._walk([used], scope, loose=False)
                        token = f"{digest} {'.'.join(rest)}"
                        inside |= imported
                    parts.append(token)
            self._loose[key] = sha256("\n".join(parts)) if parts else "", inside
        return self._loose[key]

    def _reference(self, module: Any, reference) -> tuple:
        kind, name, attributes = reference
        if kind == "name":
            return self._resolve(module, [name, *attributes])
        if not _is_own(name):
            return name, attributes
        if name == module and attributes:  # a package imports a module of its own
            inner = f"{name}.{attributes[0]}"
            if self._summary(inner) is not None:
                return self._resolve(inner, attributes[1:])
        return self._resolve(name, attributes)

    def _resolve(self, module: str, path: list[str]) -> tuple:
        """What a dotted name means in a module: (module, definition) or the name of another
        package's thing, and what is left of the path. A module alone is (module, "")."""
        for _ in range(100):  # imports that lead round in a circle name nothing
            if not path:
                return (module, ""), []
            summary, first = self._summary(module), path[0]
            if summary is None:
                break
            if first in summary["definitions"]:
                return (module, first), path[1:]
            imported = summary["imports"].get(first, (module, first))
            if tuple(imported) != (module, first):  # else a package names a module of its own
                source, attribute = imported
                path = [*([attribute] if attribute else []), *path[1:]]
                if not _is_own(source):
                    return ".".join([source, *path]), []
                module = source
                continue
            if self._summary(f"{module}.{first}") is not None:
                module, path = f"{module}.{first}", path[1:]
                continue
            star = next((one for one in summary["stars"][::-1] if self._defines(one, first)), None)
            if star is None:
                if "__getattr__" in summary["definitions"]:
                    return (module, "__getattr__"), path
                foreign = [one for one in summary["stars"] if not _is_own(one)]
                return f"?{'.'.join(path)} {' '.join(foreign)}", []
            module = star
        return f"?{'.'.join(path)}", []

    def _defines(self, module: str, name: str, above: tuple[str, ...] = ()) -> bool:
        """Whether a star import of a module brings a name, which may be of a star there."""
        summary = self._summary(module)
        if not summary or module in above:
            return False
        own = name in summary["definitions"] or name in summary["imports"]
        return own or any(self._defines(one, name, (*above, module)) for one in summary["stars"])

    def _summary(self, module: str) -> dict | None:
        if module not in self._summaries:
            text = self._text(module)
            package = _file(module).name == "__init__.py"
            self._summaries[module] = (
                None if text is None else self._cache.summary(text, module, package)
            )
        return self._summaries[module]

    def _summary_or_text(self, module: str) -> str:
        """A module's summary, or of a module that is not Python, the digest of its text."""
        text = None
        try:
            text = self._text(module)
            return json.dumps(self._summary(module), sort_keys=True)
        except ValueError:
            return sha256(text or repr(_file(module).read_bytes()))

    def _text(self, module: str) -> str | None:
        if self._imported and module in imported_source.texts:
            return imported_source.texts[module]
        return _on_disk(module)


@dataclass(frozen=True)
class Cells:
    """digest: of cells. uses: digests of the definitions that they name. texts: strings."""

    digest: str
    uses: dict[str, str]
    texts: list[str]


def whole() -> str:
    """Digest of all modules on the disk, whatever uses them."""
    code = Code()
    modules = sorted(
        ".".join((_PACKAGE, *path.relative_to(paths.PACKAGE).with_suffix("").parts))
        for path in paths.PACKAGE.rglob("*.py")
    )
    found = [code._summary_or_text(module.removesuffix(".__init__")) for module in modules]
    code.save()
    return sha256("\n".join(found))


def changed_since_import(modules: Iterable[str]) -> list[str]:
    """Those of the modules whose file no longer says what this process imported, as file names."""
    changed = [
        module
        for module in modules
        if module in imported_source.texts and not _is_as_imported(module)
    ]
    return [_file(module).relative_to(paths.PACKAGE).as_posix() for module in changed]


def _is_as_imported(module: str) -> bool:
    with contextlib.suppress(ValueError):  # no encoding fits
        return _on_disk(module) == imported_source.texts[module]
    return False


def _is_own(module: str) -> bool:
    return module.split(".")[0] == _PACKAGE


def _file(module: str) -> Path:
    folder = paths.PACKAGE.joinpath(*module.split(".")[1:])
    package = folder / "__init__.py"
    return package if package.exists() else folder.with_suffix(".py")


def _on_disk(module: str) -> str | None:
    if not _is_own(module):
        return None
    try:
        source = _file(module).read_bytes()
    except OSError:
        return None
    try:
        return decode_source(source)
    except (SyntaxError, UnicodeError) as error:
        name = _file(module).relative_to(paths.PACKAGE).as_posix()
        if isinstance(error, UnicodeDecodeError):
            line = source.count(b"\n", 0, error.start) + 1
            name = f"{name}, line {line}"
        raise ValueError(f"{name}: this is not text: {error}; save it as UTF-8") from None

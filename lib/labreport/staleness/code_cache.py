"""Summaries of modules, kept from one process to the next."""

import contextlib
import functools
import json
from pathlib import Path

from ..core import files, imported_source
from . import code_form, code_summary, code_syntax
from .code_summary import summarised
from .code_syntax import sha256

_MOST_SUMMARIES = 500  # in the cache; of the package's modules, in some versions of each


class Cache:
    """Summaries of modules by the digest of their source, in a file that may be deleted."""

    def __init__(self, folder: Path):
        self._path = folder / f"code-{_own_digest()}.json"
        found = None
        with contextlib.suppress(OSError):
            found = files.read_json(self._path)
        self._known = found if isinstance(found, dict) else {}
        self._used: set[str] = set()
        self._unsaved = False

    def summary(self, text: str, module: str, package: bool) -> dict:
        key = sha256(f"{module} {package}\n{text}")
        self._used.add(key)
        if key not in self._known:
            self._known[key] = summarised(text, module, package)
            self._unsaved = True
        return self._known[key]

    def save(self) -> None:
        if not self._unsaved:
            return
        self._unsaved = False
        if len(self._known) > _MOST_SUMMARIES:
            self._known = {key: self._known[key] for key in self._used}
        with contextlib.suppress(OSError):  # read-only or full: the next process reads the source
            self._path.parent.mkdir(parents=True, exist_ok=True)
            text = json.dumps(self._known, separators=(",", ":"))
            files.replace(self._path, lambda temporary: temporary.write_text(text, "utf-8"))


@functools.lru_cache(2)  # a process has one; its tests have many
def cache(folder: Path) -> Cache:
    return Cache(folder)


@functools.cache
def _own_digest() -> str:
    """Of the code that summarises: another way to do it makes other summaries."""
    modules = (code_form, code_summary, code_syntax)
    return sha256("".join(imported_source.texts[module.__name__] for module in modules))[:16]

"""The source of each module of this package as it was when Python imported it.

A kernel runs the code that it imported, whatever was saved since. Python itself keeps no source, so
this package's modules are loaded by a loader that does. Python takes a module's compiled file for
current where time (in whole seconds) and size are those of the source; this loader asks for the
digest of the source, so that what is recorded is what runs.
"""

import sys
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, decode_source, source_hash
from typing import Any

_PACKAGE = __name__.partition(".")[0]
_CHECKED_HASH = b"\3\0\0\0"  # flags of a compiled file, of PEP 552
texts: dict[str, str] = {}  # module -> its source when it was imported first


class _RecordingLoader(SourceFileLoader):
    """Python's own loader; it also keeps the source that a module was made from."""

    _source: Any = None  # bytes while a module is made: all that is asked is answered from it

    def get_code(self, fullname):
        self._source = super().get_data(self.path)
        try:
            code = super().get_code(fullname)
            # A module that is loaded again leaves functions of the first one in other modules.
            texts.setdefault(fullname, decode_source(self._source))
        finally:
            self._source = None
        return code

    def get_data(self, path):
        if self._source is None:
            return super().get_data(path)
        if path == self.path:
            return self._source
        data = super().get_data(path)
        if data[:16] != self._header():
            raise OSError(f"{path} was not compiled from this source")  # Python compiles it now
        return data

    def set_data(self, path, data, **options):
        super().set_data(path, self._header() + data[16:], **options)

    def _header(self) -> bytes:
        return MAGIC_NUMBER + _CHECKED_HASH + source_hash(self._source)


class _Finder:
    """Finds this package's modules where Python does, and has them loaded by our loader."""

    @staticmethod
    def find_spec(fullname, path=None, target=None):
        if not fullname.startswith(f"{_PACKAGE}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = _RecordingLoader(spec.loader.name, spec.loader.path)
        return spec


def install() -> None:
    """Record the source of every module of this package that is imported from now on."""
    for name in {_PACKAGE, __package__, __name__}:  # which Python's own loader made just now
        spec: Any = sys.modules[name].__spec__
        texts[name] = spec.loader.get_source(name)
    sys.meta_path.insert(0, _Finder)

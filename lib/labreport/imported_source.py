"""The source of each module of this package as it was when Python imported it.

A kernel runs the code that it imported, whatever was saved since. Python itself keeps no source, so
this package's modules are loaded by a loader that does.
"""

import os
import sys
from importlib.machinery import PathFinder, SourceFileLoader

_PACKAGE = __name__.rpartition(".")[0]
texts: dict[str, str] = {}  # module -> its source when it was imported


class _RecordingLoader(SourceFileLoader):
    """Python's own loader; it also keeps the source that a module was made from."""

    def get_code(self, fullname):
        while True:
            before = _stamp(self.path)
            text = self.get_source(fullname)
            code = super().get_code(fullname)
            if before == _stamp(self.path):  # else the file was saved between the two readings
                texts[fullname] = text
                return code


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
    sys.meta_path.insert(0, _Finder)


def _stamp(path: str) -> tuple[int, int]:
    state = os.stat(path)
    return state.st_mtime_ns, state.st_size

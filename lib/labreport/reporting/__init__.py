"""Executed notebook -> report.html (one file, works offline) and report.pdf (typeset by Typst).

Importing this package costs nothing: nbconvert, pandoc and Typst are loaded when one of the three
names is first asked for.
"""

__all__ = ["ReportHTMLExporter", "ReportPDFExporter", "render"]


def __getattr__(name):
    if name in __all__:
        from . import exporters

        return getattr(exporters, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

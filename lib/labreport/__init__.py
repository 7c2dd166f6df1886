"""Reproducible notebook reports for deep-learning assignments."""

from .core import imported_source

__version__ = "0.1.0"

imported_source.install()  # before any other module: a run records the code that made it

"""Reproducible notebook reports for deep-learning assignments. Importing it does nothing."""

__version__ = "0.1.0"

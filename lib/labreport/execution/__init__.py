"""Executes one notebook, renders its reports, verifies its run."""

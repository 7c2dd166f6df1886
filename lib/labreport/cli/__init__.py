"""The command line: one module a group of commands, each with its parser beside its code."""

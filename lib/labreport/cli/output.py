"""What the command line prints, and asks."""

import builtins
import sys

from ..core.text import printable


def print(*values, **options) -> None:
    """Python's own, but without control characters: much of what is printed here comes from files
    that others wrote.
    """
    builtins.print(*(printable(str(value)) for value in values), **options)


def print_table(rows: list[tuple[str, ...]]) -> None:
    """Print rows of text as columns of even width."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells, last in rows:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        print("  ".join([*padded, last]), flush=True)


def confirmed(question: str) -> bool:
    """Whether a person at the terminal answers yes."""
    return sys.stdin.isatty() and input(f"{question} [y/N] ").strip().lower() in ("y", "yes")

"""Numbers, states and lists of a comparison, as its tables and sentences show them."""

import json

import numpy as np

from ...core.i18n import _, number, percent, plain
from ..crossed import Estimate

NAMED = 3  # reasons or names that are listed; the others are counted


def points(share: float) -> str:
    """Points of accuracy, with a sign."""
    return number(100 * share, 1, signed=True) if round(100 * share, 1) else number(0, 1)


def interval(low: float, high: float) -> str:
    """An interval of shares, in percent: 60.1–64.3."""
    return f"{number(100 * low, 1)}\u2013{number(100 * high, 1)}"


def estimated(estimate: Estimate) -> str:
    """An accuracy with its 95 % interval, where there is one: 62.1 % (60.1–64.3)."""
    if np.isnan(estimate.low):
        return percent(estimate.value)
    return f"{percent(estimate.value)} ({interval(*estimate.between(0))})"


def pair(first: str, second: str) -> str:
    """Of a difference, what is ahead of what."""
    return _("{first} over {second}", first=first, second=second)


def p_value(p: float) -> str:
    """Three digits, or that it is smaller."""
    return f"< {number(0.001, 3)}" if p < 0.001 else number(p, 3)


def state(name: str) -> str:
    """The state of a run (`study.Run.state`)."""
    return {
        "complete": _("complete"),
        "short": _("short"),
        "outdated": _("outdated"),
        "short and outdated": _("short and outdated"),
        "missing": _("missing"),
    }[name]


def first(words: list[str], most: int = NAMED) -> str:
    """The first of some reasons or names, and how many more there are."""
    return "; ".join(words[:most]) + (
        _("; and {number} more", number=len(words) - most) if len(words) > most else ""
    )


def setting(value) -> str:
    """A setting's value."""
    return (
        value
        if isinstance(value, str)
        else plain(value)
        if isinstance(value, float)
        else json.dumps(value)
    )

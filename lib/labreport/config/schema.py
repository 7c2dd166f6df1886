"""Values from outside, checked against the types that annotations name."""

import json
import math
from typing import Any

LARGEST = 2**63 - 1  # whole number that arrays hold
TYPES = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": (float, "a finite number"),
    "bool": (bool, "true or false"),
    "dict": (dict, "a mapping"),
    "None": (type(None), "null"),
}


def typed(value, annotation: str, name: str, where: str):
    """The value, if it is of the type that `annotation` names ("int | None", "list[float]"); whole
    numbers become floats where a float is expected.

    name, where: what the value is called and where it stands, for the ValueError.
    """
    for alternative in annotation.split(" | "):
        if alternative.startswith("list[") and isinstance(value, list):
            return [
                typed(item, alternative[5:-1], f"{name}[{index}]", where)
                for index, item in enumerate(value)
            ]
        kind: Any = TYPES.get(alternative, (None,))[0]
        if kind is float and type(value) in (int, float) and _is_finite(value):
            return float(value)
        if (
            kind not in (None, float)
            and type(value) is kind
            and (kind is not str or value.strip())
            and not (kind is int and abs(value) > LARGEST)
        ):
            return value
    expected = " or ".join(
        TYPES[part][1] if part in TYPES else f"a list such as {_example(part)}"
        for part in annotation.split(" | ")
    )
    raise ValueError(f"{where}: {name} must be {expected}, got {quoted(value)}")


def _is_finite(value: int | float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float holds
        return False


def _example(annotation: str) -> str:
    return {
        "list[int]": "[32, 64]",
        "list[float]": "[0.1, 0.2]",
        "list[list[int]]": "[[32, 32], [64]]",
        "list[str]": "[first, second]",
    }.get(annotation, annotation)


def nearest(word: str, known) -> str:
    """` (did you mean '...'?)` where one of the known words is close, else nothing."""
    import difflib  # late: it is asked for where something is wrong

    found = difflib.get_close_matches(str(word), [str(item) for item in known], n=1, cutoff=0.6)
    return f" (did you mean {found[0]!r}?)" if found else ""


def quoted(value) -> str:
    """A value as a message quotes it."""
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else repr(value)

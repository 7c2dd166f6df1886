"""YAML read strictly: numbers are numbers, a key stands once, and every value knows its line.

PyYAML by itself reads `1e-3` as text, `no` as false, `012` as ten, and keeps the last of two equal
keys in silence.
"""

import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

MAXIMUM_DEPTH = 20


class _Refused(yaml.MarkedYAMLError):
    """YAML, but of a kind that says nothing to a reader of parameter files."""


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}

    def compose_node(self, parent, index):
        event: Any = self.peek_event()
        mark: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            # a few lines of them can stand for more than any memory holds
            raise _Refused(
                problem="aliases (*) are not supported; write the value again",
                problem_mark=mark,
            )
        if event.anchor is not None:
            raise _Refused(
                problem=f"the anchor &{event.anchor} is not supported; leave it out",
                problem_mark=mark,
            )
        if event.tag is not None:
            raise _Refused(
                problem=f"the tag {event.tag} is not supported; write the plain value",
                problem_mark=mark,
            )
        return super().compose_node(parent, index)


class _Dumper(yaml.SafeDumper):
    yaml_implicit_resolvers = {}

    def ignore_aliases(self, data):
        return True


for _tag, _pattern, _first in (
    ("null", r"null|~|", ["n", "~", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
):
    for _side in (_Loader, _Dumper):
        _side.add_implicit_resolver(
            f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
        )

_SCALARS: dict[str, Callable[[str], Any]] = {
    "null": lambda text: None,
    "bool": lambda text: text == "true",
    "int": int,
    "float": float,
    "str": str,
}


def read(text: str, where: str):
    """The value of a YAML text, and the line of each key: {("optimizer_args", "learning_rate"): 12,
    ...}.

    where: how messages name the text (a file, an option). Raises ValueError with `where` and the
    line for what is not YAML, a key that stands twice, an anchor or a tag.
    """
    values, lines = _composed(text, where)
    return _copied(values), dict(lines)


@functools.lru_cache(maxsize=128)  # a sweep reads each parameter file many times
def _composed(text: str, where: str):
    lines: dict[tuple, int] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        what = "" if isinstance(error, _Refused) else "not valid YAML: "
        raise ValueError(
            f"{where}{line}: {what}{getattr(error, 'problem', None) or str(error).splitlines()[0]}"
        ) from None
    except RecursionError:
        raise ValueError(f"{where}: nested too deeply") from None
    return (None if node is None else _value(node, (), lines, where)), lines


def _copied(value):
    """The same value; what a caller changes is its own."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def read_file(path: Path, where: str):
    """As `read`, of a file; ValueError too where it cannot be read as text."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: cannot be read as text ({error}); write it in UTF-8") from None
    return read(text, where)


def write(values) -> str:
    """Plain values as a YAML text that `read` gives back, keys in their order."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _value(node: yaml.Node, path: tuple, lines: dict, where: str):
    line = node.start_mark.line + 1
    if len(path) > MAXIMUM_DEPTH:
        raise ValueError(f"{where}, line {line}: nested too deeply")
    if isinstance(node, yaml.MappingNode):
        values = {}
        for key_node, value_node in node.value:
            key, line = key_node.value, key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise ValueError(
                    f"{where}, line {line}: a key must be a word, got a list or a mapping"
                )
            if key in values:
                raise ValueError(
                    f"{where}, line {line}: the key {key!r} is given twice (first in line"
                    f" {lines[(*path, key)]}); keep one"
                )
            lines[(*path, key)] = line
            values[key] = _value(value_node, (*path, key), lines, where)
        return values
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, (*path, index), lines, where) for index, item in enumerate(node.value)]
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    try:
        return _SCALARS[kind](node.value)
    except ValueError:  # Python reads no whole number of more than 4,300 digits
        raise ValueError(
            f"{where}, line {line}: a number of {len(node.value):,} digits is too long"
        ) from None

"""The Python source of a network, as a reader of the report sees it."""

import ast
import itertools
import textwrap

from ...config import registry
from ...core import imported_source
from ...core.i18n import _, count
from ...staleness.code_digest import Code

__all__ = ["source"]

_WIDTH = 88  # of a line of code on a printed page


def source(experiment, image_shape: tuple[int, ...], num_classes: int) -> str:
    """The function that builds the network and what it uses of `models`, in Markdown, folded.

    It is the source that this process imported, the comments included. Docstrings are left out but
    the model's own, which explains its settings. The PDF prints the first hundred lines
    (`reporting.typst_markup`). Raises ValueError where there is no such model.
    """
    name = registry.logical_name("model", experiment.model, imported=True)
    used = Code(imported=True).used(name, "models")
    parts = [_call(used[0][1], image_shape, num_classes, experiment.model_args)]
    for module in dict.fromkeys(module for module, _name in used):
        text = imported_source.texts[module]
        parts.append(f"# {'/'.join(module.split('.')[1:])}.py")
        parts += [
            _definition(text, name, with_docstring=(own, name) == used[0])
            for own, name in used
            if own == module
        ]
    code = "\n\n".join(parts)
    words = _(
        "The function that builds this network, called with the settings of this run, and what it"
        " uses of `lib/labreport/models`:"
    )
    title = _("Source of the network, {lines}", lines=count(code.count("\n") + 1, "line"))
    fence = "`" * 8
    # Markdown between tags needs blank lines around it.
    return (
        f"{words}\n\n<details>\n<summary>{title}</summary>\n\n"
        f"{fence}python\n{code}\n{fence}\n\n</details>"
    )


def _call(function: str, image_shape, num_classes: int, settings: dict) -> str:
    """The call in lines that fit on a page; none ends inside of a value."""
    values = [repr(tuple(image_shape)), str(num_classes)]
    values += [f"{key}={value!r}" for key, value in settings.items()]
    text = ", ".join(value.replace(" ", "\xa0") for value in values)
    lines = textwrap.wrap(f"{function}({text})", _WIDTH, subsequent_indent=" " * 4)
    return "\n".join(lines).replace("\xa0", " ")


def _definition(text: str, name: str, with_docstring: bool) -> str:
    """The statements of a module that bind a name, with the comments above and their decorators."""
    lines = text.splitlines()
    found = []
    for statement in ast.parse(text).body:
        if name not in _bound(statement):
            continue
        decorators = getattr(statement, "decorator_list", [])
        start = min([statement.lineno, *(each.lineno for each in decorators)])
        while start > 1 and lines[start - 2].startswith("#"):
            start -= 1
        end = (statement.end_lineno or start) + 1
        docstrings = _docstrings(statement)
        if with_docstring:
            found += _narrower(lines, range(start, end), docstrings)
        else:
            found += [lines[number - 1] for number in range(start, end) if number not in docstrings]
    return "\n".join(found)


def _narrower(lines: list[str], numbers: range, docstrings: set[int]) -> list[str]:
    """Lines with the long paragraphs of their docstrings filled anew, as a page is narrower."""
    found: list[str] = []
    paragraphs = itertools.groupby(
        numbers,
        # the quotes that end a docstring are no paragraph's last line
        lambda each: each in docstrings and bool(lines[each - 1].strip(' "')),
    )
    for is_prose, group in paragraphs:
        part = [lines[number - 1] for number in group]
        if is_prose and max(map(len, part)) > _WIDTH:
            indent = part[0][: len(part[0]) - len(part[0].lstrip())]
            words = " ".join(line.strip() for line in part)
            part = textwrap.wrap(words, _WIDTH, initial_indent=indent, subsequent_indent=indent)
        found += part
    return found


def _bound(statement: ast.stmt) -> set[str]:
    """Names that a statement of a module binds, also under a condition."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    return {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _docstrings(statement: ast.stmt) -> set[int]:
    """Numbers of the lines of docstrings and of what separates them from the code; of a body that
    has nothing else, none.
    """
    lines = set()
    for node in ast.walk(statement):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or len(node.body) < 2:
            continue
        if ast.get_docstring(node, clean=False) is not None:  #
            lines |= set(range(node.body[0].lineno, node.body[1].lineno))
    return lines

"""What every page has: one file with its styles and its script in it, and a policy that lets
nothing else in.
"""

import base64
import functools
import hashlib
from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from pygments.formatters import HtmlFormatter

from ..core.i18n import _

_HERE = Path(__file__).parent


def page(template: str, *scripts: str, words: dict[str, str], **values) -> str:
    """A page from a template that extends frame.html.j2, in the current language. scripts: files of
    this package, joined into one.

    words: what the template says, by what it is for. values: language, title, and what the template
    shows.
    """
    words = words | {"light": _("Light colours"), "dark": _("Dark colours")}
    script = "\n".join(_read(name) for name in scripts)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        _templates()
        .get_template(template)
        .render(
            words=words,
            styles=_styles("xcode", "report.css"),
            dark=_styles("lightbulb", "dark.css"),
            script=Markup(script),
            digest=digest,
            **values,
        )
    )


@functools.cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@functools.cache
def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@functools.cache
def _styles(of_code: str, own: str) -> Markup:
    """of_code: the styles of Pygments's that can be read on our backgrounds in every colour they
    have (4.5 to 1), which these two can.
    """
    # The page sets the background of code itself; Pygments' rules for it and for line numbers go.
    rules = HtmlFormatter(style=of_code).get_style_defs(".code").splitlines()
    return Markup("\n".join([*(line for line in rules if line.startswith(".code .")), _read(own)]))

"""Citations such as [@kingma2015] -> numbers that lead to the list of references, and back.

The syntax is pandoc's. In Jupyter a citation stays as it is written.
"""

import functools
import re
from collections.abc import Sequence
from dataclasses import replace
from html import escape
from pathlib import Path

from bs4 import BeautifulSoup

from ..config.schema import nearest
from ..core.i18n import _
from .blocks import Block, Figure, Heading, Prose, TableBlock
from .cleaning import clean
from .pandoc import bibliography

ENTRIES = Path(__file__).parent / "references.bib"
_STYLE = Path(__file__).parent / "references.csl"
_KEY = r"@([\w:.#$%&+?~/-]*[\w/])"
# [@key], [@key, p. 3], [@key; @other]
_CITATION = re.compile(rf"\[\s*({_KEY}(?:,[^\[\];@]*)?(?:;\s*{_KEY}(?:,[^\[\];@]*)?)*)\s*\]")
_PART = re.compile(rf"{_KEY}(?:,\s*([^;]*))?")
_VERBATIM = ("code", "pre", "kbd", "samp", "math", "a")


def resolved(blocks: Sequence[Block], places: Sequence[str], language: str) -> list[Block]:
    """The blocks with numbers for citations, in the order of first citation; and behind them a
    section with exactly what is cited, if anything is.

    places: the cell of each block, by its id. Raises ValueError for a key that has no entry.
    """
    cited = _Cited(language)
    found = [cited.block(block, place) for block, place in zip(blocks, places)]
    levels = [block.level for block in found if isinstance(block, Heading)]
    return found + cited.section(min(levels, default=1))


@functools.cache
def _entries(language: str) -> dict[str, str]:
    """Key -> HTML of the entry, as it is written in a language."""
    html = bibliography(ENTRIES.read_text("utf-8"), _STYLE, language)
    return {
        str(entry["id"]).removeprefix("ref-"): str(clean(entry.decode_contents())).strip()
        for entry in BeautifulSoup(html, "html.parser").find_all(class_="csl-entry")
    }


class _Cited:
    """What is cited in a document: keys with their numbers, and the places that cite them."""

    def __init__(self, language: str):
        self._language = language
        self._links: dict[str, list[int]] = {}  # key -> its citations that a link leads back to
        self._count = 0

    def block(self, block: Block, place: str) -> Block:
        if isinstance(block, Prose) and "[@" in block.html:
            return replace(block, html=self._prose(block.html, place))
        if isinstance(block, (Figure, TableBlock)) and "[@" in block.caption:
            return replace(block, caption=self._numbers(block.caption, place, linked=False))
        return block

    def section(self, level: int) -> list[Block]:
        if not self._links:
            return []
        items = "".join(
            f'<li id="reference-{number}">{_entries(self._language)[key]}{_back(links)}</li>'
            for number, (key, links) in enumerate(self._links.items(), 1)
        )
        title = _("References")
        return [Heading(level, escape(title), title), Prose(f'<ol class="references">{items}</ol>')]

    def _prose(self, html: str, place: str) -> str:
        tree = BeautifulSoup(html, "html.parser")
        for text in tree.find_all(string=_CITATION):
            if not text.find_parent(_VERBATIM):
                shown = self._numbers(escape(str(text), quote=False), place, linked=True)
                text.replace_with(*BeautifulSoup(shown, "html.parser").contents)
        return str(tree)

    def _numbers(self, text: str, place: str, linked: bool) -> str:
        def shown(found: re.Match) -> str:
            parts = [self._one(key, where, place, linked) for key, where in _PART.findall(found[1])]
            return f"[{', '.join(parts)}]"

        return _CITATION.sub(shown, text)

    def _one(self, key: str, where: str, place: str, linked: bool) -> str:
        known = _entries(self._language)
        if key not in known:
            raise ValueError(
                f"cell {place or 'without a name'}: there is no reference {key!r}"
                f"{nearest(key, known)}; the references are in {ENTRIES.name}"
            )
        links = self._links.setdefault(key, [])
        number = str(list(self._links).index(key) + 1)
        if linked:
            self._count += 1
            links.append(self._count)
            number = f'<a id="citation-{self._count}" href="#reference-{number}">{number}</a>'
        return f"{number}, {where.strip()}" if where.strip() else number


def _back(links: list[int]) -> str:
    """An arrow to each place that cites an entry."""
    label = escape(_("back to the citation"))
    return "".join(f' <a href="#citation-{link}" aria-label="{label}">\u2191</a>' for link in links)

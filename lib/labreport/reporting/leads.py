"""Paragraphs that lead to what follows them, and are of no use alone at the foot of a page."""

from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from .blocks import Block, CodeBlock, Figure, Heading, Prose, TableBlock
from .cleaning import plain

_SHORT = 300  # letters: three lines, and too few to stand below a heading at the foot of a page


@dataclass(frozen=True)
class Lead(Prose):
    pass


def with_leads(blocks: tuple[Block, ...]) -> list[Block]:
    """The blocks; where the last paragraph of a prose leads to the next block, it is one by itself.

    It does so if it ends with a colon, if it names the figure or table that comes next, or if there
    is little more than it below a heading.
    """
    found: list[Block] = []
    for number, block in enumerate(blocks):
        following = blocks[number + 1 : number + 3]
        if not (isinstance(block, Prose) and following):
            found.append(block)
            continue
        rest, last = _parted(block.html)
        shown = following[-1] if isinstance(following[0], CodeBlock) else following[0]
        named = isinstance(shown, (Figure, TableBlock)) and f'href="#{shown.anchor}"' in last
        alone = bool(found) and isinstance(found[-1], Heading) and _is_short(block.html)
        if alone:
            found.append(Lead(block.html))
        elif last and (named or plain(BeautifulSoup(last, "html.parser")).endswith(":")):
            found += [*([Prose(rest)] if rest else []), Lead(last)]
        else:
            found.append(block)
    return found


def _parted(html: str) -> tuple[str, str]:
    """What is before the last paragraph, and this; "" if the last thing is no paragraph."""
    start = html.rfind("<p>")
    last = html[start:].rstrip()
    if start < 0 or not last.endswith("</p>") or last.count("</p>") > 1:
        return html, ""
    before = BeautifulSoup(html[:start], "html.parser")
    # a paragraph in a list or a quotation does not stand alone
    return (html[:start].strip(), last) if str(before) == html[:start] else (html, "")


def _is_short(html: str) -> bool:
    tree = BeautifulSoup(html, "html.parser")
    elements = [tag for tag in tree.children if isinstance(tag, Tag)]
    return {tag.name for tag in elements} <= {"p"} and len(plain(tree)) <= _SHORT

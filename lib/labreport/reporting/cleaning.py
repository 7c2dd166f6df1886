"""Any HTML -> inert HTML: nothing in it runs, nothing in it is fetched, and what was taken out is
said.

Elements and attributes are kept by an allow list. Pictures come in as data or not at all; links a
reader may click stay.
"""

import re
from collections.abc import Callable

from bs4 import BeautifulSoup, Comment, Doctype, NavigableString, Tag
from bs4.element import PreformattedString

from ..core.i18n import N_, _
from .blocks import RESERVED_ANCHORS, Code, Picture
from .pictures import data_uri, picture_from_bytes, picture_from_data_uri
from .terminal import without_control_characters

_MATH = set(
    "math semantics annotation mrow mi mn mo ms mtext mspace msub msup msubsup mfrac msqrt mroot"
    " mover munder munderover mtable mtr mtd mstyle mpadded mphantom menclose merror mmultiscripts"
    " mprescripts none".split()
)
_KEPT = _MATH | set(
    "p div section span h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp var em"
    " strong b i u s del ins sub sup small mark abbr q cite br hr a img figure figcaption table"
    " caption thead tbody tfoot tr th td details summary".split()
)
# Their text is not meant for readers, or only for a browser that runs things.
_DROPPED = set(
    "script style template noscript head title meta link base iframe frame frameset object embed"
    " applet".split()
)
_UNSEEN = {
    "iframe": N_("[embedded page not shown]"),
    "object": N_("[embedded object not shown]"),
    "embed": N_("[embedded object not shown]"),
    # fmt: skip
    "video": N_("[video not shown]"),
    "audio": N_("[sound not shown]"),
    "canvas": N_("[drawing not shown]"),
}
_ATTRIBUTES = {
    "*": {"id", "class", "title", "lang", "dir", "role"},
    "a": {"href"},
    "img": {"alt"},
    "ol": {"start", "type", "reversed"},
    "th": {"rowspan", "colspan", "scope"},
    "td": {"rowspan", "colspan"},
    "details": {"open"},
}
_MATH_ATTRIBUTES = set(
    "display mathvariant stretchy form fence separator accent accentunder columnalign rowspan"
    " columnspan width height depth lspace rspace linethickness displaystyle scriptlevel minsize"
    " maxsize symmetric largeop movablelimits notation encoding xmlns rowspacing"
    " columnspacing".split()
)
_STYLE = re.compile(r"text-align:\s*(?:left|right|center)|padding-(?:left|right):\s*0")
_LINK = re.compile(r"(?:https?:|mailto:|#)[^\s]", re.IGNORECASE)

_INSIDE = {
    "table": ["caption", "thead", "tbody", "tfoot", "tr"],
    "tr": ["td", "th"],
} | dict.fromkeys(("thead", "tbody", "tfoot"), ["tr"])

# Finds the bytes of <img src="...">, or None; remote addresses never reach it.
Resolver = Callable[[str], Picture | None]


def no_files(source: str) -> Picture | None:
    return None


def clean(html: str, resolve: Resolver = no_files) -> BeautifulSoup:
    """A parsed fragment that either writer may print as it stands."""
    tree = BeautifulSoup(without_control_characters(html), "html.parser")
    for text in tree.find_all(string=lambda text: isinstance(text, PreformattedString)):
        if isinstance(text, (Comment, Doctype)) or not text.parent:
            text.extract()
        else:
            text.replace_with(NavigableString(str(text)))
    for tag in tree.find_all(True):
        if tag.decomposed or tag.parent is None:
            continue
        _clean_tag(tag, tree, resolve)
    for table in tree.find_all("table"):
        _put_strays_before(table, table)
    for tag in tree.find_all(["caption", *_INSIDE["table"], "td", "th"]):
        if tag.find_parent("table") is None:
            tag.unwrap()
    return tree


def _put_strays_before(table: Tag, part: Tag) -> None:
    """What stands in a table but in none of its cells comes before it, as in a browser."""
    for node in list(part.children):
        second_caption = (
            isinstance(node, Tag)
            and node.name == "caption"
            and node.find_previous_sibling("caption")
        )
        if isinstance(node, Tag) and node.name in _INSIDE[part.name] and not second_caption:
            if node.name in _INSIDE:
                _put_strays_before(table, node)
        elif isinstance(node, Tag) or str(node).strip():
            table.insert_before(node.extract())


def _clean_tag(tag: Tag, tree: BeautifulSoup, resolve: Resolver) -> None:
    name = tag.name
    if name in _UNSEEN:
        address = str(tag.get("src") or tag.get("data") or "")
        tag.replace_with(_link_or_text(tree, address, _(_UNSEEN[name])))
    elif name in _DROPPED:
        tag.decompose()
    elif name == "svg":
        _replace_svg(tag, tree)
    elif name == "img":
        _replace_image(tag, tree, resolve)
    elif name == "input":
        box = "☑ " if tag.has_attr("checked") else "☐ "
        tag.replace_with(
            NavigableString(box if tag.get("type") == "checkbox" else str(tag.get("value", "")))
        )
    elif name == "span" and "math" in tag.get_attribute_list("class"):
        tag.name, tag.attrs = (
            "code",
            {"class": "tex"},
        )  # TeX that pandoc could not read is shown as TeX
    elif name not in _KEPT:
        tag.unwrap()
    else:
        classes = tag.get_attribute_list("class")
        if name == "div" and any(str(word).startswith("alert") for word in classes):
            tag.name = "blockquote"  # Jupyter's coloured boxes
        _clean_attributes(tag)


def _clean_attributes(tag: Tag) -> None:
    allowed = (
        _ATTRIBUTES["*"]
        | _ATTRIBUTES.get(tag.name, set())
        | (_MATH_ATTRIBUTES if tag.name in _MATH else set())
    )
    align = tag.get("align") if tag.name in ("td", "th") else None
    style = "; ".join(_STYLE.findall(str(tag.get("style", ""))))
    for attribute in list(tag.attrs):
        if attribute.lower() not in allowed or (
            attribute.lower() == "id" and RESERVED_ANCHORS.fullmatch(str(tag[attribute]))
        ):
            del tag[attribute]
    if align in ("left", "right", "center") and not style:
        style = f"text-align: {align}"
    if style and tag.name in ("td", "th", "mtd"):
        tag["style"] = style
    href = str(tag.get("href", ""))
    if ":" in href.split("/")[0] and not _LINK.match(href.strip()):
        # javascript:, data:, file: and their like; relative pages may stay
        del tag["href"]


def _replace_image(tag: Tag, tree: BeautifulSoup, resolve: Resolver) -> None:
    source, alt = str(tag.get("src", "")).strip(), " ".join(str(tag.get("alt", "")).split())
    if re.match(r"(?:[a-z][a-z0-9+.-]*:)?//", source, re.IGNORECASE):
        tag.replace_with(_link_or_text(tree, source, f"[picture: {alt or source}]"))
        return
    width = re.fullmatch(r"(\d+(?:\.\d+)?)(?:px)?", str(tag.get("width", "")))
    pixels = float(width[1]) if width else 0
    picture = (
        picture_from_data_uri(source, pixels)
        if source.lower().startswith("data:")
        else resolve(source)
    )
    if picture is None:
        shown = "" if source.lower().startswith("data:") else f" ({source})"
        tag.replace_with(
            NavigableString(
                _("[picture not shown: {alt}]", alt=(alt or _("without a description")) + shown)
            )
        )
        return
    title = tag.get("title")
    tag.attrs = {
        "src": data_uri(picture),
        "alt": alt or title or _("Picture without a description"),
        "width": str(round(pixels or picture.width / 0.75)),
    }
    if title:
        tag["title"] = title


def _replace_svg(tag: Tag, tree: BeautifulSoup) -> None:
    """An inline drawing becomes an image, so that it is inert; the HTML parser has lower-cased its
    names, mended here.
    """
    title = tag.find("title")
    alt = str(
        tag.get("aria-label") or (title.get_text(" ", strip=True) if title else "") or _("Drawing")
    )
    source = re.sub(r"\bviewbox=", "viewBox=", str(tag))
    if "xmlns=" not in source.split(">", 1)[0]:
        source = source.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    picture = picture_from_bytes(source.encode())
    if picture is None:
        tag.replace_with(NavigableString(_("[drawing not shown: {alt}]", alt=alt)))
    else:
        image = tree.new_tag(
            "img", src=data_uri(picture), alt=alt, width=str(round(picture.width / 0.75))
        )
        tag.replace_with(image)


def _link_or_text(tree: BeautifulSoup, address: str, text: str):
    if address.startswith("//"):
        address = f"https:{address}"
    if not _LINK.match(address):
        return NavigableString(text)
    link = tree.new_tag("a", href=address)
    link.string = text
    return link


def code_block(tag: Tag) -> Code:
    """A <pre>; pandoc names the language as a class of it, other writers as language-... of the
    <code> inside.
    """
    code = tag.find("code")
    names = [
        *tag.get_attribute_list("class"),
        *(code.get_attribute_list("class") if code else []),
    ]
    language = next(
        (name.removeprefix("language-") for name in names if name not in ("sourceCode", "code")), ""
    )
    return Code(tag.get_text().strip("\n"), language or "text", quoted=True)


def plain(node: Tag | str) -> str:
    """The words of a fragment on one line; a formula counts as its TeX."""
    if isinstance(node, NavigableString):
        return " ".join(node.split())
    node = BeautifulSoup(node, "html.parser") if isinstance(node, str) else node
    words = []
    for text in node.find_all(string=True):
        math = text.find_parent("math")
        if math and math.find("annotation") and not text.find_parent("annotation"):
            continue
        words.append(str(text))
    return " ".join("".join(words).split())

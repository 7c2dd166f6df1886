"""Any HTML -> inert HTML: nothing in it runs, nothing in it is fetched, and what was taken out is
said.

nh3 keeps elements and attributes by an allow list. Before that, words and images take the place of
what it would take out without a word; after that, each image becomes data. Links a reader may
click stay.
"""

import base64
import re
import string
from collections.abc import Callable

import nh3
from bs4 import BeautifulSoup, NavigableString, Tag

from ..core.i18n import N_, _
from .blocks import RESERVED_ANCHORS, CodeBlock, EmbeddedImage
from .pictures import PictureTooLarge, data_uri, picture_from_data_uri
from .terminal import without_control_characters

_MATH = set(
    "math semantics annotation mrow mi mn mo ms mtext mspace msub msup msubsup mfrac msqrt mroot"
    " mover munder munderover mtable mtr mtd mstyle mpadded mphantom menclose merror mmultiscripts"
    " mprescripts none".split()
)
# Never list an element here whose text is no markup to a browser, such as iframe or noembed: nh3
# hands that text on as it is, and the parser after it would read tags in it.
_KEPT = _MATH | set(
    "p div section span h1 h2 h3 h4 h5 h6 ul ol li dl dt dd blockquote pre code kbd samp var em"
    " strong b i u s del ins sub sup small mark abbr q cite br hr a img figure figcaption table"
    " caption thead tbody tfoot tr th td details summary".split()
)
# Their text is not meant for readers, or only for a browser that runs things.
_DROPPED = set("script style template noscript noembed noframes head title applet".split())
_MATH_ATTRIBUTES = set(
    "display mathvariant stretchy form fence separator accent accentunder columnalign rowspan"
    " columnspan width height depth lspace rspace linethickness displaystyle scriptlevel minsize"
    " maxsize symmetric largeop movablelimits notation encoding xmlns rowspacing"
    " columnspacing".split()
)
_ATTRIBUTES = dict.fromkeys(_MATH, _MATH_ATTRIBUTES) | {
    "*": {"id", "class", "title", "lang", "dir", "role"},
    "a": {"href"},
    "img": {"src", "alt", "width"},
    "ol": {"start", "type", "reversed"},
    "th": {"rowspan", "colspan", "scope", "style"},
    "td": {"rowspan", "colspan", "style"},
    "mtd": _MATH_ATTRIBUTES | {"style"},
    "details": {"open"},
}
_STYLE = re.compile(r"text-align:\s*(?:left|right|center)|padding-(?:left|right):\s*0")
_LINK = re.compile(r"(?:https?:|mailto:|#)[^\s]", re.IGNORECASE)
# Where a link may lead, and where an image may be said to come from: C:\curve.png has the scheme c.
_SCHEMES = {"http", "https", "mailto", "data", "attachment", "file", *string.ascii_lowercase}

_UNSEEN = {
    "iframe": N_("[embedded page not shown]"),
    "object": N_("[embedded object not shown]"),
    "embed": N_("[embedded object not shown]"),
    "video": N_("[video not shown]"),
    "audio": N_("[sound not shown]"),
    "canvas": N_("[drawing not shown]"),
}
# A formula, or a tag that only has a meaning in one: outside of them nh3 would drop its words too.
_FORMULA = re.compile(
    rf"<math\b(?:(?!<math\b).)*?</math\s*>|</?(?:{'|'.join(sorted(_MATH - {'math'}))})\b[^<>]*>",
    re.DOTALL | re.IGNORECASE,
)
_REPLACED = re.compile(rf"<(?:svg|input|{'|'.join(_UNSEEN)})\b", re.IGNORECASE)

# The names in SVG with capitals, which HTML's parser does not keep.
_SVG_NAMES = {
    name.lower(): name
    for name in (
        "clipPath feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix"
        " feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB"
        " feFuncG feFuncR feGaussianBlur feImage feMerge feMergeNode feMorphology feOffset"
        " fePointLight feSpecularLighting feSpotLight feTile feTurbulence foreignObject"
        " linearGradient radialGradient textPath baseFrequency clipPathUnits diffuseConstant"
        " edgeMode filterUnits gradientTransform gradientUnits kernelMatrix kernelUnitLength"
        " lengthAdjust limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits"
        " maskUnits numOctaves pathLength patternContentUnits patternTransform patternUnits"
        " pointsAtX pointsAtY pointsAtZ preserveAlpha preserveAspectRatio primitiveUnits refX refY"
        " specularConstant specularExponent spreadMethod startOffset stdDeviation stitchTiles"
        " surfaceScale systemLanguage tableValues targetX targetY textLength viewBox"
        " xChannelSelector yChannelSelector"
    ).split()
}

# Finds the bytes of <img src="...">, or None; remote addresses never reach it.
Resolver = Callable[[str], EmbeddedImage | None]


def no_files(source: str) -> EmbeddedImage | None:
    return None


def clean(html: str, resolve: Resolver = no_files) -> BeautifulSoup:
    """A parsed fragment that either writer may print as it stands."""
    html = without_control_characters(html)
    html = _FORMULA.sub(lambda found: found[0] if found[0][:5].lower() == "<math" else "", html)
    if _REPLACED.search(html):
        html = _with_words_for_the_unseen(html)
    # &#7; in the source is a control character now. &nbsp;, which is how nh3 writes this blank,
    # would cost Beautiful Soup a table of all the entities there are: a tenth of a second.
    cleaned = without_control_characters(_CLEANER.clean(html)).replace("&nbsp;", "\xa0")
    tree = BeautifulSoup(cleaned, "html.parser")
    for tag in tree.find_all(True):
        if tag.name == "img":
            _replace_image(tag, resolve)
        elif tag.name in ("td", "th") and tag.has_attr("align"):
            tag["style"] = tag.get("style") or f"text-align: {tag['align']}"
            del tag["align"]
        elif tag.name in ("span", "div"):
            _rename_by_class(tag)
        elif tag.name == "caption" and tag.parent and tag.find_previous_sibling("caption"):
            tag.name = "p"
            tag.parent.insert_before(tag)
    return tree


def _rename_by_class(tag: Tag) -> None:
    """TeX that pandoc could not read is shown as TeX; Jupyter's coloured boxes are quotations."""
    classes = tag.get_attribute_list("class")
    if tag.name == "span" and "math" in classes:
        tag.name, tag.attrs = "code", {"class": "tex"}
    elif tag.name == "div" and any(name.startswith("alert") for name in classes):
        tag.name = "blockquote"


def _attribute(tag: str, name: str, value: str) -> str | None:
    """What is kept of the value of an attribute that the allow list has."""
    if name == "id" and RESERVED_ANCHORS.fullmatch(value):
        return None
    if name == "style":
        return "; ".join(_STYLE.findall(value)) or None
    if name == "href" and ":" in value.split("/")[0] and not _LINK.match(value.strip()):
        return None  # data:, file: and their like; relative pages may stay
    return value


_CLEANER = nh3.Cleaner(
    tags=_KEPT,
    clean_content_tags=_DROPPED,
    attributes=_ATTRIBUTES,
    attribute_filter=_attribute,
    tag_attribute_values=dict.fromkeys(("td", "th"), {"align": {"left", "right", "center"}}),
    url_schemes=_SCHEMES,
    link_rel=None,
)


def _with_words_for_the_unseen(html: str) -> str:
    """Images, words or links where nh3 would leave nothing; what they hold has still to be
    cleaned.
    """
    tree = BeautifulSoup(html, "html.parser")
    for tag in tree.find_all(["svg", "input", *_UNSEEN]):
        if tag.decomposed:  # it was inside one of them
            continue
        shown: Tag | NavigableString
        if tag.name == "svg":
            shown = _image_of_drawing(tag)
        elif tag.name == "input":
            box = "☑ " if tag.has_attr("checked") else "☐ "
            shown = NavigableString(
                box if tag.get("type") == "checkbox" else str(tag.get("value", ""))
            )
        else:
            address = str(tag.get("src") or tag.get("data") or "")
            shown = _link_or_text(address, _(_UNSEEN[tag.name]))
        tag.replace_with(shown)
        tag.decompose()
    return str(tree)


def _image_of_drawing(svg: Tag) -> Tag:
    """An inline drawing as an image, so that it is inert."""
    title = svg.find("title")
    alt = svg.get("aria-label") or (title.get_text(" ", strip=True) if title else "")
    for tag in [svg, *svg.find_all(True)]:
        tag.name = _SVG_NAMES.get(tag.name, tag.name)
        tag.attrs = {_SVG_NAMES.get(name, name): value for name, value in tag.attrs.items()}
    svg.attrs.setdefault("xmlns", "http://www.w3.org/2000/svg")
    data = base64.b64encode(str(svg).encode()).decode("ascii")
    source = f"data:image/svg+xml;base64,{data}"
    return Tag(name="img", attrs={"src": source, "alt": alt or _("Drawing")})


def _replace_image(tag: Tag, resolve: Resolver) -> None:
    source, alt = str(tag.get("src", "")).strip(), " ".join(str(tag.get("alt", "")).split())
    if re.match(r"(?:https?:)?//", source, re.IGNORECASE):
        tag.replace_with(_link_or_text(source, f"[picture: {alt or source}]"))
        return
    width = re.fullmatch(r"(\d+(?:\.\d+)?)(?:px)?", str(tag.get("width", "")))
    pixels = float(width[1]) if width else 0
    is_data = source.lower().startswith("data:")
    shown = "" if is_data or not source else f" ({source})"
    try:
        picture = picture_from_data_uri(source, pixels) if is_data else resolve(source)
    except PictureTooLarge as error:
        picture, shown = None, f"{shown}: {error}"
    if picture is None:
        words = _("[picture not shown: {alt}]", alt=(alt or _("without a description")) + shown)
        tag.replace_with(NavigableString(words))
        return
    title = tag.get("title")
    tag.attrs = {
        "src": data_uri(picture),
        "alt": alt or title or _("Picture without a description"),
        "width": str(round(pixels or picture.width / 0.75)),
    }
    if title:
        tag["title"] = title


def _link_or_text(address: str, text: str) -> Tag | NavigableString:
    if address.startswith("//"):
        address = f"https:{address}"
    if not _LINK.match(address):
        return NavigableString(text)
    link = Tag(name="a", attrs={"href": address})
    link.string = text
    return link


def code_block(tag: Tag) -> CodeBlock:
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
    return CodeBlock(tag.get_text().strip("\n"), language or "text", quoted=True)


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

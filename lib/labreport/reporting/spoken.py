"""A formula in words, for those who cannot see it, from the MathML that pandoc makes of TeX.

What ends where is said, so that no two formulas sound the same: "x sub t plus 1, end of index".
"""

import re
import unicodedata
from collections.abc import Callable

from bs4 import Tag

from ..core.i18n import N_, _

_SYMBOLS = {
    "+": N_("plus"), "−": N_("minus"), "-": N_("minus"), "±": N_("plus or minus"),
    "×": N_("times"), "⋅": N_("times"), "·": N_("times"), "÷": N_("divided by"),
    "/": N_("over"), "∗": N_("asterisk"), "*": N_("asterisk"), "⊙": N_("elementwise times"),
    "⊗": N_("tensor times"), "∘": N_("composed with"), "=": N_("equals"),
    "≠": N_("is not equal to"), "<": N_("is less than"), ">": N_("is greater than"),
    "≤": N_("is at most"), "≥": N_("is at least"), "≪": N_("is much less than"),
    "≫": N_("is much greater than"), "≈": N_("is approximately"), "≡": N_("is identical to"),
    "≔": N_("is defined as"), "∝": N_("is proportional to"), "∼": N_("is distributed as"),
    "∈": N_("is in"), "∉": N_("is not in"), "⊂": N_("is a subset of"), "⊆": N_("is a subset of"),
    "∪": N_("union"), "∩": N_("intersection"), "∅": N_("the empty set"), "∀": N_("for all"),
    "∃": N_("there is"), "∧": N_("logical and"), "∨": N_("logical or"), "¬": N_("logical not"),
    "→": N_("tends to"), "←": N_("is set to"), "↦": N_("maps to"), "⇒": N_("implies"),
    "⇔": N_("if and only if"), "∣": N_("given"), "|": N_("bar"), "∥": N_("norm bar"),
    "‖": N_("norm bar"), "(": N_("open bracket"), ")": N_("close bracket"),
    "[": N_("open square bracket"), "]": N_("close square bracket"), "{": N_("open brace"),
    "}": N_("close brace"), "⌊": N_("floor of"), "⌋": N_("end of floor"),
    "⌈": N_("ceiling of"), "⌉": N_("end of ceiling"), "⟨": N_("open angle bracket"),
    "⟩": N_("close angle bracket"), ",": ",", ";": ";", ":": ":", ".": ".",
    "!": N_("factorial"), "′": N_("prime"), "″": N_("double prime"), "…": N_("and so on"),
    "⋯": N_("and so on"), "⋮": N_("and so on"), "⋱": N_("and so on"), "∞": N_("infinity"),
    "∂": N_("partial"), "∇": N_("nabla"), "∑": N_("the sum"), "∏": N_("the product"),
    "∫": N_("the integral"), "∬": N_("the double integral"), "ℝ": N_("the real numbers"),
    "ℕ": N_("the natural numbers"), "ℤ": N_("the integers"), "ℓ": N_("script l"),
    "%": N_("percent"), "°": N_("degrees"), "⊤": N_("top"), "⊥": N_("perpendicular"),
    "α": N_("alpha"), "β": N_("beta"), "γ": N_("gamma"), "δ": N_("delta"),
    "ϵ": N_("epsilon"), "ε": N_("epsilon"), "ζ": N_("zeta"), "η": N_("eta"),
    "θ": N_("theta"), "ϑ": N_("theta"), "ι": N_("iota"), "κ": N_("kappa"),
    "λ": N_("lambda"), "μ": N_("mu"), "ν": N_("nu"), "ξ": N_("xi"), "π": N_("pi"),
    "ρ": N_("rho"), "σ": N_("sigma"), "τ": N_("tau"), "υ": N_("upsilon"), "ϕ": N_("phi"),
    "φ": N_("phi"), "χ": N_("chi"), "ψ": N_("psi"), "ω": N_("omega"),
    "Γ": N_("capital gamma"), "Δ": N_("capital delta"), "Θ": N_("capital theta"),
    "Λ": N_("capital lambda"), "Ξ": N_("capital xi"), "Π": N_("capital pi"),
    "Σ": N_("capital sigma"), "Υ": N_("capital upsilon"), "Φ": N_("capital phi"),
    "Ψ": N_("capital psi"), "Ω": N_("capital omega"),
}  # fmt: skip
_NAMES = {
    "max": N_("the maximum"), "min": N_("the minimum"), "sup": N_("the supremum"),
    "inf": N_("the infimum"), "lim": N_("the limit"), "arg": N_("the argument"),
    "argmax": N_("the argument of the maximum"), "argmin": N_("the argument of the minimum"),
    "log": N_("the logarithm"), "ln": N_("the natural logarithm"), "exp": N_("exp"),
    "sin": N_("sine"), "cos": N_("cosine"), "tan": N_("tangent"),
    "tanh": N_("hyperbolic tangent"), "det": N_("the determinant"),
}  # fmt: skip
_ACCENTS = {
    "̂": N_("{it} hat"), "^": N_("{it} hat"), "‾": N_("{it} bar"), "¯": N_("{it} bar"),
    "̄": N_("{it} bar"), "̅": N_("{it} bar"), "̃": N_("{it} tilde"), "~": N_("{it} tilde"),
    "˜": N_("{it} tilde"), "→": N_("vector {it}"), "⃗": N_("vector {it}"), "̇": N_("{it} dot"),
    "˙": N_("{it} dot"), "̈": N_("{it} double dot"),
}  # fmt: skip
_OPERATORS = ("∑", "∏", "∫", "∬", "max", "min", "sup", "inf", "lim", "argmax", "argmin")
_POWERS = {
    "2": N_("{base} squared"), "3": N_("{base} cubed"), "′": N_("{base} prime"),
    "″": N_("{base} double prime"), "⊤": N_("{base} transposed"), "T": N_("{base} transposed"),
    "*": N_("{base} star"), "∗": N_("{base} star"),
}  # fmt: skip
# Letters that a voice of any language can read, and numbers.
_READABLE = re.compile(r"[\w .,'-]*[A-Za-z\d\u00c0-\u024f][\w .,'-]*", re.ASCII)
_APPLIED = "\u2061"  # between a function and what it is applied to
_INVISIBLE = ("\u2062", "\u2063", "\u200b", "")


class _Unknown(Exception):
    """Something that has no words here."""


def words_of(math: Tag) -> str:
    """The formula in the language that is spoken; "" if a part of it has no words here."""
    try:
        words = _said(math)
    except _Unknown:
        return ""
    words = words.replace(" de el ", " del ").replace(" a el ", " al ")  # Spanish contracts them
    for mark in ",;:.":
        words = words.replace(f" {mark}", mark)
    return " ".join(words.replace(",,", ",").split()).strip(",")


def _said(node: Tag) -> str:
    if node.name not in _SPEAKERS:
        raise _Unknown(node.name)
    return _SPEAKERS[node.name](node)


def _parts(node: Tag) -> list[Tag]:
    return [child for child in node.children if isinstance(child, Tag)]


def _row(node: Tag) -> str:
    parts = _parts(node)
    fenced = [part.get_text() for part in parts if part.name == "mo"]
    tables = [part for part in parts if part.name == "mtable"]
    if len(tables) == 1 and len(parts) == 2 and fenced == ["{"]:
        return _cases(tables[0])
    if len(tables) == 1 and len(parts) == 3 and len(fenced) == 2:
        return _matrix(tables[0])
    return " ".join(filter(None, map(_said, parts)))


def _token(node: Tag) -> str:
    text = node.get_text().strip()
    if text in _INVISIBLE:
        return ""
    if text == _APPLIED:
        return _("of")
    if text in _SYMBOLS:
        return _(_SYMBOLS[text])
    if text in _NAMES:
        return _(_NAMES[text])
    plain = unicodedata.normalize("NFKC", text)  # a bold or upright letter is that letter
    if plain != text and plain in _SYMBOLS:
        return _(_SYMBOLS[plain])
    if not _READABLE.fullmatch(plain):
        raise _Unknown(text)
    return plain


def _text(node: Tag) -> str:
    return " ".join(node.get_text().split())


def _simple(node: Tag) -> bool:
    """Whether it is one thing, so that nobody can mistake where it ends."""
    inner = _parts(node)
    if node.name in ("mrow", "mstyle") and len(inner) == 1:
        return _simple(inner[0])
    return node.name in ("mi", "mn", "mtext") and len(node.get_text().strip()) > 0


def _key(node: Tag) -> str:
    """The characters of an operator or of what is raised, if it has only these."""
    return "".join(
        letter for letter in node.get_text().strip() if letter not in (*_INVISIBLE, _APPLIED)
    )


def _name(base: Tag) -> str:
    """Of a function or operator, without the "of" that stands behind its index."""
    parts = _parts(base) if base.name == "mrow" else [base]
    return " ".join(_said(part) for part in parts if _key(part))


def _fraction(node: Tag) -> str:
    above, below = _parts(node)
    words = {"above": _said(above), "below": _said(below)}
    if node.get("linethickness") in ("0", "0pt"):
        return _("{above} choose {below}", **words)
    if _simple(above) and _simple(below):
        return _("{above} over {below}", **words)
    return _("the fraction {above}, over {below}, end of fraction,", **words)


def _power(node: Tag) -> str:
    base, exponent = _parts(node)
    return _limits(base, None, exponent) or _raised(_said(base), exponent)


def _index(node: Tag) -> str:
    base, index = _parts(node)
    return _limits(base, index, None) or _indexed(base, index)


def _both(node: Tag) -> str:
    base, index, exponent = _parts(node)
    return _limits(base, index, exponent) or _raised(_indexed(base, index), exponent)


def _raised(base: str, exponent: Tag) -> str:
    if _key(exponent) in _POWERS:
        return _(_POWERS[_key(exponent)], base=base)
    power = _said(exponent)
    if _simple(exponent):
        return _("{base} to the power {power}", base=base, power=power)
    return _("{base} to the power {power}, end of power,", base=base, power=power)


def _indexed(base: Tag, index: Tag) -> str:
    words = {"base": _name(base), "index": _said(index)}
    if _key(base) == "log":
        return _("{base} to base {index} of", **words)
    if _simple(index):
        return _("{base} sub {index}", **words)
    return _("{base} sub {index}, end of index,", **words)


def _limits(base: Tag, below: Tag | None, above: Tag | None) -> str:
    """A sum, a product, a limit and others with what they go over; "" if it is none of these."""
    if _key(base) not in _OPERATORS:
        return ""
    words = {"operator": _name(base)}
    words |= {"first": _said(below)} if below else {}
    words |= {"last": _said(above)} if above else {}
    if below and above:
        return _("{operator} from {first} to {last} of", **words)
    if below:
        if _key(base) == "lim":
            return _("{operator} as {first} of", **words)
        return _("{operator} over {first} of", **words)
    return _("{operator} up to {last} of", **words)


def _above(node: Tag) -> str:
    base, accent = _parts(node)
    found = _limits(base, None, accent)
    if found:
        return found
    if _key(accent) not in _ACCENTS:
        raise _Unknown(_key(accent))
    return _(_ACCENTS[_key(accent)], it=_said(base))


def _root(node: Tag) -> str:
    inside = _parts(node)
    whole = " ".join(map(_said, inside))
    if len(inside) == 1 and _simple(inside[0]):
        return _("the square root of {it}", it=whole)
    return _("the square root of {it}, end of root,", it=whole)


def _nth_root(node: Tag) -> str:
    inside, order = _parts(node)
    words = {"it": _said(inside), "order": _said(order)}
    return _("the root of order {order} of {it}, end of root,", **words)


def _lines(table: Tag) -> list[list[str]]:
    return [[_row(cell) for cell in _parts(row)] for row in _parts(table)]


def _cases(table: Tag) -> str:
    cases = "; ".join(
        _("case {number}: {words}", number=number, words=", ".join(filter(None, line)))
        for number, line in enumerate(_lines(table), 1)
    )
    return _("these cases: {cases}, end of cases,", cases=cases)


def _matrix(table: Tag) -> str:
    lines = _lines(table)
    if all(len(line) == 1 for line in lines):
        entries = ", ".join(line[0] for line in lines)
        return _("the column vector {entries}, end of vector,", entries=entries)
    rows = "; ".join(
        _("row {number}: {words}", number=number, words=", ".join(line))
        for number, line in enumerate(lines, 1)
    )
    return _("the matrix {rows}, end of matrix,", rows=rows)


def _equations(table: Tag) -> str:
    return "; ".join(" ".join(filter(None, line)) for line in _lines(table))


def _nothing(node: Tag) -> str:
    return ""


_SPEAKERS: dict[str, Callable[[Tag], str]] = {
    **dict.fromkeys(("math", "mrow", "mstyle", "mpadded", "semantics", "merror"), _row),
    **dict.fromkeys(("mi", "mn", "mo"), _token),
    **dict.fromkeys(("msub", "munder"), _index),
    **dict.fromkeys(("msubsup", "munderover"), _both),
    **dict.fromkeys(("annotation", "mspace", "mphantom"), _nothing),
    "mtext": _text, "mfrac": _fraction, "msup": _power, "mover": _above, "msqrt": _root,
    "mroot": _nth_root, "mtable": _equations,
}  # fmt: skip

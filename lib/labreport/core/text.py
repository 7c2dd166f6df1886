"""Text that comes from outside, as a terminal may get it."""

import unicodedata

# control and format characters, half characters, ends of lines
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def printable(text: str) -> str:
    """The text as a terminal may get it: control characters, which could move its cursor or hide
    words, as escapes.

    For whatever comes from outside: names of files, what other machines and services say, values in
    messages.
    """
    return "".join(
        (
            _escaped(character)
            if unicodedata.category(character) in UNSEEN and character not in "\n\t"
            else character
        )
        for character in text
    )


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")

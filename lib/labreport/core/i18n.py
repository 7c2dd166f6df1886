"""What a report says, in the reader's language: sentences from a catalogue; counts, shares,
durations and dates as a person there writes them.

English sentences stand in the source and are the keys of the catalogues, languages/*.po (gettext's
format, which translators have editors for).
"""

import contextlib
import datetime
import functools
from typing import SupportsInt

from . import paths

LANGUAGES = {"en": "English", "es": "español"}
_CATALOGUES = paths.PACKAGE / "languages"
_spoken = "en"


def set_language(language: str) -> None:
    """Say everything in this language from now on; ValueError where there is no catalogue of it."""
    global _spoken
    if language not in LANGUAGES:
        raise ValueError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r}")
    _spoken = language


def current_language() -> str:
    """The language that is spoken now."""
    return _spoken


@contextlib.contextmanager
def speaking(language: str):
    """Speak a language within the block."""
    before = current_language()
    set_language(language)
    try:
        yield
    finally:
        set_language(before)


def file(name: str, language: str) -> str:
    """Name of a file in a language: report.pdf in English, report.es.pdf in Spanish."""
    stem, _, suffix = name.rpartition(".")
    return name if language == "en" else f"{stem}.{language}.{suffix}"


def _(sentence: str, /, **values) -> str:
    """The sentence in the language that is spoken, its {fields} filled in.

    One without a translation, such as a title of the user's own, stays as it is.
    """
    translation = _translated(sentence, 1)
    return translation.format(**values) if values else translation


def N_(sentence: str) -> str:
    """The sentence itself: marks one that is said later, as the heading of a table is."""
    return sentence


def count(number: int, noun: str) -> str:
    """1 epoch, 2 epochs, 45,000 images."""
    return (
        f"{whole(number)}"
        f" {_translated(noun, number) if _spoken != 'en' else noun + ('' if number == 1 else 's')}"
    )


def whole(value: SupportsInt) -> str:
    """45,000."""
    return (
        f"{value:,}" if _spoken == "en" else _babel().numbers.format_decimal(value, locale=_spoken)
    )


def number(value: float, digits: int, signed: bool = False) -> str:
    """0.7024 with so many digits behind the decimal mark; a true minus sign."""
    return written(f"{value:{'+' if signed else ''},.{digits}f}")


def plain(value: float) -> str:
    """0.001, 36: as many digits as it has, six at most."""
    return written(f"{value:,g}")


def written(digits: str) -> str:
    """1,234.5, as Python writes a number, with the marks that belong there."""
    if _spoken != "en":
        symbols = _babel().Locale(_spoken).number_symbols["latn"]
        digits = digits.translate({ord(","): symbols["group"], ord("."): symbols["decimal"]})
    return digits.replace("-", "\u2212")


def percent(share: float, digits: int = 1) -> str:
    """0.7024 -> 70.2 %, with a space that does not break."""
    return f"{number(100 * share, digits)}\u00a0%"


def date(moment: str) -> str:
    """2026-11-24T22:10:04+00:00 -> 24 November 2026, 22:10 UTC; empty where there is none."""
    if not moment:
        return ""
    when = datetime.datetime.fromisoformat(moment)
    pattern = {"en": "d MMMM y, HH:mm", "es": "d 'de' MMMM 'de' y, HH:mm"}[_spoken]
    return (
        f"{_babel().dates.format_datetime(when.replace(tzinfo=None), pattern, locale=_spoken)}"
        f"{f' {when.tzname()}' if when.tzinfo else ''}"
    )


def duration(seconds: float) -> str:
    """8 s, 3 min 20 s, 2 h 05 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02} min"
        if hours
        else f"{minutes} min {rest:02} s"
        if minutes
        else f"{rest} s"
    )


def listed(names: list[str], most: int = 8) -> str:
    """The first names of a list, and how many more there are."""
    return ", ".join(names[:most]) + (
        _(" and {number} more", number=len(names) - most) if len(names) > most else ""
    )


def _translated(sentence: str, number: int) -> str:
    if _spoken == "en":
        return sentence
    message = catalogue(_spoken).get(sentence)
    if message is None or not message.string:
        return sentence
    return (
        message.string
        if isinstance(message.string, str)
        else message.string[0 if number == 1 else 1]
    )


@functools.cache
def catalogue(language: str):
    """The translations of a language, as Babel reads them: English sentence -> message.

    A noun that is counted has a plural.
    """
    from babel.messages import pofile

    with open(_CATALOGUES / f"{language}.po", "rb") as file:
        return pofile.read_po(file, locale=language)


def _babel():
    """Loaded when it is first needed: the command line starts in a blink."""
    import babel
    import babel.dates
    import babel.numbers

    return babel

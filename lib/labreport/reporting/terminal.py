"""What a stream of characters leaves on a terminal: carriage returns, backspaces and colours
applied.
"""

import re

# CSI sequences (colours, cursor moves), OSC sequences (window titles, links), and the two-character
# escapes.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]")
_ERASE_LINE = re.compile(r"\x1b\[[012]?K")
_INVISIBLE = re.compile(r"[\x00-\x07\x0e-\x1f\x7f]")


def screen_text(stream: str) -> str:
    """Plain text of `stream` as it stood on the screen in the end.

    A progress bar rewrites its line with `\\r` (and Keras with `\\b`); only the last state is text.
    """
    stream = _ERASE_LINE.sub("\x00", stream)
    stream = (
        _ESCAPES.sub("", stream).replace("\r\n", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    )
    return "\n".join(_line(line) for line in stream.split("\n"))


def _line(line: str) -> str:
    if not ("\r" in line or "\b" in line or "\x00" in line):
        return _INVISIBLE.sub("", line)
    shown: list[str] = []
    column = 0
    for character in line:
        if character == "\r":
            column = 0
        elif character == "\b":
            column = max(0, column - 1)
        elif character == "\x00":  # erase to the end of the line
            del shown[column:]
        else:
            shown[column : column + 1] = [character]
            column += 1
    return _INVISIBLE.sub("", "".join(shown)).rstrip(" ")


def without_control_characters(text: str) -> str:
    """Text that may stand in XML and PDF: control characters other than newline and tab become
    U+FFFD, visibly.
    """
    return re.sub(
        r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]",
        "\ufffd",
        re.sub(r"\r\n?", "\n", text),
    )

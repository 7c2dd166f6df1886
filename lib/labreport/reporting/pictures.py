"""Bytes of an image -> a Picture with its natural size, or None where the bytes are no image that
both writers can show.
"""

import base64
import re
import struct
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote_to_bytes

from .blocks import Picture

_POINTS = {
    "": 0.75,
    "px": 0.75,
    "pt": 1.0,
    "in": 72.0,
    "cm": 72 / 2.54,
    "mm": 72 / 25.4,
    "pc": 12.0,
}
_POINTS_A_PIXEL = 0.75  # a CSS pixel is 1/96 inch


def picture_from_bytes(data: bytes, width_pixels: float = 0) -> Picture | None:
    """Read the kind and size from the bytes themselves; `width_pixels` (a display width) overrules
    the natural one.
    """
    size = None
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        mime, size = "image/png", _png_size(data)
    elif data.startswith(b"\xff\xd8\xff"):
        mime, size = "image/jpeg", _jpeg_size(data)
    elif data[:6] in (b"GIF87a", b"GIF89a") and len(data) > 10:
        mime, size = "image/gif", _in_points(*struct.unpack("<HH", data[6:10]))
    elif b"<svg" in data[:4000] or b":svg" in data[:4000]:
        mime, data = "image/svg+xml", _without_loads(data)
        size = _svg_size(data)
    if not size or not (0 < size[0] < 1e5 and 0 < size[1] < 1e5):
        return None
    width, height = size
    if width_pixels > 0:
        width, height = (
            width_pixels * _POINTS_A_PIXEL,
            height * width_pixels * _POINTS_A_PIXEL / width,
        )
    return Picture(data, mime, round(width, 2), round(height, 2))


def picture_from_mime(mime: str, value, width_pixels: float = 0) -> Picture | None:
    """A notebook's mime bundle entry: base64 text for bitmaps, XML text for SVG."""
    text = "".join(value) if isinstance(value, list) else value
    if not isinstance(text, str):
        return None
    if mime == "image/svg+xml":
        return picture_from_bytes(text.encode("utf-8", "replace"), width_pixels)
    try:
        return picture_from_bytes(base64.b64decode(text), width_pixels)
    except ValueError:
        return None


def picture_from_data_uri(uri: str, width_pixels: float = 0) -> Picture | None:
    head, comma, body = uri.partition(",")
    if not (comma and head.lower().startswith("data:image/")):
        return None
    try:
        data = unquote_to_bytes(body)
        return picture_from_bytes(
            base64.b64decode(data) if head.lower().endswith(";base64") else data, width_pixels
        )
    except ValueError:
        return None


def data_uri(picture: Picture) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _in_points(width, height):
    return width * _POINTS_A_PIXEL, height * _POINTS_A_PIXEL


def _png_size(data):
    if len(data) < 33:
        return None
    width, height = struct.unpack(">II", data[16:24])
    # matplotlib says how many pixels it drew to the metre; without that word a pixel is a CSS
    # pixel.
    place = data.find(b"pHYs", 0, data.find(b"IDAT"))
    if place > 0:
        across, down, unit = struct.unpack(">IIB", data[place + 4 : place + 13])
        if unit == 1 and across == down and across > 2500:
            return width * 72 / (across * 0.0254), height * 72 / (down * 0.0254)
    return _in_points(width, height)


def _jpeg_size(data):
    place = 2
    while place + 9 < len(data):
        if data[place] != 0xFF:
            return None
        marker, length = data[place + 1], struct.unpack(">H", data[place + 2 : place + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return _in_points(width, height)
        place += 2 + length
    return None


def _svg_size(data):
    try:
        root = ElementTree.fromstring(data)
    except (ElementTree.ParseError, ValueError):
        return None
    if not root.tag.endswith("svg"):
        return None
    box = [
        float(number) for number in re.findall(r"-?\d*\.?\d+(?:e-?\d+)?", root.get("viewBox", ""))
    ]
    width, height = _length(root.get("width")), _length(root.get("height"))
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        if width and not height:
            height = width * box[3] / box[2]
        elif height and not width:
            width = height * box[2] / box[3]
        elif not width:
            width, height = _in_points(box[2], box[3])
    return (width, height) if width and height else None


def _length(text):
    found = re.fullmatch(r"\s*(\d*\.?\d+(?:e-?\d+)?)\s*([a-z]{0,2})\s*", text or "")
    return float(found[1]) * _POINTS[found[2]] if found and found[2] in _POINTS else None


def _without_loads(data: bytes) -> bytes:
    """An SVG that refers to other files: a browser ignores them inside <img>, Typst stops; so take
    the references out.
    """
    data = re.sub(rb"<!DOCTYPE[^>\[]*(\[[^\]]*\])?[^>]*>", b"", data, count=1)
    data = re.sub(rb"<script\b.*?(</script\s*>|/>)", b"", data, flags=re.DOTALL | re.IGNORECASE)
    # A link's xlink:href to a page, as matplotlib's metadata has, goes too: nobody can follow it
    # inside <img>.
    return re.sub(
        rb"""\s(?:xlink:)?href\s*=\s*(?:"(?!#|data:)[^"]*"|'(?!#|data:)[^']*')""", b"", data
    )

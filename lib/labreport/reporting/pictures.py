"""Bytes of an image -> an image with its natural size, or None where the bytes are no image that
both writers can show.
"""

import base64
import io
import re
import struct
import warnings
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote_to_bytes

from PIL import ExifTags, Image, WebPImagePlugin

from ..core.i18n import _, number
from .blocks import EmbeddedImage

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
Image.preinit()  # loads the readers once, and not in each forked process
_BITMAPS = ("PNG", "JPEG", "GIF", WebPImagePlugin.WebPImageFile.format)
# What Pillow raises for the header of a damaged file.
_DAMAGED = (OSError, EOFError, KeyError, SyntaxError, TypeError, ValueError, struct.error)


class PictureTooLarge(Exception):
    """A bitmap of so many pixels that it would fill a reader's memory, small as its file may be."""


def picture_from_bytes(data: bytes, width_pixels: float = 0) -> EmbeddedImage | None:
    """Read the kind and size from the bytes themselves; `width_pixels` (a display width) overrules
    the natural one. Raises PictureTooLarge.
    """
    if data[:100].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        mime, data = "image/svg+xml", _without_loads(data)
        size = _svg_size(data)
    else:
        # Pillow warns of small damage and of 90 million pixels, which a report shows as they are.
        with warnings.catch_warnings(action="ignore"):
            mime, size = _kind_and_size(data)
    if not size or not (0 < size[0] < 1e5 and 0 < size[1] < 1e5):
        return None
    width, height = size
    if width_pixels > 0:
        width, height = (
            width_pixels * _POINTS_A_PIXEL,
            height * width_pixels * _POINTS_A_PIXEL / width,
        )
    return EmbeddedImage(data, mime, round(width, 2), round(height, 2))


def picture_from_mime(mime: str, value, width_pixels: float = 0) -> EmbeddedImage | None:
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


def picture_from_data_uri(uri: str, width_pixels: float = 0) -> EmbeddedImage | None:
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


def data_uri(picture: EmbeddedImage) -> str:
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def _in_points(width, height):
    return width * _POINTS_A_PIXEL, height * _POINTS_A_PIXEL


def _kind_and_size(data: bytes) -> tuple[str, tuple[float, float] | None]:
    """Of a bitmap, from its header: Pillow decodes no pixel before it is asked for one."""
    try:
        image = Image.open(io.BytesIO(data), formats=_BITMAPS)
    except Image.DecompressionBombError:
        limit = number(2 * (Image.MAX_IMAGE_PIXELS or 0) / 1e6, 0)
        raise PictureTooLarge(
            _("more than {limit} million pixels; make it smaller", limit=limit)
        ) from None
    except _DAMAGED:
        return "", None
    width, height = image.size
    if image.format == "PNG":
        # matplotlib says how many pixels it drew to the inch; without that word a pixel is a CSS
        # pixel.
        across, down = image.info.get("dpi", (0, 0))
        scale = 72 / across if across == down and across > 63.5 else _POINTS_A_PIXEL
        return "image/png", (width * scale, height * scale)
    if image.format in ("JPEG", "MPO"):  # MPO: a camera's JPEG with a second one behind it
        size = _in_points(width, height)
        return "image/jpeg", size[::-1] if _lies_on_its_side(image) else size
    return f"image/{str(image.format).lower()}", _in_points(width, height)


def _lies_on_its_side(photo: Image.Image) -> bool:
    """Whether a camera asks for it to be turned by a quarter, as browsers and Typst do."""
    try:
        return photo.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    except _DAMAGED:  # both show it as it is
        return False


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

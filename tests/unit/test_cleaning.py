"""Any HTML is inert in a report, and its words are still there; images are told by their bytes."""

import base64
import io
import re
import struct
import zlib

import pytest
from bs4 import BeautifulSoup, NavigableString
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image, ImageFile

from helpers.attacks import ATTACKS
from labreport.core import i18n
from labreport.reporting import ReportHTMLExporter, ReportPDFExporter
from labreport.reporting.blocks import Figure, Note, Prose, TableBlock
from labreport.reporting.cleaning import clean
from labreport.reporting.outputs import output_blocks, prose_blocks
from labreport.reporting.pictures import (
    PictureTooLarge,
    data_uri,
    picture_from_bytes,
    picture_from_mime,
)

ALLOWED = set(
    "href id class title lang dir role src alt width rowspan colspan scope style start type"
    " reversed open display xmlns encoding".split()
)


def dangers(tree):
    """What could run or fetch in a tree, as text."""
    for tag in tree.find_all(True):
        if tag.name in (
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "svg",
            "form",
            "link",
            "base",
        ):
            yield str(tag)
        yield from (f"{tag.name} has {name}" for name in tag.attrs.keys() - ALLOWED)
        if tag.name == "img" and not re.match("data:image/(?:png|jpeg|gif|webp|svg)", tag["src"]):
            yield str(tag)
        if not re.match(r"(?:https?:|mailto:|#|[^:]*$)", tag.get("href", "").strip()):
            yield str(tag)
        if not re.fullmatch(r"(?:text-align: ?\w+)?", tag.get("style", "")):
            yield str(tag)


@pytest.mark.parametrize("attack", ATTACKS)
def test_displayed_html_and_raw_html_in_markdown_are_inert(attack):
    html = f"<p>before</p>{ATTACKS[attack]}"
    assert list(dangers(clean(html))) == []
    shown = new_output("display_data", data={"text/html": html})
    cells = [new_markdown_cell(html), new_code_cell(outputs=[shown])]
    page, _ = ReportHTMLExporter().from_notebook_node(new_notebook(cells=cells))
    main = BeautifulSoup(page, "html.parser").main
    assert main.get_text().count("before") == 2
    for tag in main.find_all(tabindex=True):  # the page's own
        del tag["tabindex"]
    assert list(dangers(main)) == []


def test_the_words_around_an_attack_and_the_text_of_elements_that_are_not_kept_stay():
    html = (
        "<p>one <blink>two</blink></p><form><label>three</label><select><option>four</select>"
        '<p style="background:url(x)" onclick="x()">five</p></form><center>six</center>seven'
        "<svg><p>eight</p></svg>"
    )
    text = clean(html).get_text()
    assert all(word in text for word in "one two three four five six seven".split())


def text_of(html):
    return " ".join(clean(html).get_text().split())


def test_a_tag_of_a_formula_outside_of_one_costs_no_word():
    assert text_of("<p>a <none> b</p> <mi>c</mi> List<annotation>") == "a b c List"
    assert str(clean("<math><mi>x</mi></math> <mi>y</mi>")) == "<math><mi>x</mi></math> y"
    assert text_of("<p>a <math> b <mi>c</p>") == "a b c"


def test_html_is_read_as_a_browser_reads_it():
    (table,) = prose_blocks("<table><tr><th>a<td>1<tr><th>b<td>2</table>")
    assert [[cell.text for cell in row] for row in table.body] == [["a", "1"], ["b", "2"]]
    assert prose_blocks("<p>a<p>b") == [Prose("<p>a</p><p>b</p>")]
    assert str(clean("<dl><dt>a<dd>b</dl>")) == "<dl><dt>a</dt><dd>b</dd></dl>"


def test_words_of_a_table_that_stand_in_no_cell_come_before_it():
    html = "<table>one<caption>two</caption><caption>three</caption><tr>four<td>5</td></tr></table>"
    *words, table = prose_blocks(html)
    assert isinstance(table, TableBlock) and (table.caption, table.body[0][0].text) == ("two", "5")
    assert [BeautifulSoup(block.html, "html.parser").get_text() for block in words] == [
        "onefourthree"
    ]


def test_a_cell_keeps_its_alignment_in_whichever_way_it_is_written():
    html = (
        '<table><tr><td align="right">1</td><td align="justify">2</td>'
        '<td style="color:red; text-align: center">3</td></tr></table>'
    )
    assert [str(cell) for cell in clean(html).find_all("td")] == [
        '<td style="text-align: right">1</td>',
        "<td>2</td>",
        '<td style="text-align: center">3</td>',
    ]


def test_a_control_character_that_is_written_as_a_reference_is_replaced_visibly():
    assert text_of("a&#7;b &#x1b;[0m &#xfffe; c&nbsp;d &amp;nbsp; &#13;") == (
        "a\ufffdb \ufffd[0m \ufffd c d &nbsp;"
    )
    shown = new_output("display_data", data={"text/html": "<p title='&#7;'>a&#7;b</p>"})
    notebook = new_notebook(cells=[new_code_cell(outputs=[shown])])
    assert ReportPDFExporter().from_notebook_node(notebook)[0].startswith(b"%PDF")


@pytest.mark.parametrize("path", [r"C:\plots\curve.png", "file:///plots/curve.png", "gone.png"])
def test_a_picture_that_is_not_there_is_named_with_its_path(path):
    assert path in text_of(f'<img src="{path}" alt="a curve">')
    assert text_of('<img alt="a curve">') == "[picture not shown: a curve]"


INLINE = (
    '<svg width="90" height="60" viewBox="0 0 90 60" preserveAspectRatio="none"><title>A ramp'
    '</title><defs><linearGradient id="g" gradientUnits="userSpaceOnUse"><stop stop-color="red"/>'
    '</linearGradient><clipPath id="c"><rect width="9" height="9"/></clipPath></defs><rect'
    ' fill="url(#g)" clip-path="url(#c)" width="90" height="60"/></svg>'
)


def test_an_inline_drawing_keeps_the_names_that_svg_writes_with_capitals():
    (figure,) = prose_blocks(f"<div>{INLINE}</div>")
    assert (figure.alt, figure.picture.mime) == ("A ramp", "image/svg+xml")
    assert (figure.picture.width, figure.picture.height) == (67.5, 45)
    source = figure.picture.data.decode()
    assert all(name in source for name in ("viewBox=", "preserveAspectRatio=", "gradientUnits="))
    assert "<linearGradient " in source and "</clipPath>" in source


# ---- pictures


def encoded(kind, size=(80, 60), **settings):
    stream = io.BytesIO()
    Image.new("RGB", size, "teal").save(stream, kind, **settings)
    return stream.getvalue()


def turned(by):
    orientation = Image.Exif()
    orientation[0x0112] = by
    return {"exif": orientation}


TWO_IN_ONE = encoded("MPO", save_all=True, append_images=[Image.new("RGB", (8, 6))])
DRAWING = b"\xef\xbb\xbf <svg xmlns='http://www.w3.org/2000/svg' width='80' height='60'/>"


@pytest.mark.parametrize(
    "data, mime, size",
    [
        (encoded("PNG"), "image/png", (60, 45)),
        (encoded("PNG", dpi=(144, 144)), "image/png", (40, 30)),
        (encoded("PNG", dpi=(36, 36)), "image/png", (60, 45)),
        (encoded("PNG", dpi=(144, 72)), "image/png", (60, 45)),
        (encoded("JPEG"), "image/jpeg", (60, 45)),
        (encoded("JPEG", progressive=True, dpi=(300, 300)), "image/jpeg", (60, 45)),
        (encoded("JPEG", **turned(by=3)), "image/jpeg", (60, 45)),
        (encoded("JPEG", **turned(by=6)), "image/jpeg", (45, 60)),
        (TWO_IN_ONE, "image/jpeg", (60, 45)),
        (encoded("GIF"), "image/gif", (60, 45)),
        (encoded("WEBP"), "image/webp", (60, 45)),
        (encoded("WEBP", lossless=True), "image/webp", (60, 45)),
        (DRAWING, "image/svg+xml", (60, 45)),
    ],
)
def test_a_picture_is_known_by_its_bytes_and_as_large_as_browsers_show_it(data, mime, size):
    picture = picture_from_bytes(data)
    assert (picture.mime, picture.data[-20:]) == (mime, data[-20:])
    assert (picture.width, picture.height) == size
    wide = picture_from_bytes(data, 160)
    assert (wide.width, wide.height) == (120, 120 * size[1] / size[0])


def test_no_pixel_is_decoded_to_learn_a_size(monkeypatch):
    def decoded(self):
        raise AssertionError("the picture was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        assert picture_from_bytes(encoded(kind)).width == 60
    # The header is enough where the rest is missing; Typst and browsers say so later.
    assert picture_from_bytes(encoded("PNG", (800, 600))[:60]).width == 600


def damaged_headers():
    for kind in ("PNG", "JPEG", "GIF", "WEBP"):
        whole = encoded(kind)
        for length in (2, 9, 13, 20, 29):
            yield whole[:length]
        yield whole[:12] + b"\xff" * 40
        yield whole[:8] + b"\0" * 200
    yield b"<html>no picture</html>"
    yield b"BM" + encoded("BMP")[2:]
    yield encoded("TIFF")
    yield b""


def test_what_is_no_picture_that_both_writers_can_show_is_none():
    assert [data[:40] for data in damaged_headers() if picture_from_bytes(data)] == []
    assert picture_from_mime("image/png", "no base64 at all") is None


def bombs():
    png = encoded("PNG")
    header = b"IHDR" + struct.pack(">II", 50_000, 50_000) + png[24:29]
    yield "png", png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    gif = encoded("GIF")
    yield "gif", gif[:6] + struct.pack("<HH", 65_000, 65_000) + gif[10:]
    jpeg = encoded("JPEG")
    place = jpeg.index(b"\xff\xc0") + 5
    yield "jpeg", jpeg[:place] + struct.pack(">HH", 65_000, 65_000) + jpeg[place + 4 :]
    webp = encoded("WEBP")
    place = webp.index(b"\x9d\x01\x2a") + 3
    yield "webp", webp[:place] + struct.pack("<HH", 16_000, 16_000) + webp[place + 4 :]


@pytest.mark.parametrize("kind, data", [*bombs()])
def test_a_picture_of_too_many_pixels_is_not_shown_and_the_report_says_why(kind, data):
    assert len(data) < 3000
    with pytest.raises(PictureTooLarge, match="^more than 179 million pixels; make it smaller$"):
        picture_from_bytes(data)
    address = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    assert text_of(f'<img src="{address}" alt="a wall">') == (
        "[picture not shown: a wall: more than 179 million pixels; make it smaller]"
    )
    bundle = {f"image/{kind}": base64.b64encode(data).decode(), "text/plain": "<Figure>"}
    output = new_output("display_data", data=bundle, metadata={"alt": "a wall"})
    assert output_blocks(output, str) == [
        Note("[picture not shown: a wall: more than 179 million pixels; make it smaller]")
    ]
    with i18n.speaking("es"):
        assert (
            "[imagen no mostrada: <Figure>: más de 179 millones"
            in output_blocks(new_output("display_data", data=bundle), str)[0].text
        )


def test_a_large_picture_and_a_slightly_damaged_one_are_shown_without_a_warning(recwarn):
    png = encoded("PNG")
    header = b"IHDR" + struct.pack(">II", 12_000, 12_000) + png[24:29]
    large = png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]
    assert picture_from_bytes(large).width == 9000
    entries, more = b"\x00\x08\x00\x01\x01\x12", b"\x00\x08\x00\x09\x01\x12"
    torn = encoded("JPEG", **turned(by=6)).replace(entries, more)
    assert picture_from_bytes(torn).width == 45 and not recwarn.list


def test_webp_stands_in_both_reports_and_a_turned_photo_fills_its_place():
    webp, photo = encoded("WEBP"), encoded("JPEG", **turned(by=6))
    shown = [
        new_output("display_data", data={"image/webp": base64.b64encode(webp).decode()}),
        new_output("display_data", data={"image/jpeg": base64.b64encode(photo).decode()}),
    ]
    (first,), (second,) = (output_blocks(output, str) for output in shown)
    assert isinstance(first, Figure) and data_uri(first.picture).startswith("data:image/webp;")
    assert (second.picture.width, second.picture.height) == (45, 60)
    made = ReportPDFExporter().from_notebook_node(
        new_notebook(cells=[new_code_cell(outputs=shown)])
    )
    assert made[0].count(b"/Subtype/Image") + made[0].count(b"/Subtype /Image") >= 2


def test_what_comes_out_reads_the_same_again():
    """A second parser finds what the first one left: no text has become markup."""
    for html in ATTACKS.values():
        tree = clean(html)
        again = BeautifulSoup(str(tree), "html.parser")
        assert [tag.name for tag in again.find_all(True)] == [
            tag.name for tag in tree.find_all(True)
        ]
        assert all(isinstance(text, NavigableString) for text in again.find_all(string=True))

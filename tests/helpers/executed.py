"""Executed notebooks, made by hand."""

import base64
import struct
import zlib

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

REPORT_MIME = "application/vnd.labreport.report+json"


def png(width=8, height=6):
    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = (b"\0" + bytes(3 * width)) * height
    data = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + chunk(
        b"IDAT", zlib.compress(rows)
    )
    return b"\x89PNG\r\n\x1a\n" + data + chunk(b"IEND", b"")


PNG = base64.b64encode(png()).decode()


SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"><path'
    ' d="M0 0L72 36"/></svg>'
)


SPANS = """<table><caption>Spans</caption>
<thead><tr><th rowspan="2">model</th><th colspan="2">accuracy</th></tr>
<tr><th>train</th><th>test</th></tr></thead>
<tbody><tr><th rowspan="2">a</th><td>1.0</td><td>2.0 %</td></tr>
<tr><td>3</td><td>nan</td></tr><tr><td>b</td><td rowspan="9">4</td></tr></tbody></table>"""


RUN = {
    "labreport": {
        "finished": "2026-05-01T12:00:00+00:00",
        "commit": "0123456789abcdef",
        "changed": True,
        "fingerprint": "abcdef0123456789",
    }
}


def shown(data, metadata=None):
    return new_output("display_data", data=data, metadata=metadata or {})


def code(*outputs, source="pass", tags=()):
    return new_code_cell(source, outputs=list(outputs), metadata={"tags": list(tags)})


def printed(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def notebook(*cells, **metadata):
    return new_notebook(
        cells=[new_markdown_cell(cell) if isinstance(cell, str) else cell for cell in cells],
        metadata=metadata,
    )

"""Notebooks that need nothing beside them: the project inside, as a zip in a cell of its own, and
their parameters filled in.
"""

import base64
import io
import json
import textwrap
import zipfile
from dataclasses import asdict
from pathlib import Path

from ...core import paths, redaction
from ...runs import provenance
from ...studies import assignments

PACKAGE = "LABREPORT_PACKAGE"  # the name that the bootstrap cell looks for
PARTS = ("lib/labreport", "params", "notebooks", "pipeline.py", "pyproject.toml")
SUFFIXES = {".py", ".yaml", ".csv", ".ipynb", ".toml", ".po", ".typ", ".css", ".js", ".j2"}
LINE = 120  # characters of base64


def project() -> bytes:
    """A zip of all that runs need of this project, and the commit it is of; notebooks without
    outputs. The same files give the same bytes.

    ValueError where a secret stands in a notebook or a parameter file: what is sent can be read by
    others.
    """
    root = paths.root()
    paths_inside = [
        path
        for part in PARTS
        for path in ([root / part] if (root / part).is_file() else (root / part).rglob("*"))
    ]
    contents = {
        path.relative_to(root).as_posix(): _content(path)
        for path in paths_inside
        if path.suffix in SUFFIXES
        and path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }
    for name, content in contents.items():
        if (
            name.startswith(("notebooks/", "params/"))
            and redaction.without_secrets(text := content.decode("utf-8", errors="replace")) != text
        ):
            raise ValueError(
                f"{name} holds what looks like a password or token; take it out of the file before"
                " it is packed"
            )
    contents[f"lib/labreport/{provenance.CHECKOUT}"] = json.dumps(
        redaction.cleaned_values(asdict(provenance.checkout()))
    ).encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(contents.items()):
            # ZipInfo: of no date
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def packed(experiment, language: str) -> dict:
    """The notebook of an experiment, with its parameters and the project inside, as JSON."""
    made = _read(experiment.notebook)
    for cell in made["cells"]:
        if "parameters" in cell["metadata"].get("tags", []):
            cell["source"] = assigned(
                experiment=experiment.name, settings=experiment.changes, language=language
            )
    made["cells"].insert([cell["id"] for cell in made["cells"]].index("bootstrap"), package())
    return made


def package() -> dict:
    """The cell that holds the project."""
    text = "\n".join(textwrap.wrap(base64.b64encode(project()).decode(), LINE))
    return code(
        "package",
        f'# The program itself, as a zip; the next cell unpacks it.\n{PACKAGE} = """\n{text}\n"""',
        {"tags": ["remove-cell"], "_kg_hide-input": True},
    )


def bootstrap() -> dict:
    """The cell that all notebooks begin with."""
    return next(cell for cell in _read("cifar10")["cells"] if cell["id"] == "bootstrap")


def code(name: str, source: str, metadata: dict | None = None) -> dict:
    """A code cell that was not run."""
    return {
        "id": name,
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata or {},
        "outputs": [],
        "source": source,
    }


def prose(name: str, source: str) -> dict:
    """A markdown cell."""
    return {"id": name, "cell_type": "markdown", "metadata": {}, "source": source}


def assigned(**values) -> str:
    """Lines of Python that give names their values."""
    return "\n".join(f"{name} = {value!r}" for name, value in values.items())


def whole(cells: list[dict]) -> dict:
    """A notebook of these cells."""
    return {
        "cells": cells,
        "metadata": _read("cifar10")["metadata"],
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def _content(path: Path) -> bytes:
    """Of a notebook as it is committed, of another file as it is."""
    return (
        json.dumps(_read(path.stem), indent=1, ensure_ascii=False).encode() + b"\n"
        if path.suffix == ".ipynb"
        else path.read_bytes()
    )


def _read(name: str) -> dict:
    """A notebook as JSON, without what a person's run has left in it."""
    content = assignments.notebook(name)
    for cell in content["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)
    return content

"""The index page: lists the entries in one HTML file, in the style of the reports."""

import datetime
from dataclasses import dataclass, field
from urllib.parse import quote

from markupsafe import Markup

from ..core.i18n import _, count, current_language, date, listed, number, percent
from . import formats
from .page import page

WIDTH, HEIGHT, EDGE = 110, 30, 3  # of a curve, in pixels


@dataclass(frozen=True)
class Entry:
    """One row. kind: run, comparison or sweep. status: running, queued, finished, failed,
    interrupted, outdated or damaged; why: in words.

    curve: validation accuracy by epoch. accuracy: measured on the split. finished: ISO 8601, empty
    where it is not. moment: of its last sign of life, seconds since 1970. files: what there is to
    open, by name in its folder.
    """

    name: str
    kind: str
    title: str
    assignment: str
    sample: bool
    status: str
    why: list[str]
    curve: list[float]
    accuracy: float | None
    split: str
    finished: str
    moment: float
    files: list[str] = field(default_factory=list)


def index_page(entries: list[Entry], written: str) -> str:
    """written: when, ISO 8601."""
    statuses = {
        "running": _("running"),
        "queued": _("queued"),
        "finished": _("finished"),
        "outdated": _("outdated"),
        "failed": _("failed"),
        "interrupted": _("interrupted"),
        "changed": _("changed"),
        "damaged": _("damaged"),
    }
    words = {
        "written": _(
            "Runs, comparisons and sweeps as of {date}. Those that were running come first, then"
            " the most recent. This page is rewritten after each run and by pipeline.py list.",
            date=date(written),
        ),
        "none": _("There are no runs yet."),
        "run": _("Run"),
        "assignment": _("Assignment"),
        "status": _("Status"),
        "curve": _("Validation accuracy by epoch"),
        "accuracy": _("Accuracy"),
        "finished": _("Finished"),
        "files": _("Files"),
        "sample": _("sample data"),
        "find": _("Find"),
        "any": _("any"),
        "shown": _("{shown} of {all} shown", shown="{shown}", all=len(entries)),
    }
    present = {entry.status for entry in entries}
    return page(
        "index.html.j2",
        "report.js",
        "index.js",
        words=words,
        language=current_language(),
        title=_("Reports"),
        entries=entries,
        statuses={key: label for key, label in statuses.items() if key in present},
        assignments=sorted({entry.assignment for entry in entries} - {""}),
        kinds={"run": "", "comparison": _("comparison"), "sweep": _("sweep")},
        splits={"test": _("test"), "validation": _("validation")},
        curve=_curve,
        date=date,
        link=_link,
        percent=percent,
        reasons=lambda entry: listed(entry.why, 2),
        seconds=lambda entry: int(datetime.datetime.fromisoformat(entry.finished).timestamp()),
    )


def _link(entry: Entry, file: str) -> Markup:
    stem, *language, suffix = file.split(".")
    labels = {form.file.rpartition(".")[2]: form.label for form in formats.FORMATS.values()}
    label = _("failed notebook") if stem == "failed" else labels.get(suffix, _("notebook"))
    return Markup('<a href="{}/{}">{}</a>').format(
        quote(entry.name), quote(file), f"{label} ({language[0]})" if language else label
    )


def _curve(values: list[float]) -> Markup:
    """On one scale for all: from 0 at the foot to 1 at the top."""
    if not values:
        return Markup("–")
    across = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    points = [
        (EDGE + place * across, HEIGHT - EDGE - value * (HEIGHT - 2 * EDGE))
        for place, value in enumerate(values)
    ]
    last = number(values[-1], 3)
    description = (
        _("{last} after {epochs}", last=last, epochs=count(1, "epoch"))
        if len(values) == 1
        else _(
            "from {first} to {last} in {epochs}, best {best}",
            first=number(values[0], 3),
            last=last,
            best=number(max(values), 3),
            epochs=count(len(values), "epoch"),
        )
    )
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup(
        '<svg class="curve" role="img" aria-label="{}" width="{w}" height="{h}" viewBox="0 0 {w}'
        ' {h}"><path d="M0 {foot}H{w}"/><polyline points="{}"/><circle cx="{x:.1f}" cy="{y:.1f}"'
        ' r="2.5"/></svg>'
    ).format(
        description, line, w=WIDTH, h=HEIGHT, foot=HEIGHT - 0.5, x=points[-1][0], y=points[-1][1]
    )

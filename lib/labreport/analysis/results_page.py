"""docs/results.md and the heads of parameter files: what they say of full runs, from evidence."""

import re
import statistics
import textwrap
from collections.abc import Iterable, Mapping

from ..config.experiments import Experiment
from ..core.i18n import count, duration, listed
from ..runs.results import HOSTS
from ..studies.evidence import Evidence
from .statistics import wilson

WIDTH = 100
_EARLIER = r"\*"  # a plain asterisk would begin italics
SOURCE = "docs/results.md"
NOT_RUN, NOT_TIMED = "not run in full here yet", "not measured yet"
_MEASURED = (
    "experiment",
    "split",
    "images",
    "published accuracy",
    "accuracy",
    "95 % interval",
    "published loss",
    "loss",
    "best epoch of",
)
_MADE = ("experiment", "time", "an epoch", "machine", "sessions", "versions", "finished", "commit")


def page(text: str, found: Mapping[str, Evidence], experiments: Iterable[Experiment]) -> str:
    """The page with its generated blocks as the evidence has them.

    Args:
        text: of the page, with the blocks `measured`, `made` and `missing`, whatever they say.
        found: evidence by experiment.
        experiments: all that there are, in the order of the page.

    Raises:
        ValueError: a block is not there.
    """
    everything = list(experiments)
    there = [found[each.name] for each in everything if each.name in found]
    blocks = {
        "measured": _table(_MEASURED, map(_measured, there)) + _earlier(there),
        "made": _table(_MADE, map(_made, there)),
        "missing": _missing([each for each in everything if each.name not in found]),
    }
    for name, content in blocks.items():
        text = _filled(text, name, content)
    return text


def _filled(text: str, name: str, content: str) -> str:
    start, end = f"<!-- {name}: written by `make evidence` -->\n", f"<!-- end of {name} -->\n"
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    if not (found_start and found_end):
        raise ValueError(
            f"{SOURCE} lacks the block `{name}`; it begins with {start.strip()} and ends with"
            f" {end.strip()}"
        )
    return f"{before}{start}\n{content}\n{end}{after}"


def header(text: str, evidence: Evidence | None) -> str:
    """A parameter file whose comments Time and Expected say what its evidence does.

    Without evidence nothing was measured in full; a time that was estimated from a few epochs
    stays.
    """
    expected = _accuracy(text, evidence) if evidence else NOT_RUN
    text = re.sub(
        r"^(# Expected: .*?)(; .*)?$",
        lambda line: f"{line[1]}; {expected}",
        text,
        count=1,
        flags=re.MULTILINE,
    )
    time = _time(evidence) if evidence else None
    if time is None and re.search(rf"^# Time: .*{re.escape(SOURCE)}", text, re.MULTILINE):
        time = NOT_TIMED
    if time is None:
        return text
    return re.sub(
        r"^# Time: .*$", lambda _: f"# Time:     {time}", text, count=1, flags=re.MULTILINE
    )


def _accuracy(text: str, evidence: Evidence) -> str:
    split = evidence.metrics.evaluated_split
    of_split = f"{split} accuracy "
    published = re.search(rf"^# Expected: {of_split}", text, re.MULTILINE)
    value = evidence.metrics.evaluated_accuracy
    return f"measured {'' if published else of_split}{value:.3f} ({SOURCE})"


def _time(evidence: Evidence) -> str:
    """What a run took: of its epochs, and in all."""
    metrics, last = evidence.metrics, evidence.provenance.last
    place = count(last.threads, "thread") if last.device == "CPU" else last.device
    first = f"features {_seconds(metrics.prepared_seconds)}, then " if metrics.features_once else ""
    return (
        f"{first}{_epoch(evidence)} an epoch, {_seconds(metrics.seconds)} in all, on {place}"
        f" ({SOURCE})"
    )


def _epoch(evidence: Evidence) -> str:
    return _seconds(statistics.median(evidence.metrics.seconds_per_epoch or [0.0]))


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 10 else duration(seconds)


def _measured(evidence: Evidence) -> tuple[str, ...]:
    metrics, published = evidence.metrics, evidence.experiment.published
    name, split = evidence.experiment.name, metrics.evaluated_split
    low, high = wilson(evidence.correct, evidence.images)
    return (
        f"[`{name}`](results/{name})",
        split,
        f"{evidence.images:,}",
        _number(published[f"{split}_accuracy"]),
        f"{metrics.evaluated_accuracy:.3f}" + (f" {_EARLIER}" if evidence.earlier else ""),
        f"{low:.3f} to {high:.3f}",
        _number(published.get(f"{split}_loss")),
        f"{metrics.evaluated_loss:.3f}",
        f"{metrics.best_epoch} of {metrics.epochs}",
    )


def _number(value: float | None) -> str:
    """A published number, with the digits that were published."""
    return "none" if value is None else f"{value:g}"


def _made(evidence: Evidence) -> tuple[str, ...]:
    last, identity = evidence.provenance.last, evidence.metrics.identity
    host = HOSTS.get(identity.get("host", ""), "")
    processor = f"{last.processor}, cores: {last.cores}, threads: {last.threads}"
    versions = evidence.provenance.versions
    checkout = last.checkout
    commit = f"`{checkout.commit[:8]}`" if checkout.commit else "not known"
    return (
        f"`{evidence.experiment.name}`",
        _seconds(evidence.metrics.seconds),
        _epoch(evidence),
        ", ".join(filter(None, (host, last.device if last.device != "CPU" else "", processor))),
        str(len(evidence.provenance.sessions)),
        ", ".join(
            f"{title} {versions[key]}"
            for key, title in (("tensorflow", "TensorFlow"), ("jax", "JAX"), ("keras", "Keras"))
            if key in versions
        ),
        evidence.metrics.finished[:10],
        commit + (" with changes" if checkout.changes else ""),
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    if len(lines) == 2:
        return "No run has evidence yet.\n"
    cells = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in cells)


def _earlier(there: list[Evidence]) -> str:
    """Which rows the program of today did not make, and what has changed since."""
    rows = [
        f"- `{evidence.experiment.name}`: {listed(evidence.earlier, 4)}"
        for evidence in there
        if evidence.earlier
    ]
    if not rows:
        return ""
    lead = f"{_EARLIER} made by an earlier state of the program. This has changed since:"
    return "\n" + "".join(f"{line}\n" for line in [lead, "", *map(_wrapped, rows)])


def _missing(experiments: list[Experiment]) -> str:
    """The experiments without evidence, by assignment."""
    names: dict[str, list[str]] = {}
    for experiment in experiments:
        names.setdefault(experiment.notebook, []).append(f"`{experiment.name}`")
    return (
        "".join(
            _wrapped(f"- {assignment} ({len(members)}): {', '.join(members)}") + "\n"
            for assignment, members in names.items()
        )
        or "None: every experiment has evidence.\n"
    )


def _wrapped(line: str) -> str:
    return textwrap.fill(
        line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )

"""How long a report takes: an executed notebook to HTML and PDF, by labreport in a process that has
imported it and as a command, beside nbconvert's own `--to html` and `--to webpdf` (which prints by
chromium). `make bench` runs it; the notebook is that of a small run on sample data, made first.
"""

import argparse
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import ratio, seconds_in_turns

ROOT = Path(__file__).resolve().parents[2]
# nbconvert as its command starts it, but with the chromium on the PATH instead of one that
# Playwright would download.
WITH_CHROMIUM = """
import sys
from playwright import async_api
chromium, launch = sys.argv[1], async_api.BrowserType.launch
def with_path(self, **options):
    return launch(self, **options | {"executable_path": chromium})
async_api.BrowserType.launch = with_path
from nbconvert.nbconvertapp import main
sys.exit(main(sys.argv[2:]))
"""


def both_warm(notebook: str, place: str):
    """HTML and PDF in a process that has imported what it takes and made no report yet: Typst would
    remember one.
    """
    from labreport.reporting import exporters

    return _forked(lambda: exporters.render(Path(notebook), Path(place) / "warm"))


def html_warm(notebook: str, place: str):
    """nbconvert's HTML in a process like that."""
    from nbconvert import HTMLExporter

    return _forked(
        lambda: (Path(place) / "warm.html").write_text(HTMLExporter().from_filename(notebook)[0])
    )


def report_pdf(notebook: str, place: str):
    """The PDF alone, as a command."""
    return _command([*_nbconvert(), "--to", "report_pdf", notebook, "--output-dir", place])


def html(notebook: str, place: str):
    """nbconvert's HTML, as a command."""
    return _command([*_nbconvert(), "--to", "html", notebook, "--output-dir", place])


def webpdf(notebook: str, place: str):
    """nbconvert's HTML printed by chromium, as a command."""
    options = [
        "--to",
        "webpdf",
        "--WebPDFExporter.disable_sandbox=True",
        notebook,
        "--output-dir",
        place,
    ]
    return _command([sys.executable, "-c", WITH_CHROMIUM, chromium(), *options])


WAYS = {
    both_warm: "labreport, HTML and PDF, imported",
    html_warm: "nbconvert, HTML, imported",
    report_pdf: "jupyter nbconvert --to report_pdf",
    html: "jupyter nbconvert --to html",
    webpdf: "jupyter nbconvert --to webpdf",
}


def chromium() -> str | None:
    """The chromium on the PATH, if Playwright is here to drive it."""
    found = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    return found if importlib.util.find_spec("playwright") else None


def _nbconvert() -> list[str]:
    return [sys.executable, "-m", "jupyter", "nbconvert"]


def _forked(work):
    """Each turn in a fork of its own."""

    def once(turn: int):
        child = os.fork()
        if not child:
            try:
                work()
            finally:
                os._exit(sys.exc_info()[0] is not None)
        if os.waitpid(child, 0)[1]:
            raise RuntimeError("the rendering failed")

    return once


def _command(command: list[str]):
    def once(turn: int):
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(
                f"{' '.join(command)[-200:]} ended with {done.returncode}:\n{done.stderr[-2000:]}"
            )

    return once


def main():
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--turns", type=int, default=7, help="counted turns of each way (default 7)"
    )
    turns = options.parse_args().turns
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(ROOT / "lib"), os.environ.get("PYTHONPATH")))
    )
    ways = [way for way in WAYS if way is not webpdf or chromium()]
    with tempfile.TemporaryDirectory() as place:
        environment = os.environ | {
            "LABREPORT_REPORTS": f"{place}/reports",
            "LABREPORT_CACHE": f"{place}/cache",
        }
        run = [
            sys.executable,
            str(ROOT / "pipeline.py"),
            "report",
            "cifar10_l2_dropout",
            "--notebook-only",
            "--data",
            "sample",
            "--set",
            "epochs=2",
            "max_images=600",
        ]
        done = subprocess.run(run, env=environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(
                "the run that the reports are of ended with"
                f" {done.returncode}:\n{done.stderr[-2000:]}"
            )
        [notebook] = Path(place).glob("reports/*/notebook.ipynb")
        seconds = seconds_in_turns(ways, (str(notebook), place), turns)
        made = {path.name: path.stat().st_size for path in (Path(place) / "warm").iterdir()}
    print(
        f"an executed notebook of {notebook.name}, {turns} turns; median (range), and how many"
        " times as long as labreport's two reports"
    )
    for way, what in WAYS.items():
        if way not in seconds:
            print(f"  {what:<36} not here: it needs Playwright and chromium on the PATH")
            continue
        took = seconds[way]
        print(
            f"  {what:<36}{statistics.median(took):>7.2f} s ({min(took):.2f} to {max(took):.2f})  "
            f" {ratio(took, seconds[both_warm])}"
        )
    print(
        "  made: "
        + ", ".join(f"{name} {size / 1024:,.0f} KiB" for name, size in sorted(made.items()))
    )


if __name__ == "__main__":
    main()

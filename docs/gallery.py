"""Makes the pictures of docs/gallery.md and README.md anew, from drawn sample data: `make gallery`. Needs chromium and poppler's pdftoppm on the PATH."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
PIPELINE = [sys.executable, str(DOCS.parent / "pipeline.py")]
SMALL = ["--data", "sample", "--set", "epochs=12", "max_images=1500"]
SWEEP = ["--data", "sample", "--set", "epochs=4", "max_images=600"]
GREYS = 32  # levels of each colour: text and curves need no more, and the files stay small


def run(*arguments: str, reports: Path) -> None:
    environment = os.environ | {"LABREPORT_REPORTS": str(reports), "LABREPORT_CACHE": str(reports.parent / "cache"), "LABREPORT_AUTHORS": "Ada Lovelace; Grace Hopper",
                                "LABREPORT_COURSE": "Deep Learning"}
    subprocess.run([*PIPELINE, *arguments], env=environment, check=True)


def write(name: str, image: np.ndarray) -> None:
    """A picture of the docs, with fewer colours."""
    step = 256 // GREYS
    cv2.imwrite(str(DOCS / name), np.minimum(image // step * step + image // step * step // GREYS, 255).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 9])


def pages(pdf: Path, name: str, chosen: list[int], dots_per_inch: int = 62) -> None:
    """Some pages of a PDF beside each other."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["pdftoppm", "-r", str(dots_per_inch), "-png", str(pdf), f"{folder}/page"], check=True)
        found = [cv2.imread(str(path)) for path in sorted(Path(folder).iterdir())]
    framed = [cv2.copyMakeBorder(found[number - 1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(190, 190, 190)) for number in chosen]
    gap = np.full((framed[0].shape[0], 12, 3), 255, np.uint8)
    write(name, np.concatenate([part for page in framed for part in (page, gap)][:-1], axis=1))


def screens(page, address: str, name: str, width: int, height: int, scheme: str = "light", then=None) -> None:
    """What a browser shows of a page."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    if then:
        then(page)
    write(name, cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR))


def main():
    with tempfile.TemporaryDirectory() as place:
        reports = Path(place) / "reports"
        for language in ("en", "es"):
            run("report", "cifar10_naive_adam", "--language", language, *SMALL, reports=reports)
        run("sweep", "cifar10_optimizers", *SWEEP, reports=reports)
        [one], [sweep] = reports.glob("cifar10_naive_adam--sample--epochs-12*"), reports.glob("cifar10_optimizers*")
        pages(one / "report.pdf", "report-pages.png", [1, 3, 4])
        pages(one / "report.es.pdf", "report-pages-es.png", [1, 4, 5])
        pages(sweep / "report.pdf", "sweep-pages.png", [1, 2, 3])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page()
            screens(page, (one / "report.html").as_uri(), "page.png", 1280, 800, then=lambda shown: shown.evaluate("document.getElementById('monitoring-the-training').scrollIntoView()"))
            screens(page, (one / "report.html").as_uri(), "page-dark.png", 1280, 800, "dark")
            screens(page, (reports / "index.html").as_uri(), "index.png", 1280, 700)
            browser.close()


if __name__ == "__main__":
    main()

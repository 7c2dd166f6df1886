"""Make the pictures of the documents anew, from drawn sample data: `make gallery`.

Needs chromium and poppler's pdftoppm on the PATH. The pictures of Colab and Kaggle show the
stand-ins that the tests have for both.
"""

import html
import json
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
sys.path[:0] = [str(DOCS.parent / "tests"), str(DOCS.parent / "lib")]
PIPELINE = [sys.executable, str(DOCS.parent / "pipeline.py")]
SMALL = ["--data", "sample", "--set", "epochs=12", "max_images=1500"]
SWEEP = ["--data", "sample", "--set", "epochs=4", "max_images=600"]
GREYS = 32  # levels of each colour: text and curves need no more, and the files stay small


def run(*arguments: str, reports: Path) -> None:
    environment = os.environ | {
        "LABREPORT_REPORTS": str(reports),
        "LABREPORT_CACHE": str(reports.parent / "cache"),
        "LABREPORT_AUTHORS": "Ada Lovelace; Grace Hopper",
        "LABREPORT_COURSE": "Deep Learning",
    }
    subprocess.run([*PIPELINE, *arguments], env=environment, check=True)


def write(name: str, image: np.ndarray) -> None:
    """A picture of the docs, with fewer colours."""
    step = 256 // GREYS
    cv2.imwrite(
        str(DOCS / name),
        np.minimum(image // step * step + image // step * step // GREYS, 255).astype(np.uint8),
        [cv2.IMWRITE_PNG_COMPRESSION, 9],
    )


def pages(pdf: Path, name: str, chosen: list[int], dots_per_inch: int = 62) -> None:
    """Some pages of a PDF, side by side."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["pdftoppm", "-r", str(dots_per_inch), "-png", str(pdf), f"{folder}/page"], check=True
        )
        images = [cv2.imread(str(path)) for path in sorted(Path(folder).iterdir())]
    framed = [
        cv2.copyMakeBorder(
            images[number - 1], 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=(190, 190, 190)
        )
        for number in chosen
    ]
    gap = np.full((framed[0].shape[0], 12, 3), 255, np.uint8)
    write(name, np.concatenate([part for page in framed for part in (page, gap)][:-1], axis=1))


def screens(
    page, address: str, name: str, width: int, height: int, scheme: str = "light", then=None
) -> None:
    """A page in a browser of this size. then: what to do with the page before the picture."""
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto(address)
    if then:
        then(page)
    write(name, cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR))


def element(page, content: str, name: str, width: int) -> None:
    """A piece of HTML as a picture."""
    page.set_viewport_size({"width": width, "height": 300})
    page.emulate_media(color_scheme="light")
    page.set_content(content)
    write(
        name,
        cv2.imdecode(
            np.frombuffer(page.locator("#shown").screenshot(), np.uint8), cv2.IMREAD_COLOR
        ),
    )


def terminal(page, lines: list[str], name: str) -> None:
    """Lines as a terminal shows them."""
    shown = html.escape("\n".join(lines))
    element(
        page,
        "<pre id=shown style='margin:0;padding:14px"
        " 18px;background:#1d1f21;color:#e0e0e0;font:13px/1.45 DejaVu Sans"
        f" Mono;white-space:pre-wrap'>{shown}</pre>",
        name,
        1180,
    )


def sent_to_kaggle(place: Path) -> list[str]:
    """What `make kaggle` prints, of a run that Kaggle ends once."""
    from helpers import kaggle_notebooks, kaggle_stand_in

    for folder in ("home", "site", "service"):
        (place / folder).mkdir(parents=True)
    (place / "site/sitecustomize.py").write_text(kaggle_stand_in.SITECUSTOMIZE)
    notebooks = kaggle_notebooks.Notebooks(
        place / "service", kaggle_notebooks.bare_python(place / "python")
    )
    notebooks.end_first_after = 4
    with kaggle_stand_in.running() as service:
        notebooks.join(service)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("LABREPORT_")
        } | {
            "HOME": str(place / "home"),
            "PYTHONPATH": str(place / "site"),
            kaggle_stand_in.ADDRESS: service.url,
            "KAGGLE_USERNAME": kaggle_stand_in.USER,
            "KAGGLE_KEY": kaggle_stand_in.KEY,
            "LABREPORT_REPORTS": str(place / "reports"),
            "LABREPORT_CACHE": str(place / "cache"),
        }
        output = subprocess.run(
            [
                *PIPELINE,
                "kaggle",
                "cifar10_naive_adam",
                "--data",
                "sample",
                "--set",
                "epochs=8",
                "max_images=1500",
            ],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    notebooks.close()
    return [
        '$ make kaggle EXP=cifar10_naive_adam DATA=sample SET="epochs=8 max_images=1500"',
        *output.replace(str(place) + "/", "").splitlines(),
    ]


def opened_on_colab(place: Path) -> str:
    """The first cells and the training of a notebook, opened again after its runtime was lost, as
    HTML.
    """
    from helpers import simulated

    place.mkdir()
    simulated.zip_project(place / "labreport.zip")
    environment, settings = (
        simulated.environment("colab"),
        {"data": "sample", "epochs": 6, "max_images": 1500},
    )
    simulated.notebook(
        "cifar10", place / "cifar10.ipynb", experiment="cifar10_naive_adam", settings=settings
    )
    program = [
        "/environment/bin/python",
        "/test/open_notebook.py",
        "/content",
        "/test/out",
        "/test/cifar10.ipynb",
    ]
    for more in ({"KILL_WHEN": "/content/labreport/reports/*/unfinished/epoch-0003.*.npz"}, {}):
        simulated.start(
            "colab", place, program, environment, LABREPORT_SOURCE="/test/labreport.zip", **more
        ).communicate()
    cells = []
    for cell in json.loads((place / "out/cifar10.ipynb").read_text())["cells"]:
        if cell["id"] in ("bootstrap", "parameters", "train"):
            source = "".join(cell["source"]).splitlines()
            source = (
                f"<b>{html.escape(source[0].removeprefix('# @title '))}</b>"
                if cell["id"] == "bootstrap"
                else html.escape("\n".join(source))
            )
            printed = "".join(
                text
                for output in cell["outputs"]
                if output["output_type"] == "stream"
                for text in output["text"]
            )
            cells.append(
                "<pre style='background:#f4f4f6;border:1px solid #ddd;padding:8px 12px;margin:10px"
                f" 0 2px'>{source}</pre><pre style='margin:4px 12px'>{html.escape(printed)}</pre>"
            )
    return (
        "<div id=shown style='background:#fff;padding:4px 16px 10px;font-size:13px'><style>pre"
        " {font: 13px/1.45 DejaVu Sans Mono; white-space:"
        f" pre-wrap}}</style>{''.join(cells)}</div>"
    )


def main():
    with tempfile.TemporaryDirectory() as place:
        reports = Path(place) / "reports"
        for language in ("en", "es"):
            run("report", "cifar10_naive_adam", "--language", language, *SMALL, reports=reports)
        run("sweep", "cifar10_optimizers", *SWEEP, reports=reports)
        [single] = reports.glob("cifar10_naive_adam--sample--epochs-12*")
        [sweep] = reports.glob("cifar10_optimizers*")
        pages(single / "report.pdf", "report-pages.png", [1, 3, 4])
        pages(single / "report.es.pdf", "report-pages-es.png", [1, 4, 5])
        pages(sweep / "report.pdf", "sweep-pages.png", [1, 2, 3])
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
            )
            page = browser.new_page()
            screens(
                page,
                (single / "report.html").as_uri(),
                "page.png",
                1280,
                800,
                then=lambda shown: shown.evaluate(
                    "document.getElementById('monitoring-the-training').scrollIntoView()"
                ),
            )
            screens(page, (single / "report.html").as_uri(), "page-dark.png", 1280, 800, "dark")
            screens(page, (reports / "index.html").as_uri(), "index.png", 1280, 700)
            terminal(page, sent_to_kaggle(Path(place) / "kaggle"), "kaggle-terminal.png")
            element(page, opened_on_colab(Path(place) / "colab"), "colab.png", 1180)
            browser.close()


if __name__ == "__main__":
    main()

"""The pages in a browser: nothing is fetched, and what folds, sorts, enlarges and changes colours
does so, by mouse and keyboard.
"""

import shutil
import subprocess

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from labreport.reporting import ReportHTMLExporter
from labreport.reporting.index_page import Entry, index_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on the PATH")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

REPORT_MIME = "application/vnd.labreport.report+json"
DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="150pt" viewBox="0 0 300'
    ' 150"><path d="M0 150L300 0" stroke="black"/></svg>'
)
LONG = "A paragraph that takes some room. " * 60


def html_table(caption, header, *rows):
    head = "".join(f"<th>{cell}</th>" for cell in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    table = (
        f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
    return new_output("display_data", data={"text/html": table})


def cell(
    *outputs,
    source="epochs = 3  # needle\nfor epoch in range(epochs):\n    print(f'{epoch}', 1.5, None)",
):
    return new_code_cell(source, outputs=list(outputs))


def report(language):
    title = new_output(
        "display_data",
        data={
            REPORT_MIME: {
                "title": "What does it learn?",
                "question": "A question?",
                "experiment": "one",
                "sample": True,
                "language": language,
                "fields": [["Seed", "1"]],
            }
        },
    )
    figure = new_output(
        "display_data",
        data={"image/svg+xml": DRAWING},
        metadata={"image/svg+xml": {"alt": "a line that rises", "caption": "Accuracy by epoch."}},
    )
    english = html_table(
        "Numbers.",
        ["name", "signed", "share", "many", "time", "uncertain"],
        ["b", "+0.5", "70.2 %", "1,234", "3 min 20 s", "2.5 (2.1 to 2.9)"],
        ["a", "−0.25", "7.1 %", "999", "8 s", "1e-05"],
        ["–", "–", "–", "–", "–", "–"],
        ["a", "0.125", "100 %", "20,000", "2 h 05 min", "10 ± 1"],
        ["c", "-3", "9.9 %", "5", "50 s", "−7"],
    )
    spanish = html_table(
        "Números.",
        ["nombre", "parte", "muchos", "como Python"],
        ["ñu", "70,2 %", "1.234", "0.5"],
        ["oso", "7,1 %", "999", "0.25"],
        ["nutria", "−9,95 %", "20.000", "12.75"],
        ["zorro", "–", "", "nan"],
    )
    spans = new_output(
        "display_data",
        data={
            "text/html": (
                "<table><tr><th>a</th><th>b</th></tr><tr><td"
                " colspan='2'>both</td></tr><tr><td>1</td><td>2</td></tr></table>"
            )
        },
    )
    wide = html_table(
        "Wide.",
        [f"validation_accuracy_{number}" for number in range(14)],
        ["0.123456"] * 14,
        ["0.654321"] * 14,
    )
    error = new_output(
        "error",
        ename="ValueError",
        evalue="of an unbearably long word: " + "x" * 200,
        traceback=["Traceback", "ValueError: no"],
    )
    said = [
        new_output("stream", name="stdout", text="printed " * 40),
        new_output("stream", name="stderr", text="warned\n"),
    ]
    cells = [
        "# An assignment",
        cell(title),
        f"## Data\n\n{LONG}\n\n$$p = \\frac{{a}}{{b}}$$",
        cell(figure),
        f"## Model\n\n{LONG}\n\n```python\nquoted = 1\n```",
        cell(english, spanish, spans, wide),
        f"## Results\n\n{LONG}",
        cell(error, *said),
        f"### Details\n\n{LONG}",
    ]
    return new_notebook(
        cells=[new_markdown_cell(one) if isinstance(one, str) else one for one in cells]
    )


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture(scope="module")
def files_of_reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    for language in ("en", "es"):
        (folder / f"{language}.html").write_text(
            ReportHTMLExporter().from_notebook_node(report(language))[0], "utf-8"
        )
    return folder


@pytest.fixture
def visit(browser):
    """Opens a file; at the end of the test nothing must have been fetched but files that were
    opened, and nothing complained of.
    """
    contexts, opened, fetched, complaints = [], [], [], []

    def open_file(path, **how):
        contexts.append(browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | how)))
        page = contexts[-1].new_page()
        page.on("request", lambda request: fetched.append(request.url))
        page.on(
            "console",
            lambda message: (
                complaints.append(message.text) if message.type in ("warning", "error") else None
            ),
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        opened.append(path.as_uri())
        page.goto(opened[-1])
        return page

    yield open_file
    for context in contexts:
        context.close()
    assert [url.split("#")[0] for url in fetched if not url.startswith("data:")] == opened
    assert complaints == []


@pytest.fixture
def page(visit, files_of_reports):
    return visit(files_of_reports / "en.html")


@pytest.fixture(scope="module")
def file_of_index(tmp_path_factory):
    def entry(
        name,
        status,
        accuracy,
        finished="",
        assignment="cifar10",
        kind="run",
        sample=False,
        curve=(),
        why=(),
    ):
        return Entry(
            name,
            kind,
            f"About {name.split('--')[0]}",
            assignment,
            sample,
            status,
            list(why),
            list(curve),
            accuracy,
            "test",
            finished,
            0,
            ["report.html", "report.pdf"] if accuracy else ["failed.ipynb"],
        )

    entries = [
        entry(
            "cifar10_l2--sample--epochs-3",
            "finished",
            0.5,
            "2026-11-24T12:00:00+00:00",
            sample=True,
            curve=[0.25, 0.5, 0.45],
        ),
        entry(
            "cifar10_naive_adam",
            "outdated",
            0.0625,
            "2026-09-02T12:00:00+00:00",
            curve=[0.1],
            why=["keras: 3.14, now 3.15", "training.py changed"],
        ),
        entry(
            "flowers_basic", "failed", None, assignment="flowers", why=["the disk is full, " * 20]
        ),
        entry("flowers_pilot", "running", None, assignment="flowers", curve=[0.2, 0.9]),
        entry(
            "flowers_comparison",
            "finished",
            None,
            "2026-10-03T12:00:00+00:00",
            assignment="flowers",
            kind="comparison",
        ),
        entry("dog_breeds_mobilenetv2", "interrupted", 1.0, assignment="dog_breeds"),
    ]
    path = tmp_path_factory.mktemp("reports") / "index.html"
    path.write_text(index_page(entries, "2026-11-24T22:10:04+00:00"), "utf-8")
    return path


def violations(page):
    """What axe-core finds, as text.

    Its engine is put into the page by the browser itself, past the page's policy.
    """
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


def column(page, caption, name):
    """Texts of a table's column from top to bottom."""
    return page.evaluate(
        """([caption, name]) => {
        const table = [...document.querySelectorAll("table")].find(
            (table) => table.caption?.textContent.includes(caption));
        const place = [...table.tHead.rows[0].cells].findIndex((cell) => cell.textContent === name);
        return [...table.tBodies[0].rows].map((row) => row.cells[place].textContent);
    }""",
        [caption, name],
    )


def header(page, caption, name):
    return page.locator("table", has=page.locator("caption", has_text=caption)).get_by_role(
        "button", name=name, exact=True
    )


def background(page):
    return page.evaluate("getComputedStyle(document.body).backgroundColor")


def test_code_is_folded_and_one_button_unfolds_all_of_it_and_folds_it_again(page):
    folds = page.locator("details.fold")
    assert (
        folds.count() == 4
        and page.get_by_text("# needle").first.is_hidden()
        and page.get_by_text("quoted = 1").is_visible()
    )
    folds.first.locator("summary").press("Enter")
    assert (
        page.get_by_text("# needle").first.is_visible()
        and page.locator("details.fold[open]").count() == 1
    )
    page.get_by_role("button", name="Unfold all code").click()
    assert page.locator("details.fold[open]").count() == 4
    page.get_by_role("button", name="Fold all code").click()
    assert page.locator("details.fold[open]").count() == 0


def test_a_search_in_the_page_finds_folded_code_and_unfolds_it(visit, files_of_reports):
    page = visit(files_of_reports / "en.html")
    page.goto(page.url + "#:~:text=%23%20needle")  # goes the same way as the browser's own search
    page.wait_for_selector("details.fold[open]")
    assert page.locator("details.fold[open]").count() == 1


@pytest.mark.parametrize(
    "name, ascending",
    [
        ("name", ["a", "a", "b", "c", "–"]),
        ("signed", ["-3", "−0.25", "0.125", "+0.5", "–"]),
        ("share", ["7.1 %", "9.9 %", "70.2 %", "100 %", "–"]),
        ("many", ["5", "999", "1,234", "20,000", "–"]),
        ("time", ["8 s", "50 s", "3 min 20 s", "2 h 05 min", "–"]),
        ("uncertain", ["−7", "1e-05", "2.5 (2.1 to 2.9)", "10 ± 1", "–"]),
    ],
)
def test_a_table_sorts_by_a_column_both_ways_with_what_is_missing_last(page, name, ascending):
    before, button = column(page, "Numbers.", name), header(page, "Numbers.", name)
    button.click()
    assert column(page, "Numbers.", name) == ascending
    assert page.locator("th[aria-sort=ascending]").inner_text() == name
    button.press("Enter")
    assert column(page, "Numbers.", name) == [*ascending[-2::-1], "–"]
    assert page.locator("th[aria-sort=descending]").inner_text() == name
    button.press("Space")
    assert column(page, "Numbers.", name) == before and page.locator("th[aria-sort]").count() == 0


def test_equal_rows_stay_in_their_order_in_both_directions(page):
    button = header(page, "Numbers.", "name")
    for _ in range(2):
        button.click()
        assert [
            share
            for name, share in zip(
                column(page, "Numbers.", "name"), column(page, "Numbers.", "share")
            )
            if name == "a"
        ] == ["7.1 %", "100 %"]


@pytest.mark.parametrize(
    "name, ascending",
    [
        ("nombre", ["nutria", "ñu", "oso", "zorro"]),
        ("parte", ["−9,95 %", "7,1 %", "70,2 %", "–"]),
        ("muchos", ["999", "1.234", "20.000", ""]),
        ("como Python", ["0.25", "0.5", "12.75", "nan"]),
    ],
)
def test_spanish_numbers_and_words_sort_as_such_and_pythons_own_too(
    visit, files_of_reports, name, ascending
):
    page = visit(files_of_reports / "es.html")
    header(page, "Números.", name).click()
    assert column(page, "Números.", name) == ascending


def test_a_table_with_spans_is_left_alone(page):
    assert (
        page.locator("table:has([colspan]) button").count() == 0
        and page.locator("table:has([colspan])").count() == 1
    )


def test_a_figure_enlarges_and_closes_by_keyboard_and_the_focus_comes_back(page):
    figure = page.get_by_role("button", name="a line that rises")
    small = figure.locator("img").bounding_box()["width"]
    figure.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Enlarged figure")
    assert dialog.is_visible() and dialog.locator("img").bounding_box()["width"] > 1.5 * small
    page.keyboard.press("Escape")
    playwright.expect(dialog).to_be_hidden()
    playwright.expect(page.locator("dialog img")).to_have_count(0)
    assert figure.evaluate("button => button === document.activeElement")
    figure.click()
    page.get_by_role("button", name="Close").click()
    playwright.expect(dialog).to_be_hidden()


def test_the_section_being_read_is_marked_in_the_contents(page):
    marked = page.locator(".contents [aria-current]")
    for anchor, text in (("model", "Model"), ("results", "Results"), ("data", "Data")):
        page.evaluate("anchor => document.getElementById(anchor).scrollIntoView()", anchor)
        # waits, and unlike wait_for_function needs no eval, which the page forbids
        playwright.expect(marked).to_contain_text(text)
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    playwright.expect(marked).to_contain_text("Details")


def test_dark_colours_come_from_the_system_and_from_the_switch_and_figures_stay_on_white(
    visit, files_of_reports
):
    light, dark = (
        visit(files_of_reports / "en.html"),
        visit(files_of_reports / "en.html", color_scheme="dark"),
    )
    colours = background(light), background(dark)
    assert colours[0] == "rgb(255, 255, 255)" != colours[1]
    assert (
        dark.locator("figure img").evaluate("image => getComputedStyle(image).backgroundColor")
        == "rgb(255, 255, 255)"
    )
    light.get_by_role("button", name="Dark colours").click()
    dark.get_by_role("button", name="Light colours").click()
    assert (background(dark), background(light)) == colours
    assert light.get_by_role("button", name="Light colours").is_visible()


def test_a_phone_scrolls_tables_in_their_own_box_and_never_the_page(visit, files_of_reports):
    page = visit(files_of_reports / "en.html", viewport={"width": 360, "height": 700})
    page.get_by_role("button", name="Unfold all code").click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.evaluate(
        "[...document.querySelectorAll('.table')].some((box) => box.scrollWidth > box.clientWidth)"
    )


def test_print_shows_the_code_and_neither_contents_nor_buttons(visit, files_of_reports):
    page = visit(files_of_reports / "en.html", color_scheme="dark")
    page.emulate_media(media="print")
    assert page.get_by_text("# needle").first.is_visible()
    assert (
        page.locator(".contents").is_hidden()
        and page.locator("#scheme").is_hidden()
        and page.locator("#unfold").is_hidden()
    )
    assert background(page) == "rgb(255, 255, 255)"
    if shutil.which("pdftotext"):
        text = subprocess.run(
            ["pdftotext", "-", "-"], input=page.pdf(), capture_output=True, check=True
        ).stdout.decode()
        assert text.count("# needle") == 4 and "Unfold" not in text and "Contents" not in text


def test_without_javascript_everything_is_there_but_the_buttons(visit, files_of_reports):
    page = visit(files_of_reports / "en.html", java_script_enabled=False)
    assert page.get_by_role("button").count() == 0 and page.locator("figure img").is_visible()
    page.locator("details.fold summary").first.click()
    assert page.get_by_text("# needle").first.is_visible()


def test_the_policy_lets_no_other_script_run(page, files_of_reports, visit, tmp_path):
    told = (
        (files_of_reports / "en.html")
        .read_text("utf-8")
        .replace("</body>", "<script>document.title = 'taken over'</script></body>")
    )
    (tmp_path / "foreign.html").write_text(told, "utf-8")
    context = page.context.browser.new_context()
    other = context.new_page()
    refused = []
    other.on("console", lambda message: refused.append(message.text))
    other.goto((tmp_path / "foreign.html").as_uri())
    assert other.title() == "What does it learn?" and "Content Security Policy" in refused[0]
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_a_report_with_all_code_unfolded_and_a_table_sorted(
    visit, files_of_reports, scheme
):
    page = visit(files_of_reports / "en.html", color_scheme=scheme)
    page.get_by_role("button", name="Unfold all code").click()
    header(page, "Numbers.", "share").click()
    assert violations(page) == ""


def test_axe_finds_nothing_in_an_enlarged_figure(page):
    page.get_by_role("button", name="a line that rises").click()
    assert violations(page) == ""


def runs(page):
    """Names of the rows to be seen, from top to bottom."""
    return [
        row.get_attribute("data-value")
        for row in page.locator("tbody th").all()
        if row.is_visible()
    ]


def test_the_index_filters_by_words_status_and_assignment_together(visit, file_of_index):
    page = visit(file_of_index)
    assert len(runs(page)) == 6 and page.get_by_role("status").inner_text() == "6 of 6 shown"
    page.get_by_label("Assignment").select_option("flowers")
    assert runs(page) == ["flowers_basic", "flowers_pilot", "flowers_comparison"]
    page.get_by_label("Status").select_option("failed")
    assert (
        runs(page) == ["flowers_basic"]
        and page.get_by_role("status").inner_text() == "1 of 6 shown"
    )
    page.get_by_label("Assignment").select_option("")
    page.get_by_label("Status").select_option("")
    page.get_by_label("Find").fill("SAMPLE epochs-3")
    assert runs(page) == ["cifar10_l2--sample--epochs-3"]
    page.get_by_label("Find").fill("no such run")
    assert runs(page) == [] and page.get_by_role("status").inner_text() == "0 of 6 shown"


@pytest.mark.parametrize(
    "name, first, last",
    [
        ("Accuracy", "cifar10_naive_adam", "dog_breeds_mobilenetv2"),
        ("Finished", "cifar10_naive_adam", "cifar10_l2--sample--epochs-3"),
        ("Validation accuracy by epoch", "cifar10_naive_adam", "flowers_pilot"),
    ],
)
def test_the_index_sorts_by_what_it_shows_and_leaves_what_is_missing_at_the_end(
    visit, file_of_index, name, first, last
):
    page = visit(file_of_index)
    button = page.get_by_role("button", name=name, exact=True)
    button.click()
    assert (runs(page)[0], runs(page)[2]) == (first, last)  # three of the six have any
    button.click()
    assert (runs(page)[0], runs(page)[2]) == (last, first)


def test_the_index_names_its_curves_links_what_there_is_and_fits_a_phone(visit, file_of_index):
    page = visit(file_of_index, viewport={"width": 360, "height": 700})
    assert page.get_by_role("img", name="from 0.250 to 0.450 in 3 epochs, best 0.500").count() == 1
    assert (
        page.get_by_role("link", name="PDF").first.get_attribute("href")
        == "cifar10_l2--sample--epochs-3/report.pdf"
    )
    assert page.evaluate("document.documentElement.scrollWidth") == 360


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_index(visit, file_of_index, scheme):
    page = visit(file_of_index, color_scheme=scheme)
    assert (
        violations(page) == ""
        and background(page) == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 28)"}[scheme]
    )

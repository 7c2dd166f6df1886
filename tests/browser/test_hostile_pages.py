"""What HTML of others can do in a browser once it has been cleaned: nothing, even without the
page's policy.
"""

import re
import shutil

import pytest

from helpers.attacks import ATTACKS
from labreport.reporting.cleaning import clean

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = (
    shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on the PATH")


@pytest.fixture(scope="module")
def harm(tmp_path_factory):
    """What a fragment does: calls of attack(), addresses asked for, and links that would run."""
    path = tmp_path_factory.mktemp("hostile") / "page.html"
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.route(re.compile("^https?:"), lambda route: route.abort())

        def of(fragment):
            asked.clear()
            path.write_text(
                "<!DOCTYPE html><meta charset=utf-8><script>calls = 0; attack = () => { calls++ }"
                f"</script><main>{fragment}</main>",
                "utf-8",
            )
            page.goto(path.as_uri())
            page.evaluate("new Promise((done) => setTimeout(done, 30))")
            page.evaluate(
                """for (const one of document.querySelectorAll("main *"))
                    for (const kind of ["click", "mouseover", "focus", "submit"])
                        one.dispatchEvent(new Event(kind, {cancelable: true}))"""
            )
            links = page.evaluate(
                "[...document.querySelectorAll('main [href]')].map((one) => String(one.href))"
            )
            runs = [link for link in links if re.match("(?:javascript|data|vbscript|blob):", link)]
            fetched = [address for address in asked if not address.startswith("data:image/")]
            return page.evaluate("calls"), fetched[1:], runs

        yield of
        browser.close()


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_cleaned_fragment_runs_and_fetches_nothing_in_a_browser(harm, attack):
    assert harm(str(clean(ATTACKS[attack]))) == (0, [], [])


@pytest.mark.parametrize(
    "attack", ["handler", "svg", "svg foreignObject", "mathml", "style element"]
)
def test_the_same_fragment_does_harm_when_it_is_not_cleaned(harm, attack):
    assert harm(ATTACKS[attack]) != (0, [], [])

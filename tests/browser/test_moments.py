"""The search and the page of an asset in a browser: from words to the moment on the timeline of its video."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from connector.simulator import IndexSpec, Scenario, Simulator, run_in_thread
from tests.browser.accessibility import overflow, violations
from tests.browser.chromium import Watch
from tests.browser.conftest import PageFactory
from tests.browser.live_site import LiveSite, started
from tests.qdrant_server import Endpoint

TWO = Scenario(
    seed=8,
    indexes=(
        IndexSpec(name="newer", model="marengo3.0", generate=5, duration=(60.0, 90.0)),
        IndexSpec(name="older", model="marengo2.7", generate=3, duration=(20.0, 30.0)),
    ),
)
WORDS = "a ship leaves the harbour"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, qdrant: Endpoint) -> Iterator[LiveSite]:
    """Not of every index: searches would also show what other tests left on the server."""
    directory = tmp_path_factory.mktemp("site")
    with run_in_thread(TWO) as simulator, started(directory, qdrant, simulator, **of_its_own(simulator)) as it:
        it.control.add_asset(it.index_id, "harbour.mp4", captions=["a cook cuts onions", WORDS, "children play chess"])
        yield it


def of_its_own(simulator: Simulator) -> dict[str, str]:
    return {"CONNECTOR_INDEXES": ",".join(simulator.control.index_ids)}


@pytest.fixture
def page(new_page: PageFactory, site: LiveSite) -> Page:
    """On the overview, when everything can be found."""
    page = new_page()
    page.goto(site.url)
    expect(page.get_by_role("region", name="newer").locator(".legend .applied .count")).to_have_text("6")
    expect(page.get_by_role("region", name="older").locator(".legend .applied .count")).to_have_text("3")
    return page


def test_a_search_leads_to_the_moment_on_the_timeline_of_its_video(page: Page) -> None:
    """With the keyboard alone."""
    page.get_by_role("searchbox").first.focus()
    page.keyboard.type(WORDS)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/search\?"))
    hit = page.get_by_role("listitem").filter(has=page.get_by_role("heading", level=3)).first
    expect(hit).to_contain_text("harbour.mp4")
    expect(hit).to_contain_text("visual")
    when = hit.locator(".at-time").inner_text()

    hit.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("harbour.mp4")
    expect(page.get_by_role("group", name="Moment")).to_contain_text(when)
    expect(page.locator("svg.timeline.marked")).to_be_visible()
    expect(page.locator("svg.timeline rect.at").first).to_be_visible()
    expect(page.locator("tr[aria-current]").first).to_contain_text(when)


def test_a_search_shows_a_list_for_each_model_without_a_reload(page: Page, site: LiveSite) -> None:
    page.goto(f"{site.url}/search")
    page.evaluate("window.isTheSameDocument = true")
    page.get_by_role("searchbox").fill(WORDS)
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(2)
    page.get_by_label("Index").select_option("older")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("heading", level=2)).to_have_count(1)
    expect(page.get_by_role("heading", level=2)).to_contain_text("marengo2.7")

    assert page.evaluate("window.isTheSameDocument") is True


def test_a_search_that_fails_says_what_to_do(page: Page, watches: list[Watch], site: LiveSite) -> None:
    watches[0].allowed = (" 502 ", " 503 ", "Response Status Error Code")
    page.goto(f"{site.url}/search")
    site.control.inject("POST /embed*", status=401, body={"code": "api_key_invalid", "message": "the key is invalid"})
    try:
        page.get_by_role("searchbox").fill(f"{WORDS} at dawn")  # not embedded before
        page.get_by_role("button", name="Search").click()
        expect(page.locator("#results")).to_contain_text("What to do:")
        expect(page.locator("#results")).to_contain_text("TWELVELABS_API_KEY")
        assert violations(page) == {}
    finally:
        site.control.clear_faults()
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results")).to_contain_text("harbour.mp4")


def test_both_pages_fit_every_window_and_are_accessible(page: Page, site: LiveSite) -> None:
    for path in ("/search", f"/search?q={WORDS.replace(' ', '+')}"):
        page.goto(f"{site.url}{path}")
        check(page)
    page.get_by_role("searchbox").fill(WORDS)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#results")).to_contain_text("harbour.mp4")
    check(page)
    page.get_by_role("link", name="harbour.mp4").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("harbour.mp4")
    check(page)


def check(page: Page) -> None:
    for width in (1280, 768, 320):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0, (page.url, width)
    assert violations(page) == {}, page.url

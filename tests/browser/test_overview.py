"""The overview in a browser: it follows what the daemon does without a reload, for every reader."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from connector.simulator import IndexSpec, Scenario, run_in_thread
from tests.browser.accessibility import overflow, violations
from tests.browser.chromium import Watch
from tests.browser.conftest import PageFactory
from tests.browser.live_site import STILL, LiveSite, live_site, started
from tests.e2e.convergence import RETRIEVE
from tests.qdrant_server import Endpoint

BACKFILL = Scenario(seed=5, indexes=(IndexSpec(name="archive", model="marengo3.0", generate=12),))
TWO = Scenario(
    seed=6,
    indexes=(
        IndexSpec(name="newer", model="marengo3.0", generate=6),
        IndexSpec(name="older", model="marengo2.7", generate=4),
    ),
)
KEY_REFUSED: dict[str, Any] = {"status": 401, "body": {"code": "api_key_invalid", "message": "the key is invalid"}}
CURRENT, CATCHING_UP, NOT_CURRENT = "Everything is current", "Catching up", "Not current"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, qdrant: Endpoint) -> Iterator[LiveSite]:
    """Two indexes in sync."""
    with live_site(tmp_path_factory.mktemp("site"), qdrant, TWO) as it:
        yield it


def headline(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def index(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def count(page: Page, name: str, state: str) -> Locator:
    return index(page, name).locator(f".legend .{state} .count")


def mark(page: Page) -> None:
    """A reload would lose it."""
    page.evaluate("window.isTheSameDocument = true")


def is_same(page: Page) -> bool:
    return page.evaluate("window.isTheSameDocument") is True


def test_a_backfill_is_seen_progressing_without_a_reload(
    new_page: PageFactory, tmp_path: Path, qdrant: Endpoint
) -> None:
    with run_in_thread(BACKFILL) as simulator:
        hold = simulator.control.hold(RETRIEVE, nth=5)
        with started(tmp_path, qdrant, simulator, CONNECTOR_CONCURRENCY="1") as site:
            hold.wait_reached()
            page = new_page()
            page.goto(site.url)
            expect(headline(page)).to_have_text(CATCHING_UP)
            expect(index(page, "archive")).to_contain_text("4 of 12 changes done")
            expect(count(page, "archive", "applied")).to_have_text("4")
            expect(index(page, "archive").get_by_role("progressbar")).to_have_attribute("value", "4")
            expect(page.locator("#live-state")).to_have_text("Live")
            mark(page)

            hold.release()
            expect(headline(page)).to_have_text(CURRENT)
            expect(count(page, "archive", "applied")).to_have_text("12")
            expect(count(page, "archive", "backlog")).to_have_text("0")
            expect(page).to_have_title("Everything is current · Connector")
            expect(page.locator("#said")).to_have_text(CURRENT)
            assert is_same(page)
            page.close()


def test_an_error_is_seen_appearing_with_what_to_do_and_clearing(new_page: PageFactory, site: LiveSite) -> None:
    page = new_page()
    page.goto(site.url)
    expect(headline(page)).to_have_text(CURRENT)
    mark(page)

    site.control.inject("**", **KEY_REFUSED)
    expect(headline(page)).to_have_text(NOT_CURRENT)
    reasons = page.get_by_role("list", name="Why it is not current")
    expect(reasons).to_contain_text("What to do:")
    expect(index(page, "newer")).to_contain_text("The API key was rejected")
    expect(index(page, "newer")).to_contain_text("connector check --keys")
    assert violations(page) == {}

    site.control.clear_faults()
    expect(headline(page)).to_have_text(CURRENT)
    expect(index(page, "newer")).not_to_contain_text("rejected")
    assert is_same(page)


def test_a_webhook_makes_an_asset_searchable_before_the_eyes_of_the_reader(
    new_page: PageFactory, watches: list[Watch], tmp_path: Path, qdrant: Endpoint
) -> None:
    """Polls are an hour apart, so it must be the webhook. At the end the daemon stops, which the page tells too."""
    page = new_page()
    with live_site(tmp_path, qdrant, BACKFILL, **STILL) as site:
        page.goto(site.url)
        expect(count(page, "archive", "applied")).to_have_text("12")
        mark(page)

        added = site.control.add_asset(site.index_id, "harbour.mp4", captions=["a ship leaves the harbour"])
        site.control.emit("index.task.ready", site.index_id, added)
        expect(count(page, "archive", "applied")).to_have_text("13")
        assert watches[0].unexpected() == []
    watches[0].allowed = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", " 503 ", "[object Event]")
    expect(page.locator("#live-state")).to_have_text("Connection lost, trying again")
    assert is_same(page)


def test_nothing_is_called_current_while_the_connection_is_lost(new_page: PageFactory, site: LiveSite) -> None:
    """The daemon is stopped, not ended: the stream stays open, and says nothing."""
    page = new_page()
    page.goto(site.url)
    expect(headline(page)).to_have_text(CURRENT)
    site.daemon.process.send_signal(signal.SIGSTOP)
    try:
        expect(headline(page)).to_have_text(re.compile(r"Was current \d+ s ago; the connection is lost"))
        expect(page.locator("#answer")).to_have_class("answer unknown")
        expect(page).to_have_title("Connection lost · Connector")
        assert violations(page) == {}
    finally:
        site.daemon.process.send_signal(signal.SIGCONT)
    expect(headline(page)).to_have_text(CURRENT)
    expect(page.locator("#answer")).to_have_class("answer current")
    expect(page).to_have_title("Everything is current · Connector")


def test_the_keyboard_reaches_everything_and_an_update_leaves_the_focus(new_page: PageFactory, site: LiveSite) -> None:
    page = new_page()
    page.goto(site.url)
    expect(headline(page)).to_have_text(CURRENT)

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    applied = index(page, "newer").get_by_role("link", name="Applied")
    for _ in range(30):
        page.keyboard.press("Tab")
        if applied.evaluate("it => it === document.activeElement"):
            break
    expect(applied).to_be_focused()
    before = int(count(page, "newer", "applied").inner_text())
    site.control.add_asset(site.index_id, f"added-{before}.mp4", captions=["a ship leaves the harbour"])
    expect(count(page, "newer", "applied")).to_have_text(str(before + 1))
    expect(applied).to_be_focused()
    page.keyboard.press("Enter")
    expect(headline(page)).to_have_text("newer")
    expect(page.get_by_role("heading", level=2)).to_have_text("Applied")


def test_it_never_scrolls_sideways(new_page: PageFactory, watches: list[Watch], site: LiveSite) -> None:
    page = new_page()
    watches[0].allowed = (" 404 ",)
    for path in ("/", f"/indexes/{site.index_id}", "/nothing-here"):
        page.goto(f"{site.url}{path}")
        for width in (320, 768, 2000):
            page.set_viewport_size({"width": width, "height": 800})
            assert overflow(page) == 0, (path, width)


def test_axe_finds_no_violation_in_light_and_dark(new_page: PageFactory, watches: list[Watch], site: LiveSite) -> None:
    page = new_page()
    watches[0].allowed = (" 404 ", " 400 ")
    for path in (
        "/",
        f"/indexes/{site.index_id}",
        f"/indexes/{site.index_id}?text=nothing",
        f"/indexes/{site.index_id}?limit=x",
        "/nothing-here",
    ):
        page.goto(f"{site.url}{path}")
        assert violations(page) == {}, path

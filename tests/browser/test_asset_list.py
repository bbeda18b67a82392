"""The list of the assets of a large index in a browser: pages, states, filter, keyboard."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from connector.domain.ledger_model import IndexState
from connector.domain.report import CycleReport
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.browser.accessibility import overflow, violations
from tests.browser.conftest import PageFactory
from tests.builders import applied, asset, attempt, row
from tests.command import Command
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.waiting import wait_until

ASSETS, FAILED = 10_000, 120
INDEX = "66aa00000000000000000001"
NOWHERE = "http://127.0.0.1:9"
SLOWEST_SEC = 1.0
"""Generous, because other tests may run beside: what counts is that it does not grow with the index."""


async def fill(file: Path) -> None:
    """An index of 10,000 assets, 120 of which failed."""
    names = [f"asset-{number:05}" for number in range(ASSETS)]
    problem = attempt(reason="retrieve asset: segment 3 has a null vector", code="malformed_asset")
    rows = [
        row(name, applied(points=12, at=1_700_000_000.0), listed=asset(name, filename=f"match-{number:05}.mp4"))
        if number % (ASSETS // FAILED) or number >= FAILED * (ASSETS // FAILED)
        else row(name, attempt=problem, listed=asset(name, filename=f"match-{number:05}.mp4"))
        for number, name in enumerate(names)
    ]
    state = IndexState(first_cycle_at=1.0, canary_at=1.0, index_name="Match archive", model="marengo3.0")
    async with SqliteCheckpointStore(file) as ledger:
        await ledger.adopt(INDEX, rows, state)
        report = asdict(CycleReport(INDEX, index_name="Match archive", listed=ASSETS))
        await ledger.save_report(INDEX, report, kind="full cycle", ended_at=1_700_000_000.0)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("large")
    (directory / "data").mkdir()
    # In a thread, because the browser's event loop runs in this one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, fill(directory / "data" / "ledger.sqlite3")).result()
    return directory


@pytest.fixture(scope="module")
def url(ledger: Path) -> Iterator[str]:
    """A daemon whose source and sink cannot be reached: the pages need neither."""
    settings = {
        "TWELVELABS_API_KEY": "test-key",
        "TWELVELABS_BASE_URL": f"{NOWHERE}/v1.3",
        "QDRANT_URL": NOWHERE,
        "CONNECTOR_INDEXES": INDEX,
    }
    with running(Command(ledger, settings), wait=False) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, PATIENCE_SEC, "it listens")
        yield daemon.url
        assert daemon.stop().code == 0


def first_byte_sec(page: Page, address: str) -> float:
    response = page.goto(address)
    assert response
    assert response.ok
    timing = response.request.timing
    return (timing["responseStart"] - timing["requestStart"]) / 1000


def files(page: Page) -> list[str]:
    return page.locator("table.assets tbody th a").all_inner_texts()


def test_ten_thousand_assets_are_paged(new_page: PageFactory, url: str) -> None:
    page = new_page()
    assert first_byte_sec(page, url) < SLOWEST_SEC
    expect(page.get_by_role("region", name="Match archive")).to_contain_text("9,880")

    page.get_by_role("link", name="9,880 Applied").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Match archive")
    assert first_byte_sec(page, page.url) < SLOWEST_SEC
    first = files(page)
    page.get_by_role("link", name="Next").click()
    expect(page.locator("table.assets")).not_to_contain_text(first[0])
    second = files(page)
    page.get_by_role("link", name="Previous").click()
    expect(page.locator("table.assets")).to_contain_text(first[0])

    assert first[0] == "match-00001.mp4"
    assert 10 <= len(first) == len(second) <= 200
    assert first == sorted(first)
    assert first[-1] < second[0]
    assert files(page) == first


def test_all_failed_assets_are_reached_page_by_page_with_the_keyboard(new_page: PageFactory, url: str) -> None:
    page = new_page()
    page.goto(f"{url}/indexes/{INDEX}?state=failed")
    found = files(page)
    following = page.get_by_role("link", name="Next")
    while following.count():
        last = found[-1]
        following.focus()
        page.keyboard.press("Enter")
        expect(page.locator("table.assets")).not_to_contain_text(last)
        found += files(page)

    assert len(found) == len(set(found)) == FAILED
    expect(page.locator("table.assets tbody tr").first).to_contain_text("segment 3 has a null vector")


def test_a_part_of_a_name_finds_one_of_ten_thousand(new_page: PageFactory, url: str) -> None:
    page = new_page()
    page.goto(f"{url}/indexes/{INDEX}")
    page.get_by_label("Part of a file name or id").fill("MATCH-09999")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=2)).to_contain_text("MATCH-09999")

    assert files(page) == ["match-09999.mp4"]


def test_it_fits_every_window_and_is_accessible(new_page: PageFactory, url: str) -> None:
    page = new_page()
    page.goto(f"{url}/indexes/{INDEX}?state=failed&text=match-000")
    for width in (320, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert overflow(page) == 0, width
    assert violations(page) == {}

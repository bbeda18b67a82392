"""The assets of an index over HTTP: by state, page by page, filtered, whatever their ids and names are."""

import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from connector.web.pages import asset_list
from connector.web.pages.links import asset_url, index_url
from tests.builders import applied, asset, attempt
from tests.contract.page_site import NOW, PageSite, inline, page_site
from tests.contract.test_overview_page import ODD

STATE = IndexState(first_cycle_at=1.0, canary_at=1.0, index_name="Match archive", model="marengo3.0")
FAILED = attempt("p", 2, reason="dimension 7", code="malformed_asset", due=NOW + 60, tried_at=NOW)


def row(name: str, **facts: object) -> Checkpoint:
    made = Checkpoint(name, applied=applied(points=4, at=NOW - 60), listed=asset(name, filename=f"{name}.mp4"))
    return replace(made, **facts)  # type: ignore[arg-type]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[PageSite]:
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger, page_site(ledger) as place:
        yield place


def names(text: str) -> list[str]:
    return re.findall(r'<th scope="row">\s*<a href="[^"]*"><bdi>([^<]*)</bdi>', text)


def link(text: str, name: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)"[^>]* id="{name}"', text)
    return html.unescape(found[1]) if found else None


STATES = {
    "applied": row("applied"),
    "opened": row("opened", opened=True),
    "backlog": row("backlog", priority=Priority.BACKLOG),
    "deferred": row("deferred", attempt=replace(FAILED, attempts=0)),
    "failed": row("failed", attempt=FAILED),
    "quarantined": row("quarantined", attempt=replace(FAILED, attempts=5)),
    "pending": row("pending", absent_since=NOW),
}


@pytest.mark.parametrize("state", STATES)
async def test_each_state_has_its_assets(place: PageSite, state: str) -> None:
    await place.ledger.adopt("i", list(STATES.values()), STATE)
    text = await place.page(f"/indexes/i?state={state}")

    assert names(text) == [f"{state}.mp4"]
    assert f'class="state {state}"' in text
    assert re.search(rf'id="state-{state}"[^>]* aria-current="page"', text)


async def test_all_assets_with_what_is_known_of_them(place: PageSite) -> None:
    await place.ledger.adopt("i", list(STATES.values()), STATE)
    text = await place.page("/indexes/i")

    assert sorted(names(text)) == sorted(f"{name}.mp4" for name in STATES)
    for shown in ("dimension 7", "malformed_asset", "Next attempt", ">in 1 min</time>", ">1 min ago</time>"):
        assert shown in text
    assert asset_url("i", "failed") in re.findall(r'href="([^"]+)"', text)


async def test_assets_that_wait_for_the_source(place: PageSite) -> None:
    await place.ledger.adopt("i", [row("known")], replace(STATE, pending=frozenset({"new", "known"})))

    assert names(await place.page("/indexes/i?state=waiting")) == ["known.mp4", "new"]
    assert names(await place.page("/indexes/i?state=waiting&text=MP4")) == ["known.mp4"]


async def test_withheld_deletes(place: PageSite) -> None:
    await place.ledger.adopt("i", [row("a"), row("b")], STATE)
    problems = [
        {"indexed_asset_id": it, "state": "withheld", "code": "withheld", "reason": "r"} for it in ("a", "gone")
    ]
    await place.ledger.save_report("i", {"withheld": 30, "problems": problems}, ended_at=NOW)
    text = await place.page("/indexes/i?state=withheld")

    assert names(text) == ["a.mp4", "gone"]
    assert "connector plan --index i" in text


async def walk(place: PageSite, start: str, name: str) -> list[list[str]]:
    pages, url = [], start
    while url:
        text = await place.page(url)
        pages.append(names(text))
        url = link(text, name) or ""
    return pages


@pytest.mark.parametrize("state", ["", "?state=applied", "?state=waiting", "?text=.mp4"])
async def test_pages_lead_forth_and_back(place: PageSite, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asset_list, "PAGE_ROWS", 10)
    rows = [row(f"{number:03}") for number in range(25)]
    pending = frozenset(it.indexed_asset_id for it in rows)
    await place.ledger.adopt("i", rows, replace(STATE, pending=pending))
    pages = await walk(place, f"/indexes/i{state}", "next")

    assert [len(it) for it in pages] == [10, 10, 5]
    assert [name for it in pages for name in it] == [f"{number:03}.mp4" for number in range(25)]
    last = index_url("i", after="019", **dict([state[1:].split("=")]) if state else {})
    back = await walk(place, last or "", "previous")
    assert back[::-1] == pages


async def test_a_filter_keeps_the_state_and_the_state_keeps_the_filter(place: PageSite) -> None:
    await place.ledger.adopt("i", [row("a-1"), row("a-2"), row("b-1")], STATE)
    text = await place.page("/indexes/i?state=applied&text=A-")

    assert names(text) == ["a-1.mp4", "a-2.mp4"]
    assert '<input type="hidden" name="state" value="applied">' in text
    assert 'value="A-"' in text
    assert 'href="/indexes/i?state=failed&amp;text=A-"' in text


@pytest.mark.parametrize("odd", ["a/b", "..", "a b?c#d", *ODD[:-1]])
async def test_odd_ids_and_names(place: PageSite, odd: str) -> None:
    failed = row(odd, attempt=replace(FAILED, reason=odd, code=odd))
    await place.ledger.adopt(odd, [failed], replace(STATE, index_name=odd))
    text = await place.page(index_url(odd, state="failed", text=odd[:50]) or "")

    assert inline(text) == []
    assert asset_url(odd, odd) in [html.unescape(it) for it in re.findall(r'href="([^"]+)"', text)]


async def test_an_id_that_is_too_long_for_an_address_is_shown_without_a_link(place: PageSite) -> None:
    await place.ledger.adopt("i", [Checkpoint("🎬" * 10_000, applied=applied())], STATE)
    text = await place.page("/indexes/i")

    assert "🎬…" in text
    assert "/assets/" not in text


async def test_no_assets(place: PageSite) -> None:
    place.live["indexes"] = {"new": {}}

    assert "has no assets yet" in await place.page("/indexes/new")
    assert "No asset is in this state" in await place.page("/indexes/new?state=failed")
    assert "No asset matches" in await place.page("/indexes/new?text=x")


@pytest.mark.parametrize("path", ["/indexes/unknown", "/indexes/", "/indexes/a/b", "/indexes/%00", "/indexes/a%2Fb"])
async def test_an_unknown_index(place: PageSite, path: str) -> None:
    assert "Not found" in await place.page(path, 404)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("state=nothing", "state: use one of applied, "),
        ("state=%3Cscript%3E", "state"),
        (f"text={'x' * 201}", "text: use at most 200"),
        ("after=a&before=b", "after and before"),
    ],
)
async def test_a_bad_address_says_what_is_wrong(place: PageSite, query: str, named: str) -> None:
    await place.ledger.adopt("i", [], STATE)
    text = await place.page(f"/indexes/i?{query}", 400)

    assert named in html.unescape(text)
    assert "<script>" not in text.replace("<script src", "")


@pytest.mark.parametrize(
    "query", ["after=%F0%28", "before=%00", "text=%ED%A0%80", "state=", "text=%", "after=%ff&state=failed"]
)
async def test_odd_queries_are_no_error_of_ours(place: PageSite, query: str) -> None:
    await place.ledger.adopt("i", [row("a")], STATE)

    await place.page(f"/indexes/i?{query}")


async def test_a_ledger_that_cannot_be_read(place: PageSite, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: str) -> None:
        raise LedgerUnavailable("read ledger", "file", "disk gone", "Mount it")

    monkeypatch.setattr(place.ledger, "state", broken)

    assert "disk gone" in await place.page("/indexes/i", 503)

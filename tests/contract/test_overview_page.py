"""The overview over HTTP: what it says, that it is safe and small, and that the stream tells its changes."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.history import Minute
from connector.domain.ledger_model import IndexState
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from connector.web.pages.index_view import index_key
from connector.web.pages.static_files import static_files
from tests.builders import applied, asset, attempt, row
from tests.contract.page_site import NOW, PageSite, inline, page_site

MOST_BYTES = 150_000
LIVE = {
    "doing": "waiting",
    "planned": 0,
    "done": 0,
    "failures_in_a_row": 0,
    "error": None,
    "next_poll_at": "2027-01-15T08:00:40.000Z",
    "next_cycle_at": "2027-01-15T09:00:00.000Z",
    "poll_interval_sec": 60.0,
    "checked_at": "2027-01-15T07:59:30.000Z",
}
REPORT: dict[str, Any] = {"listed": 3, "waiting": 1, "duration_sec": 2.5, "error": None, "withheld": 0, "problems": []}
ODD = [
    "<script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "'><img src=x>",
    "🎬" * 50,
    "\u202egpj.exe",
    "x" * 10_000,
]


def state(name: str = "Match archive") -> IndexState:
    return IndexState(first_cycle_at=1.0, canary_at=1.0, index_name=name, model="marengo3.0", pending=frozenset({"p"}))


async def fill(
    place: PageSite, index_id: str = "i", name: str = "Match archive", assets: int = 3, **report: Any
) -> None:
    rows = [row(f"a{number}", applied(points=4, at=NOW - 60), listed=asset(f"a{number}")) for number in range(assets)]
    await place.ledger.adopt(index_id, rows, state(name))
    await place.ledger.save_report(index_id, {**REPORT, **report}, kind="full cycle", ended_at=NOW - 90)
    place.live["indexes"] = {**place.live["indexes"], index_id: dict(LIVE)}


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[PageSite]:
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger, page_site(ledger) as place:
        yield place


async def test_an_index_that_is_current(place: PageSite) -> None:
    await fill(place)
    text = await place.page("/")

    for shown in (
        "Everything is current",
        "Match archive",
        "marengo3.0",
        "twelvelabs-marengo3.0",
        "Idle: waiting for the next poll",
        ">in 40 s</time>",
        ">1 min ago</time>",
        'title="2027-01-15 08:00:40 UTC"',
        'href="/indexes/i?state=quarantined"',
    ):
        assert shown in text
    assert re.search(r'<span class="count">3</span> <span class="label">Applied', text)


async def test_an_asset_that_is_indexed_once_more_counts_once(place: PageSite) -> None:
    await fill(place)
    await place.ledger.update_state("i", lambda it: replace(it, pending=frozenset({"a0", "p"})))
    text = await place.page("/")

    found = re.findall(r'class="count">(\d+)</span> <span class="label">(Applied|Waiting)', text)
    assert found == [("2", "Applied"), ("2", "Waiting")]
    assert 'All <span class="count">4</span>' in await place.page("/indexes/i")


async def test_nothing_yet(place: PageSite) -> None:
    text = await place.page("/")

    assert "Nothing has been synced yet" in text
    assert "No index yet" in text


async def test_what_to_do_about_trouble(place: PageSite) -> None:
    withheld = [{"indexed_asset_id": "a1", "state": "withheld", "code": "withheld", "reason": "r", "filename": "b.mp4"}]
    await fill(place, withheld=3, withheld_because="3 exceed the limit of 2", problems=withheld)
    tried = attempt("p", 1, reason="dimension 7 instead of 512", code="malformed_asset", due=NOW + 60, tried_at=NOW)
    await place.ledger.adopt("i", [row("bad", attempt=tried, listed=asset("bad", filename="bad.mp4"))], state())
    place.why = {"sink": "connection refused"}
    text = re.sub(r"\s+", " ", await place.page("/"))

    for shown in (
        "Not current",
        "Qdrant cannot be used",
        "connection refused",
        "3 exceed the limit of 2",
        "<code>connector sync --index i --allow-deletes</code>",
        'href="/indexes/i/assets/a1"',
        "dimension 7 instead of 512",
        "<code>malformed_asset</code>",
        f'href="#{index_key("i")}"',
    ):
        assert shown in text


async def test_an_id_in_a_command_is_quoted_for_the_shell(place: PageSite) -> None:
    await fill(place, "i; rm -rf ~", withheld=1)

    assert "connector sync --index &#39;i; rm -rf ~&#39; --allow-deletes" in await place.page("/")


@pytest.mark.parametrize("odd", ODD)
async def test_odd_names_are_text(place: PageSite, odd: str) -> None:
    await fill(place, odd, odd, withheld=1, withheld_because=odd)
    tried = attempt("p", 1, reason=odd, code=odd, due=NOW, tried_at=NOW)
    await place.ledger.adopt(odd, [row(odd, attempt=tried, listed=asset(odd, filename=odd))], state(odd))
    text = await place.page("/")

    assert inline(text) == []
    assert len(text) < 60_000


async def test_page_and_files_are_small_together(place: PageSite) -> None:
    """Also with a course of six hours in which something was done every minute."""
    for number in range(2):
        await fill(place, f"index-{number}")
        for ago in range(360):
            await place.ledger.add_minute(f"index-{number}", Minute(int(NOW // 60) - ago, 9, 300, 9, 123.4, 45.678))
    text = await place.page("/")
    named = {path.rpartition("/")[2] for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', text)}

    assert {"htmx.min.js", "uPlot.iife.min.js", "page.css"} <= named
    assert len(text.encode()) + sum(len(static_files()[name].content) for name in named) < MOST_BYTES


async def test_a_ledger_that_cannot_be_read_is_a_page_with_its_status(
    place: PageSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> list[str]:
        raise LedgerUnavailable("read ledger", "file", "disk gone", "Mount it")

    monkeypatch.setattr(place.ledger, "known", broken)
    text = await place.page("/", 503)

    assert "disk gone" in text
    assert "Mount it" in text


@pytest.mark.parametrize("report", [{"withheld": "many"}, {"problems": [1]}, {"error": 7}, {"unheard_of": 1}])
async def test_a_damaged_report_is_no_error_of_ours(place: PageSite, report: dict[str, Any]) -> None:
    await fill(place, **report)

    assert "report" in await place.page("/", 503)
    assert "report" in await place.page("/indexes/i", 503)


@asynccontextmanager
async def events(place: PageSite) -> AsyncIterator[AsyncIterator[str]]:
    async def read(lines: AsyncIterator[str]) -> AsyncIterator[str]:
        data: list[str] = []
        async for line in lines:
            if line.startswith("data: "):
                data.append(line.removeprefix("data: "))
            elif not line and data:
                yield "\n".join(data)
                data = []

    async with asyncio.timeout(60), place.http.stream("GET", "/events", timeout=30) as answer:
        assert answer.status_code == 200
        yield read(answer.aiter_lines())


def ids(data: str) -> list[str]:
    """Of the parts that the event replaces."""
    return re.findall(r'id="([^"]+)"[^>]* hx-swap-oob="true"', data)


async def test_the_stream_begins_with_all_parts(place: PageSite) -> None:
    await fill(place)
    async with events(place) as found:
        first = await anext(found)

    assert ids(first) == ["as-of", "answer", "totals", "indexes"]
    assert "Everything is current" in first


async def test_then_it_tells_only_what_changed(place: PageSite) -> None:
    await fill(place)
    async with events(place) as found:
        await anext(found)
        place.live["indexes"]["i"]["doing"] = "poll"
        second = await anext(found)

    assert ids(second) == ["as-of", f"{index_key('i')}-work"]
    assert "Polling for new assets" in second


async def test_a_new_index_replaces_the_list(place: PageSite) -> None:
    await fill(place)
    async with events(place) as found:
        await anext(found)
        await fill(place, "j", "Another")
        second = await anext(found)

    assert ids(second) == ["as-of", "answer", "totals", "indexes"]
    assert "Another" in second


async def test_without_changes_it_only_says_that_it_is_alive(place: PageSite) -> None:
    await fill(place)
    async with events(place) as found:
        await anext(found)
        second = await anext(found)

    assert ids(second) == ["as-of"]


async def test_all_who_look_share_one_reading(place: PageSite, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(place)
    looks, known = 0, place.ledger.known

    async def counted() -> list[str]:
        nonlocal looks
        looks += 1
        return await known()

    monkeypatch.setattr(place.ledger, "known", counted)
    async with events(place) as first, events(place) as second:
        await asyncio.wait_for(anext(first), 30)
        await asyncio.wait_for(anext(second), 30)
        await place.page("/")

    assert looks <= 2


async def test_a_daemon_that_drains_says_so_and_ends_its_streams(place: PageSite) -> None:
    await fill(place)
    async with events(place) as found:
        await anext(found)
        place.live["state"] = "draining"
        place.stopping.set()
        rest = [it async for it in found]

    assert "Shutting down" in "".join(rest)
    assert (await place.http.get("/events")).status_code == 503


async def test_trouble_with_the_ledger_is_told_and_ends(place: PageSite, monkeypatch: pytest.MonkeyPatch) -> None:
    await fill(place)

    async def broken() -> list[str]:
        raise LedgerUnavailable("read ledger", "file", "disk gone", "Mount it")

    async with events(place) as found:
        await anext(found)
        with monkeypatch.context() as patched:
            patched.setattr(place.ledger, "known", broken)
            assert "disk gone" in await anext(found)
        assert "Everything is current" in await anext(found)

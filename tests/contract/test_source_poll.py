"""The cost of a poll and of a ping, and the results that they report."""

from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import AuthenticationFailed, ConnectorError, RateLimited, SourceUnavailable, Unavailable
from connector.domain.source_model import Index
from connector.domain.timestamps import epoch
from connector.simulator import IndexSpec, Scenario
from connector.twelvelabs import ApiTransport, TwelveLabsSource
from tests.comparing import differences
from tests.contract.source_answers import INDEX, asking, page
from tests.contract.source_worlds import SimulatedWorld, simulated
from tests.fakes.clock import FakeTime
from tests.fakes.scripted_http import ScriptedServer, answer

ASSETS = 100_000
DATE, MOMENT = {"date": "Sun, 01 Mar 2026 09:00:00 GMT"}, epoch("2026-03-01T09:00:00Z")


@pytest.fixture
async def large() -> AsyncIterator[SimulatedWorld]:
    """One index of the maximum size."""
    async with simulated(Scenario(indexes=(IndexSpec(name="large", generate=ASSETS),))) as world:
        yield world


async def polled(world: SimulatedWorld, since: float, *pending: str) -> tuple[dict[str, str], frozenset[str], int]:
    """Status by id of the found assets, the pending ids, and the number of requests."""
    (index,) = await world.source.indexes()
    before = world.source.requests()
    found = await world.source.changes(index, since, pending)
    statuses = {name: asset.status for name, asset in found.assets.items()}
    return statuses, found.pending, world.source.requests() - before


def latest(world: SimulatedWorld) -> float:
    """The latest date of all assets."""
    (index_id,) = world.control.index_ids
    newest = world.control.asset_ids(index_id)[-1]
    return epoch(world.control.asset(index_id, newest)["updated_at"])


def answered(*rows: bytes) -> list[bytes]:
    return [row.replace(b"connection: close", b"connection: close\r\ndate: " + DATE["date"].encode()) for row in rows]


def sent(server: ScriptedServer) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(request.path.removeprefix("/v1.3"), request.query) for request in server.requests]


async def test_a_poll_of_a_large_index_without_change_is_two_requests(large: SimulatedWorld) -> None:
    found, pending, requests = await polled(large, latest(large))

    assert len(found) < 10
    assert pending == frozenset()
    assert requests == 2


async def test_assets_of_one_moment_are_gone_through_once() -> None:
    """After a bulk upload, all assets may have the date at which the poll starts, in every poll."""
    async with simulated(Scenario(indexes=(IndexSpec(name="bulk", generate=2000, created_every=0.0),))) as world:
        (index,) = await world.source.indexes()
        snapshot = await world.source.snapshot(index)
        before = world.source.requests()
        since = latest(world)
        quiet = await world.source.changes(index, since, (), snapshot.assets)
        requests = world.source.requests() - before
        added = world.control.add_asset(index.index_id, "added.mp4", captions=["a ship leaves the harbour"])
        found = await world.source.changes(index, since, (), snapshot.assets)

    assert (requests, len(quiet.assets)) == (2, 50)
    assert all(snapshot.assets[name] == asset for name, asset in quiet.assets.items())
    assert added in found.assets


async def test_a_poll_of_a_large_index_with_pending_assets_is_three_requests(large: SimulatedWorld) -> None:
    (index_id,) = large.control.index_ids
    slow = large.control.asset_ids(index_id)[777]
    large.control.set_status(index_id, slow, "indexing")
    large.control.advance(1)

    assert await polled(large, epoch(large.control.now), slow) == ({}, frozenset({slow}), 3)


async def test_a_poll_of_a_large_index_finds_the_few_that_changed(large: SimulatedWorld) -> None:
    (index_id,) = large.control.index_ids
    names = large.control.asset_ids(index_id)
    large.control.set_status(index_id, names[5], "indexing")
    since = epoch(large.control.now)
    large.control.advance(1)
    large.control.patch_metadata(index_id, names[50_000], {"category": "news"})
    large.control.set_status(index_id, names[5], "ready")
    large.control.delete_asset(index_id, names[9])
    made = large.control.add_asset(index_id, "new.mp4")

    found, pending, requests = await polled(large, since, names[5])

    assert found == {names[50_000]: "ready", names[5]: "ready", made: "ready"}
    assert (pending, requests) == (frozenset(), 2)


async def test_nothing_older_than_the_date_is_listed(large: SimulatedWorld) -> None:
    (index_id,) = large.control.index_ids
    old = large.control.add_asset(index_id, "old.mp4")
    large.control.advance(1)
    since = epoch(large.control.now)
    recent = large.control.add_asset(index_id, "recent.mp4")
    large.control.advance(1)

    found, _, _ = await polled(large, since)

    assert recent in found
    assert old not in found


async def test_a_pending_asset_without_a_new_date_is_asked_for_by_name(large: SimulatedWorld) -> None:
    """It is neither among the assets by date nor among those in progress."""
    (index_id,) = large.control.index_ids
    name = large.control.asset_ids(index_id)[1]

    found, pending, requests = await polled(large, latest(large), name)

    assert found[name] == "ready"
    assert pending == frozenset()
    assert requests == 4


async def test_a_pending_asset_that_cannot_be_read_stays_pending() -> None:
    """It must not hide the others."""
    refused = answer(409, {"code": "busy", "message": "later"})
    async with asking(page(["new"], 1), page([], 0), page([], 0), refused, page([], 0)) as (source, server):
        found = await source.changes(INDEX, MOMENT, ["a1"])

    assert set(found.assets) == {"new"}
    assert found.pending == frozenset({"a1"})
    assert len(server.requests) == 4


async def test_what_a_poll_asks_for() -> None:
    """Dates are rounded down to whole seconds, never later than requested."""
    async with asking(page([], 0)) as (source, server):
        await source.changes(INDEX, MOMENT + 0.7, ["a1"])

    path, paging = "/indexes/ix1/indexed-assets", [("page_limit", "50"), ("page", "1")]
    created = [("sort_by", "created_at"), ("sort_option", "desc")]
    touched = [("sort_by", "updated_at"), ("sort_option", "desc")]
    statuses = [("status", status) for status in ("pending", "queued", "validating", "indexing")]
    assert sent(server)[:3] == [
        (path, [*created, ("created_at", "2026-03-01T09:00:00Z"), *paging]),
        (path, [*touched, ("updated_at", "2026-03-01T09:00:00Z"), *paging]),
        (path, [*created, *statuses, *paging]),
    ]
    assert sent(server)[3:] == [(f"{path}/a1", [])]


@pytest.mark.parametrize(
    ("since", "asked"),
    [
        (-62_135_596_800.0, "1970-01-01T00:00:00Z"),
        (0.0, "1970-01-01T00:00:00Z"),
        (253_402_300_800.0, "9999-12-31T23:59:59Z"),
        (1e300, "9999-12-31T23:59:59Z"),
    ],
)
async def test_a_poll_may_start_at_any_time(since: float, asked: str) -> None:
    """A watermark may be Go's zero time, or lie far in the future."""
    async with asking(page([], 0), page([], 0)) as (source, server):
        await source.changes(INDEX, since, [])

    assert [dict(query).get("created_at") or dict(query)["updated_at"] for _, query in sent(server)] == [asked] * 2


async def test_the_source_s_own_time_is_that_of_the_first_page() -> None:
    """Assets created while later pages are read must not count as seen."""
    pages = [page(["a"], 2, 2), page(["b"], 2, 2)]
    async with asking(*answered(pages[0]), pages[1]) as (source, _):
        snapshot = await source.snapshot(INDEX)
    async with asking(*answered(page([], 0)), page([], 0)) as (source, _):
        changes = await source.changes(INDEX, MOMENT, ())

    assert set(snapshot.assets) == {"a", "b"}
    assert snapshot.as_of == MOMENT
    assert changes.as_of == MOMENT


@pytest.mark.parametrize("date", [None, "", "yesterday", "2026-03-01T09:00:00Z", "Sun, 99 Mar 2026 09:00:00 GMT"])
async def test_a_source_that_does_not_tell_its_time_has_none(date: str | None) -> None:
    rows = {"data": [], "page_info": {"total_results": 0, "total_page": 0}}
    async with asking(answer(200, rows, headers={} if date is None else {"date": date})) as (source, _):
        assert (await source.snapshot(INDEX)).as_of is None
        assert (await source.changes(INDEX, None, ())).as_of is None


async def test_a_ping_is_one_brief_request() -> None:
    async with asking(page([], 0)) as (source, server):
        await source.ping()

    assert sent(server) == [("/indexes", [("page_limit", "1")])]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, AuthenticationFailed),
        (403, AuthenticationFailed),
        (400, SourceUnavailable),
        (404, SourceUnavailable),
        (302, Unavailable),
        (408, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
async def test_a_ping_is_not_repeated(status: int, error: type[ConnectorError]) -> None:
    """Readiness needs a current answer, and the API should get no additional requests."""
    async with asking(answer(status, {"code": "some_code", "message": "words"})) as (source, server):
        with pytest.raises(error):
            await source.ping()

    assert len(server.requests) == 1


async def test_a_refusal_for_the_rate_is_an_answer_to_a_ping() -> None:
    """The source is up and the key is valid."""
    limited = answer(429, {"code": "too_many_requests", "message": "later"}, headers={"retry-after": "60"})
    async with asking(limited) as (source, server):
        await source.ping()

    assert len(server.requests) == 1


async def test_a_ping_does_not_ask_while_the_source_wants_no_request() -> None:
    limited = answer(429, {"code": "too_many_requests", "message": "later"}, headers={"retry-after": "7200"})
    async with asking(limited, page([], 0)) as (source, server):
        with pytest.raises(ConnectorError):
            await source.index("ix1")
        with pytest.raises(RateLimited, match="no request for another 7200 seconds"):
            await source.ping()

    assert len(server.requests) == 1


async def test_a_ping_to_nobody_fails_by_name() -> None:
    async with asking(page([], 0)) as (_, server):
        address = server.base_url
    source = TwelveLabsSource(ApiTransport(address, "tlk_test", clock=FakeTime().clock))
    with pytest.raises(Unavailable, match=r"ask TwelveLabs: 127\.0\.0\.1: ConnectError"):
        await source.ping()
    await source.close()


async def test_a_ping_that_is_not_answered_gives_up_in_seconds() -> None:
    """Long before the one-minute limit of a request."""
    async with asking(b"") as (source, server):
        server.answers = [None]
        with pytest.raises(Unavailable, match="no response within 4 seconds"):
            await source.ping()
        server.ending.set()


async def test_a_ping_with_a_page_that_the_api_does_not_write_fails() -> None:
    async with asking(answer(404, b"<html>not here</html>")) as (source, _):
        with pytest.raises(Unavailable, match="a page that is not from the API"):
            await source.ping()


async def test_an_empty_index_can_be_polled() -> None:
    async with asking(page([], 0, 0)) as (source, server):
        found = await source.changes(Index("ix1", "news", "marengo3.0"), None, ())

    assert differences(found, assets={}, pending=frozenset()) == {}
    assert len(server.requests) == 1

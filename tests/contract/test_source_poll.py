"""The cost of a poll and of a ping, and the results that they report."""

from collections.abc import AsyncIterator, Mapping

import pytest

from connector.domain.source_model import Index
from connector.domain.timestamps import epoch
from connector.simulator import IndexSpec, Scenario
from tests.comparing import differences
from tests.contract.source_answers import INDEX, asking, asset, page, sent
from tests.contract.source_worlds import SimulatedWorld, simulated
from tests.fakes.scripted_http import answer

ASSETS = 100_000
DATE, MOMENT = {"date": "Sun, 01 Mar 2026 09:00:00 GMT"}, epoch("2026-03-01T09:00:00Z")


@pytest.fixture
async def large() -> AsyncIterator[SimulatedWorld]:
    """One index of the maximum size."""
    async with simulated(Scenario(indexes=(IndexSpec(name="large", generate=ASSETS),))) as world:
        yield world


async def changed(world: SimulatedWorld, since: float) -> tuple[dict[str, str], int]:
    """Status by id of the found assets, and the number of requests."""
    (index,) = await world.source.indexes()
    before = world.source.requests()
    found = await world.source.changes(index, since)
    return {name: asset.status for name, asset in found.assets.items()}, world.source.requests() - before


async def progressed(world: SimulatedWorld, *pending: str) -> tuple[dict[str, str], frozenset[str], int]:
    """Status by id of the assets that are no longer being indexed, the pending ids, and the number of requests."""
    (index,) = await world.source.indexes()
    before = world.source.requests()
    found = await world.source.progress(index, pending)
    statuses = {name: asset.status for name, asset in found.assets.items()}
    return statuses, found.pending, world.source.requests() - before


def latest(world: SimulatedWorld) -> float:
    """The latest date of all assets."""
    (index_id,) = world.control.index_ids
    newest = world.control.asset_ids(index_id)[-1]
    return epoch(world.control.asset(index_id, newest)["updated_at"])


def answered(*rows: bytes) -> list[bytes]:
    return [row.replace(b"connection: close", b"connection: close\r\ndate: " + DATE["date"].encode()) for row in rows]


def listed(*dates: Mapping[str, object], pages: int = 1) -> bytes:
    """A page with the assets a0, a1 and so on."""
    rows = [{"_id": f"a{number}", "status": "ready", **dated} for number, dated in enumerate(dates)]
    return answer(200, {"data": rows, "page_info": {"total_results": len(rows), "total_page": pages}})


async def test_a_poll_of_a_large_index_without_change_is_one_request(large: SimulatedWorld) -> None:
    found, requests = await changed(large, latest(large))

    assert len(found) < 10
    assert requests == 1


async def test_assets_of_one_moment_are_gone_through_once() -> None:
    """After a bulk upload, all assets may have the date at which the poll starts, in every poll."""
    async with simulated(Scenario(indexes=(IndexSpec(name="bulk", generate=2000, created_every=0.0),))) as world:
        (index,) = await world.source.indexes()
        snapshot = await world.source.snapshot(index)
        before = world.source.requests()
        since = latest(world)
        quiet = await world.source.changes(index, since, snapshot.assets)
        requests = world.source.requests() - before
        added = world.control.add_asset(index.index_id, "added.mp4", captions=["a ship leaves the harbour"])
        found = await world.source.changes(index, since, snapshot.assets)

    assert (requests, len(quiet.assets)) == (1, 50)
    assert all(snapshot.assets[name] == asset for name, asset in quiet.assets.items())
    assert added in found.assets


async def test_the_pending_assets_of_a_large_index_are_one_request(large: SimulatedWorld) -> None:
    (index_id,) = large.control.index_ids
    slow = large.control.asset_ids(index_id)[777]
    large.control.set_status(index_id, slow, "indexing")
    large.control.advance(1)

    assert await progressed(large, slow) == ({}, frozenset({slow}), 1)


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

    assert await changed(large, since) == ({names[50_000]: "ready", names[5]: "ready", made: "ready"}, 1)


async def test_nothing_older_than_the_date_is_listed(large: SimulatedWorld) -> None:
    (index_id,) = large.control.index_ids
    old = large.control.add_asset(index_id, "old.mp4")
    large.control.advance(1)
    since = epoch(large.control.now)
    recent = large.control.add_asset(index_id, "recent.mp4")
    large.control.advance(1)

    found, _ = await changed(large, since)

    assert recent in found
    assert old not in found


async def test_a_pending_asset_without_a_new_date_is_asked_for_by_name(large: SimulatedWorld) -> None:
    """It is not among those in progress."""
    (index_id,) = large.control.index_ids
    name = large.control.asset_ids(index_id)[1]

    assert await progressed(large, name) == ({name: "ready"}, frozenset(), 2)


async def test_a_pending_asset_that_cannot_be_read_stays_pending() -> None:
    """It must not hide the others."""
    refused = answer(409, {"code": "busy", "message": "later"})
    async with asking(page([], 0), refused, asset(_id="a2")) as (source, server):
        found = await source.progress(INDEX, ["a1", "a2"])

    assert set(found.assets) == {"a2"}
    assert found.pending == frozenset({"a1"})
    assert len(server.requests) == 3


DATED = {"created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T09:30:00.250Z"}
PAGING = [("page_limit", "50"), ("page", "1")]
UPDATED = [("sort_by", "updated_at"), ("sort_option", "desc")]
CREATED = [("sort_by", "created_at"), ("sort_option", "desc")]
LISTING = "/indexes/ix1/indexed-assets"


async def test_what_a_poll_asks_for() -> None:
    """One page by `updated_at` shows what is new, what became ready and what changed."""
    async with asking(listed(DATED, {**DATED, "updated_at": "2026-03-01T08:30:00Z"})) as (source, server):
        found = await source.changes(INDEX, MOMENT + 0.7)

    assert set(found.assets) == {"a0"}
    assert sent(server) == [(LISTING, [*UPDATED, *PAGING])]


async def test_what_is_asked_about_pending_assets() -> None:
    async with asking(page([], 0)) as (source, server):
        await source.progress(INDEX, ["a1"])

    statuses = [("status", status) for status in ("pending", "queued", "validating", "indexing")]
    assert sent(server) == [(LISTING, [*CREATED, *statuses, *PAGING]), (f"{LISTING}/a1", [])]


@pytest.mark.parametrize(
    "dates",
    [
        [{"created_at": "2026-03-01T08:00:00Z"}],
        [{"created_at": "2026-03-01T08:00:00Z", "updated_at": None}],
        [{"created_at": "2026-03-01T08:00:00Z", "updated_at": "yesterday"}],
        [{"created_at": "2026-03-01T08:00:00Z", "updated_at": "0001-01-01T00:00:00Z"}],
        [{"created_at": "2026-03-01T08:00:00Z", "updated_at": "2026-03-01T07:00:00Z"}],
        [{}],
        [{**DATED, "updated_at": "2026-03-01T08:30:00Z"}, DATED],
    ],
)
async def test_a_source_that_does_not_keep_updated_at_is_asked_by_both_dates(dates: list[Mapping[str, object]]) -> None:
    """Dates are rounded down to whole seconds, never later than requested."""
    async with asking(listed(*dates), page(["new"], 1), page(["touched"], 1)) as (source, server):
        found = await source.changes(INDEX, MOMENT + 0.7)

    assert sent(server) == [
        (LISTING, [*UPDATED, *PAGING]),
        (LISTING, [*CREATED, ("created_at", "2026-03-01T09:00:00Z"), *PAGING]),
        (LISTING, [*UPDATED, ("updated_at", "2026-03-01T09:00:00Z"), *PAGING]),
    ]
    assert {"new", "touched"} <= found.assets.keys()


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
    async with asking(listed({}), page([], 0), page([], 0)) as (source, server):
        await source.changes(INDEX, since)

    dates = [dict(query).get("created_at") or dict(query).get("updated_at") for _, query in sent(server)]
    assert dates == [None, asked, asked]


async def test_a_page_of_old_assets_ends_a_poll() -> None:
    async with asking(listed({**DATED, "updated_at": "2026-03-01T08:30:00Z"}, pages=400)) as (source, server):
        found = await source.changes(INDEX, MOMENT)

    assert (dict(found.assets), len(server.requests)) == ({}, 1)


async def test_the_source_s_own_time_is_that_of_the_first_page() -> None:
    """Assets created while later pages are read must not count as seen."""
    pages = [page(["a"], 2, 2), page(["b"], 2, 2)]
    async with asking(*answered(pages[0]), pages[1]) as (source, _):
        snapshot = await source.snapshot(INDEX)
    async with asking(*answered(page([], 0)), page([], 0)) as (source, _):
        changes = await source.changes(INDEX, MOMENT)

    assert set(snapshot.assets) == {"a", "b"}
    assert snapshot.as_of == MOMENT
    assert changes.as_of == MOMENT


@pytest.mark.parametrize("date", [None, "", "yesterday", "2026-03-01T09:00:00Z", "Sun, 99 Mar 2026 09:00:00 GMT"])
async def test_a_source_that_does_not_tell_its_time_has_none(date: str | None) -> None:
    rows = {"data": [], "page_info": {"total_results": 0, "total_page": 0}}
    async with asking(answer(200, rows, headers={} if date is None else {"date": date})) as (source, _):
        assert (await source.snapshot(INDEX)).as_of is None
        assert (await source.changes(INDEX, None)).as_of is None


async def test_an_empty_index_can_be_polled() -> None:
    async with asking(page([], 0, 0)) as (source, server):
        found = await source.changes(Index("ix1", "news", "marengo3.0"), None)

    assert differences(found, assets={}) == {}
    assert len(server.requests) == 1

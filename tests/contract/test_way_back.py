"""Whether the old collection may get the alias back: each refusal names the cause, and nothing is moved."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.errors import ConfigError
from connector.domain.ledger_model import IndexState
from connector.domain.reindex_job import ReindexJob
from connector.domain.sink_model import Owner
from connector.reindex.way_back import KeptIndex, LedgerView, WayBack, find_way_back, view_of
from tests.contract.asset_points import asset_points
from tests.contract.reindex_place import OLD, Place, reindex_place
from tests.fakes.ledger import FakeCheckpointStore

INDEX = asset_points(dimension=512).index_id
KEPT = KeptIndex(1, 3, 100.0)
LEDGER = LedgerView("ledger", {INDEX: KEPT, "index of another collection": KeptIndex(5, 50, 7.0)})
OURS = Owner("ledger", "label", {}, OLD)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """The old collection has points of an index that the ledger owns."""
    async with reindex_place(tmp_path) as it:
        await it.sink.set_owner(OLD, "index-1", None)
        await it.sink.replace(asset_points(dimension=512), OLD, ())
        await it.sink.set_owner(OLD, INDEX, OURS)
        yield it


def job(place: Place) -> ReindexJob:
    return place.begin(from_model="marengo3.0")


async def refused(place: Place, it: ReindexJob, older: LedgerView | None = LEDGER) -> str:
    with pytest.raises(ConfigError) as error:
        await find_way_back(it, place.sink, older, None)
    assert "the alias was not moved" in str(error.value)
    return str(error.value)


async def test_a_whole_collection_gets_the_alias(place: Place) -> None:
    points = len(asset_points(dimension=512))
    newer = LedgerView("another ledger", {"b": KeptIndex(2, 9, None), "c": KeptIndex(1, 1, 8.0)})

    found = await find_way_back(job(place), place.sink, LEDGER, newer)

    assert found == WayBack(points, KEPT, KeptIndex(3, 10, None))
    assert LEDGER.total(LEDGER.indexes) == KeptIndex(6, 53, 7.0), "as far behind as the one that is behind most"
    old_file = replace(job(place), from_model=None)
    assert await find_way_back(old_file, place.sink, None, None) == WayBack(points, None, None)


async def test_a_collection_that_is_gone_empty_or_another_one(place: Place) -> None:
    it = job(place)
    assert "is of model marengo3.0, and was of marengo2.7" in await refused(place, replace(it, from_model="marengo2.7"))
    await place.sink.delete([OLD], INDEX, asset_points(dimension=512).indexed_asset_id)
    message = await refused(place, it)
    assert "is empty" in message
    assert "set CONNECTOR_COLLECTION=v1-{model}" in message
    gone = replace(it, from_collection="v0-marengo3.0")
    assert "v0-marengo3.0 does not exist any more" in await refused(place, gone)
    await place.sink._session.call(
        "make", "", lambda on: on.client.create_collection(collection_name="v0-marengo3.0", vectors_config={})
    )
    assert "was not made by the connector" in await refused(place, gone)


async def test_a_collection_of_another_owner(place: Place) -> None:
    await place.sink.set_owner(OLD, INDEX, replace(OURS, ledger_id="intruder"))
    message = await refused(place, job(place))
    assert "belongs to ledger intruder (label), which writes v1-marengo3.0" in message
    assert (await find_way_back(job(place), place.sink, None, None)).older is None, "nobody knows better"

    await place.sink.set_owner(OLD, INDEX, replace(OURS, home="elsewhere-marengo3.0"))
    for older in (LEDGER, None):
        assert "which writes elsewhere-marengo3.0" in await refused(place, job(place), older)
    await place.sink.set_owner(OLD, INDEX, None)
    assert "belongs to nobody" in await refused(place, job(place))


async def test_an_owner_that_writes_through_an_alias_is_no_other_one(place: Place) -> None:
    await place.sink.aliases.create("prod", OLD)
    await place.sink.set_owner(OLD, INDEX, replace(OURS, home="prod"))

    assert (await find_way_back(job(place), place.sink, LEDGER, None)).older == KEPT


async def test_what_a_ledger_says_of_its_collection() -> None:
    ledger = FakeCheckpointStore()
    assert await view_of(ledger) is None
    await ledger.adopt("a", [], IndexState(first_cycle_at=1.0, canary_at=1.0))
    ledger_id = (await ledger.identity()).ledger_id
    assert await view_of(ledger) == LedgerView(ledger_id, {"a": KeptIndex(0, 0, None)})

    for ended_at, report in ((5.0, {"error": None}), (7.0, {"error": {"code": "x"}}), (8.0, {"interrupted": True})):
        await ledger.save_report("a", report, ended_at=ended_at)

    assert await view_of(ledger) == LedgerView(ledger_id, {"a": KeptIndex(0, 0, 5.0)})

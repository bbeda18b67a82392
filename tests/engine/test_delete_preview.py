"""What `sync --allow-deletes` shows before it deletes, and that nothing else is then allowed."""

from typing import Any

import pytest

from connector.engine.delete_preview import due_deletes
from tests.comparing import differences
from tests.engine.world import INDEX, World

DAY = 86_400.0


async def synced(**settings: Any) -> World:
    """With five assets applied, of which none may be deleted."""
    world = World(**{"max_deletes": 0, "max_delete_ratio": 0.0, **settings})
    for name in "abcde":
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 5
    return world


async def shown(world: World) -> list[str]:
    engine, index = world.engine(), world.source.index_now(INDEX)
    rows = await due_deletes(engine.surveyor, world.ledger, world.settings, index, world.now)
    await engine.workers.close()
    return [row.indexed_asset_id for row in rows]


async def test_what_is_shown_is_what_is_deleted() -> None:
    world = await synced()
    for name in ("d", "b"):
        world.source.remove(INDEX, name)
    writes = world.ledger.writes, world.sink.writes

    names = await shown(world)

    assert names == ["b", "d"]
    assert (world.ledger.writes, world.sink.writes) == writes
    assert differences(await world.cycle(allow_deletes=True, shown=names), deleted=2, withheld=0) == {}


async def test_what_was_not_shown_is_not_deleted() -> None:
    """It left the index between the list and the cycle."""
    world = await synced()
    world.source.remove(INDEX, "b")
    names = await shown(world)
    world.source.remove(INDEX, "c")

    report = await world.cycle(allow_deletes=True, shown=names)

    assert differences(report, deleted=0, withheld=2) == {}
    assert report.withheld_because == "2 deletes within 24 hours exceed the limit of 0"
    assert world.points_of("b")


async def test_deletes_that_wait_are_not_shown() -> None:
    world = await synced(delete_grace=DAY)
    world.source.remove(INDEX, "b")
    assert await shown(world) == []
    assert (await world.cycle()).pending == 1
    assert await shown(world) == []
    world.now += DAY
    assert await shown(world) == ["b"]


@pytest.mark.parametrize("mode", ["keep", "incomplete"])
async def test_where_nothing_can_be_deleted_nothing_is_shown(mode: str) -> None:
    world = await synced(delete_mode="keep" if mode == "keep" else "sync")
    world.source.remove(INDEX, "b")
    world.source.listing_complete(INDEX, complete=mode == "keep")

    assert await shown(world) == []

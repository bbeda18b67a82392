"""A verify beside other work, other connectors, copies and crashes."""

import asyncio
from collections.abc import Sequence

import pytest

from connector.domain.source_model import Index, Snapshot
from connector.domain.verification import Kind
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.drifts import DRIFTS, add_old_collection, put_copy, verified, verifier
from tests.engine.neighbours import NAME, VISUAL, beside
from tests.engine.world import INDEX, World
from tests.fakes.sink import Crashed


async def test_an_alias_of_the_collection_is_the_collection(world: World) -> None:
    world.sink.aliases["prod-marengo3.0"] = NAME
    renamed = beside(world, collection="prod-{model}")
    renamed.ledger = world.ledger
    assert (await renamed.cycle()).error is None

    assert (await verified(renamed, deep=True)).findings == ()
    DRIFTS["a point is deleted"][0](world)
    assert [it.kind for it in (await verified(renamed, repair=True)).findings] == [Kind.MISSING_POINTS]
    assert (await verified(renamed, deep=True)).findings == ()


async def test_a_copy_that_was_restored_beside_the_collection_is_left_alone(world: World) -> None:
    world.sink.copy(NAME, "backup")

    found = await verified(world, repair=True)

    assert differences(found, findings=(), points=9) == {}
    assert len(world.sink.stored["backup"].points) == 9


async def test_a_collection_of_another_owner_is_left_alone(world: World) -> None:
    add_old_collection(world)
    other = beside(world)
    put_copy(world, "marengo2.7", 0, "twelvelabs-marengo2.7")
    owner = world.sink.stored[NAME].info.owners[INDEX]
    identity = await other.ledger.identity()
    theirs = type(owner)(identity.ledger_id, identity.label, owner.settings, "twelvelabs-marengo2.7", 1)
    await world.sink.set_owner("twelvelabs-marengo2.7", INDEX, theirs)

    found = await verified(world, repair=True)

    assert differences(found, findings=(), error=None) == {}
    assert len(world.sink.stored["twelvelabs-marengo2.7"].points) == 1


async def test_an_index_that_was_taken_over_is_refused(world: World) -> None:
    second = beside(world, **VISUAL)
    assert (await second.engine().cycle(second.settings, CycleOptions(take_over=True))).error is None

    found = await verified(world, repair=True)

    assert found.error
    assert found.error["code"] == "owned_elsewhere"


async def test_an_index_that_is_gone_deletes_nothing(world: World) -> None:
    world.source.remove_index(INDEX)

    found = await verified(world, repair=True)

    assert found.error
    assert found.error["code"] == "index_gone"
    assert len(world.sink.stored[NAME].points) == 9


async def test_assets_that_somebody_works_on_meanwhile_are_not_compared(world: World) -> None:
    """The comparison may have seen half a change."""
    DRIFTS["a point is deleted"][0](world)
    engine, told = world.engine(), list[tuple[int, int]]()

    def work_on_it(index_id: str, done: int, total: int) -> None:
        told.append((done, total))
        engine.queue.touch(index_id, "b")

    beside_work = verifier(world, engine, progress=work_on_it)
    found = await beside_work.verify(world.settings, repair=True)

    assert differences(found, findings=(), in_progress=1, repair=None) == {}
    assert told == [(0, 8), (8, 8)]
    assert [it.kind for it in (await verified(world)).findings] == [Kind.MISSING_POINTS]


async def test_an_asset_that_a_poll_adds_meanwhile_is_no_orphan(world: World) -> None:
    """The listing began before it, so it cannot show that the asset is absent."""
    listing_taken = world.source.snapshot

    async def list_and_poll(index: Index) -> Snapshot:
        world.source.snapshot = listing_taken  # type: ignore[method-assign]
        found = await listing_taken(index)
        world.source.add(INDEX, "later")
        assert (await world.cycle()).upserted == 1
        return found

    world.source.snapshot = list_and_poll  # type: ignore[method-assign]

    found = await verified(world)

    assert differences(found, findings=(), listed=3, error=None) == {}
    assert (await verified(world)).listed == 4


@pytest.mark.parametrize("step", range(1, 5))
@pytest.mark.parametrize("drift", ["a point is deleted", "another collection", "points of a gone asset"])
async def test_a_crash_in_a_repair_is_mended_by_the_next_cycle(world: World, drift: str, step: int) -> None:
    """The marks are in the ledger before the first write."""
    DRIFTS[drift][0](world)
    world.sink.crash_at(step)
    try:
        await verified(world, repair=True)
    except (Crashed, BaseExceptionGroup):
        await world.check_i2_coverage_and_truth()
    world.sink.disarm()

    report = await world.cycle()

    assert report.error is None
    world.check_i1_sink_equals_source()
    await world.check_i2_coverage_and_truth()
    assert (await verified(world, deep=True)).findings == ()


async def test_only_a_sample_is_asked_for_and_given_to_the_chooser(world: World) -> None:
    asked = list[tuple[list[str], int]]()

    def choose(names: Sequence[str], count: int) -> list[str]:
        asked.append((list(names), count))
        return list(names)[:1]

    DRIFTS["a point is deleted"][0](world)
    found = await verifier(world, choose=choose).verify(world.settings, deep=True)

    assert asked == [(["a", "c"], 2)], "not the asset that differs anyway"
    assert found.deep
    assert found.deep.compared == 1


async def test_an_asset_is_not_marked_while_a_change_of_it_is_in_hand(world: World) -> None:
    """The change would close the marked row, and the asset would count as repaired."""
    DRIFTS["a point is deleted"][0](world)
    engine, counted, tasks = world.engine(3), world.ledger.deletes_since, list[asyncio.Task[object]]()
    world.source.hold("b")

    async def let_go_later() -> None:
        await turns()
        world.source.let_go("b")

    async def while_a_refresh_begins(index_id: str, since: float) -> int:
        """The last thing that a verify asks before it marks."""
        world.ledger.deletes_since = counted  # type: ignore[method-assign]
        tasks.append(asyncio.create_task(engine.refresh(world.settings, 20 * 86_400.0)))  # noqa: TID251
        await turns()
        assert engine.queue.in_hand() >= 1
        tasks.append(asyncio.create_task(let_go_later()))  # noqa: TID251
        return await counted(index_id, since)

    world.ledger.deletes_since = while_a_refresh_begins  # type: ignore[method-assign]
    world.now += 20 * 86_400.0

    found = await verifier(world, engine).verify(world.settings, repair=True)

    await asyncio.wait(tasks)
    assert differences(found, findings=(), error=None) == {}
    assert [it.kind for it in (await verified(world, repair=True)).findings] == [Kind.MISSING_POINTS]
    world.check_i1_sink_equals_source()


async def turns() -> None:
    """Enough turns of the event loop for everything that waits for nobody."""
    for _ in range(100):
        await asyncio.sleep(0)

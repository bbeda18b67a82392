"""What searchers read through an alias is never emptied because the settings or the data directory changed."""

from connector.domain.report import CycleReport
from connector.engine.survey import CycleOptions
from tests.comparing import differences
from tests.engine.neighbours import NAME, beside, points_by_collection, synced_world
from tests.engine.polling import polled
from tests.engine.world import INDEX, World
from tests.fakes.ledger import FakeCheckpointStore

SECOND = "second-marengo3.0"


async def reindexed_world() -> tuple[World, World]:
    """As after `connector reindex switch`: each collection has a ledger of its own, and the alias is at the second."""
    first = await synced_world()
    second = beside(first, collection="second-{model}")
    assert (await second.cycle()).upserted == 3
    first.sink.aliases["videos"] = SECOND
    return first, second


async def take_over(world: World) -> CycleReport:
    return await world.engine().cycle(world.settings, CycleOptions(take_over=True))


def code_of(report: CycleReport) -> str | None:
    return report.error["code"] if report.error else None


async def test_a_ledger_that_knows_the_index_is_no_replacement_of_a_lost_one() -> None:
    """The directory `reindex` is lost: the first ledger is opened with the settings of the second one."""
    first, second = await reindexed_world()
    second.ledger = first.ledger

    reports = [await second.cycle(), await first.cycle()]

    assert [code_of(it) for it in reports] == ["owned_elsewhere", None]
    message = reports[0].error["message"] if reports[0].error else ""
    assert "this ledger keeps the index in another collection" in message
    for cure in ("reindex", "CONNECTOR_DATA_DIR", "--take-over"):
        assert cure in message
    assert points_by_collection(first) == {NAME: 9, SECOND: 9}


async def test_a_new_data_directory_goes_on_where_the_lost_ledger_ended() -> None:
    """The cure that the message names: nothing is retrieved, and both collections stay."""
    first, second = await reindexed_world()
    second.ledger = FakeCheckpointStore()

    report = await second.cycle()

    assert differences(report, error=None, unchanged=3, points_written=0) == {}
    assert (await first.cycle()).unchanged == 3
    assert points_by_collection(first) == {NAME: 9, SECOND: 9}


async def test_a_takeover_that_crashed_goes_on() -> None:
    """A new ledger that has claimed one collection and not yet the home is still a new one."""
    world = await synced_world()
    moved = beside(world, collection="second-{model}")
    moved.ledger = world.ledger
    assert (await moved.cycle()).upserted == 3
    moved.ledger = FakeCheckpointStore()
    home = moved.sink.stored[SECOND].info.instance_id
    await moved.ledger.save_claim(INDEX, "another instance", 1)

    report = await moved.cycle()

    assert home
    assert differences(report, error=None, unchanged=3) == {}
    assert home in await moved.ledger.claims(INDEX)


async def test_settings_that_are_turned_back_empty_nothing_behind_an_alias() -> None:
    """The ledger has moved the index to the second collection, which searchers use since then."""
    first, second = await reindexed_world()
    second.ledger = first.ledger
    assert (await take_over(second)).error is None
    assert points_by_collection(first)[SECOND] == 9

    reports = [await first.cycle(), await take_over(first)]

    assert [code_of(it) for it in reports] == ["alias_elsewhere"] * 2
    message = reports[0].error["message"] if reports[0].error else ""
    for part in (
        "alias videos",
        SECOND,
        "these settings write twelvelabs-marengo3.0",
        "connector reindex start videos",
    ):
        assert part in message
    assert points_by_collection(first)[SECOND] == 9
    assert (await second.cycle()).unchanged == 3


async def test_a_poll_empties_nothing_behind_an_alias() -> None:
    """The alias was made after the full cycle: a changed asset is not moved out of the collection either."""
    world = await synced_world()
    moved = beside(world, collection="second-{model}")
    moved.ledger = world.ledger
    world.sink.aliases["videos"] = NAME
    world.source.change(INDEX, "a", segments=7)
    world.source.remove(INDEX, "b")

    report = await polled(moved.engine(), moved.settings)

    assert code_of(report) == "alias_elsewhere"
    assert points_by_collection(world) == {NAME: 9}
    world.sink.aliases["videos"] = "somewhere else"
    assert (await moved.cycle()).upserted == 2
    assert points_by_collection(world) == {NAME: 0, SECOND: 10}


async def test_an_alias_of_a_collection_that_the_settings_write_is_no_obstacle() -> None:
    """Whether they name the collection, this alias or another one; and what the source moves may leave."""
    world = await synced_world()
    world.sink.aliases.update({"videos": NAME, "prod-marengo3.0": NAME})
    through = beside(world, collection="prod-{model}")
    through.ledger = world.ledger
    world.source.change(INDEX, "a", segments=7)

    assert (await world.cycle()).upserted == 1
    world.source.remove(INDEX, "b")
    assert (await through.cycle()).deleted == 1
    world.source.migrate(INDEX, "marengo2.7")
    report = await world.cycle()

    assert report.error is None
    assert points_by_collection(world)[NAME] == 0

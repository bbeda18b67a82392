"""The report and the effects of a cycle, case by case."""

import pytest

from tests.comparing import differences
from tests.engine.cycle_cases import NEW, retrieved
from tests.engine.world import INDEX, World


async def test_a_second_cycle_writes_and_retrieves_nothing(world: World) -> None:
    """Invariant I4."""
    writes = world.sink.writes, world.ledger.writes, world.source.retrievals.total()

    report = await world.cycle()

    assert differences(report, unchanged=3, upserted=0, points_written=0, clean=True) == {}
    assert (world.sink.writes, world.ledger.writes, world.source.retrievals.total()) == writes


async def test_points_are_counted_and_all_there(world: World) -> None:
    world.source.add(INDEX, "d", segments=5)

    report = await world.cycle()

    assert differences(report, listed=4, upserted=1, points_written=5, complete=True) == {}
    world.check_i1_sink_equals_source()


async def test_a_shorter_video_leaves_no_tail(world: World) -> None:
    world.source.change(INDEX, "a", segments=1)

    await world.cycle()

    assert len(world.points_of("a")[NEW]) == 1
    world.check_i1_sink_equals_source()


async def test_a_video_without_segments_is_applied_with_no_points(world: World) -> None:
    world.source.change(INDEX, "a", segments=0)

    report = await world.cycle()

    assert differences(report, upserted=1, clean=True) == {}
    assert world.points_of("a") == {}
    assert (await world.cycle()).unchanged == 3


async def test_a_new_date_without_other_content_is_not_written(world: World) -> None:
    """The fingerprint differs, the revisions do not."""
    writes = world.sink.writes
    world.source.set_status(INDEX, "a", "ready")

    report = await world.cycle()

    assert differences(report, unchanged=3, upserted=0) == {}
    assert world.sink.writes == writes
    assert retrieved(world, "a") == 2


@pytest.mark.parametrize("status", ["indexing", "failed", "a word of tomorrow"])
async def test_an_applied_asset_that_is_not_ready_keeps_its_points(world: World, status: str) -> None:
    world.source.set_status(INDEX, "a", status)

    report = await world.cycle()

    assert differences(report, waiting=1, deleted=0, clean=True) == {}
    assert len(world.points_of("a")[NEW]) == 3


async def test_stopping_finishes_what_is_in_hand_and_says_so(world: World) -> None:
    for number in range(10):
        world.source.add(INDEX, f"x{number}")
    engine = world.engine(concurrency=2)
    engine.workers.stop()

    report = await engine.cycle(world.settings)

    assert differences(report, interrupted=True, clean=False, upserted=0) == {}
    assert (await world.cycle()).upserted == 10


async def test_other_settings_rewrite_the_points(world: World) -> None:
    other = World(embedding_options=("visual",), transcript=False)
    other.source, other.sink, other.ledger = world.source, world.sink, world.ledger

    report = await other.cycle()

    assert report.upserted == 3
    assert {tuple(it.vectors) for it in other.points_of("a")[NEW].values()} == {("visual",)}
    assert {it.payload["transcript"] for it in other.points_of("a")[NEW].values()} == {""}


async def test_an_index_without_marengo_is_an_error_of_that_index() -> None:
    world = World()
    world.source.remove_index(INDEX)
    world.source.add_index(INDEX, None)

    report = await world.cycle()

    assert report.error
    assert "Marengo" in report.error["message"]


async def test_lag_is_known_for_assets_that_got_ready_while_we_watched(world: World) -> None:
    assert (await world.cycle()).lag_sec is None
    world.now = 1_767_225_600.0
    fresh = World()
    fresh.now = 1_767_225_600.0 - 100
    fresh.source.add(INDEX, "a")
    fresh.source.remove(INDEX, "a")
    await fresh.cycle()
    fresh.source.add(INDEX, "b")
    fresh.now = 1_767_225_600.0 + 50

    report = await fresh.cycle()

    assert report.lag_sec == pytest.approx(51 - 2)

"""The assets that a cycle refreshes, moves and adopts."""

from connector.domain.errors import AuthenticationFailed
from connector.domain.refresh import spread
from tests.comparing import differences
from tests.engine.cycle_cases import NEW, OLD, retrieved
from tests.engine.world import INDEX, World


def vectors_of(world: World) -> dict[str, tuple[str, str, float]]:
    """The ledger's facts about each asset's vectors: fingerprint, revision, retrieval time."""
    rows = {name: row.applied for name, row in world.ledger.held(INDEX).items()}
    return {name: (it.fingerprint, it.revision, it.deep_at) for name, it in rows.items() if it}


async def test_metadata_that_changed_is_patched_without_touching_vectors(world: World) -> None:
    world.source.set_metadata(INDEX, "a", {"key": "new"})
    world.now += world.settings.refresh_interval

    report = await world.cycle()

    assert differences(report, refreshed=1, upserted=0, points_written=3) == {}
    assert {it.payload["user_metadata"]["key"] for it in world.points_of("a")[NEW].values()} == {"new"}
    await world.check_i2_coverage_and_truth()


async def test_a_new_name_of_the_index_reaches_every_payload_at_once(world: World) -> None:
    """And no vector is retrieved or written for it."""
    before = vectors_of(world)
    world.source.change_index(INDEX, name="another name")

    report = await world.cycle()

    assert differences(report, refreshed=3, upserted=0, points_written=9, clean=True) == {}
    assert {it.payload["index_name"] for name in "abc" for it in world.points_of(name)[NEW].values()} == {
        "another name"
    }
    assert vectors_of(world) == before
    world.check_i1_sink_equals_source()
    writes = world.sink.writes, world.source.retrievals.total()
    assert (await world.cycle()).unchanged == 3
    assert (world.sink.writes, world.source.retrievals.total()) == writes


async def test_a_new_name_is_not_forgotten_when_the_cycle_breaks_off(world: World) -> None:
    world.source.change_index(INDEX, name="another name")
    world.source.fail_next(1, lambda: AuthenticationFailed("retrieve", "a", "401"), ["retrieve"])
    assert (await world.cycle(concurrency=1)).error

    report = await world.cycle()

    assert (report.refreshed + report.upserted, report.clean) == (3, True)
    world.check_i1_sink_equals_source()


async def test_a_canary_that_differs_makes_the_whole_index_due_for_a_deep_refresh(world: World) -> None:
    for name in "abc":
        world.source.change(INDEX, name, quietly=True)
    world.now += world.settings.refresh_interval

    alarm = await world.cycle()
    rest = await world.cycle()

    assert (alarm.upserted, rest.upserted) == (1, 2)
    world.check_i1_sink_equals_source()


async def test_quiet_changes_show_within_the_deep_refresh_interval(world: World) -> None:
    world.source.change(INDEX, "b", quietly=True)
    world.now += world.settings.deep_refresh_interval

    report = await world.cycle()

    assert report.upserted == 1
    world.check_i1_sink_equals_source()


async def test_refreshes_are_spread_over_the_interval() -> None:
    world = World()
    world.source.add(INDEX, "a")
    world.source.add(INDEX, "b")
    early, late = sorted(("a", "b"), key=spread)
    await world.cycle()
    world.now += world.settings.refresh_interval * (spread(early) + spread(late)) / 2

    await world.cycle()

    assert (retrieved(world, early), retrieved(world, late)) == (2, 1)


async def test_an_in_place_model_change_moves_the_points_to_the_other_collection() -> None:
    world = World()
    world.source.remove_index(INDEX)
    world.source.add_index(INDEX, "marengo2.7")
    world.source.add(INDEX, "a")
    await world.cycle()
    assert set(world.points_of("a")) == {OLD}
    world.source.migrate(INDEX, "marengo3.0")

    report = await world.cycle()

    assert (report.upserted, set(world.points_of("a"))) == (1, {NEW})
    world.check_i1_sink_equals_source()
    await world.check_i2_coverage_and_truth()


async def test_a_new_ledger_adopts_what_it_finds_and_retrieves_only_what_differs(world: World) -> None:
    world.source.remove(INDEX, "c")
    world.source.change(INDEX, "b", segments=4)
    another = World()
    another.source, another.sink = world.source, world.sink
    before = world.source.retrievals.copy()

    report = await another.cycle()

    assert differences(report, unchanged=1, upserted=1, deleted=1, clean=True) == {}
    assert (world.source.retrievals - before) == {(INDEX, "b"): 1}
    await another.check_i2_coverage_and_truth()
    another.check_i1_sink_equals_source()


async def test_a_new_ledger_adopts_an_asset_with_points_in_two_collections() -> None:
    """As after a crash during a move to another collection, and the loss of the ledger."""
    before, after = World(collection="b-{model}"), World(collection="a-{model}")
    before.source.add(INDEX, "x")
    await before.cycle()
    after.source, after.sink, after.ledger = before.source, before.sink, before.ledger
    after.sink.crash_at(4)
    assert await after.cycle_or_crash() is None
    assert set(after.points_of("x")) == {"a-marengo3.0", "b-marengo3.0"}
    after.ledger = World().ledger

    report = await after.cycle()

    assert report.clean
    await after.check_i2_coverage_and_truth()
    assert set(after.points_of("x")) == {"a-marengo3.0"}


async def test_points_that_the_sink_lost_are_written_again(world: World) -> None:
    points_by_id = world.sink.stored[NEW].points
    for point_id in list(world.points_of("b")[NEW])[:2]:
        del points_by_id[point_id]

    report = await world.cycle()

    assert (report.upserted, report.unchanged) == (1, 2)
    world.check_i1_sink_equals_source()


async def test_a_collection_that_was_dropped_is_made_and_filled_again(world: World) -> None:
    world.sink.drop(NEW)

    report = await world.cycle()

    assert (report.upserted, report.clean) == (3, True)
    world.check_i1_sink_equals_source()


async def test_points_that_no_row_accounts_for_are_adopted_and_deleted(world: World) -> None:
    """As after the ledger was restored from an old copy."""
    world.source.add(INDEX, "d")
    await world.cycle()
    world.source.remove(INDEX, "d")
    await world.ledger.forget(INDEX, "d", 0.0)

    report = await world.cycle()

    assert (report.deleted, world.points_of("d")) == (1, {})

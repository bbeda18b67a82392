"""What a cycle reports and does, case by case."""

from dataclasses import replace

import pytest

from connector.domain.errors import AssetError, AuthenticationFailed, MalformedAsset, RateLimited, Unavailable
from connector.domain.model import CollectionInfo
from connector.domain.refresh import spread
from connector.domain.report import CycleReport
from connector.engine import maintenance
from connector.engine.apply import EMBEDDING_PATIENCE_SEC
from tests.engine.world import INDEX, World

OLD, NEW = "twelvelabs-marengo2.7", "twelvelabs-marengo3.0"


@pytest.fixture
async def world() -> World:
    """Three assets, synced."""
    world = World()
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 3
    return world


def retrieved(world: World, name: str) -> int:
    return world.source.retrievals[INDEX, name]


def vectors_of(world: World) -> dict[str, tuple[str, str, float]]:
    """What the ledger says of the vectors of each asset: fingerprint, revision, and when they were retrieved."""
    rows = {name: row.applied for name, row in world.ledger.held(INDEX).items()}
    return {name: (it.fingerprint, it.revision, it.deep_at) for name, it in rows.items() if it}


def malformed() -> MalformedAsset:
    return MalformedAsset("read embeddings of asset", "a", "vector 3 is all zero")


def down() -> Unavailable:
    return Unavailable("retrieve asset", "a", "connection refused", side="source")


async def test_a_second_cycle_writes_and_retrieves_nothing(world: World) -> None:
    """I4."""
    writes = world.sink.writes, world.ledger.writes, world.source.retrievals.total()

    report = await world.cycle()

    assert (report.unchanged, report.upserted, report.points_written, report.clean) == (3, 0, 0, True)
    assert (world.sink.writes, world.ledger.writes, world.source.retrievals.total()) == writes


async def test_points_are_counted_and_all_there(world: World) -> None:
    world.source.add(INDEX, "d", segments=5)

    report = await world.cycle()

    assert (report.listed, report.upserted, report.points_written, report.complete) == (4, 1, 5, True)
    world.check_i1_sink_equals_source()


async def test_a_shorter_video_leaves_no_tail(world: World) -> None:
    world.source.change(INDEX, "a", segments=1)

    await world.cycle()

    assert len(world.points_of("a")[NEW]) == 1
    world.check_i1_sink_equals_source()


async def test_a_video_without_segments_is_applied_with_no_points(world: World) -> None:
    world.source.change(INDEX, "a", segments=0)

    report = await world.cycle()

    assert (report.upserted, report.clean, world.points_of("a")) == (1, True, {})
    assert (await world.cycle()).unchanged == 3


async def test_a_new_date_without_other_content_is_not_written(world: World) -> None:
    """The fingerprint differs, the revisions do not."""
    writes = world.sink.writes
    world.source.set_status(INDEX, "a", "ready")

    report = await world.cycle()

    assert (report.unchanged, report.upserted, world.sink.writes, retrieved(world, "a")) == (3, 0, writes, 2)


@pytest.mark.parametrize("status", ["indexing", "failed", "a word of tomorrow"])
async def test_an_applied_asset_that_is_not_ready_keeps_its_points(world: World, status: str) -> None:
    world.source.set_status(INDEX, "a", status)

    report = await world.cycle()

    assert (report.waiting, report.deleted, report.clean) == (1, 0, True)
    assert len(world.points_of("a")[NEW]) == 3


async def test_what_left_the_index_is_deleted(world: World) -> None:
    world.source.remove(INDEX, "b")

    report = await world.cycle()

    assert (report.deleted, report.clean, world.points_of("b"), await world.row("b")) == (1, True, {}, None)


async def test_an_asset_that_is_missing_in_a_listing_but_exists_voids_all_deletes(world: World) -> None:
    """I3: a walk that looks complete can be wrong."""
    world.source.remove(INDEX, "a")
    world.source.hide(INDEX, "b")

    report = await world.cycle()

    assert (report.withheld, report.deleted) == (2, 0)
    assert "exists, but is not in the listing" in str(report.withheld_because)
    assert world.points_of("a")
    assert world.points_of("b")


@pytest.fixture
async def odd_row(world: World) -> str:
    """An asset with points whose id cannot be asked for, as found in the sink by a new ledger; gone from the source."""
    await world.ledger.open(INDEX, "odd/id", {NEW})
    return "odd/id"


async def test_an_id_that_cannot_be_asked_for_withholds_its_own_delete_only(world: World, odd_row: str) -> None:
    """No 404 can prove that it is gone."""
    world.source.remove(INDEX, "b")

    report = await world.cycle()

    assert (report.error, report.deleted, report.withheld) == (None, 1, 1)
    assert "cannot confirm" in str(report.withheld_because)
    assert [(it.indexed_asset_id, it.state, it.code) for it in report.problems] == [
        (odd_row, "withheld", "malformed_asset")
    ]
    assert await world.row("b") is None
    assert await world.row(odd_row)

    await maintenance.drop(world.sink, world.ledger, world.settings, [odd_row])
    assert (await world.cycle()).clean
    assert await world.row(odd_row) is None


async def test_a_refused_question_withholds_its_own_delete_only(world: World) -> None:
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
    world.source.fail_next(1, lambda: AssetError("confirm asset", "a", "TwelveLabs answered 409"), ["exists"])

    report = await world.cycle()

    assert (report.error, report.deleted, report.withheld) == (None, 1, 1)
    assert (await world.row("a") is None, await world.row("b") is None) == (False, True)
    assert (await world.cycle()).deleted == 1


async def test_an_odd_id_that_never_had_points_comes_and_goes(world: World) -> None:
    """It fails alone while it is listed, and leaves nothing behind."""
    for name in ("0 odd", "a b/c", "..", "\x00"):
        world.source.add(INDEX, name)

    report = await world.cycle()

    assert (report.error, report.failed, report.unchanged, report.complete) == (None, 4, 3, True)
    for name in ("0 odd", "a b/c", "..", "\x00", "b"):
        world.source.remove(INDEX, name)
    report = await world.cycle()
    assert (report.error, report.withheld, report.clean) == (None, 0, True)
    assert set(await world.ledger.load(INDEX)) == {"a", "c"}
    assert world.points_of("b") == {}


async def test_a_listed_asset_with_an_odd_id_does_not_stop_deletes() -> None:
    """Neither where another listed asset can be asked for nor where it is the only one."""
    world = World()
    for name in ("0 odd", "a", "b"):
        world.source.add(INDEX, name)
    await world.cycle()
    for name in ("a", "b"):
        world.source.remove(INDEX, name)
        report = await world.cycle()
        assert (report.error, report.deleted, report.withheld, report.failed) == (None, 1, 0, 1)


async def test_an_incomplete_listing_upserts_and_deletes_nothing(world: World) -> None:
    world.source.remove(INDEX, "a")
    world.source.add(INDEX, "d")
    world.source.listing_complete(INDEX, complete=False)

    report = await world.cycle(allow_deletes=True)

    assert (report.upserted, report.withheld, report.deleted, report.complete) == (1, 1, 0, False)
    assert world.points_of("a")


async def test_an_empty_listing_deletes_nothing_until_it_is_allowed(world: World) -> None:
    """I5."""
    for name in "abc":
        world.source.remove(INDEX, name)

    report = await world.cycle()

    assert (report.withheld, report.deleted, report.clean) == (3, 0, False)
    assert "empty" in str(report.withheld_because)
    assert (await world.cycle()).withheld == 3
    assert (await world.cycle(allow_deletes=True)).deleted == 3
    assert world.sink.points_of(INDEX) == {}


async def test_deletes_within_24_hours_share_one_limit() -> None:
    """One too many waits until an operator allows it, or until the others are a day old."""
    world = World(max_deletes=2, max_delete_ratio=0.0)
    for name in "abcdef":
        world.source.add(INDEX, name)
    await world.cycle()
    world.source.remove(INDEX, "a")
    world.source.remove(INDEX, "b")
    assert (await world.cycle()).deleted == 2
    world.source.remove(INDEX, "c")

    over = await world.cycle()
    world.now += 24 * 3600
    next_day = await world.cycle()

    assert (over.withheld, over.deleted) == (1, 0)
    assert over.withheld_because == "3 deletes within 24 hours exceed the limit of 2"
    assert (next_day.withheld, next_day.deleted, next_day.clean) == (0, 1, True)


async def test_deletes_that_an_operator_allowed_do_not_use_the_limit_up() -> None:
    world = World(max_deletes=2, max_delete_ratio=0.0)
    for number in range(8):
        world.source.add(INDEX, f"asset{number}")
    await world.cycle()
    for number in range(5):
        world.source.remove(INDEX, f"asset{number}")
    assert (await world.cycle()).withheld == 5
    assert (await world.cycle(allow_deletes=True)).deleted == 5
    world.source.remove(INDEX, "asset5")
    world.source.remove(INDEX, "asset6")

    report = await world.cycle()

    assert (report.deleted, report.withheld, report.clean) == (2, 0, True)


async def test_a_mass_delete_never_trickles_out() -> None:
    """However many days it waits and whatever is added: I5."""
    world = World(max_deletes=2, max_delete_ratio=0.2)
    for number in range(14):
        world.source.add(INDEX, f"asset{number}")
    await world.cycle()
    for number in range(3):
        world.source.remove(INDEX, f"asset{number}")

    for day in range(5):
        world.source.add(INDEX, f"new{day}")
        report = await world.cycle()
        world.now += 25 * 3600
        assert (report.withheld, report.deleted) == (3, 0)
        assert report.withheld_because == "3 deletes within 24 hours exceed the limit of 2"


async def test_an_asset_that_never_had_points_is_no_delete() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    assert (await world.cycle()).failed == 1
    world.source.remove(INDEX, "x")

    report = await world.cycle()

    assert (report.deleted, report.withheld, report.clean, await world.row("x")) == (0, 0, True, None)


async def test_an_asset_without_segments_is_no_delete_either() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "x", segments=0)
    assert (await world.cycle()).upserted == 1
    world.source.remove(INDEX, "x")

    report = await world.cycle()

    assert (report.deleted, report.withheld, report.clean, await world.row("x")) == (0, 0, True, None)


async def test_a_row_without_points_is_forgotten_only_when_the_source_confirms_it(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    await world.cycle()
    world.source.hide(INDEX, "x")

    report = await world.cycle()

    assert (report.withheld, report.withheld_because, report.clean) == (0, None, True)
    assert await world.row("x")


async def test_new_assets_do_not_let_withheld_deletes_through() -> None:
    """The limit is a share of the ledger, and the ledger grows."""
    world = World(max_deletes=0, max_delete_ratio=0.2)
    for number in range(4):
        world.source.add(INDEX, f"old{number}")
    await world.cycle()
    for number in range(4):
        world.source.remove(INDEX, f"old{number}")
    for number in range(20):
        world.source.add(INDEX, f"new{number}")

    first, second = await world.cycle(), await world.cycle()

    assert (first.withheld, second.withheld, second.deleted) == (4, 4, 0)


async def test_withheld_deletes_of_assets_that_come_back_are_forgotten() -> None:
    world = World(max_deletes=0, max_delete_ratio=0.0)
    world.source.add(INDEX, "a")
    world.source.add(INDEX, "b")
    await world.cycle()
    world.source.hide(INDEX, "a")
    assert (await world.cycle()).withheld == 1
    world.source.hide(INDEX)

    assert (await world.cycle()).clean
    state = await world.ledger.state(INDEX)
    assert state
    assert state.withheld_because is None


async def test_mode_keep_never_deletes() -> None:
    world = World(delete_mode="keep")
    world.source.add(INDEX, "a")
    world.source.add(INDEX, "b")
    await world.cycle()
    world.source.remove(INDEX, "a")

    report = await world.cycle(allow_deletes=True)

    assert (report.kept, report.withheld, report.deleted, report.clean) == (1, 0, 0, True)
    assert world.points_of("a")


async def test_an_index_that_is_gone_is_an_error_and_deletes_nothing(world: World) -> None:
    world.source.remove_index(INDEX)

    report = await world.cycle(allow_deletes=True)

    assert report.error
    assert report.error["code"] == "index_gone"
    assert len(world.sink.points_of(INDEX)[NEW]) == 9


async def test_an_index_that_goes_between_listing_and_delete_loses_nothing(world: World) -> None:
    """After the last 404 the index itself must still answer."""
    world.source.remove(INDEX, "a")
    world.source.fail_next(1, lambda: Unavailable("look up index", INDEX, "503", side="source"), ["exists"])

    report = await world.cycle()

    assert report.error
    assert report.error["code"] == "source_unavailable"
    assert world.points_of("a")


async def test_a_malformed_asset_fails_alone_and_is_quarantined_in_the_end(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.add(INDEX, "y")
    reports: list[CycleReport] = []
    for _ in range(6):
        world.source.fail_next(1, malformed, ["retrieve"])
        reports.append(await world.cycle(concurrency=1))
        world.source.fail_no_more()

    assert [report.failed for report in reports] == [1, 1, 1, 1, 1, 0]
    assert reports[-1].quarantined == 1
    assert reports[-1].problems[0].code == "malformed_asset"
    assert world.points_of("y")


async def test_a_quarantined_asset_is_tried_again_when_it_changes() -> None:
    world = World(max_attempts=1)
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    assert (await world.cycle()).failed == 1
    assert (await world.cycle()).quarantined == 1
    world.source.change(INDEX, "x")

    report = await world.cycle()

    assert (report.upserted, report.quarantined, report.clean) == (1, 0, True)


async def test_a_failed_update_keeps_the_applied_points(world: World) -> None:
    world.source.change(INDEX, "a", segments=7)
    world.source.fail_next(1, malformed, ["retrieve"])

    report = await world.cycle()
    row = await world.row("a")

    assert report.failed == 1
    assert row
    assert row.applied
    assert (row.applied.points, row.opened, len(world.points_of("a")[NEW])) == (3, False, 3)


async def test_a_failed_asset_waits_for_its_back_off_only_in_a_patient_cycle(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    await world.cycle()

    respect_backoff = await world.cycle(period=3600.0)
    impatient = await world.cycle()

    assert (respect_backoff.failed, respect_backoff.upserted, impatient.upserted) == (1, 0, 1)


async def test_what_cannot_be_reached_is_deferred_and_uses_no_attempt_up(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.fail_next(1, down, ["retrieve"])

    report = await world.cycle()
    row = await world.row("x")

    assert (report.deferred, report.error) == (1, None)
    assert row
    assert row.attempt
    assert (row.attempt.attempts, row.attempt.code) == (0, "unavailable")


async def test_a_rate_limit_is_waited_for_as_long_as_it_says(world: World) -> None:
    world.source.add(INDEX, "x")
    limited = RateLimited("retrieve asset", "x", "429", side="source", retry_after=1234.0)
    world.source.fail_next(1, lambda: limited, ["retrieve"])
    await world.cycle()
    row = await world.row("x")

    assert row
    assert row.attempt
    assert (row.attempt.attempts, row.attempt.due - world.now) == (0, 1234.0)


async def test_what_ends_the_cycle_uses_no_attempt_of_an_asset_up(world: World) -> None:
    """A refused key is not the asset's fault, however often it is refused."""
    world.source.add(INDEX, "x")
    refused = AuthenticationFailed("retrieve asset", "x", "401")
    for _ in range(7):
        world.source.fail_next(1, lambda: refused, ["retrieve"])
        assert (await world.cycle()).error

    report = await world.cycle()

    assert (report.upserted, report.quarantined, report.clean) == (1, 0, True)


async def test_many_deferred_in_a_row_end_the_cycle(world: World) -> None:
    for number in range(20):
        world.source.add(INDEX, f"x{number}")
    world.source.fail_next(100, down, ["retrieve"])

    report = await world.cycle(concurrency=1)

    assert report.error
    assert (report.error["code"], report.deferred) == ("source_unavailable", 5)


async def test_a_missing_embedding_is_lag_first_and_a_failure_when_it_lasts(world: World) -> None:
    for number in range(8):
        world.source.add(INDEX, f"x{number}")
        world.source.set_embedded(INDEX, f"x{number}", embedded=False)

    first = await world.cycle(concurrency=1)
    world.now += EMBEDDING_PATIENCE_SEC
    later = await world.cycle(concurrency=1)

    assert (first.deferred, first.failed, first.error) == (8, 0, None)
    assert (later.deferred, later.failed) == (0, 8)
    assert later.problems[0].code == "embedding_missing"


async def test_an_asset_that_vanishes_after_the_listing_is_no_error(world: World) -> None:
    """Hidden removal: listed, and 404 when it is retrieved."""
    world.source.add(INDEX, "x")
    snapshot = world.source.listed(INDEX)["x"]
    world.source.remove(INDEX, "x")
    world.source.ghost(INDEX, snapshot)

    report = await world.cycle()
    world.source.ghost(INDEX)
    after = await world.cycle()

    assert (report.vanished, report.clean) == (1, True)
    assert (after.deleted, after.clean, await world.row("x")) == (0, True, None)


async def test_metadata_that_changed_is_patched_without_touching_vectors(world: World) -> None:
    world.source.set_metadata(INDEX, "a", {"key": "new"})
    world.now += world.settings.refresh_interval

    report = await world.cycle()

    assert (report.refreshed, report.upserted, report.points_written) == (1, 0, 3)
    assert {it.payload["user_metadata"]["key"] for it in world.points_of("a")[NEW].values()} == {"new"}
    await world.check_i2_coverage_and_truth()


async def test_a_new_name_of_the_index_reaches_every_payload_at_once(world: World) -> None:
    """And no vector is retrieved or written for it."""
    before = vectors_of(world)
    world.source.rename(INDEX, "another name")

    report = await world.cycle()

    assert (report.refreshed, report.upserted, report.points_written, report.clean) == (3, 0, 9, True)
    assert {it.payload["index_name"] for name in "abc" for it in world.points_of(name)[NEW].values()} == {
        "another name"
    }
    assert vectors_of(world) == before
    world.check_i1_sink_equals_source()
    writes = world.sink.writes, world.source.retrievals.total()
    assert (await world.cycle()).unchanged == 3
    assert (world.sink.writes, world.source.retrievals.total()) == writes


async def test_a_new_name_is_not_forgotten_when_the_cycle_breaks_off(world: World) -> None:
    world.source.rename(INDEX, "another name")
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

    assert (report.unchanged, report.upserted, report.deleted, report.clean) == (1, 1, 1, True)
    assert (world.source.retrievals - before) == {(INDEX, "b"): 1}
    await another.check_i2_coverage_and_truth()
    another.check_i1_sink_equals_source()


async def test_a_new_ledger_adopts_an_asset_with_points_in_two_collections() -> None:
    """As after a crash in the middle of a move to another collection, and the loss of the ledger."""
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
    """As after a ledger was restored from an old copy."""
    world.source.add(INDEX, "d")
    await world.cycle()
    world.source.remove(INDEX, "d")
    await world.ledger.forget(INDEX, "d", 0.0)

    report = await world.cycle()

    assert (report.deleted, world.points_of("d")) == (1, {})


@pytest.fixture
async def unknown() -> World:
    """An index of a model that is not in the table, whose first asset has no audio."""
    world = World()
    world.source.remove_index(INDEX)
    world.source.add_index(INDEX, "marengo4.0")
    world.source.add(INDEX, "a")
    world.source.deform(INDEX, "a", only=["visual"])
    return world


async def test_the_collection_of_an_unknown_model_has_all_that_was_asked_for(unknown: World) -> None:
    """Whatever the first asset happens to hold."""
    assert (await unknown.cycle()).clean
    unknown.source.add(INDEX, "b")

    report = await unknown.cycle()

    assert (report.upserted, report.clean) == (1, True)
    assert set(unknown.sink.stored["twelvelabs-marengo4.0"].info.vectors) == {"visual", "audio"}


async def test_the_settings_do_not_narrow_the_collection_of_an_unknown_model(unknown: World) -> None:
    """They are easier to change than a collection."""
    unknown.settings = replace(unknown.settings, embedding_options=("visual",))
    assert (await unknown.cycle()).clean
    unknown.settings = replace(unknown.settings, embedding_options=None)
    unknown.source.add(INDEX, "b")

    report = await unknown.engine().cycle(unknown.settings)

    assert (report.error, report.failed, report.upserted) == (None, 0, 1)
    assert set(unknown.sink.stored["twelvelabs-marengo4.0"].info.vectors) == {"visual", "audio"}


async def test_a_vector_that_an_unknown_models_collection_lacks_is_said_once_for_the_index(unknown: World) -> None:
    """The index has got an option more: no asset is at fault, and the message has the ways out."""
    assert (await unknown.cycle()).clean
    unknown.source.extend(INDEX, "smell")
    retrieved = unknown.source.retrievals.total()

    report = await unknown.cycle()

    assert report.error
    assert (report.error["code"], report.failed, report.problems) == ("sink_mismatch", 0, [])
    assert "it has no vector named smell" in report.error["message"]
    assert "CONNECTOR_EMBEDDING_OPTIONS" in report.error["message"]
    assert "CONNECTOR_COLLECTION" in report.error["message"]
    assert unknown.source.retrievals.total() == retrieved
    unknown.settings = replace(unknown.settings, embedding_options=("visual", "audio"))
    assert (await unknown.cycle()).error is None


async def test_an_asset_of_another_dimension_than_its_unknown_model_fails_alone(unknown: World) -> None:
    await unknown.cycle()
    unknown.source.add(INDEX, "odd")
    unknown.source.deform(INDEX, "odd", dimension=12)
    unknown.source.add(INDEX, "b")

    first, second = await unknown.cycle(), await unknown.cycle()

    assert (first.failed, first.upserted, first.error) == (1, 1, None)
    assert (second.failed, second.error) == (1, None)
    assert "dimension" in first.problems[0].reason


async def test_an_unfit_collection_is_refused_before_anything_is_retrieved(world: World) -> None:
    foreign = CollectionInfo(
        NEW, 0, {"visual": (768, "Cosine")}, model="marengo9.9", instance_id="x", layout_version="1.0"
    )
    world.sink.put_collection(foreign)
    retrievals = world.source.retrievals.total()

    report = await world.cycle()

    assert report.error
    assert report.error["code"] == "sink_mismatch"
    assert "marengo9.9" in report.error["message"]
    assert world.source.retrievals.total() == retrievals


async def test_stopping_finishes_what_is_in_hand_and_says_so(world: World) -> None:
    for number in range(10):
        world.source.add(INDEX, f"x{number}")
    engine = world.engine(concurrency=2)
    engine.workers.stop.set()

    report = await engine.cycle(world.settings)

    assert (report.interrupted, report.clean, report.upserted) == (True, False, 0)
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

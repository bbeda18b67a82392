"""Assets that fail, are deferred or vanish."""

from connector.domain.errors import AuthenticationFailed, RateLimited, Unavailable
from connector.domain.report import CycleReport
from connector.engine.embedding_lag import LONGEST_LAG_SEC
from tests.comparing import differences
from tests.engine.cycle_cases import NEW, malformed
from tests.engine.world import INDEX, World


def down() -> Unavailable:
    return Unavailable("retrieve asset", "a", "connection refused", side="source")


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
    assert (bool(world.points_of("x")), bool(world.points_of("y"))) == (True, False)  # the newest is tried first


async def test_a_quarantined_asset_is_tried_again_when_it_changes() -> None:
    world = World(max_attempts=1)
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    assert (await world.cycle()).failed == 1
    assert (await world.cycle()).quarantined == 1
    world.source.change(INDEX, "x")

    report = await world.cycle()

    assert differences(report, upserted=1, quarantined=0, clean=True) == {}


async def test_a_failed_update_keeps_the_applied_points(world: World) -> None:
    world.source.change(INDEX, "a", segments=7)
    world.source.fail_next(1, malformed, ["retrieve"])

    report = await world.cycle()
    row = await world.row("a")

    assert report.failed == 1
    assert row
    assert row.applied
    assert row.applied.points == 3
    assert not row.opened
    assert len(world.points_of("a")[NEW]) == 3


async def test_a_failed_asset_waits_for_its_back_off_only_in_a_patient_cycle(world: World) -> None:
    world.source.add(INDEX, "x")
    world.source.fail_next(1, malformed, ["retrieve"])
    await world.cycle()

    respect_backoff = await world.cycle(period=3600.0)
    impatient = await world.cycle()

    assert differences(respect_backoff, failed=1, upserted=0) == {}
    assert impatient.upserted == 1


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
    """A rejected key is not the asset's fault, however often it is rejected."""
    world.source.add(INDEX, "x")
    refused = AuthenticationFailed("retrieve asset", "x", "401")
    for _ in range(7):
        world.source.fail_next(1, lambda: refused, ["retrieve"])
        assert (await world.cycle()).error

    report = await world.cycle()

    assert differences(report, upserted=1, quarantined=0, clean=True) == {}


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
    world.now += LONGEST_LAG_SEC
    later = await world.cycle(concurrency=1)

    assert differences(first, deferred=8, failed=0, error=None) == {}
    assert (later.deferred, later.failed) == (0, 8)
    assert later.problems[0].code == "embedding_missing"


async def test_an_asset_that_vanishes_after_the_listing_is_no_error(world: World) -> None:
    """A removal that the listing does not show: listed, but 404 on retrieval."""
    world.source.add(INDEX, "x")
    snapshot = world.source.listed(INDEX)["x"]
    world.source.remove(INDEX, "x")
    world.source.ghost(INDEX, snapshot)

    report = await world.cycle()
    world.source.ghost(INDEX)
    after = await world.cycle()

    assert (report.vanished, report.clean) == (1, True)
    assert differences(after, deleted=0, clean=True) == {}
    assert await world.row("x") is None

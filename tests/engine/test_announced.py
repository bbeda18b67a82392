"""Assets that a webhook names: one retrieval, no listing."""

import pytest

from connector.domain.errors import MalformedAsset, Unavailable
from connector.domain.report import CycleReport
from tests.comparing import differences
from tests.engine.polling import Daemon, synced
from tests.engine.world import INDEX
from tests.fakes.sink import Crashed


@pytest.fixture
async def daemon() -> Daemon:
    return await synced()


async def announce(daemon: Daemon, *names: str) -> CycleReport:
    return await daemon.engine.run(daemon.engine.ready(daemon.world.settings, names))


async def test_a_new_asset_costs_one_request(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")

    report = await announce(daemon, "new")

    assert differences(report, upserted=1, requests=1, clean=True) == {}
    daemon.world.check_i1_sink_equals_source()


async def test_its_row_is_as_a_listing_makes_it(daemon: Daemon) -> None:
    """So the poll that follows has nothing to do."""
    daemon.source.add(INDEX, "new")
    await announce(daemon, "new")
    row, before = await daemon.world.row("new"), daemon.work()

    report = await daemon.poll()

    assert row is not None
    assert row.listed == daemon.source.listed(INDEX)["new"]
    assert differences(report, upserted=0, points_written=0) == {}
    written, _, retrieved = daemon.work()
    assert (written, retrieved) == (before[0], before[2])


async def test_one_that_was_indexed_again_gets_its_new_points(daemon: Daemon) -> None:
    daemon.source.change(INDEX, "a", segments=7)

    assert (await announce(daemon, "a")).upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_one_that_is_applied_already_is_not_written_again(daemon: Daemon) -> None:
    writes = daemon.world.sink.writes

    assert differences(await announce(daemon, "a"), upserted=0, unchanged=1) == {}
    assert daemon.world.sink.writes == writes


async def test_one_that_nobody_knows_leaves_no_row(daemon: Daemon) -> None:
    report = await announce(daemon, "unknown")

    assert differences(report, vanished=1, error=None) == {}
    assert await daemon.world.row("unknown") is None


async def test_one_that_is_gone_stays_for_the_next_full_cycle_to_delete(daemon: Daemon) -> None:
    daemon.source.remove(INDEX, "a")

    assert (await announce(daemon, "a")).vanished == 1
    assert daemon.world.points_of("a")
    assert (await daemon.full()).deleted == 1


async def test_one_that_is_not_ready_yet_is_upserted_when_it_is(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "slow", status="indexing")
    assert differences(await announce(daemon, "slow"), unchanged=1, clean=True) == {}
    assert (await daemon.state()).pending == {"slow"}
    daemon.source.set_status(INDEX, "slow", "ready")

    assert (await daemon.poll()).upserted == 1
    daemon.world.check_i1_sink_equals_source()


@pytest.mark.parametrize("status", ["indexing", "failed"])
async def test_an_applied_one_that_is_indexed_again_only_waits(daemon: Daemon, status: str) -> None:
    """Nothing is wrong with it: its points stay, and no failure is recorded."""
    daemon.source.set_status(INDEX, "a", status)

    assert (await announce(daemon, "a")).clean
    row = await daemon.world.row("a")
    assert row is not None
    assert (row.attempt, row.opened) == (None, False)
    assert (await daemon.poll()).clean
    assert (await daemon.full()).waiting == 1
    assert daemon.world.points_of("a")


async def test_a_malformed_one_fails_and_is_tried_again_as_listed(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "bad")
    daemon.source.fail_next(1, lambda: MalformedAsset("read", "bad", "vector 3 is all zero"), {"retrieve"})

    assert (await announce(daemon, "bad")).failed == 1
    assert (await daemon.poll()).upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_a_quarantined_one_stays_in_quarantine(daemon: Daemon) -> None:
    """Anybody who replays a webhook could else let a bad asset be tried for ever."""
    daemon.source.add(INDEX, "bad")
    daemon.source.fail_next(100, lambda: MalformedAsset("read", "bad", "vector 3 is all zero"), {"retrieve"})
    while not (await daemon.poll(later=86_400.0)).quarantined:
        pass
    tried = daemon.source.retrievals[INDEX, "bad"]

    assert (await announce(daemon, "bad")).quarantined == 1
    assert daemon.source.retrievals[INDEX, "bad"] == tried


async def test_a_source_that_is_down_leaves_it_to_the_poll(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, lambda: Unavailable("retrieve", "new", "connection refused", side="source"))

    assert (await announce(daemon, "new")).deferred == 1
    assert (await daemon.poll(later=60.0)).upserted == 1
    daemon.world.check_i1_sink_equals_source()


@pytest.mark.parametrize("arm", ["sink", "ledger before", "ledger after"])
async def test_a_crash_at_any_step_is_repaired_by_the_next_process(arm: str) -> None:
    crashes = 0
    for step in range(1, 20):
        daemon = await synced()
        daemon.source.add(INDEX, "new")
        if arm == "sink":
            daemon.world.sink.crash_at(step)
        else:
            daemon.world.ledger.crash_at(step, after=arm.endswith("after"))
        try:
            await announce(daemon, "new")
        except BaseExceptionGroup as crash:
            assert crash.split(Crashed)[1] is None  # noqa: PT017  nothing else may go wrong
            crashes += 1
        except Crashed:
            crashes += 1
        finally:
            daemon.world.sink.disarm()
            daemon.world.ledger.disarm()
            await daemon.engine.workers.close()
        await daemon.world.check_i2_coverage_and_truth()
        await daemon.world.cycle()
        daemon.world.check_i1_sink_equals_source()
    assert crashes > 0

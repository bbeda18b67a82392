"""The cheap poll: finds new assets, spends nothing on unchanged ones, and never deletes."""

from datetime import UTC, datetime

import pytest

from connector.domain.watermark import OVERLAP_SEC
from tests.comparing import differences
from tests.engine.polling import Daemon, synced
from tests.engine.world import INDEX, World
from tests.fakes.sink import Crashed

STEPS = 60


def rfc3339_at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


@pytest.fixture
async def daemon() -> Daemon:
    return await synced()


async def test_a_poll_without_change_writes_and_retrieves_nothing(daemon: Daemon) -> None:
    """And reads only the rows of the assets in the listing."""
    before, loads, requests = daemon.work(), daemon.world.ledger.loads, daemon.source.requests()

    for _ in range(3):
        report = await daemon.poll()
        assert differences(report, clean=True, upserted=0, points_written=0) == {}

    assert daemon.work() == before
    assert daemon.world.ledger.loads == loads
    assert daemon.source.requests() == requests + 3


async def test_the_cost_of_a_poll_does_not_grow_with_the_index(daemon: Daemon) -> None:
    """One asset among many: one retrieval, and the usual requests."""
    for number in range(200):
        daemon.source.add(INDEX, f"old{number:03}")
    daemon.pass_overlap()
    daemon.source.add(INDEX, "latest")
    await daemon.full()
    daemon.source.add(INDEX, "new")
    loads, requests = daemon.world.ledger.loads, daemon.source.requests()

    report = await daemon.poll()

    assert differences(report, upserted=1, requests=2, listed=2) == {}
    assert (daemon.world.ledger.loads, daemon.source.requests()) == (loads, requests + 2)


async def test_a_new_asset_is_found(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")

    report = await daemon.poll()

    assert (report.upserted, report.clean) == (1, True)
    daemon.world.check_i1_sink_equals_source()
    assert (await daemon.poll()).upserted == 0


async def test_a_row_that_becomes_visible_late_is_found(daemon: Daemon) -> None:
    """It is older than the watermark, which a later row has moved."""
    daemon.source.add(INDEX, "late")
    daemon.source.hide(INDEX, "late")
    daemon.source.add(INDEX, "new")
    assert (await daemon.poll()).upserted == 1
    assert daemon.touched("late") < await daemon.watermark()
    daemon.source.hide(INDEX)

    assert (await daemon.poll()).upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_an_asset_with_another_content_is_found(daemon: Daemon) -> None:
    daemon.source.change(INDEX, "b", segments=7)

    assert (await daemon.poll()).upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_other_metadata_of_a_touched_asset_is_patched(daemon: Daemon) -> None:
    daemon.source.set_metadata(INDEX, "b", {"category": "news"})
    daemon.source.set_status(INDEX, "b", "ready")

    report = await daemon.poll()

    assert (report.refreshed, report.upserted) == (1, 0)
    daemon.world.check_i1_sink_equals_source()


@pytest.mark.parametrize("on_its_way", ["pending", "queued", "validating", "indexing"])
async def test_an_asset_that_becomes_ready_is_found(daemon: Daemon, on_its_way: str) -> None:
    daemon.source.add(INDEX, "new", status=on_its_way)

    assert (await daemon.poll()).waiting == 1
    assert (await daemon.state()).pending == {"new"}
    daemon.source.set_status(INDEX, "new", "ready")
    assert (await daemon.poll()).upserted == 1
    assert (await daemon.state()).pending == frozenset()


async def test_an_asset_that_becomes_ready_without_a_new_date_is_found(daemon: Daemon) -> None:
    """It is not known whether `updated_at` changes with every change."""
    daemon.source.add(INDEX, "late", status="indexing")
    daemon.pass_overlap()
    daemon.source.add(INDEX, "newer")
    await daemon.poll()
    date = daemon.source.listed(INDEX)["late"].updated_at
    daemon.source.set_status(INDEX, "late", "ready")
    daemon.source.set_date(INDEX, "late", date)
    assert daemon.touched("late") < await daemon.watermark() - OVERLAP_SEC

    assert (await daemon.poll()).upserted == 1


async def test_what_is_on_its_way_for_long_stays_in_view(daemon: Daemon) -> None:
    """While unchanged it is not reported, but still remembered."""
    daemon.source.add(INDEX, "slow", status="indexing")
    daemon.pass_overlap()
    daemon.source.add(INDEX, "newer")
    await daemon.poll()
    before = daemon.work()

    for _ in range(3):
        await daemon.poll()
        assert (await daemon.state()).pending == {"slow"}

    assert daemon.work() == before


async def test_an_applied_asset_that_is_indexed_again_keeps_its_points(daemon: Daemon) -> None:
    daemon.source.set_status(INDEX, "a", "indexing")

    report = await daemon.poll()

    assert (report.waiting, report.deleted) == (1, 0)
    assert daemon.world.points_of("a")


async def test_a_poll_never_deletes(daemon: Daemon) -> None:
    """I3: a poll cannot see deletions; the next full cycle can."""
    daemon.source.remove(INDEX, "a")
    daemon.source.remove(INDEX, "b")
    daemon.source.add(INDEX, "new")

    report = await daemon.poll()

    assert differences(report, upserted=1, deleted=0, withheld=0, complete=False) == {}
    assert daemon.world.points_of("a")
    assert (await daemon.full()).deleted == 2


async def test_a_pending_asset_that_is_gone_is_forgotten(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new", status="indexing")
    await daemon.poll()
    daemon.source.remove(INDEX, "new")

    assert (await daemon.poll()).clean
    assert (await daemon.state()).pending == frozenset()


@pytest.mark.parametrize("arm", ["sink", "ledger before", "ledger after"])
async def test_a_crash_at_any_step_of_a_poll_is_repaired_by_the_next_daemon(arm: str) -> None:
    """I2 at every moment, then I1 and I4."""
    for step in range(1, STEPS):
        world = World()
        world.source.add(INDEX, "changed")
        daemon = Daemon(world)
        await daemon.full()
        world.source.change(INDEX, "changed", segments=5)
        world.source.add(INDEX, "new")

        crashed = await _poll_with_crash(daemon, arm, step)
        await world.check_i2_coverage_and_truth()
        again = Daemon(world)
        assert (await again.full()).clean
        await world.check_i2_coverage_and_truth()
        world.check_i1_sink_equals_source()
        before = again.work()
        assert (await again.poll()).clean
        assert again.work() == before
        if not crashed:
            break
    assert step > 5


async def _poll_with_crash(daemon: Daemon, arm: str, step: int) -> bool:
    world = daemon.world
    if arm == "sink":
        world.sink.crash_at(step)
    else:
        world.ledger.crash_at(step, after=arm.endswith("after"))
    try:
        await daemon.poll()
    except Crashed:
        return True
    except BaseExceptionGroup as crashes:
        if crashes.split(Crashed)[1] is not None:
            raise
        return True
    finally:
        world.sink.disarm()
        world.ledger.disarm()
    return False


@pytest.mark.parametrize("date", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z"])
async def test_an_asset_of_an_impossible_time_does_not_hide_the_next_one(daemon: Daemon, date: str) -> None:
    """Also if the source does not send its time: then ours is the limit."""
    daemon.source.add(INDEX, "odd")
    daemon.source.set_date(INDEX, "odd", date)
    await daemon.full()
    daemon.source.add(INDEX, "new")
    daemon.source.set_date(INDEX, "new", rfc3339_at(daemon.world.now))

    assert (await daemon.poll()).upserted == 1

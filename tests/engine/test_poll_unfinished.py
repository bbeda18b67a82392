"""What a poll could not finish is retried in time, and the watermark does not hide it."""

import pytest

from connector.domain.errors import AuthenticationFailed, MalformedAsset, RateLimited, Unavailable
from connector.domain.priority import Priority
from connector.domain.source_model import READY
from connector.domain.watermark import OVERLAP_SEC
from tests.comparing import differences
from tests.engine.polling import Daemon, synced
from tests.engine.world import INDEX, World


@pytest.fixture
async def daemon() -> Daemon:
    return await synced()


def down() -> Unavailable:
    return Unavailable("retrieve asset", "x", "connection refused", side="source")


def malformed() -> MalformedAsset:
    return MalformedAsset("read embeddings of asset", "x", "vector 3 is all zero")


async def test_a_deferred_asset_is_tried_again_when_it_is_due(daemon: Daemon) -> None:
    """And not earlier, although every poll sees it."""
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, down, {"retrieve"})
    assert (await daemon.poll()).deferred == 1

    early = await daemon.poll(later=4.0)
    assert differences(early, deferred=1, upserted=0) == {}
    assert daemon.source.retrievals[INDEX, "new"] == 0
    assert (await daemon.poll(later=2.0)).upserted == 1


async def test_a_failed_asset_is_tried_again_when_it_is_due(daemon: Daemon) -> None:
    """Even if the watermark is much later."""
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, malformed, {"retrieve"})
    assert (await daemon.poll()).failed == 1
    daemon.pass_overlap()
    daemon.source.add(INDEX, "newer")
    assert (await daemon.poll()).upserted == 1
    assert daemon.touched("new") < await daemon.watermark() - OVERLAP_SEC

    early = await daemon.poll(later=50.0)
    assert (early.upserted, daemon.source.retrievals[INDEX, "new"]) == (0, 0)
    assert (await daemon.poll(later=10.0)).upserted == 1


async def test_a_rate_limit_is_waited_for(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")
    limited = RateLimited("retrieve asset", "new", "slow down", side="source", retry_after=300.0)
    daemon.source.fail_next(1, lambda: limited, {"retrieve"})
    assert (await daemon.poll()).deferred == 1

    assert (await daemon.poll(later=299.0)).upserted == 0
    assert (await daemon.poll(later=2.0)).upserted == 1


async def test_a_quarantined_asset_is_left_alone_until_it_changes() -> None:
    world = World(max_attempts=2)
    daemon = Daemon(world)
    await daemon.full()
    daemon.source.add(INDEX, "bad")
    daemon.source.fail_next(2, malformed, {"retrieve"})
    assert [(await daemon.poll(later=3600.0)).failed for _ in range(2)] == [1, 1]

    left_alone = await daemon.poll(later=86_400.0)
    assert differences(left_alone, quarantined=1, failed=0, upserted=0) == {}
    daemon.source.change(INDEX, "bad")
    assert (await daemon.poll()).upserted == 1


async def test_an_interrupted_asset_is_finished(daemon: Daemon) -> None:
    daemon.pass_overlap()
    daemon.source.add(INDEX, "newest")
    await daemon.full()
    await daemon.world.ledger.open(INDEX, "a", ["twelvelabs-marengo3.0"])
    daemon.source.add(INDEX, "newer")

    assert (await daemon.poll()).upserted == 2
    row = await daemon.world.row("a")
    assert row is not None
    assert not row.opened


async def test_the_watermark_follows_the_work(daemon: Daemon) -> None:
    first = await daemon.watermark()
    daemon.source.add(INDEX, "new")
    await daemon.poll()

    assert first < await daemon.watermark() == daemon.touched("new")


async def test_the_watermark_never_passes_the_source_s_own_time(daemon: Daemon) -> None:
    """A date in the future would hide everything until then."""
    before = await daemon.watermark()
    daemon.source.as_of = before + 1.5
    for name in ("new1", "new2", "new3"):
        daemon.source.add(INDEX, name)
    await daemon.poll()

    assert await daemon.watermark() == before + 1.5
    daemon.source.as_of = None
    await daemon.poll()
    assert await daemon.watermark() == daemon.touched("new3")


async def test_what_a_failed_poll_found_waits_in_ledger_and_queue(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, lambda: AuthenticationFailed("retrieve asset", "new", "key refused"), {"retrieve"})

    report = await daemon.poll()

    assert (report.error or {}).get("code") == "authentication_failed"
    assert set(await daemon.world.ledger.planned(INDEX)) == {"new"}
    daemon.source.fail_no_more()
    assert (await daemon.poll()).clean
    await daemon.done()
    daemon.world.check_i1_sink_equals_source()


async def test_what_a_stopped_poll_found_waits_in_the_ledger(daemon: Daemon) -> None:
    daemon.source.add(INDEX, "new")
    daemon.engine.workers.stop()

    report = await daemon.poll()

    assert (report.interrupted, set(await daemon.world.ledger.planned(INDEX))) == (True, {"new"})
    daemon.engine = daemon.world.engine()
    assert (await daemon.engine.run(daemon.engine.left_over(daemon.world.settings))).upserted == 1
    daemon.world.check_i1_sink_equals_source()


@pytest.mark.parametrize("kind", ["left over", "full"])
async def test_what_was_planned_and_is_applied_is_not_planned_any_more(daemon: Daemon, kind: str) -> None:
    """A pass that wrote its plan after the upsert of another one had ended, and then was killed."""
    ledger, asked = daemon.world.ledger, daemon.source.retrievals.total()
    planned = [asset for asset in daemon.source.listed(INDEX).values() if asset.status == READY]
    await ledger.plan(INDEX, planned, Priority.BACKLOG)
    engine, settings = daemon.world.engine(), daemon.world.settings

    report = await (engine.cycle(settings) if kind == "full" else engine.run(engine.left_over(settings)))

    assert await ledger.planned(INDEX) == {}
    assert (report.clean, report.unchanged, report.upserted) == (True, len(planned), 0)
    assert daemon.source.retrievals.total() == asked


async def test_a_source_that_is_down_ends_the_poll_and_nothing_else(daemon: Daemon) -> None:
    before = daemon.work()
    daemon.source.fail_next(1, down, {"changes"})

    report = await daemon.poll()

    assert (report.error or {}).get("code") == "source_unavailable"
    assert daemon.work() == before
    assert (await daemon.poll()).clean


async def test_an_incomplete_listing_does_not_end_what_is_pending(daemon: Daemon) -> None:
    """The missing assets may still be in progress."""
    daemon.source.add(INDEX, "slow", status="indexing")
    await daemon.poll()
    daemon.source.hide(INDEX, "slow")
    daemon.source.listing_complete(INDEX, complete=False)
    await daemon.full()
    assert (await daemon.state()).pending == {"slow"}

    daemon.source.listing_complete(INDEX, complete=True)
    await daemon.full()
    assert (await daemon.state()).pending == frozenset()


async def test_an_asset_that_cannot_be_looked_at_concerns_no_other(daemon: Daemon) -> None:
    """Its row stays due, and the next full cycle, which has it from the listing, deals with it.

    Only rows of an earlier release, or of adopted points, do not say how their asset was listed.
    """
    daemon.source.add(INDEX, "bad")
    daemon.pass_overlap()
    daemon.source.add(INDEX, "newer")
    assert (await daemon.full()).upserted == 2
    await daemon.world.ledger.forget(INDEX, "bad", daemon.world.now, counts=False)
    await daemon.world.ledger.open(INDEX, "bad", ["twelvelabs-marengo3.0"])
    daemon.source.add(INDEX, "new")
    daemon.source.fail_next(1, malformed, {"asset"})

    report = await daemon.poll(later=3600.0)

    assert (report.error, report.upserted) == (None, 1)
    assert (await daemon.poll()).upserted == 1
    daemon.world.check_i1_sink_equals_source()


async def test_many_deferred_in_a_row_end_the_poll(daemon: Daemon) -> None:
    for number in range(20):
        daemon.source.add(INDEX, f"new{number}")
    daemon.source.fail_next(100, down, {"retrieve"})

    report = await daemon.poll()

    assert (report.error or {}).get("code") == "source_unavailable"
    assert report.deferred < 10

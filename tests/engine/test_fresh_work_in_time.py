"""How long fresh work and commands take beside a backlog of 5,000 assets, at 60 requests a minute.

Time is virtual, so each bound is exact: it holds on every machine.
"""

from pathlib import Path

from connector.domain.ledger_model import Attempt
from connector.engine.maintenance import quarantined
from tests import virtual_time
from tests.engine.limited_daemon import BACKLOG, EXCHANGE_SEC, PER_MINUTE, POLL_SEC, REQUEST_SEC, backfilling
from tests.virtual_time import EPOCH, until

LIST, RETRIEVE = "list assets of index", "retrieve asset"


def test_a_poll_makes_an_asset_searchable_after_two_requests(tmp_path: Path) -> None:
    """Added right after a poll has asked, so that it waits a whole poll interval for the next one."""

    async def scenario() -> list[float]:
        async with backfilling(tmp_path) as daemon:
            took = []
            for _ in range(3):
                await daemon.next(LIST)
                await virtual_time.sleep(EXCHANGE_SEC)
                took.append(await daemon.searchable_after(daemon.add(), 2 * POLL_SEC))
            return took

    assert max(virtual_time.run(scenario())) <= POLL_SEC + 2 * REQUEST_SEC


def test_a_webhook_makes_an_asset_searchable_after_two_requests(tmp_path: Path) -> None:
    async def scenario() -> list[float]:
        async with backfilling(tmp_path) as daemon:
            took = []
            for number in range(20):
                await virtual_time.sleep(11.0 + number / 20)
                asset_id = daemon.add()
                daemon.tasks.add(daemon.control.task_id(daemon.index_id, asset_id))
                took.append(await daemon.searchable_after(asset_id, POLL_SEC))
            return took

    assert max(virtual_time.run(scenario())) <= 2 * REQUEST_SEC


def test_a_retry_is_carried_out_within_5_seconds(tmp_path: Path) -> None:
    """While an earlier retry of many assets is under way."""

    async def scenario() -> float:
        async with backfilling(tmp_path) as daemon:
            names = daemon.control.asset_ids(daemon.index_id)[:101]
            for name in names:
                await daemon.ledger.unplan(daemon.index_id, name)
                tried = Attempt("print", 5, EPOCH, "vector 3 is all zero", "malformed", due=EPOCH)
                await daemon.ledger.fail(daemon.index_id, name, tried)
            assert set(names) <= set(await quarantined(daemon.ledger, daemon.index_id, 5))
            await daemon.carried_out("quarantine retry", assets=names[1:])
            began = daemon.now()
            await daemon.carried_out("quarantine retry", assets=names[:1])
            await until(lambda: any(it.subject in names for it in daemon.sent(RETRIEVE, began)), POLL_SEC)
            return daemon.now() - began

    assert virtual_time.run(scenario()) <= 5.0


def test_a_forget_is_carried_out_within_5_seconds(tmp_path: Path) -> None:
    async def scenario() -> float:
        async with backfilling(tmp_path) as daemon:
            began = daemon.now()
            done = await daemon.carried_out("forget")
            assert done.result["assets"] == BACKLOG
            assert daemon.sink.points_of(daemon.index_id) == {}
            return daemon.now() - began

    assert virtual_time.run(scenario()) <= 5.0


def test_a_backfill_gets_98_of_100_requests_that_fresh_assets_leave(tmp_path: Path) -> None:
    """A poll without news costs one request."""
    minutes = 20

    async def scenario() -> tuple[int, int]:
        async with backfilling(tmp_path) as daemon:
            await daemon.next(LIST)
            began, fresh = daemon.now(), set()
            for _ in range(minutes // 2):
                fresh.add(daemon.add())
                await virtual_time.sleep(120.0)
            retrieved = [it.subject for it in daemon.sent(RETRIEVE, began)]
            return sum(it not in fresh for it in retrieved), sum(it in fresh for it in retrieved)

    backlog, fresh = virtual_time.run(scenario())
    assert fresh == minutes // 2
    assert backlog >= 0.98 * (minutes * PER_MINUTE - fresh)

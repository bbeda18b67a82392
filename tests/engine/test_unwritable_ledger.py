"""A ledger that takes no report stops no work, and is told."""

from collections.abc import Mapping
from typing import Any

from connector.domain.errors import LedgerUnavailable
from connector.domain.events import LedgerWriteEnded
from tests.engine.loops import POLL, SCHEDULED, Place
from tests.engine.world import World
from tests.fakes.ledger import FakeCheckpointStore


class FullLedger(FakeCheckpointStore):
    async def save_report(
        self, index_id: str, report: Mapping[str, Any], *, kind: str = "sync", ended_at: float = 0.0
    ) -> None:
        raise LedgerUnavailable("write ledger", "file", "disk full")


async def test_a_ledger_that_takes_no_report_stops_nothing() -> None:
    world = World()
    world.ledger = FullLedger()
    async with Place(world).running() as place:
        await place.settled(SCHEDULED)
        place.loop.poke_poll()
        await place.settled(POLL)

        assert place.loop.live.error is None
        [event] = [it for it in place.told if isinstance(it, LedgerWriteEnded)]
        assert (event.what, event.error) == ("reports of cycles", "ledger_unavailable")
        assert "disk full" in event.cause

"""Checks whether this replica can work, but only while something fails, here or at another replica."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

import structlog

from connector.daemon.readiness import Readiness
from connector.domain.errors import RateLimited
from connector.domain.standby import Standby
from connector.ports import Sink, Source

_LOOK_SEC = 1.0
_AGES = {"TwelveLabs": 60.0, "Qdrant": 10.0}
_AGES_WHEN_FAILING = {"TwelveLabs": 30.0, "Qdrant": 10.0}
"""How many seconds a good answer counts. It counts longer for TwelveLabs: each request uses up the rate limit."""

_TURN_SEC, _RESPONSE_SEC = 8.0, 3.5
"""When a side fails, all replicas ask TwelveLabs at the same moment. Turns keep them within the rate limit."""

log = structlog.get_logger(__name__)


class StandbyWatch:
    """`is_failing`: whether work fails here. `others`: for each other running replica, whether it can work.

    `changed` is called with True when this replica begins to stand by, and with False when it takes part again.
    """

    def __init__(
        self,
        source: Source,
        sink: Sink,
        is_failing: Callable[[], bool],
        others: Callable[[], Collection[bool]],
        changed: Callable[[bool], None],
    ) -> None:
        probes = {"TwelveLabs": partial(_ask_source, source), "Qdrant": partial(_ask_sink, sink)}
        self._readiness = Readiness(probes, time.monotonic, _TURN_SEC + _RESPONSE_SEC)
        self._is_failing, self._others, self._changed = is_failing, others, changed
        self._standby = Standby(time.monotonic)
        self.stands_by = False
        self.cannot_work: Mapping[str, str] = {}
        """What does not respond to this replica -> why."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._look()
            await asyncio.sleep(_LOOK_SEC)

    async def _look(self) -> None:
        others, is_failing = self._others(), self._is_failing()
        if is_failing or self.cannot_work or not all(others):
            self.cannot_work = await self._readiness.reasons(_AGES_WHEN_FAILING if is_failing else _AGES)
        stands_by = self._standby.update(can_work=not self.cannot_work, others_can=any(others))
        if stands_by != self.stands_by:
            self.stands_by = stands_by
            if stands_by:
                log.warning("replica.stands_by", reasons=dict(self.cannot_work))
            elif self.cannot_work:
                log.warning("replica.left_alone", reasons=dict(self.cannot_work))
            else:
                log.warning("replica.recovered")
            self._changed(stands_by)


async def _ask_source(source: Source) -> None:
    with suppress(RateLimited):  # it holds for every replica with this key
        await source.ping(_TURN_SEC)


async def _ask_sink(sink: Sink) -> None:
    """Ask for the right to write, too: a key that may only read gets answers."""
    await sink.version()
    await sink.check_write_access(next(iter(await sink.collections()), None))

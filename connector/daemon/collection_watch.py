"""Notices that the collection of an index was dropped, so that a full cycle repairs it at once, not at its time."""

import asyncio
from collections.abc import Callable, Iterable

from connector.daemon.index_loop import IndexLoop
from connector.domain.errors import ConnectorError
from connector.domain.report import FULL_CYCLES
from connector.ports import CheckpointStore, Sink

LOOK_SEC = 15.0


class CollectionWatch:
    """One request per collection and look. An error is left to the readiness probes."""

    def __init__(self, sink: Sink, ledger: CheckpointStore, loops: Callable[[], Iterable[IndexLoop]]) -> None:
        self._sink, self._ledger, self._loops = sink, ledger, loops
        self._missing: set[str] = set()

    async def run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SEC)
            await self.look()

    async def look(self) -> None:
        """Let each index whose points are missing begin a full cycle, once until its collection exists again."""
        exists: dict[str, bool] = {}
        for loop in self._loops():
            index_id = loop.settings.index_id
            try:
                missing = await self._is_missing(loop, exists)
            except ConnectorError:
                continue
            if not missing:
                self._missing.discard(index_id)
            elif index_id not in self._missing and loop.live.doing not in FULL_CYCLES:
                self._missing.add(index_id)
                loop.poke_full()

    async def _is_missing(self, loop: IndexLoop, exists: dict[str, bool]) -> bool:
        """True if the ledger has points of the index, and the collection that should hold them does not exist."""
        settings = loop.settings
        state = await self._ledger.state(settings.index_id)
        summary = await self._ledger.summary(settings.index_id, settings.max_attempts)
        if state is None or state.model is None or not summary.points:
            return False
        collection = settings.collection_name(state.model)
        if collection not in exists:
            exists[collection] = await self._sink.inspect(collection) is not None
        return not exists[collection]

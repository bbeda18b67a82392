"""Answers a scrape: reads the facts of the moment, and writes the text in a thread, so that the event loop goes on."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from connector.daemon.index_loop import IndexLoop
from connector.daemon.index_loops import IndexLoops
from connector.domain import timestamps
from connector.domain.errors import LedgerUnavailable
from connector.domain.history import KEPT_CYCLES
from connector.domain.ledger_model import IndexState
from connector.domain.report import CycleReport
from connector.ledger.rows import LedgerRow
from connector.ledger.shown_states import shown_summary
from connector.ports import CheckpointStore
from connector.settings.connector_settings import Settings
from connector.telemetry.exposition import exposition
from connector.telemetry.gauges import ClusterFacts, DaemonFacts, FactGauges, LedgerFacts, ScrapedIndex
from connector.telemetry.last_cycles import LastCycles
from connector.telemetry.metrics import Metrics

SOURCE_AGE_SEC = 60.0
"""A scrape asks the source at most this often: its requests count against the user's quota."""
COMPONENTS = ("source", "sink", "ledger", "schedule", "daemon")

Reasons = Callable[[Mapping[str, float]], Awaitable[dict[str, str]]]
"""Why the daemon cannot work now, by component; from how old the result of each probe may be."""


class Scraper:
    """`live` returns heartbeat age in seconds, changes in progress, and what limits the throughput."""

    def __init__(
        self,
        metrics: Metrics,
        last_cycles: LastCycles,
        loops: IndexLoops,
        ledger: CheckpointStore,
        settings: Settings,
        reasons: Reasons,
        live: Callable[[], tuple[float, int, str | None]],
        wall: Callable[[], float],
        cluster: Callable[[], ClusterFacts] | None = None,
    ) -> None:
        self._cluster = cluster
        self._metrics, self._last_cycles, self._loops = metrics, last_cycles, loops
        self._ledger, self._settings, self._reasons = ledger, settings, reasons
        self._live, self._wall, self._started_at = live, wall, wall()
        self._gauges, self._turn = FactGauges(), asyncio.Lock()
        metrics.registry.register(self._gauges)

    async def remember(self) -> None:
        """Take over when earlier processes synced the indexes. A ledger that cannot be read is reported elsewhere."""
        known: list[str] = []
        with suppress(LedgerUnavailable):
            known = await self._ledger.known()
        for index_id in known:
            with suppress(LedgerUnavailable):
                await self._remember(index_id)

    async def _remember(self, index_id: str) -> None:
        at, past = LedgerRow("cycles", (index_id,)), await self._ledger.cycles(index_id, KEPT_CYCLES)
        reports = [at.typed("report", {"index_id": index_id, **it.report}, CycleReport) for it in past]
        newest_first = [(it.kind, it.ended_at, report) for it, report in zip(past, reports, strict=True)]
        self._last_cycles.remember(reversed(newest_first))

    async def __call__(self, accept: str) -> tuple[bytes, str]:
        """The text for this Accept header, and its content type."""
        reasons = await self._reasons({} if self._metrics.is_source_failing else {"source": SOURCE_AGE_SEC})
        indexes = [await self._index(loop) for loop in self._loops.all()]
        heartbeat_age, in_progress, limited_by = self._live()
        async with self._turn:
            self._gauges.facts = DaemonFacts(
                self._started_at,
                indexes,
                {name: name not in reasons for name in COMPONENTS},
                heartbeat_age,
                in_progress,
                self._settings.connector_concurrency,
                limited_by,
                self._cluster() if self._cluster else ClusterFacts(1, len(indexes), {}),
            )
            return await asyncio.to_thread(exposition, self._metrics.registry, accept)

    async def _index(self, loop: IndexLoop) -> ScrapedIndex:
        settings, index_id = loop.settings, loop.settings.index_id
        self._metrics.follow(index_id)
        next_poll, next_cycle = self._loops.next_times(loop, self._wall())
        state, ledger = None, None
        with suppress(LedgerUnavailable):
            state = await self._ledger.state(index_id)
            summary = await shown_summary(self._ledger, index_id, settings.max_attempts, loop.in_hand())
            ledger = LedgerFacts(summary, len(state.pending) if state else 0, _expiry(state))
        model = state.model if state else None
        return ScrapedIndex(
            index_id,
            poll_sec=self._settings.timing_of(index_id).poll_sec,
            cycle_sec=loop.period,
            name=state.index_name if state else None,
            model=model,
            collection=settings.collection_name(model) if model else None,
            error_code=loop.live.error["code"] if loop.live.error else None,
            last=self._last_cycles.of(index_id),
            next_poll_at=next_poll,
            next_cycle_at=next_cycle,
            ledger=ledger,
        )


def _expiry(state: IndexState | None) -> float | None:
    """None if the index never expires, or its time is unreadable."""
    try:
        return timestamps.epoch(state.expires_at) if state and state.expires_at else None
    except ValueError:
        return None

"""A daemon's engine on the fakes: a full cycle, then polls."""

import math
from dataclasses import replace

from connector.domain.index_settings import IndexSettings
from connector.domain.ledger_model import IndexState
from connector.domain.priority import Priority
from connector.domain.report import CycleReport, Outcome, Result
from connector.domain.timestamps import epoch
from connector.domain.watermark import OVERLAP_SEC
from connector.engine.cycle import Engine
from connector.engine.survey import CycleOptions
from connector.engine.work_queue import Work
from tests.engine.world import INDEX, World

SCHEDULED = CycleOptions(respect_backoff=True, refresh_period=3600.0)


_COUNTS = (
    *("listed", "upserted", "refreshed", "unchanged", "waiting", "failed", "quarantined", "deferred", "vanished"),
    *("points_written", "requests"),
)


async def _nothing() -> Result:
    return Result("the last one", Outcome.UNCHANGED)


class Daemon:
    """One engine on a world; polls need a full cycle first."""

    def __init__(self, world: World) -> None:
        self.world, self.source = world, world.source
        self.engine: Engine = world.engine()

    async def full(self) -> CycleReport:
        self.world.now += 1.0
        return await self.engine.cycle(self.world.settings, SCHEDULED)

    async def poll(self, later: float = 1.0) -> CycleReport:
        """Both halves of a poll, in one report."""
        self.world.now += later
        return await polled(self.engine, self.world.settings)

    async def done(self) -> None:
        """Carry out everything that waits; points are built in a thread, so no number of turns is enough."""
        drained = Work(INDEX, "the last one", Priority.BACKLOG, _nothing, math.inf)
        with self.engine.workers.batch(lambda _: None, []) as batch:
            drained.batches = [batch]
            self.engine.queue.put(drained)
            await batch.wait()
        await self.engine.workers.idle()

    async def state(self) -> IndexState:
        state = await self.world.ledger.state(INDEX)
        assert state is not None
        return state

    async def watermark(self) -> float:
        return (await self.state()).watermark or 0.0

    def pass_overlap(self) -> None:
        """Advance the source time: once a later change moves the watermark, polls no longer list the present assets."""
        self.source.pass_time(OVERLAP_SEC)

    def touched(self, name: str) -> float:
        """When the source last changed the asset."""
        return epoch(self.source.listed(INDEX)[name].updated_at or "")

    def work(self) -> tuple[int, int, int]:
        """Points written, rows written, assets retrieved."""
        return self.world.sink.writes, self.world.ledger.writes, self.source.retrievals.total()


async def polled(engine: Engine, settings: IndexSettings) -> CycleReport:
    """The report of both halves of a poll. After an error, there is no second half."""
    it = engine.poll_pass(settings)
    first = await engine.run(it)
    if first.error or it.survey is None:
        return first
    second = await engine.run(engine.unfinished_pass(settings, it.survey.snapshot.assets))
    sums = {name: getattr(first, name) + getattr(second, name) for name in _COUNTS}
    problems = (*first.problems, *second.problems)
    return replace(second, **sums, problems=problems, interrupted=first.interrupted or second.interrupted)


async def synced() -> Daemon:
    """With three assets applied."""
    world = World()
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    daemon = Daemon(world)
    assert (await daemon.full()).upserted == 3
    return daemon

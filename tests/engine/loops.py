"""A running IndexLoop on the fakes, with an engine that records its calls."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from connector.daemon.index_loop import IndexLoop
from connector.daemon.ledger_writes import LedgerWrites
from connector.domain.events import ChangeFinished, ChangesPlanned, Event
from connector.domain.index_settings import IndexSettings
from connector.domain.report import CycleKind, CycleReport
from connector.engine.cycle import Engine
from connector.engine.passes import Pass
from connector.engine.survey import CycleOptions
from tests.engine.world import INDEX, World

PERIOD = 3600.0
SCHEDULED, ORDERED, POLL, REFRESH = "scheduled cycle", "sync", "poll", "refresh"
LEFT_OVER, RETRY = "left over", "retry"
ALLOWED = "sync --allow-deletes"
_CYCLES = {
    CycleOptions(respect_backoff=True, refresh_period=PERIOD, kind=CycleKind.FULL): SCHEDULED,
    CycleOptions(): ORDERED,
    CycleOptions(allow_deletes=True): ALLOWED,
}


class WatchedEngine(Engine):
    """The real engine, which records its calls, but for the second half of a poll; a test can make it wait or fail."""

    begun: asyncio.Queue[str]
    ended: asyncio.Queue[str]
    go_on: asyncio.Event
    at_once: int
    most_at_once: int
    breaks: int
    names: list[tuple[Pass, str]]

    def watch(self) -> None:
        self.names = []
        self.begun, self.ended = asyncio.Queue(), asyncio.Queue()
        self.at_once = self.most_at_once = self.breaks = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    def full_cycle(self, settings: IndexSettings, options: CycleOptions) -> Pass:
        return self._named(_CYCLES[options], super().full_cycle(settings, options))

    def poll_pass(self, settings: IndexSettings) -> Pass:
        return self._named(POLL, super().poll_pass(settings))

    def refresh_pass(self, settings: IndexSettings, period: float) -> Pass:
        return self._named(REFRESH, super().refresh_pass(settings, period))

    def left_over(self, settings: IndexSettings) -> Pass:
        return self._named(LEFT_OVER, super().left_over(settings))

    def retry(self, settings: IndexSettings, indexed_asset_ids: Collection[str]) -> Pass:
        return self._named(RETRY, super().retry(settings, indexed_asset_ids))

    async def run(self, it: Pass) -> CycleReport:
        names = [name for watched, name in self.names if watched is it]
        if not names:
            return await super().run(it)
        async with self._watched(names[0]):
            return await super().run(it)

    def _named(self, name: str, it: Pass) -> Pass:
        self.names.append((it, name))
        return it

    @asynccontextmanager
    async def _watched(self, what: str) -> AsyncIterator[None]:
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        self.begun.put_nowait(what)
        try:
            await self.go_on.wait()
            if self.breaks:
                self.breaks -= 1
                raise ZeroDivisionError("ours")
            yield
        finally:
            self.at_once -= 1
            self.ended.put_nowait(what)


class Place:
    """An IndexLoop on the fakes."""

    def __init__(self, world: World | None = None) -> None:
        """In a world with two assets if none is given."""
        self.world = world or World()
        for name in () if world else ("a", "b"):
            self.world.source.add(INDEX, name)
        parts = self.world.source, self.world.sink, self.world.ledger
        self.engine = WatchedEngine(*parts, clock=lambda: self.world.now, observe=self._observe)
        self.engine.watch()
        self.told: list[Event] = []
        writes = LedgerWrites(self.told.append)
        ledger, settings = self.world.ledger, self.world.settings
        self.loop = IndexLoop(settings, self.engine, ledger, writes, PERIOD, lambda: self.world.now)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Place"]:
        task = asyncio.get_running_loop().create_task(self.loop.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def settled(self, what: str = SCHEDULED) -> None:
        """This call began and ended, and the loop waits."""
        assert await self.engine.begun.get() == what
        assert await self.engine.ended.get() == what
        await self.waiting()

    async def waiting(self) -> None:
        """The work after a cycle needs fewer turns of the event loop than this."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def ordered(self, options: CycleOptions) -> CycleReport:
        """As `sync` orders it."""
        return await self.loop.carry_out(self.engine.full_cycle(self.world.settings, options))

    def nothing_else(self) -> bool:
        return self.engine.begun.empty()

    def _observe(self, event: Event) -> None:
        if isinstance(event, ChangesPlanned | ChangeFinished):
            self.loop.observe(event)

    async def report(self) -> dict[str, object]:
        return (await self.world.ledger.reports()).get(INDEX, {})

"""A daemon's loops beside a large backlog, on a source that allows some requests a minute, in virtual time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from connector.app import App
from connector.daemon.executor import Executor
from connector.daemon.index_loops import IndexLoops
from connector.daemon.ledger_writes import LedgerWrites
from connector.daemon.ready_tasks import ReadyTasks
from connector.daemon.schedule import Schedule
from connector.engine.cycle import Engine
from connector.ledger.command_queue import Command, CommandQueue, CommandState
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.settings.connector_settings import given_only
from connector.simulator import IndexSpec, Scenario
from connector.simulator.api.application import service
from connector.simulator.api.requests_log import RequestLog
from connector.simulator.control import Control
from connector.simulator.faults.fault_board import FaultBoard
from connector.simulator.faults.webhook_sender import WebhookSender
from connector.simulator.world.world import World
from connector.twelvelabs.body_budget import HeldBody
from connector.twelvelabs.calls import Call
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.request_events import Response
from connector.twelvelabs.retries import Clocks
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport
from tests.fakes.ledger import FakeCheckpointStore
from tests.fakes.sink import FakeSink
from tests.virtual_time import EPOCH, until

PER_MINUTE = 60
EXCHANGE_SEC = 0.3
REQUEST_SEC = 60 / PER_MINUTE + EXCHANGE_SEC
"""The time of one request: its turn, and the exchange."""
POLL_SEC = 60.0
BACKLOG = 5000


@dataclass(frozen=True, slots=True)
class Sent:
    """`at` is when the request was sent, in seconds of the loop."""

    at: float
    operation: str
    subject: str


class LimitedTransport(ApiTransport):
    """Talks to the simulator without a socket. Each exchange takes EXCHANGE_SEC."""

    def __init__(self, app: httpx.ASGITransport, clock: Clocks) -> None:
        super().__init__("http://simulator/v1.3", "key", Limiter(PER_MINUTE, clock), clock=clock)
        self._client = httpx.AsyncClient(transport=app, base_url=self._client.base_url, headers=self._client.headers)
        self.log: list[Sent] = []

    async def _exchange(self, call: Call, held: HeldBody, told: Response) -> Any:
        self.log.append(Sent(asyncio.get_running_loop().time(), call.operation, call.subject))
        await asyncio.sleep(EXCHANGE_SEC)
        return await super()._exchange(call, held, told)


@dataclass
class LimitedDaemon:
    control: Control
    index_id: str
    transport: LimitedTransport
    sink: FakeSink
    ledger: FakeCheckpointStore
    engine: Engine
    tasks: ReadyTasks
    commands: CommandQueue
    app: App

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def sent(self, operation: str, since: float = 0.0) -> list[Sent]:
        return [it for it in self.transport.log if it.operation == operation and it.at >= since]

    def add(self) -> str:
        return self.control.add_asset(self.index_id, "new.mp4", duration=6.0)

    def is_searchable(self, asset_id: str) -> bool:
        return bool(self.sink.points_of(self.index_id, asset_id))

    async def next(self, operation: str) -> None:
        """Wait until the next request of this kind is sent."""
        before = len(self.sent(operation))
        await until(lambda: len(self.sent(operation)) > before, 2 * POLL_SEC)

    async def searchable_after(self, asset_id: str, within: float) -> float:
        """Seconds from now until the asset has points."""
        began = self.now()
        await until(lambda: self.is_searchable(asset_id), within, step=0.02)
        return self.now() - began

    async def carried_out(self, kind: str, **arguments: object) -> Command:
        """Place the command, as the command line does, and wait for its result."""
        number = await self.commands.place(kind, {"index_id": self.index_id, **arguments})

        async def is_done() -> bool:
            return (await self.commands.read(number)).state is CommandState.DONE

        await until(is_done, POLL_SEC)
        return await self.commands.read(number)


@asynccontextmanager
async def backfilling(directory: Path) -> AsyncIterator[LimitedDaemon]:
    """The index is listed, and the first of its BACKLOG assets have points."""
    time = asyncio.get_running_loop().time
    clock = Clocks(monotonic=time, wall=lambda: EPOCH + time(), sleep=asyncio.sleep, random=lambda: 0.5)
    scenario = Scenario(indexes=(IndexSpec(name="large", generate=BACKLOG, duration=(6.0, 6.0), options=("visual",)),))
    world = World(scenario, time, clock.wall)
    control = Control(world, FaultBoard(scenario.seed), RequestLog(), WebhookSender(world))
    (index_id,) = control.index_ids
    settings = given_only(
        twelvelabs_api_key="key", connector_indexes=index_id, connector_poll_interval=POLL_SEC, qdrant_url="embedded"
    )
    transport = LimitedTransport(httpx.ASGITransport(service(world)), clock)
    source, sink, ledger = TwelveLabsSource(transport), FakeSink(), FakeCheckpointStore()
    schedule = Schedule(time, clock.wall, asyncio.sleep, lambda: 0.0)
    loops = IndexLoops(settings, schedule)
    engine = Engine(source, sink, ledger, clock=clock.wall, stopwatch=time, observe=loops.observe)
    writes = LedgerWrites(lambda _: None)
    app, tasks = App(settings, source, sink, ledger, engine), ReadyTasks(source, loops)
    async with CommandQueue(SqliteFile(directory / "ledger.sqlite3")) as commands, asyncio.TaskGroup() as group:
        loops.open(group, engine, ledger, writes)
        lives = [schedule.run(), tasks.run(), Executor(app, commands, loops, writes).run()]
        running = [group.create_task(life) for life in lives]
        loops.keep(settings.of_index(index_id))
        daemon = LimitedDaemon(control, index_id, transport, sink, ledger, engine, tasks, commands, app)
        await until(lambda: len(daemon.sent("retrieve asset")) > 20, 600.0, step=1.0)
        yield daemon
        for task in (*running, *(loop.task for loop in loops.all() if loop.task)):
            task.cancel()
    await engine.workers.close()
    await source.close()

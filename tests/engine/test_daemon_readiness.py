"""The daemon's own reasons for not being ready."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from connector.app import App
from connector.daemon.index_loops import IndexLoops
from connector.daemon.process import Daemon, Watch
from connector.daemon.schedule import LATE_SEC, Schedule
from connector.ledger.command_queue import CommandQueue
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.settings.connector_settings import given_only
from connector.telemetry.bottleneck import Bottleneck
from connector.telemetry.last_cycles import LastCycles
from connector.telemetry.metrics import Metrics
from tests.engine.world import INDEX, World


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    """A daemon on the fakes; it does not run."""
    world = World()
    settings = given_only(
        twelvelabs_api_key="key", connector_indexes=INDEX, connector_data_dir=tmp_path, qdrant_url="embedded"
    )
    app = App(settings, world.source, world.sink, world.ledger, world.engine())
    path, schedule = settings.ledger.file, Schedule(wall=lambda: world.now)
    async with CommandQueue(SqliteFile(path)) as queue, Heartbeat(SqliteFile(path)) as heartbeat:
        loops = IndexLoops(settings, schedule)
        watch = Watch(Bottleneck(), Metrics(), LastCycles())
        yield Daemon(app, queue, heartbeat, schedule, loops, watch, asyncio.Event(), lambda: world.now)


async def test_a_missed_beat_of_the_schedule_heals_with_the_next_one(daemon: Daemon) -> None:
    assert await daemon._reasons() == {}
    daemon._schedule._beat_at -= LATE_SEC + 1.0
    assert list(await daemon._reasons()) == ["schedule"]

    async with asyncio.TaskGroup() as group:
        running = group.create_task(daemon._schedule.run())
        await asyncio.sleep(0)
        assert await daemon._reasons() == {}
        running.cancel()


async def test_one_that_stops_is_not_ready(daemon: Daemon) -> None:
    daemon._stopping.set()

    assert await daemon._reasons() == {"daemon": "it is shutting down"}

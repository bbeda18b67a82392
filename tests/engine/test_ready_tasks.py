"""The tasks of webhooks, looked up one after the other."""

import asyncio

from connector.daemon.index_loops import IndexLoops
from connector.daemon.ready_tasks import ReadyTasks
from connector.daemon.schedule import Schedule
from connector.domain.source_model import IndexingTask
from connector.settings.connector_settings import given_only
from tests.fakes.source import FakeSource


class SlowSource(FakeSource):
    """Answers no look-up before `ready` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.ready, self.first, self.last, self.asked = asyncio.Event(), asyncio.Event(), asyncio.Event(), 0

    async def task(self, task_id: str) -> IndexingTask | None:
        self.asked += 1
        (self.last if task_id == "last" else self.first).set()
        await self.ready.wait()
        return None


async def test_tasks_that_wait_for_a_slow_look_up_use_a_bounded_amount_of_memory() -> None:
    source = SlowSource()
    tasks = ReadyTasks(
        source, IndexLoops(given_only(twelvelabs_api_key="key", connector_indexes=("index-a",)), Schedule())
    )
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tasks.run())
        tasks.add("first")
        await source.first.wait()
        for number in range(5500):
            tasks.add(f"task-{number}")
        source.ready.set()
        tasks.add("last")
        await source.last.wait()
        running.cancel()

    assert source.asked <= 1001, "a poll of all indexes replaces those that were too many"

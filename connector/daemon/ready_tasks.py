"""Looks up the tasks that webhooks named, and lets the loops of their indexes retrieve the assets."""

import asyncio
from collections.abc import Awaitable, Callable

from connector.daemon.index_loops import IndexLoops
from connector.domain.errors import ConnectorError
from connector.domain.priority import WAITS_AS, Priority
from connector.domain.source_model import IndexingTask
from connector.ports import Source

_MOST_WAITING = 1000

Tell = Callable[[str | None, str | None], Awaitable[None]]
"""Of which index, and which asset is ready; None: unknown."""


class ReadyTasks:
    """A webhook names only a task; the source tells its index and its asset. If it does not, poll instead."""

    def __init__(self, source: Source, loops: IndexLoops, tell: Tell | None = None) -> None:
        """`tell` hands on what may concern the loops of other replicas."""
        self._source, self._loops, self._tell = source, loops, tell
        self._added, self._task_ids = asyncio.Event(), list[str | None]()

    def add(self, task_id: str | None) -> None:
        """Look this task up soon; None polls all indexes, as do too many tasks while a look-up takes long."""
        if len(self._task_ids) >= _MOST_WAITING:
            self._task_ids, task_id = [], None
        self._task_ids.append(task_id)
        self._added.set()

    async def run(self) -> None:
        WAITS_AS.set(Priority.FRESH)
        while True:
            await self._added.wait()
            self._added.clear()
            task_ids, self._task_ids = list(dict.fromkeys(self._task_ids)), []
            for task_id in task_ids:
                task = await self._look_up(task_id)
                loop = self._loops.get((task and task.index_id) or "")
                if loop and task and task.indexed_asset_id:
                    loop.poke_ready(task.indexed_asset_id)
                elif self._tell and loop is None:
                    await self._hand_on(task, self._tell)
                else:
                    for woken in [loop] if loop else self._loops.all():
                        woken.poke_poll()

    async def _hand_on(self, task: IndexingTask | None, tell: Tell) -> None:
        index_id = task.index_id if task else None
        await tell(index_id, task.indexed_asset_id if task and index_id else None)
        if index_id is None:
            for loop in self._loops.all():
                loop.poke_poll()

    async def _look_up(self, task_id: str | None) -> IndexingTask | None:
        try:
            return await self._source.task(task_id) if task_id else None
        except ConnectorError:
            return None

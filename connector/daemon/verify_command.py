"""Carries out `verify` in the daemon, one index after the other, and tells its progress."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from connector.app import App
from connector.daemon.index_loop import IndexLoop
from connector.domain.index_settings import IndexSettings
from connector.domain.report import CycleReport
from connector.engine.passes import Pass
from connector.engine.uncovered import uncovered
from connector.engine.verifier import Verification, Verifier

_REPORT_SEC = 0.5

Tell = Callable[[Mapping[str, Any]], Awaitable[None]]


Keep = Callable[[IndexSettings], IndexLoop]


async def verify(app: App, keep: Keep, arguments: Mapping[str, Any], tell: Tell) -> dict[str, Any]:
    """`keep` gives the loop of an index. `tell` stores the progress: (done, planned), and the unit of points, by index.

    Raises ConfigError.
    """
    indexes = await app.indexes(arguments["indexes"])
    progress: dict[str, list[Any]] = {index.index_id: [None, None] for index in indexes}
    passes: dict[str, Pass] = {}

    def read(index_id: str, done: int, total: int) -> None:
        progress[index_id] = [done, total, "points"]

    async def run(it: Pass) -> CycleReport:
        passes[it.settings.index_id] = it
        return await keep(it.settings).carry_out(it)

    verifier = Verifier(app.source, app.sink, app.ledger, app.engine, time.time, run=run, progress=read)
    found = list[Verification]()

    async def tell_all() -> None:
        await tell(progress | {name: [len(it.results), it.planned] for name, it in passes.items()})

    async with asyncio.TaskGroup() as group:
        for index in indexes:
            task = group.create_task(
                verifier.verify(index, deep=bool(arguments["deep"]), repair=bool(arguments["repair"]))
            )
            while not task.done():
                await tell_all()
                await asyncio.wait([task], timeout=_REPORT_SEC)
            found.append(task.result())
            await tell_all()
    if not arguments["indexes"] and all(it.is_complete for it in found):
        found += await uncovered(app.sink, app.ledger, progress)
    return {"indexes": [it.document() for it in found]}


async def joined(app: App, arguments: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The result of a verification whose indexes were verified by several replicas."""
    documents = [document for part in parts for document in part["indexes"]]
    if not arguments["indexes"] and not any(it["error"] or it["interrupted"] for it in documents):
        known = [it["index_id"] for it in documents]
        documents += [it.document() for it in await uncovered(app.sink, app.ledger, known)]
    return {"indexes": documents}

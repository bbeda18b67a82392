"""The daemon's side of orders: takes them one after the other, carries them out, says how far it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any

import structlog

from connector import operations
from connector.app import App
from connector.errors import ConnectorError
from connector.index_loop import IndexLoop
from connector.orders import Order, OrderBook, OrderState

_LOOK_SEC, _REPORT_SEC = 0.3, 0.5

log = structlog.get_logger(__name__)


class Executor:
    """`loops` are the daemon's, by index id."""

    def __init__(self, app: App, book: OrderBook, loops: Mapping[str, IndexLoop]) -> None:
        self._app, self._book, self._loops = app, book, loops
        self._kinds: dict[str, Callable[[Order], Awaitable[dict[str, Any]]]] = {
            "sync": self._sync,
            "quarantine retry": self._retry,
            "quarantine drop": self._drop,
            "forget": self._forget,
        }

    async def run(self) -> None:
        while True:
            try:
                order = await self._book.take()
                if order:
                    await self._carry_out(order)
                    continue
            except ConnectorError as error:
                log.warning("order.trouble", reason=str(error))
            await asyncio.sleep(_LOOK_SEC)

    async def _carry_out(self, order: Order) -> None:
        log.info("order.taken", order=order.kind, arguments=dict(order.arguments))
        try:
            result = await self._kinds[order.kind](order)
            await self._book.finish(order.order_id, OrderState.DONE, result)
        except ConnectorError as error:
            refusal = {"code": error.code, "message": str(error)}
            await self._book.finish(order.order_id, OrderState.REFUSED, refusal)

    async def _sync(self, order: Order) -> dict[str, Any]:
        wanted = [index.index_id for index in await self._app.indexes(order.arguments["indexes"])]
        loops = [self._loops[index_id] for index_id in wanted if index_id in self._loops]
        async with asyncio.TaskGroup() as group:
            cycles = [
                group.create_task(loop.full_cycle(allow_deletes=order.arguments["allow_deletes"])) for loop in loops
            ]
            while any(not cycle.done() for cycle in cycles):
                await self._book.progress(
                    order.order_id, {loop.settings.index_id: [loop.live.done, loop.live.planned] for loop in loops}
                )
                await asyncio.wait(cycles, timeout=_REPORT_SEC)
        return {"reports": [asdict(cycle.result()) for cycle in cycles]}

    async def _retry(self, order: Order) -> dict[str, Any]:
        index_id = order.arguments["index_id"]
        names = await operations.retry(self._app.ledger, index_id, order.arguments["assets"])
        if index_id in self._loops:
            self._loops[index_id].poke_full()
        return {"assets": names}

    async def _drop(self, order: Order) -> dict[str, Any]:
        index_id, assets = order.arguments["index_id"], order.arguments["assets"]
        async with self._quiet(index_id):
            return {"assets": await operations.drop(self._app.sink, self._app.ledger, index_id, assets)}

    async def _forget(self, order: Order) -> dict[str, Any]:
        index_id = order.arguments["index_id"]
        async with self._quiet(index_id):
            self._app.engine.unlearn(index_id)
            return dict(await operations.forget(self._app.sink, self._app.ledger, index_id, time.time()))

    def _quiet(self, index_id: str) -> asyncio.Lock:
        """While it is held, no cycle of the index runs."""
        loop = self._loops.get(index_id)
        return loop.busy if loop else asyncio.Lock()

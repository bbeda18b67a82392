"""Giving an order to the daemon that owns the ledger, and following it to its end."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from connector.errors import CycleError, LedgerUnavailable
from connector.orders import ENDED, OrderBook, OrderState
from connector.ownership import owner
from connector.settings import Settings

_LOOK_SEC = 0.3


class OrderRefused(CycleError):
    """The daemon could not carry it out; the message is its own."""

    code = "order_refused"

    def __init__(self, code: str, message: str) -> None:
        super().__init__("order", "", message)
        self.refusal = code

    def __str__(self) -> str:
        return self.cause


def daemon_runs(settings: Settings) -> bool:
    return owner(settings.lock_path) == "run"


async def follow(
    settings: Settings,
    kind: str,
    arguments: Mapping[str, Any],
    progress: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Mapping[str, Any]:
    """The order's result. Raises OrderRefused, or LedgerUnavailable when the daemon ends before the order does."""
    async with OrderBook(settings.ledger_path) as book:
        order_id = await book.place(kind, arguments)
        while True:
            order = await book.look(order_id)
            progress(order.progress)
            if order.state in ENDED:
                break
            if not daemon_runs(settings):
                await book.abandon_all()
            await asyncio.sleep(_LOOK_SEC)
    if order.state is OrderState.REFUSED:
        raise OrderRefused(str(order.result.get("code")), str(order.result.get("message")))
    if order.state is OrderState.ABANDONED:
        raise LedgerUnavailable("follow order", kind, "the daemon ended before it was done", "Give it again")
    return order.result

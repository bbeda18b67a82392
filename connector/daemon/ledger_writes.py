"""Writes to the ledger without which the work goes on: a failure is told, not raised."""

from collections.abc import Awaitable
from typing import TypeVar

from connector.domain.errors import LedgerUnavailable
from connector.domain.events import LedgerWriteEnded
from connector.ports import Observer

T = TypeVar("T")


class LedgerWrites:
    def __init__(self, observe: Observer) -> None:
        self._observe = observe

    async def attempt(self, what: str, write: Awaitable[T]) -> T | None:
        """Return the result of the write; None if the ledger is unavailable. `what` names the kind of write."""
        try:
            result = await write
        except LedgerUnavailable as error:
            self._observe(LedgerWriteEnded(what, error.code, str(error)))
            return None
        self._observe(LedgerWriteEnded(what))
        return result

"""Counts the results of one index by minute, for the history in the ledger."""

from collections.abc import Callable

from connector.domain.history import MINUTE_SEC, Minute, counted
from connector.domain.report import Result
from connector.ports import CheckpointStore


class Throughput:
    """`wall` is in seconds since the epoch."""

    def __init__(self, ledger: CheckpointStore, index_id: str, wall: Callable[[], float]) -> None:
        self._ledger, self._index_id, self._wall = ledger, index_id, wall
        self._minute, self._past = Minute(0), list[Minute]()

    def count(self, result: Result) -> None:
        now = int(self._wall() // MINUTE_SEC)
        if now != self._minute.minute:
            self._past.append(self._minute)
            self._minute = Minute(now)
        self._minute = counted(self._minute, result)

    async def save(self) -> None:
        """Write what was counted since the last call. Raises LedgerUnavailable; then the next call writes it."""
        if self._minute.assets:
            self._past.append(self._minute)
            self._minute = Minute(self._minute.minute)
        while self._past:
            if self._past[0].assets:
                await self._ledger.add_minute(self._index_id, self._past[0])
            del self._past[0]

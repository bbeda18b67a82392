"""A bounded number of workers that pull changes from one iterator."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from connector.domain.report import Result

Change = TypeVar("Change")


class Workers:
    """Limits the changes in progress, over all runs. Runs share the slots fairly, first come, first served.

    `stop` ends every run after the changes in progress; `in_hand` is their number.
    """

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._idle = asyncio.Event()
        self._idle.set()
        self.stop = asyncio.Event()
        self.in_hand = 0

    async def idle(self) -> None:
        """Wait until no change is in progress."""
        await self._idle.wait()

    async def run(
        self,
        changes: Iterable[Change],
        carry_out: Callable[[Change], Awaitable[Result]],
        done: Callable[[Result], None],
    ) -> bool:
        """Carry out all changes; False if stopped early. On an exception, finish changes in progress, then raise it."""
        pending, failures, stopped = iter(changes), list[Exception](), False

        async def worker() -> None:
            nonlocal stopped
            for change in pending:
                async with self._places:
                    stopped = stopped or self.stop.is_set()
                    if stopped or failures:
                        return
                    self._take()
                    try:
                        done(await carry_out(change))
                    except Exception as error:  # noqa: BLE001  raised below: it must not cancel other changes
                        failures.append(error)
                    finally:
                        self._put_down()

        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(worker())
        if failures:
            raise failures[0]
        return not stopped

    def _take(self) -> None:
        self.in_hand += 1
        self._idle.clear()

    def _put_down(self) -> None:
        self.in_hand -= 1
        if not self.in_hand:
            self._idle.set()

"""A bounded number of workers that pull changes from one iterator."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from connector.errors import CycleError
from connector.report import Result

Change = TypeVar("Change")


class Workers:
    """`stop` ends every run after the changes in hand; `in_hand` is how many these are."""

    def __init__(self, concurrency: int) -> None:
        self._concurrency = concurrency
        self.stop = asyncio.Event()
        self.in_hand = 0

    async def run(
        self,
        changes: Iterable[Change],
        carry_out: Callable[[Change], Awaitable[Result]],
        done: Callable[[Result], None],
    ) -> bool:
        """False when stopped before the end. The first CycleError is raised after the changes in hand are done."""
        pending, failures, stopped = iter(changes), list[CycleError](), False

        async def worker() -> None:
            nonlocal stopped
            for change in pending:
                stopped = stopped or self.stop.is_set()
                if stopped or failures:
                    return
                self.in_hand += 1
                try:
                    done(await carry_out(change))
                except CycleError as error:
                    failures.append(error)
                finally:
                    self.in_hand -= 1

        async with asyncio.TaskGroup() as group:
            for _ in range(self._concurrency):
                group.create_task(worker())
        if failures:
            raise failures[0]
        return not stopped

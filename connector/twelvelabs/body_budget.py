"""Bounds the bytes of response bodies, and of vectors that are not yet written, that are in memory at the same time."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class HeldBody:
    """The bytes of one body."""

    def __init__(self, budget: "BodyBudget") -> None:
        self._budget = budget

    async def grow(self, size: int) -> None:
        """Wait until `size` more bytes fit, and hold them."""
        await self._budget.grow(self, size)


class BodyBudget:
    """What is held for the longest time never waits, so a body that is larger than `limit` is read alone."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: dict[object, int] = {}
        self._changed = asyncio.Event()

    @property
    def held(self) -> int:
        return sum(self._held.values())

    @contextmanager
    def hold(self) -> Iterator[HeldBody]:
        """Hold nothing at first; release everything at the end."""
        hold = HeldBody(self)
        try:
            yield hold
        finally:
            self._release(hold)

    @contextmanager
    def vectors(self, size: int) -> Iterator[None]:
        """Hold the bytes of vectors that are in memory already. Does not wait, so it must not wait for a body."""
        hold = object()
        if size:
            self._held[hold] = size
        try:
            yield
        finally:
            self._release(hold)

    async def grow(self, hold: HeldBody, size: int) -> None:
        while self.held + size > self._limit and next(iter(self._held), hold) is not hold:
            await self._changed.wait()
        self._held[hold] = self._held.get(hold, 0) + size

    def _release(self, hold: object) -> None:
        if self._held.pop(hold, 0):
            self._changed.set()
            self._changed = asyncio.Event()

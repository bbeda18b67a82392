"""Keeps the event loop free while an index of up to 100,000 assets is surveyed."""

import asyncio
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_BLOCKS = 1000
"""A computation over so many rows takes more than about 10 ms."""
_SLOWS_COLLECTIONS = 10_000
_NEVER = 1_000_000


async def computed(rows: int, compute: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of a pure function that goes through so many rows: of many, in a thread."""
    return await asyncio.to_thread(compute, *args, **kwargs) if rows >= _BLOCKS else compute(*args, **kwargs)


class FullCollections:
    """The full garbage collections of this process; those of young objects go on as before.

    A full collection stops the process while it looks at every object: 200 ms with the rows of 100,000 assets. Rows
    have no cycles, so it would find nothing in them.
    """

    def __init__(self) -> None:
        self._holders, self._before = 0, gc.get_threshold()

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """No full collection in this block, nor in one that overlaps it."""
        if not self._holders:
            self._before = gc.get_threshold()
            gc.set_threshold(*self._before[:2], _NEVER)
        self._holders += 1
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                gc.set_threshold(*self._before)

    def leave_out(self, rows: int) -> None:
        """Exclude all existing objects from later collections if there are that many rows among them."""
        if rows >= _SLOWS_COLLECTIONS:
            gc.freeze()

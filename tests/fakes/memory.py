"""Counts the bytes that are said to be in memory."""

from collections.abc import Iterator
from contextlib import contextmanager


class FakeMemory:
    def __init__(self) -> None:
        self.held = 0

    @contextmanager
    def hold(self, size: int) -> Iterator[None]:
        self.held += size
        try:
            yield
        finally:
            self.held -= size

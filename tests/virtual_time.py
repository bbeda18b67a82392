"""An event loop whose time jumps to the next timer: hours pass in seconds, and timings are exact."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Arguments = TypeVarTuple("Arguments")

EPOCH = 1_800_000_000.0


class _Jumping(selectors.SelectSelector):
    """Never waits for a timer: it moves the time of the loop instead."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "everything waits for something that never comes"
        self.loop.now += max(timeout, 0.0)
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs what belongs in a thread at once, which takes no time."""

    def __init__(self) -> None:
        selector = _Jumping()
        selector.loop = self
        self.now = 0.0
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Arguments], T], *args: *Arguments
    ) -> asyncio.Future[T]:
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001  raised where it is awaited
            done.set_exception(error)
        return done


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)


async def sleep(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def until(
    condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float, step: float = 0.05
) -> None:
    """Look every `step` seconds. Raises AssertionError after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert loop.time() < deadline, f"not within {within:g} seconds"
        await asyncio.sleep(step)

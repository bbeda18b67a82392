"""A clock that only `sleep` advances."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from connector.twelvelabs.retries import Clocks

EPOCH = 1_800_000_000.0


@dataclass(slots=True)
class FakeTime:
    """`chance` is the result of every random draw; `on_sleep` is called during each sleep."""

    now: float = 1000.0
    chance: float = 0.5
    sleeps: list[float] = field(default_factory=list)
    on_sleep: Callable[[], object] | None = None

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds
        if self.on_sleep:
            self.on_sleep()
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clocks:
        return Clocks(
            monotonic=lambda: self.now,
            wall=lambda: EPOCH + self.now,
            sleep=self.sleep,
            random=lambda: self.chance,
        )

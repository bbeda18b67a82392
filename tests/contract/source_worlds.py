"""The data behind a Source; tests change the fake and the simulated API in the same way."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, Protocol

from connector.domain.errors import AuthenticationFailed, RateLimited, Unavailable
from connector.ports import Source
from connector.simulator import Scenario, Scene, Simulator
from connector.twelvelabs.rate_limiter import Limiter
from connector.twelvelabs.source import TwelveLabsSource
from connector.twelvelabs.transport import ApiTransport
from tests.fakes.clock import FakeTime
from tests.fakes.source import FakeSource

WORLDS = ("fake", "simulator")
Trouble = Literal["outage", "key refused", "rate limited"]
SPOKEN = Scene(visual="a dog runs over a beach", audio="waves", speech="come here", seconds=5.0)
SILENT = Scene(visual="an empty street at night", audio="wind", seconds=5.0)


class World(Protocol):
    @property
    def source(self) -> Source: ...

    def add_index(self, model: str | None, options: tuple[str, ...] = ("visual", "audio")) -> str: ...
    def remove_index(self, index_id: str) -> None: ...
    def add(
        self,
        index_id: str,
        *,
        status: str = "ready",
        segments: int = 2,
        silent: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> str: ...
    def remove(self, index_id: str, asset_id: str) -> None: ...
    def set_status(self, index_id: str, asset_id: str, status: str) -> None: ...
    def change(self, index_id: str, asset_id: str) -> None: ...
    def migrate(self, index_id: str, model: str) -> None: ...
    def task_of(self, index_id: str, asset_id: str) -> str: ...
    def begin(self, trouble: Trouble) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.source = FakeSource()
        self._made = 0

    def add_index(self, model: str | None, options: tuple[str, ...] = ("visual", "audio")) -> str:
        self._made += 1
        return self.source.add_index(f"index{self._made}", model, options if model else ()).index_id

    def remove_index(self, index_id: str) -> None:
        self.source.remove_index(index_id)

    def add(
        self,
        index_id: str,
        *,
        status: str = "ready",
        segments: int = 2,
        silent: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        self._made += 1
        asset_id = f"asset{self._made}"
        self.source.add(index_id, asset_id, status=status, segments=segments, silent=silent, metadata=metadata)
        return asset_id

    def remove(self, index_id: str, asset_id: str) -> None:
        self.source.remove(index_id, asset_id)

    def set_status(self, index_id: str, asset_id: str, status: str) -> None:
        self.source.set_status(index_id, asset_id, status)

    def change(self, index_id: str, asset_id: str) -> None:
        self.source.change(index_id, asset_id)

    def migrate(self, index_id: str, model: str) -> None:
        self.source.migrate(index_id, model)

    def task_of(self, index_id: str, asset_id: str) -> str:
        return f"task-of-{index_id}-{asset_id}"

    def begin(self, trouble: Trouble) -> None:
        words = ("ask", "everything", trouble)
        errors = {
            "outage": lambda: Unavailable(*words, side="source"),
            "key refused": lambda: AuthenticationFailed(*words),
            "rate limited": lambda: RateLimited(*words, side="source", retry_after=7200.0),
        }
        self.source.fail_next(1000, errors[trouble])


class SimulatedWorld:
    """`control` and `time` are for tests that only the API can run."""

    def __init__(self, simulator: Simulator, source: TwelveLabsSource, time: FakeTime) -> None:
        self.control = simulator.control
        self.source = source
        self.time = time
        self._made = 0

    def add_index(self, model: str | None, options: tuple[str, ...] = ("visual", "audio")) -> str:
        self._made += 1
        self.control.advance(1)
        return self.control.add_index(f"name {self._made}", model or "pegasus1.2", options)

    def remove_index(self, index_id: str) -> None:
        self.control.delete_index(index_id)

    def add(
        self,
        index_id: str,
        *,
        status: str = "ready",
        segments: int = 2,
        silent: bool = False,
        metadata: Mapping[str, Any] | None = None,
    ) -> str:
        self._made += 1
        self.control.advance(1)
        scenes: list[str | Scene] = [SILENT if silent else SPOKEN] * segments
        return self.control.add_asset(
            index_id, f"{self._made}.mp4", captions=scenes, status=status, metadata=dict(metadata or {})
        )

    def remove(self, index_id: str, asset_id: str) -> None:
        self.control.delete_asset(index_id, asset_id)

    def set_status(self, index_id: str, asset_id: str, status: str) -> None:
        self.control.set_status(index_id, asset_id, status)

    def change(self, index_id: str, asset_id: str) -> None:
        self.control.advance(1)
        self.control.update_asset(index_id, asset_id, captions=["something else entirely"] * 3)

    def migrate(self, index_id: str, model: str) -> None:
        self.control.migrate(index_id, model)

    def task_of(self, index_id: str, asset_id: str) -> str:
        return self.control.task_id(index_id, asset_id)

    def begin(self, trouble: Trouble) -> None:
        status = {"outage": 503, "key refused": 401, "rate limited": 429}[trouble]
        self.control.inject("**", status=status, headers={"retry-after": "7200"} if status == 429 else {})


@asynccontextmanager
async def simulated(scenario: Scenario | None = None) -> AsyncIterator[SimulatedWorld]:
    time = FakeTime()
    async with Simulator(scenario or Scenario()) as simulator:
        transport = ApiTransport(simulator.base_url, "tlk_test", Limiter(clock=time.clock), clock=time.clock)
        source = TwelveLabsSource(transport)
        try:
            yield SimulatedWorld(simulator, source, time)
        finally:
            await source.close()


@asynccontextmanager
async def world_of(kind: str) -> AsyncIterator[World]:
    """Every implementation of the Source port by name: one of WORLDS."""
    if kind == "fake":
        yield FakeWorld()
    else:
        async with simulated() as world:
            yield world

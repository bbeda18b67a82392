"""Readiness of source, sink and ledger. Never uses a probe result older than five seconds, unless the caller may."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from connector.domain.errors import ConnectorError

FRESH_SEC = 4.0
_PATIENCE_SEC = 4.5


@dataclass(slots=True)
class Readiness:
    """Runs all `probes` concurrently when any result is no longer fresh; `clock` is monotonic.

    A probe that takes longer than `patience` seconds counts as failed.
    """

    probes: Mapping[str, Callable[[], Awaitable[object]]]
    clock: Callable[[], float]
    patience: float = _PATIENCE_SEC
    _seen: dict[str, tuple[float, str | None]] = field(default_factory=dict)
    _answered: dict[str, float] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reasons(self, ages: Mapping[str, float] = MappingProxyType({})) -> dict[str, str]:
        """Probe name -> why it cannot be used; empty if ready.

        `ages`: probes of which a success may be this old, in seconds, for a caller that asks often. Who asks while
        probes run gets their results.
        """
        asked = self.clock()
        async with self._asking:
            due = [name for name in self.probes if name not in ages or not self._is_fresh(name, ages[name])]
            # Probe concurrently so that no result goes stale.
            if not all(self._is_fresh(name) or self._answered.get(name, -math.inf) >= asked for name in due):
                async with asyncio.TaskGroup() as group:
                    for name in due:
                        group.create_task(self._ask(name))
        return {name: reason for name, (_, reason) in self._seen.items() if reason}

    def _is_fresh(self, name: str, age: float = FRESH_SEC) -> bool:
        asked, reason = self._seen.get(name, (-math.inf, None))
        return self.clock() - asked <= (FRESH_SEC if reason else age)

    async def _ask(self, name: str) -> None:
        asked, reason = self.clock(), None
        try:
            async with asyncio.timeout(self.patience):
                await self.probes[name]()
        except ConnectorError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"no response within {self.patience:g} seconds"
        self._seen[name], self._answered[name] = (asked, reason), self.clock()

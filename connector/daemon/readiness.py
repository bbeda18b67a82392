"""Readiness of source, sink and ledger. Never uses a probe result older than five seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

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
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reasons(self) -> dict[str, str]:
        """Probe name -> why it cannot be used; empty if ready."""
        async with self._asking:
            # Probe concurrently so that no result goes stale.
            if not all(self._is_fresh(name) for name in self.probes):
                async with asyncio.TaskGroup() as group:
                    for name in self.probes:
                        group.create_task(self._ask(name))
        return {name: reason for name, (_, reason) in self._seen.items() if reason}

    def _is_fresh(self, name: str) -> bool:
        return name in self._seen and self.clock() - self._seen[name][0] <= FRESH_SEC

    async def _ask(self, name: str) -> None:
        asked, reason = self.clock(), None
        try:
            async with asyncio.timeout(self.patience):
                await self.probes[name]()
        except ConnectorError as error:
            reason = str(error)
        except TimeoutError:
            reason = f"no response within {self.patience:g} seconds"
        self._seen[name] = (asked, reason)

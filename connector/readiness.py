"""Whether source, sink and ledger can be used now. No answer rests on an observation older than five seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from connector.errors import ConnectorError

FRESH_SEC = 4.0


@dataclass(slots=True)
class Readiness:
    """`probes` are asked when their last answer is no longer fresh; `clock` is monotonic."""

    probes: Mapping[str, Callable[[], Awaitable[object]]]
    clock: Callable[[], float]
    _seen: dict[str, tuple[float, str | None]] = field(default_factory=dict)
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reasons(self) -> dict[str, str]:
        """Why not, by what cannot be used; empty when ready."""
        async with self._asking:
            now = self.clock()
            stale = [name for name in self.probes if name not in self._seen or now - self._seen[name][0] > FRESH_SEC]
            async with asyncio.TaskGroup() as group:
                for name in stale:
                    group.create_task(self._ask(name))
        return {name: reason for name, (_, reason) in self._seen.items() if reason}

    async def _ask(self, name: str) -> None:
        asked = self.clock()
        try:
            await self.probes[name]()
            reason = None
        except ConnectorError as error:
            reason = str(error)
        self._seen[name] = (asked, reason)

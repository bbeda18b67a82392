"""What the pages know of the daemon. They only read."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connector.domain.index_settings import IndexSettings
from connector.ports import CheckpointStore


@dataclass(frozen=True, slots=True)
class StatusSite:
    """`live` is what `daemon` of `/api/status` says; `reasons` returns why the daemon cannot work now."""

    ledger: CheckpointStore
    clock: Callable[[], float]
    """The wall clock, in seconds since the epoch."""
    live: Callable[[], Mapping[str, Any]]
    reasons: Callable[[], Awaitable[Mapping[str, str]]]
    settings_of: Callable[[str], IndexSettings]
    """Index id -> its settings."""
    stopping: asyncio.Event
    """Set when the daemon begins to drain."""

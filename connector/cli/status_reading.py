"""Reads what `connector status` shows: the ledger, the heartbeat of the daemon, and why the daemon is not ready."""

import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from connector.cli.daemon_http import reasons
from connector.domain.ledger_place import LedgerPlace
from connector.domain.page import Page
from connector.ledger.database import BUSY_TIMEOUT_SEC
from connector.ledger.index_states import index_states
from connector.ledger.ledger_opening import open_heartbeat, open_store, owner_of
from connector.settings.connector_settings import Settings

_SHORT_ANSWER_SEC = 0.3
"""A daemon that is well responds within this time; a later answer is shown later."""


async def read_status(settings: Settings, page: Page, *, busy_sec: float = BUSY_TIMEOUT_SEC) -> dict[str, Any]:
    """The document of `status --json`; its daemon, if there is one, without `not_ready`.

    `busy_sec`: how long to wait for a locked ledger. Raises LedgerUnavailable.
    """
    place = settings.ledger
    async with (
        open_store(place, read_only=True, busy_sec=busy_sec) as ledger,
        open_heartbeat(place, read_only=True, busy_sec=busy_sec) as heartbeat,
    ):
        daemon = await heartbeat.read() if await owner_of(place) == "run" else None
        live = daemon["indexes"] if daemon else {}
        attempts, grace = settings.connector_max_attempts, settings.connector_delete_grace
        indexes = await index_states(ledger, attempts, time.time(), live, grace=grace, page=page)
    return {"ledger": str(place), "daemon": daemon, "indexes": indexes}


def is_asked(daemon: Mapping[str, Any]) -> bool:
    """True if its listener is asked for more. It is not asked about several replicas: the ledger has what they say."""
    replicas = daemon.get("cluster", {}).get("replicas", ())
    return not replicas or [it["host"] for it in replicas] == [socket.gethostname()]


def mark_of(place: LedgerPlace) -> tuple[int, ...] | None:
    """Differs after each change of a ledger that no process has open. None if one has, or if there is no file."""
    path = place.file
    if place.url is not None:
        return None
    try:
        facts = path.stat()
    except OSError:
        return None
    if path.with_name(f"{path.name}-wal").exists():
        return None
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


class ReadinessPoll:
    """Asks a daemon again and again why it is not ready. Nothing waits for a daemon that does not respond."""

    def __init__(self, ask: Callable[[], dict[str, str]]) -> None:
        self._ask = ask
        self._pid: int | None = None
        self._thread: threading.Thread | None = None
        self._latest: Mapping[str, str] = {}

    @classmethod
    def of(cls, settings: Settings, timeout_sec: float) -> "ReadinessPoll":
        return cls(lambda: reasons(settings, timeout_sec))

    def latest(self, pid: int) -> Mapping[str, str]:
        """The last answer of the daemon with this process id; empty before the first one. Asks for the next one."""
        if pid != self._pid:
            self._pid, self._latest, self._thread = pid, {}, None
        if self._thread is None or not self._thread.is_alive():
            # A daemon thread: the end of the command must not wait for the answer.
            self._thread = threading.Thread(target=self._remember, args=(pid,), daemon=True)
            self._thread.start()
            self._thread.join(_SHORT_ANSWER_SEC)
        return self._latest

    def _remember(self, pid: int) -> None:
        answer = self._ask()
        if pid == self._pid:
            self._latest = answer

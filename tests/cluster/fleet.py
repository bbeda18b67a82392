"""Several daemons on one PostgreSQL ledger: the real processes, to kill, stop and restart."""

import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.command import Command
from tests.e2e.daemon import Running, running

PACE = {
    "CONNECTOR_POLL_INTERVAL": "1s",
    "CONNECTOR_RECONCILE_INTERVAL": "4s",
    "CONNECTOR_DRAIN_TIMEOUT": "5s",
    "CONNECTOR_LOG_FORMAT": "json",
    "CONNECTOR_LOG_LEVEL": "info",
}


@dataclass(slots=True)
class Fleet:
    """`daemons` are those that were started and not killed or stopped. `module` is their program."""

    connector: Command
    ledger_url: str
    settings: dict[str, str]
    module: str = "connector"
    daemons: list[Running] = field(default_factory=list)
    _stack: ExitStack = field(default_factory=ExitStack)

    def start(self, count: int = 1, **settings: str) -> list[Running]:
        given = {"CONNECTOR_LEDGER_URL": self.ledger_url, **PACE, **self.settings, **settings}
        program = replace(self.connector, module=self.module)
        started = [self._stack.enter_context(running(program, wait=False, pace=given)) for _ in range(count)]
        self.daemons += started
        return started

    def kill(self, daemon: Running) -> None:
        daemon.process.kill()
        daemon.process.wait()
        self.daemons.remove(daemon)

    def pause(self, daemon: Running) -> None:
        daemon.process.send_signal(signal.SIGSTOP)

    def resume(self, daemon: Running) -> None:
        daemon.process.send_signal(signal.SIGCONT)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """All of them, for much less than a lease."""
        for daemon in self.daemons:
            self.pause(daemon)
        try:
            yield
        finally:
            for daemon in self.daemons:
                self.resume(daemon)

    def cluster(self) -> dict[str, Any]:
        """What `status` shows of all replicas; empty if there is none."""
        ended = self.connector.run("status", "--json", CONNECTOR_LEDGER_URL=self.ledger_url)
        assert ended.code == 0, ended.stderr
        daemon = ended.json["daemon"] or {}
        found: dict[str, Any] = daemon.get("cluster", {})
        return found

    def run(self, *arguments: str) -> Any:
        return self.connector.run(*arguments, CONNECTOR_LEDGER_URL=self.ledger_url, **self.settings)


@contextmanager
def fleet_of(connector: Command, ledger_url: str, **settings: str) -> Iterator[Fleet]:
    """Killed at the end."""
    fleet = Fleet(connector, ledger_url, settings)
    with fleet._stack:
        yield fleet

"""Warns when searchers read another collection through an alias than this daemon writes, as after a switch."""

import asyncio

import structlog

from connector.domain.errors import ConfigError, ConnectorError
from connector.ports import Sink
from connector.reindex.alias_check import check_alias, current_jobs
from connector.settings.connector_settings import Settings

LOOK_SEC = 30.0

log = structlog.get_logger(__name__)


class AliasWatch:
    """Sends nothing unless there is a reindex in the data directory. An outage is left to the readiness probes."""

    def __init__(self, sink: Sink, settings: Settings) -> None:
        self._sink, self._settings = sink, settings
        self._told: dict[str, str] = {}

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_SEC)

    async def look(self) -> None:
        """Tell each change once."""
        try:
            for job in current_jobs(self._settings):
                try:
                    await check_alias(job, self._settings, self._sink)
                    self._told.pop(job.alias, None)
                except ConfigError as error:
                    if self._told.get(job.alias) != error.cause:
                        self._told[job.alias] = error.cause
                        log.warning("alias.elsewhere", alias=job.alias, reason=error.cause, next_step=error.advice)
        except ConnectorError:
            return

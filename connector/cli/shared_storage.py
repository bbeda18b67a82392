"""What a reindex shares with a running daemon: the quota of requests, and embedded storage."""

from collections.abc import Mapping

from connector.cli.follow import daemon_runs
from connector.domain.errors import ConfigError
from connector.domain.reindex_job import RATE
from connector.settings.connector_settings import Settings


async def share_quota(settings: Settings, target: Settings, changes: Mapping[str, str]) -> Settings:
    """The target with half of the configured rate if a daemon of the present settings runs.

    A rate that the reindex sets itself is taken as it is.
    """
    rate = target.connector_requests_per_minute
    if rate is None or RATE in changes or not await daemon_runs(settings):
        return target
    return target.model_copy(update={RATE.lower(): max(1, rate // 2)})


async def refuse_shared_storage(settings: Settings, alias: str) -> None:
    """One process at a time can open embedded storage. Raises ConfigError while the daemon has it open."""
    if settings.qdrant_url == "embedded" and await daemon_runs(settings):
        advice = "Stop the daemon until the alias has moved, or run a Qdrant server and set QDRANT_URL to it"
        raise ConfigError("reindex", alias, "the running daemon uses the embedded storage", advice)

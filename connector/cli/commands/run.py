"""`connector run`: the daemon."""

from connector.cli.output import Exit
from connector.daemon.process import run_daemon
from connector.domain.errors import ConfigError
from connector.settings.connector_settings import Settings


async def run(settings: Settings) -> Exit:
    """Raises ConfigError, before anything starts, if QDRANT_URL is not set."""
    if "qdrant_url" not in settings.model_fields_set:
        advice = "Set it to your server's address, or to `embedded` to try the daemon out"
        raise ConfigError("run", "", "QDRANT_URL is not set", advice)
    await run_daemon(settings)
    return Exit.DONE

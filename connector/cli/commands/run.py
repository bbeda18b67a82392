"""`connector run`: the daemon."""

from functools import partial
from pathlib import Path

from connector.cli.output import Exit
from connector.daemon.process import run_daemon
from connector.domain.errors import ConfigError
from connector.settings.connector_settings import Settings
from connector.settings.restart import restart_changes


async def run(settings: Settings, config: Path | None = None) -> Exit:
    """`config` is the settings file of the command line.

    Raises ConfigError, before anything starts, if QDRANT_URL is not set.
    """
    if "qdrant_url" not in settings.model_fields_set:
        advice = "Set it to your server's address, or to `embedded` to try the daemon out"
        raise ConfigError("run", "", "QDRANT_URL is not set", advice)
    await run_daemon(settings, restart_changes=partial(restart_changes, settings, config))
    return Exit.DONE

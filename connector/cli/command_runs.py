"""How a command reads its settings, and how its coroutine runs."""

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from connector.cli.output import Exit
from connector.daemon.early_signals import raise_keyboard_interrupt

if TYPE_CHECKING:
    from connector.settings.connector_settings import Settings


def read_settings(config: Path | None, *, needs_account: bool = True) -> "Settings":
    """Also sets up logging. Raises ConfigError."""
    import structlog  # noqa: PLC0415  slow

    from connector.settings.loading import load  # noqa: PLC0415  slow
    from connector.telemetry import logs  # noqa: PLC0415  slow

    logs.set_up()
    settings, warnings = load(config, needs_account=needs_account)
    logs.set_up(settings.connector_log_level, settings.connector_log_format)
    for warning in warnings:
        structlog.get_logger(__name__).warning("settings.unknown", what=warning)
    return settings


def run_command(work: Coroutine[Any, Any, Exit]) -> None:
    """Raises Exit with its exit code."""
    import asyncio  # noqa: PLC0415  slow
    import gc  # noqa: PLC0415

    from connector.telemetry import logs  # noqa: PLC0415  slow

    logs.set_up_once()
    gc.freeze()  # no later collection visits what was imported
    gc.enable()
    raise_keyboard_interrupt()
    raise typer.Exit(asyncio.run(work))

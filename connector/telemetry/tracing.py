"""Traces of assets for OpenTelemetry: off unless its standard variables name a collector."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from connector.domain.events import Event
from connector.ports import Observer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

log = structlog.get_logger(__name__)


def is_wanted(variables: Mapping[str, str]) -> bool:
    """True if the variables name a collector, and do not switch traces off."""
    if variables.get("OTEL_SDK_DISABLED", "").lower() == "true" or variables.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(name in variables for name in _ENDPOINTS)


@asynccontextmanager
async def tracing(variables: Mapping[str, str]) -> AsyncIterator[Observer]:
    """An observer that makes traces; it does nothing if none are wanted or possible."""
    if not is_wanted(variables):
        yield _ignore
        return
    try:
        from connector.telemetry.asset_spans import AssetSpans  # noqa: PLC0415  an optional extra
        from connector.telemetry.otlp import SpanSender  # noqa: PLC0415  the same

        sender = SpanSender(variables)
    except ImportError:
        advice = "Install the extra tracing, or unset OTEL_EXPORTER_OTLP_ENDPOINT"
        log.warning("tracing.not_installed", reason="OpenTelemetry's packages are missing", next_step=advice)
        yield _ignore
        return
    except Exception as error:  # noqa: BLE001  a mistake in the variables of a library must not stop the sync
        advice = "Correct the variables that begin with OTEL_"
        log.warning("tracing.not_started", reason=type(error).__name__, next_step=advice)
        yield _ignore
        return
    try:
        yield AssetSpans(sender.tracer)
    finally:
        await asyncio.to_thread(sender.close)


def _ignore(_: Event, /) -> None:
    pass

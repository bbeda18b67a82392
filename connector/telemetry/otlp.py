"""Sends spans over OTLP/HTTP from a thread of its own. Needs the extra `tracing`; only `tracing` imports it."""

import logging
import threading
from collections.abc import Mapping, Sequence

import structlog
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Tracer

from connector import __version__

_NAME = "twelvelabs-qdrant-connector"
_CLOSE_SEC = 5.0
_CHECK = "Check OTEL_EXPORTER_OTLP_ENDPOINT and the collector; the sync itself is not affected"

log = structlog.get_logger(__name__)


class _Announcing(SpanExporter):
    """Says once that exports fail, and once that they succeed again."""

    def __init__(self, inner: SpanExporter) -> None:
        self._inner, self._is_failing = inner, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._inner.export(spans)
        failed = result is not SpanExportResult.SUCCESS
        if failed and not self._is_failing:
            log.warning("tracing.failed", reason="the collector does not accept spans", next_step=_CHECK)
        elif self._is_failing and not failed:
            log.warning("tracing.recovered")
        self._is_failing = failed
        return result

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._inner.force_flush(timeout_millis)


class SpanSender:
    """Spans wait in a bounded queue: if the collector is slow or down, they are dropped, and nothing waits for it."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        """`variables` are those of OpenTelemetry, which configure its SDK. May raise what the SDK raises for them."""
        # Its records would repeat for each batch, and could quote the headers.
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
        named = "OTEL_SERVICE_NAME" in variables or "service.name=" in variables.get("OTEL_RESOURCE_ATTRIBUTES", "")
        facts = {SERVICE_VERSION: __version__} | ({} if named else {SERVICE_NAME: _NAME})
        self._provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(_Announcing(OTLPSpanExporter())))

    @property
    def tracer(self) -> Tracer:
        return self._provider.get_tracer(_NAME, __version__)

    def close(self) -> None:
        """Send what is left, for a few seconds at most. Blocks."""
        closing = threading.Thread(target=self._provider.shutdown, name="close-tracing", daemon=True)
        closing.start()
        closing.join(_CLOSE_SEC)

"""Counts events for Prometheus; docs/metrics.md describes each metric. Labels have few values, and index ids."""

import platform
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)

from connector import __version__
from connector.domain.errors import ConnectorError
from connector.domain.events import (
    ChangeFinished,
    CycleBegan,
    CycleEnded,
    Event,
    EventLoopLate,
    LedgerWriteEnded,
    PointsDeleted,
    RequestEnded,
    RequestRetried,
    SinkRequestEnded,
    TurnWaited,
)
from connector.domain.report import Outcome
from connector.telemetry.metric_labels import (
    COMPOSED,
    kind_label,
    sink_operation,
    source_operation,
    status_label,
)

NOTICED_WAIT_SEC = 0.001
"""A turn that was free at once takes microseconds, which is no wait."""
CYCLE_RESULTS = ("success", "error", "interrupted")
_LAG_SEC = (1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 10_800, 43_200, 86_400)
_REQUEST_SEC = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_CYCLE_SEC = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400, 86_400)
_DOWN = frozenset({"unavailable", "authentication_failed", "source_unavailable"})


class Metrics:
    """The observer that counts, in a registry of its own.

    `is_source_failing`: the last request to the source failed, and not for a reason of one asset.
    """

    def __init__(self) -> None:
        # They would double the number of series, and no rule of ours uses them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.is_source_failing = False
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._make_counters()
        self._make_request_metrics()
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            CycleBegan: self._cycle_began,
            ChangeFinished: self._change_finished,
            CycleEnded: self._cycle_ended,
            PointsDeleted: lambda it: self._deleted.labels(it.index_id).inc(it.count),
            RequestEnded: self._request_ended,
            RequestRetried: lambda it: self._retries.labels("source", source_operation(it.operation)).inc(),
            SinkRequestEnded: self._sink_request_ended,
            TurnWaited: self._turn_waited,
            LedgerWriteEnded: self._ledger_write_ended,
            EventLoopLate: lambda it: self._late.inc(it.late_sec),
        }

    def __call__(self, event: Event, /) -> None:
        handle = self._handlers.get(type(event))
        if handle:
            handle(event)

    def follow(self, index_id: str) -> None:
        """Start the counters of this index at 0, so that a first increase is seen as one."""
        self._written.labels(index_id)
        self._deleted.labels(index_id)
        self._lag.labels(index_id)
        for outcome in Outcome:
            self._changes.labels(index_id, outcome.value)

    def _make_counters(self) -> None:
        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(name, help_text, labels, registry=self.registry)

        self._changes = counter("connector_changes", "Changes of assets that ended, by outcome.", "index_id", "outcome")
        self._asset_errors = counter(
            "connector_asset_errors", "Changes that failed or were deferred, by error code.", "index_id", "code"
        )
        self._written = counter(
            "connector_points_written", "Points upserted or patched, as acknowledged by Qdrant.", "index_id"
        )
        self._deleted = counter("connector_points_deleted", "Points deleted, as acknowledged by Qdrant.", "index_id")
        self._lag = Histogram(
            "connector_lag_seconds",
            "Time from ready at TwelveLabs to acknowledged by Qdrant, of assets that became ready since the start.",
            ["index_id"],
            buckets=_LAG_SEC,
            registry=self.registry,
        )
        self._cycles = counter("connector_cycles", "Cycles and polls that ended.", "index_id", "kind", "result")
        self._cycle_errors = counter(
            "connector_cycle_errors", "Cycles and polls that ended with an error.", "index_id", "code"
        )
        self._cycle_sec = Histogram(
            "connector_cycle_duration_seconds",
            "Duration of cycles and polls, with the changes that they waited for.",
            ["kind"],
            buckets=_CYCLE_SEC,
            registry=self.registry,
        )
        self._late = counter(
            "connector_event_loop_late_seconds", "Time by which the event loop was late: something blocked it."
        )
        Info("connector_build", "The release that runs.", registry=self.registry).info(
            {"version": __version__, "python_version": platform.python_version()}
        )

    def _make_request_metrics(self) -> None:
        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(name, help_text, labels, registry=self.registry)

        def histogram(name: str, help_text: str) -> Histogram:
            return Histogram(name, help_text, ["operation"], buckets=_REQUEST_SEC, registry=self.registry)

        self._source = counter("connector_source_requests", "Requests to TwelveLabs.", "operation", "status")
        self._source_sec = histogram(
            "connector_source_request_duration_seconds",
            "Duration of requests to TwelveLabs, without waits before them.",
        )
        self._bytes = counter(
            "connector_source_response_bytes", "Complete bodies of TwelveLabs' responses, decompressed.", "operation"
        )
        self._sink = counter(
            "connector_sink_requests",
            "Requests to Qdrant; status is ok, missing or an error code.",
            "operation",
            "status",
        )
        self._sink_sec = histogram("connector_sink_request_duration_seconds", "Duration of requests to Qdrant.")
        self._errors = counter("connector_request_errors", "Failed requests, by error code.", "side", "code")
        for side in ("source", "sink"):
            for code in sorted(error_codes()):
                self._errors.labels(side, code)
        self._retries = counter("connector_request_retries", "Repeated requests.", "side", "operation")
        self._waits = counter("connector_rate_limit_waits", "Requests that waited for the rate limit.")
        self._waited = counter("connector_rate_limit_wait_seconds", "Time that requests waited for the rate limit.")
        self._ledger = counter("connector_ledger_writes", "Writes of the daemon's own state to the ledger.", "kind")
        self._ledger_errors = counter("connector_ledger_write_errors", "Those that failed.", "kind")

    def _cycle_began(self, event: CycleBegan) -> None:
        self.follow(event.index_id)
        for result in CYCLE_RESULTS:
            self._cycles.labels(event.index_id, kind_label(event.kind), result)

    def _change_finished(self, event: ChangeFinished) -> None:
        result, index_id = event.result, event.index_id
        self._changes.labels(index_id, result.outcome.value).inc()
        self._written.labels(index_id).inc(result.points)
        if result.lag_sec is not None:
            self._lag.labels(index_id).observe(result.lag_sec)
        if result.error:
            self._asset_errors.labels(index_id, result.error.code).inc()

    def _cycle_ended(self, event: CycleEnded) -> None:
        report, kind = event.report, kind_label(event.kind)
        result = "error" if report.error else "interrupted" if report.interrupted else "success"
        self._cycles.labels(report.index_id, kind, result).inc()
        self._cycle_sec.labels(kind).observe(report.duration_sec)
        if report.error:
            self._cycle_errors.labels(report.index_id, report.error["code"]).inc()

    def _request_ended(self, event: RequestEnded) -> None:
        operation = source_operation(event.operation)
        self._source.labels(operation, status_label(event.status)).inc()
        self._source_sec.labels(operation).observe(event.duration_sec)
        self._bytes.labels(operation).inc(event.size_bytes)
        self.is_source_failing = event.error in _DOWN
        if event.error:
            self._errors.labels("source", event.error).inc()

    def _sink_request_ended(self, event: SinkRequestEnded) -> None:
        operation = sink_operation(event.operation)
        if event.attempt > 1:
            self._retries.labels("sink", operation).inc()
        if operation in COMPOSED:
            return
        self._sink.labels(operation, "missing" if event.missing else event.error or "ok").inc()
        self._sink_sec.labels(operation).observe(event.duration_sec)
        if event.error and not event.missing:
            self._errors.labels("sink", event.error).inc()

    def _turn_waited(self, event: TurnWaited) -> None:
        self._waited.inc(event.waited_sec)
        if event.waited_sec >= NOTICED_WAIT_SEC:
            self._waits.inc()

    def _ledger_write_ended(self, event: LedgerWriteEnded) -> None:
        kind = kind_label(event.what)
        self._ledger.labels(kind).inc()
        errors = self._ledger_errors.labels(kind)
        if event.error:
            errors.inc()


def error_codes() -> frozenset[str]:
    """The codes of all errors that are defined so far."""

    def below(kind: type[ConnectorError]) -> Iterable[str]:
        yield kind.code
        for it in kind.__subclasses__():
            yield from below(it)

    return frozenset(below(ConnectorError))

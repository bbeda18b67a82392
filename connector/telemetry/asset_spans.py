"""One trace for each change of an asset: retrieve, build, write, and the requests in them. An observer."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from connector.domain.activity import ACTIVITY
from connector.domain.events import (
    AssetOpened,
    ChangeBegan,
    ChangeFinished,
    CycleEnded,
    Event,
    PointsBuilt,
    RequestEnded,
    RequestRetried,
    SinkRequestEnded,
    TurnWaited,
)
from connector.domain.report import Outcome
from connector.telemetry.metric_labels import COMPOSED, sink_operation, source_operation
from connector.telemetry.metrics import NOTICED_WAIT_SEC

_NS = 1_000_000_000
_NOT_DONE = "the cycle ended before the change was carried out"

Facts = Mapping[str, str | int | float]


@dataclass(slots=True)
class _Change:
    """A change in progress; `last` is when its last step ended, in nanoseconds since the epoch."""

    root: Span
    cycle_id: str | None
    last: int
    write: Span | None = None


@dataclass(slots=True)
class AssetSpans:
    """`now` is in nanoseconds since the epoch. Events that belong to no change of an asset are ignored."""

    tracer: Tracer
    now: Callable[[], int] = time.time_ns
    _changes: dict[tuple[str, str], _Change] = field(default_factory=dict)

    def __call__(self, event: Event, /) -> None:
        handle = _HANDLERS.get(type(event))
        if handle:
            handle(self, event)

    def _began(self, event: ChangeBegan) -> None:
        key, activity, now = (event.index_id, event.indexed_asset_id), ACTIVITY.get(), self.now()
        self._abandon(key)
        facts = {"connector.index_id": event.index_id, "connector.indexed_asset_id": _valid(event.indexed_asset_id)}
        root = self.tracer.start_span("sync asset", start_time=now, attributes=facts)
        cycle_id = activity.cycle_id if activity else None
        if cycle_id:
            root.set_attribute("connector.cycle_id", cycle_id)
        self._changes[key] = _Change(root, cycle_id, now)

    def _source_request(self, event: RequestEnded) -> None:
        facts: dict[str, str | int] = {"server.address": "TwelveLabs", "connector.response_bytes": event.size_bytes}
        if event.status is not None:
            facts["http.response.status_code"] = event.status
        name = "retrieve" if source_operation(event.operation) == "retrieve_asset" else event.operation
        self._step(name, event.duration_sec, facts, event.error, kind=SpanKind.CLIENT)

    def _sink_request(self, event: SinkRequestEnded) -> None:
        operation = sink_operation(event.operation)
        if operation not in COMPOSED:
            facts = {"db.system.name": "qdrant", "db.operation.name": operation, "db.collection.name": event.collection}
            error = None if event.missing else event.error
            self._step(f"qdrant {operation}", event.duration_sec, facts, error, kind=SpanKind.CLIENT)

    def _waited(self, event: TurnWaited) -> None:
        if event.waited_sec >= NOTICED_WAIT_SEC:
            self._step("wait for the rate limit", event.waited_sec, {})

    def _retried(self, event: RequestRetried) -> None:
        change = self._current()
        if change:
            change.root.add_event("retry", {"connector.wait_sec": event.wait_sec}, timestamp=self.now())

    def _built(self, event: PointsBuilt) -> None:
        change, now = self._changes.get((event.index_id, event.indexed_asset_id)), self.now()
        if change:
            self._step("build", (now - change.last) / _NS, {"connector.points": event.count})

    def _opened(self, event: AssetOpened) -> None:
        change = self._changes.get((event.index_id, event.indexed_asset_id))
        if change and change.write is None:
            context = set_span_in_context(change.root)
            change.write = self.tracer.start_span("write", context, start_time=self.now())

    def _finished(self, event: ChangeFinished) -> None:
        result = event.result
        change = self._changes.pop((event.index_id, result.indexed_asset_id), None)
        if change is None:
            return
        facts: dict[str, Any] = {"connector.outcome": result.outcome.value, "connector.points": result.points}
        if result.lag_sec is not None:
            facts["connector.lag_sec"] = result.lag_sec
        if result.error:
            facts["error.type"] = result.error.code
        change.root.set_attributes(facts)
        failed = result.outcome in {Outcome.FAILED, Outcome.DEFERRED}
        self._end(change, str(result.error) if failed and result.error else None)

    def _cycle_ended(self, event: CycleEnded) -> None:
        for key in [key for key, change in self._changes.items() if change.cycle_id == event.cycle_id]:
            self._abandon(key)

    def _abandon(self, key: tuple[str, str]) -> None:
        """End the span of a change whose worker ended the cycle with an error: no event tells its result."""
        change = self._changes.pop(key, None)
        if change:
            self._end(change, _NOT_DONE)

    def _end(self, change: _Change, error: str | None) -> None:
        now = self.now()
        for span in (change.write, change.root):
            if span:
                if error:
                    span.set_status(Status(StatusCode.ERROR, _valid(error)))
                span.end(now)

    def _current(self) -> _Change | None:
        """The change that the running task works on."""
        activity = ACTIVITY.get()
        return self._changes.get((activity.index_id, activity.indexed_asset_id or "")) if activity else None

    def _step(
        self, name: str, seconds: float, facts: Facts, error: str | None = None, kind: SpanKind = SpanKind.INTERNAL
    ) -> None:
        """A span that ends now."""
        change = self._current()
        if change is None:
            return
        change.last = self.now()
        context = set_span_in_context(change.write or change.root)
        began = change.last - round(seconds * _NS)
        span = self.tracer.start_span(name, context, kind=kind, start_time=began, attributes=facts)
        if error:
            span.set_attribute("error.type", error)
            span.set_status(Status(StatusCode.ERROR))
        span.end(change.last)


def _valid(text: str) -> str:
    """Ids come from the source. One that is not UTF-8 would make a whole batch of spans impossible to send."""
    return text.encode(errors="replace").decode()


_HANDLERS: dict[type[Any], Callable[[AssetSpans, Any], None]] = {
    ChangeBegan: AssetSpans._began,  # noqa: SLF001  the class' own table
    RequestEnded: AssetSpans._source_request,  # noqa: SLF001
    SinkRequestEnded: AssetSpans._sink_request,  # noqa: SLF001
    TurnWaited: AssetSpans._waited,  # noqa: SLF001
    RequestRetried: AssetSpans._retried,  # noqa: SLF001
    PointsBuilt: AssetSpans._built,  # noqa: SLF001
    AssetOpened: AssetSpans._opened,  # noqa: SLF001
    ChangeFinished: AssetSpans._finished,  # noqa: SLF001
    CycleEnded: AssetSpans._cycle_ended,  # noqa: SLF001
}

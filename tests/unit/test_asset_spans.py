"""How events become traces; tests/e2e/test_tracing.py looks at those of the real command."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from connector.domain.activity import ACTIVITY, Activity
from connector.domain.errors import MalformedAsset
from connector.domain.events import (
    AssetOpened,
    ChangeBegan,
    ChangeFinished,
    CycleEnded,
    Event,
    PointsBuilt,
    RequestEnded,
    SinkRequestEnded,
    TurnWaited,
)
from connector.domain.report import CycleKind, CycleReport, Outcome, Result
from connector.telemetry.asset_spans import AssetSpans

SEC = 1_000_000_000
RETRIEVED = RequestEnded("retrieve asset", "a", "i", 200, 2.0)


class Traces:
    """The spans that ended; time passes by a second before each event."""

    def __init__(self) -> None:
        self._ended, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._ended))
        self.now = 100 * SEC
        self._observe = AssetSpans(provider.get_tracer("test"), lambda: self.now)

    def tell(self, *events: Event) -> None:
        for event in events:
            self.now += SEC
            self._observe(event)

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {it.name: it for it in self._ended.get_finished_spans()}

    def seconds(self, name: str) -> tuple[float, float]:
        span = self.spans[name]
        assert span.start_time is not None
        assert span.end_time is not None
        return span.start_time / SEC, span.end_time / SEC


@pytest.fixture
def traces() -> Traces:
    return Traces()


@contextmanager
def working_on(asset: str | None, cycle: str = "c") -> Iterator[None]:
    before = ACTIVITY.set(Activity("i", "index", cycle, asset))
    yield
    ACTIVITY.reset(before)


def finished(outcome: Outcome = Outcome.APPLIED, asset: str = "a", **facts: Any) -> ChangeFinished:
    return ChangeFinished("i", Result(asset, outcome, **facts), "c")


def facts_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_the_steps_of_a_change_follow_each_other(traces: Traces) -> None:
    with working_on("a"):
        traces.tell(ChangeBegan("i", "a"), TurnWaited(0.5), RETRIEVED, PointsBuilt("i", "a", 7), AssetOpened("i", "a"))
        traces.tell(SinkRequestEnded("write points to collection", "c", 0.5), finished(points=7, lag_sec=3.0))

    assert {name: traces.seconds(name) for name in traces.spans} == {
        "sync asset": (101, 107),
        "wait for the rate limit": (101.5, 102),
        "retrieve": (101, 103),
        "build": (103, 104),
        "write": (105, 107),
        "qdrant upsert": (105.5, 106),
    }
    root, write = traces.spans["sync asset"], traces.spans["write"]
    assert {it.parent and it.parent.span_id for name, it in traces.spans.items() if name == "qdrant upsert"} == {
        write.context.span_id
    }
    assert facts_of(root) == {
        "connector.index_id": "i",
        "connector.indexed_asset_id": "a",
        "connector.cycle_id": "c",
        "connector.outcome": "applied",
        "connector.points": 7,
        "connector.lag_sec": 3.0,
    }
    assert root.status.status_code is StatusCode.UNSET


def test_a_failure_is_one(traces: Traces) -> None:
    with working_on("a"):
        traces.tell(ChangeBegan("i", "a"), finished(Outcome.FAILED, error=MalformedAsset("read", "a", "zero vector")))

    root = traces.spans["sync asset"]
    assert root.status.status_code is StatusCode.ERROR
    assert "zero vector" in str(root.status.description)
    assert facts_of(root)["error.type"] == "malformed_asset"


def test_a_change_that_nobody_ended_ends_with_its_cycle(traces: Traces) -> None:
    """Its worker raised an error that ended the cycle."""
    with working_on("a"):
        traces.tell(ChangeBegan("i", "a"), AssetOpened("i", "a"))
    with working_on("b", cycle="other"):
        traces.tell(ChangeBegan("i", "b"))
    with working_on(None):
        traces.tell(CycleEnded("c", CycleKind.FULL, CycleReport("i")))

    assert {it.status.status_code for it in traces.spans.values()} == {StatusCode.ERROR}
    assert facts_of(traces.spans["sync asset"])["connector.indexed_asset_id"] == "a"
    assert len(traces.spans) == 2


def test_a_second_beginning_ends_the_first(traces: Traces) -> None:
    with working_on("a"):
        traces.tell(ChangeBegan("i", "a"), ChangeBegan("i", "a"))

    assert traces.seconds("sync asset") == (101, 102)


@pytest.mark.parametrize(
    "event",
    [
        RETRIEVED,
        TurnWaited(1.0),
        AssetOpened("i", "a"),
        PointsBuilt("i", "a", 1),
        finished(),
        SinkRequestEnded("x", "c", 1),
    ],
)
def test_what_belongs_to_no_change_is_ignored(traces: Traces, event: Event) -> None:
    traces.tell(event)
    with working_on(None):
        traces.tell(event)

    assert traces.spans == {}


def test_verifications_and_missing_collections_are_no_failures(traces: Traces) -> None:
    with working_on("a"):
        traces.tell(
            ChangeBegan("i", "a"),
            SinkRequestEnded("verify a write to collection", "c", 1.0, "unavailable"),
            SinkRequestEnded("count points of collection", "c", 1.0, "sink_mismatch", missing=True),
            finished(),
        )

    assert traces.spans.keys() == {"sync asset", "qdrant count"}
    assert {it.status.status_code for it in traces.spans.values()} == {StatusCode.UNSET}


def test_an_id_that_is_not_text_spoils_nothing(traces: Traces) -> None:
    with working_on("\ud800"):
        traces.tell(ChangeBegan("i", "\ud800"), finished(asset="\ud800"))

    assert facts_of(traces.spans["sync asset"])["connector.indexed_asset_id"] == "?"

"""What limits the throughput, from events of the last minute."""

import pytest

from connector.domain.events import Event, RequestEnded, SinkRequestEnded, TurnWaited
from connector.telemetry.bottleneck import WINDOW_SEC, Bottleneck, Limit
from tests.fakes.clock import FakeTime


def waited(seconds: float) -> Event:
    return TurnWaited(seconds)


def source(seconds: float) -> Event:
    return RequestEnded("retrieve asset", "a", "i", 200, seconds)


def sink(seconds: float) -> Event:
    return SinkRequestEnded("write points", "videos", seconds)


@pytest.mark.parametrize(
    ("round_", "limit"),
    [
        ((waited(0.9), source(0.1), sink(0.05)), Limit.RATE_LIMIT),
        ((waited(0.1), source(0.8), sink(0.1)), Limit.SOURCE),
        ((waited(0.1), source(0.2), sink(0.7)), Limit.SINK),
        ((source(3.9), sink(0.1)), Limit.SOURCE),
    ],
    ids=["turns are scarce", "a slow source", "a slow Qdrant", "four workers at once"],
)
def test_the_side_that_takes_the_time_is_the_limit(round_: tuple[Event, ...], limit: Limit) -> None:
    time = FakeTime()
    bottleneck = Bottleneck(lambda: time.now)
    for _ in range(100):
        time.now += 1.0
        for event in round_:
            bottleneck(event)

    assert bottleneck.limit() is limit


def test_what_is_over_is_no_limit() -> None:
    time = FakeTime()
    bottleneck = Bottleneck(lambda: time.now)
    assert bottleneck.limit() is None
    bottleneck(sink(5.0))
    assert bottleneck.limit() is Limit.SINK

    time.now += WINDOW_SEC

    assert bottleneck.limit() is None

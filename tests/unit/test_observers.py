"""An observer that fails disturbs neither the others nor the work."""

from structlog.testing import capture_logs

from connector.domain.events import AssetOpened, Event
from connector.telemetry.observers import Observers


def test_every_observer_gets_every_event_in_order() -> None:
    first, second = list[Event](), list[Event]()
    events = [AssetOpened("i", name) for name in "abc"]
    tell = Observers(first.append, second.append)

    for event in events:
        tell(event)

    assert (first, second) == (events, events)


def test_one_that_fails_disturbs_nobody_and_is_logged_a_few_times() -> None:
    seen = list[Event]()

    def broken(_: Event) -> None:
        raise ZeroDivisionError("ours")

    tell = Observers(broken, seen.append)
    with capture_logs() as lines:
        for _ in range(100):
            tell(AssetOpened("i", "a"))

    assert len(seen) == 100
    assert [line["event"] for line in lines] == ["observer.failed"] * 5

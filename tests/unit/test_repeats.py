"""A repeated message does not flood the log, and the omitted ones are counted."""

import logging

import pytest

from connector.telemetry.repeats import LibraryRepeats, Repeats


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record(name: str, message: object) -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, "file", 1, message, (), None)


def test_a_kind_is_admitted_so_often_and_counted_from_then_on() -> None:
    clock = Clock()
    repeats = Repeats(clock, most=2, seconds=60.0)

    assert [repeats.admit("a") for _ in range(5)] == [0, 0, None, None, None]
    clock.now = 59.9
    assert repeats.admit("a") is None
    clock.now = 60.0
    assert [repeats.admit("a") for _ in range(3)] == [4, 0, None]


def test_kinds_do_not_count_for_each_other() -> None:
    repeats = Repeats(Clock(), most=1)

    assert [repeats.admit(kind) for kind in ("a", "b", "a", "b")] == [0, 0, None, None]


def test_what_is_remembered_does_not_grow_for_ever() -> None:
    repeats = Repeats(Clock(), most=1)
    for number in range(100_000):
        repeats.admit(number)

    assert len(repeats._windows) <= 1000


def test_what_a_library_repeats_is_left_out_and_counted() -> None:
    """The traceback and second line may differ, because they name the socket."""
    clock = Clock()
    seen = LibraryRepeats(clock)
    records = [record("asyncio", f"socket.accept() out of system resource\nsocket: {number}") for number in range(100)]

    assert sum(seen.filter(it) for it in records) == 5
    clock.now = 61.0
    last = record("asyncio", "socket.accept() out of system resource")
    assert seen.filter(last)
    assert last.getMessage() == "socket.accept() out of system resource (95 more of these were omitted)"


@pytest.mark.parametrize(
    ("name", "message"),
    [("connector.telemetry.event_log", {"event": "index.failed"}), ("connector.engine.cycle", "cycle.crashed")],
)
def test_our_own_events_all_come_through(name: str, message: object) -> None:
    """Their fields make them different messages."""
    seen = LibraryRepeats(Clock())

    assert all(seen.filter(record(name, message)) for _ in range(100))


def test_a_count_does_not_disturb_the_arguments_of_a_message() -> None:
    clock = Clock()
    seen = LibraryRepeats(clock)
    for _ in range(7):
        seen.filter(record("uvicorn.error", "took %s"))
    clock.now = 60.0
    last = logging.LogRecord("uvicorn.error", logging.WARNING, "file", 1, "took %s", ("100 %",), None)
    seen.filter(last)

    assert last.getMessage() == "took 100 % (2 more of these were omitted)"

"""A bug in one place: only that asset or that index fails."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.ports import CheckpointStore, Sink, Source
from tests.builders import index_settings
from tests.comparing import differences
from tests.engine.world import INDEX, World
from tests.fakes.sink import Crashed

Failing = Callable[[str, tuple[Any, ...]], None]


class Broken:
    """A port that calls `fail` with the method's name and arguments before every call."""

    def __init__(self, port: Any, fail: Failing) -> None:
        self._port, self._fail = port, fail

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not asyncio.iscoroutinefunction(found):
            return found

        async def call(*arguments: Any, **named: Any) -> Any:
            self._fail(name, arguments)
            return await found(*arguments, **named)

        return call


class Breaks:
    """These methods raise this exception for this asset; `calls` are all calls of these methods."""

    def __init__(self, error: BaseException, *methods: str, asset: str = "x") -> None:
        self.error, self.methods, self.asset = error, methods, asset
        self.armed = True
        self.calls = 0

    def __call__(self, method: str, arguments: tuple[Any, ...]) -> None:
        if method in self.methods:
            self.calls += 1
            named = [getattr(it, "indexed_asset_id", it) for it in arguments]
            if self.armed and (self.asset in named or self.asset == "*"):
                raise self.error

    def wrap(self, source: Source, sink: Sink, ledger: CheckpointStore) -> tuple[Any, Any, Any]:
        return Broken(source, self), Broken(sink, self), Broken(ledger, self)


def world_with(breaks: Breaks, *names: str, **settings: Any) -> World:
    world = World(breaks.wrap, **settings)
    for name in names:
        world.source.add(INDEX, name)
    return world


WORK = ["begin", "retrieve", "open", "replace", "record"]
ERRORS = [ZeroDivisionError("ours"), RecursionError("too deep"), MemoryError("no room"), TypeError("ours")]


@pytest.mark.parametrize("method", WORK)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_bug_met_with_one_asset_is_its_failure(method: str, error: Exception) -> None:
    breaks = Breaks(error, method)
    world = world_with(breaks, "a", "x", "y")

    report = await world.cycle()

    assert differences(report, upserted=2, failed=1, error=None, interrupted=False) == {}
    [problem] = report.problems
    assert differences(problem, indexed_asset_id="x", state="failed", code="internal_error") == {}
    assert f"{type(error).__name__}: {error}" in problem.reason
    await world.check_i2_coverage_and_truth()
    breaks.armed = False
    assert (await world.cycle()).clean
    world.check_i1_sink_equals_source()


@pytest.mark.parametrize("method", WORK[1:])
async def test_it_uses_attempts_up_and_ends_in_quarantine(method: str) -> None:
    breaks = Breaks(ZeroDivisionError("ours"), method)
    world = world_with(breaks, "a", "x", max_attempts=3)

    reports = [await world.cycle() for _ in range(4)]

    assert [(it.failed, it.quarantined) for it in reports] == [(1, 0), (1, 0), (1, 0), (0, 1)]
    assert world.source.retrievals[INDEX, "a"] == 1
    assert "ZeroDivisionError: ours" in reports[-1].problems[0].reason
    assert breaks.calls > 0


async def test_neighbours_in_hand_are_not_begun_again() -> None:
    world = world_with(Breaks(ZeroDivisionError("ours"), "replace"), *"abcx")

    await world.cycle(concurrency=4)

    assert {name: world.source.retrievals[INDEX, name] for name in "abc"} == {"a": 1, "b": 1, "c": 1}
    assert {name for name, row in (await world.ledger.unfinished(INDEX)).items() if row.attempt} == {"x"}


async def test_the_traceback_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    await world_with(Breaks(ZeroDivisionError("ours"), "replace"), "x").cycle()

    [record] = caplog.records
    assert (record.levelname, record.getMessage()) == ("ERROR", "asset.crashed")
    assert record.exc_info
    assert isinstance(record.exc_info[1], ZeroDivisionError)


async def test_it_does_not_count_as_the_other_side_being_down() -> None:
    world = world_with(Breaks(ZeroDivisionError("ours"), "replace", asset="*"))
    for number in range(20):
        world.source.add(INDEX, f"asset{number}")

    report = await world.cycle(concurrency=1)

    assert (report.failed, report.error) == (20, None)


@pytest.mark.parametrize("method", ["open", "delete", "forget"])
async def test_a_bug_met_with_one_delete_is_its_failure(method: str) -> None:
    breaks = Breaks(ZeroDivisionError("ours"), method)
    breaks.armed = False
    world = world_with(breaks, *"axyz", max_attempts=2)
    assert (await world.cycle()).clean
    for name in "xyz":
        world.source.remove(INDEX, name)
    breaks.armed = True

    reports = [await world.cycle() for _ in range(3)]

    assert [(it.deleted, it.failed, it.quarantined) for it in reports] == [(2, 1, 0), (0, 1, 0), (0, 0, 1)]
    assert (reports[0].problems[0].indexed_asset_id, reports[0].problems[0].code) == ("x", "internal_error")
    await world.check_i2_coverage_and_truth()
    breaks.armed = False
    await world.ledger.reset_attempts(INDEX, "x")
    assert (await world.cycle()).deleted == 1
    world.check_i1_sink_equals_source()


async def test_a_delete_that_failed_is_no_hindrance_when_the_asset_is_back() -> None:
    breaks = Breaks(ZeroDivisionError("ours"), "delete")
    breaks.armed = False
    world = world_with(breaks, "a", "x", max_attempts=1)
    await world.cycle()
    world.source.remove(INDEX, "x")
    breaks.armed = True
    assert (await world.cycle()).failed == 1
    assert (await world.cycle()).quarantined == 1
    world.source.add(INDEX, "x", segments=2)

    report = await world.cycle()

    assert (report.upserted, report.clean) == (1, True)
    world.check_i1_sink_equals_source()


@pytest.mark.parametrize(
    "method", ["index", "ensure", "snapshot", "state", "load", "inspect", "deletes_since", "adopt"]
)
async def test_a_bug_elsewhere_is_the_failure_of_the_cycle(method: str, caplog: pytest.LogCaptureFixture) -> None:
    breaks = Breaks(ZeroDivisionError("ours"), method, asset="*")
    world = world_with(breaks, "a")

    report = await world.cycle()

    assert report.error
    assert report.error["code"] == "internal_error"
    assert "ZeroDivisionError: ours" in report.error["message"]
    assert [record.getMessage() for record in caplog.records] == ["cycle.crashed"]
    breaks.armed = False
    assert (await world.cycle()).clean


async def test_a_bug_met_with_one_index_leaves_the_others_alone() -> None:
    world = world_with(Breaks(ZeroDivisionError("ours"), "index", asset=INDEX), "a")
    world.source.add_index("index-b")
    world.source.add("index-b", "b")
    engine = world.engine()

    reports = [await engine.cycle(index_settings(name)) for name in (INDEX, "index-b")]

    assert [(it.error or {}).get("code") for it in reports] == ["internal_error", None]
    assert reports[1].upserted == 1


async def test_what_ends_the_process_is_no_asset_s_failure() -> None:
    """Not an Exception: KeyboardInterrupt, SystemExit, and Crashed, which represents them."""
    world = world_with(Breaks(Crashed(), "retrieve"), "x")

    assert await world.cycle_or_crash() is None

    row = await world.row("x")
    assert row
    assert row.attempt
    assert (row.attempt.attempts, row.attempt.code) == (1, None)


async def test_a_ledger_that_fails_ends_the_cycle_as_ever() -> None:
    full = LedgerUnavailable("write ledger", "ledger.sqlite3", "disk full")
    report = await world_with(Breaks(full, "open"), "x", "y").cycle()

    assert report.error
    assert report.error["code"] == "ledger_unavailable"

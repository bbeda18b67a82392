"""The CheckpointStore contract for planned work and for summaries; every implementation passes it."""

import pytest

from connector.domain.history import KEPT_CYCLES, KEPT_MINUTES, Minute, PastCycle
from connector.domain.ledger_model import IndexState, Summary
from connector.domain.priority import Priority
from connector.ports import CheckpointStore
from tests.builders import applied, asset, attempt, row


async def test_a_planned_upsert_stays_until_it_is_tried(ledger: CheckpointStore) -> None:
    await ledger.plan("i", [asset("a"), asset("b"), asset("c")], Priority.BACKLOG)
    assert await ledger.unfinished("i") == {}
    assert {name: row.listed for name, row in (await ledger.planned("i")).items()} == {
        name: asset(name) for name in "abc"
    }
    await ledger.attempt("i", "a", "print", 1.0)
    await ledger.open("i", "b", ["c"])
    await ledger.unplan("i", "c")
    assert set(await ledger.planned("i")) == {"b"}
    assert set(await ledger.unfinished("i")) == {"a"}
    assert {row.listed for row in (await ledger.load("i")).values()} == {asset("a"), asset("b"), asset("c")}


async def test_a_plan_of_what_is_applied_is_removed_unless_something_changed(ledger: CheckpointStore) -> None:
    """Since the rows were read: another plan, a new attempt, other content."""
    for name in "abcd":
        await ledger.record("i", name, applied("print"))
    await ledger.plan("i", [asset(name) for name in "abcd"], Priority.BACKLOG)
    read = await ledger.planned("i")
    await ledger.plan("i", [asset("b", filename="other.mp4")], Priority.FRESH)
    await ledger.open("i", "c", ["c"])
    await ledger.plan("i", [asset("c")], Priority.FRESH)
    await ledger.record("i", "d", applied("other"))
    await ledger.plan("i", [asset("d")], Priority.FRESH)

    await ledger.settle("i", list(read.values()))

    assert set(await ledger.planned("i")) == {"b", "c", "d"}
    assert (await ledger.load("i"))["a"].applied == applied("print")


async def test_what_is_noted_is_not_planned(ledger: CheckpointStore) -> None:
    await ledger.note("i", asset("a"))
    await ledger.attempt("i", "b", "print", 1.0)
    await ledger.plan("i", [asset("c")], Priority.FRESH)
    for name in "bc":
        await ledger.note("i", asset(name, "failed"))
    rows = await ledger.load("i")
    assert {name: row.listed for name, row in rows.items()} == {
        "a": asset("a"),
        "b": asset("b", "failed"),
        "c": asset("c", "failed"),
    }
    assert set(await ledger.planned("i")) == {"c"}
    assert set(await ledger.unfinished("i")) == {"b"}


@pytest.mark.parametrize("ended", ["applied", "failed"])
async def test_what_is_planned_while_an_attempt_runs_stays_planned(ledger: CheckpointStore, ended: str) -> None:
    """The asset changed meanwhile, and the attempt may have seen it as it was before."""
    await ledger.plan("i", [asset("a")], Priority.BACKLOG)
    tried = await ledger.attempt("i", "a", "print", 1.0)
    await ledger.plan("i", [asset("a", filename="changed.mp4")], Priority.FRESH)
    if ended == "applied":
        await ledger.record("i", "a", applied())
    else:
        await ledger.fail("i", "a", tried)
    row = (await ledger.planned("i"))["a"]
    assert (row.priority, row.listed) == (Priority.FRESH, asset("a", filename="changed.mp4"))


@pytest.mark.parametrize(("meanwhile", "expected"), [(None, Priority.BACKLOG), (Priority.FRESH, Priority.FRESH)])
async def test_work_that_is_given_back_is_planned_again(
    ledger: CheckpointStore, meanwhile: Priority | None, expected: Priority
) -> None:
    await ledger.plan("i", [asset("a")], Priority.BACKLOG)
    tried = await ledger.attempt("i", "a", "print", 1.0)
    if meanwhile is not None:
        await ledger.plan("i", [asset("a")], meanwhile)
    await ledger.fail("i", "a", tried, again=Priority.BACKLOG)
    row = (await ledger.planned("i"))["a"]
    assert (row.priority, row.attempt) == (expected, tried)


@pytest.mark.parametrize(("first", "then"), [(Priority.FRESH, Priority.BACKLOG), (Priority.BACKLOG, Priority.FRESH)])
async def test_planning_again_keeps_the_better_priority_and_the_newer_facts(
    ledger: CheckpointStore, first: Priority, then: Priority
) -> None:
    newer = asset("a", "failed")
    await ledger.plan("i", [asset("a")], first)
    await ledger.plan("i", [newer], then)
    row = (await ledger.planned("i"))["a"]
    assert (row.priority, row.listed) == (Priority.FRESH, newer)


async def test_adopted_rows_never_replace_existing_ones(ledger: CheckpointStore) -> None:
    """A change may have been carried out since the points were read."""
    await ledger.record("i", "a", applied("newer"))
    await ledger.adopt("i", [row("a", applied("older")), row("b", applied())], IndexState(1.0, 2.0))
    rows = await ledger.load("i")
    assert rows["a"].applied == applied("newer")
    assert await ledger.ids("i") == {"a", "b"}


async def test_a_summary_counts_without_reading_rows(ledger: CheckpointStore) -> None:
    assert await ledger.summary("i", 5) == Summary(0, 0, 0, 0, 0, 0, 0, {})
    await ledger.plan("i", [asset("p")], Priority.FRESH)
    await ledger.plan("i", [asset("q"), asset("r")], Priority.BACKLOG)
    rows = [
        row("applied", applied(points=3)),
        row("reopened", applied(points=2), opened=True),
        row("opened", opened=True),
        row("interrupted", attempt=attempt(attempts=1)),
        row("deferred", attempt=attempt(attempts=0, reason="slow")),
        row("failed", applied(points=1), attempt=attempt(attempts=4, reason="broken")),
        row("quarantined", attempt=attempt(attempts=5, reason="broken")),
    ]
    await ledger.adopt("i", rows, IndexState(1.0, 2.0))
    await ledger.adopt("j", [row("other", applied(points=9))], IndexState(1.0, 2.0))

    assert await ledger.summary("i", 5) == Summary(
        assets=10,
        applied=2,
        points=6,
        opened=3,
        deferred=1,
        failed=1,
        quarantined=1,
        backlog={Priority.FRESH: 1, Priority.BACKLOG: 2},
    )
    names = ["deferred", "failed", "interrupted", "opened"]
    assert [it.indexed_asset_id for it in await ledger.problems("i", 4)] == names
    assert [it.indexed_asset_id for it in await ledger.problems("i", 2, 1)] == names[1:3]


async def test_the_last_cycles_are_kept_newest_first(ledger: CheckpointStore) -> None:
    for number in range(KEPT_CYCLES + 2):
        await ledger.save_report("i", {"listed": number}, kind="full cycle", ended_at=float(number))
    await ledger.save_report("j", {"listed": 0}, ended_at=7.0)

    past = await ledger.cycles("i", 1000)

    assert past[0] == PastCycle("full cycle", KEPT_CYCLES + 1.0, {"listed": KEPT_CYCLES + 1})
    assert [it.ended_at for it in past] == [float(number) for number in range(KEPT_CYCLES + 1, 1, -1)]
    assert [it.ended_at for it in await ledger.cycles("i", 2)] == [KEPT_CYCLES + 1.0, float(KEPT_CYCLES)]
    assert await ledger.cycles("j", 9) == [PastCycle("sync", 7.0, {"listed": 0})]
    assert (await ledger.reports())["i"] == {"listed": KEPT_CYCLES + 1}


async def test_minutes_add_up_and_are_kept_for_a_week(ledger: CheckpointStore) -> None:
    first, later = 1_000, 1_000 + KEPT_MINUTES
    await ledger.add_minute("i", Minute(first, assets=9))
    await ledger.add_minute("i", Minute(later - 1, assets=2, points=5, lags=1, lag_sum=3.0, lag_max=3.0))
    await ledger.add_minute("i", Minute(later - 1, assets=1, points=1, lags=2, lag_sum=4.5, lag_max=2.5))
    assert [it.minute for it in await ledger.minutes("i", 0)] == [first, later - 1]
    await ledger.add_minute("i", Minute(later, assets=1))

    both = Minute(later - 1, assets=3, points=6, lags=3, lag_sum=7.5, lag_max=3.0)
    assert await ledger.minutes("i", 0) == [both, Minute(later, assets=1)]
    assert await ledger.minutes("i", later) == [Minute(later, assets=1)]
    assert await ledger.minutes("j", 0) == []

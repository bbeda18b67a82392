"""The CheckpointStore contract for rows; every implementation passes it."""

from connector.domain.ledger_model import Attempt, Checkpoint, IndexState, Retrieved
from connector.domain.priority import Priority
from connector.ports import CheckpointStore
from tests.builders import applied, asset, attempt, row


async def test_a_new_ledger_knows_nothing(ledger: CheckpointStore) -> None:
    assert await ledger.load("i") == {}
    assert await ledger.state("i") is None
    assert await ledger.reports() == {}
    assert await ledger.claims("i") == {}
    assert await ledger.deletes_since("i", 0.0) == 0


async def test_an_attempt_creates_the_row_and_is_counted(ledger: CheckpointStore) -> None:
    assert await ledger.attempt("i", "a", "print", 10.0) == Attempt("print", 1, 10.0)
    assert await ledger.load("i") == {"a": row("a", attempt=Attempt("print", 1, 10.0))}
    assert await ledger.attempt("i", "a", "print", 20.0) == Attempt("print", 2, 10.0)


async def test_another_fingerprint_starts_counting_anew(ledger: CheckpointStore) -> None:
    await ledger.attempt("i", "a", "print", 10.0)
    await ledger.attempt("i", "a", "print", 11.0)
    assert await ledger.attempt("i", "a", "other", 20.0) == Attempt("other", 1, 20.0)


async def test_a_counted_attempt_has_no_reason_and_no_due_time_yet(ledger: CheckpointStore) -> None:
    """The reason of the previous failure does not apply to the running attempt."""
    await ledger.fail("i", "a", attempt("print", 1, since=5.0, reason="broken", code="malformed_asset", due=99.0))
    assert await ledger.attempt("i", "a", "print", 20.0) == Attempt("print", 2, 5.0)


async def test_a_change_begins_with_the_row_as_it_was_and_counts_an_attempt(ledger: CheckpointStore) -> None:
    await ledger.plan("i", [asset("a")], Priority.BACKLOG)
    planned = (await ledger.load("i"))["a"]
    seen = list[object]()

    def wanted(row: Checkpoint | None) -> str:
        seen.append(row)
        return "print"

    assert await ledger.begin("i", "a", 10.0, wanted) == (planned, Attempt("print", 1, 10.0))
    assert set(seen) == {planned}
    assert (await ledger.load("i"))["a"] == row("a", attempt=Attempt("print", 1, 10.0), listed=planned.listed)
    assert await ledger.begin("i", "new", 5.0, wanted) == (None, Attempt("print", 1, 5.0))
    assert seen[-1] is None


async def test_a_change_that_is_not_wanted_any_more_changes_nothing(ledger: CheckpointStore) -> None:
    await ledger.plan("i", [asset("a")], Priority.BACKLOG)
    before = await ledger.load("i")
    assert await ledger.begin("i", "a", 10.0, lambda _: None) == (before["a"], None)
    assert await ledger.begin("i", "unknown", 10.0, lambda _: None) == (None, None)
    assert await ledger.load("i") == before


async def test_a_failed_attempt_is_kept_as_given(ledger: CheckpointStore) -> None:
    failed = attempt("print", 3, since=1.5, reason="überall broken\n", code="malformed_asset", due=61.25)
    await ledger.fail("i", "a", failed)
    assert (await ledger.load("i"))["a"] == row("a", attempt=failed)


async def test_opening_creates_the_row(ledger: CheckpointStore) -> None:
    await ledger.open("i", "a", ["c1"])
    assert await ledger.load("i") == {"a": row("a", opened=True, collections=["c1"])}


async def test_opening_extends_the_collections(ledger: CheckpointStore) -> None:
    await ledger.open("i", "a", ["c1"])
    await ledger.open("i", "a", ["c2", "c1"])
    await ledger.open("i", "a", [])
    assert (await ledger.load("i"))["a"].collections == {"c1", "c2"}


async def test_opening_keeps_what_is_applied_and_what_is_tried(ledger: CheckpointStore) -> None:
    facts = applied(collection="c1")
    await ledger.record("i", "a", facts)
    tried = await ledger.attempt("i", "a", "print", 10.0)
    await ledger.open("i", "a", ["c2"])
    expected = row("a", facts, opened=True, attempt=tried, collections=["c1", "c2"])
    assert await ledger.load("i") == {"a": expected}


async def test_recording_closes_the_row_and_ends_the_attempt(ledger: CheckpointStore) -> None:
    await ledger.attempt("i", "a", "print", 10.0)
    await ledger.open("i", "a", ["old", "new"])
    facts = applied("print", at=12.5, collection="new", metadata_revision=None, points=0)
    await ledger.record("i", "a", facts)
    assert await ledger.load("i") == {"a": row("a", facts)}


async def test_a_failed_update_keeps_the_applied_facts_and_the_opened_mark(ledger: CheckpointStore) -> None:
    facts = applied(collection="c")
    await ledger.record("i", "a", facts)
    await ledger.open("i", "a", ["c"])
    await ledger.fail("i", "a", attempt("other", 2))
    assert (await ledger.load("i"))["a"] == row("a", facts, opened=True, attempt=attempt("other", 2))


async def test_some_rows_can_be_asked_for(ledger: CheckpointStore) -> None:
    for name in ("a", "b", "c"):
        await ledger.open("i", name, ["c1"])
    await ledger.open("j", "other", ["c1"])
    expected = {name: row(name, opened=True, collections=["c1"]) for name in ("c", "a")}
    assert await ledger.rows("i", ["c", "a", "unknown", "other"]) == expected
    assert await ledger.rows("i", []) == {}


async def test_very_many_rows_can_be_asked_for(ledger: CheckpointStore) -> None:
    """As in a poll after a bulk upload."""
    names = [f"asset-{number}" for number in range(3000)]
    await ledger.reopen("i", names, "c1")
    assert set(await ledger.rows("i", [*names, "unknown"])) == set(names)


async def test_unfinished_rows_are_opened_or_being_tried(ledger: CheckpointStore) -> None:
    """Whatever the reason, and whatever is applied."""
    await ledger.record("i", "finished", applied())
    await ledger.record("i", "tried", applied())
    await ledger.fail("i", "tried", attempt(attempts=9, due=2e9))
    await ledger.open("i", "opened", [])
    await ledger.open("j", "elsewhere", [])
    expected = {"tried": row("tried", applied(), attempt=attempt(attempts=9, due=2e9))}
    expected["opened"] = row("opened", opened=True, collections=[])
    assert await ledger.unfinished("i") == expected


async def test_a_recorded_row_is_finished(ledger: CheckpointStore) -> None:
    await ledger.attempt("i", "a", "print", 1.0)
    await ledger.open("i", "a", ["c"])
    await ledger.record("i", "a", applied())
    assert await ledger.unfinished("i") == {}


async def test_a_ledger_that_can_be_read_answers(ledger: CheckpointStore) -> None:
    before = await ledger.reports()
    await ledger.ping()
    assert await ledger.reports() == before


async def test_many_rows_are_reopened_together(ledger: CheckpointStore) -> None:
    await ledger.record("i", "a", applied(collection="c1"))
    await ledger.record("i", "b", applied(collection="c1"))
    await ledger.reopen("i", ["a", "new"], "c2")
    rows = await ledger.load("i")
    assert {name: (it.opened, set(it.collections)) for name, it in rows.items()} == {
        "a": (True, {"c1", "c2"}),
        "b": (False, {"c1"}),
        "new": (True, {"c2"}),
    }


async def test_a_pardon_ends_the_attempts_and_nothing_else(ledger: CheckpointStore) -> None:
    await ledger.record("i", "a", applied())
    await ledger.open("i", "a", ["c"])
    before = (await ledger.load("i"))["a"]
    await ledger.fail("i", "a", attempt(attempts=9))
    await ledger.reset_attempts("i", "a")
    await ledger.reset_attempts("i", "unknown")
    assert await ledger.load("i") == {"a": before}


async def test_an_emptied_row_has_its_attempts_and_no_points(ledger: CheckpointStore) -> None:
    await ledger.record("i", "a", applied())
    await ledger.open("i", "a", ["c"])
    await ledger.fail("i", "a", attempt(attempts=9))
    await ledger.empty("i", "a")
    await ledger.empty("i", "unknown")
    assert await ledger.load("i") == {"a": row("a", attempt=attempt(attempts=9))}


async def test_a_loaded_ledger_is_a_copy(ledger: CheckpointStore) -> None:
    """The plan uses the loaded rows while workers write."""
    await ledger.record("i", "a", applied())
    loaded = await ledger.load("i")
    await ledger.open("i", "b", ["c"])
    loaded.pop("a")
    assert set(await ledger.load("i")) == {"a", "b"}


async def test_no_attempt_began_later_than_now(ledger: CheckpointStore) -> None:
    """The clock was set back: a time in the future would never become old."""
    await ledger.attempt("i", "a", "print", 1000.0)

    assert await ledger.attempt("i", "a", "print", 10.0) == Attempt("print", 2, 10.0)


async def test_only_closed_rows_without_an_attempt_can_be_refreshed(ledger: CheckpointStore) -> None:
    times = applied(shallow_at=3.0, deep_at=2.0)
    rows = [row("a", times), row("b", times, opened=True), row("c", times, attempt=attempt()), row("d", opened=True)]
    await ledger.adopt("i", rows, IndexState(1.0, 2.0))
    assert await ledger.retrieved("i") == {"a": Retrieved(3.0, 2.0)}
    assert await ledger.retrieved("j") == {}


async def test_rows_are_the_same_whatever_assets_are_known(ledger: CheckpointStore) -> None:
    await ledger.plan("i", [asset("a"), asset("b", filename="ä.mp4")], Priority.BACKLOG)
    rows = await ledger.load("i")
    assert await ledger.load("i", {"a": asset("a"), "b": asset("b", "failed")}) == rows
    assert rows["b"].listed == asset("b", filename="ä.mp4")


async def test_all_rows_of_a_large_index_are_read(ledger: CheckpointStore) -> None:
    names = [f"asset-{number:05}" for number in range(10_001)]
    await ledger.adopt("i", [row(name, applied()) for name in names], IndexState(1.0, 2.0))
    await ledger.adopt("h", [row("a", applied())], IndexState(1.0, 2.0))
    assert list(await ledger.load("i")) == names
    assert len(await ledger.retrieved("i")) == len(names)

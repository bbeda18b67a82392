"""The CheckpointStore contract; every implementation passes it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.ledger_model import Attempt, IndexState
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ports import CheckpointStore
from tests.builders import applied, attempt, row
from tests.fakes.ledger import FakeCheckpointStore

DAY = 86_400.0
STATE = IndexState(
    100.5, 200.25, deep_due_since=7.0, watermark=150.125, pending=frozenset({"b", "a"}), withheld_because="ä"
)


@pytest.fixture(params=["sqlite", "fake"])
async def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[CheckpointStore]:
    if request.param == "fake":
        yield FakeCheckpointStore()
        return
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as store:
        yield store


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
    """What is known of the failure before it says nothing about the one that is running."""
    await ledger.fail("i", "a", attempt("print", 1, since=5.0, reason="broken", code="malformed_asset", due=99.0))
    assert await ledger.attempt("i", "a", "print", 20.0) == Attempt("print", 2, 5.0)


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
    """A poll after a bulk upload."""
    names = [f"asset-{number}" for number in range(3000)]
    await ledger.reopen("i", names, "c1")
    assert set(await ledger.rows("i", [*names, "unknown"])) == set(names)


async def test_unfinished_rows_are_opened_or_being_tried(ledger: CheckpointStore) -> None:
    """Whatever they wait for, and whatever is applied."""
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


async def test_rows_and_state_of_an_unknown_index_are_adopted(ledger: CheckpointStore) -> None:
    rows = [row("a", applied()), row("b", opened=True, attempt=attempt())]
    await ledger.adopt("i", rows, STATE)
    assert await ledger.load("i") == {"a": rows[0], "b": rows[1]}
    assert await ledger.state("i") == STATE


async def test_an_index_without_points_is_adopted_too(ledger: CheckpointStore) -> None:
    await ledger.adopt("i", [], STATE)
    assert (await ledger.load("i"), await ledger.state("i")) == ({}, STATE)


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


async def test_of_a_dropped_index_nothing_is_remembered(ledger: CheckpointStore) -> None:
    """Its deletes neither: they were an operator's, and must not use up the bound of what comes after."""
    for name in ("i", "j"):
        await ledger.adopt(name, [row("a", applied()), row("b", applied())], STATE)
        await ledger.save_report(name, {"listed": 2})
        await ledger.save_claim(name, "one", 1)
        await ledger.forget(name, "a", 10.0)
    await ledger.drop_index("i")
    assert (await ledger.load("i"), await ledger.state("i"), await ledger.claims("i")) == ({}, None, {})
    assert (await ledger.deletes_since("i", 0.0), await ledger.deletes_since("j", 0.0)) == (0, 1)
    assert (set(await ledger.load("j")), await ledger.state("j")) == ({"b"}, STATE)
    assert await ledger.known() == ["j"]
    assert await ledger.reports() == {"j": {"listed": 2}}


async def test_a_forgotten_row_is_gone_and_its_delete_remembered(ledger: CheckpointStore) -> None:
    await ledger.record("i", "a", applied())
    await ledger.record("i", "b", applied())
    await ledger.forget("i", "a", 100.0)
    assert set(await ledger.load("i")) == {"b"}
    assert (await ledger.deletes_since("i", 99.0), await ledger.deletes_since("i", 100.0)) == (1, 0)


async def test_what_never_had_points_is_no_delete(ledger: CheckpointStore) -> None:
    """A row that was only tried, and one that does not exist, took nothing out of the sink."""
    await ledger.attempt("i", "tried", "print", 1.0)
    await ledger.forget("i", "tried", 100.0)
    await ledger.forget("i", "unknown", 100.0)
    assert (await ledger.load("i"), await ledger.deletes_since("i", 0.0)) == ({}, 0)


async def test_old_deletes_are_pruned_by_the_next_one(ledger: CheckpointStore) -> None:
    for name, at in (("a", 0.0), ("b", 20 * DAY), ("c", 40 * DAY)):
        await ledger.open("i", name, ["c"])
        await ledger.forget("i", name, at)
    assert await ledger.deletes_since("i", -1.0) == 2


async def test_indexes_do_not_see_each_other(ledger: CheckpointStore) -> None:
    """The same asset id in two indexes is two assets."""
    await ledger.adopt("i", [row("a", applied())], STATE)
    await ledger.open("j", "a", ["c"])
    await ledger.forget("j", "a", 5.0)
    await ledger.save_claim("i", "instance-1", 1)
    assert set(await ledger.load("i")) == {"a"}
    assert (await ledger.deletes_since("i", 0.0), await ledger.deletes_since("j", 0.0)) == (0, 1)
    assert (await ledger.state("j"), await ledger.claims("j")) == (None, {})


async def test_the_last_report_and_state_stand(ledger: CheckpointStore) -> None:
    await ledger.adopt("i", [], STATE)
    await ledger.save_report("i", {"listed": 1})
    await ledger.save_report("i", {"listed": 2, "error": None, "problems": [{"code": "ä"}], "lag_sec": 0.5})
    assert await ledger.update_state("i", lambda state: replace(state, canary_at=7.0)) == replace(STATE, canary_at=7.0)
    assert (await ledger.reports())["i"] == {"listed": 2, "error": None, "problems": [{"code": "ä"}], "lag_sec": 0.5}
    assert await ledger.state("i") == replace(STATE, canary_at=7.0)


async def test_adopting_again_leaves_the_state(ledger: CheckpointStore) -> None:
    await ledger.adopt("i", [], STATE)
    await ledger.adopt("i", [row("a", applied())], IndexState(9.0, 9.0))
    assert (await ledger.state("i"), set(await ledger.load("i"))) == (STATE, {"a"})


async def test_the_state_of_an_unknown_index_cannot_be_changed(ledger: CheckpointStore) -> None:
    """It was forgotten meanwhile, and must not come back."""
    assert await ledger.update_state("i", lambda state: replace(state, canary_at=7.0)) is None
    assert (await ledger.state("i"), await ledger.known()) == (None, [])


async def test_reports_name_every_index_that_has_one_or_is_known(ledger: CheckpointStore) -> None:
    await ledger.save_report("z", {"error": "gone"})
    await ledger.adopt("b", [], STATE)
    await ledger.open("row only", "a", ["c"])
    reports = await ledger.reports()
    assert list(reports.items()) == [("b", {}), ("z", {"error": "gone"})]
    assert await ledger.state("z") is None


async def test_a_report_is_json_values(ledger: CheckpointStore) -> None:
    await ledger.save_report("i", {"options": ("visual", "audio")})
    assert await ledger.reports() == {"i": {"options": ["visual", "audio"]}}


async def test_a_claim_is_one_of_an_instance(ledger: CheckpointStore) -> None:
    """A collection that was made again is another one, which has not been claimed."""
    await ledger.save_claim("i", "one", 1)
    await ledger.save_claim("i", "two", 7)
    await ledger.save_claim("i", "one", 3)
    assert await ledger.claims("i") == {"one": 3, "two": 7}


async def test_a_ledger_has_an_identity_of_its_own(ledger: CheckpointStore) -> None:
    first, again = await ledger.identity(), await ledger.identity()

    assert first == again
    assert len(first.ledger_id) == 32
    assert first.label


async def test_a_loaded_ledger_is_a_copy(ledger: CheckpointStore) -> None:
    """The plan works on what was loaded while workers write."""
    await ledger.record("i", "a", applied())
    loaded = await ledger.load("i")
    await ledger.open("i", "b", ["c"])
    loaded.pop("a")
    assert set(await ledger.load("i")) == {"a", "b"}


async def test_a_delete_that_does_not_count_is_not_remembered(ledger: CheckpointStore) -> None:
    for name in ("a", "b"):
        await ledger.record("i", name, applied())
    await ledger.forget("i", "a", 100.0, counts=False)
    await ledger.forget("i", "b", 100.0)
    assert (await ledger.load("i"), await ledger.deletes_since("i", 0.0)) == ({}, 1)


async def test_no_attempt_began_later_than_now(ledger: CheckpointStore) -> None:
    """The clock was set back: what is measured from then on would never grow old."""
    await ledger.attempt("i", "a", "print", 1000.0)

    assert await ledger.attempt("i", "a", "print", 10.0) == Attempt("print", 2, 10.0)


async def test_no_delete_is_later_than_the_last_one(ledger: CheckpointStore) -> None:
    """The clock was set back: a delete of the future would count for ever."""
    for name, at in (("a", 100 * DAY), ("b", 10 * DAY)):
        await ledger.open("i", name, ["c"])
        await ledger.forget("i", name, at)

    assert await ledger.deletes_since("i", 9 * DAY) == 2
    assert await ledger.deletes_since("i", 10 * DAY) == 0

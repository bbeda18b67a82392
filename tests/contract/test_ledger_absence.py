"""The CheckpointStore contract for absent assets, whose deletes wait for the end of the grace period."""

from connector.domain.priority import Priority
from connector.ports import CheckpointStore
from tests.builders import applied, asset, attempt, row
from tests.contract.ledgers import STATE


async def absences(ledger: CheckpointStore, index_id: str = "i") -> dict[str, float | None]:
    return {it.indexed_asset_id: it.absent_since for it in await ledger.absent(index_id, 100)}


async def three(ledger: CheckpointStore) -> None:
    for index_id in ("i", "j"):
        await ledger.adopt(index_id, [row(name, applied()) for name in ("c", "a", "b")], STATE)


async def test_the_first_time_stays_until_it_is_cleared(ledger: CheckpointStore) -> None:
    await three(ledger)
    await ledger.note_absence("i", ["a", "b", "unknown"], 10.5)
    await ledger.note_absence("i", ["b", "c"], 20.0)

    assert await absences(ledger) == {"a": 10.5, "b": 10.5, "c": 20.0}
    assert {name: it.absent_since for name, it in (await ledger.load("i")).items()} == await absences(ledger)
    assert await absences(ledger, "j") == {}

    await ledger.clear_absence("i", ["b", "unknown"])
    assert await absences(ledger) == {"a": 10.5, "c": 20.0}
    await ledger.note_absence("i", ["b"], 30.0)
    assert await absences(ledger) == {"a": 10.5, "b": 30.0, "c": 20.0}


async def test_a_time_in_the_future_is_replaced(ledger: CheckpointStore) -> None:
    """The clock was set back."""
    await three(ledger)
    await ledger.note_absence("i", ["a"], 1000.0)
    await ledger.note_absence("i", ["a"], 10.0)
    assert await absences(ledger) == {"a": 10.0}


async def test_they_are_counted_and_paged(ledger: CheckpointStore) -> None:
    await three(ledger)
    await ledger.note_absence("i", ["c", "a", "b"], 10.0)

    assert [it.indexed_asset_id for it in await ledger.absent("i", 2)] == ["a", "b"]
    assert [it.indexed_asset_id for it in await ledger.absent("i", 2, 1)] == ["b", "c"]
    assert ((await ledger.summary("i", 5)).pending, (await ledger.summary("j", 5)).pending) == (3, 0)


async def test_whatever_else_is_written_leaves_it(ledger: CheckpointStore) -> None:
    """Only who looked at a listing knows that the asset is back."""
    await three(ledger)
    await ledger.note_absence("i", ["a"], 10.0)
    await ledger.open("i", "a", ["c"])
    await ledger.attempt("i", "a", "print", 11.0)
    await ledger.fail("i", "a", attempt("print"))
    await ledger.plan("i", [asset("a")], Priority.BACKLOG)
    await ledger.record("i", "a", applied())
    assert await absences(ledger) == {"a": 10.0}


async def test_it_is_not_refreshed_and_goes_with_its_row(ledger: CheckpointStore) -> None:
    await three(ledger)
    await ledger.note_absence("i", ["a", "b"], 10.0)
    assert set(await ledger.retrieved("i")) == {"c"}

    await ledger.forget("i", "a", 11.0)
    assert await absences(ledger) == {"b": 10.0}
    await ledger.drop_index("i")
    assert await absences(ledger) == {}

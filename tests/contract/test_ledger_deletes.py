"""The CheckpointStore contract for deletes: which are counted, and for how long."""

from connector.ports import CheckpointStore
from tests.builders import applied, row
from tests.contract.ledgers import STATE

DAY = 86_400.0


async def test_of_a_dropped_index_nothing_is_remembered(ledger: CheckpointStore) -> None:
    """Nor its deletes: an operator wanted them, so they must not count towards the limit."""
    for name in ("i", "j"):
        await ledger.adopt(name, [row("a", applied()), row("b", applied())], STATE)
        await ledger.save_report(name, {"listed": 2})
        await ledger.save_claim(name, "one", 1)
        await ledger.forget(name, "a", 10.0)
    await ledger.drop_index("i")
    assert await ledger.load("i") == {}
    assert await ledger.state("i") is None
    assert await ledger.claims("i") == {}
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
    """A row that was only attempted, or does not exist, removed nothing from the sink."""
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
    """The same asset id in two indexes means two assets."""
    await ledger.adopt("i", [row("a", applied())], STATE)
    await ledger.open("j", "a", ["c"])
    await ledger.forget("j", "a", 5.0)
    await ledger.save_claim("i", "instance-1", 1)
    assert set(await ledger.load("i")) == {"a"}
    assert (await ledger.deletes_since("i", 0.0), await ledger.deletes_since("j", 0.0)) == (0, 1)
    assert (await ledger.state("j"), await ledger.claims("j")) == (None, {})


async def test_a_delete_that_does_not_count_is_not_remembered(ledger: CheckpointStore) -> None:
    for name in ("a", "b"):
        await ledger.record("i", name, applied())
    await ledger.forget("i", "a", 100.0, counts=False)
    await ledger.forget("i", "b", 100.0)
    assert (await ledger.load("i"), await ledger.deletes_since("i", 0.0)) == ({}, 1)


async def test_no_delete_is_later_than_the_last_one(ledger: CheckpointStore) -> None:
    """The clock was set back: a delete in the future would count forever."""
    for name, at in (("a", 100 * DAY), ("b", 10 * DAY)):
        await ledger.open("i", name, ["c"])
        await ledger.forget("i", name, at)

    assert await ledger.deletes_since("i", 9 * DAY) == 2
    assert await ledger.deletes_since("i", 10 * DAY) == 0

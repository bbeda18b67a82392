"""The CheckpointStore contract for indexes: their states, reports and claims, and the identity of the ledger."""

from dataclasses import replace

from connector.domain.ledger_model import IndexState
from connector.ports import CheckpointStore
from tests.builders import applied, attempt, row
from tests.contract.ledgers import STATE


async def test_rows_and_state_of_an_unknown_index_are_adopted(ledger: CheckpointStore) -> None:
    rows = [row("a", applied()), row("b", opened=True, attempt=attempt())]
    await ledger.adopt("i", rows, STATE)
    assert await ledger.load("i") == {"a": rows[0], "b": rows[1]}
    assert await ledger.state("i") == STATE


async def test_an_index_without_points_is_adopted_too(ledger: CheckpointStore) -> None:
    await ledger.adopt("i", [], STATE)
    assert (await ledger.load("i"), await ledger.state("i")) == ({}, STATE)


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
    """It was forgotten in the meantime, and must not reappear."""
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
    """A collection that was created again is another instance, which nobody has claimed."""
    await ledger.save_claim("i", "one", 1)
    await ledger.save_claim("i", "two", 7)
    await ledger.save_claim("i", "one", 3)
    assert await ledger.claims("i") == {"one": 3, "two": 7}


async def test_a_ledger_has_an_identity_of_its_own(ledger: CheckpointStore) -> None:
    first, again = await ledger.identity(), await ledger.identity()

    assert first == again
    assert len(first.ledger_id) == 32
    assert first.label

"""Ids of every length and character that a source can give are keys of the ledger, of leases and of jobs."""

from pathlib import Path
from random import Random

import pytest

from connector.cluster.index_leases import IndexLeases
from connector.cluster.job_order import JobOutcome, order_of
from connector.cluster.postgres_jobs import PostgresJobs
from connector.domain.ledger_place import LedgerPlace
from connector.domain.plan import Decision, Upsert
from connector.domain.priority import Priority
from connector.domain.source_model import LONGEST_ID
from connector.ledger.ledger_opening import postgres_address
from tests.builders import asset
from tests.cluster.fencing import Replica


def longest(seed: int, characters: range) -> str:
    """PostgreSQL compresses keys; random ones cannot be compressed."""
    return "".join(map(chr, Random(seed).choices(characters, k=LONGEST_ID)))  # noqa: S311  seeded


PAIRS = {
    "letters": (longest(1, range(ord("0"), ord("z"))), longest(2, range(ord("0"), ord("z")))),
    "four bytes each": (longest(3, range(0x10000, 0x10FFFF)), longest(4, range(0x10000, 0x10FFFF))),
    "escaped": (longest(5, range(0xDFFF + 1, 0xDFFF + 2)), longest(6, range(0xDFFF + 1, 0xDFFF + 2))),
    "nul": ("\0", "a\0b"),
    "of the keys": ("asset:a:b", ":c%'_"),
}


@pytest.mark.parametrize(("index_id", "name"), PAIRS.values(), ids=PAIRS)
async def test_they_are_planned_leased_and_worked_on(made_ledger: str, index_id: str, name: str) -> None:
    replica = Replica(made_ledger, "one")
    async with replica.transactions:
        leases: IndexLeases = replica.leases
        jobs = PostgresJobs(
            replica.transactions, leases, postgres_address(LedgerPlace(Path("unused"), made_ledger)).schema
        )
        assert await leases.take(index_id)
        await replica.store.plan(index_id, [asset(name), asset("plain")], Priority.BACKLOG)
        assert (await replica.store.rows(index_id, [name, "plain"])).keys() == {name, "plain"}

        change = Upsert(asset(name), "print-1", Decision.NEW)
        epoch = leases.epoch_of(index_id)
        order = order_of(index_id, epoch, change, priority=Priority.FRESH, settings="s", names={}, activity=None)
        assert await jobs.submit(order)
        assert not await jobs.submit(order), "it has a job already"
        assert await jobs.outstanding(index_id, [name, "plain"]) == {name}
        assert await jobs.withdraw(index_id) == {name}

        await jobs.complete(0, order, JobOutcome(order.order_id, name))
        (told,) = (await jobs.outcomes({index_id: epoch})).values()
        assert told.indexed_asset_id == name

"""A ledger with tables, and replicas on it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import pytest

from tests.cluster.fencing import Outside, Replica
from tests.e2e.conftest import client, connector, server, simulator

__all__ = ["client", "connector", "server", "simulator"]


@pytest.fixture
def made_ledger(postgres_ledger: str) -> str:
    """The URL of a ledger with tables."""

    async def make() -> None:
        async with Replica(postgres_ledger, "maker").transactions:
            pass

    asyncio.run(make())
    return postgres_ledger


@pytest.fixture
def outside(made_ledger: str) -> Iterator[Outside]:
    """The database, past all replicas."""
    found = Outside(made_ledger)
    yield found
    found.close()


@pytest.fixture
async def replicas(made_ledger: str) -> AsyncIterator[list[Replica]]:
    """Two of them."""
    async with AsyncExitStack() as stack:
        made = [Replica(made_ledger, name) for name in ("one", "two")]
        for replica in made:
            await stack.enter_async_context(replica.transactions)
        yield made

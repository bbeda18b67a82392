"""Replicas that look at the same commands at once: each command is carried out by one of them, and by no other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from connector.cluster.lease_keeper import LeaseKeeper
from connector.cluster.replica import Replica, join_ledger
from connector.cluster.shared_commands import SharedCommands
from connector.domain.endpoints import Endpoints
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.command_queue import CommandState

ENDPOINTS = Endpoints("https://api.example", "http://qdrant.example:6333", "digest")
INDEXES = ("index-0", "index-1", "index-2")
COMMANDS = 40


async def nothing(*_: object) -> None: ...


def keeper(replica: Replica) -> LeaseKeeper:
    """Starts and ends nothing."""
    made = LeaseKeeper(
        replica.leases,
        replica.members,
        taken=nothing,
        lost=lambda _: None,
        leave=nothing,
        divided=lambda _: None,
        renewed=nothing,
        housekeep=nothing,
        refused=lambda _: None,
    )
    made.wanted = frozenset(INDEXES)
    return made


@pytest.fixture
async def queues(made_ledger: str) -> AsyncIterator[list[SharedCommands]]:
    """Of replicas that each hold an index, so that each may take a command for all indexes."""
    place, made = LedgerPlace(Path("unused"), made_ledger), list[SharedCommands]()
    async with AsyncExitStack() as stack:
        for index_id in INDEXES:
            replica = await stack.enter_async_context(join_ledger(place, str, ENDPOINTS, None, 5))
            assert await replica.leases.take(index_id)
            made.append(SharedCommands(replica, keeper(replica)))
        yield made


async def test_each_command_is_taken_once(queues: list[SharedCommands]) -> None:
    """Those of all indexes by any replica, those of one index by its holder."""
    common = [await queues[0].place("sync", {"number": number}) for number in range(COMMANDS)]
    own = [[await queues[0].place("forget", {"index_id": it}) for _ in range(3)] for it in INDEXES]

    async def take_all(queue: SharedCommands) -> list[int]:
        taken = list[int]()
        while command := await queue.take():
            assert command.state is CommandState.RUNNING
            taken.append(command.command_id)
        return taken

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take_all(queue)) for queue in queues]
    taken = [task.result() for task in tasks]

    assert sorted(number for of_one in taken for number in of_one) == sorted([*common, *(n for it in own for n in it)])
    for of_one, its_own in zip(taken, own, strict=True):
        assert set(its_own) <= set(of_one)
    assert len({task for task, of_one in enumerate(taken) if set(of_one) & set(common)}) > 1, "nobody took all"

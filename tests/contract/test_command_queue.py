"""The command queue between two processes, as two connections to one ledger; each sees the changes of the other."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.command_queue import ENDED, Command, CommandQueue, CommandState
from connector.ledger.database import Database
from connector.ledger.ledger_opening import open_transactions
from tests.comparing import differences


@pytest.fixture
async def daemon(place: LedgerPlace) -> AsyncIterator[CommandQueue]:
    """The process that owns the ledger."""
    async with CommandQueue(open_transactions(place)) as queue:
        yield queue


@pytest.fixture
async def client(daemon: CommandQueue, place: LedgerPlace) -> AsyncIterator[CommandQueue]:
    async with CommandQueue(open_transactions(place)) as queue:
        yield queue


async def _kept(db: Database) -> list[int]:
    return [number for (number,) in await db.execute("select id from orders order by id")]


async def states(queue: CommandQueue, *numbers: int) -> list[CommandState]:
    return [(await queue.read(number)).state for number in numbers]


async def test_a_command_goes_all_the_way(daemon: CommandQueue, client: CommandQueue) -> None:
    """Each side sees every step of the other."""
    number = await client.place("sync", {"indexes": ["ä"], "allow_deletes": False})
    placed = Command(number, "sync", {"indexes": ["ä"], "allow_deletes": False}, CommandState.PLACED)
    assert await client.read(number) == placed

    taken = await daemon.take()
    assert taken is not None
    assert taken == await client.read(number)
    assert taken.state is CommandState.RUNNING

    await daemon.progress(number, {"index-a": [1, 9]})
    assert (await client.read(number)).progress == {"index-a": [1, 9]}
    await daemon.progress(number, {"index-a": [9, 9]})
    await daemon.finish(number, CommandState.DONE, {"reports": [{"error": None}]})

    done = await client.read(number)
    assert done.state is CommandState.DONE
    assert differences(done, progress={"index-a": [9, 9]}, result={"reports": [{"error": None}]}) == {}


async def test_nothing_is_taken_where_nothing_was_placed(daemon: CommandQueue) -> None:
    assert await daemon.take() is None


async def test_commands_are_taken_once_and_oldest_first(daemon: CommandQueue, client: CommandQueue) -> None:
    placed = [await client.place("sync", {"number": number}) for number in range(3)]

    taken = [command.command_id for _ in placed if (command := await daemon.take())]

    assert taken == placed
    assert await daemon.take() is None


async def test_two_that_take_at_once_never_take_the_same(daemon: CommandQueue, client: CommandQueue) -> None:
    placed = [await client.place("sync", {"number": number}) for number in range(30)]

    async def take_all(queue: CommandQueue) -> list[int]:
        """A queue may look empty to one that waited for the other."""
        taken = list[int]()
        while any(state is CommandState.PLACED for state in await states(queue, *placed)):
            if command := await queue.take():
                taken.append(command.command_id)
        return taken

    async with asyncio.TaskGroup() as group:
        both = [group.create_task(take_all(queue)) for queue in (daemon, client)]

    assert sorted(number for task in both for number in task.result()) == placed


async def test_commands_of_many_processes_have_numbers_of_their_own(daemon: CommandQueue, place: LedgerPlace) -> None:
    one, other = CommandQueue(open_transactions(place)), CommandQueue(open_transactions(place))
    async with one as first, other as second, asyncio.TaskGroup() as group:
        placing = [group.create_task(queue.place("sync", {})) for queue in (first, second) for _ in range(10)]

    assert len({task.result() for task in placing}) == 20


async def test_a_refusal_says_why(daemon: CommandQueue, client: CommandQueue) -> None:
    number = await client.place("forget", {"index_id": "x"})
    await daemon.take()
    await daemon.finish(number, CommandState.REFUSED, {"code": "config_error", "message": "no such index"})

    refused = await client.read(number)

    assert refused.state in ENDED
    assert refused.result == {"code": "config_error", "message": "no such index"}


async def test_what_a_daemon_left_over_is_abandoned(daemon: CommandQueue, client: CommandQueue) -> None:
    """Whether queued or running; ended commands keep their result."""
    done, running, placed = [await client.place("sync", {}) for _ in range(3)]
    await daemon.take()
    await daemon.finish(done, CommandState.DONE, {})
    await daemon.take()

    await client.abandon_all()

    assert await states(client, done, running, placed) == [
        CommandState.DONE,
        CommandState.ABANDONED,
        CommandState.ABANDONED,
    ]
    assert await daemon.take() is None


async def test_old_commands_are_cleared_and_numbers_never_used_again(daemon: CommandQueue) -> None:
    """A command that is waiting for a recent one still finds it."""
    placed = [await daemon.place("sync", {}) for _ in range(120)]
    await daemon.abandon_all()

    kept = await daemon._run("read", _kept)

    assert kept == placed[-100:]
    assert await states(daemon, *kept[-2:]) == [CommandState.ABANDONED] * 2
    assert await daemon.place("sync", {}) == placed[-1] + 1


async def test_abandoning_where_there_is_nothing_does_nothing(daemon: CommandQueue) -> None:
    await daemon.abandon_all()

    assert await daemon.place("sync", {}) == 1


async def test_a_reader_sees_the_queue_while_it_is_written(daemon: CommandQueue, place: LedgerPlace) -> None:
    number = await daemon.place("sync", {})
    async with CommandQueue(open_transactions(place, read_only=True)) as reader, asyncio.TaskGroup() as group:
        for done in range(20):
            group.create_task(daemon.progress(number, {"done": done}))
            group.create_task(reader.read(number))

    assert (await daemon.read(number)).progress == {"done": 19}


async def test_a_reader_cannot_place_commands(daemon: CommandQueue, place: LedgerPlace) -> None:
    async with CommandQueue(open_transactions(place, read_only=True)) as reader:
        with pytest.raises(LedgerUnavailable, match=r"readonly|read-only"):
            await reader.place("sync", {})


async def test_a_command_survives_the_end_of_its_process(daemon: CommandQueue, place: LedgerPlace) -> None:
    async with CommandQueue(open_transactions(place)) as client:
        number = await client.place("quarantine retry", {"index_id": "i", "assets": ["a"]})

    taken = await daemon.take()

    assert taken == Command(
        number, "quarantine retry", {"index_id": "i", "assets": ["a"]}, CommandState.RUNNING, progress={}, result={}
    )

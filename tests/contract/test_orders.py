"""The order book between two processes: two connections to one file, each of which sees what the other did."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.command_queue import ENDED, Command, CommandQueue, CommandState
from tests.comparing import differences


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
async def daemon(path: Path) -> AsyncIterator[CommandQueue]:
    """The side that owns the ledger."""
    async with CommandQueue(path) as book:
        yield book


@pytest.fixture
async def command(daemon: CommandQueue, path: Path) -> AsyncIterator[CommandQueue]:
    async with CommandQueue(path) as book:
        yield book


def live(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute("select live from daemon").fetchall()


async def states(book: CommandQueue, *numbers: int) -> list[CommandState]:
    return [(await book.look(number)).state for number in numbers]


async def test_an_order_goes_all_the_way(daemon: CommandQueue, command: CommandQueue) -> None:
    """Every step of one side is seen by the other."""
    number = await command.place("sync", {"indexes": ["ä"], "allow_deletes": False})
    placed = Command(number, "sync", {"indexes": ["ä"], "allow_deletes": False}, CommandState.PLACED)
    assert await command.look(number) == placed

    taken = await daemon.take()
    assert taken is not None
    assert taken == await command.look(number)
    assert taken.state is CommandState.RUNNING

    await daemon.progress(number, {"index-a": [1, 9]})
    assert (await command.look(number)).progress == {"index-a": [1, 9]}
    await daemon.progress(number, {"index-a": [9, 9]})
    await daemon.finish(number, CommandState.DONE, {"reports": [{"error": None}]})

    done = await command.look(number)
    assert done.state is CommandState.DONE
    assert differences(done, progress={"index-a": [9, 9]}, result={"reports": [{"error": None}]}) == {}


async def test_nothing_is_taken_where_nothing_was_placed(daemon: CommandQueue) -> None:
    assert await daemon.take() is None


async def test_orders_are_taken_once_and_oldest_first(daemon: CommandQueue, command: CommandQueue) -> None:
    placed = [await command.place("sync", {"number": number}) for number in range(3)]

    taken = [order.order_id for _ in placed if (order := await daemon.take())]

    assert taken == placed
    assert await daemon.take() is None


async def test_orders_of_many_commands_have_numbers_of_their_own(daemon: CommandQueue, path: Path) -> None:
    async with CommandQueue(path) as first, CommandQueue(path) as second, asyncio.TaskGroup() as group:
        placing = [group.create_task(book.place("sync", {})) for book in (first, second) for _ in range(10)]

    assert len({task.result() for task in placing}) == 20


async def test_a_refusal_says_why(daemon: CommandQueue, command: CommandQueue) -> None:
    number = await command.place("forget", {"index_id": "x"})
    await daemon.take()
    await daemon.finish(number, CommandState.REFUSED, {"code": "config_error", "message": "no such index"})

    refused = await command.look(number)

    assert refused.state in ENDED
    assert refused.result == {"code": "config_error", "message": "no such index"}


async def test_what_a_daemon_left_over_is_abandoned(daemon: CommandQueue, command: CommandQueue) -> None:
    """Placed or running; what has ended stays as it ended."""
    done, running, placed = [await command.place("sync", {}) for _ in range(3)]
    await daemon.take()
    await daemon.finish(done, CommandState.DONE, {})
    await daemon.take()

    await command.abandon_all()

    assert await states(command, done, running, placed) == [
        CommandState.DONE,
        CommandState.ABANDONED,
        CommandState.ABANDONED,
    ]
    assert await daemon.take() is None


async def test_old_orders_are_cleared_and_numbers_never_used_again(daemon: CommandQueue, path: Path) -> None:
    """A command that is looking at the last ones finds them."""
    placed = [await daemon.place("sync", {}) for _ in range(120)]
    await daemon.abandon_all()

    with closing(sqlite3.connect(path)) as db:
        kept = [number for (number,) in db.execute("select id from orders order by id")]

    assert kept == placed[-100:]
    assert await states(daemon, *kept[-2:]) == [CommandState.ABANDONED] * 2
    assert await daemon.place("sync", {}) == placed[-1] + 1


async def test_abandoning_where_there_is_nothing_does_nothing(daemon: CommandQueue) -> None:
    await daemon.abandon_all()

    assert await daemon.place("sync", {}) == 1


async def test_the_sign_of_life_is_the_last_one(daemon: CommandQueue, path: Path) -> None:
    await daemon.show_live({"pid": 1, "indexes": {}})
    await daemon.show_live({"pid": 2, "indexes": {"ä": {"doing": "poll"}}})

    assert live(path) == [('{"pid": 2, "indexes": {"\\u00e4": {"doing": "poll"}}}',)]


async def test_a_reader_sees_the_book_while_it_is_written(daemon: CommandQueue, path: Path) -> None:
    number = await daemon.place("sync", {})
    async with CommandQueue(path, read_only=True) as reader, asyncio.TaskGroup() as group:
        for done in range(20):
            group.create_task(daemon.progress(number, {"done": done}))
            group.create_task(reader.look(number))

    assert (await daemon.look(number)).progress == {"done": 19}


async def test_a_reader_cannot_give_orders(daemon: CommandQueue, path: Path) -> None:
    async with CommandQueue(path, read_only=True) as reader:
        with pytest.raises(LedgerUnavailable, match="readonly"):
            await reader.place("sync", {})


async def test_orders_and_rows_share_the_file_and_do_not_disturb_each_other(path: Path) -> None:
    """The daemon's ledger and its book are two connections of one process, a command's book a third."""
    async with SqliteCheckpointStore(path) as ledger, CommandQueue(path) as daemon, CommandQueue(path) as command:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(ledger.open("i", f"asset-{number}", ["c"]))
                group.create_task(daemon.show_live({"number": number}))
                group.create_task(command.place("sync", {"number": number}))
        taken = [order.order_id for _ in range(21) if (order := await daemon.take())]
        assert (len(await ledger.load("i")), sorted(taken)) == (20, list(range(1, 21)))


async def test_a_book_that_cannot_be_written_says_so(daemon: CommandQueue, path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.executescript("create trigger full before insert on daemon begin select raise(abort, 'disk full'); end")

    with pytest.raises(LedgerUnavailable, match=r"disk full.*has free space"):
        await daemon.show_live({})


async def test_orders_survive_the_end_of_the_command(daemon: CommandQueue, path: Path) -> None:
    async with CommandQueue(path) as command:
        number = await command.place("quarantine retry", {"index_id": "i", "assets": ["a"]})

    taken = await daemon.take()

    assert taken == Command(
        number, "quarantine retry", {"index_id": "i", "assets": ["a"]}, CommandState.RUNNING, progress={}, result={}
    )

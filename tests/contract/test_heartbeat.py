"""The daemon's heartbeat, and the other data in the ledger file."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.command_queue import CommandQueue
from connector.ledger.heartbeat import Heartbeat


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


async def test_without_a_daemon_there_is_no_heartbeat(path: Path) -> None:
    async with Heartbeat(path) as heartbeat:
        assert await heartbeat.read() is None


async def test_the_last_heartbeat_replaces_the_others(path: Path) -> None:
    idle = {"doing": "poll", "planned": 0, "done": 0, "error": None}
    async with Heartbeat(path) as heartbeat:
        await heartbeat.write({"state": "running", "pid": 1, "indexes": {}})
        await heartbeat.write({"state": "running", "pid": 2, "indexes": {"ä": idle}})
        async with Heartbeat(path, read_only=True) as reader:
            assert await reader.read() == {"state": "running", "pid": 2, "indexes": {"ä": idle}}

    with closing(sqlite3.connect(path)) as db:
        assert db.execute("select count(*) from daemon").fetchone() == (1,)


async def test_a_heartbeat_that_cannot_be_written_says_so(path: Path) -> None:
    async with Heartbeat(path) as heartbeat:
        with closing(sqlite3.connect(path)) as db:
            db.executescript("create trigger full before insert on daemon begin select raise(abort, 'disk full'); end")

        with pytest.raises(LedgerUnavailable, match=r"disk full.*has free space"):
            await heartbeat.write({})


async def test_checkpoints_commands_and_heartbeat_share_the_file(path: Path) -> None:
    """The daemon has three connections, a waiting command a fourth; they do not disturb each other."""
    async with (
        SqliteCheckpointStore(path) as ledger,
        CommandQueue(path) as daemon,
        Heartbeat(path) as heartbeat,
        CommandQueue(path) as client,
    ):
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(ledger.open("i", f"asset-{number}", ["c"]))
                group.create_task(heartbeat.write({"state": "running", "pid": number, "indexes": {}}))
                group.create_task(client.place("sync", {"number": number}))
        taken = [command.command_id for _ in range(21) if (command := await daemon.take())]
        assert (len(await ledger.load("i")), sorted(taken)) == (20, list(range(1, 21)))
        assert (await heartbeat.read() or {})["pid"] == 19

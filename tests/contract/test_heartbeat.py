"""The daemon's heartbeat, and the other data in the ledger file."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.database import Database
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.ledger_opening import open_heartbeat, open_queue, open_store
from connector.ledger.sqlite.sqlite_file import SqliteFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


async def test_without_a_daemon_there_is_no_heartbeat(place: LedgerPlace) -> None:
    async with open_heartbeat(place) as heartbeat:
        assert await heartbeat.read() is None


async def test_the_last_heartbeat_replaces_the_others(place: LedgerPlace) -> None:
    idle = {"doing": "poll", "planned": 0, "done": 0, "error": None}
    async with open_heartbeat(place) as heartbeat:
        await heartbeat.write({"state": "running", "pid": 1, "indexes": {}})
        await heartbeat.write({"state": "running", "pid": 2, "indexes": {"ä": idle}})
        async with open_heartbeat(place, read_only=True) as reader:
            assert await reader.read() == {"state": "running", "pid": 2, "indexes": {"ä": idle}}

        assert await heartbeat._run("read", _rows) == 1


async def _rows(db: Database) -> int:
    (rows,) = (await db.execute("select count(*) from daemon")).fetchone()
    return int(rows)


async def test_a_heartbeat_that_cannot_be_written_says_so(path: Path) -> None:
    async with Heartbeat(SqliteFile(path)) as heartbeat:
        with closing(sqlite3.connect(path)) as db:
            db.executescript("create trigger full before insert on daemon begin select raise(abort, 'disk full'); end")

        with pytest.raises(LedgerUnavailable, match=r"disk full.*has free space"):
            await heartbeat.write({})


async def test_checkpoints_commands_and_heartbeat_share_the_ledger(place: LedgerPlace) -> None:
    """The daemon has three connections, a waiting command a fourth; they do not disturb each other."""
    async with (
        open_store(place) as ledger,
        open_queue(place) as daemon,
        open_heartbeat(place) as heartbeat,
        open_queue(place) as client,
    ):
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(ledger.open("i", f"asset-{number}", ["c"]))
                group.create_task(heartbeat.write({"state": "running", "pid": number, "indexes": {}}))
                group.create_task(client.place("sync", {"number": number}))
        taken = [command.command_id for _ in range(21) if (command := await daemon.take())]
        assert (len(await ledger.load("i")), sorted(taken)) == (20, list(range(1, 21)))
        assert (await heartbeat.read() or {})["pid"] == 19


def take_away(path: Path, *, replaced: bool) -> None:
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    path.unlink()
    if replaced:
        copy.rename(path)


@pytest.mark.parametrize("replaced", [False, True])
async def test_a_file_that_was_removed_or_replaced_is_no_ledger_any_more(path: Path, *, replaced: bool) -> None:
    """SQLite goes on with the file that no name leads to, and everything that it writes there is lost."""
    async with Heartbeat(SqliteFile(path)) as heartbeat:
        await heartbeat.write({})
        take_away(path, replaced=replaced)

        for _ in range(2):
            with pytest.raises(LedgerUnavailable, match=r"was removed or replaced.*Restart the connector"):
                await heartbeat.write({})

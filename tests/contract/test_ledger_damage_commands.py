"""A damaged cell in the command queue or the heartbeat is named, and does not block other commands."""

import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.report import CycleReport
from connector.ledger.command_queue import CommandQueue, CommandState, read_report
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.sqlite.sqlite_file import SqliteFile
from tests.comparing import differences
from tests.contract.damaged_ledgers import NEWER, damage, filled_ledger


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await filled_ledger(tmp_path / "ledger.sqlite3")


@pytest.mark.parametrize("column", ["arguments", "progress", "result"])
@pytest.mark.parametrize("cell", ["{", "[]", b"{}", "null"])
async def test_a_damaged_command_is_named_to_who_waits_for_it(path: Path, column: str, cell: Any) -> None:
    damage(path, "update orders set COLUMN = ? where id = 1", cell, COLUMN=column)
    async with CommandQueue(SqliteFile(path)) as queue:
        with pytest.raises(LedgerUnavailable, match=f"row 1 of table orders: column {column}: "):
            await queue.read(1)


async def test_a_command_that_cannot_be_read_is_refused_and_holds_up_no_other(path: Path) -> None:
    damage(path, "update orders set arguments = '[' where id = 1")
    async with CommandQueue(SqliteFile(path)) as queue:
        taken = await queue.take()
        assert taken
        assert differences(taken, command_id=2, kind="forget", state=CommandState.RUNNING) == {}
        assert await queue.take() is None
    with closing(sqlite3.connect(path)) as db:
        state, result = db.execute("select state, result from orders where id = 1").fetchone()
    assert state == "refused"
    assert "column arguments: not a JSON value" in result


@pytest.mark.parametrize("levels", [101, 400, 900])
async def test_a_command_that_is_nested_too_deeply_to_be_logged_is_refused(path: Path, levels: int) -> None:
    """JSON that can be read cannot always be written."""
    damage(path, "update orders set arguments = ? where id = 1", '{"a": ' * levels + "1" + "}" * levels)
    async with CommandQueue(SqliteFile(path)) as queue:
        taken = await queue.take()
        assert taken
        assert taken.command_id == 2
    with closing(sqlite3.connect(path)) as db:
        (result,) = db.execute("select result from orders where id = 1").fetchone()
    assert "nested more than 100 levels deep" in result


async def test_a_command_of_a_hundred_levels_is_taken(path: Path) -> None:
    damage(path, "update orders set arguments = ? where id = 1", '{"a": ' * 100 + "1" + "}" * 100)
    async with CommandQueue(SqliteFile(path)) as queue:
        taken = await queue.take()
        assert taken
        assert taken.command_id == 1


async def test_a_command_in_a_state_of_tomorrow_is_one_of_a_newer_release(path: Path) -> None:
    damage(path, "update orders set state = 'queued' where id = 1")
    async with CommandQueue(SqliteFile(path)) as queue:
        with pytest.raises(LedgerUnavailable, match=NEWER):
            await queue.read(1)


async def test_a_command_that_is_gone_is_named(path: Path) -> None:
    async with CommandQueue(SqliteFile(path)) as queue:
        with pytest.raises(LedgerUnavailable, match="row 99 of table orders"):
            await queue.read(99)


@pytest.mark.parametrize(
    "cell",
    [
        "{",
        "[]",
        "{}",
        '{"state": "running", "pid": "1", "indexes": {}}',
        '{"state": "x", "pid": 1, "indexes": {"i": 3}}',
    ],
)
async def test_a_damaged_heartbeat_is_named(path: Path, cell: str) -> None:
    damage(path, "update daemon set live = ?", cell)
    async with Heartbeat(SqliteFile(path, read_only=True)) as heartbeat:
        with pytest.raises(LedgerUnavailable, match="row 1 of table daemon: column live: "):
            await heartbeat.read()


async def test_a_daemon_of_another_release_may_show_more(path: Path) -> None:
    damage(path, "update daemon set live = json_set(live, '$.tomorrow', 1)")
    async with Heartbeat(SqliteFile(path, read_only=True)) as heartbeat:
        assert (await heartbeat.read() or {})["tomorrow"] == 1


def test_a_report_in_a_command_of_a_newer_daemon_is_refused() -> None:
    with pytest.raises(LedgerUnavailable, match="unknown key tomorrow"):
        read_report({**asdict(CycleReport("i")), "tomorrow": 1})

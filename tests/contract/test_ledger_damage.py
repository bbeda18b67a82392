"""A cell that holds something else than the connector writes: LedgerUnavailable, with the row and the cure."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import IndexState
from connector.domain.report import CycleReport
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.command_queue import CommandQueue, CommandState, read_report
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.index_states import index_states
from tests.builders import applied, attempt, row

Read = Callable[[SqliteCheckpointStore], Awaitable[Any]]

NEWER = "was written by a newer release. Use that release or a newer one"
DAMAGED = "Restore the ledger from a backup, or move it away"


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A ledger with something in every table."""
    path = tmp_path / "ledger.sqlite3"
    async with SqliteCheckpointStore(path) as ledger, CommandQueue(path) as queue:
        rows = [row(name, applied(), attempt=attempt(reason="broken", code="x")) for name in ("a", "b")]
        await ledger.adopt("i", rows, IndexState(1.0, 2.0, pending=frozenset({"p"})))
        await ledger.adopt("j", [row("a", applied())], IndexState(1.0, 2.0))
        await ledger.save_report("i", asdict(CycleReport("i")))
        await ledger.save_claim("i", "instance", 1)
        await ledger.open("i", "gone", ["c"])
        await ledger.forget("i", "gone", 9.0)
        await queue.place("sync", {"indexes": []})
        await queue.place("forget", {"index_id": "i"})
    async with Heartbeat(path) as heartbeat:
        await heartbeat.write({"state": "running", "pid": 1, "indexes": {}})
    return path


def damage(path: Path, update: str, *values: Any, **names: str) -> None:
    """`names` stand for words of the statement."""
    for word, name in names.items():
        update = update.replace(word, name)
    with closing(sqlite3.connect(path)) as db, db:
        assert db.execute(update, values).rowcount > 0


async def refused(path: Path, read: Read) -> str:
    async with SqliteCheckpointStore(path) as ledger:
        with pytest.raises(LedgerUnavailable) as error:
            await read(ledger)
    return str(error.value)


ROW_READS: dict[str, Read] = {
    "load": lambda ledger: ledger.load("i"),
    "rows": lambda ledger: ledger.rows("i", ["a"]),
    "unfinished": lambda ledger: ledger.unfinished("i"),
    "status": lambda ledger: index_states(ledger, 5),
}
ROW_DAMAGES = [
    ("applied", "{broken", "not a JSON value"),
    ("applied", "", "not a JSON value"),
    ("applied", "[]", "Expected `object`, got `array`"),
    ("applied", "null", "Expected `object`, got `null`"),
    ("applied", '{"fingerprint": "f"}', "missing required field `revision`"),
    ("applied", "[" * 100_000, "not a JSON value"),
    ("applied", b"\x00\x01", "a blob instead of text"),
    ("applied", 7, "Expected `object`, got `int`"),
    ("attempt", '{"fingerprint": "f", "attempts": "1", "since": 0.0}', "Expected `int`, got `str` - at `$.attempts`"),
    ("attempt", '{"fingerprint": "f", "attempts": true, "since": 0.0}', "Expected `int`, got `bool`"),
    ("attempt", '"text"', "Expected `object`, got `str`"),
    ("collections", "{}", "Expected `array`, got `object`"),
    ("collections", '["c", 3]', "Expected `str`, got `int` - at `$[1]`"),
    ("collections", "", "not a JSON value"),
    ("opened", "yes", "text instead of 0 or 1"),
    ("opened", 2, "a number instead of 0 or 1"),
    ("opened", b"\x01", "a blob instead of 0 or 1"),
    ("opened", 0.5, "a number instead of 0 or 1"),
]


@pytest.mark.parametrize("read", ROW_READS)
@pytest.mark.parametrize(("column", "cell", "cause"), ROW_DAMAGES)
async def test_a_damaged_row_is_named_with_its_cure(path: Path, column: str, cell: Any, cause: str, read: str) -> None:
    damage(
        path, "update checkpoints set COLUMN = ? where index_id = 'i' and indexed_asset_id = 'a'", cell, COLUMN=column
    )

    message = await refused(path, ROW_READS[read])

    assert message.startswith(f"read ledger row i a of table checkpoints: column {column}: ")
    assert cause in message
    assert DAMAGED in message


@pytest.mark.parametrize("read", ROW_READS)
@pytest.mark.parametrize("column", ["applied", "attempt"])
async def test_an_unknown_key_is_one_of_a_newer_release(path: Path, column: str, read: str) -> None:
    damage(
        path, "update checkpoints set COLUMN = json_set(COLUMN, '$.tomorrow', 1) where index_id = 'i'", COLUMN=column
    )

    message = await refused(path, ROW_READS[read])

    assert f"column {column}: unknown key tomorrow; it {NEWER}" in message


@pytest.mark.parametrize("column", ["applied", "attempt", "collections"])
async def test_text_that_is_not_utf_8_is_named(path: Path, column: str) -> None:
    damage(path, "update checkpoints set COLUMN = cast(x'22ff22' as text) where indexed_asset_id = 'a'", COLUMN=column)

    assert f"column {column}: text that is not UTF-8" in await refused(path, lambda ledger: ledger.load("i"))


@pytest.mark.parametrize(("value", "shown"), [("x'ff61'", r"b'\xffa'"), ("cast(x'ff61' as text)", r"\udcffa")])
async def test_an_id_that_is_not_text_is_named_as_far_as_it_can_be(path: Path, value: str, shown: str) -> None:
    damage(
        path,
        "update checkpoints set indexed_asset_id = VALUE where index_id = 'i' and indexed_asset_id = 'b'",
        VALUE=value,
    )

    message = await refused(path, lambda ledger: ledger.load("i"))

    assert f"read ledger row i {shown} of table checkpoints: column indexed_asset_id: " in message


WRITES: dict[str, Read] = {
    "attempt": lambda ledger: ledger.attempt("i", "a", "print", 1.0),
    "open": lambda ledger: ledger.open("i", "a", ["c"]),
    "reopen": lambda ledger: ledger.reopen("i", ["a", "b"], "c"),
    "forget": lambda ledger: ledger.forget("i", "a", 1.0),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_needs_a_damaged_cell_changes_nothing(path: Path, write: str) -> None:
    damage(path, "update checkpoints set attempt = '[', collections = '[' where indexed_asset_id = 'a'")
    with closing(sqlite3.connect(path)) as db:
        before = list(db.iterdump())

    message = await refused(path, WRITES[write])

    assert "row i a of table checkpoints" in message
    with closing(sqlite3.connect(path)) as db:
        assert list(db.iterdump()) == before


async def test_a_damaged_row_of_one_index_leaves_the_others_alone(path: Path) -> None:
    damage(path, "update checkpoints set applied = '{' where index_id = 'i' and indexed_asset_id = 'a'")
    async with SqliteCheckpointStore(path) as ledger:
        assert set(await ledger.load("j")) == {"a"}
        assert set(await ledger.rows("i", ["b"])) == {"b"}


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        ("{", "not a JSON value"),
        ("3", "Expected `object`"),
        ('{"first_cycle_at": 1.0}', "missing required field `canary_at`"),
        ('{"first_cycle_at": "1", "canary_at": 1.0}', "Expected `float`, got `str`"),
        ('{"first_cycle_at": 1.0, "canary_at": 1.0, "pending": "x"}', "Expected `array`, got `str`"),
        (b"{}", "a blob instead of text"),
    ],
)
async def test_a_damaged_state_is_named(path: Path, cell: Any, cause: str) -> None:
    damage(path, "update indexes set state = ? where index_id = 'i'", cell)

    message = await refused(path, lambda ledger: ledger.state("i"))

    assert message.startswith("read ledger row i of table indexes: column state: ")
    assert cause in message


async def test_a_state_with_an_unknown_key_is_one_of_a_newer_release(path: Path) -> None:
    damage(path, "update indexes set state = json_set(state, '$.tomorrow', 1) where index_id = 'i'")

    assert NEWER in await refused(path, lambda ledger: ledger.state("i"))


async def test_a_state_of_an_earlier_release_is_read(path: Path) -> None:
    """It has none of the keys that came later."""
    state = '{"first_cycle_at": 1.0, "canary_at": 2.0, "deep_due_since": 0.0, "withheld_because": "w", "pending": []}'
    damage(path, "update indexes set state = ? where index_id = 'i'", state)
    async with SqliteCheckpointStore(path) as ledger:
        assert await ledger.state("i") == IndexState(1.0, 2.0, withheld_because="w")


@pytest.mark.parametrize(
    ("cell", "cause"),
    [
        ("{", "not a JSON value"),
        ("[]", "Expected `object`"),
        ('{"lag_sec": "long"}', "Expected `float | null`, got `str` - at `$.lag_sec`"),
        ('{"error": "gone"}', "Expected `object | null`"),
        ('{"problems": [{}]}', "missing required field"),
        ('{"tomorrow": 1}', NEWER),
    ],
)
async def test_a_damaged_report_is_named(path: Path, cell: str, cause: str) -> None:
    damage(path, "update indexes set report = ? where index_id = 'i'", cell)

    message = await refused(path, lambda ledger: index_states(ledger, 5))

    assert message.startswith("read ledger row i of table indexes: column report: ")
    assert cause in message


async def test_a_report_of_an_earlier_release_is_shown(path: Path) -> None:
    damage(path, """update indexes set report = '{"index_id": "i", "listed": 3}' where index_id = 'i'""")
    async with SqliteCheckpointStore(path) as ledger:
        assert (await index_states(ledger, 5))[0]["last_cycle"] == {"index_id": "i", "listed": 3}


async def test_an_index_id_that_is_no_text_is_named(path: Path) -> None:
    damage(path, "update indexes set index_id = x'ff' where index_id = 'j'")
    for read in (lambda ledger: ledger.known(), lambda ledger: ledger.reports()):
        assert "of table indexes: column index_id: a blob instead of text" in await refused(path, read)


async def test_an_instance_that_is_no_text_is_named(path: Path) -> None:
    damage(path, "update claims set instance_id = x'ff'")
    assert "of table claims: column instance_id" in await refused(path, lambda ledger: ledger.claims("i"))
    damage(path, "update claims set instance_id = 'x', epoch = 'one'")
    assert "row i x of table claims: column epoch" in await refused(path, lambda ledger: ledger.claims("i"))


async def test_an_identity_that_is_no_text_is_named(path: Path) -> None:
    damage(path, "update identity set ledger_id = x'ff'")
    assert "row 1 of table identity" in await refused(path, lambda ledger: ledger.identity())


async def test_a_time_that_is_none_is_named(path: Path) -> None:
    damage(path, "update deletes set at = 'noon'")
    assert "row i of table deletes: column at" in await refused(path, lambda ledger: ledger.deletes_since("i", 0.0))


@pytest.mark.parametrize("column", ["arguments", "progress", "result"])
@pytest.mark.parametrize("cell", ["{", "[]", b"{}", "null"])
async def test_a_damaged_command_is_named_to_who_waits_for_it(path: Path, column: str, cell: Any) -> None:
    damage(path, "update orders set COLUMN = ? where id = 1", cell, COLUMN=column)
    async with CommandQueue(path) as queue:
        with pytest.raises(LedgerUnavailable, match=f"row 1 of table orders: column {column}: "):
            await queue.read(1)


async def test_a_command_that_cannot_be_read_is_refused_and_holds_up_no_other(path: Path) -> None:
    damage(path, "update orders set arguments = '[' where id = 1")
    async with CommandQueue(path) as queue:
        taken = await queue.take()
        assert taken
        assert (taken.command_id, taken.kind, taken.state) == (2, "forget", CommandState.RUNNING)
        assert await queue.take() is None
    with closing(sqlite3.connect(path)) as db:
        state, result = db.execute("select state, result from orders where id = 1").fetchone()
    assert state == "refused"
    assert "column arguments: not a JSON value" in result


async def test_a_command_in_a_state_of_tomorrow_is_one_of_a_newer_release(path: Path) -> None:
    damage(path, "update orders set state = 'queued' where id = 1")
    async with CommandQueue(path) as queue:
        with pytest.raises(LedgerUnavailable, match=NEWER):
            await queue.read(1)


async def test_a_command_that_is_gone_is_named(path: Path) -> None:
    async with CommandQueue(path) as queue:
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
    async with Heartbeat(path, read_only=True) as heartbeat:
        with pytest.raises(LedgerUnavailable, match="row 1 of table daemon: column live: "):
            await heartbeat.read()


async def test_a_daemon_of_another_release_may_show_more(path: Path) -> None:
    damage(path, "update daemon set live = json_set(live, '$.tomorrow', 1)")
    async with Heartbeat(path, read_only=True) as heartbeat:
        assert (await heartbeat.read() or {})["tomorrow"] == 1


def test_a_report_in_a_command_of_a_newer_daemon_is_refused() -> None:
    with pytest.raises(LedgerUnavailable, match="unknown key tomorrow"):
        read_report({**asdict(CycleReport("i")), "tomorrow": 1})

"""A row cell with an unexpected value raises LedgerUnavailable, which names the row and the remedy."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.index_states import index_states
from tests.contract.damaged_ledgers import DAMAGED, NEWER, Read, damage, filled_ledger, refused


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await filled_ledger(tmp_path / "ledger.sqlite3")


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

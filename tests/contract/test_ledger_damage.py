"""A row cell with an unexpected value raises LedgerUnavailable, which names the row and the remedy."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connector.domain.asset_state import AssetQuery
from connector.ledger.index_states import index_states
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.contract.damaged_ledgers import DAMAGED, NEWER, Read, damage, filled_ledger, refused


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await filled_ledger(tmp_path / "ledger.sqlite3")


ROW_READS: dict[str, Read] = {
    "load": lambda ledger: ledger.load("i"),
    "rows": lambda ledger: ledger.rows("i", ["a"]),
    "assets": lambda ledger: ledger.assets("i", AssetQuery(5, text="a"), 10),
    "unfinished": lambda ledger: ledger.unfinished("i"),
    "status": lambda ledger: index_states(ledger, 5, 0.0),
}


ROW_DAMAGES = [
    ("fingerprint", None, "nothing, although the columns beside it are set"),
    ("revision", b"\x00\x01", "Expected `str | null`, got `bytes`"),
    ("points", "three", "Expected `int | null`, got `str`"),
    ("points", 2.5, "Expected `int | null`, got `float`"),
    ("points", None, "nothing, although the columns beside it are set"),
    ("collection", None, "nothing, although the columns beside it are set"),
    ("applied_at", "noon", "Expected `float | null`, got `str`"),
    ("deep_at", None, "nothing, although the columns beside it are set"),
    ("attempts", "once", "Expected `int | null`, got `str`"),
    ("since", b"", "Expected `float | null`, got `bytes`"),
    ("reason", b"x", "Expected `str | null`, got `bytes`"),
    ("listed", "{broken", "JSON is malformed"),
    ("listed", "[]", "Expected `object`, got `array`"),
    ("listed", "{}", "missing required field `indexed_asset_id`"),
    ("collections", "{}", "Expected `array`, got `object`"),
    ("collections", '["c", 3]', "Expected `str`, got `int` - at `$[1]`"),
    ("collections", "", "not a JSON value"),
    ("collections", "[" * 100_000, "not a JSON value"),
    ("opened", "yes", "Expected `int`, got `str`"),
    ("opened", 2, "a number instead of 0 or 1"),
    ("opened", b"\x01", "Expected `int`, got `bytes`"),
    ("opened", 0.5, "Expected `int`, got `float`"),
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


@pytest.mark.parametrize(
    ("column", "cell", "cause"),
    [
        ("shallow_at", "noon", "Expected `float | null`, got `str`"),
        ("deep_at", None, "nothing, although the columns beside it are set"),
        ("shallow_at", b"x", "Expected `float | null`, got `bytes`"),
    ],
)
async def test_a_damaged_time_is_named_before_a_refresh(path: Path, column: str, cell: Any, cause: str) -> None:
    damage(path, "update checkpoints set COLUMN = ? where index_id = 'j'", cell, COLUMN=column)

    message = await refused(path, lambda ledger: ledger.retrieved("j"))

    assert message.startswith(f"read ledger row j a of table checkpoints: column {column}: ")
    assert cause in message


async def test_an_unknown_priority_is_one_of_a_newer_release(path: Path) -> None:
    damage(path, "update checkpoints set priority = 9 where index_id = 'i'")

    message = await refused(path, lambda ledger: ledger.planned("i"))

    assert f"column priority: unknown priority 9; it {NEWER}" in message


@pytest.mark.parametrize("column", ["revision", "reason", "collections"])
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
    "begin": lambda ledger: ledger.begin("i", "a", 1.0, lambda _: "print"),
    "open": lambda ledger: ledger.open("i", "a", ["c"]),
    "reopen": lambda ledger: ledger.reopen("i", ["a", "b"], "c"),
    "forget": lambda ledger: ledger.forget("i", "a", 1.0),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_write_that_needs_a_damaged_cell_changes_nothing(path: Path, write: str) -> None:
    damage(path, "update checkpoints set attempts = 'x', collections = '[' where indexed_asset_id = 'a'")
    with closing(sqlite3.connect(path)) as db:
        before = list(db.iterdump())

    message = await refused(path, WRITES[write])

    assert "row i a of table checkpoints" in message
    with closing(sqlite3.connect(path)) as db:
        assert list(db.iterdump()) == before


async def test_a_damaged_row_of_one_index_leaves_the_others_alone(path: Path) -> None:
    damage(path, "update checkpoints set points = 'x' where index_id = 'i' and indexed_asset_id = 'a'")
    async with SqliteCheckpointStore(path) as ledger:
        assert set(await ledger.load("j")) == {"a"}
        assert set(await ledger.rows("i", ["b"])) == {"b"}

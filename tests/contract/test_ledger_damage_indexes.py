"""A damaged cell of indexes, claims, deletes or the ledger's identity is named."""

from pathlib import Path
from typing import Any

import pytest

from connector.ledger.index_states import index_states
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.contract.damaged_ledgers import NEWER, damage, filled_ledger, refused


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await filled_ledger(tmp_path / "ledger.sqlite3")


@pytest.mark.parametrize(
    ("column", "cell", "cause"),
    [
        ("canary_at", None, "Expected `float`, got `null`"),
        ("first_cycle_at", "noon", "Expected `float`, got `str`"),
        ("watermark", b"", "Expected `float | null`, got `bytes`"),
        ("withheld_from", "many", "Expected `int | null`, got `str`"),
        ("pending", "{", "not a JSON value"),
        ("pending", '"x"', "Expected `array`, got `str`"),
        ("pending", None, "nothing instead of text"),
        ("model_options", "[3]", "Expected `str`, got `int`"),
    ],
)
async def test_a_damaged_state_is_named(path: Path, column: str, cell: Any, cause: str) -> None:
    damage(path, "update indexes set COLUMN = ? where index_id = 'i'", cell, COLUMN=column)

    message = await refused(path, lambda ledger: ledger.state("i"))

    assert message.startswith(f"read ledger row i of table indexes: column {column}: ")
    assert cause in message


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

    message = await refused(path, lambda ledger: index_states(ledger, 5, 0.0))

    assert message.startswith("read ledger row i of table indexes: column report: ")
    assert cause in message


async def test_a_report_of_an_earlier_release_is_shown(path: Path) -> None:
    damage(path, """update indexes set report = '{"index_id": "i", "listed": 3}' where index_id = 'i'""")
    async with SqliteCheckpointStore(path) as ledger:
        assert (await index_states(ledger, 5, 0.0))[0]["last_cycle"] == {"index_id": "i", "listed": 3}


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

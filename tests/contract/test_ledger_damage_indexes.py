"""A damaged cell of indexes, claims, deletes or the ledger's identity is named."""

from pathlib import Path
from typing import Any

import pytest

from connector.domain.ledger_model import IndexState
from connector.ledger.checkpoint_store import SqliteCheckpointStore
from connector.ledger.index_states import index_states
from tests.contract.damaged_ledgers import NEWER, damage, filled_ledger, refused


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    return await filled_ledger(tmp_path / "ledger.sqlite3")


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
    """It lacks all keys that were added later."""
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

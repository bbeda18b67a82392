"""A ledger of schema version 2 is read completely, and gets what later versions have: `ledger-schema-2.sql`."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.domain.history import Minute
from connector.domain.ledger_model import Attempt, Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.ledger.sqlite import sqlite_schema
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import COLLECTION, applied, asset

DUMP = Path(__file__).with_name("ledger-schema-2.sql")
AT, HERE = 1764000000.25, frozenset({COLLECTION})
FAILED = Attempt(
    "fp-new", 2, 1764000100.0, "TwelveLabs responded 500 ü", "source_unavailable", 1764020000.0, 1764010100.0
)
ROWS = [
    Checkpoint(
        "applied",
        applied("fp-applied", at=AT),
        collections=HERE,
        listed=asset("applied", asset_id="video-1", duration_sec=12.5),
    ),
    Checkpoint("failed", applied("fp-failed", at=AT), collections=HERE, attempt=FAILED),
    Checkpoint(
        "opened", applied("fp-opened", at=AT), opened=True, collections=frozenset({COLLECTION, "films-marengo2.7"})
    ),
    Checkpoint("planned", listed=asset("planned"), priority=Priority.BACKLOG),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(DUMP.read_text(encoding="utf-8"))
    return path


@pytest.mark.parametrize("read_only", [False, True])
async def test_all_of_it_is_read(path: Path, read_only: bool) -> None:
    async with SqliteCheckpointStore(path, read_only=read_only) as ledger:
        assert await ledger.load("films") == {row.indexed_asset_id: row for row in ROWS}
        assert await ledger.state("films") == IndexState(
            1763990000.0,
            1763990001.5,
            index_name="Films",
            model="marengo3.0",
            model_options=("visual", "audio"),
            expires_at="2026-03-01T00:00:00Z",
            watermark=1764013000.0,
            pending=frozenset({"indexing-1"}),
            listed_at=1764013100.5,
            listed_with="digest",
        )
        assert (await ledger.identity()).ledger_id == "12df67fce15509b84089124c0a01365a"
        assert await ledger.claims("films") == {"instance-1": 7}
        assert await ledger.deletes_since("films", 0.0) == 1
        assert await ledger.minutes("films", 0) == [Minute(29400220, 3, 9, 1, 2.5, 2.5)]
        assert [it.ended_at for it in await ledger.cycles("films", 9)] == [1764013200.0]
        summary = await ledger.summary("films", 5)
    assert (summary.assets, summary.applied, summary.opened, summary.failed, summary.pending) == (4, 2, 1, 1, 0)


async def test_it_can_record_absence(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        await ledger.note_absence("films", ["applied"], 5.0)

    async with SqliteCheckpointStore(path) as ledger:
        assert [row.indexed_asset_id for row in await ledger.absent("films", 9)] == ["applied"]


async def test_it_has_the_schema_of_a_new_one(path: Path, tmp_path: Path) -> None:
    """Up to the order of what SQLite was told, and its white space."""
    async with SqliteCheckpointStore(path), SqliteCheckpointStore(tmp_path / "new.sqlite3"):
        pass

    assert columns(path) == columns(tmp_path / "new.sqlite3")
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("pragma user_version").fetchone()[0] == sqlite_schema.VERSION


def columns(path: Path) -> dict[tuple[str, str], list[str]]:
    """The columns of every table and index, and the columns that a trigger or a condition names."""
    with closing(sqlite3.connect(path)) as db:
        things = db.execute("select type, name from sqlite_master where name not like 'sqlite_%'").fetchall()
        return {
            (kind, name): sorted(str(it) for it in db.execute(f"pragma {kind}_info({name})").fetchall())
            if kind in {"table", "index"}
            else []
            for kind, name in things
        }

"""An unreadable row: each command reports it in one message, exits 3, and changes nothing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from connector.simulator import Simulator
from tests.command import Command

DAMAGES = {
    "damaged": "update checkpoints set points = 'x'"
    " where indexed_asset_id = (select min(indexed_asset_id) from checkpoints)",
    "newer": "update checkpoints set priority = 9",
}

COLUMNS = {"damaged": "points", "newer": "priority"}


@pytest.mark.parametrize(("what", "cure"), [("damaged", "Restore the ledger"), ("newer", "by a newer release")])
def test_every_command_names_the_row_and_the_cure(
    connector: Command, simulator: Simulator, what: str, cure: str
) -> None:
    newer, older = simulator.control.index_ids
    assert connector.run("sync", QDRANT_URL="embedded", CONNECTOR_INDEXES=newer).code == 0
    ledger = connector.directory / "data" / "ledger.sqlite3"
    damage(ledger, DAMAGES[what])
    before = checkpoints(ledger)
    both = {"QDRANT_URL": "embedded", "CONNECTOR_INDEXES": f"{newer},{older}"}

    synced = connector.run("sync", "--json", "--index", newer, **both)
    ended = {
        "forget": connector.run("forget", newer, "--yes", "--json", **both),
        "check": connector.run("check", "--json", **both),
    }

    assert {name: it.code for name, it in ended.items()} == dict.fromkeys(ended, 3)
    for it in [synced, *ended.values()]:
        assert f"read ledger row {newer} " in it.stdout
        assert f"of table checkpoints: column {COLUMNS[what]}: " in it.stdout
        assert cure in it.stdout
        assert "Traceback" not in it.stderr
    assert (synced.code, synced.index(newer)["error"]["code"]) == (3, "ledger_unavailable")
    assert checkpoints(ledger) == before
    other = connector.run("sync", "--json", **both)
    assert other.code == 3
    assert other.index(older)["error"] is None
    assert other.index(newer)["deleted"] == 0


def damage(ledger: Path, statement: str) -> None:
    with closing(sqlite3.connect(ledger)) as db, db:
        assert db.execute(statement).rowcount > 0


def checkpoints(ledger: Path) -> list[object]:
    with closing(sqlite3.connect(ledger)) as db:
        return db.execute("select * from checkpoints order by 1, 2").fetchall()

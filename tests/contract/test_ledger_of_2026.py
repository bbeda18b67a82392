"""A ledger that an earlier release wrote is read completely: `ledger-2026.sql` has a row of every kind."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain import timestamps
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, IndexState
from connector.domain.report import CycleReport, Problem
from connector.ledger.command_queue import Command, CommandQueue, CommandState, read_report
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.sqlite.lock import hold_lock
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests import command
from tests.comparing import differences

DUMP = Path(__file__).with_name("ledger-2026.sql")
COLLECTION, OTHER = "twelvelabs-marengo3.0", "films-marengo2.7"
WITHHELD = "12 deletes within 24 hours exceed the limit of 10"
NOTHING, HERE = frozenset[str](), frozenset({COLLECTION})

APPLIED = Applied(
    "fp-applied",
    "rev-fp-applied",
    "meta-fp-applied",
    12,
    COLLECTION,
    applied_at=1764000000.25,
    shallow_at=1764003600.5,
    deep_at=1764007200.0,
)


def applied(name: str) -> Applied:
    """The fields that all rows share, with revisions named after this row."""
    return replace(APPLIED, fingerprint=f"fp-{name}", revision=f"rev-fp-{name}", metadata_revision=f"meta-fp-{name}")


DEFERRED = Attempt("fp-deferred", 0, 1764000200.0, "rate limit reached", "rate_limited", 1764020100.0, 1764010200.0)
FAILED = Attempt(
    "fp-failed", 2, 1764000100.0, "TwelveLabs responded 500 ü", "source_unavailable", 1764020000.0, 1764010100.0
)
QUARANTINED = Attempt("fp-quarantined", 5, 1764000300.0, "segment 3: NaN", "malformed_asset", 0.0, 1764010300.0)
ROWS = [
    Checkpoint("adopted", replace(applied("adopted"), metadata_revision=None), opened=True, collections=HERE),
    Checkpoint("applied", APPLIED, opened=False, collections=HERE),
    Checkpoint("deferred", attempt=DEFERRED),
    Checkpoint("failed", attempt=FAILED),
    Checkpoint("opened", opened=True, collections=HERE, attempt=Attempt("fp-opened", 1, 1764010000.0)),
    Checkpoint("quarantined", applied("before"), collections=HERE, attempt=QUARANTINED),
    Checkpoint("reopened", applied("reopened"), opened=True, collections=frozenset({COLLECTION, OTHER})),
    Checkpoint("silent", replace(applied("silent"), points=0), collections=HERE),
    Checkpoint("tried", attempt=Attempt("fp-tried", 1, 1764010001.0)),
]
REPORT = CycleReport(
    "films",
    index_name="Films",
    model="marengo3.0",
    listed=9,
    upserted=2,
    refreshed=1,
    deleted=2,
    unchanged=3,
    waiting=1,
    deferred=1,
    vanished=1,
    withheld=12,
    failed=1,
    quarantined=1,
    points_written=24,
    requests=17,
    complete=True,
    duration_sec=3.25,
    withheld_because=WITHHELD,
    lag_sec=42.5,
    warnings=("payload index category has another type",),
    problems=(Problem("failed", "failed", "source_unavailable", "TwelveLabs responded 500 ü"),),
)
LIVE = {
    "version": "0.1.0",
    "pid": 4711,
    "started_at": 1764000000.0,
    "state": "running",
    "indexes": {
        "films": {
            "doing": "full cycle",
            "planned": 3,
            "done": 2,
            "failures_in_a_row": 1,
            "lag_sec": 42.5,
            "error": {"code": "source_unavailable", "message": "no response"},
        }
    },
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(DUMP.read_text(encoding="utf-8"))
    return path


async def test_its_rows_are_read(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        rows = {row.indexed_asset_id: row for row in ROWS}
        assert await ledger.load("films") == rows
        assert set(await ledger.unfinished("films")) == set(rows) - {"applied", "silent"}
        assert await ledger.load("news") == {}


async def test_its_indexes_are_read(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        assert await ledger.state("films") == IndexState(
            first_cycle_at=1763990000.0,
            canary_at=1763990001.5,
            deep_due_since=1761400000.0,
            shallow_due_since=1763900000.0,
            index_name="Films",
            withheld_because=WITHHELD,
            withheld_from=40,
            watermark=1764013000.0,
            pending=frozenset({"indexing-1", "indexing-2"}),
        )
        assert await ledger.state("news") is None
        assert await ledger.known() == ["films"]
        assert read_report((await ledger.reports())["films"]) == REPORT
        assert (await ledger.reports())["news"]["error"] == {
            "code": "source_unavailable",
            "message": "list assets news: no response",
        }


async def test_its_deletes_and_owners_are_read(path: Path) -> None:
    async with SqliteCheckpointStore(path) as ledger:
        assert [await ledger.deletes_since("films", since) for since in (0.0, 1764011000.0, 1764012000.0)] == [2, 1, 0]
        assert (await ledger.identity()).ledger_id == "0c5cbc4c872a5bed46dea71f381c8871"
        assert await ledger.claims("films") == {"instance-1": 7, "instance-2": 1}
        assert await ledger.claims("news") == {}


async def test_its_commands_are_read(path: Path) -> None:
    release = {"index_id": "films", "assets": ["quarantined"]}
    async with CommandQueue(SqliteFile(path)) as queue:
        done, *others = [await queue.read(number) for number in range(1, 5)]
        waiting = await queue.take()
        placed = await queue.place("sync", {})

    assert (done.kind, done.state, done.progress) == ("sync", CommandState.DONE, {"films": [2, 3]})
    assert done.arguments == {"indexes": ["films"], "allow_deletes": False, "take_over": False}
    assert [read_report(facts) for facts in done.result["reports"]] == [REPORT]
    refusal = {"code": "config_error", "message": "no such index"}
    assert others == [
        Command(2, "forget", {"index_id": "films"}, CommandState.REFUSED, result=refusal),
        Command(3, "quarantine drop", release, CommandState.ABANDONED),
        Command(4, "quarantine retry", release, CommandState.RUNNING),
    ]
    assert waiting == Command(5, "sync", {"indexes": [], "allow_deletes": True}, CommandState.RUNNING)
    assert placed == 6


async def test_its_heartbeat_is_read(path: Path) -> None:
    async with Heartbeat(SqliteFile(path, read_only=True)) as heartbeat:
        assert await heartbeat.read() == LIVE


def test_status_shows_it(path: Path) -> None:
    """As with a running daemon: the test holds its lock."""
    settings = {"TWELVELABS_API_KEY": "key", "CONNECTOR_INDEXES": "*", "CONNECTOR_DATA_DIR": str(path.parent)}
    with hold_lock(path.with_name("ledger.lock"), "run"):
        ended = command.Command(path.parent, settings).run("status", "--json")

    assert ended.code == 0, ended.stderr
    assert differences(ended.json["daemon"], **LIVE) == {}
    films, news = ended.json["indexes"]
    failed, deferred, quarantined = (
        {
            "indexed_asset_id": name,
            "filename": None,
            "attempts": attempt.attempts,
            "code": attempt.code,
            "reason": attempt.reason,
            "due": timestamps.text(attempt.due),
        }
        for name, attempt in (("failed", FAILED), ("deferred", DEFERRED), ("quarantined", QUARANTINED))
    )
    last_cycle = films.pop("last_cycle")
    assert read_report(last_cycle) == REPORT
    assert films == {
        "index_id": "films",
        "index_name": "Films",
        "model": "marengo3.0",
        "expires_at": None,
        "expires_soon": False,
        "assets": 9,
        "applied": 3,
        "points": 48,
        "backlog": {},
        "worst_lag_sec": None,
        "assets_per_minute": 0.0,
        "remaining_sec": None,
        "next_poll_at": None,
        "next_cycle_at": None,
        "last_cycle_at": None,
        "last_success_at": None,
        "counts": {"opened": 4, "deferred": 1, "failed": 1, "quarantined": 1, "pending": 0},
        "opened": ["adopted", "opened", "reopened", "tried"],
        "deferred": [deferred],
        "failed": [failed],
        "quarantined": [quarantined],
        "pending": [],
        "withheld": 12,
        "withheld_because": WITHHELD,
        "lag_sec": 42.5,
        "last_cycle_problems": 1,
        "next_offset": None,
    }
    assert (news["index_id"], news["assets"], news["last_cycle"]["error"]["code"]) == ("news", 0, "source_unavailable")

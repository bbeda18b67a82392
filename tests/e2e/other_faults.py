"""Faults of a search, of Qdrant and of the ledger's file."""

import sqlite3
from contextlib import closing
from pathlib import Path

from connector.domain.errors import (
    AuthenticationFailed,
    ConfigError,
    RateLimited,
    SinkMismatch,
    SourceUnavailable,
    Unavailable,
)
from tests.e2e.fault_rows import LedgerFault, SearchFault, SinkFault
from tests.e2e.index_faults import AWAY, HTML, KEY, LATER

PAGE = 4096
READ_ONLY_KEY = "a-key-that-may-only-read"
NARROW = "narrow-{model}"
"""A collection of another dimension."""

SEARCH_FAULTS = (
    SearchFault("400", {"status": 400}, ConfigError, ("400", "another text")),
    SearchFault("401", {"status": 401, "body": KEY}, AuthenticationFailed, ("TWELVELABS_API_KEY",)),
    SearchFault("429 once", {"status": 429, "headers": {"retry-after": "0.2"}, "count": 1}),
    SearchFault("429 for an hour", {"status": 429, "headers": LATER}, RateLimited, ("429",)),
    SearchFault("500 once", {"status": 500, "count": 1}),
    SearchFault("502 with HTML", {"status": 502, "body": HTML}, Unavailable, ("embed text with", "502")),
    SearchFault("redirect to another host", {"status": 302, "headers": AWAY}, Unavailable, ("not followed",)),
    SearchFault("no vector", {"status": 200, "body": {"data": []}}, SourceUnavailable, ("has no embedding",)),
    SearchFault(
        "wrong dimension",
        {"status": 200, "body": {"data": [{"embedding": [1.0] * 256}]}},
        SourceUnavailable,
        ("256 numbers", "has 512"),
    ),
    SearchFault(
        "number beyond float32",
        {"status": 200, "body": {"data": [{"embedding": [1e39] * 512}]}},
        SourceUnavailable,
        ("not a finite float32",),
    ),
)

SINK_FAULTS = (
    SinkFault("wrong key", {"QDRANT_API_KEY": "another"}, AuthenticationFailed, ("Check QDRANT_API_KEY",)),
    SinkFault("no key", {"QDRANT_API_KEY": ""}, AuthenticationFailed, ("Check QDRANT_API_KEY",)),
    SinkFault(
        "key that may only read", {"QDRANT_API_KEY": READ_ONLY_KEY}, AuthenticationFailed, ("Check QDRANT_API_KEY",)
    ),
    SinkFault(
        "collection of another dimension", {"CONNECTOR_COLLECTION": NARROW}, SinkMismatch, ("256", "512", "narrow")
    ),
)


def run_sql(ledger: Path, *statements: str) -> None:
    with closing(sqlite3.connect(ledger)) as db, db:
        for statement in statements:
            db.execute(statement)


def overwrite(ledger: Path) -> None:
    """All pages but the first."""
    pages = ledger.stat().st_size // PAGE
    ledger.write_bytes(ledger.read_bytes()[:PAGE] + b"\xff" * PAGE * (pages - 1))


def cut(ledger: Path) -> None:
    ledger.write_bytes(ledger.read_bytes()[: 3 * PAGE])


def replace_with_directory(ledger: Path) -> None:
    ledger.unlink()
    ledger.mkdir()


def back_to_schema_2(ledger: Path) -> None:
    run_sql(
        ledger,
        "drop index absent",
        "alter table checkpoints drop column absent_since",
        "alter table indexes drop column expiry_announced",
        "pragma user_version = 2",
    )


LEDGER_FAULTS = (
    LedgerFault(
        "no database", lambda it: it.write_bytes(b"no database" * 999), ("file is not a database", "restore the file")
    ),
    LedgerFault("cut off", cut, ("malformed", "restore the file")),
    LedgerFault("overwritten", overwrite, ("malformed", "restore the file")),
    LedgerFault("a directory", replace_with_directory, ("unable to open database file", "Check that its directory")),
    LedgerFault(
        "newer schema",
        lambda it: run_sql(it, "pragma user_version = 99"),
        ("schema version 99", "Use the release that wrote it"),
    ),
    LedgerFault("older schema", back_to_schema_2, refused=False),
    LedgerFault("lost", Path.unlink, refused=False),
    LedgerFault("empty file", lambda it: it.write_bytes(b""), refused=False),
    LedgerFault(
        "disk full",
        Path.exists,
        ("ledger", "free space"),
        before=("sh", "-c", 'ulimit -f 16; exec "$@"', "sh"),
    ),
)

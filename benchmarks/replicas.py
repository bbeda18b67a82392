"""Several daemons on one PostgreSQL ledger, and a source that takes its time: how much more replicas help."""

import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.library import Library
from benchmarks.stage import Source, connector_settings, daemon, fresh_qdrant, prepared_source
from benchmarks.tables import number, table
from tests.postgres_server import PostgresServer, postgres_for_tests
from tests.qdrant_server import QdrantServer, free_port
from tests.waiting import wait_until

LIBRARY, QUICK = Library(200, (4, 3, 3), answers_after_sec=2.0), Library(12, (4, 3, 3), answers_after_sec=0.5)
REPLICAS, QUICK_REPLICAS = (1, 2, 4), (1, 2)
CONCURRENCY = 4
_APPLIED = "select count(*) from checkpoints where not opened and revision is not null and attempts is null"
_JOINED = "select count(*) from replicas where is_member"
_LONGEST_SEC = 900


def result(library: Library, replicas: tuple[int, ...]) -> dict[str, Any]:
    return {
        "assets": library.assets,
        "answers_after_sec": library.answers_after_sec,
        "concurrency": CONCURRENCY,
        "by_replicas": {str(count): _backfill(library, count) for count in replicas},
    }


def _backfill(library: Library, count: int) -> dict[str, float]:
    """`work_sec` is from when all replicas are there, and the index is listed, until all assets are applied."""
    with ExitStack() as stack:
        source = stack.enter_context(prepared_source(library))
        server = stack.enter_context(fresh_qdrant())
        database = stack.enter_context(postgres_for_tests())
        for _ in range(count):
            _start(stack, source, server, database)
            # The first one makes the tables.
            wait_until(lambda: _number(database, _JOINED) >= 1, 60, "the first replica is there")
        wait_until(lambda: _number(database, _JOINED) == count, 60, "all replicas are there")
        began, had = time.monotonic(), _number(database, _APPLIED)
        wait_until(lambda: _number(database, _APPLIED) == library.assets, _LONGEST_SEC, "all assets are applied")
        work = time.monotonic() - began
        return {"work_sec": work, "assets": library.assets - had, "assets_per_sec": (library.assets - had) / work}


def _start(stack: ExitStack, source: Source, server: QdrantServer, database: PostgresServer) -> None:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    settings = connector_settings(
        source.base_url,
        server,
        directory,
        CONNECTOR_LEDGER_URL=database.url,
        CONNECTOR_CONCURRENCY=str(CONCURRENCY),
        CONNECTOR_HTTP_PORT=str(free_port()),
        CONNECTOR_POLL_INTERVAL="1h",
    )
    stack.enter_context(daemon(directory, settings))


def _number(database: PostgresServer, query: str) -> int:
    """0 while there are no tables."""
    try:
        with psycopg.connect(database.url, options="-csearch_path=twelvelabs_connector") as connection:
            row = connection.execute(query.encode()).fetchone()
    except psycopg.Error:
        return 0
    return int(row[0]) if row else 0


def show(result: Mapping[str, Any]) -> str:
    (_, first), *_ = result["by_replicas"].items()
    rows = [
        [count, number(one["assets_per_sec"]), number(one["assets_per_sec"] / first["assets_per_sec"])]
        for count, one in result["by_replicas"].items()
    ]
    head = (
        f"{result['assets']:,} assets of ten segments; each answer comes after {result['answers_after_sec']:g} s;"
        f" each replica works on {result['concurrency']} assets at once.\n"
    )
    return head + "\n" + table(("replicas", "assets/s", "times as fast as one"), rows)

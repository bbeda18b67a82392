"""What a PostgreSQL ledger and Qdrant say while replicas work, die and come back."""

import psycopg
from qdrant_client import QdrantClient

from connector.simulator import Simulator
from tests.e2e.oracle import check_equal
from tests.postgres_server import PostgresServer

UNFINISHED = "select count(*) from checkpoints where opened or priority is not null or attempts is not null"


def rows(database: PostgresServer, query: str) -> list[tuple[object, ...]]:
    """None while PostgreSQL is down, or has no ledger yet."""
    try:
        with psycopg.connect(database.url, options="-csearch_path=twelvelabs_connector") as connection:
            return connection.execute(query.encode()).fetchall()
    except psycopg.Error:
        return []


def is_settled(database: PostgresServer, simulator: Simulator) -> bool:
    """The ledger has every asset, and nothing to do."""
    assets = sum(len(simulator.control.asset_ids(index_id)) for index_id in simulator.control.index_ids)
    counts = [rows(database, query) for query in (UNFINISHED, "select count(*) from checkpoints")]
    return counts == [[(0,)], [(assets,)]] and rows(database, "select count(*) from pgqueuer") == [(0,)]


def is_equal(client: QdrantClient, simulator: Simulator, *, loudly: bool = False) -> bool:
    """Every point is as the source says. `loudly` raises the difference."""
    try:
        return all(check_equal(client, simulator.base_url, it) for it in simulator.control.index_ids)
    except AssertionError:
        if loudly:
            raise
        return False

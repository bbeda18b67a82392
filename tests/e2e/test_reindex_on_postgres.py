"""A whole move of an alias with the ledgers in PostgreSQL, beside two replicas that write the first collection."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from tests.e2e.daemon import PATIENCE_SEC, running
from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario
from tests.waiting import wait_until

NEW = "videos-v2-marengo3.0"
NEW_SETTINGS = {"CONNECTOR_COLLECTION": "videos-v2-{model}", "CONNECTOR_TRANSCRIPT": "false"}
MOVE = ("videos", "--into", "videos-v2", "--set", "CONNECTOR_TRANSCRIPT=false", "--create-alias")
ROWS = "select count(*) from {}.checkpoints where points is not null and not opened"


@pytest.fixture
def world(qdrant_binary: Path, tmp_path: Path, postgres_ledger: str) -> Iterator[ReindexWorld]:
    with reindex_world(qdrant_binary, tmp_path, scenario(assets=3)) as made:
        settings = {**made.connector.settings, "CONNECTOR_LEDGER_URL": postgres_ledger}
        yield replace(made, connector=replace(made.connector, settings=settings))


def ledgers(postgres: str, first: str) -> dict[str, int]:
    """Schema of each ledger of this test -> how many assets it has applied."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        query = "select nspname from pg_namespace where starts_with(nspname, %s) order by length(nspname)"
        names = [str(name) for (name,) in connection.execute(query, (first,)).fetchall()]
        return {name: int((connection.execute(ROWS.format(name).encode()).fetchone() or (0,))[0]) for name in names}


@pytest.mark.soak
def test_an_alias_moves_there_and_back(world: ReindexWorld, postgres: str, postgres_ledger: str) -> None:
    first = postgres_ledger.rpartition("%3D")[2]
    with ExitStack() as replicas:
        daemons = [replicas.enter_context(running(world.connector)) for _ in range(2)]
        wait_until(lambda: len(world.stored(OLD)) > 0, PATIENCE_SEC, "the first collection has points")

        planned = world.reindex("plan", *MOVE, "--json").json
        assert world.alias_at() is None
        assert list(ledgers(postgres, first)) == [first], "a plan writes nothing"
        world.reindex("start", *MOVE)
        assert world.alias_at() == OLD
        switched = world.reindex("switch", "videos", "--json").json
        assert (world.alias_at(), switched["comparison"]["recall"]) == (NEW, 1.0)
        assert planned["to_collection"] == NEW
        assert world.stored(NEW).keys() == world.stored(OLD).keys()
        assert [daemon.stop().code for daemon in daemons] == [0, 0]

    assert list(ledgers(postgres, first).values()) == [4, 4], "each ledger goes on with its collection"
    old = world.stored(OLD)
    moved = replace(world.connector, settings={**world.connector.settings, **NEW_SETTINGS})
    with running(moved):
        world.simulator.control.add_asset(world.newer, "added.mp4", duration=20.0)
        wait_until(lambda: len(world.stored(NEW)) > len(old), PATIENCE_SEC, "the new asset is in the new collection")
        assert world.stored(OLD).keys() == old.keys()
        world.reindex("rollback", "videos", **NEW_SETTINGS)
    assert world.alias_at() == OLD

    report = world.connector.run("sync", "--json").index(world.newer)
    assert (report["upserted"], report["unchanged"], report["deleted"]) == (1, 4, 0)
    assert world.connector.run("verify").code == 0
    with psycopg.connect(postgres, autocommit=True) as connection:
        for schema in list(ledgers(postgres, first))[1:]:
            connection.execute(f'drop schema "{schema}" cascade'.encode())

"""Restarts of PostgreSQL while the ledger is open: what is safe is repeated, and no new process is needed."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.database import Database
from connector.ledger.ledger_opening import open_store
from tests.postgres_server import PostgresServer

Servers = Callable[..., PostgresServer]


async def test_a_restart_is_survived(new_postgres: Servers, tmp_path: Path) -> None:
    """Fast and immediate, between calls and within a transaction; an outage, and its end."""
    server = new_postgres()
    place = LedgerPlace(tmp_path, server.url)
    async with open_store(place, busy_sec=2.0) as ledger:
        for number, how in enumerate((signal.SIGINT, signal.SIGQUIT)):
            async with asyncio.TaskGroup() as group:
                for it in range(8):
                    group.create_task(ledger.open(f"{number}", f"{it}", ["c"]))
                    group.create_task(ledger.load("i"))
            server.stop(how)
            server.start()
            async with asyncio.TaskGroup() as group:
                for it in range(8, 16):
                    group.create_task(ledger.open(f"{number}", f"{it}", ["c"]))
                    group.create_task(ledger.load("i"))
            assert len(await ledger.ids(f"{number}")) == 16

        runs = 0

        async def interrupted(db: Database) -> None:
            nonlocal runs
            runs += 1
            await db.execute("insert into claims values ('i', 'x', 1)")
            if runs == 1:
                await asyncio.to_thread(_restart, server)
            await db.execute("insert into claims values ('i', 'y', 1)")

        await ledger._run("write", interrupted)
        assert (runs, await ledger.claims("i")) == (2, {"x": 1, "y": 1})

        server.stop()
        for late in (ledger.open("i", "late", ["c"]), ledger.load("i"), ledger.ping()):
            with pytest.raises(
                LedgerUnavailable, match=r"(write|read) ledger postgresql://postgres@/.*connection to server on socket"
            ):
                await late
        server.start()
        await ledger.open("i", "again", ["c"])
        assert await ledger.ids("i") == {"again"}


def _restart(server: PostgresServer) -> None:
    server.stop(signal.SIGQUIT)
    server.start()


async def test_a_commit_in_doubt_is_not_repeated(new_postgres: Servers, tmp_path: Path) -> None:
    """The server ends the session while the commit waits: nobody knows whether it happened."""
    server = new_postgres()
    async with open_store(LedgerPlace(tmp_path, server.url)) as ledger:
        server.execute(
            "create function twelvelabs_connector.ended() returns trigger language plpgsql as $$ begin"
            " perform pg_terminate_backend(pg_backend_pid()); return null; end $$"
        )
        server.execute(
            "create constraint trigger ended after insert on twelvelabs_connector.claims"
            " deferrable initially deferred for each row execute function twelvelabs_connector.ended()"
        )
        with pytest.raises(LedgerUnavailable, match=r"lost during the commit, so it is not known.*will be repeated"):
            await ledger.save_claim("i", "x", 1)
        server.execute("drop trigger ended on twelvelabs_connector.claims")
        await ledger.save_claim("i", "y", 1)
        assert await ledger.claims("i") == {"y": 1}


async def test_a_database_that_was_read_only_for_a_while_is_written_again(
    new_postgres: Servers, tmp_path: Path
) -> None:
    """A session keeps the setting with which it began."""
    server = new_postgres()
    async with open_store(LedgerPlace(tmp_path, server.url)) as ledger:
        await ledger.open("i", "before", ["c"])
        server.execute("alter database postgres set default_transaction_read_only = on")
        server.execute("select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()")
        with pytest.raises(LedgerUnavailable, match=r"read-only transaction\. .*default_transaction_read_only is on"):
            await ledger.open("i", "meanwhile", ["c"])
        writable = "-c default_transaction_read_only=off"
        with psycopg.connect(server.url, options=writable, autocommit=True) as connection:
            connection.execute("alter database postgres reset default_transaction_read_only")
        await ledger.open("i", "after", ["c"])
        assert await ledger.ids("i") == {"before", "after"}

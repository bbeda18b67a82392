"""Errors of PostgreSQL become LedgerUnavailable with operation, place, cause and cure."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.domain.ledger_place import LedgerPlace
from connector.ledger.ledger_opening import inspected, open_store
from connector.ledger.postgres import postgres_errors
from tests.builders import applied
from tests.postgres_server import PASSWORD, PostgresServer
from tests.qdrant_server import free_port

PLACE = "postgresql://user:***@host/db"


def subclasses(kind: type[psycopg.Error]) -> Iterator[type[psycopg.Error]]:
    for it in kind.__subclasses__():
        yield it
        yield from subclasses(it)


CLASSES = sorted(set(subclasses(psycopg.Error)), key=lambda it: it.__name__)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda it: it.__name__)
def test_every_exception_of_psycopg_has_a_cause_and_a_cure(kind: type[psycopg.Error]) -> None:
    found = postgres_errors.translated(kind("what happened\nand where"), "write", PLACE)

    assert (found.operation, found.subject, found.cause) == ("write ledger", PLACE, "what happened")
    assert len(found.advice) > 20
    assert isinstance(found.__cause__, kind)


def test_every_class_of_sqlstate_that_a_server_reports_is_known() -> None:
    """Those of the standard that PostgreSQL has no use for in a plain session are not."""
    states = {kind.sqlstate[:2] for kind in CLASSES if kind.sqlstate}
    unused = {
        "02",
        "03",
        "09",
        "0B",
        "10",
        "0F",
        "0L",
        "0P",
        "0Z",
        "20",
        "21",
        "24",
        "26",
        "27",
        "2B",
        "2D",
        "2F",
        "34",
    }
    unused |= {"38", "39", "3B", "44", "72", "F0", "HV", "P0"}

    assert states - unused == {state[:2] for state in postgres_errors._BY_STATE}


def test_only_lost_connections_and_conflicts_are_repeated() -> None:
    lost = {it.__name__ for it in CLASSES if it.sqlstate in postgres_errors._LOST_STATES}
    repeated = {it.__name__ for it in CLASSES if postgres_errors.is_worth_repeating(it())}

    assert lost == {
        "AdminShutdown",
        "CannotConnectNow",
        "CrashShutdown",
        "IdleInTransactionSessionTimeout",
        "IdleSessionTimeout",
    }
    assert repeated == {"DeadlockDetected", "SerializationFailure"}
    assert errors.UniqueViolation.sqlstate not in postgres_errors._LOST_STATES


async def refused(url: str, tmp_path: Path, *, busy_sec: float = 2.0) -> str:
    with pytest.raises(LedgerUnavailable) as found:
        async with open_store(LedgerPlace(tmp_path, url), busy_sec=busy_sec) as ledger:
            await ledger.record("i", "a", applied())
    text = str(found.value)
    assert PASSWORD not in text
    return text


Servers = Callable[..., PostgresServer]


async def test_a_database_that_cannot_be_used_says_why(new_postgres: Servers, tmp_path: Path) -> None:
    """One server for all: it takes seconds to start."""
    server = new_postgres()
    assert re.search(
        r"open ledger postgresql://postgres:\*\*\*@127.*password authentication failed.*Check that",
        await refused(server.tcp_url.replace("pass%2F", "bad%2F"), tmp_path),
    )
    assert 'database "nowhere" does not exist' in await refused(server.url.replace("/postgres?", "/nowhere?"), tmp_path)
    assert "refused" in await refused(server.tcp_url.replace(f":{server.port}/", f":{free_port()}/"), tmp_path)

    async with open_store(LedgerPlace(tmp_path, server.url)):
        pass
    server.execute("alter database postgres set default_transaction_read_only = on")
    assert "standby" in await refused(server.url, tmp_path)
    with pytest.raises(ConfigError, match=r"it is read-only\. Use the primary server"):
        await inspected(LedgerPlace(tmp_path, server.url))
    server.execute("set transaction_read_only = off; alter database postgres reset default_transaction_read_only")

    server.execute("create role stranger login")
    stranger = server.url.replace("postgres@", "stranger@")
    assert "permission denied" in await refused(stranger, tmp_path)
    with pytest.raises(ConfigError, match=r"stranger may not read and write the table \w+\. Run as its owner: grant"):
        await inspected(LedgerPlace(tmp_path, stranger))
    other = f"{stranger}&options=-csearch_path%3Dother"
    assert "Grant the user what is missing: `connector check`" in await refused(other, tmp_path)
    with pytest.raises(ConfigError, match=r"may not create the schema other.*grant create on database postgres to str"):
        await inspected(LedgerPlace(tmp_path, other))
    server.execute("create schema other; grant usage on schema other to stranger")
    with pytest.raises(ConfigError, match=r"may not create tables in the schema other.*grant create on schema other"):
        await inspected(LedgerPlace(tmp_path, other))

    server.execute("create schema theirs; create table theirs.pgqueuer (id int)")
    theirs = LedgerPlace(tmp_path, f"{server.url}&options=-csearch_path%3Dtheirs")
    with pytest.raises(ConfigError, match="another program has a table pgqueuer in the schema theirs"):
        await inspected(theirs)
    with pytest.raises(ConfigError, match="Choose another schema"):
        await open_store(theirs).__aenter__()

    server.execute("alter role stranger connection limit 0")
    assert "too many connections for role" in await refused(stranger, tmp_path)
    assert "Raise max_connections of PostgreSQL" in await refused(stranger, tmp_path)

    server.execute("create database old encoding 'SQL_ASCII' template template0")
    with pytest.raises(ConfigError, match="its encoding is SQL_ASCII"):
        await inspected(LedgerPlace(tmp_path, server.url.replace("/postgres?", "/old?")))


async def test_a_lock_that_somebody_holds_is_named(postgres_ledger: str, tmp_path: Path) -> None:
    async with open_store(LedgerPlace(tmp_path, postgres_ledger), busy_sec=0.3) as ledger:
        with psycopg.connect(postgres_ledger) as other:
            other.execute("lock table checkpoints")
            with pytest.raises(LedgerUnavailable, match=r"lock timeout\. Another session holds a lock: end it"):
                await ledger.record("i", "a", applied())
        await ledger.record("i", "a", applied())


async def test_a_full_disk_is_named(postgres_ledger: str, tmp_path: Path) -> None:
    """As the server reports it: class 53, disk_full."""
    async with open_store(LedgerPlace(tmp_path, postgres_ledger)) as ledger:
        with psycopg.connect(postgres_ledger, autocommit=True) as other:
            other.execute(
                "create function full_disk() returns trigger language plpgsql as $$ begin"
                " raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$"
            )
            other.execute("create trigger full_disk before insert on checkpoints execute function full_disk()")
        with pytest.raises(LedgerUnavailable, match=r"No space left on device\. Free space on the disk"):
            await ledger.record("i", "a", applied())


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ("?bogus=1", "unknown option bogus"),
        ("?options=-csearch_path%3Da,b", "search_path 'a,b' is not the name of one schema"),
    ],
)
async def test_options_that_are_wrong_are_named(tmp_path: Path, options: str, cause: str) -> None:
    place = LedgerPlace(tmp_path, f"postgresql://u:secret@127.0.0.1:1/d{options}")
    with pytest.raises(ConfigError) as found:
        async with open_store(place):
            pass

    assert cause in str(found.value)
    assert "secret" not in str(found.value)

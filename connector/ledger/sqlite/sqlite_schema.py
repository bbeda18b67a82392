"""The tables of the ledger, and the migration of files that earlier releases wrote."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import Applied, Attempt, Checkpoint, IndexState
from connector.ledger import cells
from connector.ledger.rows import LedgerRow
from connector.ledger.sqlite.sqlite_connection import SqliteConnection, driven

VERSION = 3
_TABLES = """
create table checkpoints (
    index_id text not null,
    indexed_asset_id text not null,
    opened integer not null default 0,
    collections text not null default '[]',
    fingerprint text,
    revision text,
    metadata_revision text,
    points integer,
    collection text,
    applied_at real,
    shallow_at real,
    deep_at real,
    tried_fingerprint text,
    attempts integer,
    since real,
    reason text,
    code text,
    due real,
    tried_at real,
    priority integer,
    listed text,
    absent_since real,
    primary key (index_id, indexed_asset_id)
) without rowid;
create index unfinished on checkpoints (index_id) where (opened or attempts is not null) and priority is null;
create index planned on checkpoints (index_id) where priority is not null;
create index absent on checkpoints (index_id) where absent_since is not null;
create table indexes (
    index_id text primary key,
    first_cycle_at real,
    canary_at real,
    deep_due_since real,
    shallow_due_since real,
    index_name text,
    model text,
    model_options text,
    expires_at text,
    withheld_because text,
    withheld_from integer,
    watermark real,
    pending text,
    listed_at real,
    listed_with text,
    report text,
    expiry_announced integer
) without rowid;
create table deletes (index_id text not null, at real not null, indexed_asset_id text not null);
create index deletes_by_index on deletes (index_id, at);
create table identity (id integer primary key check (id = 1), ledger_id text not null);
insert into identity values (1, lower(hex(randomblob(16))));
create table claims (
    index_id text not null,
    instance_id text not null,
    epoch integer not null,
    primary key (index_id, instance_id)
) without rowid;
create table orders (
    id integer primary key autoincrement,
    kind text not null,
    arguments text not null,
    state text not null default 'placed',
    progress text,
    result text
);
create table daemon (id integer primary key check (id = 1), live text not null);
create table cycles (
    id integer primary key autoincrement,
    index_id text not null,
    kind text not null,
    ended_at real not null,
    report text not null
);
create index cycles_by_index on cycles (index_id, id);
create table minutes (
    index_id text not null,
    minute integer not null,
    assets integer not null,
    points integer not null,
    lags integer not null,
    lag_sum real not null,
    lag_max real not null,
    primary key (index_id, minute)
) without rowid;
create table totals (
    index_id text primary key,
    assets integer not null,
    applied integer not null,
    points integer not null,
    opened integer not null,
    fresh integer not null,
    command integer not null,
    refresh integer not null,
    backlog integer not null
) without rowid;
"""
_TOTALS = {
    "assets": "1",
    "applied": "({row}.points is not null and not {row}.opened)",
    "points": "coalesce({row}.points, 0)",
    "opened": "({row}.opened and {row}.attempts is null and {row}.priority is null)",
    "fresh": "({row}.priority is 0)",
    "command": "({row}.priority is 1)",
    "refresh": "({row}.priority is 2)",
    "backlog": "({row}.priority is 3)",
}
"""Column of `totals` -> what one row of `checkpoints` adds to it. Triggers keep the sums, so that nobody counts."""


def refuse_newer(db: sqlite3.Connection, path: Path) -> None:
    """Raises LedgerUnavailable for a file that a newer release wrote."""
    version = _version(db)
    if version > VERSION:
        cause = f"it has schema version {version}, but this release supports only {VERSION}"
        raise LedgerUnavailable("open ledger", str(path), cause, "Use the release that wrote it or a newer one")


def prepare(db: sqlite3.Connection) -> None:
    """Create the tables, or migrate those of an earlier release, in one transaction. Raises LedgerUnavailable."""
    if not is_older(db):
        return
    with _transaction(db):
        if _version(db) == 0:
            _create(db)
        elif _version(db) == 1:
            _migrate(db)
        else:
            _add_to_2(db)


def version_of(path: Path) -> int:
    """0 if there is no ledger. Raises LedgerUnavailable."""
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
            return _version(db)
    except sqlite3.Error as error:
        raise LedgerUnavailable("read ledger", str(path), str(error), "Restore the file from a backup") from error


def is_older(db: sqlite3.Connection) -> bool:
    """True if `prepare` would change the file."""
    return _version(db) < VERSION


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("pragma user_version").fetchone()[0])


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Explicit: the sqlite3 module opens none for statements that change the schema."""
    db.execute("begin immediate")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.commit()


def _create(db: sqlite3.Connection) -> None:
    for statement in _TABLES.split(";"):
        if statement.strip():
            db.execute(statement)
    for trigger in _triggers():
        db.execute(trigger)
    db.execute(f"pragma user_version = {VERSION}")


def _triggers() -> Iterator[str]:
    """One for each way to change a row."""

    def added(row: str, sign: str) -> str:
        return ", ".join(f"{name} = {name} {sign} {term.format(row=row)}" for name, term in _TOTALS.items())

    first = "insert or ignore into totals values (new.index_id, 0, 0, 0, 0, 0, 0, 0, 0);"
    add = f"update totals set {added('new', '+')} where index_id = new.index_id;"  # noqa: S608  literals of this module
    subtract = f"update totals set {added('old', '-')} where index_id = old.index_id;"  # noqa: S608  the same
    yield f"create trigger totals_insert after insert on checkpoints begin {first} {add} end"
    yield f"create trigger totals_delete after delete on checkpoints begin {subtract} end"
    columns = "opened, points, attempts, priority"
    yield f"create trigger totals_update after update of {columns} on checkpoints begin {subtract} {add} end"


def _migrate(db: sqlite3.Connection) -> None:
    """From version 1, which kept facts as JSON text in a few columns."""
    rows, states = list(_rows_of_1(db)), list(_states_of_1(db))
    tables = {name for (name,) in db.execute("select name from sqlite_master where type = 'table'")}
    kept = {
        table: db.execute(f"select {columns} from {table}").fetchall()  # noqa: S608  literals of this function
        for table, columns in (
            ("deletes", "index_id, at, indexed_asset_id"),
            ("claims", "index_id, instance_id, epoch"),
            ("identity", "id, ledger_id"),
            ("daemon", "id, live"),
            ("orders", "id, kind, arguments, state, progress, result"),
        )
        if table in tables
    }
    for table in tables - {"sqlite_sequence"}:
        db.execute(f"drop table {table}")
    _create(db)
    db.execute("delete from identity where ? > 0", (len(kept.get("identity", ())),))
    for table, found in kept.items():
        marks = ", ".join("?" * len(found[0])) if found else ""
        if found:
            db.executemany(f"insert into {table} values ({marks})", found)  # noqa: S608  the same
    db.executemany(cells.INSERT_ROW, (cells.of_row(index_id, row) for index_id, row in rows))
    for index_id, state, report in states:
        db.execute("insert into indexes (index_id, report) values (?, ?)", (index_id, report))
        if state:
            driven(cells.write_state(SqliteConnection(db), index_id, state))


def _add_to_2(db: sqlite3.Connection) -> None:
    """What version 3 has in addition: it reads the rows of version 2 as they are."""
    db.execute("alter table checkpoints add column absent_since real")
    db.execute("alter table indexes add column expiry_announced integer")
    db.execute("create index absent on checkpoints (index_id) where absent_since is not null")
    db.execute(f"pragma user_version = {VERSION}")


def _rows_of_1(db: sqlite3.Connection) -> Iterator[tuple[str, Checkpoint]]:
    columns = "index_id, indexed_asset_id, opened, collections, applied, attempt"
    for index_id, name, opened, collections, applied, attempt in db.execute(f"select {columns} from checkpoints"):  # noqa: S608  a literal
        at = LedgerRow("checkpoints", (index_id, name))
        yield (
            at.text("index_id", index_id),
            Checkpoint(
                at.text("indexed_asset_id", name),
                applied=None if applied is None else at.facts("applied", applied, Applied),
                opened=at.flag("opened", opened),
                collections=at.names("collections", collections),
                attempt=None if attempt is None else at.facts("attempt", attempt, Attempt),
            ),
        )


def _states_of_1(db: sqlite3.Connection) -> Iterator[tuple[str, IndexState | None, str | None]]:
    for index_id, state, report in db.execute("select index_id, state, report from indexes"):
        at = LedgerRow("indexes", (index_id,))
        facts = None if state is None else at.facts("state", state, IndexState)
        yield at.text("index_id", index_id), facts, report

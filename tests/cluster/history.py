"""What happened to leases and rows, written down by triggers of the database itself, by its own clock."""

from dataclasses import dataclass
from itertools import groupby, pairwise

from connector.cluster.index_leases import LEASE_SEC
from tests.cluster.ledger_facts import rows
from tests.postgres_server import PostgresServer

_INSTALL = """
create schema history;
create table history.leases (
    id bigint generated always as identity, at double precision, name text, epoch bigint, expires_at double precision
);
create table history.deletes (index_id text, indexed_asset_id text);
create function history.note_lease() returns trigger language plpgsql as $$ begin
    insert into history.leases (at, name, epoch, expires_at) values (
        extract(epoch from clock_timestamp()), new.name, new.epoch, extract(epoch from new.expires_at)
    );
    return null;
end $$;
create function history.note_delete() returns trigger language plpgsql as $$ begin
    insert into history.deletes values (old.index_id, old.indexed_asset_id);
    return null;
end $$;
create trigger history after insert or update on twelvelabs_connector.leases
    for each row execute function history.note_lease();
create trigger history after delete on twelvelabs_connector.checkpoints
    for each row execute function history.note_delete()
"""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """`silent_sec`: from the last renewal of the earlier holder. `early_sec`: how much of its lease was left."""

    name: str
    silent_sec: float
    early_sec: float


def begin_history(database: PostgresServer) -> None:
    """The ledger must have its tables."""
    for statement in _INSTALL.strip().split(";\ncreate "):
        database.execute(statement if statement.startswith("create") else f"create {statement}")


def take_overs(database: PostgresServer) -> list[TakeOver]:
    """Of leases that were not given back."""
    found = list[TakeOver]()
    written = rows(database, "select name, at, epoch, expires_at from history.leases order by name, id")
    for name, entries in groupby(written, key=lambda it: str(it[0])):
        moments = [(float(str(at)), int(str(epoch)), float(str(ends))) for _, at, epoch, ends in entries]
        for (before, epoch, ends), (at, next_epoch, _) in pairwise(moments):
            if next_epoch > epoch and ends > before:
                found.append(TakeOver(name, at - (ends - LEASE_SEC), ends - at))
    return found


def deleted(database: PostgresServer) -> set[tuple[object, ...]]:
    """Index and id of every asset whose row was removed."""
    return set(rows(database, "select index_id, indexed_asset_id from history.deletes"))

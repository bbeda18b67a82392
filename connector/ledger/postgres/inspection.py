"""What `connector check` says of a PostgreSQL ledger. Reads only."""

from dataclasses import dataclass

import psycopg

from connector.domain.errors import ConfigError
from connector.ledger.postgres import postgres_migration, postgres_schema
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.postgres_errors import translated
from connector.ledger.postgres.postgres_session import Session, connect

_BUSY_SEC = 10.0
_PROBES = 3
_FACTS = """
select current_setting('server_version'), current_setting('server_version_num')::int / 10000,
    current_setting('server_encoding'),
    pg_is_in_recovery() or pg_settings.reset_val = 'on', current_user::text, current_database()::text,
    has_database_privilege(current_database(), 'CREATE'), exists (select from pg_namespace where nspname = $1),
    (select has_schema_privilege(oid, 'CREATE') from pg_namespace where nspname = $1)
from pg_settings where name = 'default_transaction_read_only'
"""
_FORBIDDEN = """
select relname::text from pg_class
where relnamespace = to_regnamespace(quote_ident($1)) and relkind = 'r'
and not (has_table_privilege(oid, 'SELECT') and has_table_privilege(oid, 'INSERT')
    and has_table_privilege(oid, 'UPDATE') and has_table_privilege(oid, 'DELETE'))
order by relname limit 1
"""


@dataclass(frozen=True, slots=True)
class PostgresFacts:
    """`schema_version` is 0 if there is no ledger yet."""

    server: str
    schema: str
    schema_version: int

    def __str__(self) -> str:
        ledger = f"schema version {self.schema_version}" if self.schema_version else "no ledger yet; it can be created"
        return f"PostgreSQL {self.server}, session pooling or none, schema {self.schema}: {ledger}"


async def inspect(address: PostgresAddress) -> PostgresFacts:
    """Raises ConfigError if the connector cannot work with this database, or LedgerUnavailable."""
    try:
        async with await connect(address, busy_sec=_BUSY_SEC) as session:
            facts = await _facts(session, address)
            if not facts.schema_version:
                await postgres_migration.refuse_foreign(session, address)
            await refuse_transaction_pooling(session, address)
            return facts
    except psycopg.Error as error:
        raise translated(error, "check", address.shown) from error


async def check_pooling(address: PostgresAddress) -> None:
    """Raises ConfigError for a pooler that gives each transaction another session, or LedgerUnavailable."""
    try:
        async with await connect(address, busy_sec=_BUSY_SEC) as session:
            await refuse_transaction_pooling(session, address)
    except psycopg.Error as error:
        raise translated(error, "check", address.shown) from error


async def versions(address: PostgresAddress) -> tuple[int, int]:
    """Schema versions of the ledger, 0 if there is none, and of this release. Raises LedgerUnavailable."""
    try:
        async with await connect(address, busy_sec=_BUSY_SEC, read_only=True) as session:
            return await postgres_migration.version_of(session, address.schema), postgres_schema.VERSION
    except psycopg.Error as error:
        raise translated(error, "read", address.shown) from error


async def refuse_transaction_pooling(session: Session, address: PostgresAddress) -> None:
    """Raises ConfigError if two sessions at once have the same server process, or one has two."""
    async with await connect(address, busy_sec=_BUSY_SEC) as other:
        for _ in range(_PROBES):
            before, beside, after = [await _process_of(it) for it in (session, other, session)]
            if before != after or before == beside:
                cause = "the pooler gives each transaction another session (pgbouncer: pool_mode transaction)"
                advice = "Use pool_mode session for this database, or connect to PostgreSQL directly"
                raise ConfigError("use ledger", address.shown, cause, advice)


async def _process_of(session: Session) -> int:
    (pid,) = await (await session.execute(b"select pg_backend_pid()")).fetchone() or (0,)
    return int(pid)


async def _facts(session: Session, address: PostgresAddress) -> PostgresFacts:
    row = await (await session.execute(_FACTS, (address.schema,))).fetchone()
    server, release, encoding, is_read_only, user, database, may_create, exists, may_fill = row or (None,) * 9
    wrong = None
    if int(release or 0) < postgres_schema.OLDEST_SERVER:
        wrong = f"it is PostgreSQL {server}", f"Use PostgreSQL {postgres_schema.OLDEST_SERVER} or newer"
    elif encoding != "UTF8":
        wrong = f"its encoding is {encoding}", "Create the database with encoding UTF8"
    elif is_read_only:
        wrong = "it is read-only", "Use the primary server, and a user without default_transaction_read_only"
    elif not exists and not may_create:
        advice = f"Run as its owner: grant create on database {database} to {user}"
        wrong = f"the user {user} may not create the schema {address.schema}", advice
    elif table := await _forbidden(session, address.schema):
        advice = f"Run as its owner: grant all on all tables in schema {address.schema} to {user}"
        wrong = f"the user {user} may not read and write the table {table}", advice
    elif exists and not may_fill and not await postgres_migration.version_of(session, address.schema):
        advice = f"Run as its owner: grant create on schema {address.schema} to {user}"
        wrong = f"the user {user} may not create tables in the schema {address.schema}", advice
    if wrong:
        raise ConfigError("use ledger", address.shown, *wrong)
    version = await postgres_migration.version_of(session, address.schema)
    postgres_migration.refuse_newer(version, address)
    return PostgresFacts(str(server).partition(" ")[0], address.schema, version)


async def _forbidden(session: Session, schema: str) -> str | None:
    row = await (await session.execute(_FORBIDDEN, (schema,))).fetchone()
    return str(row[0]) if row else None

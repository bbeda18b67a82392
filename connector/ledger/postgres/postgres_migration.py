"""Versions of the ledger's schema in PostgreSQL, and the migration between them."""

import re

from connector.domain.errors import ConfigError, LedgerUnavailable
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.postgres_schema import VERSION, creation
from connector.ledger.postgres.postgres_session import Session

# A query, not `to_regclass`: within a transaction that would not see what another one has created meanwhile.
_HAS_LEDGER = """
select from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relname = 'ledger_version' and nspname = $1
"""
_FOREIGN = """
select relname::text from pg_class
where relnamespace = to_regnamespace(quote_ident($1)) and relname = any($2::text[]) order by relname limit 1
"""
_TABLE = re.compile(r"create (?:unlogged )?table (?:if not exists )?(\w+)", re.IGNORECASE)


async def version_of(session: Session, schema: str) -> int:
    """0 if the schema has no ledger."""
    found = await session.execute(_HAS_LEDGER, (schema,))
    if await found.fetchone() is None:
        return 0
    row = await (await session.execute(f'select version from "{schema}".ledger_version'.encode())).fetchone()  # noqa: S608  a checked name
    return int(row[0]) if row else 0


def refuse_newer(version: int, address: PostgresAddress) -> None:
    """Raises LedgerUnavailable for a schema of a newer release."""
    if version > VERSION:
        cause = f"it has schema version {version}, but this release supports only {VERSION}"
        raise LedgerUnavailable("open ledger", address.shown, cause, "Use the release that wrote it or a newer one")


async def migrate(session: Session, address: PostgresAddress) -> tuple[int, int]:
    """Create the tables, or migrate those of an earlier release; return the old and the new version.

    One transaction, one process at a time. Raises LedgerUnavailable or psycopg.Error.
    """
    async with session.transaction():
        lock = "select pg_advisory_xact_lock(hashtextextended($1, 0))"
        await session.execute(lock, (f"{address.schema}.migration",))
        version = await version_of(session, address.schema)
        refuse_newer(version, address)
        if version == 0:
            await refuse_foreign(session, address)
            statements = creation(address.schema, exists=await _has_schema(session, address.schema))
            await session.execute(";\n".join(statements).encode())
    return version, VERSION


async def refuse_foreign(session: Session, address: PostgresAddress) -> None:
    """For a schema without a ledger. Raises ConfigError if another program has a table of the same name in it."""
    names = _TABLE.findall("\n".join(creation(address.schema, exists=True)))
    found = await (await session.execute(_FOREIGN, (address.schema, names))).fetchone()
    if found:
        cause = f"another program has a table {found[0]} in the schema {address.schema}"
        advice = "Choose another schema: append ?options=-csearch_path%3Dname to CONNECTOR_LEDGER_URL"
        raise ConfigError("use ledger", address.shown, cause, advice)


async def _has_schema(session: Session, schema: str) -> bool:
    found = await session.execute("select exists (select from pg_namespace where nspname = $1)", (schema,))
    (exists,) = await found.fetchone() or (False,)
    return bool(exists)

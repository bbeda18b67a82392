"""Transactions on a PostgreSQL database.

Changes that wait while an earlier group is being committed share the next transaction, as in SQLite. Reads run beside
them, each statement for itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg

from connector.domain.errors import LedgerUnavailable
from connector.ledger.database import Dialect, Transactions, Work
from connector.ledger.postgres import postgres_migration, postgres_schema
from connector.ledger.postgres.address import PostgresAddress
from connector.ledger.postgres.lease import Lease
from connector.ledger.postgres.postgres_errors import is_lost, is_worth_repeating, translated
from connector.ledger.postgres.postgres_session import PostgresConnection, Session, connect
from connector.ledger.postgres.session_pool import NoSession, SessionPool
from connector.ledger.sqlite.sqlite_file import SqliteFile

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Change:
    """A change that waits for its transaction, and then its result."""

    work: Work[Any]
    is_done: bool = False
    is_abandoned: bool = False
    result: Any = None
    error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        self.error, self.is_done = error, True


class _LostBeforeCommit(Exception):
    """The transaction had no effect, and may be repeated."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__()
        self.error = error


class PostgresDatabase:
    """Implements Transactions. With a lease, every write proves first that it still holds."""

    def __init__(
        self, address: PostgresAddress, *, busy_sec: float, read_only: bool = False, lease: Lease | None = None
    ) -> None:
        """Read-only on a database without a ledger behaves as an empty ledger and creates nothing."""
        self._address, self._busy_sec, self._read_only, self._lease = address, busy_sec, read_only, lease
        self._pool = SessionPool(address, busy_sec=busy_sec, read_only=read_only)
        self._nothing: Transactions | None = None
        self._writer, self._waiting = asyncio.Lock(), list[_Change]()

    @property
    def dialect(self) -> Dialect:
        return self._nothing.dialect if self._nothing else PostgresConnection.dialect

    @property
    def place(self) -> str:
        return self._address.shown

    def check_place(self) -> None:
        """A database has no name that another one could take while it is open."""

    async def __aenter__(self) -> Self:
        try:
            session = await connect(self._address, busy_sec=self._busy_sec, read_only=self._read_only)
            async with session:
                version = await postgres_migration.version_of(session, self._address.schema)
                postgres_migration.refuse_newer(version, self._address)
                if self._read_only and not version:
                    self._nothing = await SqliteFile(Path(":memory:"), read_only=True).__aenter__()
                    return self
                if version < postgres_schema.VERSION:
                    await postgres_migration.migrate(session, self._address)
        except psycopg.Error as error:
            raise translated(error, "open", self.place) from error
        await self._pool.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Safe to repeat: a store closes it for each of its parts."""
        nothing, self._nothing = self._nothing, None
        if nothing:
            await nothing.close()
        await self._pool.close()

    async def run(self, operation: str, work: Work[T]) -> T:
        if self._nothing:
            return await self._nothing.run(operation, work)
        return await (self._read(work) if operation == "read" else self._write(work))

    async def _read(self, work: Work[T]) -> T:
        for is_last in (False, True):
            session = None
            try:
                async with self._pool.session("read") as session:
                    return await work(PostgresConnection(session))
            except psycopg.Error as error:
                if is_last or not is_lost(error, session):
                    raise translated(error, "read", self.place) from error
                await self._pool.replace_lost()
        raise AssertionError("the last one returns or raises")

    async def _write(self, work: Work[T]) -> T:
        change = _Change(work)
        self._waiting.append(change)
        try:
            async with self._writer:
                if not change.is_done:  # else a group before this one had it
                    await self._carry_out_waiting()
        finally:
            change.is_abandoned = not change.is_done
        if change.error:
            raise change.error
        result: T = change.result
        return result

    async def _carry_out_waiting(self) -> None:
        group, self._waiting = [it for it in self._waiting if not it.is_abandoned], []
        try:
            await self._carry_out(group)
        finally:
            # Cancelled before the commit: the next in line goes on with the others.
            self._waiting = [*(it for it in group if not it.is_done), *self._waiting]

    async def _carry_out(self, group: Sequence[_Change]) -> None:
        """As one transaction; if a change fails, each as its own."""
        try:
            await self._repeated(group)
        except _LostBeforeCommit as lost:
            if len(group) > 1 and is_worth_repeating(lost.error):
                for change in group:  # a transaction of one change conflicts with fewer others
                    await self._carry_out([change])
            else:
                _end(group, translated(lost.error, "write", self.place))
        except NoSession as error:
            _end(group, error)
        except Exception as error:  # noqa: BLE001  raised where the change was asked for
            if len(group) == 1:
                group[0].end(translated(error, "write", self.place) if isinstance(error, psycopg.Error) else error)
                return
            for change in group:
                await self._carry_out([change])

    async def _repeated(self, group: Sequence[_Change]) -> None:
        """Repeated once if the transaction is known to have had no effect."""
        try:
            await self._transaction(group)
        except _LostBeforeCommit:
            await self._pool.replace_lost()
            await self._transaction(group)

    async def _transaction(self, group: Sequence[_Change]) -> None:
        session = None
        try:
            async with self._pool.session("write") as session:
                database = PostgresConnection(session)
                try:
                    await session.execute(b"begin")
                    if self._lease:
                        await self._lease.prove(database)
                    for change in group:
                        change.result = await change.work(database)
                except BaseException:
                    await _roll_back(session)
                    raise
                await self._commit(session, group)
        except psycopg.Error as error:
            if is_lost(error, session) or is_worth_repeating(error):
                raise _LostBeforeCommit(error) from error
            raise

    async def _commit(self, session: Session, group: Sequence[_Change]) -> None:
        """After an error here nobody knows whether the changes were made: they are not repeated."""
        doubt = LedgerUnavailable(
            "write ledger",
            self.place,
            "the connection was lost during the commit, so it is not known whether the change was made",
            "Nothing needs to be done: what is unfinished will be repeated",
        )
        try:
            ended = await session.execute(b"commit")
            assert ended.statusmessage == "COMMIT", "PostgreSQL rolls back silently if a statement failed"  # noqa: S101  a defect
        except psycopg.Error as error:
            if session.closed:
                doubt.__cause__ = error
                _end(group, doubt)
            else:
                await _roll_back(session)
                raise
        except BaseException:
            _end(group, doubt)
            raise
        else:
            _end(group)


def _end(group: Sequence[_Change], error: BaseException | None = None) -> None:
    for change in group:
        change.end(error)


async def _roll_back(session: Session) -> None:
    try:
        await session.rollback()
    except psycopg.Error:
        await session.close()

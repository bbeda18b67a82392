"""What the ledger needs of a database. SQLite and PostgreSQL carry out the same statements.

Statements are written for both: parameters are `?` or `?1`; `indexed by` is a hint that only SQLite reads.
"""

from collections.abc import Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

T = TypeVar("T")

BUSY_TIMEOUT_SEC = 10
LAST_WRITE_SEC = 2.0
"""How long a daemon waits for each of its last writes when it ends. The next daemon does not depend on them."""
NO_RESPONSE = f"no response within {LAST_WRITE_SEC:g} seconds"

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where the databases differ."""

    rows_at_once: int
    """How many rows are read and converted in one go, while other calls wait."""
    for_update: str
    """Ends a query for rows that no other transaction may change until this one ends."""
    name_contains: str
    """Condition on a checkpoint: its id or file name, in lower case, contains the parameter `?`, twice."""


class InvalidText(Exception):
    """Text in the ledger is not valid UTF-8."""


class Found(Protocol):
    """The result of a statement: its rows, read once, and how many rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def __iter__(self) -> Iterator[Row]: ...

    def fetchone(self) -> Any: ...


class Database(Protocol):
    """A connection within a transaction."""

    @property
    def dialect(self) -> Dialect: ...

    async def execute(self, query: str, values: Sequence[object] = (), /) -> Found: ...

    async def executemany(self, query: str, rows: Iterable[Sequence[object]], /) -> None: ...

    async def valid(self, query: str, values: Sequence[object] = ()) -> Generator[Row, None, None]:
        """Rows whose text is valid UTF-8. Faster. Raises InvalidText on the way if some is not: `execute` reads it.

        Close it if it is not read to its end.
        """


Work = Callable[[Database], Coroutine[Any, Any, T]]


class Transactions(Protocol):
    """A database that holds a ledger. An async context manager: it is open inside the block."""

    @property
    def dialect(self) -> Dialect: ...

    @property
    def place(self) -> str:
        """Where the ledger is, for people; without a password."""

    async def run(self, operation: str, work: Work[T]) -> T:
        """Run `work` in a transaction, which is durable on return. `operation` is `read` or `write`.

        It may run twice, so it must be safe to repeat, and must await nothing but the database. Raises
        LedgerUnavailable.
        """

    def check_place(self) -> None:
        """Raises LedgerUnavailable if what it writes to is not what somebody finds who opens it now."""

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        """Raises LedgerUnavailable if it cannot be used."""

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...


class LedgerTables:
    """Base of what reads and writes tables of the ledger. An async context manager, like its transactions."""

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions

    async def __aenter__(self) -> Self:
        await self._transactions.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._transactions.close()

    async def ping(self) -> None:
        """Raises LedgerUnavailable if the ledger cannot be read."""

        async def work(db: Database) -> object:
            return (await db.execute("select count(*) from indexes")).fetchone()

        await self._run("read", work)

    async def _run(self, operation: str, work: Work[T]) -> T:
        return await self._transactions.run(operation, work)

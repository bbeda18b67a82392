"""The row of PostgreSQL that all replicas with one API key share: when the next request may be sent."""

from dataclasses import dataclass

from connector.ledger.database import Database, Transactions

_READ = """
select greatest(blocked_until - now_sec, 0), pace, greatest(paced_until - now_sec, 0)
from rate_limits, (select extract(epoch from clock_timestamp())::double precision) as clock (now_sec) where name = ?
"""


@dataclass(frozen=True, slots=True)
class LimitFacts:
    """Seconds from now. `blocked`: the source accepts no request. `pace` makes a quota last for `paced`."""

    blocked: float = 0.0
    pace: float = 0.0
    paced: float = 0.0


class LimitRow:
    """All methods raise LedgerUnavailable."""

    def __init__(self, transactions: Transactions, key_digest: str) -> None:
        """`transactions` of its own: no write to the ledger may wait for a turn, nor hold one up.

        `key_digest` is that of the endpoints.
        """
        self._transactions, self._name = transactions, key_digest

    async def reserve(self, interval: float) -> tuple[float, float]:
        """Seconds until the turn that was reserved; or for how long the source is blocked, and none was."""

        async def work(db: Database) -> tuple[float, float]:
            values = (self._name, interval)
            wait, blocked = (await db.execute("select wait, blocked from reserve_turn(?, ?)", values)).fetchone()
            return wait, blocked

        return await self._transactions.run("write", work)

    async def tell(self, charged: float, blocked: float | None, pace: float | None, paced: float | None) -> None:
        async def work(db: Database) -> None:
            await db.execute("select tell_limit(?, ?, ?, ?, ?)", (self._name, charged, blocked, pace, paced))

        await self._transactions.run("write", work)

    async def read(self) -> LimitFacts:
        async def work(db: Database) -> LimitFacts:
            row = (await db.execute(_READ, (self._name,))).fetchone()
            return LimitFacts(*row) if row else LimitFacts()

        return await self._transactions.run("read", work)

"""The live state of all replicas that share a PostgreSQL ledger, as `status` shows it."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from connector.domain import timestamps
from connector.domain.priority import Priority
from connector.ledger.database import Database, Transactions
from connector.ledger.heartbeat import Heartbeat
from connector.ledger.postgres.cluster_tables import index_of_lease
from connector.ledger.rows import LedgerRow

_WRITE = "update replicas set live = ? where replica_id = ?"
_REPLICAS = """
select replica_id, host, pid, version, extract(epoch from started_at)::double precision,
    extract(epoch from clock_timestamp() - seen_at)::double precision, live
from replicas where is_member and seen_at > clock_timestamp() - interval '15 seconds'
order by started_at, replica_id
"""
_LEASES = """
select name, replica_id, epoch, greatest(extract(epoch from expires_at - clock_timestamp()), 0)::double precision
from leases where name <> 'ledger' and expires_at > clock_timestamp() order by name
"""
_JOBS = "select priority, status::text, count(*) from pgqueuer where status in ('queued', 'picked') group by 1, 2"


class SharedHeartbeat(Heartbeat):
    """`write` is for the replica with this id, or for the only process; `read` merges what all of them say."""

    def __init__(self, transactions: Transactions, replica_id: str | None = None) -> None:
        super().__init__(transactions)
        self._replica_id = replica_id

    async def write(self, live: Mapping[str, Any]) -> None:
        if self._replica_id is None:
            await super().write(live)
            return
        values = (json.dumps(live), self._replica_id)
        await self._run("write", lambda db: db.execute(_WRITE, values))

    async def read(self) -> dict[str, Any] | None:
        """That of the oldest replica, with the indexes of all, and `cluster`."""

        async def work(db: Database) -> dict[str, Any] | None:
            rows = list(await db.execute(_REPLICAS))
            lives = [_live(row[0], row[6]) for row in rows if row[6] is not None]
            if not lives:
                return None
            leases = {
                index_of_lease(name): {"replica": holder, "epoch": epoch, "ends_in_sec": round(left, 1)}
                for name, holder, epoch, left in await db.execute(_LEASES)
            }
            jobs = _depths(await db.execute(_JOBS))
            replicas = [_replica(row, leases) for row in rows]
            indexes = {index_id: it for live in lives for index_id, it in live["indexes"].items()}
            for index_id, it in indexes.items():
                it["in_hand"] = sorted({name for live in lives for name in live.get("jobs", {}).get(index_id, ())})
            cluster = {"replicas": replicas, "leases": leases, "jobs": jobs}
            return {**lives[0], "indexes": indexes, "cluster": cluster}

        return await self._run("read", work) or await super().read()


def _live(replica_id: str, cell: object) -> dict[str, Any]:
    document = LedgerRow("replicas", (replica_id,)).document("live", cell)
    return {**document, "indexes": dict(document.get("indexes", {}))}


def _replica(row: tuple[Any, ...], leases: Mapping[Any, Mapping[str, Any]]) -> dict[str, Any]:
    replica_id, host, pid, version, started_at, beat_sec, live = row
    document = _live(replica_id, live) if live is not None else {}
    return {
        "replica": replica_id,
        "host": host,
        "pid": pid,
        "version": version,
        "started_at": timestamps.text(started_at),
        "beat_sec": round(beat_sec, 1),
        "state": document.get("state", "starting"),
        "cannot_work": document.get("cannot_work"),
        "settings": document.get("settings"),
        "in_hand": sum(len(names) for names in document.get("jobs", {}).values()),
        "leases": sorted(index_id for index_id, it in leases.items() if it["replica"] == replica_id),
    }


def _depths(rows: Iterable[tuple[Any, ...]]) -> dict[str, dict[str, int]]:
    """By priority: how many jobs wait, and how many are in hand."""
    found = {priority.name.lower(): {"waiting": 0, "in_hand": 0} for priority in Priority}
    for urgency, status, count in rows:
        name = Priority(max(Priority) - urgency).name.lower()
        found[name]["waiting" if status == "queued" else "in_hand"] += count
    return found

"""Invariants that hold at every moment, looked at while replicas work and die."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from qdrant_client import QdrantClient
from qdrant_client.http.exceptions import ApiException

from connector.simulator import Simulator
from tests.cluster.fleet import Fleet
from tests.cluster.ledger_facts import rows
from tests.postgres_server import PostgresServer
from tests.waiting import wait_until

Asset = tuple[str, str]

_KEYS = ("index_id", "indexed_asset_id", "revision")
_BETWEEN_SEC = 0.2
_BUSY = "select count(*) from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"
_ROWS = "select index_id, indexed_asset_id, opened, revision, points from checkpoints"


def revisions(client: QdrantClient) -> dict[Asset, Counter[str]]:
    """How many points of each revision every asset has."""
    found = defaultdict[Asset, Counter[str]](Counter)
    for collection in client.get_collections().collections:
        offset = None
        while True:
            records, offset = client.scroll(collection.name, limit=2000, offset=offset, with_payload=list(_KEYS))
            for payload in (record.payload or {} for record in records):
                index_id, name, revision = (payload[key] for key in _KEYS)
                found[index_id, name][revision] += 1
            if offset is None:
                break
    return found


def check_truth(fleet: Fleet, database: PostgresServer, client: QdrantClient) -> None:
    """I2: every asset with points has a row, and a row that is not opened states exactly what the sink holds.

    All replicas are stopped for a moment, since the two are not read at once.
    """
    with fleet.stopped():
        wait_until(lambda: rows(database, _BUSY) == [(0,)], 30, "what they sent to PostgreSQL is done")
        stated = {(str(index), str(name)): rest for index, name, *rest in rows(database, _ROWS)}
        held = revisions(client)
    assert not held.keys() - stated.keys(), "these have points and no row"
    for asset, (opened, revision, points) in stated.items():
        if not opened:
            assert held.get(asset, {}) == ({revision: points} if points else {}), f"the row of {asset} is not true"


class PointsWatch:
    """I3: what is listed and has had points keeps them. `lost` are those that did not."""

    def __init__(self, client: QdrantClient, simulator: Simulator) -> None:
        self._client, self._simulator, self._ended = client, simulator, threading.Event()
        self.seen, self.lost, self.looks = set[Asset](), set[Asset](), 0

    def run(self) -> None:
        while not self._ended.wait(_BETWEEN_SEC):
            try:
                held = self._held()
                missing = (self.seen & self._listed()) - held
                # A scroll that began before a replacement, and ended after it, shows neither.
                self.lost |= missing - self._held() if missing else missing
            except ApiException:
                continue  # Qdrant restarts
            self.seen |= held
            self.looks += 1

    def stop(self) -> None:
        self._ended.set()

    def _held(self) -> set[Asset]:
        return {asset for asset, found in revisions(self._client).items() if found}

    def _listed(self) -> set[Asset]:
        control = self._simulator.control
        return {(index_id, name) for index_id in control.index_ids for name in control.asset_ids(index_id)}


@contextmanager
def watched(client: QdrantClient, simulator: Simulator) -> Iterator[PointsWatch]:
    watch = PointsWatch(client, simulator)
    thread = threading.Thread(target=watch.run)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()


def most_within(seconds: float, moments: list[float]) -> int:
    """The largest number of them in any span of that length."""
    ordered, most, first = sorted(moments), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def repeated(retrieved: Mapping[str, int], versions: Mapping[str, int]) -> int:
    """How many retrievals were more than one for each version of an asset; one that has not changed has one."""
    return sum(max(count - versions.get(name, 1), 0) for name, count in retrieved.items())

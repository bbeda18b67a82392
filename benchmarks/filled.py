"""Brings a ledger and a collection into the state after a first sync, without the sync: for large indexes.

The points have a payload and no vectors, because what is measured then reads no vectors.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from qdrant_client import QdrantClient, models

from benchmarks.library import INDEX_ID, USER_METADATA
from benchmarks.stage import client_of
from connector.app import open_app
from connector.domain.fingerprint import digest, fingerprint
from connector.domain.ledger_model import Applied, Checkpoint, IndexState
from connector.domain.points import metadata_payload, point_id
from connector.domain.source_model import Index, IndexedAsset, RetrievedAsset
from connector.settings.connector_settings import given_only
from tests.qdrant_server import QdrantServer

_BATCH = 2000
_NO_OPTIMIZER = models.OptimizersConfigDiff(indexing_threshold=10**9)


async def fill(base_url: str, server: QdrantServer, data: Path) -> None:
    """Every asset of the index is applied, with one to three points."""
    settings = given_only(
        twelvelabs_api_key="benchmark",
        twelvelabs_base_url=base_url,
        qdrant_url=server.url,
        qdrant_grpc_port=server.grpc_port,
        connector_indexes=INDEX_ID,
        connector_data_dir=data,
    )
    async with open_app(settings, "sync") as app:
        chosen = settings.of_index(INDEX_ID)
        index = await app.source.index(INDEX_ID)
        spec = chosen.needed_spec(index, None)
        assert spec
        await app.sink.ensure(spec, chosen.metadata_indexes)
        snapshot, shape, now = await app.source.snapshot(index), chosen.point_config(index), time.time()
        rows = [
            _row(index, asset, spec.name, number, fingerprint(asset, shape), now)
            for number, asset in enumerate(snapshot.assets.values())
        ]
        with client_of(server) as client:
            _write(client, spec.name, [point for row in rows for point in _points(row, spec.model)])
        await app.ledger.adopt(INDEX_ID, rows, IndexState(first_cycle_at=now, canary_at=now))


def _row(index: Index, asset: IndexedAsset, collection: str, number: int, print_: str, now: float) -> Checkpoint:
    """The metadata revision is true, so that a refresh finds nothing to write."""
    name = asset.indexed_asset_id
    _, metadata = metadata_payload(RetrievedAsset(asset, USER_METADATA), index, print_, media_links=False)
    revision = digest(name.encode())
    applied = Applied(print_, revision, metadata, 1 + number % 3, collection, now, now, now)
    return Checkpoint(name, applied=applied, collections=frozenset({collection}), listed=asset)


def _points(row: Checkpoint, model: str) -> Iterator[models.PointStruct]:
    applied = row.applied
    assert applied
    for number in range(applied.points):
        start, end = 6 * number, 6 * number + 6
        payload: dict[str, Any] = {
            "index_id": INDEX_ID,
            "indexed_asset_id": row.indexed_asset_id,
            "embedding_model": model,
            "embedding_scope": "clip",
            "start_offset_sec": float(start),
            "end_offset_sec": float(end),
            "revision": applied.revision,
            "metadata_revision": applied.metadata_revision,
            "fingerprint": applied.fingerprint,
            "asset_points": applied.points,
        }
        ident = point_id(INDEX_ID, row.indexed_asset_id, model, "clip", start * 1000, end * 1000)
        yield models.PointStruct(id=ident, vector={}, payload=payload)


def _write(client: QdrantClient, collection: str, points: list[models.PointStruct]) -> None:
    client.update_collection(collection, optimizers_config=_NO_OPTIMIZER)
    for start in range(0, len(points), _BATCH):
        client.upsert(collection, points[start : start + _BATCH], wait=start + _BATCH >= len(points))

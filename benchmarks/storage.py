"""What a collection costs in Qdrant: bytes on disk and in RAM, by how the user made it beforehand."""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from benchmarks.processes import cpu_seconds, pause, resident_megabytes
from benchmarks.stage import client_of, fresh_qdrant
from benchmarks.tables import number, table
from tests.waiting import wait_until

POINTS, QUICK_POINTS = 100_000, 2_000
NAME, DIMENSION, _BATCH = "stored", 512, 1_000
_OPTIMIZED_SEC = 600
_INT8 = models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True))

WAYS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "vectors on disk": {"on_disk": True},
    "vectors and HNSW on disk, int8 in RAM": {"on_disk": True, "quantization": _INT8, "hnsw_on_disk": True},
    "two shards": {"shards": 2},
}


def result(points: int) -> dict[str, Any]:
    return {"points": points, "ways": {name: _measure(points, **way) for name, way in WAYS.items()}}


def _measure(
    points: int,
    *,
    on_disk: bool = False,
    quantization: models.ScalarQuantization | None = None,
    hnsw_on_disk: bool = False,
    shards: int = 1,
) -> dict[str, float]:
    """RAM is measured after a restart and some searches: what the server needs to answer, without what loading left."""
    with fresh_qdrant() as server:
        empty = resident_megabytes(server.pid)
        with client_of(server) as client:
            client.create_collection(
                NAME,
                vectors_config=models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE, on_disk=on_disk),
                quantization_config=quantization,
                hnsw_config=models.HnswConfigDiff(on_disk=hnsw_on_disk),
                shard_number=shards,
            )
            started = time.perf_counter()
            _load(client, points)
            loaded = time.perf_counter() - started
            wait_until(lambda: _is_optimized(client), _OPTIMIZED_SEC, "the collection is optimized")
        cpu = cpu_seconds(server.pid)
        disk = sum(file.stat().st_blocks * 512 for file in (server.directory / "storage").rglob("*") if file.is_file())
        server.stop()
        server.start()
        with client_of(server) as client:
            milliseconds = _search(client)
        return {
            "disk_bytes": disk,
            "ram_bytes": 1e6 * (resident_megabytes(server.pid) - empty),
            "load_sec": loaded,
            "qdrant_cpu_sec": cpu,
            "search_ms": milliseconds,
        }


def _load(client: QdrantClient, points: int) -> None:
    generator = np.random.default_rng(1)
    for start in range(0, points, _BATCH):
        count = min(_BATCH, points - start)
        vectors = generator.standard_normal((count, DIMENSION), dtype=np.float32)
        payload = {"indexed_asset_id": f"66bb{start:020x}", "transcript": "boats return safely before the storm"}
        batch = models.Batch(
            ids=list(range(start, start + count)), vectors=vectors.tolist(), payloads=[dict(payload)] * count
        )
        client.upsert(NAME, batch, wait=True)


def _is_optimized(client: QdrantClient) -> bool:
    """Optimizers start a moment after the last write, so a first green answer does not count."""
    pause(1.0)
    return client.get_collection(NAME).status == models.CollectionStatus.GREEN


def _search(client: QdrantClient) -> float:
    generator, times = np.random.default_rng(2), []
    for _ in range(50):
        query = generator.standard_normal(DIMENSION, dtype=np.float32).tolist()
        started = time.perf_counter()
        client.query_points(NAME, query=query, limit=10)
        times.append(time.perf_counter() - started)
    return 1000 * sorted(times)[len(times) // 2]


def per_million(result: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    factor = 1e6 / result["points"] / 1e9
    return {
        name: {"disk_gb": factor * one["disk_bytes"], "ram_gb": factor * one["ram_bytes"]}
        for name, one in result["ways"].items()
    }


def show(result: Mapping[str, Any]) -> str:
    scaled = per_million(result)
    rows = [
        [
            name,
            number(scaled[name]["disk_gb"]),
            number(scaled[name]["ram_gb"]),
            number(one["load_sec"]),
            number(one["qdrant_cpu_sec"]),
            number(one["search_ms"]),
        ]
        for name, one in result["ways"].items()
    ]
    head = f"{result['points']:,} vectors of {DIMENSION} dimensions, scaled to a million.\n"
    columns = ("", "GB on disk", "GB in RAM", "s to load", "Qdrant CPU s", "median ms of a search")
    return head + "\n" + table(columns, rows)

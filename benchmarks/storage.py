"""What segments cost in Qdrant: disk, RAM, time to write and to search, by how the collection was made."""

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from qdrant_client import QdrantClient, models

from benchmarks.library import DIMENSION, OPTIONS, Library
from benchmarks.processes import anonymous_megabytes, cpu_seconds, pause, resident_megabytes
from benchmarks.stage import client_of, fresh_qdrant
from benchmarks.tables import number, table
from benchmarks.write_side import COLLECTION, ensure_collection, points_of, write_with_sink
from connector.domain.points import AssetPoints
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until

LIBRARY = Library(assets=100, segments=(500, 300, 200), short=True)
"""100,000 segments: points of one, two and three vectors."""
QUICK = Library(assets=2, segments=(50, 30, 20), short=True)
SEARCHES, _LIMIT, _INDEXED_SEC = 200, 10, 3600
_INT8 = models.ScalarQuantization(scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True))


@dataclass(frozen=True, slots=True)
class Way:
    """How a user makes the collection before the first sync."""

    on_disk: bool = False
    quantization: models.ScalarQuantization | None = None
    shards: int = 1


WAYS: Mapping[str, Way] = {
    "default": Way(),
    "vectors on disk": Way(on_disk=True),
    "int8 in RAM, vectors on disk": Way(on_disk=True, quantization=_INT8),
    "two shards": Way(shards=2),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """`ram` is what the process holds, `private_ram` the part that is not a page of a file and cannot be reclaimed.

    Sizes are those of all assets but the first. A collection with one asset has already what does not grow:
    `fixed_ram` of buffers, and the write-ahead `log`.
    """

    write_sec: float
    indexed_sec: float
    qdrant_cpu_sec: float
    disk_mb: float
    log_mb: float
    loaded_ram_mb: float
    ram_mb: float
    private_ram_mb: float
    fixed_ram_mb: float
    search_p50_ms: float
    search_p95_ms: float


def result(library: Library) -> dict[str, Any]:
    assets = list(points_of(library))
    ways = {name: asdict(_measure(assets, way)) for name, way in WAYS.items()}
    grown = library.segments_in_all * (library.assets - 1) // library.assets
    return {"segments": library.segments_in_all, "grown": grown, "points": library.points_in_all, "ways": ways}


def _measure(assets: Sequence[AssetPoints], way: Way) -> Stored:
    """RAM is measured after a restart and the searches: what the server needs to answer, without what loading left."""
    with fresh_qdrant() as server:
        empty = resident_megabytes(server.pid)
        with client_of(server) as client:
            _create(client, way)
        asyncio.run(ensure_collection(server))
        asyncio.run(write_with_sink(server, assets[:1]))
        _restart(server)
        with client_of(server) as client:
            _search(client)
        base, cpu = _Sizes.of(server), cpu_seconds(server.pid)
        with client_of(server) as client:
            started = time.perf_counter()
            asyncio.run(write_with_sink(server, assets[1:]))
            written = time.perf_counter() - started
            wait_until(lambda: _is_indexed(client), _INDEXED_SEC, "the collection is indexed")
            indexed = time.perf_counter() - started
        loaded, cpu = _Sizes.of(server), cpu_seconds(server.pid) - cpu
        _restart(server)
        with client_of(server) as client:
            times = _search(client)
        found = _Sizes.of(server)
        return Stored(
            write_sec=written,
            indexed_sec=indexed,
            qdrant_cpu_sec=cpu,
            disk_mb=found.disk_mb - base.disk_mb,
            log_mb=loaded.log_mb,
            loaded_ram_mb=loaded.ram_mb - empty,
            ram_mb=found.ram_mb - base.ram_mb,
            private_ram_mb=found.private_ram_mb - base.private_ram_mb,
            fixed_ram_mb=base.ram_mb - empty,
            search_p50_ms=1000 * times[len(times) // 2],
            search_p95_ms=1000 * times[len(times) * 95 // 100],
        )


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Of a server now; `disk_mb` is without the log."""

    disk_mb: float
    log_mb: float
    ram_mb: float
    private_ram_mb: float

    @classmethod
    def of(cls, server: QdrantServer) -> "_Sizes":
        log, disk = 0.0, 0.0
        for folder, _, names in os.walk(server.directory / "storage"):
            occupied = sum(_occupied_megabytes(Path(folder, name)) for name in names)
            if "wal" in Path(folder).parts:
                log += occupied
            else:
                disk += occupied
        return cls(disk, log, resident_megabytes(server.pid), anonymous_megabytes(server.pid))


def _occupied_megabytes(file: Path) -> float:
    """0 for a file that the server has removed meanwhile: it goes on tidying up."""
    try:
        return file.stat().st_blocks * 512 / 1e6
    except FileNotFoundError:
        return 0.0


def _restart(server: QdrantServer) -> None:
    server.stop()
    server.start()


def _create(client: QdrantClient, way: Way) -> None:
    vector = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE, on_disk=way.on_disk)
    client.create_collection(
        COLLECTION,
        vectors_config=dict.fromkeys(OPTIONS, vector),
        quantization_config=way.quantization,
        shard_number=way.shards,
    )


def _is_indexed(client: QdrantClient) -> bool:
    """Optimizers start a moment after the last write, so a first green answer does not count."""
    pause(1.0)
    return client.get_collection(COLLECTION).status == models.CollectionStatus.GREEN


def _search(client: QdrantClient) -> Sequence[float]:
    """Seconds of each search, sorted: all options fused, as `connector search` does; the page cache is warm."""
    generator, times = np.random.default_rng(2), []
    for _ in range(SEARCHES):
        query = generator.standard_normal(DIMENSION, dtype=np.float32).tolist()
        parts = [models.Prefetch(query=query, using=option, limit=_LIMIT) for option in OPTIONS]
        started = time.perf_counter()
        client.query_points(
            COLLECTION, prefetch=parts, query=models.FusionQuery(fusion=models.Fusion.RRF), limit=_LIMIT
        )
        times.append(time.perf_counter() - started)
    return sorted(times)


def gigabytes_per_million(result: Mapping[str, Any], key: str) -> dict[str, float]:
    """Way -> size of a million segments, if it grows in proportion."""
    return {name: one[key] * 1e3 / result["grown"] for name, one in result["ways"].items()}


def show(result: Mapping[str, Any]) -> str:
    disk, ram, private = (gigabytes_per_million(result, key) for key in ("disk_mb", "ram_mb", "private_ram_mb"))
    sizes = [
        [name, number(disk[name]), number(ram[name]), number(private[name]), *_megabytes(one)]
        for name, one in result["ways"].items()
    ]
    keys = ("write_sec", "indexed_sec", "qdrant_cpu_sec", "loaded_ram_mb", "search_p50_ms", "search_p95_ms")
    speeds = [[name, *(number(one[key]) for key in keys)] for name, one in result["ways"].items()]
    measured = f"{result['segments']:,} segments of {DIMENSION} dimensions in {result['points']:,} points"
    return "\n".join(
        (
            f"GB per million segments, scaled from {measured}; what does not grow with the collection is beside it:\n",
            table(("", "GB on disk", "GB of RAM", "of it private", "fixed MB of RAM", "fixed MB of log"), sizes),
            f"The {result['segments']:,} segments themselves:\n",
            table(
                (
                    "",
                    "s to write",
                    "s until indexed",
                    "Qdrant CPU s",
                    "MB of RAM when loaded",
                    "search p50 ms",
                    "p95 ms",
                ),
                speeds,
            ),
        )
    )


def _megabytes(one: Mapping[str, float]) -> tuple[str, str]:
    return number(one["fixed_ram_mb"]), number(one["log_mb"])

"""The write side alone: the same points by the connector's sink and by `upload_points` of qdrant-client."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qdrant_client import models

from benchmarks.library import INDEX_ID, MODEL, OPTIONS, Library
from benchmarks.processes import cpu_seconds
from benchmarks.stage import client_of, fresh_qdrant
from benchmarks.tables import number, table
from connector.domain.points import AssetPoints, build
from connector.domain.sink_model import CollectionSpec
from connector.domain.source_model import Index
from connector.qdrant.sink import QdrantSink
from connector.twelvelabs.asset_decoding import read_asset
from connector.twelvelabs.calls import Call
from tests.qdrant_server import QdrantServer

LIBRARY, QUICK = Library(8, (600, 600, 600)), Library(2, (10, 10, 10))
SPEC = CollectionSpec("written", MODEL, 512, OPTIONS)
_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Written:
    wall_sec: float
    cpu_sec: float
    qdrant_cpu_sec: float


def result(library: Library, rounds: int) -> dict[str, Any]:
    """Points are in memory beforehand; of this process' CPU only the writing counts."""
    assets = list(_assets(library))
    ways: Mapping[str, Callable[[QdrantServer], None]] = {
        "sink of the connector": lambda server: asyncio.run(_by_sink(server, assets)),
        "upload_points, batches of 64": lambda server: _by_upload(server, assets, 64),
        "upload_points, batches of 256": lambda server: _by_upload(server, assets, 256),
    }
    found: dict[str, list[Written]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, write in ways.items():
            with fresh_qdrant() as server:
                found[name].append(_timed(server, write))
                with client_of(server) as client:
                    assert client.count(SPEC.name, exact=True).count == library.points_in_all
    return {
        "segments": library.segments_in_all,
        "ways": {name: {key: _median(runs, key) for key in Written.__slots__} for name, runs in found.items()},
    }


def _median(runs: list[Written], key: str) -> float:
    return float(statistics.median(getattr(one, key) for one in runs))


def _timed(server: QdrantServer, write: Callable[[QdrantServer], None]) -> Written:
    asyncio.run(_create(server))
    qdrant, cpu, started = cpu_seconds(server.pid), time.process_time(), time.perf_counter()
    write(server)
    ended = time.perf_counter()
    return Written(ended - started, time.process_time() - cpu, cpu_seconds(server.pid) - qdrant)


def _assets(library: Library) -> Iterator[AssetPoints]:
    index = Index(INDEX_ID, "measured", MODEL, ("visual", "audio"))
    for name, body in library.bodies():
        call = Call("retrieve asset", name, "")
        yield build(read_asset(bytearray(body), call, OPTIONS, MODEL, transcript=True), index, "f" * 32)


def _sink(server: QdrantServer) -> QdrantSink:
    return QdrantSink(server.url, None, server.grpc_port, Path("unused"))


async def _create(server: QdrantServer) -> None:
    sink = _sink(server)
    await sink.ensure(SPEC, {})
    await sink.close()


async def _by_sink(server: QdrantServer, assets: list[AssetPoints]) -> None:
    sink, left = _sink(server), iter(assets)

    async def work() -> None:
        for points in left:
            await sink.replace(points, SPEC.name, (), first=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(work())
    await sink.close()


def _by_upload(server: QdrantServer, assets: list[AssetPoints], batch: int) -> None:
    """Parallel processes would each copy all points; on two cores one process is as fast."""
    with client_of(server) as client:
        client.upload_points(SPEC.name, _structs(assets), batch_size=batch, wait=True)


def _structs(assets: list[AssetPoints]) -> Iterator[models.PointStruct]:
    for points in assets:
        for row, name in enumerate(points.ids):
            vector = {option: named.matrix[row].tolist() for option, named in points.vectors.items()}
            yield models.PointStruct(id=name, vector=dict(vector), payload=points.payload(row, tuple(vector)))


def show(result: Mapping[str, Any]) -> str:
    rows = [
        [
            name,
            number(result["segments"] / one["wall_sec"]),
            number(1e6 * one["cpu_sec"] / result["segments"]),
            number(1e6 * one["qdrant_cpu_sec"] / result["segments"]),
        ]
        for name, one in result["ways"].items()
    ]
    return table(("", "segments/s", "CPU µs per segment", "Qdrant CPU µs per segment"), rows)

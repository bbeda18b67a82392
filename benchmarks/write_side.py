"""The write side alone: the same points by the connector's sink and by `upload_points` of qdrant-client."""

import asyncio
import os
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
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
COLLECTION = "written"
SPEC = CollectionSpec(COLLECTION, MODEL, 512, OPTIONS)
BATCHES, _PARALLEL_BATCH = (16, 64, 256, 512), 256
_IN_FLIGHT = 4


@dataclass(frozen=True, slots=True)
class Written:
    wall_sec: float
    cpu_sec: float
    qdrant_cpu_sec: float


def result(library: Library, rounds: int) -> dict[str, Any]:
    """Points are in memory beforehand; only the CPU of writing counts, with that of processes started for it."""
    assets = list(points_of(library))
    ways: Mapping[str, Callable[[QdrantServer], None]] = {
        "sink of the connector": lambda server: asyncio.run(write_with_sink(server, assets)),
        **{f"upload_points, batches of {size}": partial(_by_upload, assets=assets, batch=size) for size in BATCHES},
        f"upload_points, batches of {_PARALLEL_BATCH}, two processes": partial(
            _by_upload, assets=assets, batch=_PARALLEL_BATCH, parallel=2
        ),
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
    asyncio.run(ensure_collection(server))
    qdrant, cpu, started = cpu_seconds(server.pid), _own_cpu_seconds(), time.perf_counter()
    write(server)
    ended = time.perf_counter()
    return Written(ended - started, _own_cpu_seconds() - cpu, cpu_seconds(server.pid) - qdrant)


def _own_cpu_seconds() -> float:
    """Of this process, and of its children that have ended."""
    return sum(os.times()[:4])


def points_of(library: Library) -> Iterator[AssetPoints]:
    index = Index(INDEX_ID, "measured", MODEL, ("visual", "audio"))
    for name, body in library.bodies():
        call = Call("retrieve asset", name, "")
        yield build(read_asset(bytearray(body), call, OPTIONS, MODEL, transcript=True), index, "f" * 32)


def _sink(server: QdrantServer) -> QdrantSink:
    return QdrantSink(server.url, None, server.grpc_port, Path("unused"))


async def ensure_collection(server: QdrantServer) -> None:
    sink = _sink(server)
    await sink.ensure(SPEC, {})
    await sink.close()


async def write_with_sink(server: QdrantServer, assets: Iterable[AssetPoints]) -> None:
    """Into the collection of `SPEC`, with four assets in flight."""
    sink, left = _sink(server), iter(assets)

    async def work() -> None:
        for points in left:
            await sink.replace(points, SPEC.name, (), first=True)

    async with asyncio.TaskGroup() as group:
        for _ in range(_IN_FLIGHT):
            group.create_task(work())
    await sink.close()


def _by_upload(server: QdrantServer, assets: Iterable[AssetPoints], batch: int, parallel: int = 1) -> None:
    with client_of(server) as client:
        client.upload_points(SPEC.name, _structs(assets), batch_size=batch, parallel=parallel, wait=True)


def _structs(assets: Iterable[AssetPoints]) -> Iterator[models.PointStruct]:
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

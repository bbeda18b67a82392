"""Searches of the golden set of the simulator: synced into Qdrant, asked in several ways."""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from qdrant_client import QdrantClient, models

from benchmarks.processes import pause, run
from benchmarks.search_quality import Asked, K, Key, quality
from benchmarks.search_ways import VENDOR, WAYS, SearchPlace, Way, ask, ask_vendor, quantized_ways
from benchmarks.stage import client_of, connector, connector_settings, fresh_qdrant, report_of
from connector.search import AsyncVideoSearch
from connector.settings.connector_settings import Settings, given_only
from connector.simulator import run_in_thread
from connector.simulator.golden import GoldenQuery, GoldenSet, golden_set
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until

COLLECTION = "twelvelabs-marengo3.0"
_INDEXED_SEC = 3600
_QUANTIZED: dict[str, models.QuantizationConfig] = {
    "int8": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}


@dataclass(frozen=True, slots=True)
class Size:
    """Videos of ten segments each: judged ones, and generated ones that no query is about. Asks each n-th query."""

    videos: int
    filler: int
    each: int = 1
    quantized: tuple[str, ...] = ("int8",)

    @property
    def segments(self) -> int:
        return 10 * (self.videos + self.filler)


QUICK, USUAL, LARGE = Size(20, 5, each=8), Size(210, 790, quantized=("int8", "binary")), Size(210, 9_790)


def result(size: Size, rounds: int) -> dict[str, Any]:
    golden = golden_set(videos=size.videos, filler=size.filler)
    with (
        run_in_thread(golden.scenario) as simulator,
        fresh_qdrant() as server,
        tempfile.TemporaryDirectory(prefix="bench-") as path,
    ):
        directory = Path(path)
        given = connector_settings(
            simulator.base_url,
            server,
            directory,
            CONNECTOR_INDEXES=golden.index_id,
            CONNECTOR_SPARSE_TRANSCRIPT="true",
        )
        synced = run(connector("sync", "--json"), directory, given)
        assert report_of(synced.stdout)["points_written"] >= golden.segments, synced.stdout
        settings = given_only(
            twelvelabs_api_key="benchmark",
            twelvelabs_base_url=simulator.base_url,
            qdrant_url=server.url,
            qdrant_grpc_port=server.grpc_port,
            connector_indexes=golden.index_id,
            connector_data_dir=directory / "data",
        )
        return asked_all(size, golden, settings, server, rounds)


def asked_all(size: Size, golden: GoldenSet, settings: Settings, server: QdrantServer, rounds: int) -> dict[str, Any]:
    """The collection is filled, and ends up quantized."""
    queries = golden.queries[:: size.each]
    asked = asyncio.run(_ask_all(golden.index_id, queries, settings, server, size.quantized, rounds))
    return {
        "segments": size.segments,
        "queries": len(queries),
        "rounds": rounds,
        "load_while_asked": round(os.getloadavg()[1], 1),
        "ways": {way: asdict(quality(found)) for way, found in asked.items()},
    }


async def _ask_all(
    index_id: str,
    queries: Sequence[GoldenQuery],
    settings: Settings,
    server: QdrantServer,
    quantized: Sequence[str],
    rounds: int,
) -> dict[str, list[Asked]]:
    asked: dict[str, list[Asked]] = {}
    async with _opened(index_id, settings) as place:
        with client_of(server) as client:
            _wait_indexed(client)
            asked |= await _rounds(place, WAYS, queries, rounds)
            for name in quantized:
                client.update_collection(COLLECTION, quantization_config=_QUANTIZED[name])
                _wait_indexed(client)
                asked |= await _rounds(place, quantized_ways(name), queries, rounds)
        vendor = [await _timed(partial(ask_vendor, place, it.text)) for it in queries]
    asked[VENDOR] = [Asked(it, ranking, (took,)) for it, (ranking, took) in zip(queries, vendor, strict=True)]
    return asked


@asynccontextmanager
async def _opened(index_id: str, settings: Settings) -> AsyncIterator[SearchPlace]:
    headers, base_url = {"x-api-key": "benchmark"}, f"{settings.twelvelabs_base_url}/"
    async with AsyncExitStack() as stack:
        vendor = httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False, timeout=60)
        libraries = {
            more: await stack.enter_async_context(AsyncVideoSearch.from_settings(settings, oversampling=more))
            for more in {way.oversampling for way in (*WAYS, *quantized_ways(""))}
        }
        yield SearchPlace(index_id, await stack.enter_async_context(vendor), libraries)


async def _rounds(
    place: SearchPlace, ways: Sequence[Way], queries: Sequence[GoldenQuery], rounds: int
) -> dict[str, list[Asked]]:
    """All queries in each way, one after the other, and again in each round, after some that do not count."""
    rankings: dict[str, list[list[Key]]] = {}
    seconds: dict[str, list[tuple[float, ...]]] = {way.name: [()] * len(queries) for way in ways}
    for way in ways:
        for query in queries[:K]:
            await _asked(place, way, query)
    for _ in range(rounds):
        for way in ways:
            found = [await _asked(place, way, query) for query in queries]
            rankings[way.name] = [ranking for ranking, _ in found]
            seconds[way.name] = [(*them, took) for them, (_, took) in zip(seconds[way.name], found, strict=True)]
    return {name: [Asked(*it) for it in zip(queries, rankings[name], seconds[name], strict=True)] for name in rankings}


async def _asked(place: SearchPlace, way: Way, query: GoldenQuery) -> tuple[list[Key], float]:
    """The library remembers the vector of the text, so that embedding it takes no time of the search."""
    vector = await place.libraries[way.oversampling].embed_text(query.text)
    return await _timed(partial(ask, place, way, query.text, vector))


async def _timed(search: Callable[[], Awaitable[list[Key]]]) -> tuple[list[Key], float]:
    started = time.perf_counter()
    return await search(), time.perf_counter() - started


def _wait_indexed(client: QdrantClient) -> None:
    def is_indexed() -> bool:
        pause(1.0)  # optimizers start a moment after the last write
        return client.get_collection(COLLECTION).status == models.CollectionStatus.GREEN

    wait_until(is_indexed, _INDEXED_SEC, "the collection is indexed")

"""Needs a real server: payload indexes, transports, keys, outages, volume."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from qdrant_client import AsyncQdrantClient, models

from connector.domain.errors import SinkMismatch
from connector.domain.search_scope import PointScope
from connector.domain.sink_model import CollectionSpec, Tally
from connector.qdrant.collection_layout import PAYLOAD_INDEXES, type_of
from connector.qdrant.sink import QdrantSink
from tests.contract.asset_points import DIMENSION, OPTIONS, OTHER_INDEX, asset_points, spec
from tests.contract.sinks import QdrantBench
from tests.qdrant_server import Endpoint, free_port


@asynccontextmanager
async def vendor_client(endpoint: Endpoint) -> AsyncIterator[AsyncQdrantClient]:
    client = AsyncQdrantClient(url=endpoint.url, api_key=endpoint.api_key, check_compatibility=False)
    try:
        yield client
    finally:
        await client.close()


async def test_payload_indexes_are_made_once_and_typed(remote: QdrantBench, qdrant: Endpoint, collection: str) -> None:
    """Indexes for our keys and the configured ones; index_id is the tenant."""
    metadata = {"category": "keyword", "batch": "integer", "two words": "text", "a.b": "bool", "dash-ed": "uuid"}
    for _ in range(2):
        await remote.sink.ensure(spec(collection), metadata)

    info = await remote.sink.inspect(collection)
    assert info
    assert info.payload_indexes == {
        **{key: type_of(index) for key, index in PAYLOAD_INDEXES.items()},
        "user_metadata.category": "keyword",
        "user_metadata.batch": "integer",
        'user_metadata."two words"': "text",
        'user_metadata."a.b"': "bool",
        "user_metadata.dash-ed": "uuid",
    }
    async with vendor_client(qdrant) as client:
        params = (await client.get_collection(collection)).payload_schema["index_id"].params
    assert isinstance(params, models.KeywordIndexParams)
    assert params.is_tenant


def _match(key: str, value: str | int) -> models.FieldCondition:
    return models.FieldCondition(key=key, match=models.MatchValue(value=value))


@pytest.mark.parametrize(
    ("condition", "segments"),
    [
        (models.FieldCondition(key="start_offset_sec", range=models.Range(lt=10.0)), [0, 1]),
        (models.FieldCondition(key="end_offset_sec", range=models.Range(gt=20.0)), [3, 4]),
        (
            models.FieldCondition(
                key="created_at", range=models.DatetimeRange(gte=datetime(2026, 1, 14, 13, 34, 29, tzinfo=UTC))
            ),
            [0, 1, 2, 3, 4],
        ),
        (
            models.FieldCondition(
                key="created_at", range=models.DatetimeRange(gte=datetime(2026, 1, 14, 13, 34, 30, tzinfo=UTC))
            ),
            [],
        ),
        (models.FieldCondition(key="transcript", match=models.MatchText(text="goal")), [1]),
        (_match("embedding_options", "audio"), [0, 1, 2, 3, 4]),
        (_match("filename", "match.mp4"), [0, 1, 2, 3, 4]),
        (_match('user_metadata."two words"', 1), [0, 1, 2, 3, 4]),
    ],
)
async def test_filters_work_on_the_stored_payload(
    remote: QdrantBench, qdrant: Endpoint, collection: str, condition: models.FieldCondition, segments: list[int]
) -> None:
    await remote.sink.ensure(spec(collection), {"two words": "integer"})
    points = asset_points(segments=5, words=("a kick", "what a goal"), metadata={"two words": 1})
    await remote.sink.replace(points, collection, ())

    async with vendor_client(qdrant) as client:
        records, _ = await client.scroll(collection, scroll_filter=models.Filter(must=[condition]))

    assert sorted((record.payload or {})["segment"] for record in records) == segments


async def test_a_quantized_collection_of_the_user_is_adopted_as_it_is(
    remote: QdrantBench, qdrant: Endpoint, collection: str
) -> None:
    """Quantization, storage, and the user's metadata and payload indexes stay; ours are added, no type changes."""
    async with vendor_client(qdrant) as client:
        await client.create_collection(
            collection,
            vectors_config={
                name: models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE, on_disk=True)
                for name in OPTIONS
            },
            quantization_config=models.ScalarQuantization(
                scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8)
            ),
            on_disk_payload=True,
            metadata={"owner": "them"},
        )
        await client.create_payload_index(collection, "filename", models.PayloadSchemaType.TEXT, wait=True)
        first, again = [await remote.sink.ensure(spec(collection), {}) for _ in range(2)]
        found = await client.get_collection(collection)

    assert found.config.quantization_config
    assert found.config.params.on_disk_payload
    assert (found.config.metadata or {})["owner"] == "them"
    assert found.payload_schema["filename"].data_type == "text"
    assert found.payload_schema["index_id"].data_type == "keyword"
    assert len(first.warnings) == 1
    assert first.warnings[0].startswith(f"filename of collection {collection} is indexed as text, not as keyword: ")
    assert again.warnings == first.warnings


async def test_everything_works_in_strict_mode(remote: QdrantBench, qdrant: Endpoint, collection: str) -> None:
    """As in hosted collections: no filter without a payload index, and small batches."""
    strict = models.StrictModeConfig(
        enabled=True, unindexed_filtering_retrieve=False, unindexed_filtering_update=False, upsert_max_batchsize=100
    )
    sink = remote.sink
    await sink.ensure(spec(collection), {})
    async with vendor_client(qdrant) as client:
        await client.update_collection(collection, strict_mode_config=strict)
    for seed in range(2):
        await sink.replace(asset_points(segments=250, seed=seed), collection, ())

    await sink.set_payload(collection, "index-1", "asset-1", {"filename": None, "asset_id": "new"})

    assert (await sink.manifest(collection, "index-1"))["asset-1"].intact
    assert len(await sink.search(collection, np.ones(DIMENSION, np.float32), ["index-1"], 5)) == 5
    await sink.delete([collection], "index-1", "asset-1")
    assert await sink.count(collection, "index-1") == 0


@pytest.mark.parametrize("transport", ["grpc", "rest"])
async def test_a_large_asset_goes_through(qdrant: Endpoint, collection: str, tmp_path: Path, transport: str) -> None:
    """2,000 points of three 512-dimensional vectors arrive with the vectors that were sent."""
    port = qdrant.grpc_port if transport == "grpc" else free_port()
    bench = QdrantBench(QdrantSink(qdrant.url, qdrant.api_key, port, tmp_path))
    large = CollectionSpec(collection, "marengo9.9", 512, OPTIONS)
    points = asset_points(segments=2000, dimension=512)
    await bench.sink.ensure(large, {})

    await bench.sink.replace(points, collection, ())

    stored = await bench.stored(collection)
    await bench.sink.close()
    assert set(stored) == set(points.ids)
    sent = points.vectors["audio"].matrix[1999]
    np.testing.assert_allclose(stored[points.ids[1999]].vectors["audio"], sent / np.linalg.norm(sent), atol=1e-6)


async def test_a_collection_dropped_while_running_is_a_mismatch(
    remote: QdrantBench, qdrant: Endpoint, collection: str
) -> None:
    await remote.sink.ensure(spec(collection), {})
    async with vendor_client(qdrant) as client:
        await client.delete_collection(collection)

    with pytest.raises(SinkMismatch, match="was it deleted during the run"):
        await remote.sink.replace(asset_points(), collection, ())


async def test_points_of_other_programs_are_no_hits_and_are_never_deleted(
    remote: QdrantBench, qdrant: Endpoint, collection: str
) -> None:
    await remote.sink.ensure(spec(collection), {})
    await remote.sink.replace(asset_points(), collection, ())
    foreign = models.PointStruct(id=7, vector={"audio": [1.0] * DIMENSION}, payload={"theirs": True})
    async with vendor_client(qdrant) as client:
        await client.upsert(collection, [foreign], wait=True)

    query = np.ones(DIMENSION, np.float32)
    hits = await remote.sink.search(collection, query, [], 10)
    weighted = await remote.sink.moments.find(collection, {"audio": query}, PointScope(), 10, weights={"audio": 2.0})
    await remote.sink.delete([collection], "index-1", "asset-1")

    assert len(hits) == len(weighted) == 3
    assert set(await remote.stored(collection)) == {"7"}


async def test_nulls_reach_every_page_of_points(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), {})
    await remote.sink.replace(asset_points(segments=600), collection, ())

    await remote.sink.set_payload(collection, "index-1", "asset-1", {"filename": None})

    stored = await remote.stored(collection)
    assert [point.payload["filename"] for point in stored.values()] == [None] * 600


async def test_an_example_shows_a_point_as_stored(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), {})
    assert await remote.sink.example(collection) is None
    points = asset_points(segments=1)
    await remote.sink.replace(points, collection, ())

    example = await remote.sink.example(collection)

    assert example
    assert example.point_id == points.ids[0]
    assert example.vectors == dict.fromkeys(OPTIONS, DIMENSION)
    assert example.payload == points.payload(0, OPTIONS)


async def test_a_manifest_of_many_pages_misses_nothing(remote: QdrantBench, collection: str) -> None:
    await remote.sink.ensure(spec(collection), {})
    for number in range(3):
        await remote.sink.replace(asset_points(f"asset-{number}", 900), collection, ())
    await remote.sink.replace(asset_points(index=OTHER_INDEX), collection, ())

    found = await remote.sink.manifest(collection, "index-1")

    assert {asset: one.points for asset, one in found.items()} == {f"asset-{number}": 900 for number in range(3)}


async def test_limits_of_strict_mode_make_requests_smaller(
    remote: QdrantBench, qdrant: Endpoint, collection: str
) -> None:
    """With pages of 50 points and conditions of 4 values, everything works in smaller steps."""
    strict = models.StrictModeConfig(enabled=True, max_query_limit=50, condition_max_size=4)
    sink, names = remote.sink, [f"asset-{i}" for i in range(60)]
    await sink.ensure(spec(collection), {})
    async with vendor_client(qdrant) as client:
        await client.update_collection(collection, strict_mode_config=strict)
    points = {name: asset_points(name, 4) for name in names}
    for one in points.values():
        await sink.replace(one, collection, ())
    async with asyncio.TaskGroup() as group:
        for name in ("first", *(f"together-{number}" for number in range(9))):
            group.create_task(sink.replace(asset_points(name, 1), collection, (), first=True))
    await sink.delete([collection], "index-1", "first")
    for number in range(9):
        await sink.delete([collection], "index-1", f"together-{number}")
    some = Tally({points[name].revision: 4 for name in names[:9]}, {})

    assert await sink.tally(collection, "index-1", 100) is None
    assert set(await sink.manifest(collection, "index-1")) == set(names)
    assert set(await sink.manifest(collection, "index-1", some)) >= set(names[:9])
    assert len(await sink.search(collection, np.ones(DIMENSION, np.float32), ["index-1"], 40)) == 40
    with pytest.raises(SinkMismatch, match="limit"):
        await sink.search(collection, np.ones(DIMENSION, np.float32), ["index-1"], 60)
    await sink.set_payload(collection, "index-1", "asset-1", {"filename": None, "asset_id": "new"})
    await sink.replace(asset_points("asset-2", 120, seed=1), collection, ())
    await sink.replace(asset_points("asset-2", 1, seed=2), collection, ())
    await sink.delete([collection], "index-1", "asset-3")
    assert await sink.count(collection, "index-1") == 58 * 4 + 1


async def test_counts_go_on_where_strict_mode_forbids_exact_ones(
    remote: QdrantBench, qdrant: Endpoint, collection: str
) -> None:
    strict = models.StrictModeConfig(enabled=True, search_allow_exact=False)
    sink = remote.sink
    await sink.ensure(spec(collection), {})
    async with vendor_client(qdrant) as client:
        await client.update_collection(collection, strict_mode_config=strict)

    for seed in range(2):
        await sink.replace(asset_points(segments=3 + seed, seed=seed), collection, ())

    assert await sink.count(collection, "index-1") == 4
    assert await sink.count(collection, "index-2") == 0

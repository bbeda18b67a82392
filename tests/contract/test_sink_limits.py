"""A real server stores and returns all metadata that `metadata` accepts: over gRPC and REST, upserted and patched."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from qdrant_client import models

from connector.domain.metadata import MAX_METADATA_DEPTH
from connector.domain.points import metadata_payload
from tests.builders import asset, retrieved
from tests.contract.asset_points import INDEX, asset_points, spec
from tests.contract.sinks import Bench, QdrantBench
from tests.contract.test_sink_server import vendor_client
from tests.qdrant_server import Endpoint


def nested(levels: int, *, lists: bool) -> dict[str, Any]:
    value: Any = "deep"
    for _ in range(levels - 1):
        value = [value] if lists else {"a": value}
    return {"a": value}


@pytest.mark.parametrize(
    "metadata",
    [
        nested(MAX_METADATA_DEPTH, lists=False),
        nested(MAX_METADATA_DEPTH, lists=True),
        {"": 1, "a.b": 2, "q\"u'o`te": 3, "\x00\n": "\x00", "[0]": 4, "\N{GRINNING FACE}": 5},
        {"large": 1e308, "small": 5e-324, "most": 2**63 - 1, "least": -(2**63), "text": 2**64},
        {f"key {number}": number for number in range(20_000)},
        {"text": "x" * (5 * 1024 * 1024)},
    ],
    ids=["objects", "lists", "keys", "numbers", "wide", "large"],
)
async def test_metadata_within_the_limits_is_given_back_as_it_is(
    bench: Bench, collection: str, metadata: dict[str, Any]
) -> None:
    """Upserted with the points, and patched into points of an applied asset."""
    await bench.sink.ensure(spec(collection), {})
    points = asset_points(metadata=metadata)
    await bench.sink.replace(points, collection, ())
    await bench.sink.replace(asset_points("asset-2"), collection, ())
    of = asset("asset-2", filename=None)
    patched, _ = metadata_payload(retrieved(of=of, metadata=metadata), INDEX, "print", media_links=False)
    await bench.sink.set_payload(collection, INDEX.index_id, "asset-2", patched)

    stored = [point.payload for point in (await bench.stored(collection)).values()]
    assert len(stored) == 6
    assert all(payload["user_metadata"] == points.asset_payload["user_metadata"] for payload in stored)
    assert {payload["filename"] for payload in stored} == {"match.mp4", None}


@pytest.mark.parametrize(
    "time",
    [
        "2026-01-01T00:00:00Z",
        "2026-W01-4T00:00:00Z",
        "20260101T000000Z",
        "2026-01-01T00:00:00,000000999Z",
        "2026-01-01T00:00Z",
        "2026-01-01T00:00:00.Z",
        "2026-01-01 05:30:00.123456789+05:30",
        "2025-12-31T23:59:00-00:01",
    ],
)
async def test_a_time_of_any_spelling_can_be_filtered(
    remote: QdrantBench, qdrant: Endpoint, collection: str, time: str
) -> None:
    await remote.sink.ensure(spec(collection), {})
    await remote.sink.replace(asset_points(), collection, ())
    payload, _ = metadata_payload(retrieved(of=asset(created_at=time)), INDEX, "print", media_links=False)
    await remote.sink.set_payload(collection, INDEX.index_id, "asset-1", payload)

    new_year = datetime(2026, 1, 1, tzinfo=UTC)
    span = models.DatetimeRange(gte=new_year, lt=new_year + timedelta(seconds=1))
    only = models.Filter(must=[models.FieldCondition(key="created_at", range=span)])
    async with vendor_client(qdrant) as client:
        found = await client.count(collection, count_filter=only)
    assert found.count == 3

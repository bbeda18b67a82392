"""Payloads that are nested more deeply than protobuf reads, which other programs may set over REST."""

from typing import Any

import httpx
import pytest

from tests.contract.asset_points import asset_points, spec
from tests.contract.sinks import QdrantBench
from tests.qdrant_server import Endpoint


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"inner": value}
    return value


@pytest.mark.parametrize("levels", [32, 60, 120])
async def test_points_with_deeply_nested_payloads_are_read(
    remote: QdrantBench, qdrant: Endpoint, collection: str, levels: int
) -> None:
    points, deep = asset_points(segments=2), nested(levels)
    await remote.sink.ensure(spec(collection), {})
    await remote.sink.replace(points, collection, ())
    change = {"payload": {"theirs": deep}, "points": [points.ids[0]]}
    headers = {"api-key": qdrant.api_key} if qdrant.api_key else {}
    async with httpx.AsyncClient(base_url=qdrant.url, headers=headers, trust_env=False) as client:
        answer = await client.post(f"/collections/{collection}/points/payload", params={"wait": "true"}, json=change)
        assert answer.status_code == 200, answer.text

    read = [it async for page in remote.sink.payloads(collection, "index-1", ["theirs"]) for it in page]
    stored = await remote.sink.points(collection, "index-1", points.indexed_asset_id)
    example = await remote.sink.example(collection)

    assert [it["theirs"] for it in read if it.get("theirs")] == [deep]
    assert stored[points.ids[0]].payload["theirs"] == deep
    assert set(stored[points.ids[0]].vectors) == set(stored[points.ids[1]].vectors) != set()
    assert example is not None
    assert example.vectors

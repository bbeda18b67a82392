"""The bare pipe: httpx, orjson and gRPC with vectors as bytes, four assets in flight, and no safety at all.

No retries, no checks, no ledger, no deletes: how fast the same points can be moved when nothing may go wrong.
"""

import asyncio
import sys
from collections.abc import Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]  # grpcio ships no types
import httpx
import numpy as np
import orjson
from qdrant_client import AsyncQdrantClient, models
from qdrant_client import grpc as messages
from qdrant_client.conversions.conversion import RestToGrpc

from benchmarks.contenders.loop import payload_indexes
from benchmarks.contenders.task import DIMENSION, OPTIONS, Speech, Task, asset_payload, point_id

BATCH = 256
PAGE = 50
UPSERT = "/qdrant.Points/Upsert"
_POINTS_OF_UPSERT = 3


async def main(task: Task) -> None:
    sink = AsyncQdrantClient(url=task.qdrant_url, grpc_port=task.grpc_port, prefer_grpc=True, timeout=60)
    options = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    limits = httpx.Limits(max_connections=task.in_flight)
    async with (
        httpx.AsyncClient(headers={"x-api-key": "benchmark"}, timeout=60, limits=limits) as source,
        grpc.aio.insecure_channel(f"127.0.0.1:{task.grpc_port}", options=options) as channel,
    ):
        # The bytes are sent as they are: no second encoding by protobuf.
        upsert = channel.unary_unary(UPSERT, None, messages.PointsOperationResponse.FromString)
        base = f"{task.base_url}/indexes/{task.index_id}"
        index = orjson.loads((await source.get(base)).content)
        await create_collection(sink, task.collection)
        assets = asyncio.Queue[str](maxsize=PAGE)
        async with asyncio.TaskGroup() as group:
            for _ in range(task.in_flight):
                group.create_task(work(task, source, upsert, index, assets))
            await list_assets(source, base, assets)
            for _ in range(task.in_flight):
                await assets.put("")
    await sink.close()


async def list_assets(source: httpx.AsyncClient, base: str, assets: asyncio.Queue[str]) -> None:
    number, last = 0, 1
    while number < last:
        number += 1
        query = httpx.QueryParams(page=number, page_limit=PAGE, sort_option="asc")
        page = orjson.loads((await source.get(f"{base}/indexed-assets", params=query)).content)
        last = page["page_info"]["total_page"]
        for asset in page["data"]:
            await assets.put(asset["_id"])


async def create_collection(sink: AsyncQdrantClient, name: str) -> None:
    params = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    await sink.create_collection(name, vectors_config=dict.fromkeys(OPTIONS, params))
    async with asyncio.TaskGroup() as group:
        for key, schema in payload_indexes().items():
            group.create_task(sink.create_payload_index(name, key, schema, wait=True))


async def work(
    task: Task, source: httpx.AsyncClient, upsert: Any, index: dict[str, Any], assets: asyncio.Queue[str]
) -> None:
    query = httpx.QueryParams([*(("embedding_option", option) for option in OPTIONS), ("transcription", "true")])
    while name := await assets.get():
        url = f"{task.base_url}/indexes/{task.index_id}/indexed-assets/{name}"
        body = (await source.get(url, params=query)).content
        for request in await asyncio.to_thread(requests, task.collection, index, body):
            await upsert(request, timeout=60)


def requests(collection: str, index: dict[str, Any], body: bytes) -> list[bytes]:
    """Serialized UpsertPoints messages. Repeated fields of messages that follow each other are joined."""
    head = messages.UpsertPoints(collection_name=collection, wait=True).SerializeToString()
    points = list(points_of(index, orjson.loads(body)))
    batches = (points[start : start + BATCH] for start in range(0, len(points), BATCH))
    return [b"".join((head, *(part for one in batch for part in (prefix(len(one)), one)))) for batch in batches]


def prefix(size: int) -> bytes:
    """Tag and length of one point."""
    found = bytearray((_POINTS_OF_UPSERT << 3 | 2,))
    while size > 0x7F:
        found.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes((*found, size))


def points_of(index: dict[str, Any], asset: dict[str, Any]) -> Iterator[bytes]:
    """Serialized PointStruct messages; what all points share is serialized once."""
    embedding = asset["embedding"]
    segments = embedding["video_embedding"]["segments"]
    numbers = np.array([segment["float"] for segment in segments], dtype="<f4").tobytes()
    vectors: dict[tuple[str, float, float], dict[str, bytes]] = {}
    for row, segment in enumerate(segments):
        place = segment["embedding_scope"], segment["start_offset_sec"], segment["end_offset_sec"]
        floats = numbers[row * 4 * DIMENSION : (row + 1) * 4 * DIMENSION]
        vectors.setdefault(place, {})[segment["embedding_option"]] = floats
    shared = point(payload=RestToGrpc.convert_payload(asset_payload(index, asset, len(vectors))))
    speech = Speech(asset["transcription"])
    templates: dict[tuple[str, ...], tuple[bytes, ...]] = {}
    for number, ((scope, start, end), named) in enumerate(sorted(vectors.items(), key=lambda entry: entry[0])):
        options = tuple(named)
        pieces = templates.get(options) or templates.setdefault(options, tuple(vector_template(options)))
        payload = {
            "embedding_options": list(options),
            "embedding_scope": scope,
            "start_offset_sec": start,
            "end_offset_sec": end,
            "segment": number,
            "transcript": speech.between(start, end),
        }
        ident = point_id(index["_id"], asset["_id"], embedding["model_name"], scope, start, end)
        own = point(id=messages.PointId(uuid=ident), payload=RestToGrpc.convert_payload(payload))
        parts = (part for piece, option in zip(pieces, options, strict=True) for part in (piece, named[option]))
        yield b"".join((own, shared, *parts))


def point(**fields: Any) -> bytes:
    serialized: bytes = messages.PointStruct(**fields).SerializeToString()
    return serialized


def vector_template(options: tuple[str, ...]) -> Iterator[bytes]:
    """What stands before the floats of each option, cut from a message with zeros. All vectors have one size."""
    for option in options:
        dense = messages.Vector(dense=messages.DenseVector(data=[0.0] * DIMENSION))
        vectors = messages.Vectors(vectors=messages.NamedVectors(vectors={option: dense}))
        yield point(vectors=vectors)[: -4 * DIMENSION]


if __name__ == "__main__":
    asyncio.run(main(Task.of(sys.argv[1])))

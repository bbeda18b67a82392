"""The loop that people write by hand: the official SDK, then qdrant-client, one asset after the other.

As good as this kind can be: gRPC, batches, one point with several named vectors, payload indexes beforehand.
"""

import sys
from collections.abc import Iterator
from typing import Any

import httpx
from qdrant_client import QdrantClient, models
from twelvelabs import TwelveLabs
from twelvelabs.types import IndexedAssetDetailed, IndexSchema

from benchmarks.contenders.task import DIMENSION, KEYWORDS, OPTIONS, Speech, Task, asset_payload, point_id

BATCH = 256


def main(task: Task) -> None:
    with httpx.Client(timeout=60) as http:
        source = TwelveLabs(api_key="benchmark", base_url=task.base_url, httpx_client=http)
        sink = QdrantClient(url=task.qdrant_url, grpc_port=task.grpc_port, prefer_grpc=True, timeout=60)
        index = source.indexes.retrieve(task.index_id)
        create_collection(sink, task.collection)
        for listed in source.indexes.indexed_assets.list(task.index_id, page_limit=50, sort_option="asc"):
            asset = source.indexes.indexed_assets.retrieve(
                task.index_id, str(listed.id), embedding_option=list(OPTIONS), transcription=True
            )
            points = list(points_of(index, asset))
            for start in range(0, len(points), BATCH):
                sink.upsert(task.collection, points[start : start + BATCH], wait=True)
        sink.close()


def create_collection(sink: QdrantClient, name: str) -> None:
    params = models.VectorParams(size=DIMENSION, distance=models.Distance.COSINE)
    sink.create_collection(name, vectors_config=dict.fromkeys(OPTIONS, params))
    for key, schema in payload_indexes().items():
        sink.create_payload_index(name, key, schema, wait=True)


def payload_indexes() -> dict[str, Any]:
    """The same as the connector's."""
    kinds = models.PayloadSchemaType
    tenant = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True)
    return {
        **dict.fromkeys(KEYWORDS, kinds.KEYWORD),
        **dict.fromkeys(("start_offset_sec", "end_offset_sec"), kinds.FLOAT),
        **dict.fromkeys(("created_at", "indexed_at"), kinds.DATETIME),
        "index_id": tenant,
        "transcript": kinds.TEXT,
    }


def points_of(index: IndexSchema, asset: IndexedAssetDetailed) -> Iterator[models.PointStruct]:
    embedding = asset.embedding
    assert embedding
    assert embedding.video_embedding
    vectors: dict[tuple[str, float, float], dict[str, list[float]]] = {}
    for segment in embedding.video_embedding.segments or []:
        place = str(segment.embedding_scope), float(segment.start_offset_sec or 0), float(segment.end_offset_sec or 0)
        vectors.setdefault(place, {})[str(segment.embedding_option)] = segment.float_ or []
    shared = asset_payload({"_id": index.id, "index_name": index.index_name}, plain(asset), len(vectors))
    speech = Speech([word.dict() for word in asset.transcription or []])
    for number, ((scope, start, end), named) in enumerate(sorted(vectors.items(), key=lambda entry: entry[0])):
        payload = {
            **shared,
            "embedding_options": list(named),
            "embedding_scope": scope,
            "start_offset_sec": start,
            "end_offset_sec": end,
            "segment": number,
            "transcript": speech.between(start, end),
        }
        ident = point_id(str(index.id), str(asset.id), str(embedding.model_name), scope, start, end)
        yield models.PointStruct(id=ident, vector=dict(named), payload=payload)


def plain(asset: IndexedAssetDetailed) -> dict[str, Any]:
    """What the payload needs of the SDK's object; the SDK makes a float of the size."""
    facts = asset.system_metadata
    assert facts
    system = {"filename": facts.filename, "duration": facts.duration, "fps": facts.fps}
    return {
        "_id": asset.id,
        "asset_id": asset.asset_id,
        "created_at": asset.created_at,
        "indexed_at": asset.indexed_at,
        "system_metadata": {**system, "width": facts.width, "height": facts.height, "size": int(facts.size or 0)},
        "user_metadata": asset.user_metadata or {},
        "embedding": {"model_name": asset.embedding.model_name if asset.embedding else None},
    }


if __name__ == "__main__":
    main(Task.of(sys.argv[1]))

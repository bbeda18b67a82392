"""The expected content of Qdrant, computed from raw API responses and the documented rules, not by the program."""

import json
import math
import urllib.request
import uuid
from collections import defaultdict
from typing import Any

import numpy as np
from qdrant_client import QdrantClient

NAMESPACE = uuid.UUID("99026458-c633-4fd7-a44e-8f59297a0b73")
OPTIONS = {"marengo3.0": ("visual", "audio", "transcription"), "marengo2.7": ("visual-text", "audio")}
CANONICAL = {"Marengo-retrieval-2.7": "marengo2.7", "marengo2.7": "marengo2.7", "marengo3.0": "marengo3.0"}
PER_SEGMENT = ("embedding_options", "embedding_scope", "start_offset_sec", "end_offset_sec", "transcript", "segment")
NOT_RECOMPUTED = ("fingerprint", "revision", "metadata_revision")

Point = dict[str, Any]


def raw(base_url: str, path: str) -> Any:
    request = urllib.request.Request(f"{base_url}{path}", headers={"x-api-key": "oracle"})  # noqa: S310  loopback only
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  the same
        return json.loads(answer.read())


def listed(base_url: str, index_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = raw(base_url, f"/indexes/{index_id}/indexed-assets?page_limit=50&page={len(rows) // 50 + 1}")
        rows += page["data"]
        if not page["data"] or len(rows) >= page["page_info"]["total_results"]:
            return rows


def expected(base_url: str, index_id: str) -> dict[str, dict[str, Point]]:
    """Collection -> point id -> {"vectors", "payload"} of all ready assets of the index."""
    index = raw(base_url, f"/indexes/{index_id}")
    wanted: dict[str, dict[str, Point]] = defaultdict(dict)
    for row in listed(base_url, index_id):
        if row["status"] == "ready":
            model, points = of_asset(base_url, index, row["_id"])
            wanted[f"twelvelabs-{model}"] |= points
    return {name: points for name, points in wanted.items() if points}


def of_asset(base_url: str, index: dict[str, Any], asset_id: str) -> tuple[str, dict[str, Point]]:
    model = CANONICAL[index["models"][0]["model_name"]]
    query = "&".join(f"embedding_option={option}" for option in OPTIONS[model])
    asset = raw(base_url, f"/indexes/{index['_id']}/indexed-assets/{asset_id}?{query}&transcription=true")
    model = CANONICAL[asset["embedding"]["model_name"]]
    ranges: dict[tuple[str, int, int], dict[str, list[float]]] = defaultdict(dict)
    for segment in asset["embedding"]["video_embedding"]["segments"]:
        start, end = (round(segment[key] * 1000) for key in ("start_offset_sec", "end_offset_sec"))
        ranges[segment["embedding_scope"], start, end][segment["embedding_option"]] = segment["float"]
    return model, {
        point_id(index["_id"], asset_id, model, *place): {
            "vectors": vectors,
            "payload": _payload(index, asset, model, place, vectors, sorted(ranges), len(ranges)),
        }
        for place, vectors in ranges.items()
    }


def point_id(*parts: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(str(part) for part in parts)))


def _payload(
    index: dict[str, Any],
    asset: dict[str, Any],
    model: str,
    place: tuple[str, int, int],
    vectors: dict[str, Any],
    places: list[tuple[str, int, int]],
    count: int,
) -> dict[str, Any]:
    scope, start, end = place
    system = asset["system_metadata"]
    words = [
        word["value"]
        for word in asset.get("transcription") or []
        if round(word["start"] * 1000) < end and round(word["end"] * 1000) > start
    ]
    return {
        "index_id": index["_id"],
        "index_name": index["index_name"],
        "indexed_asset_id": asset["_id"],
        "asset_id": asset.get("asset_id"),
        "embedding_model": model,
        "embedding_options": sorted(vectors),
        "embedding_scope": scope,
        "start_offset_sec": start / 1000,
        "end_offset_sec": end / 1000,
        "segment": [it for it in places if it[0] == scope].index(place),
        "transcript": " ".join(words),
        "filename": system["filename"],
        "created_at": asset["created_at"],
        "indexed_at": asset["indexed_at"],
        "duration_sec": _digits(system["duration"]),
        "fps": _digits(system["fps"]),
        "width": system["width"],
        "height": system["height"],
        "size_bytes": system["size"],
        "user_metadata": asset.get("user_metadata") or {},
        "asset_points": count,
    }


def _digits(number: float | None) -> float | None:
    """Numbers are stored with 15 significant digits; the metadata of assets in tests has shorter ones."""
    return None if number is None else float(f"{number:.15g}")


def stored(client: QdrantClient, collection: str, index_id: str) -> dict[str, Point]:
    """Every point of the index in the collection."""
    found: dict[str, Point] = {}
    offset = None
    while True:
        records, offset = client.scroll(collection, limit=500, offset=offset, with_vectors=True, with_payload=True)
        for record in records:
            payload = dict(record.payload or {})
            if payload["index_id"] == index_id:
                found[str(record.id)] = {"vectors": record.vector, "payload": payload}
        if offset is None:
            return found


def check_equal(client: QdrantClient, base_url: str, index_id: str) -> int:
    """Checks every point, named vector and payload; returns the number of points."""
    wanted = expected(base_url, index_id)
    ours = [it.name for it in client.get_collections().collections if it.name.startswith("twelvelabs-")]
    held = {name: points for name in ours if (points := stored(client, name, index_id))}
    assert {name: set(points) for name, points in held.items()} == {name: set(it) for name, it in wanted.items()}
    for name, points in wanted.items():
        for key, point in points.items():
            _check_point(point, held[name][key])
    return sum(len(points) for points in wanted.values())


def _check_point(wanted: Point, found: Point) -> None:
    payload = {key: value for key, value in found["payload"].items() if key not in NOT_RECOMPUTED}
    payload["embedding_options"] = sorted(payload["embedding_options"])
    differing = {key for key in payload | wanted["payload"] if payload.get(key) != wanted["payload"].get(key)}
    assert payload == wanted["payload"], [(key, payload.get(key), wanted["payload"].get(key)) for key in differing]
    assert found["payload"]["fingerprint"]
    assert found["payload"]["revision"]
    assert found["payload"]["metadata_revision"]
    assert set(found["vectors"]) == set(wanted["vectors"])
    for option, vector in wanted["vectors"].items():
        unit = np.asarray(vector, np.float32) / math.sqrt(sum(value * value for value in vector))
        np.testing.assert_allclose(np.asarray(found["vectors"][option], np.float32), unit, atol=1e-5)

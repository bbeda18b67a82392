"""What all contenders are given, and the payload that all write: what docs/payload.md says, as far as they know it."""

import json
import uuid
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

NAMESPACE = uuid.UUID("99026458-c633-4fd7-a44e-8f59297a0b73")
OPTIONS = ("visual", "audio", "transcription")
DIMENSION = 512
KEYWORDS = (
    "index_id",
    "indexed_asset_id",
    "embedding_options",
    "embedding_scope",
    "filename",
    "revision",
    "metadata_revision",
)
OF_THE_CONNECTOR = ("revision", "metadata_revision", "fingerprint")
"""Payload keys with digests of the connector; the others write text of the same size."""


@dataclass(frozen=True, slots=True)
class Task:
    """Copy this index from this source to this collection."""

    base_url: str
    index_id: str
    qdrant_url: str
    grpc_port: int
    collection: str
    in_flight: int = 4

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str) -> "Task":
        return cls(**json.loads(text))


def asset_payload(index: Mapping[str, Any], asset: Mapping[str, Any], points: int) -> dict[str, Any]:
    """The payload keys that all points of an asset share."""
    facts = asset["system_metadata"]
    return {
        "index_id": index["_id"],
        "index_name": index["index_name"],
        "indexed_asset_id": asset["_id"],
        "asset_id": asset["asset_id"],
        "filename": facts["filename"],
        "created_at": asset["created_at"],
        "indexed_at": asset["indexed_at"],
        "duration_sec": facts["duration"],
        "fps": facts["fps"],
        "width": facts["width"],
        "height": facts["height"],
        "size_bytes": facts["size"],
        "user_metadata": asset["user_metadata"],
        "embedding_model": asset["embedding"]["model_name"],
        "asset_points": points,
        **dict.fromkeys(OF_THE_CONNECTOR, "0" * 32),
    }


class Speech:
    """The words of an asset, in the order in which they are spoken."""

    def __init__(self, words: Sequence[Mapping[str, Any]]) -> None:
        self._starts = [word["start"] for word in words]
        self._ends = [word["end"] for word in words]
        self._values = [word["value"] for word in words]

    def between(self, start: float, end: float) -> str:
        return " ".join(self._values[bisect_right(self._ends, start) : bisect_left(self._starts, end)])


def point_id(index_id: str, asset_id: str, model: str, scope: str, start: float, end: float) -> str:
    key = f"{index_id}/{asset_id}/{model}/{scope}/{round(start * 1000)}/{round(end * 1000)}"
    return str(uuid.uuid5(NAMESPACE, key))

"""Bodies of a retrieved asset, and the decoder under test."""

import json
from typing import Any

from connector.domain.errors import MalformedAsset
from connector.domain.source_model import RetrievedAsset
from connector.twelvelabs import asset_decoding
from connector.twelvelabs.calls import Call

ASSET = Call("retrieve asset", "a1", "indexes/ix1/indexed-assets/a1", wrong=MalformedAsset)
OPTIONS = ("visual", "audio", "transcription")


def segment(option: str = "visual", start: float = 0.0, vector: Any = (1.0, 2.0), **others: Any) -> dict[str, Any]:
    return {
        "start_offset_sec": start,
        "end_offset_sec": start + 5,
        "embedding_option": option,
        "embedding_scope": "clip",
        "float": list(vector) if isinstance(vector, tuple) else vector,
        **others,
    }


def body(*segments: dict[str, Any], model: str | None = "marengo3.0", **others: Any) -> bytes:
    embedding = {"model_name": model, "video_embedding": {"segments": segments}}
    return json.dumps({"_id": "a1", "status": "ready", "embedding": embedding, **others}).encode()


def read(raw: bytes, asked: tuple[str, ...] = OPTIONS, *, transcript: bool = True) -> RetrievedAsset:
    return asset_decoding.read_asset(raw, ASSET, asked, "marengo3.0", transcript=transcript)

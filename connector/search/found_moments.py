"""A point as a moment. Pure. Anybody can change a payload, so a value of another type counts as absent."""

from typing import Any

from connector.domain.marengo import option_order
from connector.domain.sink_model import FoundPoint
from connector.search.moment_links import Link
from connector.search.results import Moment


def moment_of(point: FoundPoint, link: Link) -> Moment:
    """The point is the connector's own, so the keys of its id are there."""
    payload = point.payload
    options, metadata = payload.get("embedding_options"), payload.get("user_metadata")
    in_order = sorted(point.similarities, key=option_order)
    place: dict[str, Any] = {
        "index_id": payload["index_id"],
        "indexed_asset_id": payload["indexed_asset_id"],
        "asset_id": _text(payload.get("asset_id")),
        "filename": _text(payload.get("filename")),
        "start_sec": float(payload["start_offset_sec"]),
        "end_sec": float(payload["end_offset_sec"]),
    }
    return Moment(
        **place,
        index_name=_text(payload.get("index_name")),
        score=point.score,
        scores={option: point.similarities[option] for option in in_order},
        options=tuple(map(str, options)) if isinstance(options, list) else (),
        transcript=_text(payload.get("transcript")) or "",
        metadata=metadata if isinstance(metadata, dict) else {},
        link=link(place),
        model=payload["embedding_model"],
        point_id=point.point_id,
        created_at=_text(payload.get("created_at")),
        hls_url=_text(payload.get("hls_url")),
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

"""Converts records of the account to the JSON values of responses."""

from typing import Any

from connector.simulator.world.clock import format_ms
from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.records import Record
from connector.simulator.world.world import Upload, World

_HOUR_MS = 3_600_000


def stamp(world: World, ms: int | None) -> str | None:
    return None if ms is None else format_ms(ms, world.knobs.timestamps)


def index_view(world: World, state: SimulatedIndex) -> dict[str, Any]:
    table = state.table(world.now_ms(), world.starts)
    return {
        "_id": state.id,
        "index_name": state.name,
        "created_at": stamp(world, state.created_ms),
        "updated_at": stamp(world, state.updated_ms),
        "expires_at": stamp(world, state.expires_ms),
        "video_count": state.count(),
        "total_duration": round(float(table.duration.sum()), 2),
        "models": [
            {"model_name": state.model.name, "model_options": list(state.model_options), "addons": list(state.addons)}
        ],
        "addons": list(state.addons),
    }


def item_view(world: World, state: SimulatedIndex, record: Record) -> dict[str, Any]:
    """A listing item: no user_metadata, hls or embedding; `indexed_at` only after indexing."""
    status = world.status(state, record)
    view = {
        "_id": world.indexed_asset_id(state, record.ordinal),
        "asset_id": world.asset_id(state, record),
        "created_at": stamp(world, record.created_ms),
        "updated_at": stamp(world, status.updated_ms),
        "status": status.name,
        "system_metadata": system_metadata(record),
    }
    if status.indexed_ms is not None:
        view["indexed_at"] = stamp(world, status.indexed_ms)
    return view


def detail_view(world: World, state: SimulatedIndex, record: Record) -> dict[str, Any]:
    view = item_view(world, state, record)
    view["user_metadata"] = dict(record.user_metadata)
    if record.video_stream:
        view["hls"] = hls_view(world, view["_id"], view["updated_at"], view["status"] == "ready")
    return view


def video_view(view: dict[str, Any], *, retrieved: bool) -> dict[str, Any]:
    """The legacy format: no status, and no size when retrieved."""
    metadata = {key: value for key, value in view["system_metadata"].items() if not (retrieved and key == "size")}
    kept = {key: value for key, value in view.items() if key != "status"}
    return {**kept, "system_metadata": metadata}


def system_metadata(record: Record) -> dict[str, Any]:
    content = record.content
    return {
        "filename": content.filename,
        "duration": content.duration,
        "fps": content.fps,
        "width": content.width,
        "height": content.height,
        "size": content.size,
    }


def hls_view(world: World, identifier: str, updated_at: str, complete: bool) -> dict[str, Any]:
    """Links that expire within the hour, so they change every hour."""
    base, until = _media(world, identifier)
    return {
        "video_url": f"{base}/stream.m3u8?expires={until}",
        "thumbnail_urls": [f"{base}/thumbnail.jpg?expires={until}"],
        "status": "COMPLETE" if complete else "PROCESSING",
        "updated_at": updated_at,
    }


def clip_thumbnail(world: World, identifier: str, start: float) -> str:
    base, until = _media(world, identifier)
    return f"{base}/{round(start * 1000)}.jpg?expires={until}"


def _media(world: World, identifier: str) -> tuple[str, int]:
    """The base of an asset's links, and when they expire in epoch seconds."""
    return f"https://media.simulator.invalid/{identifier}", (world.now_ms() // _HOUR_MS + 1) * _HOUR_MS // 1000


def task_view(world: World, state: SimulatedIndex, record: Record) -> dict[str, Any]:
    status = world.status(state, record)
    content = record.content
    return {
        "_id": world.task_id(state, record.ordinal),
        "video_id": world.indexed_asset_id(state, record.ordinal),
        "index_id": state.id,
        "created_at": stamp(world, record.created_ms),
        "updated_at": stamp(world, status.updated_ms),
        "status": status.name,
        "system_metadata": {
            "duration": content.duration,
            "filename": content.filename,
            "height": content.height,
            "width": content.width,
        },
    }


def asset_view(world: World, upload: Upload) -> dict[str, Any]:
    content = upload.content
    base, until = _media(world, upload.id)
    return {
        "_id": upload.id,
        "method": upload.method,
        "status": "ready",
        "filename": content.filename,
        "file_type": "video/mp4",
        "created_at": stamp(world, upload.created_ms),
        "user_metadata": world.metadata_of_asset(upload),
        "size": content.size,
        "duration": content.duration,
        "hls": {"manifest_url": f"{base}/stream.m3u8?expires={until}", "status": "ready"},
        "thumbnail": {"representative_url": f"{base}/thumbnail.jpg?expires={until}", "status": "ready"},
        "technical_metadata": {
            "file_size_bytes": content.size,
            "file_mime_type": "video/mp4",
            "video_width": content.width,
            "video_height": content.height,
            "video_fps": content.fps,
            "video_duration_seconds": content.duration,
            "has_audio": True,
        },
    }

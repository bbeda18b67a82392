"""All changes of the simulated account, by clients or by the control API."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from connector.simulator.world.index_state import SimulatedIndex
from connector.simulator.world.models import MODELS
from connector.simulator.world.population import file_size, written_content
from connector.simulator.world.records import Content, Record
from connector.simulator.world.scenario import AssetSpec
from connector.simulator.world.scenes import Scene, check_scenes
from connector.simulator.world.world import Upload, World


def merged(metadata: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """PATCH: null removes a key, "" and [] are ignored, anything else is set."""
    kept = {key: value for key, value in metadata.items() if changes.get(key, "") is not None}
    return {**kept, **stored(changes)}


def stored(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata that the service stores: without null, "" and []."""
    return {key: value for key, value in metadata.items() if value is not None and value not in ("", [])}


def index_upload(
    world: World, state: SimulatedIndex, upload: Upload, metadata: Mapping[str, Any], *, stream: bool
) -> Record:
    """POST indexed-assets: a new asset at the beginning of its life cycle."""
    ordinal = state.size
    now = world.now_ms()
    record = Record(
        ordinal=ordinal,
        asset_id=upload.id,
        content=replace(upload.content, key=f"{state.number}/{ordinal}"),
        created_ms=now,
        started_ms=now,
        fate="ready",
        user_metadata=stored(metadata),
        video_stream=stream,
    )
    state.put(record)
    world.links.setdefault(upload.id, []).append((state.number, ordinal))
    world.watch(state, record)
    return record


def add(world: World, state: SimulatedIndex, spec: AssetSpec) -> Record:
    """Add an asset that reaches its final status at once, or after `ready_in` seconds."""
    ordinal = state.size
    now = world.now_ms()
    pinned = now if spec.ready_in is None else None
    started = now if spec.ready_in is None else now + round(spec.ready_in * 1000) - world.starts[-1]
    record = Record(
        ordinal=ordinal,
        content=written_content(f"{state.number}/{ordinal}", spec, world.scenario.seed),
        created_ms=now,
        started_ms=started,
        fate=spec.status,
        user_metadata=stored(spec.metadata),
        video_stream=spec.video_stream,
        pinned_ms=pinned,
    )
    state.put(record)
    world.watch(state, record)
    return record


def patch_metadata(world: World, state: SimulatedIndex, ordinal: int, changes: Mapping[str, Any]) -> None:
    record = state.record(ordinal)
    now = world.now_ms()
    touched = now if world.knobs.patch_bumps_updated_at else record.touched_ms
    metadata = merged(record.user_metadata, changes)
    state.change(ordinal, user_metadata=metadata, touched_ms=touched, patched_ms=now)


def set_asset_metadata(world: World, upload: Upload, metadata: Mapping[str, Any]) -> None:
    """PATCH / PUT / DELETE of /assets/{id}/user-metadata; changes indexed assets only if the knob says so."""
    world.asset_metadata[upload.id] = stored(metadata)
    if world.knobs.asset_metadata_propagates:
        for state, ordinal in world.indexed_from(upload.id):
            state.change(ordinal, user_metadata=stored(metadata), patched_ms=world.now_ms())


def set_status(world: World, state: SimulatedIndex, ordinal: int, status: str) -> None:
    world.watch(state, state.change(ordinal, fate=status, pinned_ms=world.now_ms()))


def restart(world: World, state: SimulatedIndex, ordinal: int, fate: str) -> None:
    """Repeat the life cycle from pending."""
    world.watch(state, state.change(ordinal, fate=fate, pinned_ms=None, started_ms=world.now_ms()))


def rewrite(content: Content, **changes: Any) -> Content:
    """Change the facts of a video and derive its size. Raises ValueError."""
    fresh = replace(content, **changes)
    if "scenes" in changes:
        fresh = replace(fresh, first=0)
    check_scenes("scenes", fresh.scenes, fresh.duration)
    return replace(fresh, size=file_size(fresh.width, fresh.height, fresh.duration))


def scenes_of(captions: Iterable[str | Scene]) -> tuple[Scene, ...]:
    """Use one text as picture, sound and speech."""
    return tuple(
        Scene(visual=caption, audio=caption, speech=caption) if isinstance(caption, str) else caption
        for caption in captions
    )


def reindex(world: World, state: SimulatedIndex, ordinal: int, duration: float | None, *, bump: bool) -> None:
    """Set new vectors, and a new length if given; change the dates only with `bump`."""
    record = state.record(ordinal)
    content = record.content if duration is None else rewrite(record.content, duration=duration)
    state.change(ordinal, content=content, revision=record.revision + 1)
    if bump:
        world.watch(state, state.change(ordinal, fate="ready", pinned_ms=world.now_ms()))


def migrate(world: World, state: SimulatedIndex, model_name: str) -> None:
    """Migrate the index and the vectors of all its assets to another model, with the same ids."""
    state.model = MODELS[model_name]
    state.updated_ms = world.now_ms()
    if world.knobs.reindex_bumps_updated_at:
        state.reindexed_ms = world.now_ms()


def rewrite_asset(
    world: World, state: SimulatedIndex, ordinal: int, facts: Mapping[str, Any], *, model: str | None, bump: bool
) -> None:
    """Replace the content under the same id; `facts` of the content or a model cause new vectors."""
    record = state.record(ordinal)
    state.change(
        ordinal,
        content=rewrite(record.content, **facts),
        model=record.model if model is None else model,
        revision=record.revision + (1 if facts or model is not None else 0),
        touched_ms=world.now_ms() if bump else record.touched_ms,
    )

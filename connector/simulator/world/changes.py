"""Everything that can happen to the simulated account, whether a client asks for it or the control API does."""

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
    """What the service keeps of metadata: it drops null, "" and []."""
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
    """An asset that is in its final status at once, unless `ready_in` lets it take that long."""
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
    """PATCH / PUT / DELETE of /assets/{id}/user-metadata; reaches indexed assets only by the knob."""
    world.asset_metadata[upload.id] = stored(metadata)
    if world.knobs.asset_metadata_propagates:
        for state, ordinal in world.indexed_from(upload.id):
            state.change(ordinal, user_metadata=stored(metadata), patched_ms=world.now_ms())


def set_status(world: World, state: SimulatedIndex, ordinal: int, status: str) -> None:
    world.watch(state, state.change(ordinal, fate=status, pinned_ms=world.now_ms()))


def restart(world: World, state: SimulatedIndex, ordinal: int, fate: str) -> None:
    """The life cycle from pending on, once more."""
    world.watch(state, state.change(ordinal, fate=fate, pinned_ms=None, started_ms=world.now_ms()))


def rewrite(content: Content, **changes: Any) -> Content:
    """Other facts of a video; its size follows from them. Raises ValueError."""
    fresh = replace(content, **changes)
    if "scenes" in changes:
        fresh = replace(fresh, first=0)
    check_scenes("scenes", fresh.scenes, fresh.duration)
    return replace(fresh, size=file_size(fresh.width, fresh.height, fresh.duration))


def scenes_of(captions: Iterable[str | Scene]) -> tuple[Scene, ...]:
    """A text is seen, heard and said alike."""
    return tuple(
        Scene(visual=caption, audio=caption, speech=caption) if isinstance(caption, str) else caption
        for caption in captions
    )


def reindex(world: World, state: SimulatedIndex, ordinal: int, duration: float | None, *, bump: bool) -> None:
    """New vectors, and a new length if one is given; the dates move only with `bump`."""
    record = state.record(ordinal)
    content = record.content if duration is None else rewrite(record.content, duration=duration)
    state.change(ordinal, content=content, revision=record.revision + 1)
    if bump:
        world.watch(state, state.change(ordinal, fate="ready", pinned_ms=world.now_ms()))


def migrate(world: World, state: SimulatedIndex, model_name: str) -> None:
    """The index and the vectors of all its assets move to another model, under the same ids."""
    state.model = MODELS[model_name]
    state.updated_ms = world.now_ms()
    if world.knobs.reindex_bumps_updated_at:
        state.reindexed_ms = world.now_ms()


def rewrite_asset(
    world: World, state: SimulatedIndex, ordinal: int, facts: Mapping[str, Any], *, model: str | None, bump: bool
) -> None:
    """Other content under the same id; with `facts` of the content or a model come new vectors."""
    record = state.record(ordinal)
    state.change(
        ordinal,
        content=rewrite(record.content, **facts),
        model=record.model if model is None else model,
        revision=record.revision + (1 if facts or model is not None else 0),
        touched_ms=world.now_ms() if bump else record.touched_ms,
    )

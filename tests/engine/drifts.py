"""Drifts that tests inject into a synced world, each into asset `b`, and the kinds that a verify must name."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace

from connector.domain.points import point_id
from connector.domain.sink_model import CollectionInfo
from connector.domain.verification import Kind
from connector.engine.cycle import Engine
from connector.engine.deep_verify import Choose
from connector.engine.verifier import Progress, Verification, Verifier
from tests.engine.neighbours import NAME
from tests.engine.world import INDEX, World
from tests.fakes.sink_reading import FakePoint

OLD = "twelvelabs-marengo2.7"
ADDED_MS = 900_000


def verifier(
    world: World,
    engine: Engine | None = None,
    *,
    progress: Progress = lambda *_: None,
    choose: Choose = lambda names, _: list(names),
) -> Verifier:
    engine = engine or world.engine()
    return Verifier(
        world.source,
        world.sink,
        world.ledger,
        engine,
        lambda: world.now,
        run=engine.run,
        progress=progress,
        choose=choose,
    )


async def verified(world: World, *, deep: bool = False, repair: bool = False) -> Verification:
    world.now += 1.0
    return await verifier(world).verify(world.settings, deep=deep, repair=repair)


def points(world: World) -> dict[str, FakePoint]:
    return world.points_of("b")[NAME]


def first(world: World) -> FakePoint:
    return points(world)[min(points(world))]


def put_copy(world: World, model: str, start_ms: int, collection: str = NAME, asset: str = "b") -> None:
    """A point of ours that the asset does not have: its id is the one that its payload computes to."""
    point = deepcopy(first(world))
    place = {"start_offset_sec": start_ms / 1000, "end_offset_sec": start_ms / 1000 + 1}
    point.payload |= {"embedding_model": model, "indexed_asset_id": asset, **place}
    scope = point.payload["embedding_scope"]
    key = point_id(INDEX, asset, model, scope, start_ms, start_ms + 1000)
    world.sink.stored[collection].points[key] = point


def add_old_collection(world: World) -> None:
    vectors = {"visual": (512, "Cosine"), "audio": (512, "Cosine")}
    info = CollectionInfo(OLD, 0, vectors, model="marengo2.7", instance_id="instance-old", layout_version="1.1")
    world.sink.put_collection(info)


def _delete_a_point(world: World) -> None:
    del world.sink.stored[NAME].points[min(points(world))]


def _delete_all_points(world: World) -> None:
    for key in points(world):
        del world.sink.stored[NAME].points[key]


def _add_a_point(world: World) -> None:
    put_copy(world, "marengo3.0", ADDED_MS)


def _swap_a_point(world: World) -> None:
    """The number of points stays, but one of their ordinals is there twice."""
    _add_a_point(world)
    del world.sink.stored[NAME].points[max(key for key in points(world) if not _is_added(points(world)[key]))]


def swap_a_point_unnoticed(world: World) -> None:
    """The added point also has the ordinal of the deleted one."""
    key = min(points(world))
    _add_a_point(world)
    del world.sink.stored[NAME].points[key]


def _is_added(point: FakePoint) -> bool:
    return bool(point.payload["start_offset_sec"] == ADDED_MS / 1000)


def _add_a_point_of_another_model(world: World) -> None:
    put_copy(world, "marengo2.7", 0)


def _put_points_elsewhere(world: World) -> None:
    add_old_collection(world)
    put_copy(world, "marengo2.7", 0, OLD)


def _change_the_time_range(world: World) -> None:
    first(world).payload["start_offset_sec"] = 5000.0


def _set(key: str, value: object) -> Callable[[World], None]:
    def inject(world: World) -> None:
        first(world).payload[key] = value

    return inject


def _drop_the_key(world: World) -> None:
    del first(world).payload["filename"]


def _change_the_row(**facts: object) -> Callable[[World], None]:
    def inject(world: World) -> None:
        row = world.ledger.held(INDEX)["b"]
        assert row.applied
        world.ledger.put(INDEX, replace(row, applied=replace(row.applied, **facts)))  # type: ignore[arg-type]

    return inject


def _open_the_row(world: World) -> None:
    world.ledger.put(INDEX, replace(world.ledger.held(INDEX)["b"], opened=True))


def _lose_the_row(world: World) -> None:
    world.ledger.remove(INDEX, "b")


def _lose_row_and_points(world: World) -> None:
    _delete_all_points(world)
    _lose_the_row(world)


def _orphan_points_of_a_gone_asset(world: World) -> None:
    put_copy(world, "marengo3.0", 0, asset="b0")


def _remove_at_the_source(world: World) -> None:
    world.source.remove(INDEX, "b")


def _forget_the_points_of_a_gone_asset(world: World) -> None:
    _delete_all_points(world)
    row = world.ledger.held(INDEX)["b"]
    assert row.applied
    world.ledger.put(INDEX, replace(row, applied=replace(row.applied, points=0)))
    world.source.remove(INDEX, "b")


def _change_at_the_source(world: World) -> None:
    world.source.change(INDEX, "b")


def _add_at_the_source(world: World) -> None:
    world.source.add(INDEX, "b2")


DRIFTS: dict[str, tuple[Callable[[World], None], set[tuple[str, Kind]]]] = {
    "a point is deleted": (_delete_a_point, {("b", Kind.MISSING_POINTS)}),
    "all points are deleted": (_delete_all_points, {("b", Kind.MISSING_POINTS)}),
    "a point is added": (_add_a_point, {("b", Kind.SURPLUS_POINTS)}),
    "a point is swapped": (_swap_a_point, {("b", Kind.ALTERED_PAYLOAD)}),
    "another model": (_add_a_point_of_another_model, {("b", Kind.WRONG_MODEL)}),
    "another collection": (_put_points_elsewhere, {("b", Kind.WRONG_COLLECTION)}),
    "another time range": (_change_the_time_range, {("b", Kind.MISSING_POINTS)}),
    "another revision": (_set("revision", "0" * 32), {("b", Kind.STALE_POINTS)}),
    "no revision": (_set("revision", None), {("b", Kind.STALE_POINTS)}),
    "another metadata revision": (_set("metadata_revision", "0" * 32), {("b", Kind.ALTERED_PAYLOAD)}),
    "another filename": (_set("filename", "other.mp4"), {("b", Kind.ALTERED_PAYLOAD)}),
    "other user metadata": (_set("user_metadata", {"a": 1}), {("b", Kind.ALTERED_PAYLOAD)}),
    "no filename": (_drop_the_key, {("b", Kind.ALTERED_PAYLOAD)}),
    "no fingerprint": (_set("fingerprint", None), {("b", Kind.ALTERED_PAYLOAD)}),
    "another number of points": (_set("asset_points", 99), {("b", Kind.ALTERED_PAYLOAD)}),
    "another ordinal": (_set("segment", 2), {("b", Kind.ALTERED_PAYLOAD)}),
    "no options": (_set("embedding_options", []), {("b", Kind.ALTERED_PAYLOAD)}),
    "the row has another revision": (_change_the_row(revision="0" * 32), {("b", Kind.STALE_POINTS)}),
    "the row has more points": (_change_the_row(points=4), {("b", Kind.MISSING_POINTS)}),
    "the row has fewer points": (_change_the_row(points=2), {("b", Kind.SURPLUS_POINTS)}),
    "the row has other metadata": (_change_the_row(metadata_revision="0" * 32), {("b", Kind.ALTERED_PAYLOAD)}),
    "the row has another fingerprint": (_change_the_row(fingerprint="0" * 32), {("b", Kind.STALE_ASSET)}),
    "the row has another collection": (
        _change_the_row(collection="nowhere"),
        {("b", Kind.WRONG_COLLECTION), ("b", Kind.MISSING_POINTS)},
    ),
    "the row is opened": (_open_the_row, {("b", Kind.INTERRUPTED)}),
    "the row is lost": (_lose_the_row, {("b", Kind.ORPHANED_POINTS)}),
    "row and points are lost": (_lose_row_and_points, {("b", Kind.MISSING_ASSET)}),
    "points of a gone asset": (_orphan_points_of_a_gone_asset, {("b0", Kind.ORPHANED_POINTS)}),
    "gone at the source": (_remove_at_the_source, {("b", Kind.GONE_ASSET)}),
    "gone, without points": (_forget_the_points_of_a_gone_asset, {("b", Kind.ORPHANED_ROW)}),
    "changed at the source": (_change_at_the_source, {("b", Kind.STALE_ASSET)}),
    "new at the source": (_add_at_the_source, {("b2", Kind.MISSING_ASSET)}),
}

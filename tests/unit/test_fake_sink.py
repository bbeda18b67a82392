"""The fake itself: failures, crashes at every step, and the remaining points."""

from contextlib import suppress

import pytest

from connector.domain.errors import Unavailable
from tests.contract.asset_points import asset_points, spec
from tests.fakes.sink import Crashed, FakeSink

DOWN = Unavailable("write", "c", "down", side="sink")


async def sink_with(segments: int) -> FakeSink:
    sink = FakeSink()
    await sink.ensure(spec("c"), {})
    await sink.replace(asset_points(segments=segments), "c", ())
    return sink


async def test_the_next_calls_fail_and_then_work_again() -> None:
    sink = await sink_with(3)
    sink.fail_next(2, DOWN)

    for _ in range(2):
        with pytest.raises(Unavailable):
            await sink.delete(["c"], "index-1", "asset-1")
    assert await sink.count("c", "index-1") == 3

    await sink.delete(["c"], "index-1", "asset-1")
    assert sink.points_of("index-1") == {}


async def test_a_call_can_be_carried_out_and_fail() -> None:
    """As with a time-out of a write that the server has already processed."""
    sink = await sink_with(3)
    sink.fail_next(1, DOWN, after=True)

    with pytest.raises(Unavailable):
        await sink.delete(["c"], "index-1", "asset-1")

    assert sink.points_of("index-1") == {}


async def test_a_crash_can_stop_a_replace_between_any_two_steps() -> None:
    """Two points replace three: the new ones are stored one by one, then the old ones deleted at once."""
    left = []
    for step in (1, 2, 3, 4):
        sink = await sink_with(3)
        sink.crash_at(step)
        new = asset_points(segments=2, seed=1)
        with suppress(Crashed):
            await sink.replace(new, "c", ())
        points = sink.points_of("index-1", "asset-1")["c"].values()
        left.append((len(points), sum(point.payload["revision"] == new.revision for point in points)))

    assert left == [(3, 0), (3, 1), (3, 2), (2, 2)]


async def test_what_follows_a_crash_repairs_it() -> None:
    sink = await sink_with(3)
    sink.crash_at(2)
    new = asset_points(segments=2, seed=1)
    with pytest.raises(Crashed):
        await sink.replace(new, "c", ())

    await sink.replace(new, "c", ())

    assert set(sink.points_of("index-1")["c"]) == set(new.ids)


async def test_writes_and_steps_are_counted() -> None:
    """Reading and preparing a collection do not count as writes."""
    sink = await sink_with(3)
    assert (sink.writes, sink.steps) == (1, 4)

    await sink.set_payload("c", "index-1", "asset-1", {"filename": "x"})
    await sink.count("c", "index-1")
    await sink.manifest("c", "index-1")
    assert (sink.writes, sink.steps) == (2, 5)

    sink.drop("c")
    await sink.delete(["c"], "index-1", "asset-1")
    assert (sink.writes, sink.steps) == (3, 5)


async def test_a_collection_made_again_is_another_instance() -> None:
    sink = await sink_with(1)
    first = (await sink.ensure(spec("c"), {})).instance_id
    sink.drop("c")

    assert (await sink.ensure(spec("c"), {})).instance_id != first
    assert await sink.count("c", "index-1") == 0


async def test_disarming_forgets_what_was_to_go_wrong() -> None:
    sink = await sink_with(1)
    sink.fail_next(3, DOWN)
    sink.crash_at(1)

    sink.disarm()

    await sink.delete(["c"], "index-1", "asset-1")
    assert sink.points_of("index-1") == {}

"""Kill the process at every step, change the source, start again: nothing is lost and nothing is orphaned.

The same search finds a counterexample for each of three protocols that look right and are wrong.
"""

from collections.abc import Callable
from typing import Any

import pytest

from connector.ports import CheckpointStore, Sink, Source, Wanted
from tests.engine.world import INDEX, World, Wrap, as_they_are
from tests.fakes.source import FakeSource

STEPS = 60

Change = Callable[[FakeSource], None]

CHANGES_WHILE_DOWN: dict[str, Change] = {
    "nothing": lambda source: None,
    "new asset removed": lambda source: source.remove(INDEX, "new"),
    "changed asset removed": lambda source: source.remove(INDEX, "changed"),
    "gone asset back": lambda source: source.add(INDEX, "gone", segments=2),
    "new asset shorter": lambda source: source.change(INDEX, "new", segments=1),
    "changed asset not ready": lambda source: source.set_status(INDEX, "changed", "indexing"),
}


class CloseOnly:
    """Write, then record: the row is changed only at the end."""

    def __init__(self, ledger: CheckpointStore) -> None:
        self._ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def begin(self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted) -> Any:
        row, attempt = await self._ledger.begin(index_id, indexed_asset_id, now, wanted)
        if row is None:
            await self._ledger.forget(index_id, indexed_asset_id, now)
        return row, attempt

    async def open(self, *_: Any) -> None:
        pass


class OpenOnUpsertOnly:
    """A row is opened before points are written, but not before they are deleted."""

    def __init__(self, ledger: CheckpointStore) -> None:
        self._ledger = ledger
        self._attempted: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def begin(self, index_id: str, indexed_asset_id: str, now: float, wanted: Wanted) -> Any:
        row, attempt = await self._ledger.begin(index_id, indexed_asset_id, now, wanted)
        if attempt:
            self._attempted.add(indexed_asset_id)
        return row, attempt

    async def open(self, index_id: str, indexed_asset_id: str, collections: Any) -> None:
        if indexed_asset_id in self._attempted:
            await self._ledger.open(index_id, indexed_asset_id, collections)


class ForgetFirst:
    """The row is forgotten before the points are deleted."""

    def __init__(self, sink: Sink, ledger: CheckpointStore) -> None:
        self._sink, self._ledger = sink, ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sink, name)

    async def delete(self, collections: Any, index_id: str, indexed_asset_id: str) -> None:
        await self._ledger.forget(index_id, indexed_asset_id, 0.0)
        await self._sink.delete(collections, index_id, indexed_asset_id)


def write_then_record(source: Source, sink: Sink, ledger: CheckpointStore) -> tuple[Any, Any, Any]:
    return source, sink, CloseOnly(ledger)


def forget_then_delete(source: Source, sink: Sink, ledger: CheckpointStore) -> tuple[Any, Any, Any]:
    return source, ForgetFirst(sink, ledger), ledger


def open_on_upsert_only(source: Source, sink: Sink, ledger: CheckpointStore) -> tuple[Any, Any, Any]:
    return source, sink, OpenOnUpsertOnly(ledger)


async def crash_everywhere(wrap: Wrap) -> int:
    """Tries every step and change; returns the number of crashes."""
    crashes = 0
    for name, change in CHANGES_WHILE_DOWN.items():
        for arm in ("sink", "ledger before", "ledger after"):
            for step in range(1, STEPS):
                world = await prepared(wrap)
                crashed = await crash_once(world, arm, step)
                crashes += crashed
                change(world.source)
                await recovers(world, f"{arm} step {step}, {name}")
                if not crashed:
                    break
    return crashes


async def prepared(wrap: Wrap) -> World:
    """An index in which the next cycle has one change of every kind."""
    world = World(wrap)
    for name in ("same", "changed", "gone", "patched"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).clean
    world.source.add(INDEX, "new")
    world.source.change(INDEX, "changed", segments=5)
    world.source.remove(INDEX, "gone")
    world.source.set_metadata(INDEX, "patched", {"key": "value"})
    world.now += world.settings.refresh_interval
    return world


async def crash_once(world: World, arm: str, step: int) -> bool:
    if arm == "sink":
        world.sink.crash_at(step)
    else:
        world.ledger.crash_at(step, after=arm.endswith("after"))
    died = await world.cycle_or_crash() is None
    world.sink.disarm()
    world.ledger.disarm()
    await world.check_i2_coverage_and_truth()
    return died


async def recovers(world: World, how: str) -> None:
    report = await world.cycle()
    assert report.clean, f"{how}: {report}"
    await world.check_i2_coverage_and_truth()
    world.check_i1_sink_equals_source()
    writes = world.sink.writes
    assert (await world.cycle()).clean
    assert world.sink.writes == writes, f"{how}: I4, a second cycle wrote"


async def test_a_crash_at_any_step_is_repaired_by_the_next_cycle() -> None:
    """I1, I2 and I4 hold after a crash before every single write, whatever the source does meanwhile."""
    assert await crash_everywhere(as_they_are) > 100


@pytest.mark.parametrize("protocol", [write_then_record, forget_then_delete, open_on_upsert_only])
async def test_the_search_finds_what_is_wrong_with_other_protocols(protocol: Wrap) -> None:
    """Negative control: the invariants distinguish a right protocol from a wrong one."""
    with pytest.raises(AssertionError):
        await crash_everywhere(protocol)

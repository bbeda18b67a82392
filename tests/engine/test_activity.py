"""Everything that happens in a cycle is told with the index that it is about, also the first time."""

from collections.abc import Mapping

from connector.domain.activity import ACTIVITY
from connector.domain.errors import AuthenticationFailed
from connector.domain.events import CycleBegan, CycleEnded, Event
from connector.domain.sink_model import CollectionInfo, CollectionSpec
from connector.engine.cycle import Engine
from tests.engine.world import INDEX, World
from tests.fakes.sink import FakeSink


class Told:
    """The events of an engine, each with the name of the index at that moment."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.events: list[tuple[type[Event], str | None]] = []
        parts = world.source, world.sink, world.ledger
        self.engine = Engine(*parts, clock=lambda: world.now, observe=self._observe)

    def _observe(self, event: Event) -> None:
        self.events.append((type(event), name_now()))


class WatchedSink(FakeSink):
    created_by: str | None = None

    async def ensure(self, spec: CollectionSpec, metadata_indexes: Mapping[str, str]) -> CollectionInfo:
        self.created_by = name_now()
        return await super().ensure(spec, metadata_indexes)


def name_now() -> str | None:
    activity = ACTIVITY.get()
    return activity.index_name if activity else None


async def test_the_first_cycle_of_an_index_is_told_with_its_name() -> None:
    world = World()
    world.sink = sink = WatchedSink()
    world.source.add(INDEX, "a")
    told = Told(world)

    await told.engine.cycle(world.settings)

    name = (await world.source.index(INDEX)).name
    assert told.events[0] == (CycleBegan, name)
    assert {known for _, known in told.events} == {name}
    assert sink.created_by == name


async def test_a_cycle_of_an_index_that_cannot_be_asked_begins_before_it_ends() -> None:
    world = World()
    world.source.fail_next(1, lambda: AuthenticationFailed("get index", INDEX, "key refused"), {"index"})
    told = Told(world)

    await told.engine.cycle(world.settings)

    assert told.events == [(CycleBegan, None), (CycleEnded, None)]


async def test_a_cycle_begins_once_for_each_run() -> None:
    world = World()
    told = Told(world)

    for _ in range(2):
        await told.engine.cycle(world.settings)

    assert [kind for kind, _ in told.events].count(CycleBegan) == 2

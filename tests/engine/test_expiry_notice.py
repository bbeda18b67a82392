"""An index that expires is announced 7 days and 1 day ahead, by whatever runs then, and once each."""

from connector.domain import timestamps
from connector.domain.events import Event, IndexExpires
from connector.engine.cycle import Engine
from connector.engine.survey import CycleOptions
from tests.engine.world import INDEX, World

DAY = 86_400.0


def expire(world: World, at: float) -> str:
    text = timestamps.text(at)
    world.source.change_index(INDEX, expires_at=text)
    return text


async def told(world: World, *, poll: bool = False) -> list[int]:
    """The days ahead that a new process announces in one pass."""
    events: list[Event] = []
    engine = Engine(world.source, world.sink, world.ledger, clock=lambda: world.now, observe=events.append)
    if poll:
        await engine.run(engine.poll_pass(world.settings))
    else:
        await engine.cycle(world.settings, CycleOptions())
    await engine.workers.close()
    return [event.days for event in events if isinstance(event, IndexExpires)]


async def test_each_time_is_announced_once_across_restarts() -> None:
    world = World()
    world.source.add(INDEX, "a")
    end = world.now + 8 * DAY
    expire(world, end)

    assert await told(world) == []
    world.now = end - 7 * DAY
    assert [await told(world) for _ in range(3)] == [[7], [], []]
    world.now = end - DAY
    assert [await told(world) for _ in range(3)] == [[1], [], []]


async def test_a_poll_announces_too() -> None:
    """Full cycles may be a week apart."""
    world = World()
    world.source.add(INDEX, "a")
    end = world.now + 8 * DAY
    expire(world, end)
    await told(world)
    world.now = end - DAY / 2

    assert [await told(world, poll=True) for _ in range(2)] == [[1], []]


async def test_another_time_is_announced_again() -> None:
    world = World()
    world.source.add(INDEX, "a")
    expire(world, world.now + 5 * DAY)
    assert await told(world) == [7]
    expire(world, world.now + 90 * DAY)
    assert await told(world) == []
    world.now += 86 * DAY
    assert await told(world) == [7]


async def test_the_event_names_the_index_and_the_time() -> None:
    world = World()
    world.source.add(INDEX, "a")
    text = expire(world, world.now + 5 * DAY)
    events: list[Event] = []
    engine = Engine(world.source, world.sink, world.ledger, clock=lambda: world.now, observe=events.append)

    assert (await engine.cycle(world.settings, CycleOptions())).clean

    name = world.source.index_now(INDEX).name
    assert [it for it in events if isinstance(it, IndexExpires)] == [IndexExpires(INDEX, name, text, 7)]

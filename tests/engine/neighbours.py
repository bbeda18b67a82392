"""A synced world, and other connectors beside it on the same source and sink."""

from typing import Any

from tests.engine.world import INDEX, World

NAME = "twelvelabs-marengo3.0"
VISUAL: dict[str, Any] = {"embedding_options": ("visual",)}


async def synced_world(**settings: Any) -> World:
    world = World(**settings)
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 3
    return world


def beside(world: World, **settings: Any) -> World:
    """Another connector with its own ledger, on the same source and sink."""
    other = World(**settings)
    other.source, other.sink, other.now = world.source, world.sink, world.now
    return other


def points_by_collection(world: World) -> dict[str, int]:
    return {name: len(it.points) for name, it in world.sink.stored.items()}

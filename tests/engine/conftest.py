"""A synced world."""

import pytest

from tests.engine.world import INDEX, World


@pytest.fixture
async def world() -> World:
    """Three assets, synced."""
    world = World()
    for name in ("a", "b", "c"):
        world.source.add(INDEX, name)
    assert (await world.cycle()).upserted == 3
    return world

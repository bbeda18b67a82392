"""Points of indexes that neither the settings nor the ledger have."""

from copy import deepcopy
from dataclasses import replace

import pytest

from connector.domain.points import point_id
from connector.domain.sink_model import Owner
from connector.domain.verification import Kind, Repair
from connector.engine.uncovered import uncovered
from tests.comparing import differences
from tests.engine.neighbours import NAME
from tests.engine.world import INDEX, World

OTHER = "index-nobody-has"


@pytest.fixture
def neighbour(world: World) -> World:
    """With a copy of each point that belongs to another index."""
    points = world.sink.stored[NAME].points
    for point in list(points.values()):
        copy = deepcopy(point)
        copy.payload["index_id"] = OTHER
        span = [round(copy.payload[key] * 1000) for key in ("start_offset_sec", "end_offset_sec")]
        names = [copy.payload[key] for key in ("indexed_asset_id", "embedding_model", "embedding_scope")]
        points[point_id(OTHER, *names, *span)] = copy
    return world


async def test_an_index_that_is_configured_is_covered(world: World) -> None:
    assert await uncovered(world.sink, world.ledger, [INDEX]) == []
    assert await uncovered(world.sink, world.ledger, []) == [], "the ledger has it"


async def test_points_of_an_index_that_nobody_has_are_found(neighbour: World) -> None:
    [found] = await uncovered(neighbour.sink, neighbour.ledger, [INDEX])

    assert differences(found, index_id=OTHER, points=9, covered=False, clean=False, error=None) == {}
    assert [(it.indexed_asset_id, it.kind, it.found, it.repair) for it in found.findings] == [
        (name, Kind.ORPHANED_POINTS, 3, Repair.NONE) for name in ("a", "b", "c")
    ]
    assert await uncovered(neighbour.sink, neighbour.ledger, [INDEX, OTHER]) == []


async def test_an_index_of_another_connector_is_its_own_affair(neighbour: World) -> None:
    stored = neighbour.sink.stored[NAME]
    stored.info = replace(stored.info, owners={**stored.info.owners, OTHER: Owner("another", "elsewhere", {}, NAME)})

    assert await uncovered(neighbour.sink, neighbour.ledger, [INDEX]) == []


async def test_points_that_only_look_like_ours_are_no_finding(world: World) -> None:
    points = world.sink.stored[NAME].points
    points["foreign"] = deepcopy(points[min(points)])
    points["foreign"].payload["index_id"] = OTHER

    assert await uncovered(world.sink, world.ledger, [INDEX]) == []

"""Filters on objects in lists of metadata: in the library, the command and the tools for agents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.search import ConfigError
from tests.e2e.agents import answer, connected, refusal
from tests.e2e.search_world import SearchWorld, search_world

GOALS = [{"player": "Ada", "minute": 3, "by": [{"foot": "left"}]}, {"player": "Bo", "minute": 88}]
METADATA = {"goals": GOALS, "scorers list": [{"full name": "Ada"}], "tags[]": "literal", "camera": {"model": "m1"}}
USE = 'goals is a list of objects: use "goals[].player"'


@pytest.fixture(scope="module", params=["grpc", "embedded"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchWorld]:
    with search_world(qdrant_binary, tmp_path_factory.mktemp("lists")) as running:
        control = running.simulator.control
        control.patch_metadata(
            running.newer, control.add_asset(running.newer, "final.mp4", captions=["a goal"]), METADATA
        )
        for settings in ({}, {"QDRANT_URL": "embedded", "CONNECTOR_DATA_DIR": "embedded"}):
            assert running.connector.run("sync", **settings).code == 0
        yield running


@pytest.mark.parametrize(
    "filters",
    [
        {"goals[].player": "Ada"},
        {("goals[]", "player"): ["Ada", "Cy"]},
        {"user_metadata.goals[].minute": {"gte": 80}},
        {"goals[].by[].foot": "left"},
        {"scorers list[].full name": "Ada"},
        {"goals[].player": "Ada", "goals[].minute": 88},
        {"tags[]": "literal"},
    ],
)
def test_a_filter_on_objects_in_a_list(world: SearchWorld, way: str, filters: dict[Any, Any]) -> None:
    with world.search(way) as search:
        found = search.query("a goal", filters=filters, across_models=True)[0]

    assert {it.filename for it in found} == {"final.mp4"}


def test_objects_with_other_values_are_not_found(world: SearchWorld, way: str) -> None:
    with world.search(way) as search:
        assert len(search.query("a goal", filters={"goals[].player": "Cy"}, across_models=True)[0]) == 0


@pytest.mark.parametrize("key", ["goals.player", ("goals", "player")])
def test_a_path_that_does_not_say_that_it_is_a_list(world: SearchWorld, way: str, key: Any) -> None:
    with world.search(way) as search, pytest.raises(ConfigError) as raised:
        search.query("a goal", filters={key: "Ada"})

    assert USE in str(raised.value)


def test_a_path_to_nothing_is_no_list(world: SearchWorld, way: str) -> None:
    with world.search(way) as search, pytest.raises(ConfigError) as raised:
        search.query("a goal", filters={("camera", "lens"): "wide"})

    assert "list of objects" not in str(raised.value)


async def test_agents_filter_on_objects_in_a_list(world: SearchWorld) -> None:
    async with connected(world) as client:
        found = await answer(client, "search_moments", text="a goal", filters={"goals[].player": "Ada"})
        said = await refusal(client, "search_moments", text="a goal", filters={"goals.player": "Ada"})

    assert {it["filename"] for it in found["moments"]} == {"final.mp4"}
    assert USE in said


def test_the_command_filters_on_objects_in_a_list(world: SearchWorld) -> None:
    found = world.connector.run("search", "a goal", "--filter", "goals[].minute>=80", "--json")

    assert found.code == 0
    assert "final.mp4" in found.stdout
    assert "captioned.mp4" not in found.stdout

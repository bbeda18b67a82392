"""The recipes of docs/search.md, run as printed, and its tables."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import connector.search
from connector.search import Moment, VideoSearch
from tests.e2e.pages import code, table
from tests.e2e.recipes import KEY, World, lines, synced_world


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with synced_world(qdrant_binary, tmp_path_factory) as running:
        yield running


@pytest.fixture
def search(world: World) -> Iterator[VideoSearch]:
    settings = world.connector.settings
    with VideoSearch(
        settings["QDRANT_URL"],
        qdrant_api_key=KEY,
        qdrant_grpc_port=int(settings["QDRANT_GRPC_PORT"]),
        twelvelabs_api_key=settings["TWELVELABS_API_KEY"],
        twelvelabs_base_url=settings["TWELVELABS_BASE_URL"],
    ) as running:
        yield running


def test_first(world: World) -> None:
    found = lines(world.run("first.py"))

    assert [line for line in found if line.startswith("marengo")] == ["marengo3.0", "marengo2.7"]
    assert found[1].startswith("cup-final-highlights.mp4 ")
    assert found[1].endswith("listen to the goal celebration")
    assert len(found) == 8


def test_narrow(world: World) -> None:
    found = lines(world.run("narrow.py"))

    assert found
    for line in found:
        name, start, end, season = line.split()
        stored = next(it["payload"] for it in world.points.values() if it["payload"]["filename"] == name)
        assert stored["user_metadata"]["category"] in {"sports", "news"}
        assert (float(start) < 20, float(end) > 10, int(season) >= 2026) == (True, True, True)


def test_combine(world: World, search: VideoSearch) -> None:
    found = lines(world.run("combine.py"))

    (videos, *_) = search.query("goal celebration", group_by_asset=True, limit=3)
    assert found[:3] == [f"{it.filename} {it.start_sec} {len(it.others)}" for it in videos]
    assert len({it.filename for it in videos}) == 3
    name, start, end, score, _ = found[3].split()
    assert name == "cup-final-highlights.mp4"
    assert float(start) < float(end)
    assert float(score) == pytest.approx((2 + 0.5 + 1) / 2)


def test_similar(world: World) -> None:
    (found,) = lines(world.run("similar.py"))

    assert found.startswith("marengo3.0 ")
    assert "cup-final-highlights.mp4" not in found


def test_with_asyncio(world: World) -> None:
    first, second = lines(world.run("with_asyncio.py"))

    assert first == "cup-final-highlights.mp4 derby-1998.mp4"
    assert second.startswith("savanna-at-dawn.mp4 ")


def test_the_table_of_results_has_every_field() -> None:
    documented = {name for names, _ in table("docs/search.md", "Results") for name in code(names)}

    assert documented == {field.name for field in dataclasses.fields(Moment)}


def test_the_table_of_errors_has_every_public_one() -> None:
    documented = {name for names, _ in table("docs/search.md", "Errors") for name in code(names)}

    public = {name for name in connector.search.__all__ if isinstance(getattr(connector.search, name), type)}
    errors = {name for name in public if issubclass(getattr(connector.search, name), connector.search.ConnectorError)}
    assert documented == errors - {"ConnectorError"}

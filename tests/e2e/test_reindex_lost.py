"""What is left of a data directory after a switch: no sync empties the collection that searchers use."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario

NEW = "v2-marengo3.0"
SECOND_SETTINGS = {"CONNECTOR_COLLECTION": "v2-{model}"}


@pytest.fixture
def world(qdrant_binary: Path, tmp_path: Path) -> Iterator[ReindexWorld]:
    """After a switch."""
    with reindex_world(qdrant_binary, tmp_path, scenario(assets=1)) as running:
        assert running.connector.run("sync").code == 0
        running.reindex("start", "videos", "--into", "v2", "--create-alias")
        running.reindex("switch", "videos")
        yield running


def code_of(world: ReindexWorld, *arguments: str, **settings: str) -> tuple[int, str | None]:
    ended = world.connector.run("sync", *arguments, "--json", **settings)
    error = ended.index(world.newer)["error"]
    return ended.code, error and error["code"]


def test_the_directory_of_the_reindex_is_lost(world: ReindexWorld) -> None:
    """Only ledger.sqlite3 was restored."""
    old, new = world.stored(OLD), world.stored(NEW)
    shutil.rmtree(world.connector.directory / "data" / "reindex")

    assert code_of(world, **SECOND_SETTINGS) == (3, "owned_elsewhere")
    assert code_of(world) == (0, None)
    assert world.connector.run("check", **SECOND_SETTINGS).code == 2
    assert world.stored(OLD).keys() == old.keys()
    assert world.stored(NEW).keys() == new.keys()

    rescued = world.connector.run("sync", "--json", CONNECTOR_DATA_DIR="rescued", **SECOND_SETTINGS)
    report = rescued.index(world.newer)
    assert (rescued.code, report["unchanged"], report["points_written"]) == (0, 2, 0)
    assert world.stored(OLD).keys() == old.keys()


def test_settings_that_are_turned_back_after_a_takeover(world: ReindexWorld) -> None:
    new = world.stored(NEW)
    shutil.rmtree(world.connector.directory / "data" / "reindex")
    assert code_of(world, "--take-over", **SECOND_SETTINGS) == (0, None)
    assert world.stored(OLD) == {}, "the take-over has moved the points"

    assert code_of(world) == (3, "alias_elsewhere")
    assert code_of(world, "--take-over") == (3, "alias_elsewhere")
    assert world.connector.run("plan", "--json").code == 3
    assert world.stored(NEW).keys() == new.keys()
    assert code_of(world, **SECOND_SETTINGS) == (0, None)


def test_a_copied_data_directory_with_settings_of_its_own(world: ReindexWorld) -> None:
    """On another machine, with another name for the collection."""
    old, new = world.stored(OLD), world.stored(NEW)
    shutil.copytree(world.connector.directory / "data", world.connector.directory / "copy")
    world.reindex("rollback", "videos")

    assert code_of(world, CONNECTOR_DATA_DIR="copy", CONNECTOR_COLLECTION="mine-{model}") == (3, "alias_elsewhere")

    assert world.stored(OLD).keys() == old.keys()
    assert world.stored(NEW).keys() == new.keys()
    assert code_of(world) == (0, None)

"""A rollback looks at the old collection first, and tells what it cannot do, as a switch does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from qdrant_client import models

from tests.command import Ended
from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario

NEW = "v2-marengo3.0"
SECOND_SETTINGS = {"CONNECTOR_COLLECTION": "v2-{model}"}
NO_SPACE = ("bash", "-c", 'ulimit -f 0; exec "$@"', "-")
"""Starts a program that may write no byte to a file."""


@pytest.fixture
def world(qdrant_binary: Path, tmp_path: Path) -> Iterator[ReindexWorld]:
    """After a switch."""
    with reindex_world(qdrant_binary, tmp_path, scenario(assets=1)) as running:
        assert running.connector.run("sync").code == 0
        running.reindex("start", "videos", "--into", "v2", "--create-alias")
        running.reindex("switch", "videos")
        yield running


def on_a_full_disk(world: ReindexWorld, *arguments: str) -> Ended:
    return world.connector.run("reindex", *arguments, before=NO_SPACE)


def job_files(world: ReindexWorld) -> list[str]:
    return [it.name for it in (world.connector.directory / "data/reindex/videos/1").iterdir() if "job" in it.name]


def test_it_says_how_far_the_old_collection_is_behind(world: ReindexWorld) -> None:
    world.simulator.control.add_asset(world.newer, "fresh.mp4", duration=12.0)
    assert world.connector.run("sync", **SECOND_SETTINGS).code == 0

    told = world.reindex("rollback", "videos", **SECOND_SETTINGS).stdout
    world.reindex("switch", "videos", **SECOND_SETTINGS)
    back = world.reindex("rollback", "videos", "--json", **SECOND_SETTINGS).json

    assert "It has 2 assets; v2-marengo3.0 has 3. Its last complete cycle was" in told
    behind = back["behind"]
    assert (behind["assets"], behind["newer_assets"]) == (2, 3)
    assert behind["points"] == behind["ledger_points"] == len(world.stored(OLD))
    assert behind["synced_at"].startswith("20")
    assert world.reindex("rollback", "videos", "--json").json["behind"] is None, "it is there already"


def test_a_collection_that_was_emptied_or_removed_does_not_get_the_alias(world: ReindexWorld) -> None:
    held: list[models.ExtendedPointId] = sorted(world.stored(OLD))
    world.client.delete(OLD, points_selector=held[1:])
    partly = world.reindex("rollback", "videos").stdout
    assert f"It has only 1 of the {len(held)} points that its ledger expects" in partly
    assert world.connector.run("verify", "--repair").code in {0, 1}
    world.reindex("switch", "videos")
    world.client.delete(OLD, points_selector=held)

    emptied = world.ended(2, "rollback", "videos", "--json").json["error"]
    assert f"the old collection {OLD} is empty; the alias was not moved" in emptied["message"]
    world.client.delete_collection(OLD)
    gone = world.ended(2, "rollback", "videos")

    assert f"the old collection {OLD} does not exist any more" in gone.stderr
    assert "Fill it again with `connector sync`: remove CONNECTOR_COLLECTION for that" in gone.stderr
    assert world.alias_at() == NEW
    assert world.connector.run("sync").code == 0
    world.reindex("rollback", "videos")
    assert world.alias_at() == OLD


def test_a_collection_of_somebody_else_does_not_get_the_alias(world: ReindexWorld) -> None:
    intruder = {"CONNECTOR_DATA_DIR": "intruder", "CONNECTOR_TRANSCRIPT": "false"}
    assert world.connector.run("sync", "--take-over", **intruder).code == 0

    refused = world.ended(2, "rollback", "videos")

    assert f"the old collection {OLD} belongs to ledger" in refused.stderr
    assert "not to this connector any more" in refused.stderr
    assert world.alias_at() == NEW


def test_a_full_disk_moves_nothing(world: ReindexWorld) -> None:
    refused = on_a_full_disk(world, "rollback", "videos")

    assert refused.code == 3
    assert f"videos: it was not moved and points to {NEW}: the job could not be recorded" in refused.stderr
    assert world.alias_at() == NEW
    assert job_files(world) == ["job.json"]
    assert "switched since" in world.reindex("status", "videos").stdout
    world.reindex("rollback", "videos")
    assert on_a_full_disk(world, "switch", "videos").code == 3
    assert world.alias_at() == OLD
    assert world.reindex("switch", "videos", "--json").json["state"] == "switched"


def test_a_rollback_without_the_ledger_of_the_old_collection(world: ReindexWorld) -> None:
    """It says that it knows less."""
    (world.connector.directory / "data/ledger.sqlite3").unlink()

    told = world.reindex("rollback", "videos").stdout

    assert "Its ledger cannot be read" in told
    assert world.alias_at() == OLD

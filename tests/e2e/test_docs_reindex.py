"""The recipes of docs/reindex.md, run as printed, and its table of settings."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from connector.domain.reindex_job import CHANGEABLE
from connector.settings.connector_settings import Settings
from tests.e2e.pages import code, table
from tests.e2e.recipes import run, write_recipes
from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario

NEW = "videos-v2-marengo3.0"


@pytest.fixture
def world(qdrant_binary: Path, tmp_path: Path) -> Iterator[ReindexWorld]:
    with reindex_world(qdrant_binary, tmp_path, scenario(assets=1)) as running:
        yield running


def test_a_whole_move(world: ReindexWorld) -> None:
    directory = world.connector.directory / "recipes"
    directory.mkdir()
    connector = replace(
        world.connector,
        directory=write_recipes(directory, world.simulator.base_url),
        settings={**world.connector.settings, "QDRANT_API_KEY": ""},
    )
    assert connector.run("sync").code == 0

    moved = run(connector, "move.sh")
    assert moved.code == 0, moved.stdout + moved.stderr
    assert f"{NEW} is filled" in moved.stdout
    assert "recall@10 1.000" in moved.stdout
    assert moved.stdout.index("moved back in") < moved.stdout.rindex(f"it points to {NEW}")
    assert world.alias_at() == NEW

    after = run(connector, "after_the_switch.sh")
    assert after.code == 0, after.stdout + after.stderr
    assert "2 listed, 2 unchanged" in after.stdout
    assert f"alias videos: points to {NEW}" in after.stdout

    removed = run(connector, "remove_old.sh")
    assert removed.code == 0, removed.stderr
    assert not world.client.collection_exists(OLD)
    assert world.stored(NEW)


def test_the_table_of_settings_has_every_one_that_can_be_changed() -> None:
    documented = {name for names, _ in table("docs/reindex.md", "What can be changed") for name in code(names)}

    assert documented == {name for name in CHANGEABLE if name.lower() in Settings.model_fields}

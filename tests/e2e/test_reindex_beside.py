"""A reindex beside daemons: of the old settings, of the new ones, and in embedded storage."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.command import end
from tests.e2e.daemon import running
from tests.e2e.reindex_world import OLD, ReindexWorld, reindex_world, scenario
from tests.waiting import wait_until

DAEMONS, NEW, TEMPLATE = "daemons-marengo3.0", "v2-marengo3.0", "v2-{model}"
PATIENCE_SEC = 40


@pytest.fixture(scope="module")
def world(qdrant_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReindexWorld]:
    with reindex_world(qdrant_binary, tmp_path_factory.mktemp("reindex"), scenario(assets=2)) as running:
        yield running


def separate(world: ReindexWorld, name: str) -> ReindexWorld:
    """The same world for a connector with a ledger and collections of its own, synced."""
    own = {"CONNECTOR_DATA_DIR": name, "CONNECTOR_COLLECTION": f"{name}-{{model}}"}
    connector = replace(world.connector, settings={**world.connector.settings, **own})
    assert connector.run("sync").code == 0
    return replace(world, connector=connector)


def test_following_keeps_the_new_collection_current_until_the_switch(world: ReindexWorld) -> None:
    world, add = separate(world, "followed"), world.simulator.control.add_asset
    old, new = "followed-marengo3.0", "v1-marengo3.0"
    process = world.connector.start(
        "reindex", "start", "following", "--into", "v1", "--create-alias", "--follow", CONNECTOR_POLL_INTERVAL="0.3s"
    )
    wait_until(lambda: world.alias_at("following") == old, PATIENCE_SEC, "the alias is created")
    status = world.connector.directory / "followed" / "reindex" / "following" / "1" / "job.json"
    wait_until(lambda: '"ready"' in status.read_text(), PATIENCE_SEC, "the collection is filled")
    before = len(world.stored(new))
    add(world.newer, "fresh.mp4", duration=12.0)
    wait_until(lambda: len(world.stored(new)) > before, PATIENCE_SEC, "the new asset is in the new collection")
    assert world.connector.run("sync").code == 0
    world.reindex("switch", "following")
    ended = end(process)

    assert ended.code == 0
    assert "there is nothing left to fill" in ended.stdout
    assert world.stored(new).keys() == world.stored(old).keys()


def test_each_daemon_writes_the_collection_of_its_settings(world: ReindexWorld) -> None:
    """The daemon of the new settings owns its ledger: it works for the switch."""
    world, add = separate(world, "daemons"), world.simulator.control.add_asset
    world.reindex("start", "videos", "--into", "v2", "--create-alias")
    world.reindex("switch", "videos")
    old, new = world.stored(DAEMONS), world.stored(NEW)
    with running(world.connector) as daemon:
        wait_until(lambda: bool(daemon.events("alias.elsewhere")), PATIENCE_SEC, "the daemon warns")
        add(world.newer, "for-the-old-daemon.mp4", duration=12.0)
        wait_until(lambda: len(world.stored(DAEMONS)) > len(old), PATIENCE_SEC, "the old daemon writes it")
        assert world.stored(NEW).keys() == new.keys()
        daemon.stop()
    old = world.stored(DAEMONS)

    world.reindex("rollback", "videos")
    world.simulator.control.clear_requests()
    with running(world.connector, CONNECTOR_COLLECTION=TEMPLATE) as daemon:
        wait_until(lambda: bool(daemon.events("alias.elsewhere")), PATIENCE_SEC, "the daemon warns")
        wait_until(lambda: world.stored(NEW).keys() == old.keys(), PATIENCE_SEC, "the new daemon has all")
        add(world.newer, "for-the-new-daemon.mp4", duration=12.0)
        assert "`connector run` works on it" in world.reindex("status", "videos").stdout
        moved = world.reindex("switch", "videos", "--json").json
        assert world.connector.run("check", CONNECTOR_COLLECTION=TEMPLATE).code == 0

    assert (moved["moved"], moved["problems"], moved["comparison"]["recall"]) == (True, [], 1.0)
    assert world.stored(DAEMONS).keys() == old.keys()
    assert len(world.stored(NEW)) > len(old)
    retrieved = [it.path for it in world.simulator.control.requests if "/indexed-assets/" in it.path]
    assert len(retrieved) == 2, "only the assets that it had not seen"
    checked = world.connector.run("check")
    assert checked.code == 2
    assert (
        "but these settings write another collection. To follow the alias, set CONNECTOR_COLLECTION=v2-{model}"
        in checked.stdout
    )


def test_embedded_storage(world: ReindexWorld) -> None:
    embedded = {"QDRANT_URL": "embedded", "CONNECTOR_DATA_DIR": "embedded"}
    assert world.connector.run("sync", **embedded).code == 0
    new = ("videos", "--into", "v2", "--create-alias")
    plan = world.reindex("plan", *new, "--json", **embedded).json
    assert (plan["creates_alias"], plan["exists"], plan["assets"]) == (
        True,
        False,
        len(world.simulator.control.asset_ids(world.newer)),
    )
    assert world.reindex("start", *new, "--json", **embedded).json["state"] == "ready"
    assert world.reindex("switch", "videos", "--json", **embedded).json["comparison"]["recall"] == 1.0
    assert world.reindex("rollback", "videos", "--json", **embedded).json["alias_at"] == OLD

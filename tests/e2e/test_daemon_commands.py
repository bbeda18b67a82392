"""Commands while a daemon runs: the daemon carries them out."""

import re
from typing import Any

import pytest
from qdrant_client import QdrantClient

from connector.ledger.command_queue import CommandQueue, CommandState
from connector.ledger.sqlite.sqlite_file import SqliteFile
from connector.simulator import Scenario, Simulator
from tests.command import Command
from tests.e2e.convergence import OLDER, SLOW, converges, small_scenario
from tests.e2e.daemon import PATIENCE_SEC, running
from tests.terminal import Shown, on_terminal
from tests.waiting import wait_until


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


def test_commands_beside_a_daemon_are_carried_out_by_it(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector, pace=SLOW) as daemon:
        converges(simulator, client)
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        synced = connector.run("sync", "--json", "--index", newer)
        wait_until(
            lambda: doing(connector, newer) == "waiting", PATIENCE_SEC, "the daemon showed that the sync is over"
        )
        status = connector.run("status", "--json")
        refused = connector.run("sync", "--index", "ffffffffffffffffffffffff")
        forgotten = connector.run("forget", older, "--yes", "--json")
        assert daemon.stop().code == 0

    assert (synced.code, synced.index(newer)["upserted"]) == (0, 1), synced.stderr
    assert status.json["daemon"]["pid"] == daemon.process.pid
    assert refused.code == 2
    assert "CONNECTOR_INDEXES" in refused.stderr
    assert (forgotten.code, forgotten.json["assets"]) == (0, 6)
    assert client.count(OLDER).count == 0


def doing(connector: Command, index_id: str) -> str:
    """As of the daemon's last heartbeat, which may be older than the end of a command."""
    status: dict[str, Any] = connector.run("status", "--json").json
    return str(status["daemon"]["indexes"][index_id]["doing"])


def test_a_sync_beside_a_daemon_shows_its_own_progress(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """Not what the daemon did before it, nor for another reason."""
    newer = simulator.control.index_ids[0]
    with running(connector, pace=SLOW) as daemon:
        converges(simulator, client)
        idle = on_terminal(connector, "sync")
        simulator.control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        busy = on_terminal(connector, "sync")
        simulator.control.delete_index(newer)
        gone = on_terminal(connector, "sync", "--index", newer)
        assert daemon.stop().code == 0

    assert idle.code == 0
    assert re.search(r"\d/\d+ assets", idle.sent) is None
    assert rows(idle) == {"newer": "nothing to do", "older": "nothing to do"}
    assert busy.code == 0
    assert rows(busy)["newer"].endswith("1/1 assets")
    assert rows(busy)["older"] == "nothing to do"
    assert gone.screen.lines[0].split(maxsplit=1) == ["newer", "not completed"]


def rows(shown: Shown) -> dict[str, str]:
    """Name of the index -> what its row of the progress showed last."""
    return {name: state.strip() for name, _, state in (line.partition(" ") for line in shown.screen.lines[:2])}


def test_a_sync_beside_a_daemon_finds_an_index_that_is_new(connector: Command, simulator: Simulator) -> None:
    """The daemon looks for new indexes once per reconcile interval; a command does not wait for that."""
    with running(connector, pace=SLOW) as daemon:
        wait_until(lambda: bool(daemon.index(simulator.control.index_ids[1])), PATIENCE_SEC, "both are known")
        added = simulator.control.add_index("added", generate=2)
        ended = connector.run("sync", "--json")
        assert daemon.stop().code == 0

    entry = ended.index(added)
    assert ended.code == 0, ended.stderr
    assert entry["listed"] == 2, ended.stderr
    assert entry["upserted"] + entry["unchanged"] == 2, ended.stderr


def test_an_index_that_was_forgotten_for_good_does_not_come_back(connector: Command, simulator: Simulator) -> None:
    older = simulator.control.index_ids[1]
    with running(connector, pace=SLOW) as daemon:
        wait_until(lambda: daemon.index(older).get("applied") == 6, PATIENCE_SEC, "it is synced")
        simulator.control.delete_index(older)
        forgotten = connector.run("forget", older, "--yes")
        assert daemon.stop().code == 0
    ended = connector.run("sync", "--json")

    assert (forgotten.code, ended.code) == (0, 0), ended.stdout
    assert older not in {entry["index_id"] for entry in ended.json["indexes"]}


async def test_an_order_of_a_newer_release_is_refused_by_name(connector: Command, simulator: Simulator) -> None:
    """As if a newer release queued a command for an older daemon."""
    with running(connector, pace=SLOW) as daemon:
        async with CommandQueue(SqliteFile(connector.directory / "data" / "ledger.sqlite3")) as queue:
            number = await queue.place("tomorrow", {})
        ended = connector.run("sync", "--json")
        async with CommandQueue(SqliteFile(connector.directory / "data" / "ledger.sqlite3", read_only=True)) as queue:
            order = await queue.read(number)
        assert daemon.stop().code == 0

    assert ended.code == 0, ended.stderr
    assert (order.state, order.result["code"]) == (CommandState.REFUSED, "config_error")
    assert "tomorrow: the daemon (release " in order.result["message"]
    assert daemon.events("command.crashed") == []

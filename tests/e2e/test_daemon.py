"""`connector run` on the simulator and a real Qdrant: it converges by itself, whatever happens to either."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from qdrant_client import QdrantClient

from connector.ledger.command_queue import CommandQueue, CommandState
from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.e2e.daemon import PATIENCE_SEC, Running, running
from tests.e2e.oracle import check_equal, listed, stored
from tests.qdrant_server import QdrantServer
from tests.waiting import wait_until

RETRIEVE = "GET /indexes/*/indexed-assets/*"
SLOW = {"CONNECTOR_POLL_INTERVAL": "1h", "CONNECTOR_RECONCILE_INTERVAL": "1h"}
NEWER, OLDER = "twelvelabs-marengo3.0", "twelvelabs-marengo2.7"


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(
        seed=9,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=8, duration=(10.0, 30.0)),
            IndexSpec(name="older", model="marengo2.7", generate=6, duration=(10.0, 30.0)),
        ),
    )


def converges(simulator: Simulator, client: QdrantClient, *index_ids: str) -> None:
    """Waits until the sink has exactly what the source has."""
    for index_id in index_ids or simulator.control.index_ids:
        wait_until(equal(client, simulator.base_url, index_id), PATIENCE_SEC, f"{index_id} is as the source has it")


def equal(client: QdrantClient, base_url: str, index_id: str) -> Callable[[], bool]:
    def is_equal() -> bool:
        try:
            check_equal(client, base_url, index_id)
        except AssertionError:
            return False
        return True

    return is_equal


def ids(client: QdrantClient, collection: str, index_id: str) -> set[str]:
    return {point["payload"]["indexed_asset_id"] for point in stored(client, collection, index_id).values()}


def test_it_follows_every_kind_of_change(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector, CONNECTOR_REFRESH_INTERVAL="4s", CONNECTOR_DEEP_REFRESH_INTERVAL="8s") as daemon:
        converges(simulator, client)
        first, second, third, fourth, *_ = control.asset_ids(newer)
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        control.delete_asset(newer, second)
        control.update_asset(newer, first, duration=95.0)
        converges(simulator, client)
        control.set_knobs(patch_bumps_updated_at=False, reindex_bumps_updated_at=False)
        control.patch_metadata(newer, third, {"reviewed": "yes"})
        control.reindex(newer, fourth, duration=17.0)
        converges(simulator, client)
        control.migrate(older, "marengo3.0")
        converges(simulator, client)
        ended = daemon.stop()

    assert ended.code == 0, daemon.log.read_text()
    assert client.count(OLDER).count == 0
    assert newer != older


def test_an_expired_index_keeps_its_points_and_does_not_stop_the_other(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector) as daemon:
        converges(simulator, client)
        kept = ids(client, OLDER, older)
        control.expire_index(older)
        wait_until(lambda: bool(daemon.index(older)["last_cycle"]["error"]), PATIENCE_SEC, "the error is reported")
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        converges(simulator, client, newer)
        error = daemon.index(older)["last_cycle"]["error"]
        assert daemon.ready
        assert daemon.stop().code == 0

    assert error["code"] == "index_gone"
    assert ids(client, OLDER, older) == kept


def test_qdrant_killed_and_brought_back(
    connector: Command, simulator: Simulator, server: QdrantServer, client: QdrantClient
) -> None:
    """/readyz tells the truth throughout."""
    control = simulator.control
    with running(connector) as daemon:
        converges(simulator, client)
        server.kill()
        wait_until(lambda: not daemon.ready, 10, "it is not ready")
        status, document = daemon.get("/readyz")
        control.add_asset(control.index_ids[0], "added.mp4", captions=["a ship leaves the harbour"])
        alive = daemon.get("/livez")[0]
        server.start()
        wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready again")
        converges(simulator, client)
        assert daemon.stop().code == 0

    assert (status, list(document["reasons"]), alive) == (503, ["sink"], 200)


def test_it_starts_while_both_sides_are_down(connector: Command, simulator: Simulator, server: QdrantServer) -> None:
    server.stop()
    simulator.control.inject("**", status=503)
    with running(connector, wait=False) as daemon:
        wait_until(lambda: daemon.get("/livez")[0] == 200, PATIENCE_SEC, "it lives")
        status, document = daemon.get("/readyz")
        server.start()
        simulator.control.clear_faults()
        wait_until(lambda: daemon.ready, PATIENCE_SEC, "it is ready")
        client = QdrantClient(url=server.url, check_compatibility=False)
        converges(simulator, client)
        client.close()
        assert daemon.stop().code == 0

    assert (status, set(document["reasons"])) == (503, {"source", "sink"})


def test_stopping_in_the_middle_of_a_backfill_keeps_what_is_done(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer = control.index_ids[0]
    hold = control.hold(RETRIEVE, nth=5)
    with running(connector, CONNECTOR_INDEXES=newer, CONNECTOR_CONCURRENCY="2") as daemon:
        hold.wait_reached()
        daemon.process.terminate()
        wait_until(lambda: bool(daemon.events("daemon.drain_started")), PATIENCE_SEC, "it drains")
        hold.release()
        code = daemon.process.wait(timeout=PATIENCE_SEC)
    done = {entry.path for entry in control.requests.matching(RETRIEVE)}
    control.clear_requests()
    with running(connector, CONNECTOR_INDEXES=newer) as daemon:
        wait_until(lambda: daemon.index(newer).get("applied") == 8, PATIENCE_SEC, "all is applied")
        again = {entry.path for entry in control.requests.matching(RETRIEVE)} & done
        converges(simulator, client, newer)
        daemon.stop()

    assert code == 0, daemon.log.read_text()
    assert len(done) >= 5
    assert again == set()


def test_a_webhook_makes_an_asset_searchable_within_seconds(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """Polls are an hour apart: it can only be the webhook."""
    control = simulator.control
    newer = control.index_ids[0]
    with running(connector, CONNECTOR_WEBHOOK_SECRET="whsec_test", pace=SLOW) as daemon:
        converges(simulator, client)
        control.set_webhook(daemon.webhook_url, "whsec_test")
        added = control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        control.emit("index.task.ready", newer, added)
        wait_until(lambda: added in ids(client, NEWER, newer), 10, "the asset is in Qdrant")
        assert daemon.stop().code == 0


def test_a_second_daemon_waits_for_the_first_and_takes_over(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    """A rolling update."""
    with running(connector) as first:
        converges(simulator, client)
        with running(connector, wait=False) as second:
            wait_until(lambda: bool(second.events("ledger.lock_refused")), PATIENCE_SEC, "the second one waits")
            assert f"process {first.process.pid}" in second.events("ledger.lock_refused")[0]["reason"]
            assert first.stop().code == 0
            wait_until(lambda: second.ready, PATIENCE_SEC, "the second one has taken over")
            assert second.stop().code == 0


def test_a_daemon_that_waits_for_the_ledger_can_be_stopped(connector: Command) -> None:
    with running(connector) as first, running(connector, wait=False) as second:
        wait_until(lambda: bool(second.events("ledger.lock_refused")), PATIENCE_SEC, "the second one waits")

        assert second.stop().code == 0
        assert first.ready
        assert first.stop().code == 0


def test_commands_beside_a_daemon_are_carried_out_by_it(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    newer, older = control.index_ids
    with running(connector, pace=SLOW) as daemon:
        converges(simulator, client)
        control.add_asset(newer, "added.mp4", captions=["a ship leaves the harbour"])
        synced = connector.run("sync", "--json", "--index", newer)
        status = connector.run("status", "--json")
        refused = connector.run("sync", "--index", "ffffffffffffffffffffffff")
        forgotten = connector.run("forget", older, "--yes", "--json")
        assert daemon.stop().code == 0

    assert (synced.code, synced.index(newer)["upserted"]) == (0, 1), synced.stderr
    assert status.json["daemon"]["pid"] == daemon.process.pid
    assert status.json["daemon"]["indexes"][newer]["doing"] == "waiting"
    assert refused.code == 2
    assert "CONNECTOR_INDEXES" in refused.stderr
    assert (forgotten.code, forgotten.json["assets"]) == (0, 6)
    assert client.count(OLDER).count == 0


def test_a_sync_beside_a_daemon_finds_an_index_that_is_new(connector: Command, simulator: Simulator) -> None:
    """The daemon looks for new indexes once in a reconcile interval; a command does not wait for that."""
    with running(connector, pace=SLOW) as daemon:
        wait_until(lambda: bool(daemon.index(simulator.control.index_ids[1])), PATIENCE_SEC, "both are known")
        added = simulator.control.add_index("added", generate=2)
        ended = connector.run("sync", "--json")
        assert daemon.stop().code == 0

    entry = ended.index(added)
    assert (ended.code, entry["listed"], entry["upserted"] + entry["unchanged"]) == (0, 2, 2), ended.stderr


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


def test_an_unchanged_index_costs_a_poll_two_requests(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer = simulator.control.index_ids[0]
    pace = {"CONNECTOR_POLL_INTERVAL": "1s", "CONNECTOR_RECONCILE_INTERVAL": "1h"}
    with running(connector, CONNECTOR_INDEXES=newer, pace=pace) as daemon:
        converges(simulator, client, newer)
        simulator.control.clear_requests()
        polls = simulator.control.requests
        wait_until(lambda: len(polls.matching("GET /indexes/*/indexed-assets")) >= 6, PATIENCE_SEC, "three polls")
        retrieved = polls.matching(RETRIEVE)
        assert daemon.stop().code == 0

    assert retrieved == []


def test_a_taken_port_is_a_configuration_error(connector: Command) -> None:
    with running(connector) as daemon:
        port = daemon.url.rpartition(":")[2]
        elsewhere = connector.directory / "elsewhere"
        ended = connector.run("run", CONNECTOR_HTTP_PORT=port, CONNECTOR_DATA_DIR=str(elsewhere))
        daemon.stop()

    assert ended.code == 2
    assert "CONNECTOR_HTTP_PORT" in ended.stderr


def test_it_wants_to_be_told_where_qdrant_is(connector: Command) -> None:
    ended = connector.run("run", QDRANT_URL="")

    assert ended.code == 2
    assert "QDRANT_URL" in ended.stderr
    assert not (connector.directory / "data").exists()


def test_healthcheck_asks_the_daemon(connector: Command) -> None:
    with running(connector) as daemon:
        port = daemon.url.rpartition(":")[2]
        alive = connector.run("healthcheck", CONNECTOR_HTTP_PORT=port)
        daemon.stop()
        dead = connector.run("healthcheck", CONNECTOR_HTTP_PORT=port)

    assert (alive.code, dead.code) == (0, 1)


def test_a_second_signal_does_not_wait(connector: Command, simulator: Simulator) -> None:
    hold = simulator.control.hold(RETRIEVE)
    with running(connector, CONNECTOR_DRAIN_TIMEOUT="10m") as daemon:
        hold.wait_reached()
        daemon.process.terminate()
        wait_until(lambda: bool(daemon.events("daemon.drain_started")), PATIENCE_SEC, "it drains")
        daemon.process.terminate()
        code = daemon.process.wait(timeout=PATIENCE_SEC)
        hold.release()

    assert code == 130


@pytest.mark.soak
def test_five_hundred_cycles_leak_nothing(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """Descriptors stay as they are, memory flat."""
    fast = {"CONNECTOR_POLL_INTERVAL": "0.1s", "CONNECTOR_RECONCILE_INTERVAL": "0.2s"}
    with running(connector, pace=fast) as daemon:
        converges(simulator, client)
        cycles(daemon, 50)
        before = resources(daemon)
        cycles(daemon, 500)
        after = resources(daemon)
        assert daemon.stop().code == 0

    assert after[0] <= before[0] + 2, "open descriptors"
    assert after[1] <= before[1] * 1.1, "resident memory"


def cycles(daemon: Running, count: int) -> None:
    already = len(daemon.events("cycle.finished"))
    wait_until(lambda: len(daemon.events("cycle.finished")) >= already + count, 600, f"{count} cycles")


def resources(daemon: Running) -> tuple[int, int]:
    """Open descriptors and resident pages of the process (Linux)."""
    proc = Path("/proc") / str(daemon.process.pid)
    return sum(1 for _ in (proc / "fd").iterdir()), int((proc / "statm").read_text().split()[1])


async def test_a_command_of_a_newer_release_is_refused_by_name(connector: Command, simulator: Simulator) -> None:
    """As after a command of a newer release beside an older daemon."""
    with running(connector, pace=SLOW) as daemon:
        async with CommandQueue(connector.directory / "data" / "ledger.sqlite3") as queue:
            number = await queue.place("tomorrow", {})
        ended = connector.run("sync", "--json")
        async with CommandQueue(connector.directory / "data" / "ledger.sqlite3", read_only=True) as queue:
            command = await queue.read(number)
        assert daemon.stop().code == 0

    assert ended.code == 0, ended.stderr
    assert (command.state, command.result["code"]) == (CommandState.REFUSED, "config_error")
    assert "tomorrow: the daemon (release " in command.result["message"]
    assert daemon.events("command.crashed") == []


def test_a_damaged_row_is_the_failure_of_its_index_in_the_daemon_too(
    connector: Command, simulator: Simulator, client: QdrantClient
) -> None:
    newer, older = simulator.control.index_ids
    assert connector.run("sync").code == 0
    with closing(sqlite3.connect(connector.directory / "data" / "ledger.sqlite3")) as db, db:
        db.execute("update checkpoints set applied = '{' where index_id = ?", (newer,))
    added = simulator.control.add_asset(older, "added.mp4", captions=["a ship leaves the harbour"])
    with running(connector) as daemon:
        converges(simulator, client, older)
        wait_until(lambda: bool(failures(daemon, newer)), PATIENCE_SEC, "the damaged index has failed")
        assert daemon.stop().code == 0

    assert added in {row["_id"] for row in listed(simulator.base_url, older)}
    assert {it["code"] for it in failures(daemon, newer)} == {"ledger_unavailable"}
    assert f"read ledger row {newer} " in failures(daemon, newer)[0]["message"]
    assert daemon.events("cycle.crashed") == []


def failures(daemon: Running, index_id: str) -> list[dict[str, Any]]:
    return [event for event in daemon.events("cycle.failed") if event["index_id"] == index_id]

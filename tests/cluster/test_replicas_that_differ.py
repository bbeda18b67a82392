"""Replicas with other addresses or keys than the rest: refused, or they stand by. Nothing goes to a wrong place."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.cluster.members import OtherEndpoints
from connector.cluster.replica import join_ledger
from connector.domain.endpoints import Endpoints
from connector.domain.ledger_place import LedgerPlace
from connector.simulator import Scenario, Simulator
from tests.cluster.fencing import Outside
from tests.cluster.fleet import Fleet, fleet_of
from tests.command import Command
from tests.e2e.convergence import converges, small_scenario
from tests.e2e.daemon import Running
from tests.postgres_server import PostgresServer
from tests.qdrant_server import QdrantServer, free_port
from tests.waiting import wait_until

SEC = 90
API = "https://api.example/v1.3"


@pytest.fixture
def scenario() -> Scenario:
    return small_scenario()


@pytest.fixture
def fleet(connector: Command, postgres_ledger: str) -> Iterator[Fleet]:
    with fleet_of(connector, postgres_ledger) as made:
        yield made


def replica_of(fleet: Fleet, daemon: Running) -> dict[str, object]:
    found = fleet.cluster().get("replicas", ())
    return next((it for it in found if it["pid"] == daemon.process.pid), {})


def applied(daemon: Running, index_id: str, assets: int) -> bool:
    return bool(daemon.index(index_id).get("applied") == assets)


def leases(fleet: Fleet, daemon: Running) -> int | None:
    held = replica_of(fleet, daemon).get("leases")
    return len(held) if isinstance(held, list) else None


async def test_another_qdrant_is_refused_while_a_replica_lives(made_ledger: str) -> None:
    """Without an exception of the first one, and at once when that has left."""
    place, one = LedgerPlace(Path("unused"), made_ledger), Endpoints(API, "http://one:6333", "digest")
    other = replace(one, sink="http://other:6333")
    async with AsyncExitStack() as first:
        await first.enter_async_context(join_ledger(place, str, one, None, 0))
        with pytest.raises(OtherEndpoints) as refused:
            await AsyncExitStack().enter_async_context(join_ledger(place, str, other, None, 0.6))
        assert "http://other:6333" in str(refused.value)
        assert "works with http://one:6333" in str(refused.value)
        assert "QDRANT_URL" in str(refused.value)
    async with join_ledger(place, str, other, None, 0):
        pass


async def test_a_replica_that_was_silent_is_compared_again(made_ledger: str, outside: Outside) -> None:
    """Others with another address may have joined meanwhile."""
    place, one = LedgerPlace(Path("unused"), made_ledger), Endpoints(API, "http://one:6333", "digest")
    async with AsyncExitStack() as stack:
        paused = await stack.enter_async_context(join_ledger(place, str, one, None, 0))
        assert await paused.members.beat()
        outside.execute("update replicas set seen_at = clock_timestamp() - interval '16 seconds'")
        assert not await paused.members.beat()
        assert await paused.members.live() == []

        other = replace(one, sink="http://other:6333")
        with pytest.raises(OtherEndpoints):  # it is not gone yet: PostgreSQL may have been down for all
            await AsyncExitStack().enter_async_context(join_ledger(place, str, other, None, 0))
        outside.execute("delete from replicas")
        async with join_ledger(place, str, other, None, 0):
            with pytest.raises(OtherEndpoints):
                await paused.members.join()
        await paused.members.join()
        assert await paused.members.beat()


def test_all_replicas_may_be_moved_to_another_qdrant(
    fleet: Fleet, simulator: Simulator, new_qdrant: Callable[..., QdrantServer]
) -> None:
    """The new one waits for those that end, and everything is written again."""
    other = new_qdrant()
    other.start()
    (first,) = fleet.start()
    wait_until(lambda: leases(fleet, first) == 2, SEC, "it is at work")

    (second,) = fleet.start(QDRANT_URL=other.url, QDRANT_GRPC_PORT=str(other.grpc_port))
    wait_until(lambda: bool(second.events("replica.waits")), SEC, "it waits")
    assert first.stop().code == 0
    fleet.daemons.remove(first)

    with_rest = QdrantClient(url=other.url, check_compatibility=False)
    converges(simulator, with_rest)
    with_rest.close()


@pytest.mark.soak
def test_a_replica_whose_qdrant_key_may_only_read_stands_by(
    fleet: Fleet, simulator: Simulator, new_qdrant: Callable[..., QdrantServer]
) -> None:
    guarded = new_qdrant(QDRANT__SERVICE__API_KEY="may-write", QDRANT__SERVICE__READ_ONLY_API_KEY="may-read")
    guarded.start()
    fleet.settings |= {"QDRANT_URL": guarded.url, "QDRANT_GRPC_PORT": str(guarded.grpc_port)}
    (reader,) = fleet.start(QDRANT_API_KEY="may-read")
    wait_until(lambda: leases(fleet, reader) == 2, SEC, "it is alone")
    (writer,) = fleet.start(QDRANT_API_KEY="may-write")

    wait_until(lambda: leases(fleet, writer) == 2, SEC, "the other one has both indexes")
    assert "Qdrant" in str(replica_of(fleet, reader)["cannot_work"])
    for index_id in simulator.control.index_ids:
        assets = len(simulator.control.asset_ids(index_id))
        wait_until(partial(applied, writer, index_id, assets), SEC, f"all assets of {index_id} are applied")


@pytest.mark.soak
def test_a_replica_that_cannot_reach_the_source_stands_by(
    fleet: Fleet, simulator: Simulator, client: QdrantClient
) -> None:
    """Its proxy is down, and only its own: the other one does all the work."""
    names, proxy = ",".join(simulator.control.index_ids), f"http://127.0.0.1:{free_port()}"
    (broken,) = fleet.start(HTTP_PROXY=proxy, NO_PROXY=qdrant_place(fleet), CONNECTOR_INDEXES=names)
    wait_until(lambda: leases(fleet, broken) == 2, SEC, "it is alone, and plans for both")
    (well,) = fleet.start(CONNECTOR_INDEXES=names)

    wait_until(lambda: leases(fleet, well) == 2, SEC, "the other one has both indexes")
    assert replica_of(fleet, broken)["state"] == "standby"
    assert "TwelveLabs" in str(replica_of(fleet, broken)["cannot_work"])
    assert broken.events("replica.stands_by")
    converges(simulator, client)
    assert not well.events("lease.lost")


def test_a_replica_whose_key_is_revoked_stands_by_until_it_works_again(
    fleet: Fleet, simulator: Simulator, client: QdrantClient
) -> None:
    control = simulator.control
    well, revoked = *fleet.start(TWELVELABS_API_KEY="key-a"), *fleet.start(TWELVELABS_API_KEY="key-b")
    wait_until(lambda: leases(fleet, well) == leases(fleet, revoked) == 1, SEC, "each has an index")
    converges(simulator, client)

    control.set_knobs(revoked_keys=("key-b",))
    for index_id in control.index_ids:
        control.add_asset(index_id, "new.mp4", duration=11.0)
    wait_until(lambda: leases(fleet, well) == 2, SEC, "the other one has both indexes")
    converges(simulator, client)
    status = fleet.run("status")
    assert "standby" in status.stdout
    assert "cannot work, TwelveLabs" in status.stdout
    assert "different settings or API keys" in status.stdout

    control.set_knobs(revoked_keys=())
    wait_until(lambda: leases(fleet, well) == leases(fleet, revoked) == 1, SEC, "they share again")
    assert revoked.events("replica.recovered")


async def test_after_an_outage_of_postgres_another_qdrant_displaces_nobody(
    new_postgres: Callable[..., PostgresServer],
) -> None:
    """All were silent while it was down, and the wrong one may come back first."""
    server = new_postgres()
    place, one = LedgerPlace(Path("unused"), server.url), Endpoints(API, "http://one:6333", "digest")
    async with join_ledger(place, str, one, None, 0) as silent:
        server.execute("update twelvelabs_connector.replicas set seen_at = clock_timestamp() - interval '1 hour'")
        other = join_ledger(place, str, replace(one, sink="http://other:6333"), None, 0)
        with pytest.raises(OtherEndpoints):
            await AsyncExitStack().enter_async_context(other)
        await silent.members.join()


@pytest.mark.soak
def test_if_qdrant_is_down_for_all_nobody_stands_by(
    fleet: Fleet, simulator: Simulator, client: QdrantClient, server: QdrantServer
) -> None:
    daemons = fleet.start(2)
    wait_until(lambda: [leases(fleet, it) for it in daemons] == [1, 1], SEC, "they share")
    converges(simulator, client)

    server.kill()
    wait_until(lambda: all(replica_of(fleet, it).get("cannot_work") for it in daemons), SEC, "both have noticed")
    server.start()
    simulator.control.add_asset(simulator.control.index_ids[0], "new.mp4", duration=11.0)
    converges(simulator, client)
    wait_until(lambda: not any(replica_of(fleet, it).get("cannot_work") for it in daemons), SEC, "both work again")
    assert [it.events("replica.stands_by") for it in daemons] == [[], []]


def qdrant_place(fleet: Fleet) -> str:
    """The host and port of Qdrant, which is reached without the proxy."""
    return fleet.connector.settings["QDRANT_URL"].removeprefix("http://")

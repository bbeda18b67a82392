"""`connector verify` with the simulator and a real Qdrant server."""

from random import Random

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences
from tests.e2e.convergence import RETRIEVE
from tests.e2e.injected_drifts import Injector
from tests.e2e.oracle import check_equal

FEW, MANY = 100, 500
LIMITS = {"CONNECTOR_MAX_DELETES": "1000", "CONNECTOR_CONCURRENCY": "8"}


@pytest.fixture(params=[FEW, pytest.param(MANY, marks=pytest.mark.soak)])
def drifts(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def scenario(drifts: int) -> Scenario:
    """Several drifts of one asset cannot be told apart."""
    return Scenario(
        seed=11,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=drifts + 60, duration=(10.0, 30.0)),
            IndexSpec(name="older", model="marengo2.7", generate=3, duration=(10.0, 30.0)),
        ),
    )


def test_injected_drifts_are_found_named_and_repaired(
    connector: Command, simulator: Simulator, client: QdrantClient, drifts: int
) -> None:
    newer = simulator.control.index_ids[0]
    assert connector.run("sync", **LIMITS).code == 0
    assert connector.run("verify", **LIMITS).code == 0
    ledger = connector.directory / "data" / "ledger.sqlite3"
    expected = Injector(client, simulator, newer, ledger, Random(2026)).inject(drifts)  # noqa: S311  not for secrets
    assert len(expected) == drifts
    assert len({kind for _, kind in expected}) >= 8

    found, mended = (connector.run("verify", "--json", *it, **LIMITS) for it in ((), ("--repair",)))
    retrieved = len(simulator.control.requests.matching(RETRIEVE))
    again, repeated = (connector.run("verify", "--json", *it, **LIMITS) for it in ((), ("--repair",)))
    idle = connector.run("sync", "--json", **LIMITS)

    named = {(it["indexed_asset_id"], it["kind"]) for it in found.index(newer)["findings"]}
    assert named == expected
    assert found.code == 1
    assert found.index(newer)["repair"] is None
    entry = mended.index(newer)
    assert mended.code == 0, mended.stderr
    assert {(it["indexed_asset_id"], it["kind"]) for it in entry["findings"] if it["repaired"]} == expected
    assert (again.code, again.index(newer)["findings"]) == (0, [])
    assert (repeated.code, repeated.index(newer)["findings"], repeated.index(newer)["repair"]) == (0, [], None)
    assert len(simulator.control.requests.matching(RETRIEVE)) == retrieved
    assert differences(idle.index(newer), points_written=0, deleted=0, failed=0) == {}
    check_equal(client, simulator.base_url, newer)

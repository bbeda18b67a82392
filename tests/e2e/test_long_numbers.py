"""Numbers with 17 digits, which Qdrant stores with another last digit."""

import pytest
from qdrant_client import QdrantClient

from connector.simulator import AssetSpec, IndexSpec, Scenario, Simulator
from tests.command import Command
from tests.comparing import differences

LONG = 11.319724923556613
"""Qdrant 1.16 returns 11.319724923556612."""


@pytest.fixture
def scenario() -> Scenario:
    long = AssetSpec(filename="long.mp4", duration=LONG, fps=24000 / 1001, metadata={"score": LONG})
    return Scenario(seed=9, indexes=(IndexSpec(name="only", assets=(long,)),))


def test_they_are_no_drift(connector: Command, simulator: Simulator, client: QdrantClient) -> None:
    """What is stored is compared with what was written, in every way that the connector compares."""
    (index,) = simulator.control.index_ids
    assert connector.run("sync").code == 0

    found = connector.run("verify", "--json")
    deep = connector.run("verify", "--json", "--deep")
    again = connector.run("sync", "--json")

    assert (found.code, found.index(index)["findings"]) == (0, [])
    assert (deep.code, deep.index(index)["findings"]) == (0, [])
    assert differences(again.index(index), points_written=0, unchanged=1) == {}

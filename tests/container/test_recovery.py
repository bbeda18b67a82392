"""Stopped or killed during a backfill: the next start finishes it."""

import pytest

from tests.comparing import differences
from tests.container.conftest import StackFactory
from tests.container.engine import docker
from tests.container.stack import Stack
from tests.e2e.oracle import check_equal
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(400)

RETRIEVE = "GET /indexes/*/indexed-assets/*"
HELD = 4


@pytest.fixture
def backfilling(new_stack: StackFactory) -> Stack:
    """One asset at a time; the fourth is in progress."""
    stack = new_stack()
    stack.up("simulator", "qdrant")
    stack.configure(
        TWELVELABS_API_KEY="key",
        CONNECTOR_INDEXES=stack.index_ids[0],
        CONNECTOR_CONCURRENCY="1",
        CONNECTOR_DRAIN_TIMEOUT="25s",
    )
    stack.tell("hold", pattern=RETRIEVE, nth=HELD)
    stack.up("connector")
    assert stack.look("holds/1?timeout=60").get("reached"), "the fourth retrieval never came"
    return stack


def stored(stack: Stack) -> set[str]:
    """The assets that have points in Qdrant."""
    with stack.client() as client:
        records, _ = client.scroll("twelvelabs-marengo3.0", limit=1000, with_payload=["indexed_asset_id"])
        return {str((record.payload or {})["indexed_asset_id"]) for record in records}


def release(stack: Stack) -> None:
    assert stack.tell("holds/1/release")["released"]


def check_finished(stack: Stack) -> None:
    """The oracle reads from outside, through the published ports."""
    stack.wait_until_synced()
    index_id = stack.index_ids[0]
    with stack.client() as client:
        assert check_equal(client, stack.simulated, index_id) > 0
    assert len(stored(stack)) == len(stack.look(f"indexes/{index_id}/assets"))


def test_a_stop_finishes_what_is_in_hand_and_exits_0(backfilling: Stack) -> None:
    stack = backfilling
    stopping = stack.begin("stop", "connector")
    wait_until(lambda: stack.status["daemon"]["state"] == "draining", 30, "the daemon drains")
    release(stack)

    code = stopping.wait(timeout=60)

    state = stack.state("connector")
    assert code == 0
    assert differences(state, ExitCode=0, OOMKilled=False) == {}
    assert len(stored(stack)) == HELD
    stack.up("connector")
    check_finished(stack)


def test_a_killed_connector_is_started_again_and_finishes(backfilling: Stack) -> None:
    stack = backfilling
    docker("kill", "--signal", "KILL", f"{stack.project}-connector-1")
    before = len(stored(stack))
    release(stack)

    stack.up("connector")

    assert before == HELD - 1
    check_finished(stack)


def test_a_killed_qdrant_is_started_again_and_the_connector_never_ended(backfilling: Stack) -> None:
    stack = backfilling
    started = stack.state("connector")["StartedAt"]
    docker("kill", "--signal", "KILL", f"{stack.project}-qdrant-1")
    release(stack)
    wait_until(lambda: "sink" in stack.readiness["reasons"], 60, "the connector notices that Qdrant is gone")

    stack.up("qdrant")

    check_finished(stack)
    assert stack.state("connector")["StartedAt"] == started

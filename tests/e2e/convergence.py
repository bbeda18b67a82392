"""A small scenario, and a wait until Qdrant equals the simulator."""

from collections.abc import Callable

from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.e2e.daemon import PATIENCE_SEC
from tests.e2e.oracle import check_equal, stored
from tests.waiting import wait_until

RETRIEVE = "GET /indexes/*/indexed-assets/*"
SLOW = {"CONNECTOR_POLL_INTERVAL": "1h", "CONNECTOR_RECONCILE_INTERVAL": "1h"}
NEWER, OLDER = "twelvelabs-marengo3.0", "twelvelabs-marengo2.7"


def small_scenario() -> Scenario:
    """Two indexes of two models that are synced within seconds."""
    return Scenario(
        seed=9,
        indexes=(
            IndexSpec(name="newer", model="marengo3.0", generate=8, duration=(10.0, 30.0)),
            IndexSpec(name="older", model="marengo2.7", generate=6, duration=(10.0, 30.0)),
        ),
    )


def converges(simulator: Simulator, client: QdrantClient, *index_ids: str) -> None:
    """Waits until the sink equals the source."""
    for index_id in index_ids or simulator.control.index_ids:
        wait_until(_equal(client, simulator.base_url, index_id), PATIENCE_SEC, f"{index_id} is as the source has it")


def ids(client: QdrantClient, collection: str, index_id: str) -> set[str]:
    return {point["payload"]["indexed_asset_id"] for point in stored(client, collection, index_id).values()}


def _equal(client: QdrantClient, base_url: str, index_id: str) -> Callable[[], bool]:
    def is_equal() -> bool:
        try:
            check_equal(client, base_url, index_id)
        except AssertionError:
            return False
        return True

    return is_equal

"""kill -9 before every step of a command that the world outside can see, while the source goes on changing.

After each kill: no asset that is still listed has lost a point, and one clean run makes Qdrant equal to the source;
with a grace period of deletes it takes two.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from qdrant_client import QdrantClient

from connector.simulator import IndexSpec, Scenario, Simulator
from tests.crash.kinds import IN_EVERY_RUN, KINDS, WHILE_DOWN, Kind, Scene, added
from tests.crash.steps import Runner, runner
from tests.e2e.oracle import check_equal
from tests.qdrant_server import QdrantServer

ASSETS = 6
THIRD = 3


@pytest.fixture
def scenario() -> Scenario:
    return Scenario(seed=12, indexes=(IndexSpec(name="only", generate=ASSETS, duration=(10.0, 20.0)),))


@pytest.fixture
def steps(tmp_path: Path, simulator: Simulator, server: QdrantServer) -> Iterator[Runner]:
    settings = {
        "TWELVELABS_API_KEY": "test-key",
        "TWELVELABS_BASE_URL": simulator.base_url,
        "QDRANT_URL": server.url,
        "QDRANT_GRPC_PORT": str(server.grpc_port),
        "CONNECTOR_INDEXES": simulator.control.index_ids[0],
        "CONNECTOR_CONCURRENCY": "2",
        "CONNECTOR_MAX_DELETES": "1000",
    }
    with runner(tmp_path, settings) as running:
        yield running


@pytest.fixture
def scene(tmp_path: Path, simulator: Simulator, client: QdrantClient) -> Scene:
    return Scene(simulator.control, client, tmp_path / "data" / "ledger.sqlite3")


def clean(steps: Runner, what: str, kind: Kind, *arguments: str) -> None:
    run = steps.run(*arguments, settings=kind.settings)
    assert run.code == 0, (what, run.stdout, run.stderr)


def make_changes(kind: Kind, steps: Runner, scene: Scene) -> None:
    """All assets are there and applied; then the changes of this kind happen."""
    while len(scene.control.asset_ids(scene.index_id)) < ASSETS:
        added(scene.control, scene.index_id)
    for _ in range(kind.clean_runs):
        clean(steps, "what is missing", kind, "sync", "--json")
    scene.control.advance(1.0)  # two changes at the same time cannot be told apart
    for change in kind.changes:
        change(scene.control, scene.index_id)
    if kind.noted_before:
        clean(steps, "the changes are noted", kind, "sync", "--json")
    kind.circumstances(scene)


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "between"),
    [
        *(pytest.param(name, THIRD, id=f"{name}, every third step") for name in IN_EVERY_RUN),
        *(pytest.param(name, 1, id=name, marks=pytest.mark.soak) for name in KINDS),
    ],
)
def test_after_a_kill_before_any_step_a_clean_run_makes_everything_right(
    name: str, between: int, steps: Runner, scene: Scene, simulator: Simulator
) -> None:
    """The first kill is before the first step, the next one `between` steps later, and so on to the last."""
    kind = KINDS[name]
    clean(steps, "first sync", kind, "sync")
    began = set[str]()
    for number in count(1, between):
        make_changes(kind, steps, scene)
        before = scene.of_listed()

        killed = steps.run(*kind.command, kill_before=number, settings=kind.settings)

        what = f"{name}, killed before step {number}, after {killed.steps}"
        if killed.code is not None:
            assert killed.code == 0, (what, killed.stderr)
            break
        assert all(scene.of_listed()[name] for name, points in before.items() if points), what
        scene.control.advance(1.0)
        WHILE_DOWN[number % len(WHILE_DOWN)](scene.control, scene.index_id)
        for _ in range(kind.clean_runs):
            kind.before_clean(scene)
            clean(steps, what, kind, *kind.clean)
        if name not in IN_EVERY_RUN:
            clean(steps, what, kind, "verify")
        kind.at_end(scene)
        check_equal(scene.client, simulator.base_url, scene.index_id)
        began.update(killed.steps)
    assert kind.writes | {"commit"} <= began

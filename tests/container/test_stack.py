"""The composed services from outside: start until healthy, sync, hardening, stop and restart."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.comparing import differences
from tests.container.conftest import StackFactory, new_stacks
from tests.container.engine import ROOT
from tests.container.stack import Stack
from tests.e2e.oracle import check_equal

pytestmark = pytest.mark.timeout(400)

CONNECTOR_UID = 10001


@pytest.fixture(scope="module")
def demo(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started, for tests that only look at it."""
    with new_stacks(image, tmp_path_factory.mktemp("demo")) as make:
        stack = make()
        stack.up()
        yield stack


def test_the_demo_needs_no_settings_and_syncs_everything(demo: Stack) -> None:
    demo.wait_until_synced()

    with demo.client() as client:
        points = [check_equal(client, demo.simulated, index_id) for index_id in demo.index_ids]

    assert len(points) == 2
    assert min(points) > 0
    shown = json.loads(demo.run_inside("connector", "connector", "status", "--json"))["indexes"]
    assert {it["index_id"]: it["points"] for it in shown} == dict(zip(demo.index_ids, points, strict=True))
    assert demo.state("connector")["Health"]["Status"] == "healthy"


def test_inside_nobody_is_root_can_write_to_the_root_or_has_a_capability(demo: Stack) -> None:
    for service in ("connector", "simulator"):
        inside = demo.run_inside(
            service, "sh", "-c", "id -u; id -g; touch /opt/x 2>&1; touch /etc/x 2>&1; cat /proc/1/status; ls -ld /data"
        )
        assert inside.startswith(f"{CONNECTOR_UID}\n{CONNECTOR_UID}\n"), inside
        assert inside.count("Read-only file system") == 2, inside
        assert "CapEff:\t0000000000000000" in inside
        assert "CapBnd:\t0000000000000000" in inside
        assert "NoNewPrivs:\t1" in inside
    assert "Read-only file system" in demo.run_inside("qdrant", "sh", "-c", "touch /qdrant/x 2>&1 || true")
    assert "CapEff:\t0000000000000000" in demo.run_inside("qdrant", "cat", "/proc/1/status")
    readable = f"640 {CONNECTOR_UID} {CONNECTOR_UID}"
    assert readable in demo.run_inside("qdrant", "stat", "-c", "%a %u %g", "/run/qdrant-key/api_key")


def test_two_settings_are_enough_and_data_survives_down_and_up(new_stack: StackFactory) -> None:
    """After the restart, the connector finds ledger and points, and writes nothing."""
    stack = new_stack()
    stack.up("simulator")
    index_id = stack.index_ids[0]
    stack.configure(TWELVELABS_API_KEY="key", CONNECTOR_INDEXES=index_id)
    stack.up()
    stack.wait_until_synced()
    first, key = stack.status["indexes"][0]["last_cycle"], stack.qdrant_key
    stack.compose("down", "--timeout", "60")

    stack.up()
    stack.wait_until_synced()

    second = stack.status["indexes"][0]["last_cycle"]
    assert stack.qdrant_key == key
    assert first["upserted"] == first["listed"] > 0
    assert differences(second, upserted=0, points_written=0, unchanged=first["listed"]) == {}
    with stack.client() as client:
        assert check_equal(client, stack.simulated, index_id) == first["points_written"]


@pytest.fixture
def secrets(root: None) -> Iterator[Path]:
    """A folder in the checkout, because a remote engine may not see this machine's temporary files."""
    folder = ROOT / ".cache" / f"secrets-{os.getpid()}"
    folder.mkdir(parents=True)
    (folder / "twelvelabs_api_key").write_text("key-in-a-file\n", encoding="utf-8")
    yield folder
    shutil.rmtree(folder)


def test_keys_come_from_files_that_the_connector_may_read(new_stack: StackFactory, secrets: Path) -> None:
    """As compose.secrets.yml says: root's files with mode 0600 are refused, those of the connector's group are read."""
    key = secrets / "twelvelabs_api_key"
    key.chmod(0o600)
    stack = new_stack(ROOT / "compose.secrets.yml")
    stack.configure(SECRETS_DIR=str(secrets), CONNECTOR_INDEXES="*", TWELVELABS_BASE_URL="http://simulator:8765/v1.3")

    stack.compose("up", "--detach", "--wait", ok=False)
    refused = stack.compose("logs", "check")
    os.chown(key, -1, CONNECTOR_UID)
    key.chmod(0o640)
    stack.up()
    stack.wait_until_synced()

    assert "cannot read /run/secrets/twelvelabs_api_key" in refused
    assert "the user that runs the connector must be able to read it" in refused
    assert "key-in-a-file" not in stack.run_inside("connector", "env") + stack.compose("logs")

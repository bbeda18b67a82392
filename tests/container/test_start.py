"""Before the connector: settings and keys are checked once; what is down does not matter."""

from pathlib import Path

import pytest

from tests.container.conftest import StackFactory

pytestmark = pytest.mark.timeout(400)

RIGHT, WRONG = "the-right-key", "the-wrong-key"
NOBODY = "http://127.0.0.1:9"
ONE_KEY = f"""
services:
  simulator:
    command: ["exec connector simulate --host 0.0.0.0 --api-key {RIGHT}"]
"""


def test_without_settings_the_start_fails_and_the_log_names_them(new_stack: StackFactory) -> None:
    stack = new_stack(profile=None)

    said = stack.compose("up", "--detach", "--wait", ok=False)

    assert "ended with 1\n" in said
    assert 'service "check" didn\'t complete successfully: exit 2' in said
    log = stack.compose("logs", "check")
    assert "TWELVELABS_API_KEY is required" in log
    assert "CONNECTOR_INDEXES is required" in log
    assert stack.never_started("connector")


def test_a_refused_key_ends_the_start_until_it_is_corrected(new_stack: StackFactory, tmp_path: Path) -> None:
    """Also for a stack that already runs."""
    overlay = tmp_path / "one-key.yml"
    overlay.write_text(ONE_KEY, encoding="utf-8")
    settings = {"TWELVELABS_BASE_URL": "http://simulator:8765/v1.3", "CONNECTOR_INDEXES": "*"}
    stack = new_stack(overlay, **settings, TWELVELABS_API_KEY=WRONG)

    said = stack.compose("up", "--detach", "--wait", ok=False)

    assert "ended with 1\n" in said
    log = stack.compose("logs", "check")
    assert "TWELVELABS_API_KEY" in log
    assert WRONG not in log
    assert stack.never_started("connector")

    stack.configure(**settings, TWELVELABS_API_KEY=RIGHT)
    stack.up()
    assert stack.readiness == {"ready": True, "reasons": {}}

    stack.configure(**settings, TWELVELABS_API_KEY=WRONG)
    assert "ended with 2\n" in stack.compose("run", "--rm", "--no-deps", "check", ok=False)
    assert stack.state("connector")["Running"]


def test_what_cannot_be_reached_does_not_prevent_the_start(new_stack: StackFactory) -> None:
    """With a Qdrant of the user's own, so the bundled one is not started."""
    settings = {"TWELVELABS_API_KEY": "the-key", "CONNECTOR_INDEXES": "*"}
    stack = new_stack(profile=None, **settings, TWELVELABS_BASE_URL=f"{NOBODY}/v1.3", QDRANT_URL=NOBODY)

    stack.compose("up", "--detach", "--wait", "--scale", "qdrant=0")

    assert stack.state("connector")["Health"]["Status"] == "healthy"
    assert set(stack.readiness["reasons"]) == {"source", "sink"}
    assert "2 unavailable (TwelveLabs, Qdrant)" in stack.compose("logs", "check")
    assert "qdrant-1 " not in stack.compose("ps", "--all")

"""The log of real runs: JSON lines with their context, one line for each cycle, none for each asset at info."""

import json
from typing import Any

import pytest

from connector.simulator import Simulator
from tests.command import Command, Ended
from tests.e2e.pages import code, table

REQUIRED = {"timestamp", "level", "event", "logger"}
CONTEXT = {"index_id", "index_name", "cycle_id"}


def records(ended: Ended) -> list[dict[str, Any]]:
    """Fails unless every line of stderr is a JSON object."""
    return [json.loads(line) for line in ended.stderr.splitlines()]


def synced(connector: Command, simulator: Simulator, level: str) -> list[dict[str, Any]]:
    """The log of a sync in which one asset fails and another one was deleted."""
    index_id = simulator.control.index_ids[0]
    gone, broken = simulator.control.asset_ids(index_id)[:2]
    refusal = {"code": "some_code", "message": "the tape is torn"}
    simulator.control.inject(f"GET /indexes/*/indexed-assets/{broken}", status=422, body=refusal)
    assert connector.run("sync").code == 1
    simulator.control.delete_asset(index_id, gone)
    ended = connector.run("sync", CONNECTOR_LOG_LEVEL=level)
    assert ended.code == 1, ended.stderr
    return records(ended)


@pytest.mark.parametrize("level", ["info", "debug"])
def test_every_line_of_a_cycle_says_what_it_is_about(connector: Command, simulator: Simulator, level: str) -> None:
    lines = synced(connector, simulator, level)

    of_cycles = [line for line in lines if line["event"].startswith(("cycle.", "asset.", "delete"))]
    of_assets = [line for line in of_cycles if line["event"].startswith("asset.")]
    assert {"cycle.started", "cycle.finished", "asset.failed", "asset.deleted"} <= {it["event"] for it in of_cycles}
    assert [line for line in lines if not line.keys() >= REQUIRED] == []
    assert [line for line in of_cycles if not line.keys() >= CONTEXT] == []
    assert [line for line in of_assets if not line.get("indexed_asset_id")] == []
    documented = {name for row in table("docs/operations.md", "Fields of a line") for name in code(row[0])}
    assert REQUIRED | CONTEXT | {"indexed_asset_id", "reason", "code", "seconds"} <= documented


def test_each_cycle_is_one_line_with_its_report(connector: Command, simulator: Simulator) -> None:
    lines = synced(connector, simulator, "info")

    finished = [line for line in lines if line["event"] == "cycle.finished"]
    started = {line["cycle_id"] for line in lines if line["event"] == "cycle.started"}
    assert len(finished) == len(started) == len(simulator.control.index_ids)
    assert {line["cycle_id"] for line in finished} == started
    first = next(line for line in finished if line["index_id"] == simulator.control.index_ids[0])
    assert (first["deleted"], first["failed"], first["complete"], first["kind"]) == (1, 1, True, "sync")
    assert first["listed"] > first["unchanged"] > 1
    assert first["seconds"] >= 0


def test_at_info_there_are_no_lines_for_assets_that_went_well(connector: Command, simulator: Simulator) -> None:
    told = [line["event"] for line in synced(connector, simulator, "info") if line["event"].startswith("asset.")]

    assert sorted(told) == ["asset.deleted", "asset.failed"]


def test_console_lines_carry_the_same_context(connector: Command, simulator: Simulator) -> None:
    ended = connector.run("sync", CONNECTOR_LOG_FORMAT="console")

    lines = [line for line in ended.stderr.splitlines() if "cycle.finished" in line]
    assert len(lines) == len(simulator.control.index_ids)
    for index_id in simulator.control.index_ids:
        assert any(f"index_id={index_id}" in line and "cycle_id=" in line for line in lines)
    assert "\x1b" not in ended.stderr

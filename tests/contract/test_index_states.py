"""The state of each index as `status` and /api/status show it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from connector.domain.ledger_model import IndexState
from connector.domain.page import Page
from connector.domain.report import CycleKind, CycleReport, Problem
from connector.ledger.asset_facts import asset_facts
from connector.ledger.index_states import index_states, quarantined_assets
from connector.ledger.sqlite.sqlite_store import SqliteCheckpointStore
from tests.builders import applied, attempt, row
from tests.command import Command
from tests.contract.page_site import page_site

IDLE = {"doing": "waiting", "planned": 0, "done": 0, "failures_in_a_row": 0, "error": None}


async def test_only_a_cycle_that_was_completed_is_a_success(tmp_path: Path) -> None:
    """A monitor that asks for the last success must not take an interrupted backfill for one."""
    error = {"code": "source_unavailable", "message": "down"}
    reports = [CycleReport("i"), CycleReport("i", interrupted=True), CycleReport("i", error=error)]
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        for minute, report in enumerate(reports):
            await ledger.save_report("i", asdict(report), kind="full cycle", ended_at=60.0 * minute)
        (shown,) = await index_states(ledger, 5, 300.0)

    assert (shown["last_success_at"], shown["last_cycle_at"]) == (
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:02:00.000Z",
    )


LONG = "TwelveLabs responded 500 for this asset, and this is the text that it sent along " * 3


async def many(path: Path) -> SqliteCheckpointStore:
    """600 failed assets, whose report names them all, and 250 deletes that wait."""
    ledger = SqliteCheckpointStore(path / "ledger.sqlite3")
    failed = [row(f"failed-{n:03}", attempt=attempt(reason=LONG, code="x")) for n in range(600)]
    gone = [row(f"gone-{n:03}", applied(), absent_since=5.0) for n in range(250)]
    await ledger.adopt("i", [*failed, *gone], IndexState(1.0, 2.0))
    problems = [Problem(f"failed-{n:03}", "failed", "x", LONG) for n in range(600)]
    withheld = Problem("withheld", "withheld", "withheld", "too many")
    await ledger.save_report("i", asdict(CycleReport("i", problems=(*problems, withheld))))
    return ledger


async def test_600_failed_assets_are_shown_page_by_page(tmp_path: Path) -> None:
    """Every one once, and no page grows with their number."""
    shown = dict[str, list[str]](failed=[], pending=[], problems=[])
    offset: int | None = 0
    async with await many(tmp_path) as ledger:
        while offset is not None:
            (state,) = await index_states(ledger, 5, 300.0, page=Page(offset, 100))
            assert len(json.dumps(state)) < 100_000
            add(shown, state)
            offset = state["next_offset"]

    assert state["counts"] == {"opened": 0, "deferred": 0, "failed": 600, "quarantined": 0, "pending": 250}
    assert state["last_cycle_problems"] == 601
    assert shown["failed"] == [f"failed-{n:03}" for n in range(600)]
    assert shown["pending"] == [f"gone-{n:03}" for n in range(250)]
    assert shown["problems"] == ["withheld", *shown["failed"]]


def add(shown: dict[str, list[str]], state: dict[str, Any]) -> None:
    for name, entries in {**state, "problems": state["last_cycle"]["problems"]}.items():
        if name in shown:
            shown[name] += [it["indexed_asset_id"] for it in entries]


async def test_the_first_page_has_a_hundred(tmp_path: Path) -> None:
    async with await many(tmp_path) as ledger:
        (state,) = await index_states(ledger, 5, 300.0)
        (last,) = await index_states(ledger, 5, 300.0, page=Page(500, 101))
        (beyond,) = await index_states(ledger, 5, 300.0, page=Page(5000, 100))

    lists = state["failed"], state["pending"], state["last_cycle"]["problems"]
    assert ([len(it) for it in lists], state["next_offset"]) == ([100, 100, 100], 100)
    assert ([len(last[it]) for it in ("failed", "pending")], last["next_offset"]) == ([100, 0], None)
    assert ([beyond["failed"], beyond["pending"]], beyond["next_offset"]) == ([[], []], None)


async def test_the_command_shows_a_page_and_names_the_next_one(tmp_path: Path) -> None:
    async with await many(tmp_path):
        pass
    connector = Command(tmp_path, {"CONNECTOR_DATA_DIR": str(tmp_path), "CONNECTOR_DELETE_GRACE": "10m"})

    first, middle = connector.run("status"), connector.run("status", "--offset", "599", "--limit", "2")
    document = connector.run("status", "--offset", "599", "--limit", "2", "--json").json["indexes"][0]
    refused = connector.run("status", "--limit", "0")

    assert first.stdout.count("  failed failed-") == first.stdout.count("  pending gone-") == 100
    assert "  and 650 more; the next ones: --offset 100" in first.stdout
    assert [word for word in middle.stdout.split() if word.startswith("failed-")] == ["failed-599"]
    assert [it["indexed_asset_id"] for it in document["failed"]] == ["failed-599"]
    assert (refused.code, "1 to 1000" in refused.stderr) == (2, True)


async def test_a_resumed_cycle_does_not_hide_what_the_listing_withheld(tmp_path: Path) -> None:
    """It carries out the rest of a listing that a signal interrupted, and plans no deletes."""
    named = Problem("gone", "withheld", "withheld", "too many", "gone.mp4")
    listed = CycleReport(
        "i", complete=True, interrupted=True, withheld=3, withheld_because="too many", problems=(named,)
    )
    failed = Problem("a", "failed", "x", "torn")
    resumed = CycleReport("i", complete=True, problems=(failed,))
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        await ledger.adopt("i", [row("gone", applied())], IndexState(1.0, 2.0, withheld_because="too many"))
        await ledger.save_report("i", asdict(listed), kind=CycleKind.FULL, ended_at=60.0)
        await ledger.save_report("i", asdict(resumed), kind=CycleKind.RESUMED, ended_at=120.0)
        (shown,) = await index_states(ledger, 5, 300.0)
        asset = await asset_facts(ledger, "i", "gone", 5)
        async with page_site(ledger) as place:
            overview, listing = await place.page("/"), await place.page("/indexes/i?state=withheld")
        await ledger.save_report("i", asdict(CycleReport("i", complete=True)), kind=CycleKind.FULL, ended_at=180.0)
        (decided,) = await index_states(ledger, 5, 300.0)

    assert (shown["withheld"], shown["withheld_because"], shown["last_cycle_problems"]) == (3, "too many", 2)
    assert [it["indexed_asset_id"] for it in shown["last_cycle"]["problems"]] == ["gone", "a"]
    assert asset is not None
    assert (asset.document["state"], asset.document["withheld_because"]) == ("withheld", "too many")
    assert "3 deletes were withheld." in overview
    assert "/indexes/i/assets/gone" in listing
    assert (decided["withheld"], decided["withheld_because"]) == (0, None)


async def test_an_asset_in_its_last_attempt_is_not_in_quarantine_yet(tmp_path: Path) -> None:
    """An attempt counts before it begins. What no daemon works on was left so by a process that was killed."""
    begun = [row(name, attempt=attempt(attempts=5)) for name in ("busy", "killed")]
    failed = row("failed", attempt=attempt(attempts=5, reason="torn", code="x"))
    live = {"i": {"in_hand": ["busy", "failed"]}}
    async with SqliteCheckpointStore(tmp_path / "ledger.sqlite3") as ledger:
        await ledger.adopt("i", [*begun, failed], IndexState(1.0, 2.0))
        await ledger.save_report("i", asdict(CycleReport("i", complete=True)))
        (shown,) = await index_states(ledger, 5, 300.0, live)
        (idle,) = await index_states(ledger, 5, 300.0)
        listed = await quarantined_assets(ledger, 5, live)
        async with page_site(ledger) as place:
            place.live["indexes"] = {"i": {**IDLE, **live["i"]}}
            overview, page = await place.page("/"), await place.page("/indexes/i?state=quarantined")

    quarantined = [it["indexed_asset_id"] for it in shown["quarantined"]]
    assert (quarantined, shown["opened"]) == (["failed", "killed"], ["busy"])
    assert (shown["counts"]["quarantined"], shown["counts"]["opened"], idle["counts"]["quarantined"]) == (2, 1, 3)
    assert sorted(it["indexed_asset_id"] for it in listed) == ["failed", "killed"]
    assert "2 assets in quarantine" in overview
    assert ("/assets/killed" in page, "/assets/busy" in page) == (True, False)

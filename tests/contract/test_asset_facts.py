"""What every ledger tells of one asset."""

from dataclasses import replace
from typing import Any

import pytest

from connector.domain.errors import LedgerUnavailable
from connector.domain.ledger_model import IndexState
from connector.domain.priority import Priority
from connector.ledger.asset_facts import AssetFacts, asset_facts
from connector.ports import CheckpointStore
from tests.builders import COLLECTION, applied, asset, attempt

INDEX, AT = "index-1", 1_800_000_000.0
TIME, LATER = "2027-01-15T08:00:00.000Z", "2027-01-15T09:00:00.000Z"


async def facts(ledger: CheckpointStore, name: str = "a", **given: Any) -> AssetFacts:
    found = await asset_facts(ledger, INDEX, name, 5, **given)
    assert found is not None
    return found


async def test_an_applied_asset(ledger: CheckpointStore) -> None:
    await ledger.adopt(INDEX, (), IndexState(0.0, 0.0, index_name="Matches", model="marengo3.0"))
    await ledger.plan(INDEX, [asset("a", asset_id="upload", duration_sec=60.0)], Priority.FRESH)
    planned = await facts(ledger)
    await ledger.attempt(INDEX, "a", "print-1", AT)
    await ledger.open(INDEX, "a", [COLLECTION])
    await ledger.record(INDEX, "a", applied(at=AT))

    found = await facts(ledger)

    assert (planned.document["state"], planned.document["priority"]) == ("backlog", "fresh")
    assert found.collections == {COLLECTION}
    shown = ("state", "index_name", "model", "filename", "asset_id", "priority", "attempt", "delete", "collections")
    assert {key: found.document[key] for key in shown} == {
        "state": "applied",
        "index_name": "Matches",
        "model": "marengo3.0",
        "filename": "a.mp4",
        "asset_id": "upload",
        "priority": None,
        "attempt": None,
        "delete": None,
        "collections": [COLLECTION],
    }
    assert found.document["listed"]["duration_sec"] == 60.0
    assert found.document["applied"] == {
        "fingerprint": "print-1",
        "revision": "revision-1",
        "metadata_revision": "metadata-1",
        "points": 3,
        "collection": COLLECTION,
        "applied_at": TIME,
        "shallow_at": TIME,
        "deep_at": TIME,
    }


async def test_a_failed_asset(ledger: CheckpointStore) -> None:
    tried = attempt(attempts=2, since=AT, reason="torn", code="malformed_asset", due=AT + 3600, tried_at=AT)
    await ledger.attempt(INDEX, "a", "print-1", AT)
    await ledger.fail(INDEX, "a", tried)

    failed, given_up = await facts(ledger), await asset_facts(ledger, INDEX, "a", 2)

    assert failed.document["state"] == "failed"
    assert failed.document["attempt"] == {
        "fingerprint": "print-1",
        "attempts": 2,
        "since": TIME,
        "reason": "torn",
        "code": "malformed_asset",
        "due": LATER,
        "tried_at": TIME,
        "max_attempts": 5,
    }
    assert given_up is not None
    assert given_up.document["state"] == "quarantined"
    assert (await facts(ledger, in_hand=True)).document["state"] == "in_progress"


async def test_a_delete_that_waits(ledger: CheckpointStore) -> None:
    await ledger.open(INDEX, "a", [COLLECTION])
    await ledger.record(INDEX, "a", applied(at=AT))
    await ledger.note_absence(INDEX, ["a"], AT)

    found = (await facts(ledger, grace=3600.0)).document

    assert (found["state"], found["delete"]) == ("pending", {"absent_since": TIME, "due": LATER})


async def test_a_delete_that_is_withheld(ledger: CheckpointStore) -> None:
    for name in ("a", "b"):
        await ledger.open(INDEX, name, [COLLECTION])
        await ledger.record(INDEX, name, applied(at=AT))
    problem = {"indexed_asset_id": "a", "state": "withheld", "code": "withheld", "reason": "too many", "filename": None}
    report = {"withheld_because": "2 of 2 assets are gone", "problems": [problem], "index_name": "Matches"}
    await ledger.save_report(INDEX, report)

    withheld, other = (await facts(ledger)).document, (await facts(ledger, "b")).document

    assert (withheld["state"], withheld["withheld_because"]) == ("withheld", "2 of 2 assets are gone")
    assert (other["state"], other["withheld_because"]) == ("applied", None)
    assert withheld["index_name"] == "Matches"


async def test_an_asset_that_is_still_indexed_has_no_row(ledger: CheckpointStore) -> None:
    await ledger.adopt(INDEX, (), replace(IndexState(0.0, 0.0), pending=frozenset({"a"})))

    found = await facts(ledger)

    assert (found.document["state"], found.document["listed"], found.collections) == ("waiting", None, frozenset())


async def test_nothing_is_known_of_other_assets(ledger: CheckpointStore) -> None:
    await ledger.open(INDEX, "a", [COLLECTION])

    assert await asset_facts(ledger, INDEX, "b", 5) is None
    assert await asset_facts(ledger, "index-2", "a", 5) is None
    assert await asset_facts(ledger, INDEX, "", 5) is None


async def test_a_damaged_report_is_an_error_of_the_ledger(ledger: CheckpointStore) -> None:
    await ledger.open(INDEX, "a", [COLLECTION])
    await ledger.save_report(INDEX, {"problems": [{"state": "withheld"}]})

    with pytest.raises(LedgerUnavailable, match="report"):
        await facts(ledger)


async def test_a_time_beyond_the_calendar_is_not_shown(ledger: CheckpointStore) -> None:
    await ledger.open(INDEX, "a", [COLLECTION])
    await ledger.record(INDEX, "a", applied(at=1e18, shallow_at=0.0, deep_at=AT))

    found = (await facts(ledger)).document["applied"]

    assert (found["applied_at"], found["shallow_at"], found["deep_at"]) == (None, None, TIME)

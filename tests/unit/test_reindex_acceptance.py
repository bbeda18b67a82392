"""What keeps an alias where it is, and what a reindex shares with a daemon."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connector.cli.shared_storage import refuse_shared_storage, share_quota
from connector.domain.coverage import Gap
from connector.domain.errors import ConfigError
from connector.domain.report import CycleReport
from connector.ledger.sqlite.lock import hold_lock
from connector.reindex.acceptance import differences, drifted, unfilled
from connector.reindex.collection_comparison import SearchComparison
from connector.settings.connector_settings import Settings, given_only

GOOD = CycleReport("index-1", index_name="Films", complete=True)
SAME = SearchComparison(True, "asset_id", 3, 30, 30, (), 0.97, 100)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (GOOD, []),
        (replace(GOOD, quarantined=1, waiting=2, vanished=1), []),
        (replace(GOOD, failed=1, withheld=2), ["Films: 1 failed, 2 withheld"]),
        (replace(GOOD, deferred=3, index_name=None), ["index-1: 3 deferred"]),
        (replace(GOOD, complete=False), ["Films: the listing was incomplete"]),
        (replace(GOOD, interrupted=True), ["Films: the cycle was interrupted"]),
        (replace(GOOD, error={"code": "x", "message": "down"}), ["Films: down"]),
    ],
)
def test_a_cycle_must_have_written_all_that_can_be_written(report: CycleReport, expected: list[str]) -> None:
    assert unfilled([GOOD, report]) == expected


def document(*findings: tuple[str, str], **changes: Any) -> dict[str, Any]:
    found = [{"kind": "missing_asset", "indexed_asset_id": name, "repair": repair} for name, repair in findings]
    whole = {"index_id": "index-1", "index_name": "Films", "covered": True, "error": None, "interrupted": False}
    return {**whole, "complete": True, "findings": found, **changes}


@pytest.mark.parametrize(
    ("verified", "expected"),
    [
        (document(), []),
        (document(("a", "quarantined"), ("b", "waiting")), []),
        (document(("a", "upsert"), ("b", "waiting")), ["Films: missing_asset a"]),
        (
            document(*((str(n), "delete") for n in range(7))),
            [*(f"Films: missing_asset {n}" for n in range(5)), "and 2 more"],
        ),
        (document(("a", "upsert"), covered=False), []),
        (document(complete=False), ["Films was not verified: the listing was incomplete"]),
        (document(interrupted=True, complete=False), ["Films was not verified: it was interrupted"]),
        (document(error={"code": "x", "message": "down"}), ["Films was not verified: down"]),
    ],
)
def test_drift_blocks_unless_nothing_can_be_written_now(verified: dict[str, Any], expected: list[str]) -> None:
    assert drifted([document(), verified]) == expected


@pytest.mark.parametrize(
    ("comparison", "least", "expected"),
    [
        (SAME, None, []),
        (SAME, 0.98, ["recall@10 of neighbours is 0.970, less than 0.98"]),
        (replace(SAME, recall=0.949), None, ["recall@10 of neighbours is 0.949, less than 0.95"]),
        (replace(SAME, recall=0.949), 0.9, []),
        (replace(SAME, recall=0.949, same_model=False), None, []),
        (replace(SAME, recall=0.29, same_model=False), None, ["recall@10 of neighbours is 0.290, less than 0.3"]),
        (replace(SAME, recall=None, compared=0), 1.0, []),
        (
            replace(SAME, gaps=(Gap("a", missing=True, seconds=9), Gap("b", missing=False, seconds=2.34))),
            None,
            ["video a is missing", "video b lacks 2.3 s in a row"],
        ),
        (
            replace(SAME, gaps=(Gap("a", missing=True, seconds=9),) * 6),
            None,
            [*["video a is missing"] * 5, "and 1 more"],
        ),
    ],
)
def test_what_searchers_would_lose(comparison: SearchComparison, least: float | None, expected: list[str]) -> None:
    assert differences(comparison, least) == expected


def settings(directory: Path, **given: Any) -> Settings:
    return given_only(twelvelabs_api_key="key", connector_indexes="a", connector_data_dir=directory, **given)


@pytest.mark.parametrize(
    ("owner", "rate", "changes", "expected"),
    [
        ("run", 60, {}, 30),
        ("run", 1, {}, 1),
        ("run", None, {}, None),
        ("run", 60, {"CONNECTOR_REQUESTS_PER_MINUTE": "50"}, 60),
        ("sync", 60, {}, 60),
    ],
)
async def test_the_quota_is_shared_with_a_daemon(
    tmp_path: Path, owner: str, rate: int | None, changes: dict[str, str], expected: int | None
) -> None:
    present = settings(tmp_path, connector_requests_per_minute=rate)
    target = settings(tmp_path, connector_requests_per_minute=rate, connector_collection="v2-{model}")

    with hold_lock(present.ledger.lock, owner):
        assert (await share_quota(present, target, changes)).connector_requests_per_minute == expected


async def test_embedded_storage_is_not_shared(tmp_path: Path) -> None:
    embedded, server = settings(tmp_path), settings(tmp_path, qdrant_url="http://127.0.0.1:6333")
    await refuse_shared_storage(embedded, "videos")

    with hold_lock(embedded.ledger.lock, "run"):
        await refuse_shared_storage(server, "videos")
        with pytest.raises(ConfigError, match=r"reindex videos: the running daemon uses .* Stop the daemon until"):
            await refuse_shared_storage(embedded, "videos")

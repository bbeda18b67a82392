"""The state of each index in the ledger, as `status` shows it."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from connector.domain import timestamps
from connector.domain.expiry import days_ahead
from connector.domain.history import (
    KEPT_CYCLES,
    MINUTE_SEC,
    PastCycle,
    assets_per_minute,
    is_withheld,
    last_lag,
    withheld_first,
    worst_lag,
)
from connector.domain.ledger_model import Checkpoint
from connector.domain.page import Page
from connector.domain.report import CycleReport
from connector.ledger.last_listing import last_listing
from connector.ledger.rows import LedgerRow
from connector.ledger.shown_states import in_last_attempt, shown_summary
from connector.ports import CheckpointStore

_HOUR = 60
_UNFINISHED = ("opened", "deferred", "failed", "quarantined")
_FIRST_PAGE = Page()


async def known_names(ledger: CheckpointStore) -> dict[str, str]:
    """Index id -> name, of the indexes whose last report has one."""
    reports = await ledger.reports()
    return {index_id: name for index_id, report in reports.items() if isinstance(name := report.get("index_name"), str)}


async def index_states(
    ledger: CheckpointStore,
    max_attempts: int,
    now: float,
    live: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    *,
    grace: float = 0.0,
    page: Page = _FIRST_PAGE,
) -> list[dict[str, Any]]:
    """One JSON object per index in the ledger. `live` is what a running daemon says of its indexes.

    `grace`: seconds from the first proof of absence to the delete. `page` applies to each list of assets.

    Raises LedgerUnavailable for an invalid report.
    """
    reports = await ledger.reports()
    for index_id, report in reports.items():
        LedgerRow("indexes", (index_id,)).typed("report", {"index_id": index_id, **report}, CycleReport)
    return [
        {
            **await _of_index(
                ledger, index_id, report, max_attempts, now, grace, page, live.get(index_id, {}).get("in_hand", ())
            ),
            **_next(live.get(index_id, {})),
        }
        for index_id, report in reports.items()
    ]


def _is_success(cycle: PastCycle) -> bool:
    return not (cycle.report.get("error") or cycle.report.get("interrupted"))


def _next(live: Mapping[str, Any]) -> dict[str, str | None]:
    return {key: live.get(key) for key in ("next_poll_at", "next_cycle_at")}


async def _of_index(
    ledger: CheckpointStore,
    index_id: str,
    report: Mapping[str, Any],
    max_attempts: int,
    now: float,
    grace: float,
    page: Page,
    in_hand: Collection[str],
) -> dict[str, Any]:
    state = await ledger.state(index_id)
    counts = asdict(await shown_summary(ledger, index_id, max_attempts, in_hand))
    rows = await ledger.problems(index_id, page.limit, page.offset)
    minutes = await ledger.minutes(index_id, int(now // MINUTE_SEC) - _HOUR)
    rate, waiting = assets_per_minute(minutes, now), sum(counts["backlog"].values())
    lag = last_lag(minutes)
    listing = await last_listing(ledger, index_id, report)
    shown = _with_withheld(report, listing)
    past = await ledger.cycles(index_id, KEPT_CYCLES)
    tried = [(row, row.attempt) for row in rows if row.attempt]
    told = [(row, attempt) for row, attempt in tried if attempt.attempts < max_attempts and attempt.reason]
    quarantined = [
        row
        for row, attempt in tried
        if attempt.attempts >= max_attempts and not in_last_attempt(row, max_attempts, in_hand)
    ]
    explained = {row.indexed_asset_id for row in (*(row for row, _ in told), *quarantined)}
    return {
        "index_id": index_id,
        "index_name": report.get("index_name") or (state and state.index_name),
        "model": report.get("model") or (state and state.model),
        "expires_at": state and _time(state.expires_at),
        "expires_soon": days_ahead(state.expires_at if state else None, now) is not None,
        "assets": counts["assets"],
        "applied": counts["applied"],
        "points": counts["points"],
        "backlog": {priority.name.lower(): count for priority, count in counts["backlog"].items()},
        "counts": {name: counts[name] for name in (*_UNFINISHED, "pending")},
        "opened": sorted(row.indexed_asset_id for row in rows if row.indexed_asset_id not in explained),
        "deferred": [_problem(row) for row, attempt in told if not attempt.attempts],
        "failed": [_problem(row) for row, attempt in told if attempt.attempts],
        "quarantined": [_problem(row) for row in quarantined],
        "pending": [_pending(row, grace) for row in await ledger.absent(index_id, page.limit, page.offset)],
        "withheld": listing.get("withheld", 0),
        "withheld_because": listing.get("withheld_because"),
        "lag_sec": report.get("lag_sec") if lag is None else lag,
        "worst_lag_sec": worst_lag(minutes, now),
        "assets_per_minute": round(rate, 1),
        "remaining_sec": round(waiting / rate * MINUTE_SEC) if waiting and rate else None,
        "last_cycle_at": timestamps.text(past[0].ended_at) if past else None,
        "last_success_at": next((timestamps.text(it.ended_at) for it in past if _is_success(it)), None),
        "last_cycle": _paged(shown, page) if report else None,
        "last_cycle_problems": len(shown.get("problems", ())),
        "next_offset": page.next_offset(_longest(shown, counts)),
    }


def _with_withheld(report: Mapping[str, Any], listing: Mapping[str, Any]) -> Mapping[str, Any]:
    """The report, which also names the deletes that the last listing withheld, if that is an earlier one."""
    if listing is report or not listing.get("withheld"):
        return report
    named = [it for it in listing.get("problems", ()) if is_withheld(it)]
    return {**report, "problems": [*named, *report.get("problems", ())]}


def _paged(report: Mapping[str, Any], page: Page) -> dict[str, Any]:
    """The report with one page of its problems."""
    if "problems" not in report:
        return dict(report)
    problems = withheld_first(report["problems"])
    return {**report, "problems": problems[page.offset : page.offset + page.limit]}


def _longest(report: Mapping[str, Any], counts: Mapping[str, int]) -> int:
    """The length of the longest of the lists that are paged."""
    unfinished = sum(counts[name] for name in _UNFINISHED)
    return max(unfinished, counts["pending"], len(report.get("problems", ())))


def _problem(row: Checkpoint) -> dict[str, Any]:
    attempt = row.attempt
    return {
        "indexed_asset_id": row.indexed_asset_id,
        "filename": row.listed.filename if row.listed else None,
        "attempts": attempt.attempts if attempt else 0,
        "code": (attempt and attempt.code) or "interrupted",
        "reason": (attempt and attempt.reason) or "the process ended while the asset was being worked on",
        "due": timestamps.text(attempt.due) if attempt else None,
    }


def _time(text: str | None) -> str | None:
    """A time of the source; None if it is unreadable."""
    try:
        return timestamps.rfc3339(text) if text else None
    except ValueError:
        return None


def _pending(row: Checkpoint, grace: float) -> dict[str, Any]:
    """A delete that waits for the end of the grace period."""
    since = row.absent_since or 0.0
    return {
        "indexed_asset_id": row.indexed_asset_id,
        "filename": row.listed.filename if row.listed else None,
        "points": row.applied.points if row.applied else None,
        "absent_since": timestamps.text(since),
        "due": timestamps.text(since + grace),
    }


async def quarantined_assets(
    ledger: CheckpointStore, max_attempts: int, live: Mapping[str, Mapping[str, Any]] = MappingProxyType({})
) -> list[dict[str, Any]]:
    """All quarantined assets, each with its index id. `live` is what a running daemon says of its indexes."""
    return [
        {"index_id": index_id, **_problem(row)}
        for index_id in await ledger.reports()
        for row in (await ledger.unfinished(index_id)).values()
        if row.attempt
        and row.attempt.attempts >= max_attempts
        and not in_last_attempt(row, max_attempts, live.get(index_id, {}).get("in_hand", ()))
    ]

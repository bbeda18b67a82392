"""What the ledger knows of one asset, as JSON values for pages and programs."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from connector.domain import timestamps
from connector.domain.asset_situation import situation
from connector.domain.history import is_withheld
from connector.domain.ledger_model import Applied, Attempt, Checkpoint
from connector.domain.report import CycleReport
from connector.domain.source_model import IndexedAsset
from connector.ledger.last_listing import last_listing
from connector.ledger.rows import LedgerRow
from connector.ports import CheckpointStore

_TIMES = ("applied_at", "shallow_at", "deep_at", "since", "due", "tried_at")


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """`document` has JSON values; `collections` may hold points of the asset."""

    document: Mapping[str, Any]
    collections: frozenset[str]


async def asset_facts(
    ledger: CheckpointStore,
    index_id: str,
    indexed_asset_id: str,
    max_attempts: int,
    *,
    grace: float = 0.0,
    in_hand: bool = False,
) -> AssetFacts | None:
    """None if the ledger does not know the asset. `grace`: seconds from the first proof of absence to the delete.

    Raises LedgerUnavailable.
    """
    row = (await ledger.rows(index_id, [indexed_asset_id])).get(indexed_asset_id)
    state, report = await ledger.state(index_id), await _report(ledger, index_id)
    listing = await last_listing(ledger, index_id, report)
    indexing = state is not None and indexed_asset_id in state.pending
    withheld = row is not None and indexed_asset_id in _withheld(listing)
    known = situation(row, max_attempts, in_hand=in_hand, indexing=indexing, withheld=withheld)
    if known is None:
        return None
    found = row or Checkpoint(indexed_asset_id)
    document = {
        "index_id": index_id,
        "index_name": (state and state.index_name) or report.get("index_name"),
        "indexed_asset_id": indexed_asset_id,
        "asset_id": found.listed.asset_id if found.listed else None,
        "filename": found.listed.filename if found.listed else None,
        "model": (state and state.model) or report.get("model"),
        "state": known.value,
        "priority": found.priority.name.lower() if found.priority is not None else None,
        "collections": sorted(found.collections),
        "applied": found.applied and _with_times(found.applied),
        "attempt": found.attempt and {**_with_times(found.attempt), "max_attempts": max_attempts},
        "listed": found.listed and _listed(found.listed),
        "delete": _delete(found, grace),
        "withheld_because": listing.get("withheld_because") if withheld else None,
    }
    return AssetFacts(document, found.collections)


async def _report(ledger: CheckpointStore, index_id: str) -> Mapping[str, Any]:
    """The last report of the index, which has the keys and types of one; empty if there is none."""
    report = (await ledger.reports()).get(index_id, {})
    LedgerRow("indexes", (index_id,)).typed("report", {"index_id": index_id, **report}, CycleReport)
    return report


def _withheld(report: Mapping[str, Any]) -> set[str]:
    """The ids that the last listing named; it names the first ones only."""
    return {it["indexed_asset_id"] for it in report.get("problems", ()) if is_withheld(it)}


def _with_times(facts: Applied | Attempt) -> dict[str, Any]:
    return {key: _time(value) if key in _TIMES else value for key, value in asdict(facts).items()}


def _listed(asset: IndexedAsset) -> dict[str, Any]:
    """As the source spells it."""
    return asdict(asset)


def _delete(row: Checkpoint, grace: float) -> dict[str, Any] | None:
    if row.absent_since is None:
        return None
    return {"absent_since": _time(row.absent_since), "due": _time(row.absent_since + grace)}


def _time(seconds: float) -> str | None:
    """None for never, and for a time beyond what a calendar has."""
    try:
        return timestamps.text(seconds) if seconds else None
    except (OverflowError, ValueError, OSError):
        return None

"""A page of the assets of an index, by state and by a part of a name. Reads a bounded number of rows."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.asset_state import AssetPage, AssetQuery, AssetState, state_of
from connector.domain.ledger_model import Checkpoint, IndexState
from connector.ledger.shown_states import in_last_attempt
from connector.ports import CheckpointStore
from connector.web.pages.advice import advice_on
from connector.web.pages.links import index_url
from connector.web.pages.overview_facts import withheld_deletes
from connector.web.pages.shares import LABELS

PAGE_ROWS = 100
LONGEST_TEXT = 200
_NAMES_FILTERED = 1000
WAITING, WITHHELD = "waiting", "withheld"
STATES = (*LABELS, "idle")
_CURSORS = ("after", "before")


@dataclass(frozen=True, slots=True)
class AssetsWanted:
    """`state` is one of STATES, or None for all."""

    state: str | None = None
    text: str = ""
    after: str = ""
    before: str | None = None


@dataclass(frozen=True, slots=True)
class ListedAsset:
    asset_id: str
    filename: str | None
    state: str
    label: str
    attempts: int
    reason: str | None
    code: str | None
    what: str | None
    next_attempt: float | None
    applied_at: float | None
    points: int | None


@dataclass(frozen=True, slots=True)
class AssetList:
    """`is_partial`: not all rows were looked at, and the next page goes on where this one stopped."""

    assets: Sequence[ListedAsset]
    previous_url: str | None
    next_url: str | None
    is_partial: bool


def wanted_by(query: Mapping[str, str]) -> AssetsWanted:
    """Raises ValueError with a message for users."""
    state, text = query.get("state") or None, query.get("text", "").strip()
    if state is not None and state not in STATES:
        raise ValueError(f"state: use one of {', '.join(STATES)}, or omit it")
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"text: use at most {LONGEST_TEXT} characters")
    if all(query.get(name) for name in _CURSORS):
        raise ValueError("after and before: use only one of them")
    return AssetsWanted(state, text, query.get("after", ""), query.get("before") or None)


async def list_assets(
    ledger: CheckpointStore,
    index_id: str,
    index: IndexState | None,
    wanted: AssetsWanted,
    max_attempts: int,
    in_hand: Collection[str] = (),
) -> AssetList:
    """`in_hand` are ids of assets that are being worked on. Raises LedgerUnavailable."""
    query = AssetQuery(max_attempts, AssetState(wanted.state) if wanted.state in set(AssetState) else None, wanted.text)
    if wanted.state == WAITING:
        page = await _named(ledger, index_id, index.pending if index else (), wanted)
    elif wanted.state == WITHHELD:
        names = [it.indexed_asset_id for it in await withheld_deletes(ledger, index_id)]
        page = await _named(ledger, index_id, names, wanted)
    else:
        page = await ledger.assets(index_id, query, PAGE_ROWS, after=wanted.after, before=wanted.before)
    return AssetList(
        assets=[
            _listed(row, wanted.state, max_attempts, is_last=last)
            for row in page.rows
            if not (last := in_last_attempt(row, max_attempts, in_hand)) or wanted.state != AssetState.QUARANTINED
        ],
        previous_url=_previous(index_id, wanted, page),
        next_url=_next(index_id, wanted, page),
        is_partial=page.more is not None and len(page.rows) < PAGE_ROWS,
    )


async def _named(ledger: CheckpointStore, index_id: str, names: Collection[str], wanted: AssetsWanted) -> AssetPage:
    """Assets that are known by name only: the ledger may have no row of them."""
    backwards = wanted.before is not None
    beyond = [name for name in names if (name < (wanted.before or "") if backwards else name > wanted.after)]
    looked_at = sorted(beyond, reverse=backwards)[: _NAMES_FILTERED if wanted.text else PAGE_ROWS]
    rows = await ledger.rows(index_id, looked_at)
    query = AssetQuery(1, text=wanted.text)
    found = [row for name in looked_at if query.matches(row := rows.get(name) or Checkpoint(name))]
    kept = found[:PAGE_ROWS]
    last = kept[-1].indexed_asset_id if len(found) > PAGE_ROWS else looked_at[-1] if looked_at else None
    more = last if len(found) > PAGE_ROWS or len(beyond) > len(looked_at) else None
    return AssetPage(tuple(kept[::-1] if backwards else kept), more)


def _previous(index_id: str, wanted: AssetsWanted, page: AssetPage) -> str | None:
    if wanted.before is not None:
        return _url(index_id, wanted, before=page.more) if page.more is not None else None
    if not wanted.after:
        return None
    # The smallest id that follows `after`, so that the page before this one ends with it.
    first = page.rows[0].indexed_asset_id if page.rows else f"{wanted.after}\0"
    return _url(index_id, wanted, before=first)


def _next(index_id: str, wanted: AssetsWanted, page: AssetPage) -> str | None:
    if wanted.before is None:
        return _url(index_id, wanted, after=page.more) if page.more is not None else None
    return _url(index_id, wanted, after=page.rows[-1].indexed_asset_id if page.rows else None)


def _url(index_id: str, wanted: AssetsWanted, **place: str | None) -> str | None:
    return index_url(index_id, state=wanted.state, text=wanted.text or None, **place)


def _listed(row: Checkpoint, asked: str | None, max_attempts: int, *, is_last: bool) -> ListedAsset:
    """`is_last`: if the attempt that runs now fails, the asset is quarantined."""
    state: str = AssetState.OPENED if is_last else state_of(row, max_attempts)
    if asked in {WAITING, WITHHELD} or state == AssetState.IDLE:
        state = asked if asked in {WAITING, WITHHELD} else WAITING
    attempt: Any = row.attempt
    is_retried = attempt and attempt.reason and state != AssetState.QUARANTINED
    return ListedAsset(
        asset_id=row.indexed_asset_id,
        filename=row.listed.filename if row.listed else None,
        state=state,
        label=LABELS[state],
        attempts=attempt.attempts if attempt else 0,
        reason=attempt.reason if attempt else None,
        code=attempt.code if attempt else None,
        what=advice_on(attempt.code).what if attempt and attempt.code else None,
        next_attempt=attempt.due if is_retried else None,
        applied_at=row.applied.applied_at if row.applied else None,
        points=row.applied.points if row.applied else None,
    )

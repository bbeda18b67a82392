"""Rows of the ledger as values, and back. A cell of the wrong type raises LedgerUnavailable with its row and column."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import msgspec

from connector.domain.ledger_model import Applied, Attempt, Checkpoint, IndexState
from connector.domain.priority import Priority
from connector.domain.source_model import IndexedAsset
from connector.ledger.database import Database
from connector.ledger.rows import LedgerRow


class _Row(msgspec.Struct, array_like=True, gc=False):
    """The columns of `checkpoints` after the index id, in their order."""

    indexed_asset_id: str
    opened: int
    collections: str
    fingerprint: str | None
    revision: str | None
    metadata_revision: str | None
    points: int | None
    collection: str | None
    applied_at: float | None
    shallow_at: float | None
    deep_at: float | None
    tried_fingerprint: str | None
    attempts: int | None
    since: float | None
    reason: str | None
    code: str | None
    due: float | None
    tried_at: float | None
    priority: int | None
    listed: str | None
    absent_since: float | None


ROW_NAMES: tuple[str, ...] = _Row.__struct_fields__
ROW_COLUMNS = ", ".join(ROW_NAMES)
INSERT_ROW = f"insert into checkpoints values (?, {', '.join('?' * len(_Row.__struct_fields__))})"  # noqa: S608  only constants are inserted
APPLIED = (
    "fingerprint",
    "revision",
    "metadata_revision",
    "points",
    "collection",
    "applied_at",
    "shallow_at",
    "deep_at",
)
ATTEMPT = ("tried_fingerprint", "attempts", "since", "reason", "code", "due", "tried_at")
_applied_cells, _attempt_cells = attrgetter(*APPLIED), attrgetter(*ATTEMPT)
STATE = tuple(field.name for field in fields(IndexState))
STATE_COLUMNS = ", ".join(STATE)
_ENCODER, _LISTED = msgspec.json.Encoder(), msgspec.json.Decoder(IndexedAsset)
_NAMES = msgspec.json.Decoder(list[str])
_KEY = re.compile(r" - at `\$\.(\w+)`$")
_PLACE = re.compile(r" - at `\$\[(\d+)\]`$")


def row(index_id: str, found: Sequence[Any]) -> Checkpoint:
    """Of cells whose text may be invalid UTF-8, as `rows.decoded` leaves it."""
    at = LedgerRow("checkpoints", (index_id, found[0]))
    for name, cell in zip(_Row.__struct_fields__, found, strict=True):
        if cell.__class__ is str:
            at.text(name, cell)
    return valid_row(index_id, found)


def valid_row(
    index_id: str, found: Sequence[Any], known: Mapping[str, IndexedAsset] = MappingProxyType({})
) -> Checkpoint:
    """Of cells whose text is valid UTF-8. `listed` is the asset of `known` if both are equal."""
    at = LedgerRow("checkpoints", (index_id, found[0]))
    cells = _typed(at, found)
    same = known.get(cells.indexed_asset_id)
    return Checkpoint(
        indexed_asset_id=same.indexed_asset_id if same else cells.indexed_asset_id,
        applied=None if cells.revision is None else _applied(at, cells),
        opened=at.flag("opened", cells.opened),
        collections=_names(cells.collections) or at.names("collections", cells.collections),
        attempt=None if cells.tried_fingerprint is None else _attempt(at, cells),
        listed=None if cells.listed is None else _listed(at, cells.listed, same),
        priority=None if cells.priority is None else _priority(at, cells.priority),
        absent_since=cells.absent_since,
    )


def of_row(index_id: str, row: Checkpoint) -> tuple[object, ...]:
    return (
        index_id,
        row.indexed_asset_id,
        row.opened,
        json.dumps(sorted(row.collections)),
        *(of_applied(row.applied) if row.applied else [None] * len(APPLIED)),
        *(of_attempt(row.attempt) if row.attempt else [None] * len(ATTEMPT)),
        None if row.priority is None else int(row.priority),
        of_listed(row.listed) if row.listed else None,
        row.absent_since,
    )


def of_applied(applied: Applied) -> tuple[object, ...]:
    return tuple(getattr(applied, name) for name in APPLIED)


def of_attempt(attempt: Attempt) -> tuple[object, ...]:
    return (attempt.fingerprint, *(getattr(attempt, name) for name in ATTEMPT[1:]))


def of_listed(asset: IndexedAsset) -> str:
    return _ENCODER.encode(asset).decode()


def state(index_id: str, found: Sequence[Any]) -> IndexState:
    """From the columns STATE_COLUMNS."""
    at = LedgerRow("indexes", (index_id,))
    facts = dict(zip(STATE, found, strict=True))
    for name in ("pending", "model_options"):
        facts[name] = at.names_in_order(name, facts[name])
    try:
        return msgspec.convert(facts, IndexState)
    except msgspec.ValidationError as error:
        place = _KEY.search(str(error))
        at.damaged(place[1] if place else "?", _KEY.sub("", str(error)))


async def write_state(db: Database, index_id: str, state: IndexState) -> None:
    facts = asdict(state) | {
        "pending": json.dumps(sorted(state.pending)),
        "model_options": json.dumps(state.model_options),
    }
    values = ", ".join("?" * len(STATE))
    changes = ", ".join(f"{name} = excluded.{name}" for name in STATE)
    await db.execute(
        f"insert into indexes (index_id, {STATE_COLUMNS}) values (?, {values})"  # noqa: S608  only constants are inserted
        f" on conflict (index_id) do update set {changes}",
        (index_id, *(facts[name] for name in STATE)),
    )


def _typed(at: LedgerRow, found: Sequence[Any]) -> _Row:
    try:
        return msgspec.convert(found, _Row)
    except msgspec.ValidationError as error:
        place = _PLACE.search(str(error))
        column = _Row.__struct_fields__[int(place[1])] if place else "?"
        at.damaged(column, _PLACE.sub("", str(error)))


@lru_cache(maxsize=1024)
def _names(cell: str) -> frozenset[str] | None:
    """The names; None if there is none, or the cell is damaged. Many rows have the same few collections."""
    try:
        return frozenset(_NAMES.decode(cell)) or None
    except msgspec.DecodeError:
        return None


def _applied(at: LedgerRow, cells: _Row) -> Applied:
    facts = _applied_cells(cells)
    if None in facts:
        _require(at, cells, APPLIED)
    return Applied(*map(_shared, facts))


@lru_cache(maxsize=1024, typed=True)
def _shared(cell: Any) -> Any:
    """One object for equal cells: most rows have the same collection, and three equal times."""
    return cell


def _attempt(at: LedgerRow, cells: _Row) -> Attempt:
    facts = _attempt_cells(cells)
    if None in facts:
        _require(at, cells, ATTEMPT)
    return Attempt(*facts)


def _require(at: LedgerRow, cells: _Row, names: Iterable[str]) -> None:
    """Only some cells may be null while those beside them are set."""
    for name in names:
        if getattr(cells, name) is None and name not in {"metadata_revision", "reason", "code"}:
            at.damaged(name, "nothing, although the columns beside it are set")


def _priority(at: LedgerRow, cell: int) -> Priority:
    if cell not in set(Priority):
        at.newer("priority", f"unknown priority {cell}")
    return Priority(cell)


def _listed(at: LedgerRow, cell: str, known: IndexedAsset | None) -> IndexedAsset:
    if known is not None and of_listed(known) == cell:
        return known
    try:
        return _LISTED.decode(cell)
    except msgspec.DecodeError as error:
        at.damaged("listed", str(error))

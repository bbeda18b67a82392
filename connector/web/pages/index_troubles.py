"""What is wrong with an index, in plain words with what to do. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from connector.domain.asset_state import AssetState, state_of
from connector.domain.ledger_model import Checkpoint, Summary
from connector.web.pages.advice import advice_on
from connector.web.pages.overview_facts import IndexFacts

_SHOWN_ERRORS = 4


@dataclass(frozen=True, slots=True)
class IndexReason:
    """Why the index is not current, beside work that is still to be done."""

    text: str
    advice: str


@dataclass(frozen=True, slots=True)
class AssetErrors:
    """Assets with one error code, among the first problems of the index. The latest attempt is named."""

    code: str
    what: str
    do: str
    count: int
    state: AssetState
    asset_id: str
    filename: str | None
    reason: str
    tried_at: float | None
    next_attempt: float | None


@dataclass(frozen=True, slots=True)
class IndexFailure:
    """Why cycles or polls of the index fail now."""

    code: str
    what: str
    do: str
    message: str
    in_a_row: int


@dataclass(frozen=True, slots=True)
class NamedDelete:
    """`due` is None for a withheld delete."""

    asset_id: str
    filename: str | None
    points: int | None = None
    due: float | None = None


@dataclass(frozen=True, slots=True)
class Troubles:
    key: str
    index_id: str
    failure: IndexFailure | None
    errors: Sequence[AssetErrors]
    is_partial: bool
    """The errors are those of the first problems only: there may be more."""
    withheld: int
    withheld_because: str | None
    withheld_deletes: Sequence[NamedDelete]
    pending: int
    pending_deletes: Sequence[NamedDelete]


def troubles_of(facts: IndexFacts, key: str) -> Troubles:
    return Troubles(
        key=key,
        index_id=facts.index_id,
        failure=_failure(facts),
        errors=tuple(_errors(facts.problems, facts.max_attempts)),
        is_partial=_unfinished(facts.summary) > len(facts.problems),
        withheld=facts.listing.withheld,
        withheld_because=facts.listing.withheld_because,
        withheld_deletes=tuple(NamedDelete(it.indexed_asset_id, it.filename) for it in facts.withheld),
        pending=facts.summary.pending,
        pending_deletes=tuple(_pending(row, facts.delete_grace) for row in facts.pending),
    )


def index_reasons(facts: IndexFacts) -> list[IndexReason]:
    found, summary, failure = list[IndexReason](), facts.summary, _failure(facts)
    withheld = facts.listing.withheld
    if failure:
        found.append(IndexReason(f"{failure.what}.", failure.do))
    if summary.quarantined:
        often = "once" if facts.max_attempts == 1 else f"{facts.max_attempts} times"
        text = f"{_assets(summary.quarantined)} in quarantine: failed {often}, no longer retried."
        advice = "`connector quarantine list` names them; `connector quarantine retry` tries them again."
        found.append(IndexReason(text, advice))
    if summary.failed:
        found.append(IndexReason(f"{_assets(summary.failed)} failed; they are retried.", "The errors below say why."))
    if withheld:
        text = f"{withheld:,} {'delete was' if withheld == 1 else 'deletes were'} withheld."
        found.append(IndexReason(text, advice_on("withheld").do))
    return found


def _failure(facts: IndexFacts) -> IndexFailure | None:
    """What the running loop says counts; without a loop, the last report."""
    error = facts.live.get("error") if facts.live else facts.report.error
    if not error:
        return None
    advice = advice_on(error["code"])
    return IndexFailure(error["code"], advice.what, advice.do, error["message"], facts.live.get("failures_in_a_row", 0))


def _unfinished(summary: Summary) -> int:
    return summary.opened + summary.deferred + summary.failed + summary.quarantined


def _assets(count: int) -> str:
    return f"{count:,} {'asset' if count == 1 else 'assets'}"


def _errors(rows: Sequence[Checkpoint], max_attempts: int) -> list[AssetErrors]:
    """One for each code, the one with the latest attempt first."""
    tried = [(row, row.attempt) for row in rows if row.attempt and row.attempt.reason]
    newest = sorted(tried, key=lambda one: (-one[1].tried_at, one[0].indexed_asset_id))
    found: dict[str, AssetErrors] = {}
    for row, attempt in newest:
        code, state = attempt.code or "interrupted", state_of(row, max_attempts)
        if code in found:
            continue
        found[code] = AssetErrors(
            code=code,
            what=advice_on(code).what,
            do=advice_on(code).do,
            count=sum(1 for _, it in tried if (it.code or "interrupted") == code),
            state=state,
            asset_id=row.indexed_asset_id,
            filename=row.listed.filename if row.listed else None,
            reason=attempt.reason or "",
            tried_at=attempt.tried_at or None,
            next_attempt=None if state is AssetState.QUARANTINED else attempt.due,
        )
    return list(found.values())[:_SHOWN_ERRORS]


def _pending(row: Checkpoint, grace: float) -> NamedDelete:
    return NamedDelete(
        row.indexed_asset_id,
        row.listed.filename if row.listed else None,
        row.applied.points if row.applied else None,
        (row.absent_since or 0.0) + grace,
    )

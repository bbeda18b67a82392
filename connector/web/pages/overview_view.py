"""The overview: whether everything is current, and why not. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from connector.domain.errors import ConnectorError
from connector.web.pages.advice import not_ready
from connector.web.pages.index_view import IndexView, view_of_index
from connector.web.pages.overview_facts import OverviewFacts


class Verdict(StrEnum):
    CURRENT = "current"
    BUSY = "busy"
    CHECKING = "checking"
    TROUBLED = "troubled"
    EMPTY = "empty"
    STOPPING = "stopping"


_HEADLINES = {
    Verdict.CURRENT: "Everything is current",
    Verdict.BUSY: "Catching up",
    Verdict.CHECKING: "Checking…",
    Verdict.TROUBLED: "Not current",
    Verdict.EMPTY: "Nothing has been synced yet",
    Verdict.STOPPING: "Shutting down",
}
_STOPPING = "It finishes the assets in progress and starts no more. A restart continues where it stopped."
_NO_INDEX = "The connector is looking for indexes: those of CONNECTOR_INDEXES, or all of the account."
_NOT_ASKED = "TwelveLabs and Qdrant are being asked whether they can be used."
_NOT_LISTED = "This process has not seen all changes at TwelveLabs yet."
_LONG_AGO = "The last successful poll of an index is too long ago to say that everything is current."
_FIRST_CYCLE = "The first full cycle lists the index and retrieves its assets, the newest first."
_BLIND = "New and changed assets cannot be seen or synced until this is resolved. What was synced stays in Qdrant."
_UNREADABLE = "The ledger cannot be read, so what follows may be old."
_LIMITS = {
    "rate_limit": "the rate limit of requests to TwelveLabs",
    "source": "the responses of TwelveLabs",
    "sink": "the responses of Qdrant",
}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not everything is current. `where` is the id of a part of the page."""

    subject: str
    text: str
    advice: str
    where: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The first part of the page. `current_at`: when everything was last current, if that is not now.

    `is_checked` is False until source and sink have been asked.
    """

    verdict: Verdict
    headline: str
    sentence: str
    reasons: Sequence[Reason] = ()
    is_checked: bool = True
    current_at: float | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """Of all indexes. `remaining_sec` is None if it is not known of each index that has a backlog."""

    assets: int
    applied: int
    points: int
    to_do: int
    waiting: int
    rate: float
    lag_sec: float | None
    remaining_sec: float | None
    limited_by: str | None


@dataclass(frozen=True, slots=True)
class OverviewView:
    answer: Answer
    totals: Totals
    indexes: Sequence[IndexView]


def overview(facts: OverviewFacts, now: float) -> OverviewView:
    indexes_known = facts.live.get("indexes_known", False)
    indexes = [view_of_index(it, now, indexes_known=indexes_known) for it in facts.indexes]
    indexes.sort(key=lambda it: (it.name.casefold(), it.index_id))
    followed = [it for it in indexes if it.is_followed]
    totals = _totals(facts, followed)
    return OverviewView(_answer(facts, followed, totals), totals, tuple(indexes))


def unreadable(before: OverviewView, error: ConnectorError) -> OverviewView:
    """The last overview that could be read, with the reason why there is no newer one."""
    advice = not_ready("ledger")
    reason = Reason(advice.what, f"{error.operation} {error.subject}: {error.cause}.", error.advice or advice.do)
    answer = Answer(Verdict.TROUBLED, _HEADLINES[Verdict.TROUBLED], _UNREADABLE, (reason,))
    return replace(before, answer=answer)


def _answer(facts: OverviewFacts, indexes: Sequence[IndexView], totals: Totals) -> Answer:
    reasons = (*_not_ready(facts), *(reason for it in indexes for reason in _of_index(it)))
    verdict = _verdict(facts, indexes, reasons, totals)
    sentence = _sentence(facts, verdict, totals, indexes)
    current_at = _current_at(indexes) if verdict is Verdict.CHECKING else None
    return Answer(verdict, _HEADLINES[verdict], sentence, reasons, facts.not_ready is not None, current_at)


def _verdict(facts: OverviewFacts, indexes: Sequence[IndexView], reasons: Sequence[Reason], totals: Totals) -> Verdict:
    if facts.live["state"] != "running":
        return Verdict.STOPPING
    if reasons:
        return Verdict.TROUBLED
    if not any(it.is_known for it in indexes):
        return Verdict.EMPTY
    if totals.to_do or not all(it.is_listed for it in indexes):
        return Verdict.BUSY
    is_checked = facts.not_ready is not None and all(it.is_checked for it in indexes)
    return Verdict.CURRENT if is_checked else Verdict.CHECKING


def _current_at(indexes: Sequence[IndexView]) -> float | None:
    """None if an index was never current."""
    known = [max((at for at in (it.checked_at, it.past.last_success_at) if at), default=None) for it in indexes]
    times = [at for at in known if at is not None]
    return min(times) if times and len(times) == len(known) else None


def _sentence(facts: OverviewFacts, verdict: Verdict, totals: Totals, indexes: Sequence[IndexView]) -> str:
    if verdict is Verdict.STOPPING:
        return _STOPPING
    if not any(it.is_known for it in indexes):
        return _FIRST_CYCLE if indexes else _NO_INDEX
    if facts.not_ready or any(it.troubles.failure for it in indexes):
        return _BLIND
    return _unchecked(indexes) if verdict is Verdict.CHECKING else _counted(verdict, totals)


def _counted(verdict: Verdict, totals: Totals) -> str:
    if totals.to_do:
        return f"{totals.to_do:,} of {totals.assets:,} assets are still to be synced."
    if verdict is Verdict.BUSY:
        return "The first full cycle of an index has not ended yet."
    waiting = f" {totals.waiting:,} more are still being indexed there." if totals.waiting else ""
    held = "every asset that is ready" if verdict is Verdict.CURRENT else "all other assets that are ready"
    return f"Qdrant holds the vectors of {held} at TwelveLabs.{waiting}"


def _unchecked(indexes: Sequence[IndexView]) -> str:
    if any(it.checked_at is None for it in indexes):
        return _NOT_LISTED
    return _NOT_ASKED if all(it.is_checked for it in indexes) else _LONG_AGO


def _not_ready(facts: OverviewFacts) -> list[Reason]:
    """Except that the daemon is shutting down, which the verdict says."""
    found = [(not_ready(name), text) for name, text in (facts.not_ready or {}).items() if name != "daemon"]
    return [Reason(advice.what, text, advice.do) for advice, text in found]


def _of_index(index: IndexView) -> list[Reason]:
    return [Reason(index.name, it.text, it.advice, index.key) for it in index.reasons]


def _totals(facts: OverviewFacts, indexes: Sequence[IndexView]) -> Totals:
    limited_by = facts.live.get("limited_by")
    remaining = [it.work.remaining_sec for it in indexes if it.work.backlog]
    known = [it for it in remaining if it is not None]
    lags = [it.lag.lag_sec for it in indexes if it.lag.lag_sec is not None]
    return Totals(
        assets=sum(it.bar.assets for it in indexes),
        applied=sum(it.bar.shares[0].count for it in indexes),
        points=sum(it.bar.points for it in indexes),
        to_do=sum(it.to_do for it in indexes),
        waiting=sum(it.waiting for it in indexes),
        rate=round(sum(it.work.rate for it in indexes), 1),
        lag_sec=max(lags, default=None),
        remaining_sec=max(known) if known and len(known) == len(remaining) else None,
        limited_by=_LIMITS.get(str(limited_by)) if limited_by else None,
    )

"""One index as the overview shows it, in parts that change independently of each other. Pure.

Times are seconds since the epoch, or RFC 3339 as the ledger has them. `key` is the id of the index within the page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connector.domain.expiry import days_ahead
from connector.domain.fingerprint import digest
from connector.domain.history import MINUTE_SEC, assets_per_minute, last_lag, worst_lag
from connector.domain.ledger_model import Checkpoint
from connector.web.pages.courses import Course, course, segments_per_second
from connector.web.pages.formats import seconds_of
from connector.web.pages.index_troubles import IndexReason, Troubles, index_reasons, troubles_of
from connector.web.pages.overview_facts import IndexFacts
from connector.web.pages.shares import Share, shares

_POLLS, _LATE_SEC = 3, 3600.0


@dataclass(frozen=True, slots=True)
class IndexHead:
    key: str
    index_id: str
    name: str
    model: str | None
    collection: str | None
    expires_at: str | None
    expires_soon: bool


@dataclass(frozen=True, slots=True)
class IndexBar:
    """`assets` is the sum of the shares."""

    key: str
    index_id: str
    name: str
    assets: int
    points: int
    shares: Sequence[Share]


@dataclass(frozen=True, slots=True)
class InHand:
    asset_id: str
    filename: str | None
    since: float | None


@dataclass(frozen=True, slots=True)
class IndexWork:
    """What the connector does now: nothing if `doing` is None. `rate` is in segments per second."""

    key: str
    index_id: str
    doing: str | None
    done: int
    planned: int
    backlog: int
    remaining_sec: float | None
    rate: float
    is_followed: bool
    in_hand: Sequence[InHand]
    next_poll_at: str | None
    next_cycle_at: str | None


@dataclass(frozen=True, slots=True)
class IndexLag:
    key: str
    name: str
    lag_sec: float | None
    worst_lag_sec: float | None
    course: Course


@dataclass(frozen=True, slots=True)
class IndexPast:
    """The last full cycle; `ended_at` is None if there was none."""

    key: str
    ended_at: float | None
    kind: str
    duration_sec: float
    listed: int
    not_ready: int
    failed: bool
    interrupted: bool
    last_success_at: float | None


@dataclass(frozen=True, slots=True)
class IndexView:
    """`to_do` counts assets that the connector has still to sync, `waiting` those that are not ready at the source.

    `is_listed`: the whole index was listed once, so that there is nothing to do which `to_do` does not count.
    `is_followed`: False for an index of the ledger that this process does not sync. `checked_at` is the last time that
    this process saw all changes of the index, and `is_checked` tells whether that is recent.
    """

    key: str
    index_id: str
    name: str
    is_known: bool
    is_listed: bool
    is_followed: bool
    is_checked: bool
    checked_at: float | None
    to_do: int
    waiting: int
    head: IndexHead
    bar: IndexBar
    work: IndexWork
    lag: IndexLag
    past: IndexPast
    troubles: Troubles
    reasons: Sequence[IndexReason]

    @property
    def is_new(self) -> bool:
        """Nothing is known of it yet."""
        return not (self.is_known or self.bar.assets)


def view_of_index(facts: IndexFacts, now: float, *, indexes_known: bool = True) -> IndexView:
    """`indexes_known`: the daemon has found out which indexes it syncs."""
    state, summary, index_id = facts.state, facts.summary, facts.index_id
    key = index_key(index_id)
    name = (state and state.index_name) or facts.report.index_name or index_id
    waiting = max((len(state.pending) if state else 0) - facts.unready.elsewhere, 0)
    parts = shares(summary, waiting, facts.listing.withheld, again=facts.unready.applied)
    checked_at = seconds_of(facts.live.get("checked_at") or "")
    is_followed = bool(facts.live) or not indexes_known
    past = _past(facts, key)
    return IndexView(
        key=key,
        index_id=index_id,
        name=name,
        is_known=bool(facts.cycles) or (state is not None and state.index_name is not None),
        is_listed=past.last_success_at is not None or (state is not None and state.listed_at is not None),
        is_followed=is_followed,
        is_checked=checked_at is not None and now - checked_at <= _longest_unchecked(facts.live),
        checked_at=checked_at,
        to_do=sum(summary.backlog.values()) + summary.opened + summary.deferred,
        waiting=waiting,
        head=IndexHead(
            key=key,
            index_id=index_id,
            name=name,
            model=state.model if state else None,
            collection=facts.collection,
            expires_at=state.expires_at if state else None,
            expires_soon=days_ahead(state.expires_at if state else None, now) is not None,
        ),
        bar=IndexBar(key, index_id, name, sum(it.count for it in parts), summary.points, parts),
        work=_work(facts, key, now, is_followed=is_followed),
        lag=_lag(facts, key, name, now),
        past=past,
        troubles=troubles_of(facts, key),
        reasons=tuple(index_reasons(facts)),
    )


def index_key(index_id: str) -> str:
    return f"index-{digest(index_id.encode('utf-8', 'surrogatepass'))[:12]}"


def _longest_unchecked(live: Mapping[str, Any]) -> float:
    """Polls may be late, but not for long."""
    return _POLLS * float(live.get("poll_interval_sec", 0.0)) + _LATE_SEC


def _work(facts: IndexFacts, key: str, now: float, *, is_followed: bool) -> IndexWork:
    live, backlog = facts.live, sum(facts.summary.backlog.values())
    rate = assets_per_minute(facts.minutes, now)
    return IndexWork(
        key=key,
        index_id=facts.index_id,
        doing=live.get("doing"),
        done=live.get("done", 0),
        planned=live.get("planned", 0),
        backlog=backlog,
        remaining_sec=_rounded(backlog / rate * MINUTE_SEC) if backlog and rate else None,
        rate=segments_per_second(facts.minutes, now),
        is_followed=is_followed,
        in_hand=tuple(_in_hand(row) for row in facts.in_hand),
        next_poll_at=live.get("next_poll_at"),
        next_cycle_at=live.get("next_cycle_at"),
    )


def _in_hand(row: Checkpoint) -> InHand:
    filename = row.listed.filename if row.listed else None
    return InHand(row.indexed_asset_id, filename, row.attempt.since if row.attempt else None)


def _lag(facts: IndexFacts, key: str, name: str, now: float) -> IndexLag:
    lag = last_lag(facts.minutes)
    return IndexLag(
        key=key,
        name=name,
        lag_sec=facts.report.lag_sec if lag is None else lag,
        worst_lag_sec=worst_lag(facts.minutes, now),
        course=course(facts.minutes, now),
    )


def _past(facts: IndexFacts, key: str) -> IndexPast:
    last, report = facts.cycles[0] if facts.cycles else None, facts.report
    return IndexPast(
        key=key,
        ended_at=last.ended_at if last else None,
        kind=last.kind if last else "",
        duration_sec=report.duration_sec,
        listed=report.listed,
        not_ready=report.waiting,
        failed=report.error is not None,
        interrupted=report.interrupted,
        last_success_at=next((it.ended_at for it in facts.cycles if _is_success(it.report)), None),
    )


def _is_success(report: Mapping[str, Any]) -> bool:
    return not (report.get("error") or report.get("interrupted"))


def _rounded(seconds: float) -> float:
    """In steps that grow with it, so that an estimate does not change at every look."""
    step = next(size for limit, size in ((120, 5), (3600, 60), (float("inf"), 600)) if seconds < limit)
    return max(round(seconds / step), 1) * float(step)

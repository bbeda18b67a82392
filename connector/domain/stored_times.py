"""Correct stored times that lie in the future because the clock was set back. Pure."""

from collections.abc import Mapping
from dataclasses import replace

from connector.domain.ledger_model import Applied, Checkpoint, IndexState, Retrieved

_LONG_AGO = 0.0


def credible_rows(rows: Mapping[str, Checkpoint], now: float) -> dict[str, Checkpoint]:
    """Treat future times as long ago, because their age is unknown: they must not delay retries or refreshes."""
    return {name: _credible(row, now) for name, row in rows.items()}


def credible_times(times: Mapping[str, Retrieved], now: float) -> dict[str, Retrieved]:
    """The same as `credible_rows` does, for these times alone."""
    return {
        name: Retrieved(*(at if at <= now else _LONG_AGO for at in it)) if max(it) > now else it
        for name, it in times.items()
    }


def credible_state(state: IndexState, now: float) -> IndexState:
    """Cap times at `now`. Save the result: a due time in the future would make the same assets due every cycle."""
    return replace(
        state,
        first_cycle_at=min(state.first_cycle_at, now),
        canary_at=min(state.canary_at, now),
        deep_due_since=min(state.deep_due_since, now),
        shallow_due_since=min(state.shallow_due_since, now),
    )


def _credible(row: Checkpoint, now: float) -> Checkpoint:
    applied, attempt = row.applied, row.attempt
    if applied and max(applied.shallow_at, applied.deep_at) > now:
        applied = _aged(applied, now)
    if attempt and attempt.tried_at > now:
        attempt = replace(attempt, due=_LONG_AGO)
    unchanged = applied is row.applied and attempt is row.attempt
    return row if unchanged else replace(row, applied=applied, attempt=attempt)


def _aged(applied: Applied, now: float) -> Applied:
    return replace(
        applied,
        shallow_at=applied.shallow_at if applied.shallow_at <= now else _LONG_AGO,
        deep_at=applied.deep_at if applied.deep_at <= now else _LONG_AGO,
    )

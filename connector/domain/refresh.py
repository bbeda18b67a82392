"""Schedule refreshes of applied assets, spread evenly. Needed because the listing does not show every change."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from connector.domain.ledger_model import Applied, Checkpoint, IndexState, Retrieved

_EARLIEST = 0.5
"""The smallest share of the interval after which an asset is due."""


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """Intervals in seconds: shallow (metadata) and deep (with vectors). `quota`: maximum per cycle."""

    interval: float
    deep_interval: float
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    indexed_asset_id: str
    deep: bool
    canary: bool = False


def due(applied: Mapping[str, Applied | Retrieved], state: IndexState, policy: RefreshPolicy, now: float) -> list[Due]:
    """The canary first, then the most overdue assets, up to the quota."""
    canary = _canary(applied, state, policy, now)
    moments = {
        name: _moments(facts, spread(name), state, policy)
        for name, facts in applied.items()
        if name != canary and min(_moments(facts, _EARLIEST, state, policy)) <= now
    }
    overdue = sorted((min(moment), name) for name, moment in moments.items() if min(moment) <= now)
    first = [Due(canary, deep=True, canary=True)] if canary else []
    return [*first, *(Due(name, deep=moments[name][1] <= now) for _, name in overdue)][: policy.quota]


def refreshable(row: Checkpoint, fingerprint: str) -> bool:
    """True if the row is applied at this fingerprint, and nothing is being tried."""
    return is_at_rest(row) and row.applied is not None and row.applied.fingerprint == fingerprint


def is_at_rest(row: Checkpoint) -> bool:
    """True if nothing is being tried. A refresh of any other row would compare with facts that may not hold."""
    return not (row.opened or row.attempt)


def canary_checked(state: IndexState, now: float, *, differs: bool) -> IndexState:
    """If the canary's vectors changed, the whole index is due for a deep refresh."""
    return replace(state, canary_at=now, deep_due_since=now if differs else state.deep_due_since)


def refresh_quota(assets: int, period: float, interval: float) -> int:
    """Maximum of refreshes per cycle, for a cycle every `period` seconds: three times the even share.

    Refreshes fall due in the second half of the interval (factor 2), plus 50 % to catch up. The cap also spreads a
    backlog after downtime.
    """
    return math.ceil(3 * assets * min(period / interval, 1.0))


def spread(indexed_asset_id: str) -> float:
    """A fixed fraction of the interval per asset, in [0.5, 1), so that due times are spread."""
    return _EARLIEST + int.from_bytes(blake2b(indexed_asset_id.encode(), digest_size=4).digest()) / 2**33


def _moments(facts: Applied | Retrieved, share: float, state: IndexState, policy: RefreshPolicy) -> tuple[float, float]:
    """Due times of the shallow and the deep refresh of an asset, after this share of the intervals."""
    shallow = _moment(facts.shallow_at, policy.interval * share, state.shallow_due_since)
    return shallow, _moment(facts.deep_at, policy.deep_interval * share, state.deep_due_since)


def _moment(last: float, wait: float, due_since: float) -> float:
    return min(last + wait, due_since) if last < due_since else last + wait


def _canary(
    applied: Mapping[str, Applied | Retrieved], state: IndexState, policy: RefreshPolicy, now: float
) -> str | None:
    """The asset to refresh deeply once per interval as a sample of the index: the one with the oldest deep refresh.

    None if that was within the interval: then all assets are samples.
    """
    if not applied or now < state.canary_at + policy.interval:
        return None
    oldest = min(applied, key=lambda name: (applied[name].deep_at, name))
    return None if now < applied[oldest].deep_at + policy.interval else oldest

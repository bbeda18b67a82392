"""Which applied assets are due to be retrieved again, spread evenly: the listing cannot show every change."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from connector.domain.model import Applied, IndexState


@dataclass(frozen=True, slots=True)
class RefreshPolicy:
    """Intervals in seconds: shallow retrievals show metadata, deep ones vectors too. `quota` bounds one cycle."""

    interval: float
    deep_interval: float
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class Due:
    indexed_asset_id: str
    deep: bool
    canary: bool = False


def due(applied: Mapping[str, Applied], state: IndexState, policy: RefreshPolicy, now: float) -> list[Due]:
    """The canary first, then the longest overdue, within the quota."""
    canary = _canary(applied, state, policy, now)
    moments = {name: _moments(name, facts, state, policy) for name, facts in applied.items() if name != canary}
    overdue = sorted((min(moment), name) for name, moment in moments.items() if min(moment) <= now)
    first = [Due(canary, deep=True, canary=True)] if canary else []
    return [*first, *(Due(name, deep=moments[name][1] <= now) for _, name in overdue)][: policy.quota]


def notice_name(state: IndexState, name: str, now: float) -> IndexState:
    """The index's name is in every payload: when it changes, all metadata is due."""
    renamed = state.index_name is not None and state.index_name != name
    return replace(state, index_name=name, shallow_due_since=now if renamed else state.shallow_due_since)


def refresh_quota(assets: int, period: float, interval: float) -> int:
    """How many refreshes a cycle may do that comes once in `period` seconds: three times its share.

    They fall due in the second half of the interval, which makes it twice, and some room is needed to catch up.

    Even so they are never all done at once, not even after the daemon was down for long.
    """
    return math.ceil(3 * assets * min(period / interval, 1.0))


def spread(indexed_asset_id: str) -> float:
    """A fixed share in [0.5, 1) of the interval for each asset, so that they never fall due all at once."""
    return 0.5 + int.from_bytes(blake2b(indexed_asset_id.encode(), digest_size=4).digest()) / 2**33


def _moments(name: str, facts: Applied, state: IndexState, policy: RefreshPolicy) -> tuple[float, float]:
    """When the shallow and when the deep retrieval of an asset is due."""
    share = spread(name)
    shallow = _moment(facts.shallow_at, policy.interval * share, state.shallow_due_since)
    return shallow, _moment(facts.deep_at, policy.deep_interval * share, state.deep_due_since)


def _moment(last: float, wait: float, due_since: float) -> float:
    return min(last + wait, due_since) if last < due_since else last + wait


def _canary(applied: Mapping[str, Applied], state: IndexState, policy: RefreshPolicy, now: float) -> str | None:
    """The asset whose deep retrieval, once in an interval, stands for the whole index: the one longest unseen."""
    if not applied or now < state.canary_at + policy.interval:
        return None
    return min(applied, key=lambda name: (applied[name].deep_at, name))

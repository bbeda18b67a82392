"""Attempt -> attempt: how a failure or a deferral changes it."""

from dataclasses import replace

from connector.domain.errors import ConnectorError, RateLimited
from connector.domain.ledger_model import Attempt

_FIRST_RETRY, _LAST_RETRY = 60.0, 6 * 3600.0
_SHORTEST_DEFERRAL, _LONGEST_DEFERRAL = 5.0, 900.0


def failed(attempt: Attempt, error: ConnectorError, now: float) -> Attempt:
    """Record a failure. The attempt counts; the back-off doubles from one minute to six hours."""
    wait = min(_FIRST_RETRY * 2.0 ** min(attempt.attempts - 1, 20), _LAST_RETRY)
    return replace(attempt, reason=str(error), code=error.code, due=now + wait, tried_at=now)


def deferred(attempt: Attempt, error: ConnectorError, now: float, *, at_once: bool = False) -> Attempt:
    """Record a deferral. The attempt does not count.

    The wait equals the time since the first try, at least 5 seconds and at most 15 minutes; `at_once` means no wait.
    `RateLimited.retry_after` is a lower bound.
    """
    wait = 0.0 if at_once else min(max(now - attempt.since, _SHORTEST_DEFERRAL), _LONGEST_DEFERRAL)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        wait = max(wait, error.retry_after)
    attempts, due = max(attempt.attempts - 1, 0), now + wait
    return replace(attempt, attempts=attempts, reason=str(error), code=error.code, due=due, tried_at=now)

"""Attempt -> attempt: how a failure or a deferral changes it."""

from dataclasses import replace

from connector.domain.backoff import exponential_backoff
from connector.domain.errors import ConnectorError, RateLimited
from connector.domain.ledger_model import Attempt

_FIRST_RETRY_SEC, _LONGEST_RETRY_SEC = 60.0, 6 * 3600.0
_SHORTEST_DEFERRAL_SEC, _LONGEST_DEFERRAL_SEC = 5.0, 900.0


def counted(before: Attempt | None, fingerprint: str, now: float) -> Attempt:
    """Count an attempt. A new fingerprint restarts the count at 1."""
    if before is None or before.fingerprint != fingerprint:
        return Attempt(fingerprint, 1, now)
    return Attempt(fingerprint, before.attempts + 1, min(before.since, now))


def failed(attempt: Attempt, error: ConnectorError, now: float) -> Attempt:
    """Record a failure. The attempt counts; the back-off doubles from one minute to six hours."""
    wait = exponential_backoff(attempt.attempts, _FIRST_RETRY_SEC, _LONGEST_RETRY_SEC)
    return replace(attempt, reason=str(error), code=error.code, due=now + wait, tried_at=now)


def deferred(attempt: Attempt, error: ConnectorError, now: float, *, at_once: bool = False) -> Attempt:
    """Record a deferral. The attempt does not count.

    The wait equals the time since the first try, at least 5 seconds and at most 15 minutes; `at_once` means no wait.
    `RateLimited.retry_after` is a lower bound.
    """
    wait = 0.0 if at_once else min(max(now - attempt.since, _SHORTEST_DEFERRAL_SEC), _LONGEST_DEFERRAL_SEC)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        wait = max(wait, error.retry_after)
    attempts, due = max(attempt.attempts - 1, 0), now + wait
    return replace(attempt, attempts=attempts, reason=str(error), code=error.code, due=due, tried_at=now)

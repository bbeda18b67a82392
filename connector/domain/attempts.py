"""What an unsuccessful attempt leaves in the ledger."""

from dataclasses import replace

from connector.domain.errors import ConnectorError, RateLimited
from connector.domain.model import Attempt

_FIRST_RETRY, _LAST_RETRY = 60.0, 6 * 3600.0
_SHORTEST_DEFERRAL, _LONGEST_DEFERRAL = 5.0, 900.0


def failed(attempt: Attempt, error: ConnectorError, now: float) -> Attempt:
    """A failure uses the attempt up; the wait doubles from a minute to six hours."""
    wait = min(_FIRST_RETRY * 2.0 ** min(attempt.attempts - 1, 20), _LAST_RETRY)
    return replace(attempt, reason=str(error), code=error.code, due=now + wait, tried_at=now)


def deferred(attempt: Attempt, error: ConnectorError, now: float, *, at_once: bool = False) -> Attempt:
    """A deferral gives the attempt back.

    The wait grows with the time since the first try, from 5 seconds to 15 minutes; with `at_once` there is none.
    """
    wait = 0.0 if at_once else min(max(now - attempt.since, _SHORTEST_DEFERRAL), _LONGEST_DEFERRAL)
    if isinstance(error, RateLimited) and error.retry_after is not None:
        wait = max(wait, error.retry_after)
    attempts, due = max(attempt.attempts - 1, 0), now + wait
    return replace(attempt, attempts=attempts, reason=str(error), code=error.code, due=due, tried_at=now)
